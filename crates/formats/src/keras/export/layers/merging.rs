//! What reads two values or more.

use finial_graph::{Node, Op};
use serde_json::json;

use super::{NUMPY, added, read};
use crate::FormatError;
use crate::keras::builder::Value;
use crate::keras::export::network::{Arguments, Input, Layer, Network, channels};

/// A sum or product of two values, of which the second may hold one number per channel.
pub(super) fn joined<'a>(network: &mut Network<'a>, node: &'a Node) -> Result<Value, FormatError> {
    let (a, b) = (read(node, 0), read(node, 1));
    let (shape, second) = (network.shape(a), network.shape(b));
    let axes = match shape == second {
        true => network.value(a)?.axes,
        false => Network::usual(&shape),
    };
    let first = network.hold(a, &axes, &node.name)?;
    let second = match second.as_slice() {
        _ if shape == second => network.hold(b, &axes, &node.name)?,
        [_, _, _] => network.hold(b, &Network::usual(&second), &node.name)?,
        dims => {
            let name = format!("{}/channels", node.name);
            let source = network.hold(b, &(0..dims.len()).collect::<Vec<_>>(), &name)?;
            let mut target = vec![1; shape.len().saturating_sub(1)];
            target.push(channels(&shape));
            let layer = Layer::new(&name, "Reshape", vec![source]);
            let layer = network.add(layer.with(json!({ "target_shape": target })));
            Input {
                layer,
                shape: target,
            }
        }
    };
    let class = if node.op == Op::Add {
        "Add"
    } else {
        "Multiply"
    };
    let layer = Layer::new(&node.name, class, vec![first, second]).called(Arguments::List);
    Ok(added(network, layer, axes))
}

/// Values one after the other along an axis.
pub(super) fn concatenated<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    axis: usize,
) -> Result<Value, FormatError> {
    let axes = network.value(read(node, 0))?.axes;
    let mut inputs = Vec::new();
    for input in &node.inputs {
        inputs.push(network.hold(input, &axes, &node.name)?);
    }
    let at = axes
        .iter()
        .position(|&known| known == axis)
        .unwrap_or_default()
        + 1;
    let at = if at == axes.len() {
        json!(-1)
    } else {
        json!(at)
    };
    let layer = Layer::new(&node.name, "Concatenate", inputs);
    let layer = layer.with(json!({ "axis": at })).called(Arguments::List);
    Ok(added(network, layer, axes))
}

/// A product of matrices.
pub(super) fn product<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    transposed: bool,
) -> Result<Value, FormatError> {
    let rank = network.shape(&node.name).len();
    let axes: Vec<usize> = (0..rank).collect();
    let mut second = axes.clone();
    if transposed && rank >= 2 {
        second.swap(rank - 2, rank - 1);
    }
    let a = network.hold(read(node, 0), &axes, &node.name)?;
    let b = network.hold(read(node, 1), &second, &node.name)?;
    let layer = Layer::function(&node.name, (NUMPY, "Matmul"), vec![a, b]);
    Ok(added(network, layer, axes))
}
