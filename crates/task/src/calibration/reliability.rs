//! How far probabilities are from holding.

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::metrics::inputs::{exclusive, independent, index};

/// Rows whose probability lies above `from`, up to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower edge, not included (but 0 is in the first bin).
    pub from: f64,
    /// Upper edge, included.
    pub to: f64,
    /// How many.
    pub rows: u64,
    /// Their mean probability; the middle of the bin where there are none.
    pub probability: f64,
    /// The share of them that was so; 0 where there are none.
    pub frequency: f64,
}

/// The reliability diagram, and its summary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Expected calibration error: the mean distance between probability and frequency, bins
    /// weighed by their rows. Of several labels the mean over labels.
    pub error: f64,
    /// By rising probability; of several labels all of them together.
    pub bins: Vec<Bin>,
    /// The error of each label; empty for classes.
    pub labels: Vec<f64>,
}

impl Reliability {
    /// As many bins as most of the literature has.
    pub const BINS: usize = 15;
}

/// Reliability of the probability of the class that is named, the most probable one.
///
/// `ECE = Σ_b (|b| / N) · |accuracy(b) − mean probability(b)|`, over bins of equal width.
///
/// # Shapes
/// `probabilities`: `[N, classes]`; `targets`: `[N]`; `bins` at least 1 (0 is taken for 1).
///
/// # Errors
/// As [`multi_class::accuracy`](crate::metrics::multi_class::accuracy).
///
/// # Example
/// ```
/// use finial_task::calibration;
/// let sure = [0.9, 0.1, 0.9, 0.1];
/// let found = calibration::multi_class(&sure, &[0, 1], 2, 15)?;
/// assert!((found.error - 0.4).abs() < 1e-6);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// Naeini, Cooper and Hauskrecht, *Obtaining well calibrated probabilities using Bayesian
/// binning*, 2015; MAPIE, `expected_calibration_error`.
pub fn multi_class(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
    bins: usize,
) -> Result<Reliability, MetricError> {
    exclusive(probabilities, targets, classes)?;
    let mut sums = Sums::new(bins);
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        let named = (0..row.len()).fold(0, |best, c| if row[c] > row[best] { c } else { best });
        sums.add(row[named], named == index(target));
    }
    let (error, bins) = sums.finish();
    Ok(Reliability {
        error,
        bins,
        labels: Vec::new(),
    })
}

/// Reliability of the probabilities of yes, for one label or several.
///
/// # Shapes
/// `probabilities`, `targets`: `[N, labels]`; `bins` at least 1 (0 is taken for 1).
///
/// # Errors
/// As [`multi_label::micro_f1`](crate::metrics::multi_label::micro_f1).
pub fn yes_no(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
    bins: usize,
) -> Result<Reliability, MetricError> {
    independent(probabilities, targets, labels)?;
    let mut pooled = Sums::new(bins);
    let mut each = vec![Sums::new(bins); labels];
    for (at, (&probability, &target)) in probabilities.iter().zip(targets).enumerate() {
        pooled.add(probability, target == 1);
        each[at % labels].add(probability, target == 1);
    }
    let labels: Vec<f64> = each.into_iter().map(|sums| sums.finish().0).collect();
    Ok(Reliability {
        error: labels.iter().sum::<f64>() / labels.len() as f64,
        bins: pooled.finish().1,
        labels,
    })
}

/// Per bin: rows, summed probability, rows that were so.
#[derive(Clone)]
struct Sums(Vec<(u64, f64, u64)>);

impl Sums {
    fn new(bins: usize) -> Self {
        Sums(vec![(0, 0.0, 0); bins.max(1)])
    }

    fn add(&mut self, probability: f32, so: bool) {
        let probability = f64::from(probability).clamp(0.0, 1.0);
        let bins = self.0.len();
        let bin = ((probability * bins as f64).ceil() as usize).clamp(1, bins) - 1;
        let (rows, sum, right) = &mut self.0[bin];
        *rows += 1;
        *sum += probability;
        *right += u64::from(so);
    }

    fn finish(self) -> (f64, Vec<Bin>) {
        let count = self.0.len() as f64;
        let total: u64 = self.0.iter().map(|(rows, ..)| rows).sum();
        let mut error = 0.0;
        let bin = |(at, (rows, sum, right)): (usize, (u64, f64, u64))| {
            let (from, to) = (at as f64 / count, (at + 1) as f64 / count);
            if rows == 0 {
                return Bin {
                    from,
                    to,
                    rows,
                    probability: (from + to) / 2.0,
                    frequency: 0.0,
                };
            }
            let (probability, frequency) = (sum / rows as f64, right as f64 / rows as f64);
            error += rows as f64 / total as f64 * (probability - frequency).abs();
            Bin {
                from,
                to,
                rows,
                probability,
                frequency,
            }
        };
        let bins = self.0.into_iter().enumerate().map(bin).collect();
        (error, bins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_that_hold_have_no_error() {
        let found = yes_no(
            &[0.5, 0.5, 0.25, 0.25, 0.25, 0.25],
            &[1, 0, 1, 0, 0, 0],
            1,
            15,
        );
        assert!(found.unwrap().error < 1e-9);
    }

    #[test]
    fn every_probability_has_a_bin() {
        let found = yes_no(&[0.0, 1.0, 1.0 + 5e-7], &[0, 1, 1], 1, 15).unwrap();
        assert_eq!(found.bins[0].rows, 1);
        assert_eq!(found.bins[14].rows, 2);
        assert_eq!(yes_no(&[0.3], &[0], 1, 0).unwrap().bins.len(), 1);
    }

    #[test]
    fn the_error_of_labels_is_their_mean() {
        let found = yes_no(&[1.0, 0.5, 1.0, 0.5], &[1, 0, 1, 0], 2, 10).unwrap();
        assert_eq!(found.labels, [0.0, 0.5]);
        assert_eq!(found.error, 0.25);
    }
}
