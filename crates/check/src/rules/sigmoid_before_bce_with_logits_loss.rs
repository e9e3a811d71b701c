//! `BCEWithLogitsLoss` applies sigmoid itself.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN013",
    name: "sigmoid-before-bce-with-logits-loss",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds sigmoid or softmax before PyTorch's `BCEWithLogitsLoss`.

## Why is this bad?
The loss applies sigmoid to what it gets. Applied twice, a probability lies between 0.5 and 0.73:
the model cannot say no.

## Example
```python
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 1)

    def forward(self, x):
        return torch.sigmoid(self.fc(x))

def step(x, y):
    criterion = nn.BCEWithLogitsLoss()
    return criterion(Net()(x), y)
```

## Use instead
```python
import torch
import torch.nn as nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 1)

    def forward(self, x):
        return self.fc(x)

def step(x, y):
    criterion = nn.BCEWithLogitsLoss()
    return criterion(Net()(x), y)
```

## References
- [PyTorch: BCEWithLogitsLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let last = training.end()?.last().filter(|last| {
        last.activation.is_probability() || last.activation == Activation::LogSigmoid
    })?;
    let loss = training.loss.as_ref().filter(|loss| {
        !training.is_keras() && loss.kind == LossKind::Binary && loss.takes == Some(Takes::Logits)
    })?;
    let name = last.activation.name();
    Some(
        Fault::new(
            last.at,
            format!(
                "`{}` applies sigmoid itself, but the model already applies {name}",
                loss.name
            ),
        )
        .against(loss.at, "this loss takes logits"),
    )
}
