//! Activations: by their names, or as layers where they have settings.

use finial_graph::{Node, Op};
use serde_json::json;

use super::{Laid, NN, NUMPY, Site, placed};
use crate::FormatError;
use crate::keras::export::network::{Input, Layer, Numbers};

const HARD_SIGMOID: f64 = 1.0 / 6.0;
/// The slope of Keras's leaky activation by name.
const NAMED_SLOPE: f64 = 0.2;

/// The name of an activation that Keras has without settings.
pub(super) fn named(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::Relu => "relu",
        Op::Relu6 => "relu6",
        Op::LeakyRelu { slope } if *slope == NAMED_SLOPE => "leaky_relu",
        Op::Elu { alpha } if *alpha == 1.0 => "elu",
        Op::Sigmoid => "sigmoid",
        Op::HardSigmoid { slope, offset } if (*slope, *offset) == (HARD_SIGMOID, 0.5) => {
            "hard_sigmoid"
        }
        Op::Silu => "silu",
        Op::HardSwish => "hard_silu",
        Op::Gelu { approximate: false } => "gelu",
        Op::Tanh => "tanh",
        Op::Softplus => "softplus",
        Op::Softmax => "softmax",
        _ => return None,
    })
}

/// The name of the last activation among nodes of one layer.
pub(super) fn among(rest: &[&Node]) -> &'static str {
    let last = rest.iter().rev().find_map(|node| named(&node.op));
    last.unwrap_or("linear")
}

/// A layer of its own.
pub(super) fn layer<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let name = site.node.name.as_str();
    match &site.node.op {
        Op::Relu6 => site.as_it_lies("ReLU", json!({ "max_value": 6.0 })),
        Op::Clamp { low, high } if *low == 0.0 => {
            site.as_it_lies("ReLU", json!({ "max_value": high }))
        }
        Op::Clamp { low, high } => {
            let axes = site.as_is.clone();
            let layer = site.function((NUMPY, "Clip"), &axes)?;
            Ok((layer.with(json!({ "x_min": low, "x_max": high })), axes))
        }
        Op::LeakyRelu { slope } => site.as_it_lies("LeakyReLU", json!({ "negative_slope": slope })),
        Op::Elu { alpha } if *alpha != 1.0 => site.as_it_lies("ELU", json!({ "alpha": alpha })),
        Op::PRelu => {
            let axes = site.usual.clone();
            let shared: Vec<usize> = (1..site.shape.len()).collect();
            let mut alpha = vec![1; site.shape.len().saturating_sub(1)];
            alpha.push(site.channels());
            let mut layer = site.layer("PReLU", &axes)?;
            layer = layer.with(json!({ "shared_axes": shared }));
            layer.variable(alpha, Numbers::Of(site.tensor("weight")?));
            Ok((layer, axes))
        }
        op @ Op::HardSigmoid { slope, offset } if named(op).is_none() => {
            let axes = site.as_is.clone();
            let input = site.input(&axes)?;
            let scaled = Layer::new(&format!("{name}/linear"), "Rescaling", vec![input]);
            // As a graph reads it again.
            let single = |number: f64| f64::from(number as f32);
            let scaled = scaled.with(json!({ "scale": single(*slope), "offset": single(*offset) }));
            let shape = placed(&site.shape, &axes);
            let layer = site.network.add(scaled);
            let layer = Layer::new(name, "ReLU", vec![Input { layer, shape }]);
            Ok((layer.with(json!({ "max_value": 1.0 })), axes))
        }
        Op::Gelu { approximate: true } => {
            let axes = site.as_is.clone();
            let layer = site.function((NN, "Gelu"), &axes)?;
            Ok((layer.with(json!({ "approximate": true })), axes))
        }
        Op::Softmax => {
            let axes = site.plain.clone();
            let layer = site.layer("Activation", &axes)?;
            Ok((layer.with(json!({ "activation": "softmax" })), axes))
        }
        op => match named(op) {
            Some(activation) => site.as_it_lies("Activation", json!({ "activation": activation })),
            None => {
                let found = format!("a {}", op.name());
                let accepted = "operations that are layers of Keras";
                Err(site.network.unsupported(name, &found, accepted))
            }
        },
    }
}
