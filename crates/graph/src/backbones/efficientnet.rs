//! EfficientNet: one network, scaled in depth, width and resolution at once.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
//! 2019, arXiv 1905.11946.
//!
//! Keras's variant pads as TensorFlow does and brings the image to its range by its own first
//! layers; torchvision's pads both sides alike. Blocks of a Keras stage are lettered, those of
//! torchvision numbered, with every layer of a block numbered too.

use super::layers::{
    CLASSES, IMAGENET, PREPROCESSING, batch_norm, biased, conv, depthwise, one_place,
};
use super::published;
use super::{Backbone, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// How a variant is scaled.
struct Variant {
    width: f64,
    depth: f64,
    dropout: f64,
}

#[rustfmt::skip]
const VARIANTS: [Variant; 8] = [
    Variant { width: 1.0, depth: 1.0, dropout: 0.2 },
    Variant { width: 1.0, depth: 1.1, dropout: 0.2 },
    Variant { width: 1.1, depth: 1.2, dropout: 0.3 },
    Variant { width: 1.2, depth: 1.4, dropout: 0.3 },
    Variant { width: 1.4, depth: 1.8, dropout: 0.4 },
    Variant { width: 1.6, depth: 2.2, dropout: 0.4 },
    Variant { width: 1.8, depth: 2.6, dropout: 0.5 },
    Variant { width: 2.0, depth: 3.1, dropout: 0.5 },
];

#[rustfmt::skip]
pub(super) const B0: Backbone = keras(
    "efficientnet-b0", 224, 77.1, || VARIANTS[0].keras(224),
    ["https://storage.googleapis.com/keras-applications/efficientnetb0.h5", "902e53a9f72be733fc0bcb005b3ebbac"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb0_notop.h5", "50bc09e76180e00e4465e1a485ddc09d"],
);
#[rustfmt::skip]
pub(super) const B1: Backbone = keras(
    "efficientnet-b1", 240, 79.1, || VARIANTS[1].keras(240),
    ["https://storage.googleapis.com/keras-applications/efficientnetb1.h5", "1d254153d4ab51201f1646940f018540"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb1_notop.h5", "74c4e6b3e1f6a1eea24c589628592432"],
);
#[rustfmt::skip]
pub(super) const B2: Backbone = keras(
    "efficientnet-b2", 260, 80.1, || VARIANTS[2].keras(260),
    ["https://storage.googleapis.com/keras-applications/efficientnetb2.h5", "b15cce36ff4dcbd00b6dd88e7857a6ad"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb2_notop.h5", "111f8e2ac8aa800a7a99e3239f7bfb39"],
);
#[rustfmt::skip]
pub(super) const B3: Backbone = keras(
    "efficientnet-b3", 300, 81.6, || VARIANTS[3].keras(300),
    ["https://storage.googleapis.com/keras-applications/efficientnetb3.h5", "ffd1fdc53d0ce67064dc6a9c7960ede0"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb3_notop.h5", "af6d107764bb5b1abb91932881670226"],
);
#[rustfmt::skip]
pub(super) const B4: Backbone = keras(
    "efficientnet-b4", 380, 82.9, || VARIANTS[4].keras(380),
    ["https://storage.googleapis.com/keras-applications/efficientnetb4.h5", "18c95ad55216b8f92d7e70b3a046e2fc"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb4_notop.h5", "ebc24e6d6c33eaebbd558eafbeedf1ba"],
);
#[rustfmt::skip]
pub(super) const B5: Backbone = keras(
    "efficientnet-b5", 456, 83.6, || VARIANTS[5].keras(456),
    ["https://storage.googleapis.com/keras-applications/efficientnetb5.h5", "ace28f2a6363774853a83a0b21b9421a"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb5_notop.h5", "38879255a25d3c92d5e44e04ae6cec6f"],
);
#[rustfmt::skip]
pub(super) const B6: Backbone = keras(
    "efficientnet-b6", 528, 84.0, || VARIANTS[6].keras(528),
    ["https://storage.googleapis.com/keras-applications/efficientnetb6.h5", "165f6e37dce68623721b423839de8be5"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb6_notop.h5", "9ecce42647a20130c1f39a5d4cb75743"],
);
#[rustfmt::skip]
pub(super) const B7: Backbone = keras(
    "efficientnet-b7", 600, 84.3, || VARIANTS[7].keras(600),
    ["https://storage.googleapis.com/keras-applications/efficientnetb7.h5", "8c03f828fec3ef71311cd463b6759d99"],
    ["https://storage.googleapis.com/keras-applications/efficientnetb7_notop.h5", "cbcfe4450ddf6f3ad90b1b398090fe4a"],
);

#[rustfmt::skip]
pub(super) const B0_TORCHVISION: Backbone = torchvision(
    "efficientnet-b0-torchvision", 224, 77.692, || VARIANTS[0].torchvision(224, 1e-5),
    "https://download.pytorch.org/models/efficientnet_b0_rwightman-7f5810bc.pth", "7f5810bc",
);
#[rustfmt::skip]
pub(super) const B1_TORCHVISION: Backbone = torchvision(
    "efficientnet-b1-torchvision", 240, 79.838, || VARIANTS[1].torchvision(240, 1e-5),
    "https://download.pytorch.org/models/efficientnet_b1-c27df63c.pth", "c27df63c",
);
#[rustfmt::skip]
pub(super) const B2_TORCHVISION: Backbone = torchvision(
    "efficientnet-b2-torchvision", 288, 80.608, || VARIANTS[2].torchvision(288, 1e-5),
    "https://download.pytorch.org/models/efficientnet_b2_rwightman-c35c1473.pth", "c35c1473",
);
#[rustfmt::skip]
pub(super) const B3_TORCHVISION: Backbone = torchvision(
    "efficientnet-b3-torchvision", 300, 82.008, || VARIANTS[3].torchvision(300, 1e-5),
    "https://download.pytorch.org/models/efficientnet_b3_rwightman-b3899882.pth", "b3899882",
);
#[rustfmt::skip]
pub(super) const B4_TORCHVISION: Backbone = torchvision(
    "efficientnet-b4-torchvision", 380, 83.384, || VARIANTS[4].torchvision(380, 1e-5),
    "https://download.pytorch.org/models/efficientnet_b4_rwightman-23ab8bcd.pth", "23ab8bcd",
);
#[rustfmt::skip]
pub(super) const B5_TORCHVISION: Backbone = torchvision(
    "efficientnet-b5-torchvision", 456, 83.444, || VARIANTS[5].torchvision(456, 1e-3),
    "https://download.pytorch.org/models/efficientnet_b5_lukemelas-1a07897c.pth", "1a07897c",
);
#[rustfmt::skip]
pub(super) const B6_TORCHVISION: Backbone = torchvision(
    "efficientnet-b6-torchvision", 528, 84.008, || VARIANTS[6].torchvision(528, 1e-3),
    "https://download.pytorch.org/models/efficientnet_b6_lukemelas-24a108a5.pth", "24a108a5",
);
#[rustfmt::skip]
pub(super) const B7_TORCHVISION: Backbone = torchvision(
    "efficientnet-b7-torchvision", 600, 84.122, || VARIANTS[7].torchvision(600, 1e-3),
    "https://download.pytorch.org/models/efficientnet_b7_lukemelas-c5b4e57e.pth", "c5b4e57e",
);

const PAPER: &str = "arXiv 1905.11946";

const fn keras(
    name: &'static str,
    input: usize,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
    with_top: [&'static str; 2],
    without_top: [&'static str; 2],
) -> Backbone {
    Backbone {
        name,
        paper: PAPER,
        input: [input; 2],
        features: "top_activation",
        publisher: Publisher::Keras,
        weights: published::keras([with_top, without_top], "Apache-2.0", top1),
        build,
    }
}

const fn torchvision(
    name: &'static str,
    input: usize,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
    url: &'static str,
    digits: &'static str,
) -> Backbone {
    Backbone {
        name,
        paper: PAPER,
        input: [input; 2],
        features: "features.8.2",
        publisher: Publisher::Torchvision,
        weights: published::torchvision(url, digits, top1),
        build,
    }
}

/// A row of the paper's table: `repeats` inverted bottlenecks, the first with `stride`.
pub(super) struct Stage {
    pub(super) repeats: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) expansion: usize,
    pub(super) filters: usize,
}

#[rustfmt::skip]
pub(super) const STAGES: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, expansion: 1, filters: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, expansion: 6, filters: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, expansion: 6, filters: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, expansion: 6, filters: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, expansion: 6, filters: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, expansion: 6, filters: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, expansion: 6, filters: 320 },
];
const STEM: usize = 32;
const HEAD: usize = 1280;
const STEM_KERNEL: usize = 3;

/// The nearest multiple of 8, but not less than nine tenths.
pub(super) fn scaled_filters(filters: usize, width: f64) -> usize {
    let wanted = filters as f64 * width;
    let nearest = (((wanted + 4.0) / 8.0).floor() as usize * 8).max(8);
    if (nearest as f64) < 0.9 * wanted {
        nearest + 8
    } else {
        nearest
    }
}

pub(super) fn scaled_repeats(repeats: usize, depth: f64) -> usize {
    (repeats as f64 * depth).ceil() as usize
}

/// One inverted bottleneck.
struct Block {
    /// From 1.
    stage: usize,
    /// From 0, in its stage.
    number: usize,
    channels: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    filters: usize,
}

impl Block {
    fn wide(&self) -> usize {
        self.channels * self.expansion
    }

    /// What squeeze-and-excitation narrows to.
    fn squeezed(&self) -> usize {
        (self.channels / 4).max(1)
    }

    fn is_residual(&self) -> bool {
        self.stride == 1 && self.channels == self.filters
    }
}

impl Variant {
    fn filters(&self, filters: usize) -> usize {
        scaled_filters(filters, self.width)
    }

    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut channels = self.filters(STEM);
        for (stage, row) in (1..).zip(&STAGES) {
            let filters = self.filters(row.filters);
            for number in 0..scaled_repeats(row.repeats, self.depth) {
                blocks.push(Block {
                    stage,
                    number,
                    channels,
                    kernel: row.kernel,
                    stride: if number == 0 { row.stride } else { 1 },
                    expansion: row.expansion,
                    filters,
                });
                channels = filters;
            }
        }
        blocks
    }

    fn keras(&self, input: usize) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, input, input]));
        let rescale = |scale: [f64; 3]| Op::Rescale {
            scale: scale.map(|s| s as f32).to_vec(),
            offset: vec![0.0; 3],
        };
        graph.push("rescaling", rescale([1.0 / 255.0; 3]))?;
        graph.push("normalization", Op::Normalize)?;
        // The weights were trained on pixels divided by the variance.
        let deviations = IMAGENET.deviation;
        graph.push("rescaling_1", rescale(deviations.map(|d| 1.0 / d.sqrt())))?;
        keras_pad(&mut graph, "stem_conv_pad", STEM_KERNEL)?;
        let stem = conv(self.filters(STEM), [STEM_KERNEL; 2], 2, Padding::NONE);
        graph.push("stem_conv", stem)?;
        graph.push("stem_bn", batch_norm(1e-3))?;
        graph.push("stem_activation", Op::Silu)?;
        for block in self.blocks() {
            block.keras(&mut graph)?;
        }
        let head = conv(self.filters(HEAD), [1, 1], 1, Padding::Same);
        graph.push("top_conv", head)?;
        graph.push("top_bn", batch_norm(1e-3))?;
        graph.push("top_activation", Op::Silu)?;
        graph.push("avg_pool", Op::GlobalAveragePool)?;
        graph.push("top_dropout", Op::Dropout { rate: self.dropout })?;
        graph.push("predictions", Op::Dense { units: CLASSES })?;
        graph.push("predictions/activation", Op::Softmax)?;
        Ok(graph)
    }

    fn torchvision(&self, input: usize, epsilon: f64) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, input, input]));
        graph.push(PREPROCESSING, IMAGENET.standardise())?;
        let stem = conv(
            self.filters(STEM),
            [STEM_KERNEL; 2],
            2,
            Padding::around(1, 1),
        );
        graph.push("features.0.0", stem)?;
        graph.push("features.0.1", batch_norm(epsilon))?;
        graph.push("features.0.2", Op::Silu)?;
        for block in self.blocks() {
            block.torchvision(&mut graph, epsilon)?;
        }
        let head = conv(self.filters(HEAD), [1, 1], 1, Padding::NONE);
        graph.push("features.8.0", head)?;
        graph.push("features.8.1", batch_norm(epsilon))?;
        graph.push("features.8.2", Op::Silu)?;
        graph.push("avgpool", Op::GlobalAveragePool)?;
        graph.push("classifier.0", Op::Dropout { rate: self.dropout })?;
        graph.push("classifier.1", Op::Dense { units: CLASSES })?;
        Ok(graph)
    }
}

