//! Pixels go in as small numbers.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Pixels;

pub(super) const RULE: Rule = Rule {
    code: "FIN202",
    name: "images-not-rescaled",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds images with values from 0 to 255 in a model that neither rescales nor normalises.

## Why is this bad?
Layers start with weights made for inputs of about 1. Inputs a hundred times as large saturate the
output at once, and training stalls or diverges.

## Example
```python
from keras.datasets import cifar10
from keras.layers import Conv2D, Dense, Flatten
from keras.models import Sequential

(x, y), _ = cifar10.load_data()
model = Sequential([
    Conv2D(32, 3, activation="relu"),
    Flatten(),
    Dense(10, activation="softmax"),
])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## Use instead
```python
from keras.datasets import cifar10
from keras.layers import Conv2D, Dense, Flatten
from keras.models import Sequential

(x, y), _ = cifar10.load_data()
x = x / 255.0
model = Sequential([
    Conv2D(32, 3, activation="relu"),
    Flatten(),
    Dense(10, activation="softmax"),
])
model.compile(loss="sparse_categorical_crossentropy", optimizer="adam")
model.fit(x, y)
```

## References
- [Keras: Rescaling](https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let inputs = training
        .inputs
        .as_ref()
        .filter(|inputs| inputs.pixels == Pixels::Bytes)?;
    let end = training.end()?;
    (training.is_keras() && end.start.plain).then(|| {
        Fault::new(
            inputs.at,
            "images go into the model with values from 0 to 255".to_owned(),
        )
        .against(
            end.head.as_ref().map_or(inputs.at, |head| head.at),
            "no layer of the model rescales or normalises them",
        )
    })
}
