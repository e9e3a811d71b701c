//! One unit cannot tell three classes apart.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN003",
    name: "one-unit-for-many-classes",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds one unit with binary cross-entropy, or one sigmoid unit with a squared or absolute error, where
the labels are numbers of three or more classes.

## Why is this bad?
Binary cross-entropy expects labels 0 and 1. A label 2 drives the loss below zero without end, and
the one output can never name the third class.

## Example
```python
from sklearn.datasets import load_iris
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

iris = load_iris()
model = Sequential([Dense(8, activation="relu"), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam")
model.fit(iris.data, iris.target)
```

## Use instead
```python
from sklearn.datasets import load_iris
from tensorflow.keras.layers import Dense
from tensorflow.keras.models import Sequential

iris = load_iris()
model = Sequential([Dense(8, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(iris.data, iris.target)
```

## References
- [Keras: probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let sigmoid = end.last().map(|last| last.activation) == Some(Activation::Sigmoid);
    let loss = training.loss.as_ref().filter(|loss| {
        // A linear unit may learn the numbers of the classes, if they have an order.
        loss.kind == LossKind::Binary || (loss.kind == LossKind::Distance && sigmoid)
    })?;
    let units = end.units.filter(|units| units.value == 1)?;
    let labels = training.labels.as_ref()?;
    let Coding::Integer {
        classes: Some(classes @ 3..),
        ..
    } = labels.coding
    else {
        return None;
    };
    Some(
        Fault::new(
            units.at,
            format!(
                "one unit under `{}` cannot tell {classes} classes apart",
                loss.name
            ),
        )
        .against(labels.at, &format!("the labels have {classes} classes")),
    )
}
