//! VGG.

use super::{Naming, SAME};

pub(super) const BACKBONES: &[&str] = &["vgg16-torchvision", "vgg19-torchvision"];

/// Timm writes the classifier's first layers as convolutions, the first over the whole map, so
/// its weights serve without them only.
pub(super) const NAMINGS: &[Naming] = &[
    SAME,
    Naming {
        library: "timm",
        rename: timm,
        ..SAME
    },
];

fn timm(parts: &[&str]) -> Option<String> {
    match parts {
        ["pre_logits", "fc1", p] => Some(format!("classifier.0.{p}")),
        ["pre_logits", "fc2", p] => Some(format!("classifier.3.{p}")),
        ["head", "fc", p] => Some(format!("classifier.6.{p}")),
        _ => None,
    }
}