/// Zeros for a convolution with stride 2, so that its kernels lie where TensorFlow puts them.
fn keras_pad(graph: &mut Graph, name: &str, kernel: usize) -> Result<(), GraphError> {
    let [_, height, width] = match graph.output_shape() {
        Shape::Map(dims) => dims,
        other => [other.channels(), 1, 1],
    };
    let after = kernel / 2;
    let before = |size: usize| after - (1 - size % 2);
    let op = Op::ZeroPad {
        top: before(height),
        bottom: after,
        left: before(width),
        right: after,
    };
    graph.push(name, op)
}

impl Block {
    fn keras(&self, graph: &mut Graph) -> Result<(), GraphError> {
        let letter = char::from(b'a' + self.number as u8);
        let name = |layer: &str| format!("block{}{letter}_{layer}", self.stage);
        let input = graph.output().to_owned();
        let pointwise = |filters| conv(filters, [1, 1], 1, Padding::Same);
        if self.expansion != 1 {
            graph.push(name("expand_conv"), pointwise(self.wide()))?;
            graph.push(name("expand_bn"), batch_norm(1e-3))?;
            graph.push(name("expand_activation"), Op::Silu)?;
        }
        let mut padding = Padding::Same;
        if self.stride == 2 {
            keras_pad(graph, &name("dwconv_pad"), self.kernel)?;
            padding = Padding::NONE;
        }
        let spatial = depthwise(self.wide(), self.kernel, self.stride, padding);
        graph.push(name("dwconv"), spatial)?;
        graph.push(name("bn"), batch_norm(1e-3))?;
        graph.push(name("activation"), Op::Silu)?;

        graph.push(name("se_squeeze"), Op::GlobalAveragePool)?;
        graph.push(name("se_reshape"), one_place(self.wide()))?;
        graph.push(name("se_reduce"), biased(pointwise(self.squeezed())))?;
        graph.push(name("se_reduce/activation"), Op::Silu)?;
        graph.push(name("se_expand"), biased(pointwise(self.wide())))?;
        graph.push(name("se_expand/activation"), Op::Sigmoid)?;
        let factors = [&*name("activation"), &name("se_expand/activation")];
        graph.push_after(name("se_excite"), Op::Multiply, &factors)?;

        graph.push(name("project_conv"), pointwise(self.filters))?;
        graph.push(name("project_bn"), batch_norm(1e-3))?;
        if self.is_residual() {
            // Drops whole blocks in training.
            graph.push(name("drop"), Op::Identity)?;
            graph.push_after(name("add"), Op::Add, &[&name("drop"), &input])?;
        }
        Ok(())
    }

