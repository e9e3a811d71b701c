//! Activations: by name, as a layer of their own, or at the end of another.

use finial_graph::{Op, Shape};
use serde_json::Value as Json;

use super::super::builder::{Generation, Site, Value};
use super::super::settings::{Settings, numbers};
use crate::FormatError;

const ACCEPTED: &str = "linear, relu, relu6, leaky_relu, elu, selu, sigmoid, hard_sigmoid, silu, \
                        hard_silu, mish, gelu, tanh, softplus and softmax";
/// What Keras takes for a leaky activation by name.
const NAMED_SLOPE: f64 = 0.2;
const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// A layer that is an activation.
pub(super) fn layer(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    match site.settings.class {
        "Activation" => match site.settings.get("activation") {
            Some(activation) => apply(site, "", activation, x),
            None => site.push_each("", Op::Identity, x),
        },
        "PReLU" => parametric(site, x),
        class => of_class(site, "", class, &site.settings.clone(), x),
    }
}

/// The activation at the end of a layer, a node behind it; none if it is linear.
pub(super) fn behind(site: &mut Site<'_, '_>, x: Value) -> Result<Value, FormatError> {
    match site.settings.get("activation") {
        None => Ok(x),
        Some(Json::String(name)) if name == "linear" => Ok(x),
        Some(activation) => apply(site, "activation", activation, &x),
    }
}

/// An activation: its name, a function, or a layer in place of one.
fn apply(
    site: &mut Site<'_, '_>,
    part: &str,
    activation: &Json,
    x: &Value,
) -> Result<Value, FormatError> {
    let class = activation.get("class_name").and_then(Json::as_str);
    let named = match (activation, class) {
        (Json::String(name), _) => Some(name.as_str()),
        (_, Some("function")) => activation.get("config").and_then(Json::as_str),
        _ => None,
    };
    match (named, class) {
        (Some(name), _) => of_name(site, part, name, x),
        (None, Some("Activation")) => match activation.pointer("/config/activation") {
            Some(Json::String(name)) => of_name(site, part, name, x),
            _ => site.unsupported("an activation of its own", ACCEPTED),
        },
        (None, Some(class)) => {
            let settings = Settings::of_layer(site.builder.path, activation)?;
            of_class(site, part, class, &settings, x)
        }
        (None, None) => site.unsupported("an activation of its own", ACCEPTED),
    }
}

/// The node's name for the first step of an activation that takes several.
fn step(part: &str, name: &str) -> String {
    match part {
        "" => name.to_owned(),
        part => format!("{part}_{name}"),
    }
}

pub(super) fn of_name(
    site: &mut Site<'_, '_>,
    part: &str,
    name: &str,
    x: &Value,
) -> Result<Value, FormatError> {
    let op = match name {
        "linear" => Op::Identity,
        "relu" => Op::Relu,
        "relu6" => Op::Relu6,
        "leaky_relu" => Op::LeakyRelu { slope: NAMED_SLOPE },
        "elu" => Op::Elu { alpha: 1.0 },
        "sigmoid" => Op::Sigmoid,
        "hard_sigmoid" => match site.builder.generation {
            Generation::Second => Op::HardSigmoid {
                slope: 0.2,
                offset: 0.5,
            },
            Generation::Third => Op::HardSigmoid {
                slope: 1.0 / 6.0,
                offset: 0.5,
            },
        },
        "silu" | "swish" => Op::Silu,
        "hard_silu" | "hard_swish" => Op::HardSwish,
        "gelu" => Op::Gelu { approximate: false },
        "tanh" => Op::Tanh,
        "softplus" => Op::Softplus,
        "softmax" => return softmax(site, part, x, x.axes.len().saturating_sub(1)),
        "selu" => {
            let alpha = Op::Elu { alpha: SELU_ALPHA };
            let elu = site.push_each(&step(part, "elu"), alpha, x)?;
            let scale = |count| (vec![SELU_SCALE as f32; count], vec![0.0; count]);
            return affine(site, part, &elu, scale);
        }
        "mish" => {
            let soft = site.push_each(&step(part, "softplus"), Op::Softplus, x)?;
            let gate = site.push_each(&step(part, "tanh"), Op::Tanh, &soft)?;
            let node = site.push(part, Op::Multiply, &[&x.node, &gate.node])?;
            return Ok(Value::new(node, &x.axes));
        }
        other => return site.unsupported(&format!("activated by `{other}`"), ACCEPTED),
    };
    site.push_each(part, op, x)
}

