//! `CrossEntropyLoss` applies log-softmax itself.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN012",
    name: "softmax-before-cross-entropy-loss",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds softmax, log-softmax or sigmoid before PyTorch's `CrossEntropyLoss`.

## Why is this bad?
`CrossEntropyLoss` takes logits. After a softmax all inputs lie between 0 and 1, so the loss of ten
classes cannot fall below 1.46 and gradients are small. A log-softmax before it is harmless and
idle.

## Example
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.Softmax(dim=1))
criterion = nn.CrossEntropyLoss()

def step(x, y):
    return criterion(model(x), y)
```

## Use instead
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()

def step(x, y):
    return criterion(model(x), y)
```

## References
- [PyTorch: CrossEntropyLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let last = training.end()?.last().filter(|last| {
        last.activation.is_probability() || last.activation == Activation::LogSoftmax
    })?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::CrossEntropy)?;
    let name = last.activation.name();
    let message = match last.activation {
        Activation::LogSoftmax => format!(
            "`{}` applies log-softmax itself, this one is idle",
            loss.name
        ),
        _ => format!(
            "`{}` takes logits, but the model already applies {name}",
            loss.name
        ),
    };
    Some(Fault::new(last.at, message).against(loss.at, "this loss applies log-softmax itself"))
}
