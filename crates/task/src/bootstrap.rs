//! How far a score may be from what other images of the same kind would give.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::{Metric, Targets, Task, Thresholds};

/// Numbers looked at over all resamples, so that the time is bounded whatever the data.
const WORK: usize = 20_000_000;
/// Resamples: at most, and at least.
const RESAMPLES: (usize, usize) = (200, 1000);
/// Of a normal distribution, 95 % lie within so many deviations of its mean.
const DEVIATIONS: f64 = 1.959_963_984_540_054;

/// A 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Where it begins.
    pub low: f64,
    /// Where it ends.
    pub high: f64,
}

/// The rows of resamples: drawn with replacement, the same for the same seed.
///
/// Up to 1,000 resamples of as many rows as there are. For large data fewer, at least 200, and
/// then of fewer rows; [`Resamples::interval`] makes up for that.
#[derive(Clone, Debug)]
pub struct Resamples {
    rows: usize,
    drawn: usize,
    count: usize,
    seed: u64,
}

impl Resamples {
    /// Resamples of `rows` rows with `units` numbers each.
    pub fn new(rows: usize, units: usize, seed: u64) -> Self {
        let units = units.max(1);
        let drawn = rows.min((WORK / RESAMPLES.0 / units).max(1));
        let count = WORK / (drawn.max(1) * units);
        Resamples {
            rows,
            drawn,
            count: count.clamp(RESAMPLES.0, RESAMPLES.1),
            seed,
        }
    }

    /// The resamples, each a list of row numbers.
    pub fn iter(&self) -> impl Iterator<Item = Vec<usize>> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let count = if self.rows == 0 { 0 } else { self.count };
        (0..count).map(move |_| {
            (0..self.drawn)
                .map(|_| rng.random_range(0..self.rows))
                .collect()
        })
    }

    /// The interval that 95 % of the resampled values lie in, around the `value` on all rows;
    /// `None` where a tenth of the resamples or more do not define one.
    ///
    /// Of fewer rows than there are values scatter more, by the root of the ratio.
    ///
    /// Of mean average precision such an interval lies somewhat high on few images, and holds the true
    /// value in 87 to 92 of 100 cases; the basic and the corrected (BCa) one hold it less often, as
    /// `bench/certainty/INTERVALS.md` shows.
    pub fn interval(&self, value: f64, mut resampled: Vec<f64>) -> Option<Interval> {
        resampled.retain(|value| value.is_finite());
        if resampled.len() * 10 < self.count * 9 || self.rows == 0 {
            return None;
        }
        resampled.sort_unstable_by(f64::total_cmp);
        let shrink = (self.drawn as f64 / self.rows as f64).sqrt();
        let bound = |share: f64| value + shrink * (quantile(&resampled, share) - value);
        Some(Interval {
            low: bound(0.025),
            high: bound(0.975),
        })
    }
}

/// The quantile of sorted values, with straight lines between them (numpy's default).
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * sorted.len().saturating_sub(1) as f64;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    let below = place.floor();
    let (low, high) = (at(below as usize), at(place.ceil() as usize));
    low + (high - low) * (place - below)
}

/// Wilson's interval of a share that is a count: unlike the bootstrap's it is of use where all
/// rows are right, or none.
///
/// # Example
/// ```
/// let all_right = finial_task::wilson(1.0, 10).unwrap();
/// assert!(all_right.low > 0.72 && all_right.low < 0.73 && all_right.high > 0.999);
/// ```
///
/// # References
/// Wilson, *Probable inference, the law of succession, and statistical inference*, 1927.
pub fn wilson(share: f64, rows: usize) -> Option<Interval> {
    if rows == 0 {
        return None;
    }
    let n = rows as f64;
    let squared = DEVIATIONS * DEVIATIONS;
    let centre = (share + squared / (2.0 * n)) / (1.0 + squared / n);
    let half = DEVIATIONS / (1.0 + squared / n)
        * (share * (1.0 - share) / n + squared / (4.0 * n * n)).sqrt();
    Some(Interval {
        low: (centre - half).max(0.0),
        high: (centre + half).min(1.0),
    })
}

