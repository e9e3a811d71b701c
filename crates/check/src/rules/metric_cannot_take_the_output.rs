//! A metric has to fit the shape of the output.

use super::{Fault, Rule, Severity, has_units};
use crate::program::Training;
use crate::program::loss::{LossKind, MetricUse};

pub(super) const RULE: Rule = Rule {
    code: "FIN305",
    name: "metric-cannot-take-the-output",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds metrics that cannot take the output: classes compared where there is one unit, yes-or-no metrics
over class numbers, the first five of five classes or fewer.

## Why is this bad?
Over one unit the most likely class is always the first, so categorical accuracy is always 1 or the
share of one class. Precision and recall compare shapes and stop with an error under class numbers.
The first five of five classes always hold the right one.

## Example
```python
import keras
from keras import layers

model = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["categorical_accuracy"])
```

## Use instead
```python
import keras
from keras import layers

model = keras.Sequential([layers.Dense(64, activation="relu"), layers.Dense(1, activation="sigmoid")])
model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
```

## References
- [Keras: accuracy metrics](https://keras.io/api/metrics/accuracy_metrics/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let loss = training.loss.as_ref()?;
    let end = training.end()?;
    end.head.as_ref().filter(|head| !head.spatial)?;
    let units = end.units?;
    let reason = |metric: MetricUse| match metric {
        MetricUse::CategoricalAccuracy | MetricUse::SparseCategoricalAccuracy
            if units.value == 1 =>
        {
            Some("compares classes, and one unit has only one".to_owned())
        }
        MetricUse::TopK(Some(k)) | MetricUse::SparseTopK(Some(k)) if k >= units.value => {
            Some(format!("is always 1: any class is among the first {k}"))
        }
        MetricUse::Binary if loss.kind == LossKind::Sparse && units.value > 2 => {
            Some("compares yes and no, but the labels are class numbers".to_owned())
        }
        _ => None,
    };
    let mut faults = training.metrics.iter().filter_map(|metric| {
        let reason = reason(metric.kind)?;
        Some((metric, reason))
    });
    let (metric, reason) = faults.next()?;
    let fault = Fault::new(metric.at, format!("this metric {reason}"))
        .against(units.at, &has_units(units.value));
    Some(fault.reword(metric.word, "use accuracy", "accuracy"))
}
