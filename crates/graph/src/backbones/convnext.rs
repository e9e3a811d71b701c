//! ConvNeXt: a ResNet brought up to date by what transformers taught.
//!
//! Liu et al., "A ConvNet for the 2020s", 2022, arXiv 2201.03545.
//!
//! The layer norm between pooling and classifier is part of the features, as it is of
//! `keras.applications` without its top: the features are the vector behind it. What the
//! publishers write as fully connected layers over the channels of a map are 1×1 convolutions
//! here.

use super::layers::{CLASSES, IMAGENET, PREPROCESSING, biased, conv, depthwise};
use super::published::{self, sha256};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// Blocks and channels of the four stages.
struct Variant {
    /// Its name in Keras, which every layer's begins with.
    name: &'static str,
    depths: [usize; 4],
    channels: [usize; 4],
}

#[rustfmt::skip]
const VARIANTS: [Variant; 3] = [
    Variant { name: "convnext_tiny", depths: [3, 3, 9, 3], channels: [96, 192, 384, 768] },
    Variant { name: "convnext_small", depths: [3, 3, 27, 3], channels: [96, 192, 384, 768] },
    Variant { name: "convnext_base", depths: [3, 3, 27, 3], channels: [128, 256, 512, 1024] },
];
const EPSILON: f64 = 1e-6;

#[rustfmt::skip]
pub(super) const TINY: Backbone = keras(
    "convnext-tiny", "convnext_tiny_head_layernorm", 81.3, || VARIANTS[0].keras(),
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_tiny.h5", "8ae6e78ce2933352b1ef4008e6dd2f17bc40771563877d156bc6426c7cf503ff"],
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_tiny_notop.h5", "d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1"],
);
#[rustfmt::skip]
pub(super) const SMALL: Backbone = keras(
    "convnext-small", "convnext_small_head_layernorm", 82.3, || VARIANTS[1].keras(),
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_small.h5", "ce1277d8f1ee5a0ef0e171469089c18f5233860ceaf9b168049cb9263fd7483c"],
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_small_notop.h5", "6fc8009faa2f00c1c1dfce59feea9b0745eb260a7dd11bee65c8e20843da6eab"],
);
/// Trained on the 22,000 classes of ImageNet first.
#[rustfmt::skip]
pub(super) const BASE: Backbone = keras(
    "convnext-base", "convnext_base_head_layernorm", 85.3, || VARIANTS[2].keras(),
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_base.h5", "52cbb006d3dadd03f6e095a8ca1aca47aecdd75acb4bc74bce1f5c695d0086e6"],
    ["https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_base_notop.h5", "40a20c5548a5e9202f69735ecc06c990e6b7c9d2de39f0361e27baeb24cb7c45"],
);
#[rustfmt::skip]
pub(super) const TINY_TORCHVISION: Backbone = torchvision(
    "convnext-tiny-torchvision", 82.52, || VARIANTS[0].torchvision(),
    ["https://download.pytorch.org/models/convnext_tiny-983f1562.pth", "983f1562"],
);
#[rustfmt::skip]
pub(super) const SMALL_TORCHVISION: Backbone = torchvision(
    "convnext-small-torchvision", 83.616, || VARIANTS[1].torchvision(),
    ["https://download.pytorch.org/models/convnext_small-0c510722.pth", "0c510722"],
);
#[rustfmt::skip]
pub(super) const BASE_TORCHVISION: Backbone = torchvision(
    "convnext-base-torchvision", 84.062, || VARIANTS[2].torchvision(),
    ["https://download.pytorch.org/models/convnext_base-6075fbad.pth", "6075fbad"],
);

const PAPER: &str = "arXiv 2201.03545";

