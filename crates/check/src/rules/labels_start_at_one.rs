//! Classes are counted from 0.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN201",
    name: "labels-start-at-one",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds labels that start at 1 under a loss that takes the number of the class.

## Why is this bad?
The loss takes the label as the index of a unit. Label 10 of ten classes has none: Keras gives NaN
or an error, PyTorch fails an assertion.

## Example
```python
import torch
import torch.nn as nn

x = torch.randn(100, 20)
y = torch.randint(1, 6, (100,))
model = nn.Linear(20, 5)
loss = nn.CrossEntropyLoss()(model(x), y)
```

## Use instead
```python
import torch
import torch.nn as nn

x = torch.randn(100, 20)
y = torch.randint(1, 6, (100,)) - 1
model = nn.Linear(20, 5)
loss = nn.CrossEntropyLoss()(model(x), y)
```

## References
- [PyTorch: CrossEntropyLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.CrossEntropyLoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let units = training.end()?.units?;
    let loss = training.loss.as_ref().filter(|loss| {
        matches!(
            loss.kind,
            LossKind::Sparse | LossKind::CrossEntropy | LossKind::NegativeLogLikelihood
        )
    })?;
    let labels = training.labels.as_ref()?;
    let Coding::Integer {
        low: Some(1),
        classes: Some(classes),
    } = labels.coding
    else {
        return None;
    };
    let highest = classes.checked_sub(1)?;
    // A unit more than classes is the way of those who know.
    (units.value == classes).then(|| {
        Fault::new(
            labels.at,
            format!(
                "labels go from 1 to {classes}, but `{}` counts classes from 0",
                loss.name
            ),
        )
        .against(units.at, &format!("the units are 0 to {highest}"))
    })
}
