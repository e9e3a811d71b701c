//! MobileNetV3: MobileNetV2's blocks, some of them weighing their channels, found by search.
//!
//! Howard and others, "Searching for MobileNetV3", 2019, arXiv 1905.02244. Large and small, at
//! full width.
//!
//! Keras's variant pads as TensorFlow does, brings the image to its range by its own first layer
//! and classifies by 1 × 1 convolutions; torchvision's pads both sides alike and classifies by
//! dense layers.

use super::layers::{
    CLASSES, IMAGENET, KerasNames, PREPROCESSING, UNIT, batch_norm, biased, conv, depthwise,
    one_place, zero_pad,
};
use super::published::{keras, torchvision};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Order, Padding, Shape};

/// MobileNetV3 small of Keras.
pub(super) const SMALL: Backbone = of_keras(
    "mobilenet-v3-small",
    "activation_17",
    || keras_mobilenet(&SMALL_ROWS, 1024),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float.h5",
            "8768d4c2e7dee89b9d02b2d03d65d862",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_small_224_1.0_float_no_top_v2.h5",
            "d3e8ec802a04aa4fc771ee12a9a9b836",
        ],
    ],
    68.1,
);

/// MobileNetV3 small of torchvision.
pub(super) const SMALL_TORCHVISION: Backbone = of_torchvision(
    "mobilenet-v3-small-torchvision",
    "features.12.2",
    || torchvision_mobilenet(&SMALL_ROWS, 1024),
    torchvision(
        "https://download.pytorch.org/models/mobilenet_v3_small-047dcff4.pth",
        "047dcff4",
        67.668,
    ),
);

/// MobileNetV3 large of Keras.
pub(super) const LARGE: Backbone = of_keras(
    "mobilenet-v3-large",
    "activation_19",
    || keras_mobilenet(&LARGE_ROWS, 1280),
    [
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float.h5",
            "59e551e166be033d707958cf9e29a6a7",
        ],
        [
            "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v3/weights_mobilenet_v3_large_224_1.0_float_no_top_v2.h5",
            "07fb09a5933dd0c8eaafa16978110389",
        ],
    ],
    75.6,
);

/// MobileNetV3 large of torchvision, second training.
pub(super) const LARGE_TORCHVISION: Backbone = of_torchvision(
    "mobilenet-v3-large-torchvision",
    "features.16.2",
    || torchvision_mobilenet(&LARGE_ROWS, 1280),
    torchvision(
        "https://download.pytorch.org/models/mobilenet_v3_large-5c1a4163.pth",
        "5c1a4163",
        75.274,
    ),
);

