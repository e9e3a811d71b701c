//! Gradients add up until they are cleared.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN510",
    name: "gradient-never-zeroed",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds an optimizer of PyTorch that steps in a loop, in a program that never clears gradients.

## Why is this bad?
`backward` adds to the gradients that are there. Without `zero_grad` each step follows the sum of all
batches so far, and the training runs away.

## Example
```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for inputs, labels in loader:
    loss = criterion(model(inputs), labels)
    loss.backward()
    optimizer.step()
```

## Use instead
```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for inputs, labels in loader:
    optimizer.zero_grad()
    loss = criterion(model(inputs), labels)
    loss.backward()
    optimizer.step()
```

## References
- [PyTorch: zero_grad](https://docs.pytorch.org/docs/stable/generated/torch.optim.Optimizer.zero_grad.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let at = training.unzeroed?;
    Some(Fault::new(
        at,
        "gradients are never cleared: each step follows the sum of all batches so far; call \
         `zero_grad()` before `backward()`"
            .to_owned(),
    ))
}
