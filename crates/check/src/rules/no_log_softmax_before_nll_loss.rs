//! `NLLLoss` takes logarithms of probabilities.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN014",
    name: "no-log-softmax-before-nll-loss",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds an output without log-softmax before PyTorch's `NLLLoss`.

## Why is this bad?
`NLLLoss` only picks the number of the true class and changes its sign. On logits it falls without
end and means nothing; on a softmax it is not a likelihood.

## Example
```python
import torch.nn as nn

model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 10))
criterion = nn.NLLLoss()

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
- [PyTorch: NLLLoss](https://docs.pytorch.org/docs/stable/generated/torch.nn.NLLLoss.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let loss = training
        .loss
        .as_ref()
        .filter(|loss| loss.kind == LossKind::NegativeLogLikelihood)?;
    match end.last() {
        None => {
            let head = end.head.as_ref()?;
            let fault = Fault::new(
                loss.at,
                format!(
                    "`{}` takes log-probabilities, but the output has no log-softmax",
                    loss.name
                ),
            )
            .against(head.at, "the output is this layer's");
            Some(match loss.rename(LossKind::CrossEntropy) {
                Some(edit) => fault.fix("use cross-entropy, which takes logits", [edit]),
                None => fault,
            })
        }
        Some(last) => matches!(
            last.activation,
            Activation::Softmax | Activation::Sigmoid | Activation::Relu
        )
        .then(|| {
            Fault::new(
                last.at,
                format!(
                    "`{}` takes log-probabilities, but {} gives none",
                    loss.name,
                    last.activation.name()
                ),
            )
            .against(loss.at, "this loss expects the output of log-softmax")
        }),
    }
}
