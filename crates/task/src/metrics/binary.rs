//! Metrics of a yes-or-no task: one probability per row, that of the positive class.
//!
//! Targets are 1 (positive) and 0. Decisions are cut at
//! [`Task::THRESHOLD`](crate::Task::THRESHOLD); the metrics that judge the order alone
//! (ROC AUC, average precision, curves) depend on no threshold. Two classes with two
//! probabilities are in [`multi_class`](super::multi_class).

use super::MetricError;
use super::counts::{Counts, is_positive, mean, ratio};
use super::inputs::independent;
use super::multi_class::negative_log;

pub use super::ranking::{
    PrecisionRecallPoint, RocPoint, average_precision, precision_recall_curve, roc_auc, roc_curve,
};

/// The share of rows on the right side of the threshold.
///
/// `accuracy = (1/N) Σ 1[1[p(n) ≥ 0.5] = y(n)]`
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// [`MetricError`] for `N` = 0, lengths that disagree, values that are no probabilities, and
/// targets other than 0 and 1.
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// assert_eq!(binary::accuracy(&[0.9, 0.6, 0.2, 0.1], &[1, 0, 0, 0])?, 0.75);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `accuracy_score`.
pub fn accuracy(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    let counts = counts(probabilities, targets)?;
    let rows = targets.len() as u64;
    let right = rows - counts.false_positives - counts.false_negatives;
    Ok(ratio(right, rows))
}

/// The share of predicted positives that are positive.
///
/// `precision = TP / (TP + FP)`, 0 where nothing is predicted positive.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// assert_eq!(binary::precision(&[0.9, 0.6, 0.2, 0.1], &[1, 0, 1, 0])?, 0.5);
/// assert_eq!(binary::precision(&[0.1, 0.2], &[1, 0])?, 0.0);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `precision_score(zero_division=0)`.
pub fn precision(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    counts(probabilities, targets).map(Counts::precision)
}

/// The share of positives that are predicted positive.
///
/// `recall = TP / (TP + FN)`, 0 where no row is positive.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// assert_eq!(binary::recall(&[0.9, 0.6, 0.2, 0.1], &[1, 0, 1, 0])?, 0.5);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `recall_score(zero_division=0)`.
pub fn recall(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    counts(probabilities, targets).map(Counts::recall)
}

/// The harmonic mean of precision and recall of the positive class.
///
/// `F1 = 2 TP / (2 TP + FP + FN)`, 0 where no row is positive or predicted positive.
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// assert_eq!(binary::f1(&[0.9, 0.6, 0.7, 0.1], &[1, 0, 1, 0])?, 0.8);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `f1_score(zero_division=0)`.
pub fn f1(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    counts(probabilities, targets).map(Counts::f1)
}

/// The mean negative log probability of what was the case (binary cross-entropy), in nats.
///
/// `−(1/N) Σ (y ln p + (1 − y) ln (1 − p))`
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result ≥ 0; 0.693 (ln 2) is what always saying 0.5 costs.
///
/// # Stability
/// Probabilities are clipped to `[ε, 1 − ε]`, ε the `f32` epsilon, as scikit-learn does for
/// `f32`: a row that is surely wrong costs 15.9, not infinity.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// let loss = binary::log_loss(&[0.5, 0.5], &[1, 0])?;
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-12);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `log_loss(labels=[0, 1])`.
pub fn log_loss(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    independent(probabilities, targets, 1)?;
    let cost = |(&probability, &target): (&f32, &u8)| {
        let positive = f64::from(probability);
        negative_log(if target == 1 {
            positive
        } else {
            1.0 - positive
        })
    };
    Ok(mean(probabilities.iter().zip(targets).map(cost)))
}

/// The mean squared distance of the probability from what was the case.
///
/// `(1/N) Σ (p(n) − y(n))²`
///
/// # Shapes
/// `probabilities`, `targets`: `[N]`. Result from 0 (best) to 1.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::binary;
/// assert_eq!(binary::brier_score(&[0.5, 1.0], &[1, 1])?, 0.125);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `brier_score_loss`; Brier, *Verification of forecasts expressed in terms of
/// probability*, 1950.
pub fn brier_score(probabilities: &[f32], targets: &[u8]) -> Result<f64, MetricError> {
    independent(probabilities, targets, 1)?;
    let squared =
        |(&probability, &target): (&f32, &u8)| (f64::from(probability) - f64::from(target)).powi(2);
    Ok(mean(probabilities.iter().zip(targets).map(squared)))
}

fn counts(probabilities: &[f32], targets: &[u8]) -> Result<Counts, MetricError> {
    independent(probabilities, targets, 1)?;
    let mut counts = Counts::default();
    for (&probability, &target) in probabilities.iter().zip(targets) {
        counts.add(is_positive(probability), target == 1);
    }
    Ok(counts)
}
