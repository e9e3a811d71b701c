//! A softmax over one unit is always 1.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN001",
    name: "softmax-on-one-unit",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a final layer with one unit and softmax.

## Why is this bad?
Softmax divides each number by the sum of all. With one number the result is 1.0, whatever the
input: the model predicts the same for everything and learns nothing.

## Example
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, activation="softmax"),
])
model.compile(optimizer="adam", loss="binary_crossentropy")
```

## Use instead
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(16, activation="relu"),
    layers.Dense(1, activation="sigmoid"),
])
model.compile(optimizer="adam", loss="binary_crossentropy")
```

## References
- [Keras: softmax](https://keras.io/api/layers/activations/#softmax-function)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let softmax = end.last().filter(|last| {
        matches!(
            last.activation,
            Activation::Softmax | Activation::LogSoftmax
        )
    })?;
    let units = end.units.filter(|units| units.value == 1)?;
    let fault = Fault::new(
        softmax.at,
        format!(
            "{} over one unit is always {}, whatever the input",
            softmax.activation.name(),
            constant(softmax.activation)
        ),
    )
    .against(units.at, "the final layer has one unit");
    let loss = training.loss.as_ref().map(|loss| loss.kind);
    Some(match (softmax.word, loss) {
        (Some(word), Some(LossKind::Binary)) => fault.fix("use sigmoid", [(word, "sigmoid")]),
        (Some(word), Some(LossKind::Distance)) => {
            fault.fix("use no activation", [(word, "linear")])
        }
        _ => fault,
    })
}

fn constant(activation: Activation) -> &'static str {
    if activation == Activation::Softmax {
        "1"
    } else {
        "0"
    }
}
