//! The parts that a final layer is put together from.
//!
//! Which task takes which is decided by [`Task`](crate::Task).

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the final layer applies to its logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Probabilities over exclusive classes, summing to one.
    Softmax,
    /// An independent probability per unit.
    Sigmoid,
    /// The number itself.
    Linear,
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Activation::Softmax => "softmax",
            Activation::Sigmoid => "sigmoid",
            Activation::Linear => "linear",
        })
    }
}

/// What training minimises; always computed from logits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// −log of the probability given to the true class.
    CategoricalCrossEntropy,
    /// −log of the probability given to the true answer of each yes-or-no question.
    BinaryCrossEntropy,
    /// The mean of squared differences.
    MeanSquaredError,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::CategoricalCrossEntropy => "categorical cross-entropy",
            Loss::BinaryCrossEntropy => "binary cross-entropy",
            Loss::MeanSquaredError => "mean squared error",
        })
    }
}
