//! MobileNetV2: blocks that widen, convolve each channel by itself, and narrow again; they add
//! to their narrow input.
//!
//! Sandler, Howard, Zhu, Zhmoginov and Chen, "MobileNetV2: Inverted Residuals and Linear
//! Bottlenecks", 2018, arXiv 1801.04381. At full width.
//!
//! Keras's variant pads as TensorFlow does, torchvision's both sides alike; their epsilons and
//! preprocessing differ.

use super::layers::{
    CLASSES, IMAGENET, PREPROCESSING, UNIT, batch_norm, conv, depthwise, zero_pad,
};
use super::published::{torchvision, without_digest};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// MobileNetV2 of Keras.
pub(super) const MOBILENET_V2: Backbone = Backbone {
    name: "mobilenet-v2",
    paper: "arXiv 1801.04381",
    input: [224, 224],
    features: "out_relu",
    publisher: Publisher::Keras,
    weights: Published {
        with_top: Some(without_digest(
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        )),
        without_top: Some(without_digest(
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224_no_top.h5",
        )),
        licence: "Apache-2.0",
        top1: Some(71.3),
    },
    build: keras_mobilenet,
};

/// MobileNetV2 of torchvision, second training.
pub(super) const MOBILENET_V2_TORCHVISION: Backbone = Backbone {
    name: "mobilenet-v2-torchvision",
    paper: "arXiv 1801.04381",
    input: [224, 224],
    features: "features.18.2",
    publisher: Publisher::Torchvision,
    weights: torchvision(
        "https://download.pytorch.org/models/mobilenet_v2-7ebf99e0.pth",
        "7ebf99e0",
        72.154,
    ),
    build: torchvision_mobilenet,
};

/// A row of the paper's table: `repeats` blocks, the first with `stride`.
struct Stage {
    expansion: usize,
    filters: usize,
    repeats: usize,
    stride: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { expansion: 1, filters: 16, repeats: 1, stride: 1 },
    Stage { expansion: 6, filters: 24, repeats: 2, stride: 2 },
    Stage { expansion: 6, filters: 32, repeats: 3, stride: 2 },
    Stage { expansion: 6, filters: 64, repeats: 4, stride: 2 },
    Stage { expansion: 6, filters: 96, repeats: 3, stride: 1 },
    Stage { expansion: 6, filters: 160, repeats: 3, stride: 2 },
    Stage { expansion: 6, filters: 320, repeats: 1, stride: 1 },
];
const STEM: usize = 32;
const HEAD: usize = 1280;

/// One inverted bottleneck.
struct Block {
    channels: usize,
    wide: usize,
    filters: usize,
    stride: usize,
}

impl Block {
    fn is_residual(&self) -> bool {
        self.stride == 1 && self.channels == self.filters
    }

    /// The first block does not widen.
    fn expands(&self) -> bool {
        self.wide != self.channels
    }
}

fn blocks() -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut channels = STEM;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            blocks.push(Block {
                channels,
                wide: channels * stage.expansion,
                filters: stage.filters,
                stride: if repeat == 0 { stage.stride } else { 1 },
            });
            channels = stage.filters;
        }
    }
    blocks
}

fn keras_mobilenet() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, UNIT.standardise())?;
    graph.push("Conv1", conv(STEM, [3, 3], 2, Padding::Same))?;
    graph.push("bn_Conv1", keras_norm())?;
    graph.push("Conv1_relu", Op::Relu6)?;
    for (number, block) in blocks().iter().enumerate() {
        let prefix = match number {
            0 => "expanded_conv".to_owned(),
            n => format!("block_{n}"),
        };
        keras_block(&mut graph, block, &prefix)?;
    }
    graph.push("Conv_1", point(HEAD))?;
    graph.push("Conv_1_bn", keras_norm())?;
    graph.push("out_relu", Op::Relu6)?;
    graph.push("global_average_pooling2d", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    Ok(graph)
}

fn keras_block(graph: &mut Graph, block: &Block, prefix: &str) -> Result<(), GraphError> {
    let name = |layer: &str| format!("{prefix}_{layer}");
    let input = graph.output().to_owned();
    if block.expands() {
        graph.push(name("expand"), point(block.wide))?;
        graph.push(name("expand_BN"), keras_norm())?;
        graph.push(name("expand_relu"), Op::Relu6)?;
    }
    let mut padding = Padding::Same;
    if block.stride == 2 {
        // Of an even map, TensorFlow leaves out the row above.
        graph.push(name("pad"), zero_pad(0, 1))?;
        padding = Padding::NONE;
    }
    let spatial = depthwise(block.wide, 3, block.stride, padding);
    graph.push(name("depthwise"), spatial)?;
    graph.push(name("depthwise_BN"), keras_norm())?;
    graph.push(name("depthwise_relu"), Op::Relu6)?;
    graph.push(name("project"), point(block.filters))?;
    graph.push(name("project_BN"), keras_norm())?;
    if block.is_residual() {
        let projected = name("project_BN");
        graph.push_after(name("add"), Op::Add, &[&input, &projected])?;
    }
    Ok(())
}

fn torchvision_mobilenet() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    let stem = conv(STEM, [3, 3], 2, Padding::around(1, 1));
    torchvision_layer(&mut graph, "features.0", stem)?;
    for (number, block) in (1..).zip(&blocks()) {
        torchvision_block(&mut graph, block, &format!("features.{number}"))?;
    }
    torchvision_layer(&mut graph, "features.18", point(HEAD))?;
    graph.push("adaptive_avg_pool2d", Op::GlobalAveragePool)?;
    graph.push("classifier.0", Op::Dropout { rate: 0.2 })?;
    graph.push("classifier.1", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

fn torchvision_block(graph: &mut Graph, block: &Block, path: &str) -> Result<(), GraphError> {
    let input = graph.output().to_owned();
    let mut part = 0;
    if block.expands() {
        torchvision_layer(graph, &format!("{path}.conv.0"), point(block.wide))?;
        part = 1;
    }
    let spatial = depthwise(block.wide, 3, block.stride, Padding::around(1, 1));
    torchvision_layer(graph, &format!("{path}.conv.{part}"), spatial)?;
    let project = format!("{path}.conv.{}", part + 1);
    let norm = format!("{path}.conv.{}", part + 2);
    graph.push(project, point(block.filters))?;
    graph.push(norm.as_str(), torchvision_norm())?;
    if block.is_residual() {
        graph.push_after(format!("{path}.add"), Op::Add, &[&input, &norm])?;
    }
    Ok(())
}

/// Convolution, normalisation, activation.
fn torchvision_layer(graph: &mut Graph, path: &str, convolution: Op) -> Result<(), GraphError> {
    graph.push(format!("{path}.0"), convolution)?;
    graph.push(format!("{path}.1"), torchvision_norm())?;
    graph.push(format!("{path}.2"), Op::Relu6)
}

fn point(filters: usize) -> Op {
    conv(filters, [1, 1], 1, Padding::NONE)
}

fn keras_norm() -> Op {
    batch_norm(1e-3)
}

fn torchvision_norm() -> Op {
    batch_norm(1e-5)
}
