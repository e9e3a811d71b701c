//! A frozen base runs as in inference.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN505",
    name: "batch-norm-of-a-frozen-base-in-training",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a frozen network with batch norms that is called with `training=True`.

## Why is this bad?
A frozen network is to give the same features as when it was published. `training=True` makes its
layers behave as in training: in Keras before TensorFlow 2 batch norms then use the statistics of
the batch and move their own, and dropout drops features in every version.

## Example
```python
import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, input_shape=(224, 224, 3))
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs, training=True)
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
x = base(inputs, training=False)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer="adam", loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/)
- [Keras: BatchNormalization](https://keras.io/api/layers/normalization_layers/batch_normalization/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let transfer = training.transfer.as_ref()?;
    let call = &transfer.call;
    let on = call.training.filter(|training| training.value)?;
    let frozen = transfer.freezing.state == Trainable::Nothing;
    if !frozen || !call.base.batch_norm || call.base.pretrained == Some(false) {
        return None;
    }
    let fault = Fault::new(
        on.at,
        format!(
            "{} is frozen, but runs as in training: its batch norms may move away from what they \
             learned",
            call.base.name
        ),
    )
    .fix("run it as in inference", [(on.at, "False")]);
    Some(fault.against(transfer.freezing.at, "it is frozen here"))
}
