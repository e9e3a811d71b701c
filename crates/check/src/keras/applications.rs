//! Published networks of Keras, and the preparation of their images.

use std::rc::Rc;

use super::activated;
use crate::program::Sited;
use crate::program::array::{Array, Pixels};
use crate::program::base::{Base, BaseCall, Preparation};
use crate::program::layer::{Activated, Activation, Head, Layer};
use crate::program::trail::{Map, Trail};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Compiled, Object, Value};

/// What is known of a family of networks.
struct Family {
    /// How the names of its networks begin, in small letters, and those of its module.
    start: &'static str,
    expects: Preparation,
    batch_norm: bool,
    /// Channels of the last map, which is 32 times smaller than the image.
    channels: Option<usize>,
}

const fn family(
    start: &'static str,
    expects: Preparation,
    batch_norm: bool,
    channels: Option<usize>,
) -> Family {
    Family {
        start,
        expects,
        batch_norm,
        channels,
    }
}

/// The first that fits counts: longer names stand before shorter ones.
const FAMILIES: &[Family] = &[
    family("vgg", Preparation::Caffe, false, Some(512)),
    family("resnet50v2", Preparation::MinusOneToOne, true, Some(2048)),
    family("resnet101v2", Preparation::MinusOneToOne, true, Some(2048)),
    family("resnet152v2", Preparation::MinusOneToOne, true, Some(2048)),
    family("resnetv2", Preparation::MinusOneToOne, true, Some(2048)),
    family("resnetrs", Preparation::Raw, true, None),
    family("resnet", Preparation::Caffe, true, Some(2048)),
    family("mobilenetv3", Preparation::Raw, true, None),
    family("mobilenetv2", Preparation::MinusOneToOne, true, Some(1280)),
    family("mobilenet", Preparation::MinusOneToOne, true, Some(1024)),
    family("inception", Preparation::MinusOneToOne, true, None),
    family("xception", Preparation::MinusOneToOne, true, Some(2048)),
    family("nasnet", Preparation::MinusOneToOne, true, None),
    family("densenet", Preparation::Torch, true, Some(1024)),
    family("efficientnet", Preparation::Raw, true, Some(1280)),
    family("convnext", Preparation::Raw, false, None),
    family("regnet", Preparation::Raw, true, None),
];

fn family_of(name: &str) -> Option<&'static Family> {
    let name = name.to_ascii_lowercase().replace('_', "");
    FAMILIES
        .iter()
        .find(|family| name.starts_with(family.start))
}

/// A call of something in `keras.applications`.
pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let name = path.rsplit('.').next().unwrap_or(path);
    match name {
        "preprocess_input" => prepare(this, path, arguments),
        _ if name.starts_with(char::is_uppercase) => network(this, name, arguments),
        // `decode_predictions`.
        _ => Value::Unknown,
    }
}

/// What `preprocess_input` of a module does; `None` for one that is not known.
pub(super) fn preparation(path: &str) -> Option<Preparation> {
    let (module, name) = path.rsplit_once('.')?;
    if name != "preprocess_input" {
        return None;
    }
    match module.rsplit('.').next()? {
        "imagenet_utils" => Some(Preparation::Caffe),
        module => Some(family_of(module)?.expects),
    }
}

/// The pixels of images after `preprocess_input`.
pub(super) fn prepared_pixels(preparation: Option<Preparation>) -> Pixels {
    match preparation {
        // It leaves them as they are.
        Some(Preparation::Raw) => Pixels::Bytes,
        Some(preparation) => Pixels::Prepared(preparation),
        None => Pixels::Unknown,
    }
}

fn prepare<'a>(this: &mut Interpreter<'a>, path: &str, arguments: &Arguments<'a>) -> Value<'a> {
    let given = arguments.value(0, &["x"]).unwrap_or(Value::Unknown);
    let preparation = preparation(path).filter(|_| arguments.named(&["mode"]).is_none());
    match given {
        Value::Tensor(_) => {
            let mut trail = this.trail(&given).then(&Layer::Opaque);
            let site = preparation.filter(|preparation| *preparation != Preparation::Raw);
            trail.start.prepared = site.map(|kind| Sited::new(kind, arguments.at));
            Value::Tensor(Rc::new(trail))
        }
        Value::Array(array) if preparation == Some(Preparation::Raw) => Value::Array(array),
        Value::Array(_) => {
            let pixels = prepared_pixels(preparation);
            Value::Array(Rc::new(Array::images(pixels, arguments.at)))
        }
        _ => Value::Unknown,
    }
}

