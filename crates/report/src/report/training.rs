//! How training went, epoch by epoch.

use serde::{Deserialize, Serialize};

use super::Fact;

/// How training went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// The losses of each epoch, in order.
    pub epochs: Vec<Epoch>,
    /// The epoch whose parameters were kept; one of the `epoch` numbers of `epochs`.
    pub best_epoch: Option<usize>,
    /// Why training ended, a sentence.
    pub stopped: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Seed of the random generator.
    pub seed: u64,
    /// Optimizer, learning rate, batch size and the like.
    pub settings: Vec<Fact>,
    /// How the learning rate was found, if it was not given.
    pub rate_range: Option<RateRange>,
}

/// A learning-rate range test.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RateRange {
    /// Its steps, by rising rate.
    pub points: Vec<RatePoint>,
    /// The rate that was taken.
    pub chosen: f64,
}

/// A step of a range test.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RatePoint {
    /// The rate.
    pub rate: f64,
    /// The loss, smoothed over the steps before.
    pub loss: f64,
}

/// The losses of one pass over the training images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Number of the epoch, as the user counts: from 1.
    pub epoch: usize,
    /// Mean loss over the training images; `None` where it was not a number.
    pub train_loss: Option<f64>,
    /// Mean loss over the validation images; `None` where there were none.
    pub validation_loss: Option<f64>,
}
