//! The vision transformer, ViT, and what DINOv2 trained with it.
//!
//! Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at
//! Scale", 2020, arXiv 2010.11929. Oquab et al., "DINOv2: Learning Robust Visual Features without
//! Supervision", 2023, arXiv 2304.07193.
//!
//! An image becomes patches, each a token; a class token in front of them gathers what the
//! classifier reads. The features are that token behind the last norm.

use super::layers::{CLASSES, IMAGENET, PREPROCESSING, Statistics, UNIT, biased, conv};
use super::published::{self, without_digest};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

/// Width and attention heads; twelve blocks each.
struct Variant {
    width: usize,
    heads: usize,
}

const SMALL: Variant = Variant {
    width: 384,
    heads: 6,
};
const BASE: Variant = Variant {
    width: 768,
    heads: 12,
};
const BLOCKS: usize = 12;
const EPSILON: f64 = 1e-6;

pub(super) const SMALL_16: Backbone = timm(
    "vit-small-16",
    "arXiv 2010.11929",
    224,
    81.384,
    || SMALL.timm(&VIT),
    "https://huggingface.co/timm/vit_small_patch16_224.augreg_in21k_ft_in1k/resolve/main/model.safetensors",
);
pub(super) const BASE_16: Backbone = timm(
    "vit-base-16",
    "arXiv 2010.11929",
    224,
    85.096,
    || BASE.timm(&VIT),
    "https://huggingface.co/timm/vit_base_patch16_224.augreg2_in21k_ft_in1k/resolve/main/model.safetensors",
);
/// DINOv2 has no classifier. Its top-1 is what its authors reach with a linear one on frozen
/// features.
pub(super) const DINOV2_SMALL_14: Backbone = timm(
    "dinov2-small-14",
    "arXiv 2304.07193",
    518,
    81.1,
    || SMALL.timm(&DINOV2),
    "https://huggingface.co/timm/vit_small_patch14_dinov2.lvd142m/resolve/main/model.safetensors",
);
pub(super) const DINOV2_BASE_14: Backbone = timm(
    "dinov2-base-14",
    "arXiv 2304.07193",
    518,
    84.5,
    || BASE.timm(&DINOV2),
    "https://huggingface.co/timm/vit_base_patch14_dinov2.lvd142m/resolve/main/model.safetensors",
);

const fn timm(
    name: &'static str,
    paper: &'static str,
    input: usize,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
    url: &'static str,
) -> Backbone {
    Backbone {
        name,
        paper,
        input: [input; 2],
        features: FEATURES,
        publisher: Publisher::Timm,
        weights: Published {
            with_top: Some(without_digest(url)),
            without_top: None,
            licence: "Apache-2.0",
            top1: Some(top1),
        },
        build,
    }
}

pub(super) const BASE_16_TORCHVISION: Backbone = Backbone {
    name: "vit-base-16-torchvision",
    paper: "arXiv 2010.11929",
    input: [224, 224],
    features: FEATURES,
    publisher: Publisher::Torchvision,
    weights: published::torchvision(
        "https://download.pytorch.org/models/vit_b_16-c867db91.pth",
        "c867db91",
        81.072,
    ),
    build: || BASE.torchvision(),
};

/// What differs between the networks of timm.
struct Setting {
    input: usize,
    patch: usize,
    statistics: Statistics,
    has_layer_scale: bool,
    has_classifier: bool,
}

const VIT: Setting = Setting {
    input: 224,
    patch: 16,
    statistics: UNIT,
    has_layer_scale: false,
    has_classifier: true,
};

const DINOV2: Setting = Setting {
    input: 518,
    patch: 14,
    statistics: IMAGENET,
    has_layer_scale: true,
    has_classifier: false,
};

/// The class token, alone and as a vector.
const CLASS: &str = "pool";
const FEATURES: &str = "pre_logits";

