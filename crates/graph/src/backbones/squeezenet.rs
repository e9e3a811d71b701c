//! SqueezeNet: the accuracy of AlexNet with a fiftieth of its parameters.
//!
//! Iandola and others, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
//! <0.5MB model size", 2016, arXiv 1602.07360. Version 1.1, which computes 2.4 times less than
//! the paper's.
//!
//! The `keras-squeezenet` project carries the authors' own weights, for images as Caffe reads
//! them; torchvision trained its own.

use super::layers::{
    CLASSES, IMAGENET, PREPROCESSING, biased, conv, in_keras_order, max_pool, preprocess_as_caffe,
};
use super::published::{torchvision, without_digest};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// SqueezeNet 1.1 of torchvision.
pub(super) const SQUEEZENET: Backbone = Backbone {
    name: "squeezenet1.1",
    paper: "arXiv 1602.07360",
    input: [224, 224],
    features: "features.12.cat",
    publisher: Publisher::Torchvision,
    weights: torchvision(
        "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth",
        "b8a52dc0",
        58.178,
    ),
    build: torchvision_squeezenet,
};

/// SqueezeNet 1.1 of `keras-squeezenet`.
pub(super) const SQUEEZENET_KERAS: Backbone = Backbone {
    name: "squeezenet1.1-keras",
    paper: "arXiv 1602.07360",
    input: [227, 227],
    features: "fire9/concat",
    publisher: Publisher::KerasSqueezeNet,
    weights: Published {
        with_top: Some(without_digest(
            "https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/squeezenet_weights_tf_dim_ordering_tf_kernels.h5",
        )),
        without_top: Some(without_digest(
            "https://github.com/rcmalli/keras-squeezenet/releases/download/v1.0/squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
        )),
        licence: "MIT",
        top1: None,
    },
    build: keras_squeezenet,
};

/// What follows the first pooling.
enum Row {
    /// Filters of the squeezing 1 × 1, and of each of the two that expand.
    Fire(usize, usize),
    /// 3 × 3, every second place.
    Pool,
}

const ROWS: [Row; 10] = [
    Row::Fire(16, 64),
    Row::Fire(16, 64),
    Row::Pool,
    Row::Fire(32, 128),
    Row::Fire(32, 128),
    Row::Pool,
    Row::Fire(48, 192),
    Row::Fire(48, 192),
    Row::Fire(64, 256),
    Row::Fire(64, 256),
];

/// Filters of the first convolution.
const STEM: usize = 64;

fn keras_squeezenet() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 227, 227]));
    preprocess_as_caffe(&mut graph)?;
    graph.push("conv1", biased(conv(STEM, [3, 3], 2, Padding::NONE)))?;
    graph.push("relu_conv1", Op::Relu)?;
    graph.push("pool1", max_pool(3, 2, Padding::NONE))?;
    // Fires are numbered from 2; a pooling has the number of the fire before it.
    let mut number = 1;
    for row in &ROWS {
        match row {
            Row::Fire(squeeze, expand) => {
                number += 1;
                let names = ["squeeze1x1", "expand1x1", "expand3x3"].map(|layer| Layer {
                    convolution: format!("fire{number}/{layer}"),
                    activation: format!("fire{number}/relu_{layer}"),
                });
                let joined = format!("fire{number}/concat");
                fire(&mut graph, [*squeeze, *expand], names, joined)?;
            }
            Row::Pool => graph.push(format!("pool{number}"), max_pool(3, 2, Padding::NONE))?,
        }
    }
    graph.push("drop9", Op::Dropout { rate: 0.5 })?;
    graph.push("conv10", biased(conv(CLASSES, [1, 1], 1, Padding::NONE)))?;
    graph.push("relu_conv10", Op::Relu)?;
    graph.push("global_average_pooling2d", Op::GlobalAveragePool)?;
    graph.push("loss", Op::Softmax)?;
    in_keras_order(graph)
}

fn torchvision_squeezenet() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    graph.push("features.0", biased(conv(STEM, [3, 3], 2, Padding::NONE)))?;
    graph.push("features.1", Op::Relu)?;
    // It keeps windows that reach over the edge; at this size of image there are none.
    graph.push("features.2", max_pool(3, 2, Padding::NONE))?;
    for (number, row) in (3..).zip(&ROWS) {
        let path = format!("features.{number}");
        match row {
            Row::Fire(squeeze, expand) => {
                let names = ["squeeze", "expand1x1", "expand3x3"].map(|layer| Layer {
                    convolution: format!("{path}.{layer}"),
                    activation: format!("{path}.{layer}_activation"),
                });
                let joined = format!("{path}.cat");
                fire(&mut graph, [*squeeze, *expand], names, joined)?;
            }
            Row::Pool => graph.push(path, max_pool(3, 2, Padding::NONE))?,
        }
    }
    graph.push("classifier.0", Op::Dropout { rate: 0.5 })?;
    graph.push(
        "classifier.1",
        biased(conv(CLASSES, [1, 1], 1, Padding::NONE)),
    )?;
    graph.push("classifier.2", Op::Relu)?;
    graph.push("classifier.3", Op::GlobalAveragePool)?;
    Ok(graph)
}

/// Names of a convolution and of the activation behind it.
struct Layer {
    convolution: String,
    activation: String,
}

/// Squeeze to few channels, expand by 1 × 1 and by 3 × 3, and join the two.
fn fire(
    graph: &mut Graph,
    [squeeze, expand]: [usize; 2],
    [squeezed, by1, by3]: [Layer; 3],
    joined: String,
) -> Result<(), GraphError> {
    graph.push(
        squeezed.convolution,
        biased(conv(squeeze, [1, 1], 1, Padding::NONE)),
    )?;
    graph.push(squeezed.activation.as_str(), Op::Relu)?;
    graph.push(
        by1.convolution,
        biased(conv(expand, [1, 1], 1, Padding::NONE)),
    )?;
    graph.push(by1.activation.as_str(), Op::Relu)?;
    let wide = biased(conv(expand, [3, 3], 1, Padding::Same));
    graph.push_after(by3.convolution, wide, &[&squeezed.activation])?;
    graph.push(by3.activation.as_str(), Op::Relu)?;
    let both = [by1.activation.as_str(), &by3.activation];
    graph.push_after(joined, Op::Concat { axis: 0 }, &both)
}
