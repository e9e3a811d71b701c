//! A network that is frozen as it was drawn by chance.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN501",
    name: "frozen-base-without-weights",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a published network that is built without its weights and then frozen.

## Why is this bad?
Without weights the network is drawn by chance. Frozen, it stays so: its features mean nothing, and
the head learns from noise.

## Example
```python
import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## Use instead
```python
import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let transfer = training.transfer.as_ref()?;
    let base = &transfer.call.base;
    let frozen = transfer.freezing.state == Trainable::Nothing;
    if base.pretrained != Some(false) || !frozen {
        return None;
    }
    let fault = Fault::new(
        base.at,
        format!(
            "{} is built without weights and then frozen: its features stay as they were drawn by \
             chance",
            base.name
        ),
    );
    Some(fault.against(transfer.freezing.at, "it is frozen here"))
}
