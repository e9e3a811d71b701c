//! First the head, then the base.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN507",
    name: "unfrozen-base-under-a-random-head",
    severity: Severity::Note,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a pretrained network that is trained from the first step on, under a head that was just drawn
by chance. It is a suspicion, and off unless selected.

## Why is this bad?
A new head is wrong about everything at first, and its large gradients run through the whole network
and spoil what it has learned. Train the head alone until it has settled, then unfreeze.

## Example
```python
import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, input_shape=(224, 224, 3))
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="categorical_crossentropy")
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
    let transfer = training.transfer.as_ref().filter(|_| training.fitted)?;
    let base = &transfer.call.base;
    let unfrozen = transfer.first && transfer.freezing.state == Trainable::All;
    if !unfrozen || base.pretrained != Some(true) || !transfer.call.headed {
        return None;
    }
    let fault = Fault::new(
        base.at,
        format!(
            "{} is trained from the first step on, under a head that knows nothing yet",
            base.name
        ),
    );
    Some(fault.against(training.head_at(), "the new head"))
}
