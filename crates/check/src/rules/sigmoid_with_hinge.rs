//! A hinge loss needs outputs of either sign.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN110",
    name: "sigmoid-with-hinge",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds sigmoid or softmax under a hinge loss.

## Why is this bad?
Hinge losses compare the output with -1 and 1. A sigmoid never gives less than 0, so that the label
-1 is out of reach.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="hinge", optimizer="adam")
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(1, activation="tanh"))
model.compile(loss="hinge", optimizer="adam")
```

## References
- [Keras: hinge](https://keras.io/api/losses/hinge_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let last = training
        .end()?
        .last()
        .filter(|last| last.activation.is_probability())?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Hinge)?;
    let fault = Fault::new(
        last.at,
        format!(
            "`{}` compares with -1 and 1, but {} never gives less than 0",
            loss.name,
            last.activation.name()
        ),
    )
    .against(loss.at, "this loss expects outputs of either sign");
    Some(match (last.activation, last.word) {
        (Activation::Sigmoid, Some(word)) => fault.fix("use tanh", [(word, "tanh")]),
        _ => fault,
    })
}
