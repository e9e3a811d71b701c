//! Something has to be trained.

use super::{Fault, Rule, Severity};
use crate::program::Training;
use crate::program::base::Trainable;

pub(super) const RULE: Rule = Rule {
    code: "FIN503",
    name: "everything-frozen",
    severity: Severity::Error,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a model that is trained although all of it is frozen, its new head too.

## Why is this bad?
With nothing to train, the loss stays where it began. It happens when the whole model is frozen
instead of its base, or when the new head is put in before the layers are frozen.

## Example
```python
import keras
from keras import layers

base = keras.applications.ResNet50(include_top=False, input_shape=(224, 224, 3))
inputs = keras.Input((224, 224, 3))
x = base(inputs)
x = layers.GlobalAveragePooling2D()(x)
model = keras.Model(inputs, layers.Dense(5, activation="softmax")(x))
model.trainable = False
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
- [PyTorch: transfer learning](https://docs.pytorch.org/tutorials/beginner/transfer_learning_tutorial.html)
"#;

fn check(training: &Training) -> Option<Fault> {
    let trained = training.fitted || !training.is_keras();
    if !trained || training.freezing.state != Trainable::Nothing {
        return None;
    }
    let fault = Fault::new(
        training.freezing.at?,
        "everything is frozen, the final layer too: nothing is left to train".to_owned(),
    );
    Some(fault.against(training.head_at(), "this final layer is never trained"))
}
