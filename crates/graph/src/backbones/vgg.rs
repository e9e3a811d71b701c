//! VGG: nothing but 3 × 3 convolutions, with a pooling whenever the channels double.
//!
//! Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
//! 2014, arXiv 1409.1556. Configurations D (16 layers with weights) and E (19).
//!
//! Keras carries the authors' own weights, for images as Caffe reads them; torchvision trained
//! its own. The two flatten the last map in another order.

use super::layers::{
    CLASSES, IMAGENET, PREPROCESSING, biased, conv, max_pool, preprocess_as_caffe,
};
use super::published::{keras, torchvision};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Order, Padding, Shape};

/// VGG16 of Keras.
pub(super) const VGG16: Backbone = backbone(
    "vgg16",
    Publisher::Keras,
    "block5_pool",
    || keras_vgg(&D),
    keras(
        [
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
                "64373286793e3c8b2b4e3219cbf3544b",
            ],
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "6d6bbae143d832006294945121d1f1fc",
            ],
        ],
        "CC-BY-4.0",
        71.3,
    ),
);

/// VGG16 of torchvision.
pub(super) const VGG16_TORCHVISION: Backbone = backbone(
    "vgg16-torchvision",
    Publisher::Torchvision,
    "features.30",
    || torchvision_vgg(&D),
    torchvision(
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        "397923af",
        71.592,
    ),
);

/// VGG19 of Keras.
pub(super) const VGG19: Backbone = backbone(
    "vgg19",
    Publisher::Keras,
    "block5_pool",
    || keras_vgg(&E),
    keras(
        [
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
                "cbe5617147190e668d6c5d5026f83318",
            ],
            [
                "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "253f8cb515780f3b799900260a226db6",
            ],
        ],
        "CC-BY-4.0",
        71.3,
    ),
);

/// VGG19 of torchvision.
pub(super) const VGG19_TORCHVISION: Backbone = backbone(
    "vgg19-torchvision",
    Publisher::Torchvision,
    "features.36",
    || torchvision_vgg(&E),
    torchvision(
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        "dcbb9e9d",
        72.376,
    ),
);

const fn backbone(
    name: &'static str,
    publisher: Publisher,
    features: &'static str,
    build: fn() -> Result<Graph, GraphError>,
    weights: Published,
) -> Backbone {
    Backbone {
        name,
        paper: "arXiv 1409.1556",
        input: [224, 224],
        features,
        publisher,
        weights,
        build,
    }
}

/// A column of the paper's table: filters of each block, and how many convolutions it has.
type Blocks = [(usize, usize); 5];

const D: Blocks = [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)];
const E: Blocks = [(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)];

/// Units of each of the two layers before the classifier.
const HIDDEN: usize = 4096;

fn keras_vgg(blocks: &Blocks) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    preprocess_as_caffe(&mut graph)?;
    for (block, (filters, convolutions)) in (1..).zip(blocks) {
        for number in 1..=*convolutions {
            let name = format!("block{block}_conv{number}");
            graph.push(name.as_str(), convolution(*filters))?;
            graph.push(format!("{name}/activation"), Op::Relu)?;
        }
        graph.push(format!("block{block}_pool"), max_pool(2, 2, Padding::NONE))?;
    }
    let order = Order::ChannelsLast;
    graph.push("flatten", Op::Flatten { order })?;
    for name in ["fc1", "fc2"] {
        graph.push(name, Op::Dense { units: HIDDEN })?;
        graph.push(format!("{name}/activation"), Op::Relu)?;
    }
    graph.push("predictions", Op::Dense { units: CLASSES })?;
    graph.push("predictions/activation", Op::Softmax)?;
    Ok(graph)
}

/// Layers are numbered through, those without weights too.
fn torchvision_vgg(blocks: &Blocks) -> Result<Graph, GraphError> {
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    graph.push(PREPROCESSING, IMAGENET.standardise())?;
    let mut number = 0;
    let mut push = |op| {
        let name = format!("features.{number}");
        number += 1;
        graph.push(name, op)
    };
    for (filters, convolutions) in blocks {
        for _ in 0..*convolutions {
            push(convolution(*filters))?;
            push(Op::Relu)?;
        }
        push(max_pool(2, 2, Padding::NONE))?;
    }
    // An adaptive pooling to 7 × 7, which the map already is.
    graph.push("avgpool", Op::Identity)?;
    let order = Order::ChannelsFirst;
    graph.push("flatten", Op::Flatten { order })?;
    graph.push("classifier.0", Op::Dense { units: HIDDEN })?;
    graph.push("classifier.1", Op::Relu)?;
    graph.push("classifier.2", Op::Dropout { rate: 0.5 })?;
    graph.push("classifier.3", Op::Dense { units: HIDDEN })?;
    graph.push("classifier.4", Op::Relu)?;
    graph.push("classifier.5", Op::Dropout { rate: 0.5 })?;
    graph.push("classifier.6", Op::Dense { units: CLASSES })?;
    Ok(graph)
}

fn convolution(filters: usize) -> Op {
    biased(conv(filters, [3, 3], 1, Padding::Same))
}
