//! What stands behind the scores: one shape of evidence for each kind of task, and the images the
//! model gets most wrong.

use serde::{Deserialize, Serialize};

/// What stands behind the scores, by kind of task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum Evidence {
    /// One class out of several.
    MultiClass(MultiClassEvidence),
    /// Yes or no.
    Binary(BinaryEvidence),
    /// Any number of labels.
    MultiLabel(MultiLabelEvidence),
    /// One or more numbers.
    Regression(RegressionEvidence),
}

/// What was confused with what, and how each class fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MultiClassEvidence {
    /// Counts of true against predicted classes.
    pub confusion: Confusion,
    /// One row for each class.
    pub per_class: Vec<ClassRow>,
}

/// Counts of true against predicted classes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// Names of the classes.
    pub names: Vec<String>,
    /// `counts[truth][predicted]`, shape `[names, names]`.
    pub counts: Vec<Vec<usize>>,
}

/// How one class fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Name of the class.
    pub name: String,
    /// Of the images given this class, the share that has it; `None` where none was given it.
    pub precision: Option<f64>,
    /// Of the images that have this class, the share given it; `None` where none has it.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` where it is undefined.
    pub f1: Option<f64>,
    /// Number of images that have the class.
    pub support: usize,
}

/// How well yes is told from no, at one threshold and at all of them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BinaryEvidence {
    /// Name of the class that counts as yes.
    pub positive: String,
    /// Name of the class that counts as no.
    pub negative: String,
    /// Probability from which on the answer is yes.
    pub threshold: f64,
    /// Counts at that threshold.
    pub counts: BinaryCounts,
    /// The ROC curve, from (0, 0) to (1, 1).
    pub roc: Vec<RocPoint>,
    /// The precision-recall curve, by rising recall.
    pub pr: Vec<PrPoint>,
}

/// The four outcomes of a yes-or-no answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryCounts {
    /// Is yes, said yes.
    pub true_positive: usize,
    /// Is yes, said no.
    pub false_negative: usize,
    /// Is no, said yes.
    pub false_positive: usize,
    /// Is no, said no.
    pub true_negative: usize,
}

/// A point of a ROC curve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Share of the no images that are answered yes.
    pub false_positive_rate: f64,
    /// Share of the yes images that are answered yes.
    pub true_positive_rate: f64,
}

/// A point of a precision-recall curve.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PrPoint {
    /// Share of the yes images that are answered yes.
    pub recall: f64,
    /// Of the images answered yes, the share that is yes.
    pub precision: f64,
}

/// How each label fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct MultiLabelEvidence {
    /// Number of images asked about.
    pub images: usize,
    /// Of these, how many got exactly the labels they carry.
    pub entirely_right: usize,
    /// One row for each label.
    pub per_label: Vec<LabelRow>,
}

/// How one label fares.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LabelRow {
    /// Name of the label.
    pub name: String,
    /// Of the images given this label, the share that carries it; `None` where none was given it.
    pub precision: Option<f64>,
    /// Of the images that carry this label, the share given it; `None` where none carries it.
    pub recall: Option<f64>,
    /// Harmonic mean of both; `None` where it is undefined.
    pub f1: Option<f64>,
    /// Average precision, the area under the precision-recall curve; `None` where it is undefined.
    pub average_precision: Option<f64>,
    /// Number of images that carry the label.
    pub support: usize,
}

/// How close each number comes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RegressionEvidence {
    /// One entry for each target.
    pub targets: Vec<TargetEvidence>,
}

/// How close one target comes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetEvidence {
    /// Name of the target.
    pub name: String,
    /// Its unit, such as "mm".
    pub unit: Option<String>,
    /// Mean absolute error, in the unit.
    pub mae: f64,
    /// Root mean squared error, in the unit.
    pub rmse: f64,
    /// Share of the variance explained; `None` where the true values do not vary.
    pub r2: Option<f64>,
    /// True and predicted values, in any order; many are thinned when drawn.
    pub points: Vec<PredictedPoint>,
}

/// A true value and what was predicted for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct PredictedPoint {
    /// The true value.
    pub truth: f64,
    /// The predicted value.
    pub predicted: f64,
}

/// An image the model gets wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorstImage {
    /// A thumbnail as a JPEG file; empty where the image could not be read again. In JSON it is
    /// text in base 64.
    #[serde(with = "jpeg_as_text")]
    pub jpeg: Vec<u8>,
    /// The same with a heat map of what speaks for the answer, as a JPEG file; empty without one.
    #[serde(with = "jpeg_as_text", default)]
    pub heat: Vec<u8>,
    /// Path of the image.
    pub path: String,
    /// What it is, as text.
    pub truth: String,
    /// What the model said, as text.
    pub predicted: String,
    /// How wrong that is: "gave the truth 1 %" or "12.5 mm too large".
    pub remark: String,
}

/// Bytes as text in base 64: a list of numbers would be four times as long.
pub(crate) mod jpeg_as_text {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
