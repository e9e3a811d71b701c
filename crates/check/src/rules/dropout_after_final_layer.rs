//! Nothing is dropped from a prediction.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN007",
    name: "dropout-after-final-layer",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds dropout behind the final layer.

## Why is this bad?
While training, dropout sets predictions to zero at random and multiplies the others. The loss
then punishes predictions that the model did not make.

## Example
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10), nn.Dropout(0.5))
criterion = nn.CrossEntropyLoss()

def step(x, y):
    loss = criterion(model(x), y)
    loss.backward()
```

## Use instead
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10))
criterion = nn.CrossEntropyLoss()

def step(x, y):
    loss = criterion(model(x), y)
    loss.backward()
```

## References
- [PyTorch: Dropout](https://docs.pytorch.org/docs/stable/generated/torch.nn.Dropout.html)
- [Keras: Dropout](https://keras.io/api/layers/regularization_layers/dropout/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let head = end.head.as_ref().filter(|head| !head.spatial)?;
    let dropout = end.dropout?;
    let loss = training.loss.as_ref()?;
    Some(
        Fault::new(
            dropout,
            format!(
                "dropout behind the final layer changes the predictions that `{}` judges",
                loss.name
            ),
        )
        .against(head.at, "this is the final layer"),
    )
}
