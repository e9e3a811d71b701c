//! Softmax goes over the classes, not over the batch.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;

pub(super) const RULE: Rule = Rule {
    code: "FIN010",
    name: "softmax-over-the-batch",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a softmax of the output with `dim=0`.

## Why is this bad?
The first dimension of a batch counts its examples. Softmax over it makes the examples compete,
and what the model says of one depends on the others.

## Example
```python
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return F.log_softmax(self.fc(x), dim=0)

def step(x, y):
    loss = F.nll_loss(Net()(x), y)
```

## Use instead
```python
import torch.nn as nn
import torch.nn.functional as F

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return F.log_softmax(self.fc(x), dim=1)

def step(x, y):
    loss = F.nll_loss(Net()(x), y)
```

## References
- [PyTorch: Softmax](https://docs.pytorch.org/docs/stable/generated/torch.nn.Softmax.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    training
        .loss
        .as_ref()
        .filter(|loss| loss.kind.is_cross_entropy())?;
    let over = training.end()?.activations.iter().find(|activated| {
        let softmax = matches!(
            activated.activation,
            Activation::Softmax | Activation::LogSoftmax
        );
        softmax && activated.axis == Some(0)
    })?;
    Some(Fault::new(
        over.at,
        format!(
            "{} over axis 0 goes over the examples of the batch, not over the classes",
            over.activation.name()
        ),
    ))
}
