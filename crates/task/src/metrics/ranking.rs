//! Metrics of an order: how well a score puts positives before negatives, at any threshold.
//!
//! Public through [`binary`](super::binary); [`multi_label`](super::multi_label) uses the
//! average precision of each label. Rows of equal score form one step of a curve, so results do
//! not depend on the order of rows.

use serde::{Deserialize, Serialize};

use super::MetricError;
use super::counts::ratio;
use super::inputs::independent;

/// One corner of a receiver operating characteristic.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// Rows of this probability or more are called positive; `None` calls no row positive.
    pub threshold: Option<f32>,
    /// `FP / (FP + TN)`.
    pub false_positive_rate: f64,
    /// `TP / (TP + FN)`.
    pub true_positive_rate: f64,
}

/// One point of a precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// Rows of this probability or more are called positive; `None` calls no row positive.
    pub threshold: Option<f32>,
    /// `TP / (TP + FP)`; 1 by convention where no row is called positive.
    pub precision: f64,
    /// `TP / (TP + FN)`.
    pub recall: f64,
}

/// The area under the ROC curve: the chance that a random positive scores above a random
/// negative, ties counting half.
///
/// `AUC = (1/(P·N⁻)) Σ_{i positive, j negative} (1[p(i) > p(j)] + ½·1[p(i) = p(j)])`
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 to 1; 0.5 is chance. `None` where all rows
/// have the same target. Time O(N log N).
///
/// # Errors
/// [`MetricError`] for `N` = 0, lengths that disagree, values that are no probabilities, and
/// targets other than 0 and 1.
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// let auc = binary::roc_auc(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1])?;
/// assert_eq!(auc, Some(0.75));
/// assert_eq!(binary::roc_auc(&[0.1, 0.4], &[0, 0])?, None);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `roc_auc_score`; Fawcett, *An introduction to ROC analysis*, 2006.
pub fn roc_auc(probabilities: &[f32], targets: &[u8]) -> Result<Option<f64>, MetricError> {
    independent(probabilities, targets, 1)?;
    let steps = steps(probabilities.iter().copied().zip(targets.iter().copied()));
    let Some((positives, negatives)) = both_classes(&steps) else {
        return Ok(None);
    };
    let mut twice_area = 0;
    let mut before = Step::default();
    for step in steps {
        twice_area += (step.false_positives - before.false_positives)
            * (step.true_positives + before.true_positives);
        before = step;
    }
    Ok(Some(ratio(twice_area, 2 * positives * negatives)))
}

/// Average precision, the area under the precision-recall curve without interpolation (PR AUC).
///
/// `AP = Σ_k (R(k) − R(k−1)) · P(k)`, over distinct probabilities in decreasing order.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result above 0, up to 1; chance is the share of positives.
/// `None` where no row is positive (scikit-learn warns and returns 0).
///
/// # Errors
/// As [`roc_auc`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// let precision = binary::average_precision(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1])?;
/// assert!(precision.is_some_and(|value| (value - 5.0 / 6.0).abs() < 1e-12));
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `average_precision_score`; Davis and Goadrich, *The relationship between
/// precision-recall and ROC curves*, 2006, on why not to interpolate linearly.
pub fn average_precision(
    probabilities: &[f32],
    targets: &[u8],
) -> Result<Option<f64>, MetricError> {
    independent(probabilities, targets, 1)?;
    Ok(average_precision_of(
        probabilities.iter().copied().zip(targets.iter().copied()),
    ))
}

/// The corners of the ROC curve, from `(0, 0)` to `(1, 1)` in order of decreasing threshold.
///
/// Points on a straight line between their neighbours are left out: the drawn curve and its
/// area stay the same.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result: at most `N` + 1 points; `None` where all rows have
/// the same target.
///
/// # Errors
/// As [`roc_auc`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// let curve = binary::roc_curve(&[0.1, 0.4, 0.35, 0.8], &[0, 0, 1, 1])?.unwrap_or_default();
/// let corners: Vec<_> = curve.iter().map(|p| (p.false_positive_rate, p.true_positive_rate)).collect();
/// assert_eq!(corners, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `roc_curve(drop_intermediate=True)`.
pub fn roc_curve(
    probabilities: &[f32],
    targets: &[u8],
) -> Result<Option<Vec<RocPoint>>, MetricError> {
    independent(probabilities, targets, 1)?;
    let steps = steps(probabilities.iter().copied().zip(targets.iter().copied()));
    let Some((positives, negatives)) = both_classes(&steps) else {
        return Ok(None);
    };
    let straight = |a: &Step, b: &Step, c: &Step| {
        b.true_positives - a.true_positives == c.true_positives - b.true_positives
            && b.false_positives - a.false_positives == c.false_positives - b.false_positives
    };
    let point = |step: &Step| RocPoint {
        threshold: step.threshold,
        false_positive_rate: ratio(step.false_positives, negatives),
        true_positive_rate: ratio(step.true_positives, positives),
    };
    let origin = point(&Step::default());
    let corners = corners(&steps, straight).map(point);
    Ok(Some(std::iter::once(origin).chain(corners).collect()))
}