fn network<'a>(this: &mut Interpreter<'a>, name: &str, arguments: &Arguments<'a>) -> Value<'a> {
    let top = arguments
        .value(0, &["include_top"])
        .map_or(Some(true), |top| top.truth());
    let model = this.state.allocate(Object::Functional {
        output: Value::Unknown,
        compiled: Compiled::default(),
    });
    let Value::Object(number) = model else {
        return Value::Unknown;
    };
    let family = family_of(name);
    let prepares_itself = arguments.named(&["include_preprocessing"]).is_none();
    let call = BaseCall {
        base: Rc::new(Base {
            name: name.to_owned(),
            at: arguments.at,
            number,
            pretrained: pretrained(this, arguments),
            top,
            expects: family
                .map(|family| family.expects)
                .filter(|_| prepares_itself),
            batch_norm: family.is_some_and(|family| family.batch_norm),
            map: family.and_then(|family| map(this, family, arguments)),
        }),
        training: None,
        headed: false,
    };
    let mut output = match top {
        Some(true) => Trail::unknown().then(&Layer::Head(Rc::new(head(arguments)))),
        _ => Trail::unknown(),
    };
    output.map = call
        .base
        .map
        .filter(|_| top == Some(false))
        .map(|numbers| Map {
            numbers,
            flat: false,
        });
    output.start.base = Some(call);
    if let Some(Object::Functional { output: slot, .. }) = this.state.object_mut(number) {
        *slot = Value::Tensor(Rc::new(output));
    }
    model
}

/// The old head, which `include_top=True` keeps.
fn head(arguments: &Arguments<'_>) -> Head {
    let units = match arguments.named(&["classes"]) {
        Some(classes) => classes
            .value
            .count()
            .map(|count| Sited::new(count, classes.at)),
        None => (!arguments.open).then(|| Sited::new(1000, arguments.at)),
    };
    let activation = match arguments.named(&["classifier_activation"]) {
        None => Some(Some(Activated {
            activation: Activation::Softmax,
            at: arguments.at,
            word: None,
            argument: true,
            axis: None,
        })),
        given => activated(given, false, true),
    };
    Head {
        units,
        activation,
        at: arguments.at,
        insert: None,
        spatial: false,
    }
}

fn pretrained(this: &Interpreter<'_>, arguments: &Arguments<'_>) -> Option<bool> {
    // Weights that are loaded later may be any.
    let later = ["load_weights", "set_weights", "from_pretrained"];
    let later = later.iter().any(|name| this.mentions.asks_for(name));
    match arguments.value(1, &["weights"]) {
        None => Some(true),
        Some(Value::None) => (!later).then_some(false),
        Some(Value::Str(_)) => Some(true),
        _ => None,
    }
}

fn map(this: &Interpreter<'_>, family: &Family, arguments: &Arguments<'_>) -> Option<usize> {
    if arguments
        .named(&["pooling"])
        .is_some_and(|pooling| pooling.value != Value::None)
    {
        return None;
    }
    let (height, width) = image_size(this, &arguments.named(&["input_shape"])?.value)?;
    let cells = |size: usize| size.checked_div(32);
    cells(height)?
        .checked_mul(cells(width)?)?
        .checked_mul(family.channels?)
}

/// Height and width of `(224, 224, 3)`.
fn image_size(this: &Interpreter<'_>, shape: &Value<'_>) -> Option<(usize, usize)> {
    match this.items(shape)?.as_slice() {
        [height, width, _] => Some((height.count()?, width.count()?)),
        _ => None,
    }
}

/// The images of a generator whose `preprocessing_function` is given.
pub(super) fn generated(function: &Value<'_>) -> Pixels {
    match function {
        Value::Path(path) => prepared_pixels(preparation(path)),
        _ => Pixels::Unknown,
    }
}
