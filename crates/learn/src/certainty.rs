//! How sure a model's answers are: learned from the validation images, stored with the model.
//!
//! - The **calibration** is folded into the weights of the final layer, so that it travels with the
//!   network wherever it goes, and nothing has to be done to an answer afterwards. Dividing all
//!   logits by a temperature, or giving each a slope and an offset, is the same layer with other
//!   weights.
//! - The **thresholds** say from which probability on a yes-or-no question is answered yes.
//! - The **conformal** scores give sets and intervals for any coverage.
//!
//! The validation images also chose the epoch. That makes them a little easier for the model than
//! others: the best of some dozens of epochs was best on them, in part by chance. What is learned
//! from them here is one number for a temperature, two for a label and a quantile, which such a
//! choice moves little; a split of its own would take images from all other purposes. The coverage
//! and the calibration error that are reported are those on the test images, which had no part in
//! any of it.

use finial_graph::{Tensor, Weights, WeightsError};
use finial_task::metrics::MetricError;
use finial_task::{
    Calibration, Conformal, Coverage, Reach, Reliability, Targets, Task, ThresholdRule, Thresholds,
};
use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::head::LOGITS;

/// What a user may choose about it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CertaintyOptions {
    /// Whether probabilities are calibrated.
    pub calibrate: bool,
    /// What thresholds are to achieve.
    pub thresholds: ThresholdRule,
    /// The share of answers that is to hold the truth, if predictions are to carry sets or
    /// intervals.
    pub coverage: Option<f64>,
}

impl Default for CertaintyOptions {
    fn default() -> Self {
        CertaintyOptions {
            calibrate: true,
            thresholds: ThresholdRule::Half,
            coverage: None,
        }
    }
}

impl CertaintyOptions {
    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// The coverage is not between 0 and 1.
    pub fn check(&self) -> Result<(), LearnError> {
        self.coverage.map_or(Ok(()), check_coverage)
    }
}

/// A coverage is a share of which something is left out.
///
/// # Errors
/// It is not.
pub fn check_coverage(coverage: f64) -> Result<(), LearnError> {
    match coverage > 0.0 && coverage < 1.0 {
        true => Ok(()),
        false => Err(LearnError::Setting {
            expected: "a coverage above 0 and below 1",
            found: coverage.to_string(),
        }),
    }
}

/// How sure a model's answers are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Certainty {
    /// How the logits were corrected; the weights hold the result.
    pub calibration: Option<Calibration>,
    /// What the thresholds are to achieve.
    pub rule: ThresholdRule,
    /// From which probability on each unit says yes.
    pub thresholds: Thresholds,
    /// What sets and intervals rest on; none in models of older versions.
    pub conformal: Option<Conformal>,
    /// The coverage that predictions carry sets or intervals for, unless they are asked for
    /// another.
    pub coverage: Option<f64>,
}

impl Certainty {
    /// What a model has that was never asked how sure it is.
    pub fn unknown(task: &Task) -> Self {
        Certainty {
            calibration: None,
            rule: ThresholdRule::Half,
            thresholds: Thresholds::half(task),
            conformal: None,
            coverage: None,
        }
    }

    /// Thresholds and conformal scores from `outputs` (`[N, units]`, calibrated) on images that
    /// the network did not learn from.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn learn(
        task: &Task,
        calibration: Option<Calibration>,
        outputs: &[f32],
        targets: &Targets,
        options: &CertaintyOptions,
    ) -> Result<Self, MetricError> {
        let rule = options.thresholds;
        Ok(Certainty {
            calibration,
            rule,
            thresholds: Thresholds::choose(task, rule, outputs, targets)?,
            conformal: Some(Conformal::fit(task, outputs, targets)?),
            coverage: options.coverage,
        })
    }

    /// What was read from a file, if it is of `task`.
    pub fn checked(self, task: &Task) -> Option<Self> {
        let thresholds = Thresholds::checked(self.thresholds.values().to_vec(), task)?;
        let conformal = match self.conformal {
            Some(conformal) => Some(conformal.checked(task)?),
            None => None,
        };
        let possible = |coverage: &f64| *coverage > 0.0 && *coverage < 1.0;
        self.coverage
            .as_ref()
            .is_none_or(possible)
            .then_some(Certainty {
                thresholds,
                conformal,
                ..self
            })
    }

    /// How far sets or intervals reach for `coverage`, or else for the model's own; `None` where
    /// neither is there, or the model has nothing to promise by.
    pub fn reach(&self, coverage: Option<f64>) -> Option<Reach> {
        let coverage = coverage.or(self.coverage)?;
        Some(self.conformal.as_ref()?.reach(coverage))
    }
}