/// The points of the precision-recall curve, in order of decreasing threshold, so of rising
/// recall; the first is `(recall 0, precision 1)`.
///
/// Of the points that share a recall the first and the last are kept: the drawn curve and the
/// average precision stay the same.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result: at most `N` + 1 points; `None` where no row is
/// positive.
///
/// # Errors
/// As [`roc_auc`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// let curve = binary::precision_recall_curve(&[0.1, 0.6, 0.8], &[0, 1, 1])?.unwrap_or_default();
/// let points: Vec<_> = curve.iter().map(|p| (p.recall, p.precision)).collect();
/// assert_eq!(points, [(0.0, 1.0), (0.5, 1.0), (1.0, 1.0), (1.0, 2.0 / 3.0)]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `precision_recall_curve(drop_intermediate=True)`, whose arrays run the other
/// way.
pub fn precision_recall_curve(
    probabilities: &[f32],
    targets: &[u8],
) -> Result<Option<Vec<PrecisionRecallPoint>>, MetricError> {
    independent(probabilities, targets, 1)?;
    let steps = steps(probabilities.iter().copied().zip(targets.iter().copied()));
    let positives = steps.last().map_or(0, |last| last.true_positives);
    if positives == 0 {
        return Ok(None);
    }
    let origin = PrecisionRecallPoint {
        threshold: None,
        precision: 1.0,
        recall: 0.0,
    };
    let same_recall = |a: &Step, b: &Step, c: &Step| {
        a.true_positives == b.true_positives && b.true_positives == c.true_positives
    };
    let points = corners(&steps, same_recall).map(|step| PrecisionRecallPoint {
        threshold: step.threshold,
        precision: ratio(
            step.true_positives,
            step.true_positives + step.false_positives,
        ),
        recall: ratio(step.true_positives, positives),
    });
    Ok(Some(std::iter::once(origin).chain(points).collect()))
}

/// Average precision of checked `(probability, target)` rows; `None` without a positive.
pub(super) fn average_precision_of(rows: impl Iterator<Item = (f32, u8)>) -> Option<f64> {
    let mut sum = 0.0;
    let mut found = 0;
    for step in steps(rows) {
        let precision = ratio(
            step.true_positives,
            step.true_positives + step.false_positives,
        );
        sum += (step.true_positives - found) as f64 * precision;
        found = step.true_positives;
    }
    (found > 0).then(|| sum / found as f64)
}

/// The positives and negatives among all rows scored `threshold` or more.
#[derive(Debug, Clone, Copy, Default)]
struct Step {
    threshold: Option<f32>,
    true_positives: u64,
    false_positives: u64,
}

/// One step per distinct probability, in decreasing order; the last step counts all rows.
fn steps(rows: impl Iterator<Item = (f32, u8)>) -> Vec<Step> {
    let mut rows: Vec<_> = rows.collect();
    rows.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    let mut step = Step::default();
    let same_score = |(a, _): &(f32, u8), (b, _): &(f32, u8)| a == b;
    let cumulate = |tied: &[(f32, u8)]| {
        let positives = tied.iter().filter(|(_, target)| *target == 1).count() as u64;
        step.threshold = tied.first().map(|(score, _)| *score);
        step.true_positives += positives;
        step.false_positives += tied.len() as u64 - positives;
        step
    };
    rows.chunk_by(same_score).map(cumulate).collect()
}

/// The number of positives and of negatives, where there are both.
fn both_classes(steps: &[Step]) -> Option<(u64, u64)> {
    let last = steps.last()?;
    let (positives, negatives) = (last.true_positives, last.false_positives);
    (positives > 0 && negatives > 0).then_some((positives, negatives))
}

/// The first step, the last, and those between that are not `redundant` beside their neighbours.
fn corners(
    steps: &[Step],
    redundant: impl Fn(&Step, &Step, &Step) -> bool,
) -> impl Iterator<Item = &Step> {
    steps.iter().enumerate().filter_map(move |(at, step)| {
        let before = at.checked_sub(1).and_then(|before| steps.get(before));
        match (before, steps.get(at + 1)) {
            (Some(before), Some(after)) if redundant(before, step, after) => None,
            _ => Some(step),
        }
    })
}
