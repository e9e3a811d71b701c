//! Labels that are not exclusive do not share a softmax.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::LossKind;

pub(super) const RULE: Rule = Rule {
    code: "FIN008",
    name: "softmax-for-multi-label",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds softmax where a row of the labels may hold several ones.

## Why is this bad?
Softmax makes the outputs sum to 1: if two labels are true, neither can come near 1. Each label
needs a sigmoid of its own, and binary cross-entropy.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential
from sklearn.preprocessing import MultiLabelBinarizer

def train(x, tags):
    y = MultiLabelBinarizer().fit_transform(tags)
    model = Sequential([Dense(64, activation="relu"), Dense(12, activation="softmax")])
    model.compile(loss="binary_crossentropy", optimizer="adam")
    model.fit(x, y)
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential
from sklearn.preprocessing import MultiLabelBinarizer

def train(x, tags):
    y = MultiLabelBinarizer().fit_transform(tags)
    model = Sequential([Dense(64, activation="relu"), Dense(12, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", optimizer="adam")
    model.fit(x, y)
```

## References
- [Keras: BinaryCrossentropy](https://keras.io/api/losses/probabilistic_losses/#binarycrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let Coding::MultiHot { labels } = training.coding() else {
        return None;
    };
    let loss = training.loss.as_ref()?;
    let end = training.end()?;
    let (at, word, what) = match end.last() {
        Some(last) if last.activation == Activation::Softmax => {
            (last.at, last.word, "softmax".to_owned())
        }
        // Of a sequence, a row of numbers 0 and 1 may be a class for each step.
        None if training.effective()? == Some(Activation::Softmax)
            && !end.head.as_ref()?.spatial
            && labels.is_none_or(|labels| end.unit_count() == Some(labels)) =>
        {
            (loss.at, None, format!("the softmax in `{}`", loss.name))
        }
        _ => return None,
    };
    let fault = Fault::new(
        at,
        format!("{what} makes the labels compete, but several of them may be true at once"),
    )
    .against(
        training.labels.as_ref()?.at,
        "a row of these labels may hold several ones",
    );
    Some(match (word, loss.kind, loss.rename(LossKind::Binary)) {
        (Some(word), LossKind::Binary, _) => fault.fix("use sigmoid", [(word, "sigmoid")]),
        (Some(word), _, Some((at, name))) => fault.fix(
            "use sigmoid and binary cross-entropy",
            [(word, "sigmoid"), (at, name)],
        ),
        _ => fault,
    })
}
