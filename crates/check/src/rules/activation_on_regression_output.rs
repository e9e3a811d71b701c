//! An output must be able to reach its targets.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN009",
    name: "activation-on-regression-output",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds an activation on the output of a regression whose targets lie outside what it can give.

## Why is this bad?
Sigmoid and softmax give numbers from 0 to 1, tanh from -1 to 1, relu none below 0. A target
outside can never be predicted.

## Example
```python
from keras.datasets import boston_housing
from keras.layers import Dense
from keras.models import Sequential

(x, y), _ = boston_housing.load_data()
model = Sequential([Dense(64, activation="relu"), Dense(1, activation="sigmoid")])
model.compile(loss="mse", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.datasets import boston_housing
from keras.layers import Dense
from keras.models import Sequential

(x, y), _ = boston_housing.load_data()
model = Sequential([Dense(64, activation="relu"), Dense(1)])
model.compile(loss="mse", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: regression losses](https://keras.io/api/losses/regression_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end.last()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Distance)?;
    let (low, high) = match (training.coding(), &training.data) {
        (Coding::Continuous { low, high }, _) => (low, high),
        (Coding::Unknown, Some(data)) => data.range.map(|(low, high)| (Some(low), Some(high)))?,
        _ => return None,
    };
    let (least, most) = match last.activation {
        Activation::Sigmoid => (0.0, 1.0),
        // Softmax over one unit has a rule of its own.
        Activation::Softmax if end.unit_count() != Some(1) => (0.0, 1.0),
        Activation::Tanh => (-1.0, 1.0),
        Activation::Relu => (0.0, f64::INFINITY),
        _ => return None,
    };
    let below = low.is_some_and(|low| low < least);
    let above = high.is_some_and(|high| high > most);
    (below || above).then(|| {
        let name = last.activation.name();
        let reach = if most.is_finite() {
            format!("from {least} to {most}")
        } else {
            "of 0 and more".to_owned()
        };
        let mut fault = Fault::new(
            last.at,
            format!(
                "{name} gives numbers {reach}, but the targets of `{}` lie outside",
                loss.name
            ),
        );
        if let Some(labels) = &training.labels {
            fault = fault.against(labels.at, "these are the targets");
        }
        fault.reword(last.word, "use no activation", "linear")
    })
}
