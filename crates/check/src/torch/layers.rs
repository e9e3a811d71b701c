//! Modules, and functions that work on tensors.

use std::rc::Rc;

use crate::program::Sited;
use crate::program::layer::{Activated, Activation, Head, Layer};
use crate::program::trail::Trail;
use crate::python::Interpreter;
use crate::python::value::{Arguments, Compiled, Object, Sequential, Value};

/// Whether it is a module of `torch.nn`.
pub(super) fn is_module(name: &str) -> bool {
    kind(name) != Kind::Unknown
}

#[derive(PartialEq)]
enum Kind {
    Linear,
    Convolution,
    Activation,
    Dropout,
    Normalization,
    Keep,
    Reshape,
    Flatten,
    Steps,
    Plain,
    Unknown,
}

fn kind(name: &str) -> Kind {
    match name {
        "Linear" | "LazyLinear" => Kind::Linear,
        "Conv1d" | "Conv2d" | "Conv3d" | "ConvTranspose1d" | "ConvTranspose2d"
        | "ConvTranspose3d" | "LazyConv2d" => Kind::Convolution,
        "Flatten" => Kind::Flatten,
        "Unflatten" => Kind::Reshape,
        "Identity" | "Upsample" | "ZeroPad2d" | "ReflectionPad2d" => Kind::Keep,
        "LSTM" | "GRU" | "RNN" | "Embedding" | "MultiheadAttention" => Kind::Steps,
        "Bilinear" => Kind::Plain,
        _ if name.contains("Dropout") => Kind::Dropout,
        _ if name.contains("BatchNorm") || name.contains("InstanceNorm") => Kind::Normalization,
        "LayerNorm" | "GroupNorm" | "RMSNorm" => Kind::Normalization,
        _ if name.contains("Pool") => Kind::Keep,
        _ if name.starts_with(char::is_uppercase) && Activation::from_name(name).is_some() => {
            Kind::Activation
        }
        _ => Kind::Unknown,
    }
}

pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let at = arguments.at;
    if name == "Sequential" || name == "ModuleList" {
        return Some(sequential(this, arguments));
    }
    let layer = match kind(name) {
        Kind::Linear | Kind::Convolution => {
            let position = if name.starts_with("Lazy") { 0 } else { 1 };
            let units = arguments.find(position, &["out_features", "out_channels"]);
            Layer::Head(Rc::new(Head {
                units: units.and_then(|units| Some(Sited::new(units.value.count()?, units.at))),
                activation: Some(None),
                at,
                insert: None,
                spatial: kind(name) == Kind::Convolution,
            }))
        }
        Kind::Activation => match Activation::from_name(name) {
            Some(Some(activation)) => Layer::Activation(Activated {
                activation,
                at,
                word: None,
                argument: false,
                axis: axis(arguments, 0),
            }),
            _ => Layer::Keep,
        },
        Kind::Dropout => Layer::Dropout(at),
        Kind::Normalization => Layer::Normalization,
        Kind::Keep => Layer::Keep,
        Kind::Reshape => Layer::Reshape,
        Kind::Flatten => Layer::Flatten,
        Kind::Steps => Layer::Steps(true),
        Kind::Plain => Layer::Plain,
        Kind::Unknown => return function(this, module, name, arguments),
    };
    Some(Value::Layer(Rc::new(layer)))
}

fn sequential<'a>(this: &mut Interpreter<'a>, arguments: &Arguments<'a>) -> Value<'a> {
    let mut layers: Vec<Value<'a>> = arguments
        .all
        .iter()
        .map(|argument| argument.value.clone())
        .collect();
    let mut gap = arguments.open;
    // One argument that is no layer: a list of layers, or an `OrderedDict` of them.
    if let [Value::Object(id)] = &layers[..] {
        match this.state.object(*id).cloned() {
            Some(Object::List(items)) => layers = items,
            Some(Object::Dict(entries)) => {
                layers = entries.into_iter().map(|(_, layer)| layer).collect()
            }
            _ => {}
        }
    } else if layers == [Value::Unknown] {
        layers.clear();
        gap = true;
    }
    // Pairs of a name and a layer.
    for layer in &mut layers {
        if let Value::Tuple(pair) = &*layer
            && let [Value::Str(_), inner] = &pair[..]
        {
            *layer = inner.clone();
        }
    }
    if gap && arguments.open {
        layers.clear();
    }
    this.state.allocate(Object::Sequential(Sequential {
        layers,
        gap,
        keras: false,
        compiled: Compiled::default(),
    }))
}

