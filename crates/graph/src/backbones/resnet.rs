//! ResNet: blocks that add to their input what they compute.
//!
//! He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", 2015,
//! arXiv 1512.03385.
//!
//! Keras carries the authors' own weights: images as Caffe reads them, convolutions with biases,
//! and a stage that halves the map in its first 1 × 1. torchvision trained its own: no biases,
//! and the 3 × 3 halves the map.

use super::layers::{
    CLASSES, IMAGENET, PREPROCESSING, batch_norm, biased, conv, in_keras_order, max_pool,
    preprocess_as_caffe, zero_pad,
};
use super::published::{keras, torchvision};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// ResNet18 of torchvision.
pub(super) const RESNET18: Backbone = of_torchvision(
    "resnet18",
    "layer4.1.relu_1",
    || torchvision_resnet(Block::Basic, [2, 2, 2, 2]),
    torchvision(
        "https://download.pytorch.org/models/resnet18-f37072fd.pth",
        "f37072fd",
        69.758,
    ),
);

/// ResNet34 of torchvision.
pub(super) const RESNET34: Backbone = of_torchvision(
    "resnet34",
    "layer4.2.relu_1",
    || torchvision_resnet(Block::Basic, [3, 4, 6, 3]),
    torchvision(
        "https://download.pytorch.org/models/resnet34-b627a593.pth",
        "b627a593",
        73.314,
    ),
);

/// ResNet50 of Keras.
pub(super) const RESNET50: Backbone = of_keras(
    "resnet50",
    || keras_resnet([3, 4, 6, 3]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5",
            "2cb95161c43110f7111970584f804107",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "4d473c1dd8becc155b73f8504c6f6626",
        ],
    ],
    74.9,
);

/// ResNet50 of torchvision, second training.
pub(super) const RESNET50_TORCHVISION: Backbone = of_torchvision(
    "resnet50-torchvision",
    "layer4.2.relu_2",
    || torchvision_resnet(Block::Bottleneck, [3, 4, 6, 3]),
    torchvision(
        "https://download.pytorch.org/models/resnet50-11ad3fa6.pth",
        "11ad3fa6",
        80.858,
    ),
);

/// ResNet101 of Keras.
pub(super) const RESNET101: Backbone = of_keras(
    "resnet101",
    || keras_resnet([3, 4, 23, 3]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels.h5",
            "f1aeb4b969a6efcfb50fad2f0c20cfc5",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet101_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "88cf7a10940856eca736dc7b7e228a21",
        ],
    ],
    76.4,
);

/// ResNet101 of torchvision, second training.
pub(super) const RESNET101_TORCHVISION: Backbone = of_torchvision(
    "resnet101-torchvision",
    "layer4.2.relu_2",
    || torchvision_resnet(Block::Bottleneck, [3, 4, 23, 3]),
    torchvision(
        "https://download.pytorch.org/models/resnet101-cd907fc2.pth",
        "cd907fc2",
        81.886,
    ),
);

/// ResNet152 of Keras.
pub(super) const RESNET152: Backbone = of_keras(
    "resnet152",
    || keras_resnet([3, 8, 36, 3]),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels.h5",
            "100835be76be38e30d865e96f2aaae62",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet152_weights_tf_dim_ordering_tf_kernels_notop.h5",
            "ee4c566cf9a93f14d82f913c2dc6dd0c",
        ],
    ],
    76.6,
);

/// ResNet152 of torchvision, second training.
pub(super) const RESNET152_TORCHVISION: Backbone = of_torchvision(
    "resnet152-torchvision",
    "layer4.2.relu_2",
    || torchvision_resnet(Block::Bottleneck, [3, 8, 36, 3]),
    torchvision(
        "https://download.pytorch.org/models/resnet152-f82ba261.pth",
        "f82ba261",
        82.284,
    ),
);

