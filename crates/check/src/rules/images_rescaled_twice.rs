//! Pixels are divided by 255 once.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Pixels;

pub(super) const RULE: Rule = Rule {
    code: "FIN203",
    name: "images-rescaled-twice",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds images that are divided by 255 in the data and again in the model, or twice in the data.

## Why is this bad?
Divided twice, all pixels lie between 0 and 0.004: every image is black to the model.

## Example
```python
from keras.datasets import cifar10
from keras.layers import Conv2D, Dense, Flatten, Rescaling
from keras.models import Sequential

(x, y), _ = cifar10.load_data()
x = x / 255.0
model = Sequential([
    Rescaling(1 / 255),
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
from keras.layers import Conv2D, Dense, Flatten, Rescaling
from keras.models import Sequential

(x, y), _ = cifar10.load_data()
model = Sequential([
    Rescaling(1 / 255),
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
    let inputs = training.inputs.as_ref()?;
    let rescaling = training.end()?.start.rescaling;
    match (inputs.pixels, rescaling) {
        (Pixels::ScaledTwice, _) => Some(Fault::new(
            inputs.at,
            "images are divided by 255 twice".to_owned(),
        )),
        (Pixels::PreparedThenScaled, _) => Some(Fault::new(
            inputs.at,
            "images are prepared for a published network, then divided by 255 too".to_owned(),
        )),
        (Pixels::Scaled, Some(layer)) if layer.value > 0.0 && layer.value < 0.02 => Some(
            Fault::new(
                layer.at,
                "images are divided by 255 once more in the model".to_owned(),
            )
            .against(inputs.at, "the pixels of these images are scaled already"),
        ),
        _ => None,
    }
}
