//! Hinge losses take labels -1 and 1.

use super::{Fault, Rule, Severity};
use crate::program::Framework;
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN109",
    name: "hinge-with-zero-one-labels",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds labels 0 and 1 under a hinge loss that does not convert them: those of PyTorch and of
Keras 1.

## Why is this bad?
The loss multiplies label and output. A label 0 gives the same loss for every output, so half of
the data teaches nothing. Keras since 2.3 converts 0 to -1 by itself and is not reported.

## Example
```python
import torch
import torch.nn as nn

x = torch.randn(100, 20)
y = torch.randint(0, 2, (100, 1)).float()
model = nn.Linear(20, 1)
criterion = nn.SoftMarginLoss()
loss = criterion(model(x), y)
```

## Use instead
```python
import torch
import torch.nn as nn

x = torch.randn(100, 20)
y = torch.randint(0, 2, (100, 1)).float()
model = nn.Linear(20, 1)
criterion = nn.BCEWithLogitsLoss()
loss = criterion(model(x), y)
```

## References
- [PyTorch: SoftMarginLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.SoftMarginLoss.html)
- [Keras: hinge](https://keras.io/api/losses/hinge_losses/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::Hinge)?;
    if training.framework == Framework::Keras {
        return None;
    }
    let Coding::Integer {
        low: Some(0),
        classes: Some(2),
    } = training.coding()
    else {
        return None;
    };
    Some(
        Fault::new(
            loss.at,
            format!(
                "`{}` takes labels -1 and 1, but the labels are 0 and 1",
                loss.name
            ),
        )
        .against(training.labels.as_ref()?.at, "the labels are 0 and 1"),
    )
}
