//! Numbers are not probabilities.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;

pub(super) const RULE: Rule = Rule {
    code: "FIN107",
    name: "cross-entropy-for-regression",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a cross-entropy where the labels are numbers to be predicted.

## Why is this bad?
Cross-entropy takes labels as classes or probabilities. A price of 24.5 is neither: the loss falls
below zero or is refused.

## Example
```python
from keras.datasets import boston_housing
from keras.layers import Dense
from keras.models import Sequential

(x, y), _ = boston_housing.load_data()
model = Sequential([Dense(64, activation="relu"), Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam")
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
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind.is_cross_entropy())?;
    let labels = training.labels.as_ref()?;
    let Coding::Continuous { low, high } = labels.coding else {
        return None;
    };
    let outside = low.is_some_and(|low| low < 0.0) || high.is_some_and(|high| high > 1.0);
    // Rows of numbers between 0 and 1 may be probabilities.
    outside.then(|| {
        Fault::new(
            loss.at,
            format!("`{}` is for classes, but the labels are numbers", loss.name),
        )
        .against(labels.at, "these are the labels")
    })
}
