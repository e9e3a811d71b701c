//! Logits are free to take any value.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::Takes;

pub(super) const RULE: Rule = Rule {
    code: "FIN011",
    name: "bounded-logits",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds relu or tanh on an output whose loss takes logits.

## Why is this bad?
The loss applies softmax or sigmoid itself and needs logits of either sign. After relu none is
negative, so a sigmoid never says less than one half; after tanh no class of ten can get more than
a probability of 0.45.

## Example
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1), nn.ReLU())
criterion = nn.BCEWithLogitsLoss()

def step(x, y):
    return criterion(model(x), y)
```

## Use instead
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.BCEWithLogitsLoss()

def step(x, y):
    return criterion(model(x), y)
```

## References
- [PyTorch: BCEWithLogitsLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCEWithLogitsLoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end
        .last()
        .filter(|last| matches!(last.activation, Activation::Relu | Activation::Tanh))?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.takes == Some(Takes::Logits))?;
    if end.head.as_ref()?.spatial {
        return None;
    }
    let fault = Fault::new(
        last.at,
        format!(
            "{} bounds the logits that `{}` takes",
            last.activation.name(),
            loss.name
        ),
    )
    .against(loss.at, "this loss takes logits of either sign");
    Some(fault.reword(last.word, "use no activation", "linear"))
}
