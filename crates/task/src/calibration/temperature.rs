//! One number for all classes.

use crate::metrics::MetricError;
use crate::metrics::inputs::{exclusive_logits, index};

/// Temperatures outside of this range are not evidence but a lack of it.
const RANGE: (f64, f64) = (0.05, 20.0);

/// The temperature under which the targets are most probable: logits are divided by it before
/// the softmax.
///
/// `T = argmin −Σ ln softmax(z(n) / T)_y(n)`, which is convex in `1 / T`; found by Newton's
/// method within brackets, between 0.05 and 20.
///
/// Where every row is answered right the likelihood grows as `T` falls to 0, however few rows
/// there are. That says nothing of how sure one may be, so the temperature stays at 1 or above.
///
/// # Shapes
/// `logits`: `[N, classes]`; `targets`: `[N]`. Result above 0; 1 changes nothing, above 1 makes
/// less sure.
///
/// # Stability
/// Logits are shifted by the largest of their row; sums run in `f64`.
///
/// # Errors
/// [`MetricError`] for `N` = 0, fewer than two classes, lengths that disagree, logits that are
/// not finite, and targets that name no class.
///
/// # Example
/// ```
/// use finial_task::calibration::temperature;
/// // Sure of class 0 three times, and wrong once: too sure.
/// let t = temperature(&[4.0, 0.0, 4.0, 0.0, 4.0, 0.0], &[0, 0, 1], 2)?;
/// // The probability should be 2/3, so the logit ln 2.
/// assert!((t - 4.0 / 2f64.ln()).abs() < 1e-6);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// Guo, Pleiss, Sun and Weinberger, *On calibration of modern neural networks*, 2017;
/// scikit-learn, `CalibratedClassifierCV(method="temperature")`.
pub fn temperature(logits: &[f32], targets: &[u32], classes: usize) -> Result<f64, MetricError> {
    pulled_temperature(logits, targets, classes, 0.0)
}

/// As [`temperature`], pulled towards 1: the summed loss plus `weight / 2 · (1 / T − 1)²` is least,
/// so that few rows move it little and many rows freely.
///
/// # Errors
/// As [`temperature`].
pub fn pulled_temperature(
    logits: &[f32],
    targets: &[u32],
    classes: usize,
    weight: f64,
) -> Result<f64, MetricError> {
    exclusive_logits(logits, targets, classes)?;
    let (mut low, mut high) = (1.0 / RANGE.1, 1.0 / RANGE.0);
    let all_right = logits
        .chunks_exact(classes)
        .zip(targets)
        .all(|(row, &class)| row.iter().all(|&z| z <= row[index(class)]));
    if all_right {
        high = 1.0;
    }
    // The slope of the loss rises with beta = 1 / T, so its sign tells on which side the least is.
    let mut beta = 1.0_f64.clamp(low, high);
    for _ in 0..100 {
        let (slope, curvature) = derivatives(logits, targets, classes, beta);
        let (slope, curvature) = (slope + weight * (beta - 1.0), curvature + weight);
        if slope > 0.0 {
            high = beta;
        } else {
            low = beta;
        }
        let newton = beta - slope / curvature;
        let next = if newton > low && newton < high {
            newton
        } else {
            (low + high) / 2.0
        };
        if (next - beta).abs() <= 1e-12 * beta {
            break;
        }
        beta = next;
    }
    Ok(1.0 / beta)
}

/// First and second derivative of the summed loss by `beta = 1 / T`: the mean logit minus the
/// target's, and the variance of the logits, under `softmax(beta z)`.
fn derivatives(logits: &[f32], targets: &[u32], classes: usize, beta: f64) -> (f64, f64) {
    let (mut slope, mut curvature) = (0.0, 0.0);
    for (row, &class) in logits.chunks_exact(classes).zip(targets) {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let shifted = |z: f32| f64::from(z) - f64::from(largest);
        let (mut total, mut first, mut second) = (0.0, 0.0, 0.0);
        for &z in row {
            let weight = (beta * shifted(z)).exp();
            total += weight;
            first += weight * shifted(z);
            second += weight * shifted(z).powi(2);
        }
        let mean = first / total;
        slope += mean - shifted(row[index(class)]);
        curvature += (second / total - mean * mean).max(0.0);
    }
    (slope, curvature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_all_right_do_not_make_surer() {
        let t = temperature(&[2.0, 0.0, 0.0, 1.0], &[0, 1], 2).unwrap();
        assert!((t - 1.0).abs() < 1e-9, "{t}");
    }

    #[test]
    fn a_pull_keeps_few_rows_near_1_and_lets_many_go() {
        let (logits, targets) = ([4.0, 0.0, 4.0, 0.0, 4.0, 0.0], [0, 0, 1]);
        let free = temperature(&logits, &targets, 2).unwrap();
        let pulled = |copies: usize| {
            let (logits, targets) = (logits.repeat(copies), targets.repeat(copies));
            pulled_temperature(&logits, &targets, 2, 5.0).unwrap()
        };
        let (few, many) = (pulled(1), pulled(10_000));
        assert!(1.0 < few && few < 0.6 * free, "{few} {free}");
        assert!((many - free).abs() < 0.01 * free, "{many} {free}");
    }

    #[test]
    fn logits_that_say_nothing_keep_a_temperature_within_range() {
        let flat = temperature(&[0.0, 0.0, 0.0, 0.0], &[0, 1], 2).unwrap();
        assert!((RANGE.0..=RANGE.1).contains(&flat), "{flat}");
        let wrong = temperature(&[9.0, 0.0, 0.0, 9.0], &[1, 0], 2).unwrap();
        assert!((wrong - RANGE.1).abs() < 1e-6, "{wrong}");
    }

    #[test]
    fn huge_logits_stay_finite() {
        let t = temperature(&[1e4, -1e4, 1e4, -1e4, -1e4, 1e4], &[0, 1, 1], 2).unwrap();
        assert!(t.is_finite());
        assert!(temperature(&[f32::NAN, 0.0], &[0], 2).is_err());
        assert!(temperature(&[], &[], 2).is_err());
    }
}
