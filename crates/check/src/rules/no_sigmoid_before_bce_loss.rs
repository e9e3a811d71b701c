//! `BCELoss` takes probabilities.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::loss::{LossKind, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN015",
    name: "no-sigmoid-before-bce-loss",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds an output without sigmoid before PyTorch's `BCELoss`.

## Why is this bad?
`BCELoss` stops with an error, or on a GPU with a failed assertion, as soon as an output lies
outside 0 and 1. `BCEWithLogitsLoss` takes the output as it is, and is more stable.

## Example
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1))
criterion = nn.BCELoss()

def step(x, y):
    return criterion(model(x), y)
```

## Use instead
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 1), nn.Sigmoid())
criterion = nn.BCELoss()

def step(x, y):
    return criterion(model(x), y)
```

## References
- [PyTorch: BCELoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.BCELoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let loss = training.loss.as_ref().filter(|loss| {
        !training.is_keras()
            && loss.kind == LossKind::Binary
            && loss.takes == Some(Takes::Probabilities)
    })?;
    let fault = |at| {
        Fault::new(
            at,
            format!(
                "`{}` takes probabilities, but the output has no sigmoid",
                loss.name
            ),
        )
    };
    match end.last() {
        None => Some(fault(loss.at).against(end.head.as_ref()?.at, "the output is this layer's")),
        Some(last) => {
            let wrong = !last.activation.is_probability();
            wrong
                .then(|| fault(last.at).against(loss.at, "this loss expects the output of sigmoid"))
        }
    }
}
