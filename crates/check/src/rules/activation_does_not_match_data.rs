//! The activation that the labels beside the model call for.

use finial_task::{Activation as Wanted, TaskKind};

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;

pub(super) const RULE: Rule = Rule {
    code: "FIN402",
    name: "activation-does-not-match-data",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Compares the activation of the final layer with the labels that are given with `--data`, or that a
model's own file names. A linear output under a loss with `from_logits=True` counts as what the loss
makes of it.

## Why is this bad?
Softmax says that exactly one class is right, sigmoid that each label is right or not whatever the
others are, and a linear output that any number may be the answer. Only one of them fits the labels.

## Example
For labels of three classes of which one is right:
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(3, activation="sigmoid"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy")
```

## Use instead
```python
from keras import layers, models

model = models.Sequential([
    layers.Input((20,)),
    layers.Dense(3, activation="softmax"),
])
model.compile(optimizer="adam", loss="categorical_crossentropy")
```

## References
- [Keras: layer activation functions](https://keras.io/api/layers/activations/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let data = training.data.as_ref()?;
    let end = training.end()?;
    let found = training.effective()?;
    let wanted = data.task.activation();
    let fits = match (wanted, found) {
        (Wanted::Softmax, Some(Activation::Softmax | Activation::LogSoftmax)) => true,
        (Wanted::Sigmoid, Some(Activation::Sigmoid | Activation::LogSigmoid)) => true,
        // Two units of a softmax are a sigmoid in another form.
        (Wanted::Sigmoid, Some(Activation::Softmax)) => {
            data.task.kind() == TaskKind::Binary && end.unit_count() == Some(2)
        }
        (Wanted::Linear, None | Some(Activation::OtherRectifier)) => true,
        // Whether the targets lie in its range, another rule looks at.
        (Wanted::Linear, Some(Activation::Softmax)) => false,
        (Wanted::Linear, Some(_)) => data.range.is_some(),
        // Logits; whoever reads the file knows what follows.
        (_, None) => training.loss.is_none(),
        _ => false,
    };
    if fits {
        return None;
    }
    let found = match found {
        Some(found) => found.name(),
        None => "no activation",
    };
    let last = end.last();
    let at = last.map_or(end.head.as_ref()?.at, |last| last.at);
    let fault = Fault::new(
        at,
        format!("the output has {found}, but {}", data.calls_for()),
    );
    let fits_units = end.unit_count() == Some(data.task.units());
    Some(
        match last.and_then(|last| last.word).filter(|_| fits_units) {
            Some(word) => fault.fix(&format!("use {wanted}"), [(word, wanted.to_string())]),
            None => fault,
        },
    )
}
