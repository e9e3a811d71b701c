//! Accuracy of classes counts whole rows.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::MetricUse;

pub(super) const RULE: Rule = Rule {
    code: "FIN303",
    name: "binary-accuracy-for-exclusive-classes",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds `binary_accuracy` as a metric of a model that chooses one class of several.

## Why is this bad?
Binary accuracy judges each unit by itself. Of ten classes nine are rightly 0 in every row, so that
a model that knows nothing has 90 %.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["binary_accuracy"])
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
```

## References
- [Keras: accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind.is_exclusive())?;
    // Of two classes it is the same.
    if end.unit_count().is_some_and(|units| units <= 2)
        || training.last() != Some(Some(Activation::Softmax))
    {
        return None;
    }
    let metric = training
        .metrics
        .iter()
        .find(|metric| metric.kind == MetricUse::BinaryAccuracy)?;
    let fault = Fault::new(
        metric.at,
        "binary accuracy judges each class by itself, though one of them is right".to_owned(),
    )
    .against(loss.at, "this loss chooses one class");
    Some(fault.reword(metric.word, "use accuracy", "accuracy"))
}
