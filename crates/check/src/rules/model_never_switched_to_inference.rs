//! Dropout and batch norm have two ways to run.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN511",
    name: "model-never-switched-to-inference",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a PyTorch model with dropout or batch norm that is asked in a `no_grad` block, in a program that
never calls `eval()`.

## Why is this bad?
`no_grad` only saves memory. Without `model.eval()` dropout still drops and batch norm still uses the
statistics of the batch: scores are too low, and answers depend on what else is in the batch.

## Example
```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for inputs, labels in loader:
    optimizer.zero_grad()
    loss = criterion(model(inputs), labels)
    loss.backward()
    optimizer.step()

with torch.no_grad():
    correct = (model(test_inputs).argmax(dim=1) == test_labels).float().mean()
```

## Use instead
```python
import torch
from torch import nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 3))
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
for inputs, labels in loader:
    optimizer.zero_grad()
    loss = criterion(model(inputs), labels)
    loss.backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    correct = (model(test_inputs).argmax(dim=1) == test_labels).float().mean()
```

## References
- [PyTorch: eval](https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html#torch.nn.Module.eval)
"#;

fn check(training: &Training) -> Option<Fault> {
    let at = training.unswitched?;
    Some(Fault::new(
        at,
        "the model is asked as in training: call `eval()` before, so that dropout and batch norm \
         run as in inference"
            .to_owned(),
    ))
}