/// `F.relu(x)`, `torch.flatten(x, 1)` and their kind.
fn function<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let first = arguments.value(0, &["input"]).unwrap_or(Value::Unknown);
    if let Value::Array(_) = first {
        return None;
    }
    let functional =
        module == "torch" || module.ends_with("functional") || module.ends_with("special");
    if !functional {
        return None;
    }
    if let Some(activation) = Activation::from_name(name) {
        return Some(activate(this, activation, arguments));
    }
    let trail = this.trail(&first);
    let layer = match name {
        "dropout" | "dropout2d" | "alpha_dropout" => Layer::Dropout(arguments.at),
        "flatten" | "reshape" | "permute" | "transpose" => Layer::Reshape,
        "squeeze" | "unsqueeze" | "interpolate" | "clone" => Layer::Keep,
        "log" => return Some(logarithm(&trail, arguments)),
        "batch_norm" | "layer_norm" => Layer::Normalization,
        "cat" | "concat" | "stack" | "add" | "mul" | "matmul" => Layer::Plain,
        _ if name.contains("pool") => Layer::Keep,
        _ => return None,
    };
    Some(Value::Tensor(Rc::new(trail.then(&layer))))
}

/// An activation at work on a tensor.
pub(crate) fn activate<'a>(
    this: &mut Interpreter<'a>,
    activation: Option<Activation>,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let input = arguments
        .value(0, &["input", "x", "logits"])
        .unwrap_or(Value::Unknown);
    if matches!(input, Value::Array(_)) {
        return Value::Unknown;
    }
    let trail = this.trail(&input);
    Value::Tensor(Rc::new(activated(&trail, activation, arguments, 1)))
}

fn activated(
    trail: &Trail,
    activation: Option<Activation>,
    arguments: &Arguments<'_>,
    axis_at: usize,
) -> Trail {
    match activation {
        None => trail.clone(),
        Some(activation) => trail.then(&Layer::Activation(Activated {
            activation,
            at: arguments.at,
            word: None,
            argument: false,
            axis: axis(arguments, axis_at),
        })),
    }
}

fn axis(arguments: &Arguments<'_>, position: usize) -> Option<i64> {
    match arguments.value(position, &["dim", "axis"])? {
        Value::Int(axis) => Some(axis),
        _ => None,
    }
}

/// The logarithm of a softmax is a log-softmax.
fn logarithm<'a>(trail: &Trail, arguments: &Arguments<'a>) -> Value<'a> {
    let mut next = trail.clone();
    match next.activations.last_mut() {
        Some(last) if last.activation == Activation::Softmax => {
            last.activation = Activation::LogSoftmax;
            last.at = arguments.at;
        }
        Some(last) if last.activation == Activation::Sigmoid => {
            last.activation = Activation::LogSigmoid;
            last.at = arguments.at;
        }
        _ => next = trail.then(&Layer::Plain),
    }
    Value::Tensor(Rc::new(next))
}

/// A method of a tensor that a network gives.
pub(crate) fn tensor_method<'a>(
    trail: &Rc<Trail>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    if let Some(activation) = Activation::from_name(name.trim_end_matches('_')) {
        return Value::Tensor(Rc::new(activated(trail, activation, arguments, 0)));
    }
    let layer = match name {
        "squeeze" | "unsqueeze" | "contiguous" | "float" | "double" | "to" | "cuda" | "cpu"
        | "detach" | "clone" | "type" => Layer::Keep,
        // A single number stays a single number.
        "view" | "reshape" | "flatten" if trail.unit_count() == Some(1) => Layer::Keep,
        "view" | "reshape" | "flatten" | "permute" | "transpose" => Layer::Reshape,
        "log" => return logarithm(trail, arguments),
        "size" | "item" | "numpy" | "backward" => return Value::Unknown,
        _ => Layer::Opaque,
    };
    Value::Tensor(Rc::new(trail.then(&layer)))
}
