//! Features of a map are pooled, not strung together.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN509",
    name: "flatten-instead-of-pooling",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a flattened map under a dense layer of twenty million weights or more.

## Why is this bad?
Flattened, each place of the map has weights of its own: tens of millions for one layer, which learn
a small data set by heart. The mean over the map has a hundredth of them and does not care where
something is in the picture.

## Example
```python
import keras
from keras import layers

base = keras.applications.VGG16(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.Flatten()(x)
x = layers.Dense(1024, activation="relu")(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## Use instead
```python
import keras
from keras import layers

base = keras.applications.VGG16(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.GlobalAveragePooling2D()(x)
x = layers.Dense(1024, activation="relu")(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras: GlobalAveragePooling2D](https://keras.io/api/layers/pooling_layers/global_average_pooling2d/)
"#;

/// From here on a layer is larger than most whole networks.
const MANY: usize = 20_000_000;

fn check(training: &Training) -> Option<Fault> {
    let wide = training
        .transfer
        .as_ref()
        .and(training.output.as_ref())?
        .start
        .wide?;
    (wide.value >= MANY).then(|| {
        Fault::new(
            wide.at,
            format!(
                "this layer has {} million weights, because the map before it is flattened and not \
                 pooled",
                wide.value / 1_000_000
            ),
        )
    })
}
