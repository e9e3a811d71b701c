//! ResNet, second version: normalise and activate before each convolution, so that nothing
//! stands between one block's sum and the next.
//!
//! He, Zhang, Ren and Sun, "Identity Mappings in Deep Residual Networks", 2016,
//! arXiv 1603.05027.
//!
//! In Keras, from which these weights are, the last block of a stage halves the map.

use super::layers::{
    CLASSES, KerasNames, PREPROCESSING, UNIT, batch_norm, biased, conv, in_keras_order, max_pool,
    zero_pad,
};
use super::published::keras;
use super::{Backbone, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// ResNet50V2 of Keras.
pub(super) const RESNET50V2: Backbone = Backbone {
    name: "resnet50v2",
    paper: "arXiv 1603.05027",
    input: [224, 224],
    features: "post_relu",
    publisher: Publisher::Keras,
    weights: keras(
        [
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels.h5",
                "3ef43a0b657b3be2300d5770ece849e0",
            ],
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/resnet/resnet50v2_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "fac2f116257151a9d068a22e544a4917",
            ],
        ],
        "BSD-3-Clause",
        76.0,
    ),
    build,
};

/// A stage: filters inside a block, blocks, and the stride of the last one.
struct Stage {
    filters: usize,
    blocks: usize,
    stride: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 4] = [
    Stage { filters: 64, blocks: 3, stride: 2 },
    Stage { filters: 128, blocks: 4, stride: 2 },
    Stage { filters: 256, blocks: 6, stride: 2 },
    Stage { filters: 512, blocks: 3, stride: 1 },
];

/// How much wider a block's output is than what it computes on.
const EXPANSION: usize = 4;

fn build() -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    let mut names = KerasNames::default();
    graph.push(PREPROCESSING, UNIT.standardise())?;
    graph.push("conv1_pad", zero_pad(3, 3))?;
    graph.push("conv1_conv", biased(conv(64, [7, 7], 2, Padding::NONE)))?;
    graph.push("pool1_pad", zero_pad(1, 1))?;
    graph.push("pool1_pool", max_pool(3, 2, Padding::NONE))?;
    for (stage, row) in (2..).zip(&STAGES) {
        for number in 1..=row.blocks {
            let name = format!("conv{stage}_block{number}");
            let stride = if number == row.blocks { row.stride } else { 1 };
            let shortcut = match (number, stride) {
                (1, _) => Shortcut::Projected,
                (_, 1) => Shortcut::Identity,
                _ => Shortcut::Pooled(names.next("max_pooling2d")),
            };
            block(&mut graph, &name, row.filters, stride, shortcut)?;
        }
    }
    graph.push("post_bn", norm())?;
    graph.push("post_relu", Op::Relu)?;
    graph.push("avg_pool", Op::GlobalAveragePool)?;
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    in_keras_order(graph)
}

/// What a block adds to what it computes.
enum Shortcut {
    /// A 1 × 1 of its normalised input.
    Projected,
    /// Every second place of its input; the layer's name.
    Pooled(String),
    /// Its input.
    Identity,
}

fn block(
    graph: &mut Graph,
    block: &str,
    filters: usize,
    stride: usize,
    shortcut: Shortcut,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("{block}_{layer}");
    let input = graph.output().to_owned();
    let activated = name("preact_relu");
    graph.push(name("preact_bn"), norm())?;
    graph.push(activated.as_str(), Op::Relu)?;
    let widen = || biased(conv(EXPANSION * filters, [1, 1], 1, Padding::NONE));
    let added = match shortcut {
        Shortcut::Projected => {
            graph.push(name("0_conv"), widen())?;
            name("0_conv")
        }
        Shortcut::Pooled(pool) => {
            graph.push_after(pool.as_str(), max_pool(1, stride, Padding::NONE), &[&input])?;
            pool
        }
        Shortcut::Identity => input,
    };
    graph.push_after(
        name("1_conv"),
        conv(filters, [1, 1], 1, Padding::NONE),
        &[&activated],
    )?;
    graph.push(name("1_bn"), norm())?;
    graph.push(name("1_relu"), Op::Relu)?;
    graph.push(name("2_pad"), zero_pad(1, 1))?;
    graph.push(name("2_conv"), conv(filters, [3, 3], stride, Padding::NONE))?;
    graph.push(name("2_bn"), norm())?;
    graph.push(name("2_relu"), Op::Relu)?;
    graph.push(name("3_conv"), widen())?;
    graph.push_after(name("out"), Op::Add, &[&added, &name("3_conv")])
}

fn norm() -> Op {
    batch_norm(1.001e-5)
}
