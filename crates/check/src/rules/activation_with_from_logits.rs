//! Logits are what comes before the activation.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::loss::Takes;

pub(super) const RULE: Rule = Rule {
    code: "FIN005",
    name: "activation-with-from-logits",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds softmax or sigmoid in a model whose loss says `from_logits=True`.

## Why is this bad?
The loss applies softmax or sigmoid itself. Applied twice, all probabilities are close to each
other: gradients are small, training is slow and the loss stays high.

## Example
```python
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.compile(
    optimizer="adam",
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
)
```

## Use instead
```python
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.compile(
    optimizer="adam",
    loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=False),
)
```

## References
- [Keras: from_logits](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let last = training
        .end()?
        .last()
        .filter(|last| last.activation.is_probability())?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| training.is_keras() && loss.takes == Some(Takes::Logits))?;
    let name = last.activation.name();
    let fault = Fault::new(
        loss.from_logits.unwrap_or(loss.at),
        format!(
            "`{}` takes logits, but the model already applies {name}",
            loss.name
        ),
    )
    .against(last.at, &format!("{name} is applied here"));
    Some(fault.reword(loss.from_logits, "take probabilities", "False"))
}
