//! A metric judges what the loss trains.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::{LossKind, Metric, MetricUse};

pub(super) const RULE: Rule = Rule {
    code: "FIN304",
    name: "no-metric-fits-the-loss",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a loss of which no metric of the program speaks.

## Why is this bad?
A metric that expects another kind of label than the loss gives numbers that mean nothing:
`categorical_accuracy` compares one-hot labels, a sparse loss gets class numbers; a mean squared error
says little about classes.

## Example
```python
from keras import layers, models

model = models.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["categorical_accuracy"])
```

## Use instead
```python
from keras import layers, models

model = models.Sequential([
    layers.Dense(64, activation="relu"),
    layers.Dense(10, activation="softmax"),
])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
```

## References
- [Keras: accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let loss = training.loss.as_ref()?;
    // Of numbers to be predicted the loss is wrong, and has a rule of its own.
    if matches!(training.coding(), Coding::Continuous { .. }) {
        return None;
    }
    // A metric that cannot take the output has a rule of its own.
    if super::metric_cannot_take_the_output::RULE
        .check(training)
        .is_some()
    {
        return None;
    }
    let first = training.metrics.first()?;
    // Of yes or no, the targets may be numbers between: an autoencoder's pixels.
    let numbers = loss.kind == LossKind::Binary && training.coding() == Coding::Unknown;
    let unfit = |metric: &Metric| {
        metric.kind.fits(loss.kind) == Some(false)
            && !(numbers && metric.kind == MetricUse::Distance)
    };
    if !training.metrics.iter().all(unfit) {
        return None;
    }
    let fault = Fault::new(
        first.at,
        format!(
            "this metric says nothing about a model that `{}` trains",
            loss.name
        ),
    )
    .against(loss.at, "the loss");
    Some(match first.word.filter(|_| training.metrics.len() == 1) {
        Some(word) => fault.fix("use accuracy", [(word, "accuracy")]),
        None => fault,
    })
}
