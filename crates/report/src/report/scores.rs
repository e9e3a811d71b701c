//! The numbers at the top of the page and what they mean.

use serde::{Deserialize, Serialize};

/// The scores of a model on one split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scores {
    /// Name of the split they were measured on, such as "test".
    pub split: String,
    /// The scores, the one that matters most first.
    pub headline: Vec<Score>,
    /// A sentence about all of them, such as how many images they rest on.
    pub note: Option<String>,
    /// Reasons not to rely on the first score, each a sentence: too few images, or no better than
    /// a guess. With one of these the score is shown without praise.
    pub doubts: Vec<String>,
}

/// One score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Name for machines, such as "roc_auc".
    pub name: String,
    /// Name for people, such as "ROC AUC".
    pub label: String,
    /// The value on the split the scores are about.
    pub value: f64,
    /// How to write the value.
    pub measure: Measure,
    /// The value on the validation split.
    pub validation: Option<f64>,
    /// How both values compare, a sentence; shown for the first score.
    pub comparison: Option<String>,
    /// Where the score would lie on other images.
    pub interval: Option<Interval>,
    /// What one gets without looking at the image.
    pub baseline: Option<Baseline>,
    /// What the value means, in plain words: a sentence such as "Picks the defective one out of a
    /// random pair 93 times in 100."
    pub explanation: String,
    /// Which direction is good.
    pub better: Better,
}

/// Where a score would lie on other images of the same kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Both in words: "45 of 52 are right; on other images expect between 0.75 and 0.93."
    pub sentence: String,
}

/// How a score is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// At most 1, without a unit: accuracy, F1, ROC AUC, R².
    Share,
    /// Any size, in the unit of a target or in none: a mean error, a loss.
    Quantity {
        /// The unit, such as "mm".
        unit: Option<String>,
    },
}

/// Which direction of a score is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
}

/// What one gets without looking at the image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// The score of the guess.
    pub value: f64,
    /// What the guess is: a sentence such as "Always guessing the most common class scores 0.310."
    pub sentence: String,
}
