//! A loss that expects probabilities must get some.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::Takes;
use ruff_text_size::TextRange;

pub(super) const RULE: Rule = Rule {
    code: "FIN004",
    name: "missing-activation",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a Keras model whose output is no probability, under a cross-entropy that expects one.

## Why is this bad?
Keras cuts the output off at 0 and 1 and takes the logarithm: whatever lies outside gives no
gradient. The loss looks plausible and does not fall. Either the final layer has sigmoid or
softmax, or the loss says `from_logits=True`.

## Example
```python
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(10),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
```

## Use instead
```python
import tensorflow as tf

model = tf.keras.Sequential([
    tf.keras.layers.Dense(64, activation="relu"),
    tf.keras.layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
```

## References
- [Keras: from_logits](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    // Of numbers to be predicted the loss is wrong, and has a rule of its own.
    if super::cross_entropy_for_regression::RULE
        .check(training)
        .is_some()
    {
        return None;
    }
    let end = training.end()?;
    let loss = training.loss.as_ref().filter(|loss| {
        training.is_keras()
            && loss.takes == Some(Takes::Probabilities)
            && loss.kind.is_cross_entropy()
    })?;
    // One unit under a loss that chooses among classes has a rule of its own.
    if loss.kind.is_exclusive() && end.unit_count() == Some(1) {
        return None;
    }
    let wanted = if loss.kind.is_exclusive() {
        "softmax"
    } else {
        "sigmoid"
    };
    match end.last() {
        None => {
            let head = end.head.as_ref()?;
            let fault = Fault::new(
                head.at,
                format!(
                    "the output has no activation, but `{}` expects probabilities",
                    loss.name
                ),
            )
            .against(
                loss.at,
                "without `from_logits=True` the loss takes probabilities",
            );
            let argument = format!(", activation=\"{wanted}\"");
            Some(match head.insert {
                Some(end) => fault.fix(
                    &format!("add {wanted}"),
                    [(TextRange::empty(end), argument.as_str())],
                ),
                None => fault,
            })
        }
        Some(last) => {
            let wrong = matches!(
                last.activation,
                Activation::Relu
                    | Activation::Tanh
                    | Activation::OtherRectifier
                    | Activation::LogSoftmax
            );
            if !wrong {
                return None;
            }
            let fault = Fault::new(
                last.at,
                format!(
                    "the output of {} is no probability, but `{}` expects one",
                    last.activation.name(),
                    loss.name
                ),
            )
            .against(
                loss.at,
                "without `from_logits=True` the loss takes probabilities",
            );
            Some(fault.reword(last.word, &format!("use {wanted}"), wanted))
        }
    }
}
