//! MobileNet: each convolution divided into one of each channel by itself and a 1 × 1.
//!
//! Howard and others, "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
//! Applications", 2017, arXiv 1704.04861. As Keras publishes it, at full width.

use super::layers::{
    CLASSES, PREPROCESSING, UNIT, batch_norm, biased, conv, depthwise, one_place, zero_pad,
};
use super::published::without_digest;
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// MobileNet of Keras.
pub(super) const MOBILENET: Backbone = Backbone {
    name: "mobilenet",
    paper: "arXiv 1704.04861",
    input: [224, 224],
    features: "conv_pw_13_relu",
    publisher: Publisher::Keras,
    weights: Published {
        with_top: Some(without_digest(
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf.h5",
        )),
        without_top: Some(without_digest(
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_1_0_224_tf_no_top.h5",
        )),
        licence: "Apache-2.0",
        top1: Some(70.4),
    },
    build,
};

/// Filters and stride of each block.
#[rustfmt::skip]
const BLOCKS: [(usize, usize); 13] = [
    (64, 1),
    (128, 2), (128, 1),
    (256, 2), (256, 1),
    (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
];

/// Filters of the first convolution.
const STEM: usize = 32;

fn build() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, UNIT.standardise())?;
    graph.push("conv1", conv(STEM, [3, 3], 2, Padding::Same))?;
    activate(&mut graph, "conv1")?;
    let mut channels = STEM;
    for (number, (filters, stride)) in (1..).zip(BLOCKS) {
        let mut padding = Padding::Same;
        if stride == 2 {
            graph.push(format!("conv_pad_{number}"), zero_pad(0, 1))?;
            padding = Padding::NONE;
        }
        let name = format!("conv_dw_{number}");
        graph.push(name.as_str(), depthwise(channels, 3, stride, padding))?;
        activate(&mut graph, &name)?;
        let name = format!("conv_pw_{number}");
        graph.push(name.as_str(), conv(filters, [1, 1], 1, Padding::NONE))?;
        activate(&mut graph, &name)?;
        channels = filters;
    }
    graph.push("global_average_pooling2d", Op::GlobalAveragePool)?;
    graph.push("global_average_pooling2d/keepdims", one_place(channels))?;
    graph.push("dropout", Op::Dropout { rate: 1e-3 })?;
    graph.push(
        "conv_preds",
        biased(conv(CLASSES, [1, 1], 1, Padding::NONE)),
    )?;
    let shape = Shape::Vector([CLASSES]);
    graph.push("reshape_2", Op::Reshape { shape })?;
    graph.push("predictions", Op::Softmax)?;
    Ok(graph)
}

fn activate(graph: &mut Graph, layer: &str) -> Result<(), GraphError> {
    graph.push(format!("{layer}_bn"), batch_norm(1e-3))?;
    graph.push(format!("{layer}_relu"), Op::Relu6)
}