const fn of_keras(
    name: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    files: [[&'static str; 2]; 2],
    top1: f64,
) -> Backbone {
    let weights = keras(files, "MIT", top1);
    backbone(name, Publisher::Keras, "conv5_block3_out", build, weights)
}

const fn of_torchvision(
    name: &'static str,
    features: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    weights: Published,
) -> Backbone {
    backbone(name, Publisher::Torchvision, features, build, weights)
}

const fn backbone(
    name: &'static str,
    publisher: Publisher,
    features: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    weights: Published,
) -> Backbone {
    Backbone {
        name,
        paper: "arXiv 1512.03385",
        input: [224, 224],
        features,
        publisher,
        weights,
        build,
    }
}

/// What a stage is made of.
#[derive(Clone, Copy)]
enum Block {
    /// Two 3 × 3.
    Basic,
    /// 1 × 1, 3 × 3, and a 1 × 1 that widens four times.
    Bottleneck,
}

/// How much wider a bottleneck's output is than what it computes on.
const EXPANSION: usize = 4;

/// Filters of each stage.
const FILTERS: [usize; 4] = [64, 128, 256, 512];

fn keras_resnet(blocks: [usize; 4]) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    preprocess_as_caffe(&mut graph)?;
    graph.push("conv1_pad", zero_pad(3, 3))?;
    graph.push("conv1_conv", biased(conv(64, [7, 7], 2, Padding::NONE)))?;
    graph.push("conv1_bn", keras_norm())?;
    graph.push("conv1_relu", Op::Relu)?;
    graph.push("pool1_pad", zero_pad(1, 1))?;
    graph.push("pool1_pool", max_pool(3, 2, Padding::NONE))?;
    for ((stage, filters), blocks) in (2..).zip(FILTERS).zip(blocks) {
        for number in 1..=blocks {
            let name = format!("conv{stage}_block{number}");
            let stride = if number == 1 && stage > 2 { 2 } else { 1 };
            keras_bottleneck(&mut graph, &name, filters, stride, number == 1)?;
        }
    }
    graph.push("avg_pool", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    in_keras_order(graph)
}

fn keras_bottleneck(
    graph: &mut Graph,
    block: &str,
    filters: usize,
    stride: usize,
    project: bool,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("{block}_{layer}");
    let point = |filters, stride| biased(conv(filters, [1, 1], stride, Padding::NONE));
    let input = graph.output().to_owned();
    let mut shortcut = input.clone();
    if project {
        graph.push(name("0_conv"), point(EXPANSION * filters, stride))?;
        graph.push(name("0_bn"), keras_norm())?;
        shortcut = name("0_bn");
    }
    graph.push_after(name("1_conv"), point(filters, stride), &[&input])?;
    graph.push(name("1_bn"), keras_norm())?;
    graph.push(name("1_relu"), Op::Relu)?;
    let middle = biased(conv(filters, [3, 3], 1, Padding::Same));
    graph.push(name("2_conv"), middle)?;
    graph.push(name("2_bn"), keras_norm())?;
    graph.push(name("2_relu"), Op::Relu)?;
    graph.push(name("3_conv"), point(EXPANSION * filters, 1))?;
    graph.push(name("3_bn"), keras_norm())?;
    graph.push_after(name("add"), Op::Add, &[&shortcut, &name("3_bn")])?;
    graph.push(name("out"), Op::Relu)
}

fn torchvision_resnet(block: Block, blocks: [usize; 4]) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    graph.push("conv1", conv(64, [7, 7], 2, Padding::around(3, 3)))?;
    graph.push("bn1", torchvision_norm())?;
    graph.push("relu", Op::Relu)?;
    graph.push("maxpool", max_pool(3, 2, Padding::around(1, 1)))?;
    for ((stage, filters), blocks) in (1..).zip(FILTERS).zip(blocks) {
        for number in 0..blocks {
            let name = format!("layer{stage}.{number}");
            let stride = if number == 0 && stage > 1 { 2 } else { 1 };
            torchvision_block(&mut graph, &name, block, filters, stride)?;
        }
    }
    graph.push("avgpool", Op::GlobalAveragePool)?;
    graph.push("fc", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

fn torchvision_block(
    graph: &mut Graph,
    path: &str,
    block: Block,
    filters: usize,
    stride: usize,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("{path}.{layer}");
    let point = |filters, stride| conv(filters, [1, 1], stride, Padding::NONE);
    let wide = |filters, stride| conv(filters, [3, 3], stride, Padding::around(1, 1));
    let input = graph.output().to_owned();
    let channels = graph.output_shape().channels();
    let (layers, output) = match block {
        Block::Basic => (vec![wide(filters, stride), wide(filters, 1)], filters),
        Block::Bottleneck => {
            let output = EXPANSION * filters;
            let layers = vec![point(filters, 1), wide(filters, stride), point(output, 1)];
            (layers, output)
        }
    };
    // The block has one activation and uses it several times; torch.fx numbers the further ones.
    let relu = |number: usize| match number {
        1 => name("relu"),
        n => name(&format!("relu_{}", n - 1)),
    };
    let last = layers.len();
    for (number, convolution) in (1..).zip(layers) {
        graph.push(name(&format!("conv{number}")), convolution)?;
        graph.push(name(&format!("bn{number}")), torchvision_norm())?;
        if number < last {
            graph.push(relu(number), Op::Relu)?;
        }
    }
    let residual = graph.output().to_owned();
    let mut shortcut = input.clone();
    if stride != 1 || channels != output {
        graph.push_after(name("downsample.0"), point(output, stride), &[&input])?;
        graph.push(name("downsample.1"), torchvision_norm())?;
        shortcut = name("downsample.1");
    }
    graph.push_after(name("add"), Op::Add, &[&residual, &shortcut])?;
    graph.push(relu(last), Op::Relu)
}

fn keras_norm() -> Op {
    batch_norm(1.001e-5)
}

fn torchvision_norm() -> Op {
    batch_norm(1e-5)
}
