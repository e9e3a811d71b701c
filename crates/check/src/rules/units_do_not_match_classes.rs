//! As many units as classes.

use super::{Fault, Rule, Severity, has_units};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN002",
    name: "units-do-not-match-classes",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a final layer whose units are not the classes that the labels have.

## Why is this bad?
A class without a unit cannot be predicted, and Keras and PyTorch stop with a shape error or, on
a GPU, with garbage. One yes-or-no label takes one sigmoid unit, not two.

## Example
```python
from keras.datasets import mnist
from keras.layers import Dense, Flatten, Input, Rescaling
from keras.models import Sequential
from keras.utils import to_categorical

(x, y), _ = mnist.load_data()
y = to_categorical(y, 10)
model = Sequential([Input((28, 28)), Rescaling(1 / 255), Flatten(), Dense(9, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.datasets import mnist
from keras.layers import Dense, Flatten, Input, Rescaling
from keras.models import Sequential
from keras.utils import to_categorical

(x, y), _ = mnist.load_data()
y = to_categorical(y, 10)
model = Sequential([Input((28, 28)), Rescaling(1 / 255), Flatten(), Dense(10, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    end.head.as_ref().filter(|head| !head.spatial)?;
    let units = end.units?;
    let labels = training.labels.as_ref()?;
    let kind = training.loss.as_ref()?.kind;
    let (wanted, labelled) = match training.coding() {
        Coding::OneHot {
            classes: Some(classes),
        } => (classes, format!("one-hot labels of {classes} classes")),
        Coding::MultiHot {
            labels: Some(count),
        } => (count, format!("{count} labels, each yes or no")),
        Coding::Integer {
            low: Some(0),
            classes: Some(classes),
        } if kind == LossKind::Binary && classes == 2 => (1, "one label, yes or no".to_owned()),
        // Spare units for numbers that do not occur do no harm.
        Coding::Integer {
            low: Some(0),
            classes: Some(classes),
        } if kind.is_exclusive() && kind != LossKind::Categorical && units.value < classes => {
            (classes, format!("labels of {classes} classes"))
        }
        _ => return None,
    };
    // One unit under a loss that chooses among classes has a rule of its own.
    if units.value == wanted
        || kind == LossKind::Distance
        || (units.value == 1 && kind.is_exclusive())
    {
        return None;
    }
    Some(
        Fault::new(
            units.at,
            format!("{}, the labels call for {wanted}", has_units(units.value)),
        )
        .against(labels.at, &labelled),
    )
}
