//! DenseNet.

use super::{Naming, SAME};

pub(super) const BACKBONES: &[&str] = &[
    "densenet121-torchvision",
    "densenet169-torchvision",
    "densenet201-torchvision",
];

/// The published weights are older than the names of the modules.
pub(super) const NAMINGS: &[Naming] = &[Naming {
    rename: published,
    ..SAME
}];

/// `norm.1` and `conv.1` became `norm1` and `conv1`.
fn published(parts: &[&str]) -> Option<String> {
    match parts {
        [
            "features",
            block,
            layer,
            kind @ ("norm" | "conv"),
            number @ ("1" | "2"),
            p,
        ] => Some(format!("features.{block}.{layer}.{kind}{number}.{p}")),
        _ => None,
    }
}
