//! ConvNeXt.

use super::{Naming, SAME, number};

pub(super) const BACKBONES: &[&str] = &[
    "convnext-tiny-torchvision",
    "convnext-small-torchvision",
    "convnext-base-torchvision",
];

pub(super) const NAMINGS: &[Naming] = &[
    Naming {
        rename: torchvision,
        ..SAME
    },
    Naming {
        library: "timm",
        rename: timm,
        ..SAME
    },
];

fn torchvision(parts: &[&str]) -> Option<String> {
    match parts {
        ["features", stage, block, "layer_scale"] => {
            Some(format!("features.{stage}.{block}.layer_scale.gamma"))
        }
        _ => None,
    }
}

/// Timm counts stages; torchvision counts what lies between them too.
fn timm(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["stem", layer, p] => format!("features.0.{layer}.{p}"),
        ["stages", stage, "downsample", layer, p] => {
            format!("features.{}.{layer}.{p}", 2 * number(stage)?)
        }
        ["stages", stage, "blocks", block, inner @ ..] => {
            let layer = match inner {
                ["gamma"] => "layer_scale.gamma".to_owned(),
                ["conv_dw", p] => format!("block.0.{p}"),
                ["norm", p] => format!("block.2.{p}"),
                ["mlp", "fc1", p] => format!("block.3.{p}"),
                ["mlp", "fc2", p] => format!("block.5.{p}"),
                _ => return None,
            };
            format!("features.{}.{block}.{layer}", 2 * number(stage)? + 1)
        }
        ["head", "norm", p] => format!("classifier.0.{p}"),
        ["head", "fc", p] => format!("classifier.2.{p}"),
        _ => return None,
    })
}
