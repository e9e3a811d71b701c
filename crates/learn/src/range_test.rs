//! The learning-rate range test: one short training whose rate rises from far too low to far too
//! high, and what the loss does meanwhile.
//!
//! Smith, "Cyclical learning rates for training neural networks", 2017, 3.3. The rate that is
//! taken is a tenth of the one at which the smoothed loss was lowest: there it still falls.

use serde::{Deserialize, Serialize};

/// Steps of the test.
pub(crate) const STEPS: usize = 100;
/// The rates between which it goes.
const RANGE: [f64; 2] = [1e-6, 10.0];
/// How much of the smoothed loss stays from step to step.
const SMOOTHING: f64 = 0.9;
/// The test ends where the loss is so many times the lowest.
const TOO_MUCH: f64 = 4.0;

/// What came of a range test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RangeTest {
    /// Rate and smoothed loss of each step, in order.
    pub points: Vec<(f64, f64)>,
    /// The rate that was taken.
    pub chosen: f64,
}

/// A range test under way.
#[derive(Default)]
pub(crate) struct Rising {
    mean: f64,
    points: Vec<(f64, f64)>,
}

impl Rising {
    /// The rate of the next step; none once the test is over.
    pub(crate) fn rate(&self) -> Option<f64> {
        let at = self.points.len();
        let losses = self.points.iter().map(|point| point.1);
        let lowest = losses.fold(f64::INFINITY, f64::min);
        let last = self.points.last().map_or(lowest, |point| point.1);
        // The first steps say little of what the loss is going to be.
        let over = at >= STEPS || at > STEPS / 10 && last > TOO_MUCH * lowest;
        let [low, high] = RANGE;
        (!over).then(|| low * (high / low).powf(at as f64 / (STEPS - 1) as f64))
    }

    /// The loss before the step of that rate.
    pub(crate) fn add(&mut self, rate: f64, loss: f64) {
        self.mean = self.mean * SMOOTHING + loss * (1.0 - SMOOTHING);
        let seen = self.points.len() as i32 + 1;
        let smooth = self.mean / (1.0 - SMOOTHING.powi(seen));
        self.points.push((rate, smooth));
    }

    /// The result; `otherwise` if the loss never was a number.
    pub(crate) fn finish(self, otherwise: f64) -> RangeTest {
        let lowest = self.points.iter().min_by(|a, b| a.1.total_cmp(&b.1));
        RangeTest {
            chosen: lowest.map_or(otherwise, |lowest| lowest.0 / 10.0),
            points: self.points,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_the_rate_of_the_lowest_loss_is_taken() {
        let mut rising = Rising::default();
        while let Some(rate) = rising.rate() {
            // Falls from 1e-4 on, rises from 1e-1 on.
            let loss = match rate {
                rate if rate < 1e-4 => 2.0,
                rate if rate < 1e-1 => 2.0 - (rate / 1e-4).log10() * 0.5,
                rate => 0.5 + 20.0 * rate,
            };
            rising.add(rate, loss);
        }
        let found = rising.finish(1e-3);
        // Smoothing lags behind by some steps.
        assert!((5e-3..3e-2).contains(&found.chosen), "{}", found.chosen);
        assert!(found.points.len() < STEPS);
        assert!(found.points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(Rising::default().finish(1e-3).chosen, 1e-3);
    }
}
