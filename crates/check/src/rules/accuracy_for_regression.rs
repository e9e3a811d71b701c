//! Numbers are seldom hit exactly.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, MetricUse};

pub(super) const RULE: Rule = Rule {
    code: "FIN301",
    name: "accuracy-for-regression",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds `accuracy` as a metric of a regression.

## Why is this bad?
Accuracy counts predictions that equal the label. A predicted price never does, so the metric stays
near 0 however good the model is. The mean absolute error says how far off it is.

## Example
```python
from keras.datasets import boston_housing
from keras.layers import Dense
from keras.models import Sequential

(x, y), _ = boston_housing.load_data()
model = Sequential([Dense(64, activation="relu"), Dense(1)])
model.compile(loss="mse", optimizer="adam", metrics=["accuracy"])
model.fit(x, y)
```

## Use instead
```python
from keras.datasets import boston_housing
from keras.layers import Dense
from keras.models import Sequential

(x, y), _ = boston_housing.load_data()
model = Sequential([Dense(64, activation="relu"), Dense(1)])
model.compile(loss="mse", optimizer="adam", metrics=["mae"])
model.fit(x, y)
```

## References
- [Keras: regression metrics](https://keras.io/api/metrics/regression_metrics/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Distance)?;
    let linear = match end.last().map(|last| last.activation) {
        None | Some(Activation::Relu | Activation::OtherRectifier) => true,
        Some(Activation::Sigmoid | Activation::Tanh) => {
            matches!(training.coding(), Coding::Continuous { .. })
        }
        _ => false,
    };
    let classes = matches!(
        training.coding(),
        Coding::OneHot { .. }
            | Coding::MultiHot { .. }
            | Coding::Integer {
                classes: Some(2),
                ..
            }
    );
    if !linear || classes {
        return None;
    }
    let metric = training.metrics.iter().find(|metric| {
        matches!(
            metric.kind,
            MetricUse::Accuracy | MetricUse::BinaryAccuracy | MetricUse::CategoricalAccuracy
        )
    })?;
    let fault = Fault::new(
        metric.at,
        "accuracy counts exact hits, which a regression never makes".to_owned(),
    )
    .against(loss.at, &format!("`{}` makes it a regression", loss.name));
    Some(fault.reword(metric.word, "use the mean absolute error", "mae"))
}
