//! Which layer of Keras each operation is.
//!
//! Here nodes are grouped into layers and handed to the room of their subject, which are those of
//! the other direction: `activation`, `attention`, `convolution`, `merging`, `normalization`,
//! `pooling`, `reordering`. `window` is how Keras pads what a window slides over.

mod activation;
mod attention;
mod convolution;
mod merging;
mod normalization;
mod pooling;
mod reordering;
mod window;

use std::collections::HashMap;

use finial_graph::{Node, Op, Padding, Tensor};
use serde_json::{Value as Json, json};

use super::network::{Input, Layer, Network, channels};
use crate::FormatError;
use crate::keras::builder::Value;

const NUMPY: &str = "keras.src.ops.numpy";
const NN: &str = "keras.src.ops.nn";

/// Adds every node of the graph.
pub(super) fn add_all<'a>(network: &mut Network<'a>) -> Result<(), FormatError> {
    let nodes = network.graph.nodes();
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for input in &node.inputs {
            readers.entry(input).or_default().push(at);
        }
    }
    let mut done = vec![false; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        if done.get(at).copied().unwrap_or_default() {
            continue;
        }
        // The only reader of a node, if that is part of the same layer.
        let next = |node: &Node| match readers.get(node.name.as_str()).map(Vec::as_slice) {
            Some(&[reader]) => nodes.get(reader).map(|reading| (reader, reading)),
            _ => None,
        };
        let mut group = vec![node];
        let mut last = node;
        while let Some((place, reader)) = next(last)
            && belongs(&group, reader)
        {
            group.push(reader);
            last = reader;
            if let Some(done) = done.get_mut(place) {
                *done = true;
            }
        }
        let value = add(network, &group)?;
        network.values.insert(last.name.as_str(), value);
    }
    Ok(())
}

/// Whether a node is part of the layer that these nodes begin.
fn belongs(group: &[&Node], reader: &Node) -> bool {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return false;
    };
    let part = |suffix: &str| reader.name.strip_suffix(suffix);
    let separable = ["/depthwise", ".depthwise"]
        .into_iter()
        .any(|suffix| first.name.strip_suffix(suffix) == Some(&reader.name));
    match (&last.op, &reader.op) {
        (
            Op::Conv2d {
                groups,
                bias: false,
                ..
            },
            Op::Conv2d {
                kernel: [1, 1],
                stride: [1, 1],
                groups: 1,
                padding: Padding::Same | Padding::NONE,
                ..
            },
        ) => separable && *groups > 1,
        (Op::Conv2d { .. } | Op::Dense { .. }, op) => {
            part("/activation") == Some(&last.name) && activation::named(op).is_some()
        }
        (Op::GlobalAveragePool | Op::GlobalMaxPool, Op::Reshape { .. }) => {
            part("/keepdims") == Some(&last.name)
        }
        _ => false,
    }
}

/// Adds the nodes that are one layer, and returns the value of the last.
fn add<'a>(network: &mut Network<'a>, group: &[&'a Node]) -> Result<Value, FormatError> {
    let Some((&node, rest)) = group.split_first() else {
        return Err(network.unsupported("", "no node", "nodes"));
    };
    match &node.op {
        Op::Input { .. } => {
            let shape = network.shape(&node.name);
            let axes = Network::usual(&shape);
            let batch =
                std::iter::once(Json::Null).chain(axes.iter().map(|&axis| json!(shape[axis])));
            let mut layer = Layer::new(&node.name, "InputLayer", Vec::new());
            layer.config.remove("trainable");
            let layer = layer.with(json!({ "batch_shape": batch.collect::<Vec<_>>() }));
            Ok(added(network, layer, axes))
        }
        Op::Permute { axes } => reordering::permute(network, node, axes),
        Op::Conv2d { .. } => convolution::convolution(network, node, rest),
        Op::Add | Op::Multiply => merging::joined(network, node),
        Op::Concat { axis } => merging::concatenated(network, node, *axis),
        Op::MatMul { transposed } => merging::product(network, node, *transposed),
        _ => {
            let mut site = Site::new(network, node, rest)?;
            let (layer, axes) = single(&mut site)?;
            Ok(added(network, layer, axes))
        }
    }
}

