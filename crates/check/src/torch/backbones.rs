//! Published networks of torchvision and timm, and the place of their last layer.

use std::rc::Rc;

use crate::program::Sited;
use crate::program::layer::{Head, Layer};
use crate::program::trail::Trail;
use crate::python::Interpreter;
use crate::python::value::{Arguments, Backbone, Object, Value};

/// Families of torchvision: the attribute of the last layer, and its index in it.
const HEADS: &[(&str, &str, Option<i64>)] = &[
    ("resnet", "fc", None),
    ("resnext", "fc", None),
    ("wide_resnet", "fc", None),
    ("shufflenet", "fc", None),
    ("regnet", "fc", None),
    ("googlenet", "fc", None),
    ("inception", "fc", None),
    ("densenet", "classifier", None),
    ("alexnet", "classifier", Some(6)),
    ("vgg", "classifier", Some(6)),
    ("mobilenet_v3", "classifier", Some(3)),
    ("mobilenet", "classifier", Some(1)),
    ("efficientnet", "classifier", Some(1)),
    ("mnasnet", "classifier", Some(1)),
    ("convnext", "classifier", Some(2)),
    ("vit_", "heads", None),
    ("swin", "head", None),
];

pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let (head, classes) = match (module, name) {
        ("timm" | "timm.models", "create_model") => (None, arguments.named(&["num_classes"])),
        _ if module.starts_with("torchvision.models") => {
            let (_, attribute, index) = HEADS
                .iter()
                .find(|(family, ..)| name.to_lowercase().starts_with(family))?;
            (
                Some((*attribute, *index)),
                arguments.named(&["num_classes"]),
            )
        }
        _ => return None,
    };
    // These give several outputs while training.
    let several = name.starts_with("inception") || name.starts_with("googlenet");
    let units = match classes {
        Some(classes) => classes
            .value
            .count()
            .map(|count| Sited::new(count, classes.at)),
        None => (!arguments.open).then(|| Sited::new(1000, arguments.at)),
    };
    let without = units.is_some_and(|units| units.value == 0);
    let published = (!several && !without).then(|| {
        let layer = Head {
            units,
            activation: Some(None),
            at: arguments.at,
            insert: None,
            spatial: false,
        };
        Rc::new(Trail::unknown().then(&Layer::Head(Rc::new(layer))))
    });
    Some(this.state.allocate(Object::Backbone(Backbone {
        published,
        head,
        replaced: None,
    })))
}