const fn of_keras(
    name: &'static str,
    features: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    files: [[&'static str; 2]; 2],
    top1: f64,
) -> Backbone {
    let weights = keras(files, "Apache-2.0", top1);
    backbone(name, Publisher::Keras, features, build, weights)
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
        paper: "arXiv 1905.02244",
        input: [224, 224],
        features,
        publisher,
        weights,
        build,
    }
}

/// A row of the paper's table: one block.
struct Row {
    kernel: usize,
    wide: usize,
    filters: usize,
    /// Whether it weighs its channels by squeeze-and-excitation.
    weighs: bool,
    activation: Op,
    stride: usize,
}

const fn row(
    kernel: usize,
    wide: usize,
    filters: usize,
    weighs: bool,
    activation: Op,
    stride: usize,
) -> Row {
    Row {
        kernel,
        wide,
        filters,
        weighs,
        activation,
        stride,
    }
}

const SMALL_ROWS: [Row; 11] = [
    row(3, 16, 16, true, Op::Relu, 2),
    row(3, 72, 24, false, Op::Relu, 2),
    row(3, 88, 24, false, Op::Relu, 1),
    row(5, 96, 40, true, Op::HardSwish, 2),
    row(5, 240, 40, true, Op::HardSwish, 1),
    row(5, 240, 40, true, Op::HardSwish, 1),
    row(5, 120, 48, true, Op::HardSwish, 1),
    row(5, 144, 48, true, Op::HardSwish, 1),
    row(5, 288, 96, true, Op::HardSwish, 2),
    row(5, 576, 96, true, Op::HardSwish, 1),
    row(5, 576, 96, true, Op::HardSwish, 1),
];

const LARGE_ROWS: [Row; 15] = [
    row(3, 16, 16, false, Op::Relu, 1),
    row(3, 64, 24, false, Op::Relu, 2),
    row(3, 72, 24, false, Op::Relu, 1),
    row(5, 72, 40, true, Op::Relu, 2),
    row(5, 120, 40, true, Op::Relu, 1),
    row(5, 120, 40, true, Op::Relu, 1),
    row(3, 240, 80, false, Op::HardSwish, 2),
    row(3, 200, 80, false, Op::HardSwish, 1),
    row(3, 184, 80, false, Op::HardSwish, 1),
    row(3, 184, 80, false, Op::HardSwish, 1),
    row(3, 480, 112, true, Op::HardSwish, 1),
    row(3, 672, 112, true, Op::HardSwish, 1),
    row(5, 672, 160, true, Op::HardSwish, 2),
    row(5, 960, 160, true, Op::HardSwish, 1),
    row(5, 960, 160, true, Op::HardSwish, 1),
];

/// Filters of the first convolution.
const STEM: usize = 16;
/// How much wider the last convolution is than the last block.
const LAST: usize = 6;

impl Row {
    /// A quarter, as the nearest multiple of 8, but not less than nine tenths of it.
    fn squeezed(&self) -> usize {
        let nearest = ((self.wide / 4 + 4) / 8 * 8).max(8);
        if nearest * 10 < self.wide / 4 * 9 {
            nearest + 8
        } else {
            nearest
        }
    }
}

fn keras_mobilenet(rows: &[Row], hidden: usize) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    let mut names = KerasNames::default();
    graph.push("rescaling", UNIT.standardise())?;
    graph.push("conv", conv(STEM, [3, 3], 2, Padding::Same))?;
    graph.push("conv_bn", norm())?;
    graph.push(names.next("activation"), Op::HardSwish)?;
    for (number, row) in rows.iter().enumerate() {
        let prefix = match number {
            0 => "expanded_conv".to_owned(),
            n => format!("expanded_conv_{n}"),
        };
        keras_block(&mut graph, row, &prefix, &mut names)?;
    }
    let width = LAST * graph.output_shape().channels();
    graph.push("conv_1", point(width))?;
    graph.push("conv_1_bn", norm())?;
    graph.push(names.next("activation"), Op::HardSwish)?;
    graph.push("global_average_pooling2d", Op::GlobalAveragePool)?;
    graph.push("global_average_pooling2d/keepdims", one_place(width))?;
    graph.push("conv_2", biased(point(hidden)))?;
    graph.push(names.next("activation"), Op::HardSwish)?;
    graph.push("dropout", Op::Dropout { rate: 0.2 })?;
    graph.push("logits", biased(point(CLASSES)))?;
    let order = Order::ChannelsLast;
    graph.push("flatten", Op::Flatten { order })?;
    graph.push("predictions", Op::Softmax)?;
    Ok(graph)
}

fn keras_block(
    graph: &mut Graph,
    row: &Row,
    prefix: &str,
    names: &mut KerasNames,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("{prefix}_{layer}");
    let input = graph.output().to_owned();
    let channels = graph.output_shape().channels();
    let activation_kind = match row.activation {
        Op::Relu => "re_lu",
        _ => "activation",
    };
    let mut activate = |graph: &mut Graph| {
        let activated = names.next(activation_kind);
        graph.push(activated.as_str(), row.activation.clone())?;
        Ok(activated)
    };
    if row.wide != channels {
        graph.push(name("expand"), point(row.wide))?;
        graph.push(name("expand_bn"), norm())?;
        activate(graph)?;
    }
    let mut padding = Padding::Same;
    if row.stride == 2 {
        // Of an even map, TensorFlow leaves out the first row above.
        graph.push(
            name("depthwise_pad"),
            zero_pad(row.kernel / 2 - 1, row.kernel / 2),
        )?;
        padding = Padding::NONE;
    }
    let spatial = depthwise(row.wide, row.kernel, row.stride, padding);
    graph.push(name("depthwise"), spatial)?;
    graph.push(name("depthwise_bn"), norm())?;
    let activated = activate(graph)?;
    if row.weighs {
        let name = |layer: &str| format!("{prefix}_squeeze_excite_{layer}");
        graph.push(name("avg_pool"), Op::GlobalAveragePool)?;
        graph.push(name("avg_pool/keepdims"), one_place(row.wide))?;
        graph.push(name("conv"), biased(point(row.squeezed())))?;
        graph.push(name("relu"), Op::Relu)?;
        graph.push(name("conv_1"), biased(point(row.wide)))?;
        // Keras has a sum, a ReLU6 that takes a number of its own, and a product.
        names.next("re_lu");
        graph.push(name("hard_sigmoid"), hard_sigmoid())?;
        let factors = [activated.as_str(), &name("hard_sigmoid")];
        graph.push_after(name("mul"), Op::Multiply, &factors)?;
    }
    graph.push(name("project"), point(row.filters))?;
    graph.push(name("project_bn"), norm())?;
    if row.stride == 1 && channels == row.filters {
        let projected = name("project_bn");
        graph.push_after(name("add"), Op::Add, &[&input, &projected])?;
    }
    Ok(())
}

