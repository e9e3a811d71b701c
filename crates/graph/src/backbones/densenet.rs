//! DenseNet: each layer reads everything that the layers before it in its block computed.
//!
//! Huang, Liu, van der Maaten and Weinberger, "Densely Connected Convolutional Networks", 2016,
//! arXiv 1608.06993. The variants with bottlenecks and compression by half (BC), growth rate 32.
//!
//! Keras and torchvision differ in names, the epsilon, and how they pad.

use super::layers::{CLASSES, IMAGENET, PREPROCESSING, batch_norm, conv, max_pool, zero_pad};
use super::published::{keras, torchvision};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// DenseNet121 of Keras.
pub(super) const DENSENET121: Backbone = of_keras(
    "densenet121",
    || keras_densenet([6, 12, 24, 16]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels.h5",
            "9d60b8095a5708f2dcce2bca79d332c7",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "30ee3e1110167f948a6b9946edeeb738",
        ],
    ],
    75.0,
);

/// DenseNet121 of torchvision.
pub(super) const DENSENET121_TORCHVISION: Backbone = of_torchvision(
    "densenet121-torchvision",
    || torchvision_densenet([6, 12, 24, 16]),
    torchvision(
        "https://download.pytorch.org/models/densenet121-a639ec97.pth",
        "a639ec97",
        74.434,
    ),
);

/// DenseNet169 of Keras.
pub(super) const DENSENET169: Backbone = of_keras(
    "densenet169",
    || keras_densenet([6, 12, 32, 32]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels.h5",
            "d699b8f76981ab1b30698df4c175e90b",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "b8c4d4c20dd625c148057b9ff1c1176b",
        ],
    ],
    76.2,
);

/// DenseNet169 of torchvision.
pub(super) const DENSENET169_TORCHVISION: Backbone = of_torchvision(
    "densenet169-torchvision",
    || torchvision_densenet([6, 12, 32, 32]),
    torchvision(
        "https://download.pytorch.org/models/densenet169-b2777c0a.pth",
        "b2777c0a",
        75.6,
    ),
);

/// DenseNet201 of Keras.
pub(super) const DENSENET201: Backbone = of_keras(
    "densenet201",
    || keras_densenet([6, 12, 48, 32]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels.h5",
            "1ceb130c1ea1b78c3bf6114dbdfd8807",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "c13680b51ded0fb44dff2d8f86ac8bb1",
        ],
    ],
    77.3,
);

/// DenseNet201 of torchvision.
pub(super) const DENSENET201_TORCHVISION: Backbone = of_torchvision(
    "densenet201-torchvision",
    || torchvision_densenet([6, 12, 48, 32]),
    torchvision(
        "https://download.pytorch.org/models/densenet201-c1103571.pth",
        "c1103571",
        76.896,
    ),
);

