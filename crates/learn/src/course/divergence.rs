//! Training that gives numbers no more: where, and most likely why.

use finial_engine::Network;
use serde::{Deserialize, Serialize};

use super::{Course, Phase};
use crate::LearnError;

/// Training gave numbers that are not finite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Divergence {
    /// Which training.
    pub phase: Phase,
    /// The epoch, from 1.
    pub epoch: usize,
    /// The step within the epoch, from 1; none if it was seen on the validation images.
    pub step: Option<usize>,
    /// The layer, or the parameter whose gradient it is; none if only the loss is no number.
    pub layer: Option<String>,
    /// What most likely led to it, a clause.
    pub cause: String,
}

impl std::fmt::Display for Divergence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} no longer gives finite numbers, in epoch {}",
            self.phase.name(),
            self.epoch
        )?;
        match self.step {
            Some(step) => write!(f, ", step {step}")?,
            None => write!(f, ", on the validation images")?,
        }
        match &self.layer {
            Some(layer) => write!(f, ", at `{layer}`")?,
            None => write!(f, ", in the loss")?,
        }
        write!(f, ": {}", self.cause)
    }
}

impl Course<'_> {
    /// Where a network of no finite answers goes wrong, and most likely why.
    pub(super) fn diagnose(
        &self,
        network: &Network,
        numbers: &[f32],
        epoch: usize,
        step: Option<usize>,
    ) -> Result<Divergence, LearnError> {
        /// Weights of trained networks stay far below.
        const GROWN: f32 = 1e4;
        let layer = network.first_not_finite(network.batch(numbers.to_vec())?)?;
        let weights = network.weights()?;
        let sizes = weights.iter().map(|(name, tensor)| {
            let values = tensor.values().iter();
            // A weight that is no number is the largest of all.
            let size = values.fold(0f32, |most, v| if v.abs() <= most { most } else { v.abs() });
            (name, size)
        });
        let largest = sizes.max_by(|a, b| a.1.total_cmp(&b.1));
        let input = numbers.iter().any(|number| !number.is_finite());
        let cause = match largest {
            _ if input => "what the frozen part gives is not finite: its weights are damaged, or \
                           made for images scaled otherwise"
                .to_owned(),
            Some((name, size)) if size >= GROWN || size.is_nan() => {
                format!("`{name}` has grown to {size:.1e}: the learning rate is too high")
            }
            _ => "a gradient too large for single precision: the learning rate is too high, or a \
                  target or an image far from all others"
                .to_owned(),
        };
        Ok(Divergence {
            phase: self.phase,
            epoch,
            step,
            layer,
            cause,
        })
    }
}