    fn torchvision(&self, graph: &mut Graph, epsilon: f64) -> Result<(), GraphError> {
        let block = format!("features.{}.{}", self.stage, self.number);
        let expanding = usize::from(self.expansion != 1);
        let name = |part: usize, layer: &str| format!("{block}.block.{}.{layer}", part + expanding);
        let input = graph.output().to_owned();
        let pointwise = |filters| conv(filters, [1, 1], 1, Padding::NONE);
        if self.expansion != 1 {
            graph.push(format!("{block}.block.0.0"), pointwise(self.wide()))?;
            graph.push(format!("{block}.block.0.1"), batch_norm(epsilon))?;
            graph.push(format!("{block}.block.0.2"), Op::Silu)?;
        }
        let half = self.kernel / 2;
        let padding = Padding::around(half, half);
        let spatial = depthwise(self.wide(), self.kernel, self.stride, padding);
        graph.push(name(0, "0"), spatial)?;
        graph.push(name(0, "1"), batch_norm(epsilon))?;
        graph.push(name(0, "2"), Op::Silu)?;

        graph.push(name(1, "avgpool"), Op::GlobalAveragePool)?;
        graph.push(name(1, "reshape"), one_place(self.wide()))?;
        graph.push(name(1, "fc1"), biased(pointwise(self.squeezed())))?;
        graph.push(name(1, "activation"), Op::Silu)?;
        graph.push(name(1, "fc2"), biased(pointwise(self.wide())))?;
        graph.push(name(1, "scale_activation"), Op::Sigmoid)?;
        let factors = [&*name(0, "2"), &name(1, "scale_activation")];
        graph.push_after(name(1, "mul"), Op::Multiply, &factors)?;

        graph.push(name(2, "0"), pointwise(self.filters))?;
        graph.push(name(2, "1"), batch_norm(epsilon))?;
        if self.is_residual() {
            let projected = name(2, "1");
            graph.push_after(format!("{block}.add"), Op::Add, &[&projected, &input])?;
        }
        Ok(())
    }
}
