//! The loss that the labels beside the model call for.

use finial_task::{Loss as Wanted, TaskKind};

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN403",
    name: "loss-does-not-match-data",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Compares the loss with the labels that are given with `--data`, or that a model's own file names.

## Why is this bad?
A loss measures the distance from one kind of answer: one class of several, a yes or no for each
label, or a number. Another kind of answer trains badly or not at all.

## Example
For labels of three classes of which one is right:
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(3, activation="softmax"),
])
model.compile(optimizer="adam", loss="mse")
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
- [Keras: losses](https://keras.io/api/losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let data = training.data.as_ref()?;
    let loss = training.loss.as_ref()?;
    let wanted = data.task.loss();
    let pair = data.task.kind() == TaskKind::Binary && training.units() != Some(1);
    let fits = match wanted {
        Wanted::CategoricalCrossEntropy => loss.kind.is_exclusive(),
        Wanted::BinaryCrossEntropy => {
            loss.kind == LossKind::Binary || (pair && loss.kind.is_exclusive())
        }
        Wanted::MeanSquaredError => loss.kind == LossKind::Distance,
    };
    // Hinge is a loss of two classes.
    let hinge = loss.kind == LossKind::Hinge && data.task.kind() == TaskKind::Binary;
    if fits || hinge {
        return None;
    }
    Some(Fault::new(
        loss.at,
        format!("the loss is `{}`, but {}", loss.name, data.calls_for()),
    ))
}
