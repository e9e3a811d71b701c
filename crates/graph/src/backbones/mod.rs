//! The pretrained networks, one file a family, listed once in [`BACKBONES`].
//!
//! A backbone here is a graph without numbers: the preprocessing that belongs to its weights,
//! layers named as in the published checkpoint, and its original classifier. Where it is cut for
//! transfer is part of its entry, and so is where its weights are published. Fetching and reading
//! them is for other crates.
//!
//! One architecture published twice is two backbones, since the publishers changed it: Keras's
//! ResNet50 has its strides elsewhere than torchvision's, other paddings, biases and epsilons.
//! The plain name is Keras's where Keras has the network; another publisher's carries its name.

mod convnext;
mod densenet;
mod efficientnet;
mod efficientnet_lite;
mod inception_v3;
mod layers;
mod mobilenet;
mod mobilenet_v2;
mod mobilenet_v3;
mod published;
mod resnet;
mod resnet_v2;
mod squeezenet;
mod vgg;
mod vit;
mod xception;

use crate::{Graph, GraphError};

/// A pretrained network that finial knows by name.
#[derive(Clone, Copy, Debug)]
pub struct Backbone {
    /// The name that is typed.
    pub name: &'static str,
    /// Where it is described.
    pub paper: &'static str,
    /// Height and width of the images it was trained on.
    pub input: [usize; 2],
    /// What a new head reads: the last value before pooling and classifier, a map; or the vector
    /// that the classifier reads, where a class token or a norm behind the pooling makes it.
    pub features: &'static str,
    /// Whose variant it is, and whose layer names it carries.
    pub publisher: Publisher,
    /// Where its weights are.
    pub weights: Published,
    build: fn() -> Result<Graph, GraphError>,
}

/// Who published a network with its weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publisher {
    /// `keras.applications`.
    Keras,
    /// `torchvision.models`.
    Torchvision,
    /// The `timm` library.
    Timm,
    /// The `efficientnet-lite-pytorch` packages.
    EfficientNetLitePytorch,
    /// The `keras-squeezenet` project.
    KerasSqueezeNet,
}

impl Publisher {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Publisher::Keras => "Keras",
            Publisher::Torchvision => "torchvision",
            Publisher::Timm => "timm",
            Publisher::EfficientNetLitePytorch => "efficientnet-lite-pytorch",
            Publisher::KerasSqueezeNet => "keras-squeezenet",
        }
    }
}

/// Published weights.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The whole network.
    pub with_top: Option<File>,
    /// The network without its classifier, where that is published by itself.
    pub without_top: Option<File>,
    /// Their licence, as an SPDX expression.
    pub licence: &'static str,
    /// Top-1 accuracy on ImageNet's validation images as published, in percent; none where the
    /// publisher gives none.
    pub top1: Option<f64>,
}

/// A file to fetch.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Where it is.
    pub url: &'static str,
    /// What its content must be.
    pub checksum: Checksum,
}

/// A digest that the publisher gives for a file, in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// Keras gives it in its source.
    Md5(&'static str),
    /// All 64 digits.
    Sha256(&'static str),
    /// The first digits, which torchvision puts into the file's name.
    Sha256Prefix(&'static str),
    /// The publisher gives none beforehand; the server says it with the file.
    FromServer,
}

/// Every backbone.
pub const BACKBONES: &[Backbone] = &[
    convnext::TINY,
    convnext::TINY_TORCHVISION,
    convnext::SMALL,
    convnext::SMALL_TORCHVISION,
    convnext::BASE,
    convnext::BASE_TORCHVISION,
    densenet::DENSENET121,
    densenet::DENSENET121_TORCHVISION,
    densenet::DENSENET169,
    densenet::DENSENET169_TORCHVISION,
    densenet::DENSENET201,
    densenet::DENSENET201_TORCHVISION,
    efficientnet::B0,
    efficientnet::B0_TORCHVISION,
    efficientnet::B1,
    efficientnet::B1_TORCHVISION,
    efficientnet::B2,
    efficientnet::B2_TORCHVISION,
    efficientnet::B3,
    efficientnet::B3_TORCHVISION,
    efficientnet::B4,
    efficientnet::B4_TORCHVISION,
    efficientnet::B5,
    efficientnet::B5_TORCHVISION,
    efficientnet::B6,
    efficientnet::B6_TORCHVISION,
    efficientnet::B7,
    efficientnet::B7_TORCHVISION,
    efficientnet_lite::LITE0,
    efficientnet_lite::LITE1,
    efficientnet_lite::LITE2,
    inception_v3::KERAS,
    inception_v3::TORCHVISION,
    mobilenet::MOBILENET,
    mobilenet_v2::MOBILENET_V2,
    mobilenet_v2::MOBILENET_V2_TORCHVISION,
    mobilenet_v3::SMALL,
    mobilenet_v3::SMALL_TORCHVISION,
    mobilenet_v3::LARGE,
    mobilenet_v3::LARGE_TORCHVISION,
    resnet::RESNET18,
    resnet::RESNET34,
    resnet::RESNET50,
    resnet::RESNET50_TORCHVISION,
    resnet::RESNET101,
    resnet::RESNET101_TORCHVISION,
    resnet::RESNET152,
    resnet::RESNET152_TORCHVISION,
    resnet_v2::RESNET50V2,
    squeezenet::SQUEEZENET,
    squeezenet::SQUEEZENET_KERAS,
    vgg::VGG16,
    vgg::VGG16_TORCHVISION,
    vgg::VGG19,
    vgg::VGG19_TORCHVISION,
    vit::SMALL_16,
    vit::BASE_16,
    vit::BASE_16_TORCHVISION,
    vit::DINOV2_SMALL_14,
    vit::DINOV2_BASE_14,
    xception::KERAS,
];

impl Backbone {
    /// The backbone of that name.
    pub fn named(name: &str) -> Option<&'static Backbone> {
        BACKBONES.iter().find(|backbone| backbone.name == name)
    }

    /// The whole network, from the 8-bit image to its original classes.
    ///
    /// # Errors
    /// Never for a graph in this crate; each is built by a test.
    pub fn classifier(&self) -> Result<Graph, GraphError> {
        (self.build)()
    }

    /// The network up to [`features`](Self::features).
    ///
    /// # Errors
    /// As [`classifier`](Self::classifier).
    pub fn without_top(&self) -> Result<Graph, GraphError> {
        Ok(self.classifier()?.cut_at(self.features)?.0)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Shape;

    #[test]
    fn names_are_unique_and_lower_case() {
        let names: BTreeSet<&str> = BACKBONES.iter().map(|b| b.name).collect();
        assert_eq!(names.len(), BACKBONES.len());
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        assert!(names.iter().all(|name| name.chars().all(plain)));
    }

    #[test]
    fn each_reads_an_rgb_image_and_ends_in_a_map_or_a_vector_without_its_top() {
        for backbone in BACKBONES {
            let [h, w] = backbone.input;
            let graph = backbone.without_top().unwrap();
            assert_eq!(graph.input_shape(), Shape::Map([3, h, w]));
            let output = graph.output_shape();
            assert!(matches!(output, Shape::Map(_) | Shape::Vector(_)));
            assert_eq!(graph.output(), backbone.features);
        }
    }
}
