//! Each published network wants its pixels in its own way.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::array::Pixels;
use crate::program::base::Preparation;

pub(super) const RULE: Rule = Rule {
    code: "FIN204",
    name: "images-prepared-for-another-network",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds images that are prepared for another network than the one that gets them: `preprocess_input` of
another module, or pixels divided by 255 for a network that does that itself.

## Why is this bad?
A pretrained network only knows pixels as it was trained with: from −1 to 1, in BGR with the mean taken
away, or from 0 to 255. With others its features are poor, and nothing says so.

## Example
```python
import keras
from keras.applications.vgg16 import preprocess_input
from keras import layers

base = keras.applications.MobileNetV2(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(preprocess_input(inputs), training=False)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## Use instead
```python
import keras
from keras.applications.mobilenet_v2 import preprocess_input
from keras import layers

base = keras.applications.MobileNetV2(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(preprocess_input(inputs), training=False)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras applications](https://keras.io/api/applications/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let base = &training.transfer.as_ref()?.call.base;
    let expected = base.expects.filter(|_| base.pretrained != Some(false))?;
    let start = &training.output.as_ref()?.start;
    let inputs = training.inputs.as_ref();
    let small = |scale: f64| scale > 0.0 && scale < 0.02;
    let rescaled = start.rescaling.filter(|layer| small(layer.value));
    let (at, found) = match (start.prepared, rescaled, inputs.map(|inputs| inputs.pixels)) {
        (Some(prepared), ..) => (prepared.at, Some(prepared.value)),
        (None, Some(layer), _) => (layer.at, None),
        (None, None, Some(Pixels::Prepared(prepared))) => (inputs?.at, Some(prepared)),
        (None, None, Some(Pixels::Scaled | Pixels::ScaledTwice)) => (inputs?.at, None),
        _ => return None,
    };
    let message = match found {
        Some(found) if found != expected => format!(
            "{} expects pixels {}, but these are prepared for another network ({})",
            base.name,
            expected.name(),
            found.name()
        ),
        // Divided by 255: another habit than the network's is only a suspicion, unless it divides
        // itself.
        None if expected == Preparation::Raw => format!(
            "{} scales its pixels itself and expects them from 0 to 255, but these are scaled already",
            base.name
        ),
        _ => return None,
    };
    Some(Fault::new(at, message).against(base.at, "the network"))
}
