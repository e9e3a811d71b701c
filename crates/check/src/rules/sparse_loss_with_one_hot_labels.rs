//! A sparse loss takes the number of the class.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN104",
    name: "sparse-loss-with-one-hot-labels",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds one-hot labels under a loss that expects the class as a number.

## Why is this bad?
Sparse categorical cross-entropy and `NLLLoss` take one number for each row. A one-hot row is
refused with a shape error, or read as several labels.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
y = to_categorical(y)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
y = to_categorical(y)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: SparseCategoricalCrossentropy](https://keras.io/api/losses/probabilistic_losses/#sparsecategoricalcrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let loss = training.loss.as_ref().filter(|loss| {
        matches!(
            loss.kind,
            LossKind::Sparse | LossKind::NegativeLogLikelihood
        )
    })?;
    let Coding::OneHot { .. } = training.coding() else {
        return None;
    };
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` takes classes as numbers, but the labels are one-hot",
            loss.name
        ),
    )
    .against(
        training.labels.as_ref()?.at,
        "the labels become one-hot here",
    );
    Some(match loss.rename(LossKind::Categorical) {
        Some(edit) if loss.kind == LossKind::Sparse => {
            fault.fix("use categorical cross-entropy", [edit])
        }
        _ => fault,
    })
}
