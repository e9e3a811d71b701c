//! How sure the answers are, and whether they may be.

use serde::{Deserialize, Serialize};

/// How sure the answers are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Certainty {
    /// Whether probabilities hold, a sentence or two; `None` where there are none.
    pub calibration: Option<String>,
    /// Reliability diagrams: before and after calibration, or as it is.
    pub diagrams: Vec<Reliability>,
    /// From which probability on the answer is yes, a sentence.
    pub thresholds: Option<String>,
    /// Those thresholds, by name.
    pub by_name: Vec<Threshold>,
    /// What sets or intervals promise and what they kept, a sentence or two.
    pub coverage: Option<String>,
}

/// A reliability diagram.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reliability {
    /// What it shows: "Before", "After calibration".
    pub name: String,
    /// The mean distance between what was said and what was so.
    pub error: f64,
    /// By rising probability; those without answers are left out.
    pub bins: Vec<ReliabilityBin>,
}

/// Answers of about the same probability.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ReliabilityBin {
    /// Their mean probability.
    pub probability: f64,
    /// The share of them that was so.
    pub frequency: f64,
    /// How many they are.
    pub answers: u64,
}

/// The threshold of a label.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// The label.
    pub name: String,
    /// From this probability on it is given.
    pub value: f64,
}
