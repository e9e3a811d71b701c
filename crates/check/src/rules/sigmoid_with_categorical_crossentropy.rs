//! Sigmoids do not share one probability.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN103",
    name: "sigmoid-with-categorical-crossentropy",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds sigmoid over several units under categorical cross-entropy.

## Why is this bad?
Categorical cross-entropy looks only at the unit of the true class. With sigmoids nothing pulls
the others down; Keras divides by their sum, which softmax does better.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="sigmoid"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
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
        .filter(|last| last.activation == Activation::Sigmoid)?;
    let loss = training.loss.as_ref().filter(|loss| {
        training.is_keras() && loss.kind.is_exclusive() && loss.takes == Some(Takes::Probabilities)
    })?;
    // One unit has a rule of its own.
    if end.unit_count() == Some(1) {
        return None;
    }
    let fault = Fault::new(
        last.at,
        format!(
            "sigmoid says each class by itself, but `{}` expects one of them",
            loss.name
        ),
    )
    .against(loss.at, "this loss chooses one class");
    Some(
        match (training.coding(), last.word, loss.rename(LossKind::Binary)) {
            (Coding::MultiHot { .. }, _, Some(edit)) => {
                fault.fix("use binary cross-entropy", [edit])
            }
            (Coding::OneHot { .. } | Coding::Integer { .. }, Some(word), _) => {
                fault.fix("use softmax", [(word, "softmax")])
            }
            _ => fault,
        },
    )
}
