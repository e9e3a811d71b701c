//! Fine-tuning: a part of the pretrained network is trained with the head.
//!
//! The head comes first, on stored features, so that the first steps of the joint training do not
//! send a random head's gradients through layers that were right. Then everything from a layer on
//! is trained, deeper layers at lower rates, with a warm-up and along a cosine. What lies before
//! that layer stays frozen: it runs once per image, and what it gives is kept on disk as far as
//! the budget goes. Batch norms stay as they are used: their running statistics do not move.
//!
//! The weights before the first step are an epoch like the others, epoch 0. So the better one is
//! kept, and a fine-tuning cannot do harm by the validation images' word. Epochs are judged by the
//! loss of calibrated answers, since the saved model's are: a network that learns few images by
//! heart becomes too sure of itself long before its answers become worse, so that the bare loss
//! would keep the head alone where fine-tuning was better.
//!
//! - Here: what can be asked for, and what came of it.
//! - `joint`: the training.
//! - `feeds`: what stays frozen, on disk or anew.
//! - `again`: what the tuned network answers.

mod again;
mod feeds;
mod joint;
#[cfg(test)]
mod parity;

use std::str::FromStr;

use finial_report::format;
use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::fit::Fit;

pub(crate) use again::Seen;
pub(crate) use joint::{Start, tune};

/// From where on the network is trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TuneFrom {
    /// From its last block, as [`Graph::last_block`](finial_graph::Graph::last_block) finds it.
    LastBlock,
    /// From that layer, or group of layers.
    Layer(String),
    /// All of it.
    All,
}

impl FromStr for TuneFrom {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "last-block" => TuneFrom::LastBlock,
            "all" => TuneFrom::All,
            layer => TuneFrom::Layer(layer.to_owned()),
        })
    }
}

impl std::fmt::Display for TuneFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            TuneFrom::LastBlock => "last-block",
            TuneFrom::Layer(layer) => layer,
            TuneFrom::All => "all",
        })
    }
}

/// How the network is fine-tuned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TuneOptions {
    /// From where on.
    pub from: TuneFrom,
    /// Epochs at the most; the rate goes down to 0 over them, and the best is kept.
    pub epochs: usize,
    /// Epochs without a better validation loss after which it stops; none to run all of them.
    /// While the rate is high the loss goes up and down; what is gained shows when it has come
    /// down, so stopping before that gives most of it away.
    pub patience: Option<usize>,
    /// The learning rate of the last block; that of deeper ones goes down to a tenth of it, that
    /// of the head is three times as high.
    pub rate: f64,
    /// Images per step.
    pub batch: usize,
    /// The share of the steps over which the rate goes up.
    pub warmup: f64,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// The norm at which gradients are clipped.
    pub clip: f64,
    /// Bytes on disk that the activations of what stays frozen may take.
    pub disk_budget: u64,
}

impl TuneOptions {
    /// The disk budget unless the user says otherwise: 2 GB.
    pub const DISK_BUDGET: u64 = 2_000_000_000;

    /// Default options from there on.
    pub fn new(from: TuneFrom) -> Self {
        TuneOptions {
            from,
            epochs: 10,
            patience: None,
            rate: 1e-4,
            batch: 32,
            warmup: 0.1,
            weight_decay: 0.01,
            clip: 1.0,
            disk_budget: Self::DISK_BUDGET,
        }
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// Names the setting, its range and what was given.
    pub fn check(&self) -> Result<(), LearnError> {
        let setting = |expected, found: String| Err(LearnError::Setting { expected, found });
        let positive = |value: f64| value > 0.0 && value.is_finite();
        let patience = self.patience.unwrap_or(self.epochs);
        if self.epochs == 0 || patience == 0 || self.batch == 0 {
            let found = [self.epochs, patience, self.batch];
            let expected = "epochs, patience and images per step of at least 1 for fine-tuning";
            return setting(expected, format!("{found:?}"));
        }
        if !positive(self.rate) {
            return setting("a rate above 0 for fine-tuning", self.rate.to_string());
        }
        if !positive(self.clip) {
            return setting("a norm above 0 to clip gradients at", self.clip.to_string());
        }
        if !(0.0..1.0).contains(&self.warmup) {
            return setting(
                "a warm-up of at least 0 and below 1",
                self.warmup.to_string(),
            );
        }
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting(
                "a weight decay of at least 0",
                self.weight_decay.to_string(),
            );
        }
        Ok(())
    }
}

/// What came of a fine-tuning.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// How.
    pub options: TuneOptions,
    /// The node behind which everything was trained.
    pub cut: String,
    /// Numbers that were trained, without those of the head.
    pub parameters: usize,
    /// Whether what stayed frozen ran once per image.
    pub stored: bool,
    /// How it went; its weights are those of the tuned part and of the head. The best epoch is 0
    /// if no epoch was better than the head alone.
    pub fit: Fit,
    /// The validation loss before the first step.
    pub before: f64,
}

impl Tuned {
    /// Whether it was better than the head alone, on the validation images.
    pub fn is_better(&self) -> bool {
        self.fit.best_epoch > 0
    }

    /// What came of it, a sentence without its full stop.
    pub fn in_words(&self) -> String {
        let (before, after) = (
            format::quantity(self.before),
            format::quantity(self.fit.best_loss),
        );
        let calibrated = self.fit.curve.iter().any(|e| e.calibrated_loss.is_some());
        let loss = match calibrated {
            true => "the validation loss, calibrated,",
            false => "the validation loss",
        };
        match self.is_better() {
            true => format!(
                "fine-tuning from `{}` on brought {loss} from {before} to {after}",
                self.cut
            ),
            false => format!(
                "fine-tuning from `{}` on did not bring {loss} below {before}, so the network is \
                 left as it was, with the head alone trained",
                self.cut
            ),
        }
    }
}
