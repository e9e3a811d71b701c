//! Accuracy of several labels is not that of the largest.

use super::{Fault, Rule, Severity};
use crate::program::Framework;
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, MetricUse, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN302",
    name: "accuracy-for-multi-label",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds `accuracy` as a metric of a Keras model with several sigmoid units.

## Why is this bad?
For more than one unit Keras takes `accuracy` for the accuracy of classes: it compares the largest
output with the largest label and forgets all others. `binary_accuracy` compares each label.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(5, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(5, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["binary_accuracy"])
```

## References
- [Keras: accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Binary)?;
    if !training.is_keras() || end.head.as_ref()?.spatial {
        return None;
    }
    let sigmoid = match loss.takes? {
        Takes::Logits => end.last().is_none(),
        _ => end
            .last()
            .is_some_and(|last| last.activation == Activation::Sigmoid),
    };
    let units = end.units.filter(|units| units.value >= 2)?;
    if !sigmoid
        || matches!(
            training.coding(),
            Coding::OneHot { .. } | Coding::Integer { .. }
        )
    {
        return None;
    }
    let metric = training.metrics.iter().find(|metric| match metric.kind {
        // Keras 1 chose the accuracy by the loss.
        MetricUse::Accuracy => training.framework == Framework::Keras,
        // Of classes, whoever asks for it by name wants it.
        MetricUse::CategoricalAccuracy => matches!(training.coding(), Coding::MultiHot { .. }),
        _ => false,
    })?;
    let fault = Fault::new(
        metric.at,
        format!(
            "accuracy compares only the largest of the {} labels",
            units.value
        ),
    )
    .against(units.at, "each of these units is a label of its own");
    Some(fault.reword(metric.word, "compare each label", "binary_accuracy"))
}
