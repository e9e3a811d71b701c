//! What is trained is decided by `compile`.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN502",
    name: "trainable-changed-after-compile",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds layers that are frozen or unfrozen after `compile`, when `fit` follows without another `compile`.

## Why is this bad?
Keras decides in `compile` which weights are trained. What is changed later has no effect until the
model is compiled again: it goes on training what was to be frozen, or leaves alone what was to be
trained.

## Example
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
    let at = training.changed?;
    let fault = Fault::new(
        at,
        "this has no effect on `fit` until the model is compiled again".to_owned(),
    );
    let compiled = training.loss.as_ref().map(|loss| loss.at);
    Some(fault.against(compiled, "the model was compiled before"))
}