const fn of_keras(
    name: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    files: [[&'static str; 2]; 2],
    top1: f64,
) -> Backbone {
    let weights = keras(files, "BSD-3-Clause", top1);
    backbone(name, Publisher::Keras, build, weights)
}

const fn of_torchvision(
    name: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    weights: Published,
) -> Backbone {
    backbone(name, Publisher::Torchvision, build, weights)
}

const fn backbone(
    name: &'static str,
    publisher: Publisher,
    build: fn() -> Result<Graph, GraphError>,
    weights: Published,
) -> Backbone {
    Backbone {
        name,
        paper: "arXiv 1608.06993",
        input: [224, 224],
        features: "relu",
        publisher,
        weights,
        build,
    }
}

/// Channels that each layer adds.
const GROWTH: usize = 32;
/// Channels of a layer's 1 × 1.
const BOTTLENECK: usize = 4 * GROWTH;
/// Channels of the first convolution.
const STEM: usize = 64;

fn keras_densenet(layers: [usize; 4]) -> Result<Graph, GraphError> {
    let norm = || batch_norm(1.001e-5);
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    graph.push("zero_padding2d", zero_pad(3, 3))?;
    graph.push("conv1_conv", conv(STEM, [7, 7], 2, Padding::NONE))?;
    graph.push("conv1_bn", norm())?;
    graph.push("conv1_relu", Op::Relu)?;
    graph.push("zero_padding2d_1", zero_pad(1, 1))?;
    graph.push("pool1", max_pool(3, 2, Padding::NONE))?;
    for (block, layers) in (2..).zip(layers) {
        for layer in 1..=layers {
            let name = |what: &str| format!("conv{block}_block{layer}_{what}");
            let before = graph.output().to_owned();
            graph.push(name("0_bn"), norm())?;
            graph.push(name("0_relu"), Op::Relu)?;
            graph.push(name("1_conv"), narrow(BOTTLENECK))?;
            graph.push(name("1_bn"), norm())?;
            graph.push(name("1_relu"), Op::Relu)?;
            graph.push(name("2_conv"), grow())?;
            let both = [before.as_str(), &name("2_conv")];
            graph.push_after(name("concat"), Op::Concat { axis: 0 }, &both)?;
        }
        if block < 5 {
            let name = |what: &str| format!("pool{block}_{what}");
            let half = graph.output_shape().channels() / 2;
            graph.push(name("bn"), norm())?;
            graph.push(name("relu"), Op::Relu)?;
            graph.push(name("conv"), narrow(half))?;
            graph.push(name("pool"), halve())?;
        }
    }
    graph.push("bn", norm())?;
    graph.push("relu", Op::Relu)?;
    graph.push("avg_pool", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    Ok(graph)
}

fn torchvision_densenet(layers: [usize; 4]) -> Result<Graph, GraphError> {
    let norm = || batch_norm(1e-5);
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    graph.push(
        "features.conv0",
        conv(STEM, [7, 7], 2, Padding::around(3, 3)),
    )?;
    graph.push("features.norm0", norm())?;
    graph.push("features.relu0", Op::Relu)?;
    graph.push("features.pool0", max_pool(3, 2, Padding::around(1, 1)))?;
    for (block, layers) in (1..).zip(layers) {
        let path = format!("features.denseblock{block}");
        for layer in 1..=layers {
            let name = |what: &str| format!("{path}.denselayer{layer}.{what}");
            let before = graph.output().to_owned();
            graph.push(name("norm1"), norm())?;
            graph.push(name("relu1"), Op::Relu)?;
            graph.push(name("conv1"), narrow(BOTTLENECK))?;
            graph.push(name("norm2"), norm())?;
            graph.push(name("relu2"), Op::Relu)?;
            graph.push(name("conv2"), grow())?;
            // The next layer joins what it reads; behind the last one, the block does.
            let joined = match layer {
                last if last == layers => format!("{path}.cat"),
                _ => format!("{path}.denselayer{}.cat", layer + 1),
            };
            let both = [before.as_str(), &name("conv2")];
            graph.push_after(joined, Op::Concat { axis: 0 }, &both)?;
        }
        if block < 4 {
            let name = |what: &str| format!("features.transition{block}.{what}");
            let half = graph.output_shape().channels() / 2;
            graph.push(name("norm"), norm())?;
            graph.push(name("relu"), Op::Relu)?;
            graph.push(name("conv"), narrow(half))?;
            graph.push(name("pool"), halve())?;
        }
    }
    graph.push("features.norm5", norm())?;
    graph.push("relu", Op::Relu)?;
    graph.push("adaptive_avg_pool2d", Op::GlobalAveragePool)?;
    graph.push("classifier", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

fn narrow(filters: usize) -> Op {
    conv(filters, [1, 1], 1, Padding::NONE)
}

fn grow() -> Op {
    conv(GROWTH, [3, 3], 1, Padding::Same)
}

fn halve() -> Op {
    Op::AveragePool {
        kernel: [2, 2],
        stride: [2, 2],
        padding: Padding::NONE,
        count_padding: false,
    }
}
