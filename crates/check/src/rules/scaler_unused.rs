//! Scaled numbers are there to be used.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN205",
    name: "scaler-unused",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a scaler, or numbers that were scaled, that nothing in the program uses, although a model is fitted.

## Why is this bad?
Networks train badly on numbers of very different sizes. A scaler that is made and left, or whose
result is not what the model is fitted on, is a slip: the model still gets the raw numbers.

## Example
```python
from sklearn.preprocessing import StandardScaler
from tensorflow import keras

scaler = StandardScaler()
scaled = scaler.fit_transform(x)
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(x, y)
```

## Use instead
```python
from sklearn.preprocessing import StandardScaler
from tensorflow import keras

scaler = StandardScaler()
scaled = scaler.fit_transform(x)
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse")
model.fit(scaled, y)
```

## References
- [scikit-learn: StandardScaler](https://scikit-learn.org/stable/modules/generated/sklearn.preprocessing.StandardScaler.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let at = training.unused_scaler?;
    Some(Fault::new(
        at,
        "nothing uses this: the model is fitted on numbers that are not scaled".to_owned(),
    ))
}