fn torchvision_mobilenet(rows: &[Row], hidden: usize) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    let stem = conv(STEM, [3, 3], 2, Padding::around(1, 1));
    torchvision_layer(&mut graph, "features.0", stem, &Op::HardSwish)?;
    for (number, row) in (1..).zip(rows) {
        torchvision_block(&mut graph, row, &format!("features.{number}"))?;
    }
    let last = point(LAST * graph.output_shape().channels());
    let path = format!("features.{}", rows.len() + 1);
    torchvision_layer(&mut graph, &path, last, &Op::HardSwish)?;
    graph.push("avgpool", Op::GlobalAveragePool)?;
    graph.push("classifier.0", Op::Dense { units: hidden })?;
    graph.push("classifier.1", Op::HardSwish)?;
    graph.push("classifier.2", Op::Dropout { rate: 0.2 })?;
    graph.push("classifier.3", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

fn torchvision_block(graph: &mut Graph, row: &Row, path: &str) -> Result<(), GraphError> {
    let input = graph.output().to_owned();
    let channels = graph.output_shape().channels();
    let mut parts = (0..).map(|part| format!("{path}.block.{part}"));
    let mut next = || parts.next().unwrap_or_default();
    if row.wide != channels {
        torchvision_layer(graph, &next(), point(row.wide), &row.activation)?;
    }
    let half = row.kernel / 2;
    let spatial = depthwise(
        row.wide,
        row.kernel,
        row.stride,
        Padding::around(half, half),
    );
    torchvision_layer(graph, &next(), spatial, &row.activation)?;
    if row.weighs {
        let weighed = graph.output().to_owned();
        let path = next();
        let name = |layer: &str| format!("{path}.{layer}");
        graph.push(name("avgpool"), Op::GlobalAveragePool)?;
        graph.push(name("reshape"), one_place(row.wide))?;
        graph.push(name("fc1"), biased(point(row.squeezed())))?;
        graph.push(name("activation"), Op::Relu)?;
        graph.push(name("fc2"), biased(point(row.wide)))?;
        graph.push(name("scale_activation"), hard_sigmoid())?;
        let factors = [weighed.as_str(), &name("scale_activation")];
        graph.push_after(name("mul"), Op::Multiply, &factors)?;
    }
    let path_of_projection = next();
    let norm_name = format!("{path_of_projection}.1");
    graph.push(format!("{path_of_projection}.0"), point(row.filters))?;
    graph.push(norm_name.as_str(), norm())?;
    if row.stride == 1 && channels == row.filters {
        graph.push_after(format!("{path}.add"), Op::Add, &[&norm_name, &input])?;
    }
    Ok(())
}

/// Convolution, normalisation, activation.
fn torchvision_layer(
    graph: &mut Graph,
    path: &str,
    convolution: Op,
    activation: &Op,
) -> Result<(), GraphError> {
    graph.push(format!("{path}.0"), convolution)?;
    graph.push(format!("{path}.1"), norm())?;
    graph.push(format!("{path}.2"), activation.clone())
}

fn point(filters: usize) -> Op {
    conv(filters, [1, 1], 1, Padding::NONE)
}

fn norm() -> Op {
    batch_norm(1e-3)
}

fn hard_sigmoid() -> Op {
    Op::HardSigmoid {
        slope: 1.0 / 6.0,
        offset: 0.5,
    }
}
