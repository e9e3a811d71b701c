//! Classes that exclude each other take categorical cross-entropy.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN102",
    name: "softmax-with-binary-crossentropy",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds softmax over several units under binary cross-entropy.

## Why is this bad?
Binary cross-entropy judges each unit by itself, as if the classes were independent. Most units
are 0 for most rows, so that loss and accuracy look good long before the model is.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="softmax"))
model.compile(loss="binary_crossentropy", optimizer="adam")
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
```

## References
- [Keras: CategoricalCrossentropy](https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end
        .last()
        .filter(|last| last.activation == Activation::Softmax)?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Binary && loss.takes == Some(Takes::Probabilities))?;
    // One unit, two units and labels that are not exclusive have rules of their own.
    if matches!(end.unit_count(), Some(1 | 2))
        || matches!(training.coding(), Coding::MultiHot { .. })
    {
        return None;
    }
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` judges each unit by itself, but softmax makes them classes",
            loss.name
        ),
    )
    .against(last.at, "softmax is applied here");
    let wanted = match training.coding() {
        Coding::Integer { .. } => LossKind::Sparse,
        _ => LossKind::Categorical,
    };
    Some(match loss.rename(wanted) {
        Some(edit) => fault.fix("use categorical cross-entropy", [edit]),
        None => fault,
    })
}
