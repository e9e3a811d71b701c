//! EfficientNet.

use super::{Naming, SAME, number};

/// Timm's B5 and above have another epsilon than torchvision's.
pub(super) const BACKBONES: &[&str] = &[
    "efficientnet-b0-torchvision",
    "efficientnet-b1-torchvision",
    "efficientnet-b2-torchvision",
    "efficientnet-b3-torchvision",
    "efficientnet-b4-torchvision",
];

pub(super) const NAMINGS: &[Naming] = &[
    SAME,
    Naming {
        library: "timm",
        rename: timm,
        ..SAME
    },
];

fn timm(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["conv_stem", p] => format!("features.0.0.{p}"),
        ["bn1", p] => format!("features.0.1.{p}"),
        ["blocks", stage, block, inner @ ..] => {
            let stage = number(stage)?;
            // The blocks of the first stage do not expand: there all layers come one earlier.
            let layer = match (stage, inner) {
                (0, ["conv_dw", p]) => format!("0.0.{p}"),
                (0, ["bn1", p]) => format!("0.1.{p}"),
                (0, ["se", layer, p]) => format!("1.{}.{p}", squeeze(layer)?),
                (0, ["conv_pw", p]) => format!("2.0.{p}"),
                (0, ["bn2", p]) => format!("2.1.{p}"),
                (_, ["conv_pw", p]) => format!("0.0.{p}"),
                (_, ["bn1", p]) => format!("0.1.{p}"),
                (_, ["conv_dw", p]) => format!("1.0.{p}"),
                (_, ["bn2", p]) => format!("1.1.{p}"),
                (_, ["se", layer, p]) => format!("2.{}.{p}", squeeze(layer)?),
                (_, ["conv_pwl", p]) => format!("3.0.{p}"),
                (_, ["bn3", p]) => format!("3.1.{p}"),
                _ => return None,
            };
            format!("features.{}.{block}.block.{layer}", stage + 1)
        }
        ["conv_head", p] => format!("features.8.0.{p}"),
        ["bn2", p] => format!("features.8.1.{p}"),
        ["classifier", p] => format!("classifier.1.{p}"),
        _ => return None,
    })
}

/// A layer of squeeze-and-excitation.
fn squeeze(layer: &str) -> Option<&'static str> {
    match layer {
        "conv_reduce" => Some("fc1"),
        "conv_expand" => Some("fc2"),
        _ => None,
    }
}
