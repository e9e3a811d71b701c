//! One unit for each class, label or target of the data beside the model.

use finial_task::TaskKind;

use super::{Fault, Rule, Severity, has_units};
use crate::program::Training;
use crate::program::layer::Activation;

pub(super) const RULE: Rule = Rule {
    code: "FIN401",
    name: "units-do-not-match-data",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Compares the units of the final layer with the labels that are given with `--data`, or that a
model's own file names.

## Why is this bad?
Each class, label or target needs a unit. With fewer, some can never be predicted; with more, some
predictions mean nothing. Two classes need one unit with sigmoid; two units with softmax are the
same in another form and are left alone.

## Example
For labels of three classes:
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(2, activation="softmax"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy")
```

## Use instead
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(3, activation="softmax"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy")
```

## References
- [Keras: probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let data = training.data.as_ref()?;
    let end = training.end()?;
    end.head.as_ref().filter(|head| !head.spatial)?;
    let units = end.units?;
    let softmax_pair = data.task.kind() == TaskKind::Binary
        && units.value == 2
        && training.effective() == Some(Some(Activation::Softmax));
    if units.value == data.task.units() || softmax_pair {
        return None;
    }
    Some(Fault::new(
        units.at,
        format!("{}, but {}", has_units(units.value), data.calls_for()),
    ))
}
