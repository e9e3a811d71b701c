//! How the learning rate goes over the steps of a training.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

/// What every rate is multiplied by at a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// 1 throughout.
    #[default]
    Constant,
    /// Up in a line from near 0, so that the first steps, whose gradients are the largest, do not
    /// undo what was learned before; then down along a cosine to 0.
    ///
    /// Loshchilov and Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017,
    /// without restarts.
    WarmupCosine {
        /// The share of the steps that go up.
        warmup: f64,
    },
}

impl Schedule {
    /// The factor of step `step`, from 0, of `steps` in all.
    pub fn factor(self, step: u64, steps: u64) -> f64 {
        let Schedule::WarmupCosine { warmup } = self else {
            return 1.0;
        };
        let up = (warmup * steps as f64).round().max(1.0);
        let step = step as f64;
        if step < up {
            return (step + 1.0) / up;
        }
        let down = (steps as f64 - up).max(1.0);
        0.5 * (1.0 + (PI * ((step - up) / down).min(1.0)).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_goes_up_in_a_line_and_down_along_a_cosine() {
        let schedule = Schedule::WarmupCosine { warmup: 0.1 };
        let factor = |step| schedule.factor(step, 100);
        assert!((factor(0) - 0.1).abs() < 1e-12);
        assert!((factor(9) - 1.0).abs() < 1e-12);
        assert!((factor(10) - 1.0).abs() < 1e-12);
        assert!((factor(55) - 0.5).abs() < 1e-12);
        assert!(factor(99) < 1e-3);
        assert!((0..100).all(|step| (0.0..=1.0).contains(&factor(step))));
        // One step is a step all the same.
        assert_eq!(schedule.factor(0, 1), 1.0);
        assert_eq!(Schedule::Constant.factor(7, 10), 1.0);
    }
}
