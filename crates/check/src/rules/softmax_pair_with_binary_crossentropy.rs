//! Two softmax units under binary cross-entropy are a roundabout sigmoid.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN111",
    name: "softmax-pair-with-binary-crossentropy",
    severity: Severity::Note,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds softmax over two units under binary cross-entropy.

## Why is this bad?
It computes the same as categorical cross-entropy, so nothing is wrong with the result. One sigmoid
unit says the same with half of the weights. Off unless selected.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(2, activation="softmax"))
model.compile(loss="binary_crossentropy", optimizer="adam")
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(2, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
```

## References
- [Keras: BinaryCrossentropy](https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end
        .last()
        .filter(|last| last.activation == Activation::Softmax)?;
    end.unit_count().filter(|units| *units == 2)?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Binary)?;
    if matches!(
        training.coding(),
        Coding::MultiHot { .. } | Coding::Integer { .. }
    ) {
        return None;
    }
    Some(
        Fault::new(
            loss.at,
            format!(
                "`{}` over two softmax units says the same as one sigmoid unit",
                loss.name
            ),
        )
        .against(last.at, "softmax is applied here"),
    )
}