impl Variant {
    fn timm(&self, setting: &Setting) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, setting.input, setting.input]));
        graph.push(PREPROCESSING, setting.statistics.standardise())?;
        self.tokens(&mut graph, "patch_embed.proj", setting.patch)?;
        graph.push("cls_token", Op::ClassToken)?;
        graph.push("pos_embed", Op::PositionEmbedding)?;
        for i in 0..BLOCKS {
            let name = |layer: &str| format!("blocks.{i}.{layer}");
            let input = graph.output().to_owned();
            let heads = self.heads;
            graph.push(name("norm1"), layer_norm())?;
            graph.push(name("attn"), Op::Attention { heads })?;
            if setting.has_layer_scale {
                graph.push(name("ls1"), Op::LayerScale)?;
            }
            add(&mut graph, name("add"), &input)?;

            graph.push(name("norm2"), layer_norm())?;
            self.perceptron(
                &mut graph,
                ["fc1", "act", "fc2"].map(|l| name(&format!("mlp.{l}"))),
            )?;
            if setting.has_layer_scale {
                graph.push(name("ls2"), Op::LayerScale)?;
            }
            add(&mut graph, name("add_1"), &name("add"))?;
        }
        graph.push("norm", layer_norm())?;
        self.class(&mut graph)?;
        if setting.has_classifier {
            graph.push("head", Op::Dense { units: CLASSES })?;
        }
        Ok(graph)
    }

    fn torchvision(&self) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, 224, 224]));
        graph.push(PREPROCESSING, IMAGENET.standardise())?;
        self.tokens(&mut graph, "conv_proj", 16)?;
        graph.push("class_token", Op::ClassToken)?;
        graph.push("encoder.pos_embedding", Op::PositionEmbedding)?;
        for i in 0..BLOCKS {
            let name = |layer: &str| format!("encoder.layers.encoder_layer_{i}.{layer}");
            let input = graph.output().to_owned();
            let heads = self.heads;
            graph.push(name("ln_1"), layer_norm())?;
            graph.push(name("self_attention"), Op::Attention { heads })?;
            add(&mut graph, name("add"), &input)?;

            graph.push(name("ln_2"), layer_norm())?;
            self.perceptron(&mut graph, ["mlp.0", "mlp.1", "mlp.3"].map(name))?;
            add(&mut graph, name("add_1"), &name("add"))?;
        }
        graph.push("encoder.ln", layer_norm())?;
        self.class(&mut graph)?;
        graph.push("heads.head", Op::Dense { units: CLASSES })?;
        Ok(graph)
    }

    /// Patches as tokens, row by row.
    fn tokens(&self, graph: &mut Graph, name: &str, patch: usize) -> Result<(), GraphError> {
        graph.push(
            name,
            biased(conv(self.width, [patch; 2], patch, Padding::NONE)),
        )?;
        let places = graph.output_shape().len() / self.width;
        let shape = Shape::Tokens([self.width, places]);
        graph.push("reshape", Op::Reshape { shape })?;
        graph.push("permute", Op::Permute { axes: vec![1, 0] })
    }

    /// Each token widened, bent and narrowed by itself.
    fn perceptron(
        &self,
        graph: &mut Graph,
        [wide, bent, narrow]: [String; 3],
    ) -> Result<(), GraphError> {
        let units = 4 * self.width;
        graph.push(wide, Op::Dense { units })?;
        graph.push(bent, Op::Gelu { approximate: false })?;
        graph.push(narrow, Op::Dense { units: self.width })
    }

    /// The class token as a vector.
    fn class(&self, graph: &mut Graph) -> Result<(), GraphError> {
        let first = Op::Slice {
            axis: 0,
            start: 0,
            end: 1,
        };
        graph.push(CLASS, first)?;
        let shape = Shape::Vector([self.width]);
        graph.push(FEATURES, Op::Reshape { shape })
    }
}

/// Adds what came before the branch to its end.
fn add(graph: &mut Graph, name: String, input: &str) -> Result<(), GraphError> {
    let branch = graph.output().to_owned();
    graph.push_after(name, Op::Add, &[input, &branch])
}

fn layer_norm() -> Op {
    Op::LayerNorm { epsilon: EPSILON }
}
