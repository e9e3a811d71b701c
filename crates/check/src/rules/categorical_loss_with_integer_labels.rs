//! Categorical cross-entropy takes one-hot labels.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN105",
    name: "categorical-loss-with-integer-labels",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds labels that are numbers of classes under categorical cross-entropy.

## Why is this bad?
Categorical cross-entropy compares the output row by row with a one-hot row. A column of numbers
is refused with a shape error, or compared with each unit.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: CategoricalCrossentropy](https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Categorical)?;
    let Coding::Integer { low, classes } = training.coding() else {
        return None;
    };
    // One unit has a rule of its own.
    if training.units() == Some(1) {
        return None;
    }
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` takes one-hot labels, but the labels are numbers",
            loss.name
        ),
    )
    .against(
        training.labels.as_ref()?.at,
        "the labels are numbers of classes",
    );
    let fits = low == Some(0)
        && classes.is_none_or(|classes| training.units().is_none_or(|units| units >= classes));
    Some(match loss.rename(LossKind::Sparse) {
        Some(edit) if fits => fault.fix("use sparse categorical cross-entropy", [edit]),
        _ => fault,
    })
}
