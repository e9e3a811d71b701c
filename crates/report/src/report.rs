//! The data of a report: plain structs, nothing computed.
//!
//! [`Report`] is the root. The part about the network is in [`head`], the one about training in
//! [`training`], the proof behind the scores in [`evidence`]. Strings are plain text, never
//! markup; the page escapes them. In sentences, what stands between backticks is set as code.
//! Sentences begin with a capital letter and end with a full stop.

pub mod certainty;
pub mod evidence;
pub mod head;
pub mod scores;
pub mod training;

use serde::{Deserialize, Serialize};

pub(crate) use evidence::jpeg_as_text;

pub use certainty::{Certainty, Reliability, ReliabilityBin, Threshold};
pub use evidence::{
    BinaryCounts, BinaryEvidence, ClassRow, Confusion, Evidence, LabelRow, MultiClassEvidence,
    MultiLabelEvidence, PrPoint, PredictedPoint, RegressionEvidence, RocPoint, TargetEvidence,
    WorstImage,
};
pub use head::{FinalLayer, Head, Layer, LayerRole};
pub use scores::{Baseline, Better, Interval, Measure, Score, Scores};
pub use training::{Epoch, RatePoint, RateRange, Training};

/// Everything one page says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Heading of the page, such as "Which flower is it?".
    pub title: String,
    /// What the page is about, a sentence under the heading; needed where a model is scored on
    /// data that it was not trained on.
    pub subject: Option<String>,
    /// Name of the model, as the command lines use it.
    pub model: String,
    /// When the report was made, ready to show, such as "24 November 2026, 14:05".
    pub created: String,
    /// Version of finial that made it.
    pub finial_version: String,
    /// What the model learns to answer.
    pub task: Task,
    /// The network and its final layer.
    pub head: Option<Head>,
    /// The images and how they were split.
    pub data: Option<Data>,
    /// How training went. `None` for an evaluation.
    pub training: Option<Training>,
    /// The numbers at the top of the page.
    pub scores: Option<Scores>,
    /// What stands behind the scores.
    pub evidence: Option<Evidence>,
    /// How sure the answers are.
    pub certainty: Option<Certainty>,
    /// The images the model gets most wrong, worst first.
    pub worst: Vec<WorstImage>,
    /// By what they are sorted, a sentence such as "Sorted by the probability that the label got."
    pub worst_order: Option<String>,
    /// What is suspicious in the data, labels first.
    pub findings: Vec<crate::inspection::Group>,
    /// Fingerprints, versions, device, seed: what one needs to repeat the result.
    pub provenance: Vec<Fact>,
    /// Command lines that use the model.
    pub usage: Vec<Command>,
}

/// What the model learns to answer, and how finial came to think so.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// Name of the kind of task, such as "multi-class".
    pub kind: String,
    /// Why this kind was chosen, a sentence.
    pub reason: String,
    /// How to choose another kind, a sentence.
    pub override_hint: Option<String>,
    /// What [`names`](Self::names) are.
    pub names_are: NamesAre,
    /// The classes, labels or targets, with the number of images for each.
    pub names: Vec<NamedCounts>,
    /// What values the targets take. Where there are any, they are shown in place of the names
    /// with their counts: every image has a number.
    pub spreads: Vec<NamedSpreads>,
}

/// What a task tells apart or measures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NamesAre {
    /// Classes, of which an image has one.
    #[default]
    Classes,
    /// Labels, of which an image has any number.
    Labels,
    /// Targets, each a number.
    Targets,
}

/// A class, label or target and how many images carry it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedCounts {
    /// The name, as in the data.
    pub name: String,
    /// Images that carry it.
    pub counts: SplitCounts,
}

/// A target and the values it takes in each split; `None` for a split without images.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamedSpreads {
    /// Name of the target.
    pub name: String,
    /// Its unit, such as "mm".
    pub unit: Option<String>,
    /// Among the images the head learned from.
    pub train: Option<Spread>,
    /// Among the images that chose the best epoch.
    pub validation: Option<Spread>,
    /// Among the images the scores are about.
    pub test: Option<Spread>,
}

/// Where the values of a target lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest.
    pub least: f64,
    /// As many are smaller as are larger.
    pub median: f64,
    /// The largest.
    pub greatest: f64,
}

/// A number of images for each split.
///
/// A split that is 0 everywhere is not shown, so an evaluation fills in `test` alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitCounts {
    /// Images the head learned from.
    pub train: usize,
    /// Images that chose the best epoch.
    pub validation: usize,
    /// Images that were kept away until the end.
    pub test: usize,
}

/// The images, how they were read and how they were split.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Data {
    /// Path of the folder or table, as the user gave it.
    pub source: String,
    /// How the source is laid out, a sentence.
    pub layout: String,
    /// Images in each split.
    pub counts: SplitCounts,
    /// How the splits were made, a sentence.
    pub split: Option<String>,
    /// How many files were set aside, not used.
    pub set_aside_count: usize,
    /// The files set aside; may hold fewer than [`set_aside_count`](Self::set_aside_count).
    pub set_aside: Vec<SetAsideFile>,
    /// Images that occur more than once.
    pub duplicates: Option<Duplicates>,
}

/// A file that was found but not used.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SetAsideFile {
    /// Path of the file.
    pub path: String,
    /// Why it was set aside; files with equal reasons are counted together.
    pub reason: String,
    /// What is particular to this file, such as the image that it is a copy of.
    pub detail: Option<String>,
}

/// Images that occur more than once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicates {
    /// Images set aside because another one with the same label is the same.
    pub copies: usize,
    /// Images set aside because another one with another label is the same.
    pub contradictions: usize,
}

/// A name and a value, both text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What the value is.
    pub name: String,
    /// The value.
    pub value: String,
}

impl Fact {
    /// A fact from anything that becomes text.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: value.into(),
        }
    }
}

/// A command line and what it is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What the command does, a few words.
    pub purpose: String,
    /// The command line, as one types it.
    pub line: String,
}