/// A layer, and how the axes of what it gives lie.
type Laid<'a> = (Layer<'a>, Vec<usize>);

/// An operation of one value.
fn single<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    match &site.node.op {
        Op::Identity => site.as_it_lies("Identity", json!({})),
        Op::Dropout { rate } => site.as_it_lies("Dropout", json!({ "rate": rate })),
        Op::Dense { units } => convolution::dense(site, *units),
        Op::Rescale { .. }
        | Op::Normalize
        | Op::LayerScale
        | Op::BatchNorm { .. }
        | Op::LayerNorm { .. } => normalization::layer(site),
        Op::Attention { heads } => attention::attention(site, *heads),
        Op::PositionEmbedding => attention::position_embedding(site),
        Op::ClassToken => attention::class_token(site),
        Op::MaxPool { .. } | Op::AveragePool { .. } | Op::GlobalAveragePool | Op::GlobalMaxPool => {
            pooling::layer(site)
        }
        Op::ReverseChannels
        | Op::ZeroPad { .. }
        | Op::Flatten { .. }
        | Op::Reshape { .. }
        | Op::Slice { .. } => reordering::layer(site),
        _ => activation::layer(site),
    }
}

/// A node of one value on its way into a layer.
struct Site<'n, 'a> {
    network: &'n mut Network<'a>,
    node: &'a Node,
    /// The nodes behind it that belong to the same layer.
    rest: &'n [&'a Node],
    /// The shape of the value in the graph.
    shape: Vec<usize>,
    /// The axes of the value as Keras has them if nothing else is asked for.
    usual: Vec<usize>,
    /// As the graph has them.
    plain: Vec<usize>,
    /// As they lie.
    as_is: Vec<usize>,
}

impl<'n, 'a> Site<'n, 'a> {
    fn new(
        network: &'n mut Network<'a>,
        node: &'a Node,
        rest: &'n [&'a Node],
    ) -> Result<Self, FormatError> {
        let source = read(node, 0);
        let shape = network.shape(source);
        Ok(Site {
            usual: Network::usual(&shape),
            plain: (0..shape.len()).collect(),
            as_is: network.value(source)?.axes,
            network,
            node,
            rest,
            shape,
        })
    }

    fn channels(&self) -> usize {
        channels(&self.shape)
    }

    /// The value with its axes in that order.
    fn input(&mut self, axes: &[usize]) -> Result<Input, FormatError> {
        self.network.hold(read(self.node, 0), axes, &self.node.name)
    }

    /// A layer that reads the value with its axes in that order.
    fn layer(&mut self, class: &'static str, axes: &[usize]) -> Result<Layer<'a>, FormatError> {
        let input = self.input(axes)?;
        Ok(Layer::new(&self.node.name, class, vec![input]))
    }

    /// A function of Keras that does.
    fn function(
        &mut self,
        function: (&'static str, &'static str),
        axes: &[usize],
    ) -> Result<Layer<'a>, FormatError> {
        let input = self.input(axes)?;
        Ok(Layer::function(&self.node.name, function, vec![input]))
    }

    /// A layer that takes every number by itself, and leaves the axes as they are.
    fn as_it_lies(&mut self, class: &'static str, settings: Json) -> Result<Laid<'a>, FormatError> {
        let axes = self.as_is.clone();
        Ok((self.layer(class, &axes)?.with(settings), axes))
    }

    fn tensor(&self, parameter: &str) -> Result<&'a Tensor, FormatError> {
        self.network.tensor(self.node, parameter)
    }
}

/// The layer as a value.
fn added<'a>(network: &mut Network<'a>, layer: Layer<'a>, axes: Vec<usize>) -> Value {
    Value {
        node: network.add(layer).to_string(),
        axes,
    }
}

fn read(node: &Node, at: usize) -> &str {
    node.inputs.get(at).map_or("", String::as_str)
}

fn placed(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    axes.iter()
        .filter_map(|&axis| shape.get(axis).copied())
        .collect()
}
