//! Classes are not distances.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN106",
    name: "regression-loss-for-classes",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a squared or absolute error on the probabilities of a classifier.

## Why is this bad?
Where a sigmoid or softmax is sure and wrong, the gradient of a squared error vanishes: the worst
mistakes are corrected last. Cross-entropy corrects them first.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="softmax"))
model.compile(loss="mse", optimizer="adam")
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
- [Keras: probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end.last()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Distance)?;
    let wanted = match (last.activation, training.coding()) {
        (_, Coding::Continuous { .. } | Coding::MultiHot { .. }) => return None,
        // One unit has a rule of its own.
        (Activation::Softmax, _) if end.unit_count() == Some(1) => return None,
        (Activation::Softmax, Coding::Integer { .. }) => LossKind::Sparse,
        (Activation::Softmax, Coding::OneHot { .. }) => LossKind::Categorical,
        // In PyTorch the other side may be the softmax of another network.
        (Activation::Softmax, _) if training.is_keras() => LossKind::Categorical,
        (
            Activation::Sigmoid,
            Coding::Integer {
                low: Some(0),
                classes: Some(2),
            },
        ) => LossKind::Binary,
        _ => return None,
    };
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` measures distances, but the model predicts classes",
            loss.name
        ),
    )
    .against(
        last.at,
        &format!("{} gives probabilities", last.activation.name()),
    );
    let sure = training.labels.is_some();
    Some(match loss.rename(wanted) {
        Some(edit) if sure && training.is_keras() => fault.fix("use cross-entropy", [edit]),
        _ => fault,
    })
}
