//! A loss that chooses among classes needs several.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN101",
    name: "categorical-loss-on-one-unit",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds categorical or sparse categorical cross-entropy over one unit.

## Why is this bad?
With one unit there is one class, and its probability is 1: the loss is 0 from the start, or a
shape error. One yes-or-no label takes a sigmoid and binary cross-entropy.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(1, activation="sigmoid"))
model.compile(loss="binary_crossentropy", optimizer="adam")
```

## References
- [Keras: probabilistic losses](https://keras.io/api/losses/probabilistic_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    // Of numbers to be predicted the loss is wrong, and has a rule of its own.
    if super::cross_entropy_for_regression::RULE
        .check(training)
        .is_some()
    {
        return None;
    }
    let end = training.end()?;
    let units = end.units.filter(|units| units.value == 1)?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind.is_exclusive())?;
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` chooses among classes, but the model has one unit",
            loss.name
        ),
    )
    .against(units.at, "the final layer has one unit");
    let sigmoid = training.last() == Some(Some(Activation::Sigmoid));
    let two = !matches!(training.coding(), Coding::OneHot { .. })
        && training
            .labels
            .as_ref()
            .is_none_or(|labels| labels.classes().is_none_or(|classes| classes == 2));
    Some(match loss.rename(LossKind::Binary) {
        Some(edit) if sigmoid && two => fault.fix("use binary cross-entropy", [edit]),
        _ => fault,
    })
}
