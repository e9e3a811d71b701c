//! How Keras pads what a window slides over.

use finial_graph::{Node, Op, Padding};
use serde_json::json;

use super::read;
use crate::FormatError;
use crate::keras::export::network::{Input, Layer, Network, channels};

/// What a window slides over, and how Keras pads it.
pub(super) struct Padded {
    pub(super) input: Input,
    pub(super) padding: &'static str,
}

/// Its size, its steps and its padding.
type Window = ([usize; 2], [usize; 2], Padding);

/// Padding that Keras has no word for becomes a layer before, if zeros are what it means.
pub(super) fn padded(
    network: &mut Network<'_>,
    node: &Node,
    name: &str,
    shape: &[usize],
    (kernel, stride, padding): Window,
) -> Result<Padded, FormatError> {
    let usual = Network::usual(shape);
    let &[_, h, w] = shape else {
        return Err(network.unsupported(name, "over no map", "windows over maps"));
    };
    let counts = matches!(
        &node.op,
        Op::AveragePool {
            count_padding: true,
            ..
        }
    );
    let none = [(0, 0), (0, 0)];
    let sides = padding.resolve([h, w], kernel, stride);
    let same = Padding::Same.resolve([h, w], kernel, stride);
    if sides == none && padding != Padding::Same {
        return Ok(Padded {
            input: network.hold(read(node, 0), &usual, name)?,
            padding: "valid",
        });
    }
    let convolves = matches!(node.op, Op::Conv2d { .. });
    if padding == Padding::Same && (convolves || !counts || same == none)
        || !convolves && !counts && sides == same
    {
        return Ok(Padded {
            input: network.hold(read(node, 0), &usual, name)?,
            padding: "same",
        });
    }
    let zeros = match &node.op {
        Op::Conv2d { .. } => true,
        Op::AveragePool { count_padding, .. } => *count_padding,
        // Zeros never win over what is not below zero.
        _ => is_positive(network, read(node, 0)),
    };
    if !zeros {
        let found = format!("padded by {sides:?}");
        let accepted = "pooling without padding, or padded as TensorFlow does";
        return Err(network.unsupported(name, &found, accepted));
    }
    let [(top, bottom), (left, right)] = sides;
    let name = format!("{name}_pad");
    let input = network.hold(read(node, 0), &usual, &name)?;
    let layer = Layer::new(&name, "ZeroPadding2D", vec![input]).with(json!({
        "padding": [[top, bottom], [left, right]],
        "data_format": "channels_last",
    }));
    let shape = vec![
        h.saturating_add(top).saturating_add(bottom),
        w.saturating_add(left).saturating_add(right),
        channels(shape),
    ];
    let layer = network.add(layer);
    Ok(Padded {
        input: Input { layer, shape },
        padding: "valid",
    })
}

/// Whether no number of a node's value can be below zero.
fn is_positive(network: &Network<'_>, name: &str) -> bool {
    let nodes = network.graph.nodes();
    let mut name = name.to_owned();
    while let Some(node) = nodes.iter().find(|node| node.name == name) {
        match &node.op {
            Op::Relu | Op::Relu6 | Op::Sigmoid | Op::HardSigmoid { .. } | Op::Softmax => {
                return true;
            }
            Op::Softplus => return true,
            Op::Clamp { low, .. } => return *low >= 0.0,
            Op::Identity | Op::Dropout { .. } | Op::ZeroPad { .. } | Op::MaxPool { .. } => {
                name = read(node, 0).to_owned();
            }
            _ => return false,
        }
    }
    false
}
