//! Metrics of exclusive classes: each row has exactly one of `C` classes.
//!
//! Inputs are softmax probabilities `[N, C]`, row-major, and class indices `[N]`. The predicted
//! class is the one of highest probability, the lowest index among equals. Tasks with two
//! classes and one probability are in [`binary`](super::binary).

use serde::{Deserialize, Serialize};

use super::MetricError;
use super::counts::{Counts, mean, ratio};
use super::inputs::{exclusive, index};

/// How far a row's sum may be from 1: the square root of the `f32` epsilon, where scikit-learn
/// starts to warn.
const SUM_TOLERANCE: f64 = 3.5e-4;

/// Scores of one class against all others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// `TP / (TP + FP)`, 0 where the class is never predicted.
    pub precision: f64,
    /// `TP / (TP + FN)`, 0 where the class does not occur.
    pub recall: f64,
    /// `2 TP / (2 TP + FP + FN)`, 0 where the class neither occurs nor is predicted.
    pub f1: f64,
    /// Rows whose target is this class.
    pub support: u64,
}

/// The share of rows whose predicted class is the target.
///
/// `accuracy = (1/N) Σ 1[argmax_c p(n, c) = y(n)]`
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// [`MetricError`] for `N` = 0, fewer than two classes, lengths that disagree, values that are
/// no probabilities, and targets that name no class.
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let accuracy = multi_class::accuracy(&[0.7, 0.2, 0.1, 0.5, 0.4, 0.1], &[0, 1], 3)?;
/// assert_eq!(accuracy, 0.5);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `accuracy_score`.
pub fn accuracy(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<f64, MetricError> {
    top_k_accuracy(probabilities, targets, classes, 1)
}

/// The share of rows whose target is among the `k` classes of highest probability.
///
/// `(1/N) Σ 1[rank of y(n) in p(n, ·) ≤ k]`
///
/// Among equal probabilities the lower index ranks first, so that `k` = 1 is [`accuracy`];
/// scikit-learn ranks the higher index first.
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`; `k`: 1 to `classes`. Result from 0 to 1.
///
/// # Errors
/// As [`accuracy`], and [`MetricError::TopK`] for a `k` of 0 or above `classes`.
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let top_2 = multi_class::top_k_accuracy(&[0.7, 0.2, 0.1, 0.5, 0.4, 0.1], &[0, 1], 3, 2)?;
/// assert_eq!(top_2, 1.0);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `top_k_accuracy_score`.
pub fn top_k_accuracy(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
    k: usize,
) -> Result<f64, MetricError> {
    exclusive(probabilities, targets, classes)?;
    if k == 0 || k > classes {
        return Err(MetricError::TopK { k, classes });
    }
    let hit = |(row, &target): (&[f32], &u32)| {
        let target = index(target);
        let (before, rest) = row.split_at(target);
        let ahead = before.iter().filter(|&&p| p >= row[target]).count()
            + rest.iter().filter(|&&p| p > row[target]).count();
        u64::from(ahead < k)
    };
    let hits = probabilities
        .chunks_exact(classes)
        .zip(targets)
        .map(hit)
        .sum();
    Ok(ratio(hits, targets.len() as u64))
}

/// How often each class is taken for each other: row = target, column = predicted class.
///
/// `M(i, j) = Σ 1[y(n) = i and argmax_c p(n, c) = j]`
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`. Result `[classes, classes]` counts that
/// sum to `N`; it takes 8 × `classes`² bytes, so ask for [`per_class`] where classes are many.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let matrix = multi_class::confusion_matrix(&[0.9, 0.1, 0.8, 0.2, 0.3, 0.7], &[0, 1, 1], 2)?;
/// assert_eq!(matrix, [[1, 0], [1, 1]]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `confusion_matrix(labels=range(C))`.
pub fn confusion_matrix(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<Vec<Vec<u64>>, MetricError> {
    exclusive(probabilities, targets, classes)?;
    let mut matrix = vec![vec![0; classes]; classes];
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        matrix[index(target)][arg_max(row)] += 1;
    }
    Ok(matrix)
}

/// Precision, recall, F1 and support of each class against all others.
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`. Result `[classes]`, in class order.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let scores = multi_class::per_class(&[0.9, 0.1, 0.8, 0.2, 0.3, 0.7], &[0, 1, 1], 2)?;
/// assert_eq!((scores[0].precision, scores[0].recall, scores[0].support), (0.5, 1.0, 1));
/// assert_eq!((scores[1].precision, scores[1].recall, scores[1].support), (1.0, 0.5, 2));
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `precision_recall_fscore_support(labels=range(C), zero_division=0)`.
pub fn per_class(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<Vec<ClassScores>, MetricError> {
    let counts = counts(probabilities, targets, classes)?;
    let scores = |counts: Counts| ClassScores {
        precision: counts.precision(),
        recall: counts.recall(),
        f1: counts.f1(),
        support: counts.support(),
    };
    Ok(counts.into_iter().map(scores).collect())
}

/// The mean F1 over the classes that occur, each counted alike however rare.
///
/// `(1/|S|) Σ_{c ∈ S} F1(c)`, S the classes that are some row's target or prediction. A class
/// that is neither is left out: these rows say nothing of it. So the value on a split without
/// some class of the model is not lowered by it.
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`. Result from 0 to 1.
///
/// # Errors
/// As [`accuracy`].
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let f1 = multi_class::macro_f1(&[0.9, 0.1, 0.8, 0.2, 0.3, 0.7], &[0, 1, 1], 2)?;
/// assert!((f1 - 2.0 / 3.0).abs() < 1e-12);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `f1_score(average="macro", zero_division=0)`.
pub fn macro_f1(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<f64, MetricError> {
    let counts = counts(probabilities, targets, classes)?;
    let occurring = counts.into_iter().filter(|&c| c != Counts::default());
    Ok(mean(occurring.map(Counts::f1)))
}

/// The mean negative log probability of the target (cross-entropy), in nats.
///
/// `−(1/N) Σ ln clip(p(n, y(n)) / Σ_c p(n, c))`
///
/// # Shapes
/// `probabilities`: `[N, classes]`, rows summing to 1; `targets`: `[N]`. Result ≥ 0.
///
/// # Stability
/// Probabilities are clipped to `[ε, 1 − ε]`, ε the `f32` epsilon, as scikit-learn does for
/// `f32`: a row that is surely wrong costs 15.9, not infinity. Dividing by the sum removes the
/// rounding of `f32` softmax.
///
/// # Errors
/// As [`accuracy`], and [`MetricError::NotNormalised`] for a row whose sum is off 1 by more than
/// 3.5e-4 (scikit-learn warns).
///
/// # Example
/// ```
/// use finial_task::metrics::multi_class;
/// let loss = multi_class::log_loss(&[0.5, 0.25, 0.25], &[0], 3)?;
/// assert!((loss - std::f64::consts::LN_2).abs() < 1e-12);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `log_loss(labels=range(C))`; Bishop, *Pattern Recognition and Machine
/// Learning*, 2006, p. 209.
pub fn log_loss(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<f64, MetricError> {
    exclusive(probabilities, targets, classes)?;
    let mut total = 0.0;
    let rows = probabilities.chunks_exact(classes).zip(targets);
    for (row, (values, &target)) in rows.enumerate() {
        let sum: f64 = values.iter().map(|&p| f64::from(p)).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(MetricError::NotNormalised { row, sum });
        }
        total += negative_log(f64::from(values[index(target)]) / sum);
    }
    Ok(total / targets.len() as f64)
}

/// `−ln p`, with `p` clipped by the `f32` epsilon on both sides.
pub(super) fn negative_log(probability: f64) -> f64 {
    let epsilon = f64::from(f32::EPSILON);
    -probability.clamp(epsilon, 1.0 - epsilon).ln()
}

/// Right and wrong decisions about each class; all 0 where it neither occurs nor is predicted.
fn counts(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<Vec<Counts>, MetricError> {
    exclusive(probabilities, targets, classes)?;
    let mut counts = vec![Counts::default(); classes];
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        let (target, predicted) = (index(target), arg_max(row));
        counts[target].add(predicted == target, true);
        if predicted != target {
            counts[predicted].add(true, false);
        }
    }
    Ok(counts)
}

fn arg_max(row: &[f32]) -> usize {
    let mut best = 0;
    for (class, &probability) in row.iter().enumerate() {
        if probability > row[best] {
            best = class;
        }
    }
    best
}
