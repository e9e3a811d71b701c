//! MobileNetV2.

use super::{Naming, SAME, number};

pub(super) const BACKBONES: &[&str] = &["mobilenet-v2-torchvision"];

pub(super) const NAMINGS: &[Naming] = &[
    SAME,
    Naming {
        library: "timm",
        rename: timm,
        ..SAME
    },
    Naming {
        library: "pytorch-mobilenet-v2",
        rename: flat,
        ..SAME
    },
];

/// Where in torchvision's one row of blocks a stage begins.
const STAGES: [usize; 7] = [1, 2, 4, 7, 11, 14, 17];

fn timm(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["conv_stem", p] => format!("features.0.0.{p}"),
        ["bn1", p] => format!("features.0.1.{p}"),
        ["blocks", stage, block, layer, p] => {
            let stage = number(stage)?;
            let block = STAGES.get(stage)? + number(block)?;
            // The first block does not expand.
            let layer = match (stage, *layer) {
                (0, "conv_dw") => "0.0",
                (0, "bn1") => "0.1",
                (0, "conv_pw") => "1",
                (0, "bn2") => "2",
                (_, "conv_pw") => "0.0",
                (_, "bn1") => "0.1",
                (_, "conv_dw") => "1.0",
                (_, "bn2") => "1.1",
                (_, "conv_pwl") => "2",
                (_, "bn3") => "3",
                _ => return None,
            };
            format!("features.{block}.conv.{layer}.{p}")
        }
        ["conv_head", p] => format!("features.18.0.{p}"),
        ["bn2", p] => format!("features.18.1.{p}"),
        ["classifier", p] => format!("classifier.1.{p}"),
        _ => return None,
    })
}

/// Without torchvision's grouping of convolution, batch norm and ReLU6: so the implementation
/// names them that many pretrained networks of 2018 come from.
fn flat(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["features", block, "conv", layer, p] => {
            let layer = match (*block, *layer) {
                (_, "0") => "0.0",
                (_, "1") => "0.1",
                // The first block does not expand.
                ("1", "3") => "1",
                ("1", "4") => "2",
                (_, "3") => "1.0",
                (_, "4") => "1.1",
                (_, "6") => "2",
                (_, "7") => "3",
                _ => return None,
            };
            format!("features.{block}.conv.{layer}.{p}")
        }
        ["classifier", p] => format!("classifier.1.{p}"),
        _ => return None,
    })
}
