//! Metrics of independent labels: each row has any number of `L` labels.
//!
//! Inputs are sigmoid probabilities `[N, L]` and targets 0/1 `[N, L]`, both row-major. Decisions
//! are cut at [`Task::THRESHOLD`](crate::Task::THRESHOLD); average precision depends on no
//! threshold. Exclusive classes are in [`multi_class`](super::multi_class).

use serde::{Deserialize, Serialize};

use super::MetricError;
use super::counts::{Counts, is_positive, mean, ratio};
use super::inputs::independent;
use super::ranking::average_precision_of;

/// Scores of one label.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LabelScores {
    /// `TP / (TP + FP)`, 0 where the label is never predicted.
    pub precision: f64,
    /// `TP / (TP + FN)`, 0 where the label does not occur.
    pub recall: f64,
    /// `2 TP / (2 TP + FP + FN)`, 0 where the label neither occurs nor is predicted.
    pub f1: f64,
    /// Area under the label's precision-recall curve; `None` where the label does not occur.
    pub average_precision: Option<f64>,
    /// Rows that have the label.
    pub support: u64,
}

/// A mean over the labels that have an average precision, and how many have none.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MeanAveragePrecision {
    /// The mean; `None` where no label occurs.
    pub value: Option<f64>,
    /// Labels that the mean covers.
    pub labels_measured: usize,
    /// Labels left out because no row has them; to be told beside the value.
    pub labels_without_positives: usize,
}