/// The same factor and offset for every channel.
pub(super) fn affine(
    site: &mut Site<'_, '_>,
    part: &str,
    x: &Value,
    factors: impl Fn(usize) -> (Vec<f32>, Vec<f32>),
) -> Result<Value, FormatError> {
    let shape = site.builder.graph.shape_of(&x.node);
    let (scale, offset) = factors(shape.map_or(1, Shape::channels));
    site.push_each(part, Op::Rescale { scale, offset }, x)
}

/// An activation by the class of its layer.
fn of_class(
    site: &mut Site<'_, '_>,
    part: &str,
    class: &str,
    settings: &Settings<'_>,
    x: &Value,
) -> Result<Value, FormatError> {
    match class {
        "ReLU" => {
            let slope = settings.number("negative_slope")?.unwrap_or(0.0);
            if settings.number("threshold")?.unwrap_or(0.0) != 0.0 {
                return Err(settings.unsupported_setting("threshold", "a threshold of 0"));
            }
            let most = settings.number("max_value")?;
            relu(site, part, most, slope, x)
        }
        "LeakyReLU" => {
            let slope = settings
                .number("negative_slope")?
                .or(settings.number("alpha")?);
            let slope = slope.unwrap_or(0.3);
            site.push_each(part, Op::LeakyRelu { slope }, x)
        }
        "ELU" => {
            let alpha = settings.number("alpha")?.unwrap_or(1.0);
            site.push_each(part, Op::Elu { alpha }, x)
        }
        "Softmax" => match settings.axes("axis", x.axes.len())?.as_slice() {
            [axis] => softmax(site, part, x, *axis),
            _ => Err(settings.unsupported_setting("axis", "one axis")),
        },
        other => site.unsupported(&format!("activated by `{other}`"), ACCEPTED),
    }
}

/// `min(max(x, slope · x), most)`.
pub(super) fn relu(
    site: &mut Site<'_, '_>,
    part: &str,
    most: Option<f64>,
    slope: f64,
    x: &Value,
) -> Result<Value, FormatError> {
    let op = match (most, slope == 0.0) {
        (None, true) => Op::Relu,
        (Some(6.0), true) => Op::Relu6,
        (Some(high), true) => Op::Clamp { low: 0.0, high },
        (None, false) => Op::LeakyRelu { slope },
        (Some(high), false) => {
            let leaky = site.push_each(&step(part, "leaky"), Op::LeakyRelu { slope }, x)?;
            let low = f64::from(f32::MIN);
            return site.push_each(part, Op::Clamp { low, high }, &leaky);
        }
    };
    site.push_each(part, op, x)
}

/// Probabilities along one axis of Keras.
pub(super) fn softmax(
    site: &mut Site<'_, '_>,
    part: &str,
    x: &Value,
    axis: usize,
) -> Result<Value, FormatError> {
    let rank = x.axes.len();
    if axis + 1 != rank {
        return site.unsupported("a softmax over another axis than the last", "the last axis");
    }
    let node = site.plain(x)?;
    let &[h, w, c] = site.dims(x).as_slice() else {
        let node = site.push(part, Op::Softmax, &[&node])?;
        return Ok(Value::plain(node, rank));
    };
    // Over the channels of a map: each place is a token.
    let shape = Shape::Tokens([h * w, c]);
    let tokens = site.push(&step(part, "tokens"), Op::Reshape { shape }, &[&node])?;
    let answers = site.push(&step(part, "softmax"), Op::Softmax, &[&tokens])?;
    let shape = Shape::Map([h, w, c]);
    let node = site.push(part, Op::Reshape { shape }, &[&answers])?;
    Ok(Value::plain(node, 3))
}

/// `alpha` has the shape of the value, with 1 for the axes that share it.
fn parametric(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let alpha = site.variable("slopes")?;
    let dims = site.dims(x);
    let rank = dims.len();
    let shape = alpha.shape().to_vec();
    let long: Vec<usize> = (0..shape.len()).filter(|&i| shape[i] != 1).collect();
    let axis = match long.as_slice() {
        [] => rank.saturating_sub(1),
        [axis] if shape.len() == rank => *axis,
        _ => {
            let found = format!("a PReLU with slopes of shape {shape:?}");
            return site.unsupported(&found, "slopes shared by height and width");
        }
    };
    let channels = dims.get(axis).copied().unwrap_or(1);
    let mut slopes = alpha.read()?;
    if slopes.len() == 1 {
        slopes = vec![slopes.first().copied().unwrap_or_default(); channels];
    }
    let x = site.with_channels(x, axis)?;
    let value = site.push_each("", Op::PRelu, &x)?;
    site.insert(&value.node, "weight", vec![channels], slopes)?;
    Ok(value)
}

/// Numbers of a constant; one or a list.
pub(super) fn constant(json: &Json) -> Option<Vec<f32>> {
    Some(numbers(json)?.into_iter().map(|n| n as f32).collect())
}
