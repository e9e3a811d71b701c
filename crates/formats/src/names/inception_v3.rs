//! Inception v3.

use super::{Naming, SAME};

pub(super) const BACKBONES: &[&str] = &["inception-v3-torchvision"];

/// A second classifier helped in training.
pub(super) const NAMINGS: &[Naming] = &[Naming {
    left_out: &["AuxLogits."],
    ..SAME
}];
