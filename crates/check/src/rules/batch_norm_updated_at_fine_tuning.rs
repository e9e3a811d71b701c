//! Batch norms keep their statistics at fine-tuning.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN506",
    name: "batch-norm-updated-at-fine-tuning",
    severity: Severity::Note,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a network with batch norms that is unfrozen for fine-tuning without having been called with
`training=False`. It is a suspicion, and off unless selected.

## Why is this bad?
Unfrozen batch norms replace their statistics, gathered over a million images, with those of a few
batches. What the network has learned fits the old ones, and is quickly destroyed.

## Example
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
base.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-5), loss="categorical_crossentropy")
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
base.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-5), loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let transfer = training.transfer.as_ref()?;
    let call = &transfer.call;
    let tuned = !transfer.first && transfer.freezing.state == Trainable::All;
    if !tuned || !call.base.batch_norm || call.training.is_some() || !training.is_keras() {
        return None;
    }
    let fault = Fault::new(
        transfer.freezing.at?,
        format!(
            "the batch norms of {} are unfrozen too and forget their statistics",
            call.base.name
        ),
    );
    Some(fault.against(
        call.base.at,
        "call it with `training=False` in the new model",
    ))
}
