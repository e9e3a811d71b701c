//! Published networks of torchvision and timm, and the place of their last layer.

use std::rc::Rc;

use crate::program::base::{Base, BaseCall, Freezing, Transfer};
use crate::program::layer::{Head, Layer};
use crate::program::trail::Trail;
use crate::program::{Sited, Training};
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
    let units = match &classes {
        Some(classes) => classes
            .value
            .count()
            .map(|count| Sited::new(count, classes.at)),
        None => (!arguments.open).then(|| Sited::new(1000, arguments.at)),
    };
    let without = units.is_some_and(|units| units.value == 0);
    let model = this.state.allocate(Object::Unknown);
    let Value::Object(number) = model else {
        return None;
    };
    let base = Rc::new(Base {
        name: match arguments.value(0, &["model_name"]) {
            Some(Value::Str(model)) if name == "create_model" => model.to_string(),
            _ => name.to_owned(),
        },
        at: arguments.at,
        number,
        pretrained: pretrained(this, name, arguments),
        top: None,
        expects: None,
        batch_norm: false,
        map: None,
    });
    let published = (!several && !without).then(|| {
        let layer = Head {
            units,
            activation: Some(None),
            at: arguments.at,
            insert: None,
            spatial: false,
        };
        let mut trail = Trail::unknown().then(&Layer::Head(Rc::new(layer)));
        trail.start.base = Some(BaseCall {
            base: Rc::new(Base {
                top: classes.is_none().then_some(true),
                ..(*base).clone()
            }),
            training: None,
            headed: false,
        });
        Rc::new(trail)
    });
    if let Some(slot) = this.state.object_mut(number) {
        *slot = Object::Backbone(Backbone {
            published,
            head,
            replaced: None,
            base,
            head_frozen: false,
        });
    }
    Some(model)
}

fn pretrained(this: &Interpreter<'_>, name: &str, arguments: &Arguments<'_>) -> Option<bool> {
    // Weights that are loaded later may be any.
    if this.mentions.asks_for("load_state_dict") {
        return None;
    }
    let position = if name == "create_model" { 1 } else { 0 };
    match arguments.value(position, &["pretrained", "weights"]) {
        None => Some(false),
        Some(Value::None) => Some(false),
        Some(Value::Str(_)) => Some(true),
        Some(Value::Path(_)) => Some(true),
        Some(value) => value.truth(),
    }
}

impl<'a> Interpreter<'a> {
    /// The published network behind an output, and what of it is trained by now.
    pub(crate) fn transfer_of(&self, trail: &Trail) -> Option<Transfer> {
        let call = trail.start.base.clone()?;
        let freezing = self.state.freezing(call.base.number);
        Some(Transfer {
            call,
            freezing,
            first: true,
        })
    }

    /// Whether nothing at all is trained: the base is frozen, its new head was frozen with it, and
    /// yet gradients are asked for.
    pub(crate) fn frozen_whole(&self, training: &Training) -> Freezing {
        let Some(transfer) = &training.transfer else {
            return Freezing::default();
        };
        let backbone = match self.state.object(transfer.call.base.number) {
            Some(Object::Backbone(backbone)) => backbone,
            _ => return Freezing::default(),
        };
        match backbone.head_frozen && self.mentions.asks_for("backward") {
            true => transfer.freezing,
            false => Freezing::default(),
        }
    }
}