impl Task {
    /// The 95 % interval of each headline metric that is defined: by resampling the rows, of a
    /// share of rows by Wilson's formula.
    ///
    /// The same seed gives the same intervals.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn intervals(
        &self,
        outputs: &[f32],
        thresholds: &Thresholds,
        targets: &Targets,
        seed: u64,
    ) -> Result<Vec<(Metric, Interval)>, MetricError> {
        let values = self.measure(outputs, thresholds, targets)?;
        let rows = targets.rows();
        let resamples = Resamples::new(rows, self.units(), seed);
        let mut resampled = vec![Vec::new(); values.len()];
        let units = self.units();
        let mut drawn = Vec::new();
        for picked in resamples.iter() {
            drawn.clear();
            for &row in &picked {
                drawn.extend_from_slice(&outputs[row * units..][..units]);
            }
            let measured = self.measure(&drawn, thresholds, &targets.select(&picked))?;
            for (values, (_, value)) in resampled.iter_mut().zip(measured) {
                values.push(value.unwrap_or(f64::NAN));
            }
        }
        let of = |((metric, value), resampled): ((Metric, Option<f64>), Vec<f64>)| {
            let interval = match metric {
                Metric::Accuracy | Metric::TopFiveAccuracy | Metric::SubsetAccuracy => {
                    wilson(value?, rows)
                }
                _ => resamples.interval(value?, resampled),
            };
            Some((metric, interval?))
        };
        Ok(values.into_iter().zip(resampled).filter_map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_rows() {
        let rows = |seed| Resamples::new(50, 3, seed).iter().next();
        assert_eq!(rows(1), rows(1));
        assert_ne!(rows(1), rows(2));
    }

    #[test]
    fn work_is_bounded_whatever_the_data() {
        for (rows, units) in [
            (1, 1),
            (46, 7),
            (10_000, 10),
            (1_000_000, 1),
            (1_000_000, 10_000),
        ] {
            let resamples = Resamples::new(rows, units, 0);
            assert!(resamples.count >= RESAMPLES.0 && resamples.drawn >= 1);
            assert!(
                resamples.count * resamples.drawn * units <= 2 * WORK,
                "{rows} {units}"
            );
        }
        assert_eq!(Resamples::new(0, 1, 0).iter().count(), 0);
    }

    #[test]
    fn a_resample_of_fewer_rows_is_made_up_for() {
        let whole = Resamples::new(100, 1, 0);
        let part = Resamples {
            drawn: 25,
            ..whole.clone()
        };
        let values: Vec<f64> = (0..1000).map(f64::from).collect();
        let width = |r: &Resamples| {
            let found = r.interval(500.0, values.clone()).unwrap();
            found.high - found.low
        };
        assert!((width(&part) - width(&whole) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn every_metric_that_is_defined_has_an_interval_around_it() {
        let task = Task::binary("no", "yes").unwrap();
        let truth: Vec<f32> = (0..60).map(|i| (i % 2) as f32).collect();
        let outputs: Vec<f32> = (0..60).map(|i| (i * 37 % 60) as f32 / 60.0).collect();
        let targets = Targets::new(1, truth);
        let thresholds = Thresholds::half(&task);
        let scores = task.score(&outputs, &targets).unwrap();
        let intervals = task.intervals(&outputs, &thresholds, &targets, 0).unwrap();
        assert_eq!(intervals.len(), scores.metrics.len());
        for ((metric, value), (_, interval)) in scores.metrics.iter().zip(&intervals) {
            let value = value.unwrap();
            assert!(
                interval.low < value && value < interval.high,
                "{metric:?} {interval:?}"
            );
        }
    }

    #[test]
    fn a_metric_that_most_resamples_leave_undefined_has_no_interval() {
        let task = Task::binary("no", "yes").unwrap();
        let targets = Targets::new(1, vec![1.0, 0.0, 0.0]);
        let half = Thresholds::half(&task);
        let found = task
            .intervals(&[0.9, 0.1, 0.2], &half, &targets, 0)
            .unwrap();
        assert!(found.iter().all(|(metric, _)| *metric != Metric::RocAuc));
    }
}
