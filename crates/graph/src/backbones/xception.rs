//! Xception: Inception with every channel convolved by itself.
//!
//! Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", 2016,
//! arXiv 1610.02357.
//!
//! A separable convolution is two nodes: `<layer>.depthwise`, and `<layer>` for its 1×1 part.

use super::layers::{
    CLASSES, KerasNames, PREPROCESSING, UNIT, batch_norm, conv, depthwise, in_keras_order,
};
use super::published;
use super::{Backbone, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

pub(super) const KERAS: Backbone = Backbone {
    name: "xception",
    paper: "arXiv 1610.02357",
    input: [299, 299],
    features: "block14_sepconv2_act",
    publisher: Publisher::Keras,
    weights: published::keras(
        [
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels.h5",
                "0a58e3b7378bc2990ea3b43d5981f1f6",
            ],
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "b0042744bf5b25fce3cb969f33bebb97",
            ],
        ],
        "MIT",
        79.0,
    ),
    build: xception,
};

const EPSILON: f64 = 1e-3;

fn xception() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 299, 299]));
    let mut names = KerasNames::default();
    graph.push(PREPROCESSING, UNIT.standardise())?;

    // Entry flow.
    for (name, filters, stride) in [("block1_conv1", 32, 2), ("block1_conv2", 64, 1)] {
        graph.push(name, conv(filters, [3, 3], stride, Padding::NONE))?;
        graph.push(format!("{name}_bn"), batch_norm(EPSILON))?;
        graph.push(format!("{name}_act"), Op::Relu)?;
    }
    halving(&mut graph, &mut names, 2, [128, 128])?;
    halving(&mut graph, &mut names, 3, [256, 256])?;
    halving(&mut graph, &mut names, 4, [728, 728])?;

    // Middle flow.
    for block in 5..13 {
        let input = graph.output().to_owned();
        for layer in 1..=3 {
            graph.push(format!("block{block}_sepconv{layer}_act"), Op::Relu)?;
            separable(&mut graph, block, layer, 728)?;
        }
        let end = graph.output().to_owned();
        graph.push_after(names.next("add"), Op::Add, &[&end, &input])?;
    }

    // Exit flow.
    halving(&mut graph, &mut names, 13, [728, 1024])?;
    for (layer, filters) in [(1, 1536), (2, 2048)] {
        separable(&mut graph, 14, layer, filters)?;
        graph.push(format!("block14_sepconv{layer}_act"), Op::Relu)?;
    }
    graph.push("avg_pool", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    in_keras_order(graph)
}

/// Two separable convolutions and a max pooling, beside a 1×1 convolution of the same stride.
fn halving(
    graph: &mut Graph,
    names: &mut KerasNames,
    block: usize,
    [first, second]: [usize; 2],
) -> Result<(), GraphError> {
    let input = graph.output().to_owned();
    graph.push(names.next("conv2d"), conv(second, [1, 1], 2, Padding::Same))?;
    let shortcut = names.next("batch_normalization");
    graph.push(shortcut.clone(), batch_norm(EPSILON))?;

    let name = |layer: &str| format!("block{block}_{layer}");
    // The first block follows a ReLU.
    if block == 2 {
        separable_after(graph, block, 1, first, &input)?;
    } else {
        graph.push_after(name("sepconv1_act"), Op::Relu, &[&input])?;
        separable(graph, block, 1, first)?;
    }
    graph.push(name("sepconv2_act"), Op::Relu)?;
    separable(graph, block, 2, second)?;
    let pool = Op::MaxPool {
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::Same,
    };
    graph.push(name("pool"), pool)?;
    graph.push_after(names.next("add"), Op::Add, &[&name("pool"), &shortcut])
}

fn separable(
    graph: &mut Graph,
    block: usize,
    layer: usize,
    filters: usize,
) -> Result<(), GraphError> {
    let input = graph.output().to_owned();
    separable_after(graph, block, layer, filters, &input)
}

/// A separable convolution and its batch norm.
fn separable_after(
    graph: &mut Graph,
    block: usize,
    layer: usize,
    filters: usize,
    input: &str,
) -> Result<(), GraphError> {
    let name = format!("block{block}_sepconv{layer}");
    let channels = graph.shape_of(input)?.channels();
    let spatial = depthwise(channels, 3, 1, Padding::Same);
    graph.push_after(format!("{name}.depthwise"), spatial, &[input])?;
    graph.push(name.clone(), conv(filters, [1, 1], 1, Padding::Same))?;
    graph.push(format!("{name}_bn"), batch_norm(EPSILON))
}