/// `weights` with `calibration` in those of the final layer.
///
/// # Errors
/// Never: the tensors keep their shapes.
pub fn fold(weights: &Weights, calibration: &Calibration) -> Result<Weights, WeightsError> {
    let mut folded = weights.clone();
    for (part, is_bias) in [("weight", false), ("bias", true)] {
        let name = format!("{LOGITS}.{part}");
        let Some(tensor) = weights.get(&name) else {
            continue;
        };
        let units = tensor.shape().first().copied().unwrap_or(1).max(1);
        let inputs = (tensor.values().len() / units).max(1);
        let corrected = tensor.values().iter().enumerate().map(|(at, &value)| {
            let line = calibration.line(at / inputs);
            let offset = if is_bias { line.offset } else { 0.0 };
            (f64::from(value) * line.slope + offset) as f32
        });
        let tensor = Tensor::new(&name, tensor.shape().to_vec(), corrected.collect())?;
        folded.insert(name, tensor);
    }
    Ok(folded)
}

/// What was observed of a model's certainty on images that had no part in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Observed {
    /// How well the probabilities held before they were calibrated; `None` if they were not, or
    /// for numbers.
    pub before: Option<Reliability>,
    /// How well they hold; `None` for numbers.
    pub reliability: Option<Reliability>,
    /// How often sets or intervals held the truth, if a coverage was asked for.
    pub coverage: Option<Coverage>,
}

impl Observed {
    /// What `outputs` (`[N, units]`) show, with the sets or intervals of `coverage` or else of the
    /// model's own.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn of(
        task: &Task,
        certainty: &Certainty,
        outputs: &[f32],
        targets: &Targets,
        coverage: Option<f64>,
    ) -> Result<Self, MetricError> {
        let reach = certainty.reach(coverage);
        Ok(Observed {
            before: None,
            reliability: task.reliability(outputs, targets)?,
            coverage: match &reach {
                Some(reach) => Some(task.coverage(outputs, targets, reach)?),
                None => None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folded_line_gives_the_corrected_logit() {
        let mut weights = Weights::new();
        let tensor = |name: &str, shape: Vec<usize>, values: Vec<f32>| {
            Tensor::new(name, shape, values).unwrap()
        };
        let weight = tensor("logits.weight", vec![2, 3], vec![1., 2., 3., 4., 5., 6.]);
        weights.insert("logits.weight", weight);
        weights.insert(
            "logits.bias",
            tensor("logits.bias", vec![2], vec![0.5, -1.0]),
        );
        weights.insert("hidden.bias", tensor("hidden.bias", vec![1], vec![7.0]));
        let line = |slope, offset| finial_task::calibration::Line { slope, offset };
        let calibration = Calibration::Platt {
            lines: vec![line(2.0, 1.0), line(0.5, -3.0)],
        };
        let folded = fold(&weights, &calibration).unwrap();
        let values = |name: &str| folded.get(name).unwrap().values().to_vec();
        assert_eq!(values("logits.weight"), [2., 4., 6., 2., 2.5, 3.]);
        assert_eq!(values("logits.bias"), [2.0, -3.5]);
        assert_eq!(values("hidden.bias"), [7.0]);
        let by_two = Calibration::Temperature { temperature: 2.0 };
        let folded = fold(&weights, &by_two).unwrap();
        assert_eq!(folded.get("logits.bias").unwrap().values(), [0.25, -0.5]);
    }

    #[test]
    fn a_certainty_of_another_task_is_refused() {
        let task = Task::binary("no", "yes").unwrap();
        let targets = Targets::new(1, vec![0.0, 1.0, 1.0]);
        let options = CertaintyOptions::default();
        let learned = Certainty::learn(&task, None, &[0.1, 0.9, 0.8], &targets, &options).unwrap();
        assert_eq!(learned.clone().checked(&task), Some(learned.clone()));
        let other = Task::multi_label(["a", "b"]).unwrap();
        assert_eq!(learned.clone().checked(&other), None);
        let beyond = Certainty {
            coverage: Some(1.5),
            ..learned
        };
        assert_eq!(beyond.checked(&task), None);
    }
}
