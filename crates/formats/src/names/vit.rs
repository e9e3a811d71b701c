//! The vision transformer, and DINOv2.

use super::{Naming, SAME};

pub(super) const TIMM_BACKBONES: &[&str] = &[
    "vit-small-16",
    "vit-base-16",
    "dinov2-small-14",
    "dinov2-base-14",
];

/// Also DINOv2's own: its names are timm's, and it keeps the token that stood for hidden patches
/// in training.
pub(super) const TIMM_NAMINGS: &[Naming] = &[Naming {
    rename: timm,
    left_out: &["mask_token"],
    ..SAME
}];

pub(super) const TORCHVISION_BACKBONES: &[&str] = &["vit-base-16-torchvision"];

pub(super) const TORCHVISION_NAMINGS: &[Naming] = &[Naming {
    rename: torchvision,
    ..SAME
}];

fn timm(parts: &[&str]) -> Option<String> {
    match parts {
        ["cls_token"] => Some("cls_token.token".to_owned()),
        ["pos_embed"] => Some("pos_embed.weight".to_owned()),
        _ => None,
    }
}

fn torchvision(parts: &[&str]) -> Option<String> {
    Some(match parts {
        ["class_token"] => "class_token.token".to_owned(),
        ["encoder", "pos_embedding"] => "encoder.pos_embedding.weight".to_owned(),
        ["encoder", "layers", block, inner @ ..] => {
            let layer = match inner {
                ["self_attention", "in_proj_weight"] => "self_attention.qkv.weight".to_owned(),
                ["self_attention", "in_proj_bias"] => "self_attention.qkv.bias".to_owned(),
                ["self_attention", "out_proj", p] => format!("self_attention.proj.{p}"),
                // The published weights are older than these names.
                ["mlp", "linear_1", p] => format!("mlp.0.{p}"),
                ["mlp", "linear_2", p] => format!("mlp.3.{p}"),
                _ => return None,
            };
            format!("encoder.layers.{block}.{layer}")
        }
        _ => return None,
    })
}
