//! One class of several takes softmax.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Coding;
use crate::program::layer::Activation;
use crate::program::loss::{LossKind, Metric, MetricUse, Takes};

pub(super) const RULE: Rule = Rule {
    code: "FIN108",
    name: "binary-loss-for-exclusive-classes",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds sigmoids and binary cross-entropy where each row of the labels holds a single one.

## Why is this bad?
The model may say yes to several classes or to none, though exactly one is right. Most units are 0
for most rows, so that loss and accuracy look good long before the model is.

## Example
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
y = to_categorical(y)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="sigmoid")])
model.compile(loss="binary_crossentropy", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.layers import Dense
from keras.models import Sequential
from keras.utils import to_categorical
from sklearn.datasets import load_iris

x, y = load_iris(return_X_y=True)
y = to_categorical(y)
model = Sequential([Dense(16, activation="relu"), Dense(3, activation="softmax")])
model.compile(loss="categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: CategoricalCrossentropy](https://keras.io/api/losses/probabilistic_losses/#categoricalcrossentropy-class)
"#;

fn check(training: &Training) -> Option<Fault> {
    let end = training.end()?;
    let last = end
        .last()
        .filter(|last| last.activation == Activation::Sigmoid)?;
    let loss = training.loss.as_ref().filter(|loss| {
        training.is_keras()
            && loss.kind == LossKind::Binary
            && loss.takes == Some(Takes::Probabilities)
    })?;
    let Coding::OneHot { classes } = training.coding() else {
        return None;
    };
    classes
        .or(end.unit_count())
        .filter(|classes| *classes > 2)?;
    // Whoever compares the largest unit by name knows that one class is right.
    let known = |metric: &Metric| {
        matches!(
            metric.kind,
            MetricUse::CategoricalAccuracy | MetricUse::TopK(_)
        )
    };
    if training.metrics.iter().any(known) {
        return None;
    }
    let fault = Fault::new(
        loss.at,
        format!(
            "`{}` judges each class by itself, but exactly one is right",
            loss.name
        ),
    )
    .against(
        training.labels.as_ref()?.at,
        "each row of these labels holds a single one",
    );
    Some(match (last.word, loss.rename(LossKind::Categorical)) {
        (Some(word), Some(edit)) => fault.fix(
            "use softmax and categorical cross-entropy",
            [(word, "softmax"), edit],
        ),
        _ => fault,
    })
}