/// The mean over labels of the average precision (mAP), each label counted alike.
///
/// `mAP = (1/|S|) Σ_{l ∈ S} AP(l)`, `S` the labels that at least one row has.
///
/// A label without positives has no recall, so no average precision. It is left out and
/// counted, as COCO's evaluation does; scikit-learn warns and counts it as 0, which would lower
/// the mean for a fault of the split.
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Value above 0, up to 1.
///
/// # Errors
/// [`MetricError`] for `N` = 0, no labels, lengths that disagree, values that are no
/// probabilities, and targets other than 0 and 1.
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// let map = multi_label::mean_average_precision(&[0.9, 0.4, 0.2, 0.6], &[1, 0, 0, 0], 2)?;
/// assert_eq!(map.value, Some(1.0));
/// assert_eq!((map.labels_measured, map.labels_without_positives), (1, 1));
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `average_precision_score(average="macro")` over the labels in `S`.
pub fn mean_average_precision(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<MeanAveragePrecision, MetricError> {
    independent(probabilities, targets, labels)?;
    let measured: Vec<f64> = (0..labels)
        .filter_map(|label| average_precision_of(column(probabilities, targets, labels, label)))
        .collect();
    Ok(MeanAveragePrecision {
        value: (!measured.is_empty()).then(|| mean(measured.iter().copied())),
        labels_measured: measured.len(),
        labels_without_positives: labels - measured.len(),
    })
}

/// F1 of all decisions pooled, so that frequent labels weigh more.
///
/// `F1 = 2 ΣTP / (2 ΣTP + ΣFP + ΣFN)`, sums over labels; 0 where no label occurs or is predicted.
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Result from 0 to 1.
///
/// # Errors
/// As [`mean_average_precision`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// assert_eq!(multi_label::micro_f1(&[0.9, 0.6, 0.2, 0.7], &[1, 0, 0, 1], 2)?, 0.8);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `f1_score(average="micro", zero_division=0)`.
pub fn micro_f1(probabilities: &[f32], targets: &[u8], labels: usize) -> Result<f64, MetricError> {
    let mut pooled = Counts::default();
    for counts in counts(probabilities, targets, labels)? {
        pooled.merge(counts);
    }
    Ok(pooled.f1())
}

/// The mean F1 over all labels, each counted alike however rare.
///
/// `(1/L) Σ_l F1(l)`; a label that neither occurs nor is predicted counts as 0. All labels count,
/// as scikit-learn has it for indicator matrices; exclusive classes that do not occur are left out
/// by [`multi_class::macro_f1`](super::multi_class::macro_f1).
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Result from 0 to 1.
///
/// # Errors
/// As [`mean_average_precision`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// assert_eq!(multi_label::macro_f1(&[0.9, 0.1, 0.2, 0.7], &[1, 0, 0, 0], 2)?, 0.5);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `f1_score(average="macro", zero_division=0)`.
pub fn macro_f1(probabilities: &[f32], targets: &[u8], labels: usize) -> Result<f64, MetricError> {
    let counts = counts(probabilities, targets, labels)?;
    Ok(mean(counts.into_iter().map(Counts::f1)))
}

/// The share of rows whose labels are all right.
///
/// `(1/N) Σ 1[for all l: 1[p(n, l) ≥ 0.5] = y(n, l)]`
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Result from 0 to 1.
///
/// # Errors
/// As [`mean_average_precision`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// assert_eq!(multi_label::subset_accuracy(&[0.9, 0.1, 0.2, 0.7], &[1, 0, 0, 0], 2)?, 0.5);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `accuracy_score` of label indicators.
pub fn subset_accuracy(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<f64, MetricError> {
    independent(probabilities, targets, labels)?;
    let rows = probabilities
        .chunks_exact(labels)
        .zip(targets.chunks_exact(labels));
    Ok(mean(rows.map(|(row, truth)| {
        let right = row
            .iter()
            .zip(truth)
            .all(|(&probability, &target)| is_positive(probability) == (target == 1));
        f64::from(u8::from(right))
    })))
}

/// The share of single decisions that are wrong.
///
/// `(1/(N·L)) Σ 1[1[p(n, l) ≥ 0.5] ≠ y(n, l)]`
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Result from 0 (best) to 1.
///
/// # Errors
/// As [`mean_average_precision`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// assert_eq!(multi_label::hamming_loss(&[0.9, 0.1, 0.2, 0.7], &[1, 0, 0, 0], 2)?, 0.25);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `hamming_loss`.
pub fn hamming_loss(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<f64, MetricError> {
    let counts = counts(probabilities, targets, labels)?;
    let wrong = counts
        .iter()
        .map(|label| label.false_positives + label.false_negatives);
    Ok(ratio(wrong.sum(), targets.len() as u64))
}

/// Precision, recall, F1, average precision and support of each label.
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`. Result `[labels]`, in label order.
///
/// # Errors
/// As [`mean_average_precision`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_label;
/// let scores = multi_label::per_label(&[0.9, 0.1, 0.2, 0.7], &[1, 0, 1, 0], 2)?;
/// assert_eq!((scores[0].precision, scores[0].recall, scores[0].support), (1.0, 0.5, 2));
/// assert_eq!((scores[1].f1, scores[1].average_precision, scores[1].support), (0.0, None, 0));
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `precision_recall_fscore_support(zero_division=0)` and
/// `average_precision_score(average=None)`.
pub fn per_label(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<Vec<LabelScores>, MetricError> {
    let counts = counts(probabilities, targets, labels)?;
    let scores = |(label, counts): (usize, Counts)| LabelScores {
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        average_precision: average_precision_of(column(probabilities, targets, labels, label)),
        support: counts.support(),
    };
    Ok(counts.into_iter().enumerate().map(scores).collect())
}

fn counts(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<Vec<Counts>, MetricError> {
    independent(probabilities, targets, labels)?;
    let mut counts = vec![Counts::default(); labels];
    for (at, (&probability, &target)) in probabilities.iter().zip(targets).enumerate() {
        counts[at % labels].add(is_positive(probability), target == 1);
    }
    Ok(counts)
}

/// The rows of one label, as `(probability, target)`.
fn column<'a>(
    probabilities: &'a [f32],
    targets: &'a [u8],
    labels: usize,
    label: usize,
) -> impl Iterator<Item = (f32, u8)> + 'a {
    let probabilities = probabilities.iter().skip(label).step_by(labels);
    let targets = targets.iter().skip(label).step_by(labels);
    probabilities.copied().zip(targets.copied())
}
