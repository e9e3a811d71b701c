//! One activation after the final layer.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::layer::Activation;

pub(super) const RULE: Rule = Rule {
    code: "FIN006",
    name: "two-activations-in-a-row",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds an activation straight before the softmax or sigmoid of the output.

## Why is this bad?
The first activation throws away what the second one needs: after relu no logit is negative, so a
sigmoid never says less than one half; after sigmoid or softmax all logits lie between 0 and 1, so
the probabilities can hardly differ.

## Example
```python
from keras.layers import Activation, Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10, activation="relu"))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
```

## Use instead
```python
from keras.layers import Activation, Dense
from keras.models import Sequential

model = Sequential()
model.add(Dense(64, activation="relu", input_dim=20))
model.add(Dense(10))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam")
```

## References
- [Keras: activations](https://keras.io/api/layers/activations/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    // Between a convolution and softmax there is pooling, and relu before it is common.
    if end.head.as_ref()?.spatial {
        return None;
    }
    let [.., first, second] = &end.activations[..] else {
        return None;
    };
    let squashing = matches!(
        second.activation,
        Activation::Softmax | Activation::Sigmoid | Activation::LogSoftmax | Activation::LogSigmoid
    );
    let spoiling = matches!(
        first.activation,
        Activation::Relu
            | Activation::Tanh
            | Activation::Sigmoid
            | Activation::Softmax
            | Activation::LogSoftmax
    );
    (squashing && spoiling).then(|| {
        let (one, other) = (first.activation.name(), second.activation.name());
        let fault = Fault::new(
            first.at,
            format!("{one} straight before {other} spoils its input"),
        )
        .against(second.at, &format!("{other} is applied to the result"));
        match first.word {
            Some(word) if first.argument => fault.fix("use no activation here", [(word, "linear")]),
            _ => fault,
        }
    })
}
