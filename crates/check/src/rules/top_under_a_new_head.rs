//! A new head belongs on features, not on old predictions.

use super::{Fault, Rule, Severity};
use crate::program::Training;

pub(super) const RULE: Rule = Rule {
    code: "FIN504",
    name: "top-under-a-new-head",
    severity: Severity::Warning,
    doc: DOC,
    check,
};

const DOC: &str = r#"
## What it does
Finds a published network that keeps its own head under a new one.

## Why is this bad?
Without `include_top=False` the network ends in its probabilities for the 1,000 classes of ImageNet.
A head on top of them sees little of the picture but which of those classes it is like.

## Example
```python
import keras
from keras import layers

base = keras.applications.ResNet50()
base.trainable = False
inputs = keras.Input((224, 224, 3))
x = base(inputs)
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
- [Keras applications](https://keras.io/api/applications/)
- [Keras: transfer learning and fine-tuning](https://keras.io/guides/transfer_learning/)
"#;

fn check(training: &Training) -> Option<Fault> {
    let call = &training.transfer.as_ref()?.call;
    let base = &call.base;
    let kept = base.top == Some(true) && base.pretrained != Some(false);
    if !kept || !call.headed {
        return None;
    }
    let fault = Fault::new(
        base.at,
        format!(
            "{} keeps its own head: the new one sees its predictions, not its features",
            base.name
        ),
    );
    Some(fault.against(training.head_at(), "the new head"))
}