const fn keras(
    name: &'static str,
    features: &'static str,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
    with_top: [&'static str; 2],
    without_top: [&'static str; 2],
) -> Backbone {
    Backbone {
        name,
        paper: PAPER,
        input: [224, 224],
        features,
        publisher: Publisher::Keras,
        weights: Published {
            with_top: Some(sha256(with_top)),
            without_top: Some(sha256(without_top)),
            licence: "MIT",
            top1: Some(top1),
        },
        build,
    }
}

const fn torchvision(
    name: &'static str,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
    [url, digits]: [&'static str; 2],
) -> Backbone {
    Backbone {
        name,
        paper: PAPER,
        input: [224, 224],
        features: "classifier.0",
        publisher: Publisher::Torchvision,
        weights: published::torchvision(url, digits, top1),
        build,
    }
}

impl Variant {
    /// Channels and depth of each stage, with its number.
    fn stages(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let sizes = self.channels.into_iter().zip(self.depths);
        (0..)
            .zip(sizes)
            .map(|(i, (channels, depth))| (i, channels, depth))
    }

    fn keras(&self) -> Result<Graph, GraphError> {
        let net = self.name;
        let mut graph = Graph::new(Shape::Map([3, 224, 224]));
        graph.push(
            format!("{net}_prestem_normalization"),
            IMAGENET.standardise(),
        )?;
        for (i, channels, depth) in self.stages() {
            if i == 0 {
                graph.push(format!("{net}_stem_conv"), patches(channels, 4))?;
                graph.push(format!("{net}_stem_layernorm"), layer_norm())?;
            } else {
                let below = i - 1;
                let norm = format!("{net}_downsampling_layernorm_{below}");
                graph.push(norm, layer_norm())?;
                let name = format!("{net}_downsampling_conv_{below}");
                graph.push(name, patches(channels, 2))?;
            }
            for j in 0..depth {
                let block = format!("{net}_stage_{i}_block_{j}");
                let name = |layer: &str| format!("{block}_{layer}");
                let input = graph.output().to_owned();
                let spatial = depthwise(channels, 7, 1, Padding::Same);
                graph.push(name("depthwise_conv"), biased(spatial))?;
                graph.push(name("layernorm"), layer_norm())?;
                graph.push(name("pointwise_conv_1"), pointwise(4 * channels))?;
                graph.push(name("gelu"), GELU)?;
                graph.push(name("pointwise_conv_2"), pointwise(channels))?;
                graph.push(name("layer_scale"), Op::LayerScale)?;
                graph.push(name("identity"), Op::Identity)?;
                graph.push_after(block.clone(), Op::Add, &[&input, &name("identity")])?;
            }
        }
        graph.push(format!("{net}_head_gap"), Op::GlobalAveragePool)?;
        graph.push(format!("{net}_head_layernorm"), layer_norm())?;
        graph.push(format!("{net}_head_dense"), Op::Dense { units: CLASSES })?;
        graph.push(format!("{net}_head_dense/activation"), Op::Softmax)?;
        Ok(graph)
    }

    fn torchvision(&self) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, 224, 224]));
        graph.push(PREPROCESSING, IMAGENET.standardise())?;
        for (i, channels, depth) in self.stages() {
            let (before, stage) = (2 * i, 2 * i + 1);
            if i == 0 {
                graph.push("features.0.0", patches(channels, 4))?;
                graph.push("features.0.1", layer_norm())?;
            } else {
                graph.push(format!("features.{before}.0"), layer_norm())?;
                graph.push(format!("features.{before}.1"), patches(channels, 2))?;
            }
            for j in 0..depth {
                let name = |layer: &str| format!("features.{stage}.{j}.{layer}");
                let input = graph.output().to_owned();
                let spatial = depthwise(channels, 7, 1, Padding::around(3, 3));
                graph.push(name("block.0"), biased(spatial))?;
                graph.push(name("block.2"), layer_norm())?;
                graph.push(name("block.3"), pointwise(4 * channels))?;
                graph.push(name("block.4"), GELU)?;
                graph.push(name("block.5"), pointwise(channels))?;
                graph.push(name("layer_scale"), Op::LayerScale)?;
                graph.push_after(name("add"), Op::Add, &[&name("layer_scale"), &input])?;
            }
        }
        graph.push("avgpool", Op::GlobalAveragePool)?;
        graph.push("classifier.0", layer_norm())?;
        graph.push("classifier.2", Op::Dense { units: CLASSES })?;
        Ok(graph)
    }
}

const GELU: Op = Op::Gelu { approximate: false };

fn layer_norm() -> Op {
    Op::LayerNorm { epsilon: EPSILON }
}

/// Patches of that size, each to one place.
fn patches(channels: usize, size: usize) -> Op {
    biased(conv(channels, [size; 2], size, Padding::NONE))
}

fn pointwise(channels: usize) -> Op {
    biased(conv(channels, [1, 1], 1, Padding::NONE))
}
