//! Fine-tuning takes small steps.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN508",
    name: "learning-rate-too-high-for-the-base",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a pretrained network that is trained with a learning rate of 0.001 or more (Adam and its kind),
or 0.01 or more (SGD).

## Why is this bad?
Such steps are for weights that start from chance. They destroy what a pretrained network knows
within the first epochs; fine-tuning takes a tenth or a hundredth of that.

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
base.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-5), loss="categorical_crossentropy")
model.fit(images, labels)
```

## References
- [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let transfer = training.transfer.as_ref()?;
    let optimizer = training.optimizer.as_ref()?;
    let rate = optimizer.rate?;
    let high = match optimizer.name.as_str() {
        "sgd" => rate >= 1e-2,
        _ => optimizer.is_adaptive() && rate >= 1e-3,
    };
    let base = &transfer.call.base;
    let trained = transfer.freezing.state == Trainable::All && base.pretrained == Some(true);
    let meant = training.fitted || optimizer.torch;
    // A network that keeps its own head and gets no other is not transferred.
    let transferred = base.top != Some(true);
    if !high || !trained || !meant || !transferred {
        return None;
    }
    let fault = Fault::new(
        optimizer.at,
        format!(
            "a learning rate of {rate} is too high for the pretrained weights of {}",
            base.name
        ),
    );
    let unfrozen = transfer.freezing.at.unwrap_or(base.at);
    Some(fault.against(unfrozen, "the network is trained too"))
}
