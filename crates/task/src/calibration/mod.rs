//! Probabilities that hold: of the images given 80 %, 80 of 100 are what was said.
//!
//! - [`temperature`] fits one number that all logits of exclusive classes are divided by.
//! - [`platt`] fits a slope and an offset for the logit of one yes-or-no question.
//! - [`pulled_temperature`] and [`pulled_line`] do the same where few images must not move much; they
//!   are what is used.
//! - [`Calibration`] is what a task needs of the two, as slopes and offsets of logits, so that it
//!   can be folded into the final layer and travels with every copy of the network.
//! - [`Reliability`] measures how far probabilities are from holding.
//!
//! All are fitted on images that the network did not learn from. Neither changes an order of
//! images by one output, and a temperature changes no answer.

mod platt;
mod reliability;
mod temperature;

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::score::{classes, yes_or_no};
use crate::{Targets, Task, TaskKind};

pub use platt::{Line, platt, pulled_line};
pub use reliability::{Bin, Reliability, multi_class, yes_no};
pub use temperature::{pulled_temperature, temperature};

/// How much no correction is worth, in units of the summed loss per squared unit of a slope or an
/// offset: about what twenty to fifty images are. Without it the correction of few images is mostly
/// chance, and probabilities hold less often after it; `bench/certainty` measures that.
const TOWARDS_NONE: f64 = 5.0;
/// How much the line of all labels together is worth to that of each: a label of which few images are
/// so has little to say of its own.
const TOWARDS_ALL: f64 = 20.0;

/// How the logits of a trained head are corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method")]
pub enum Calibration {
    /// Exclusive classes: all logits are divided by one number.
    Temperature {
        /// Above 1 where the network was too sure.
        temperature: f64,
    },
    /// Yes or no: each logit has a slope and an offset.
    Platt {
        /// One per unit.
        lines: Vec<Line>,
    },
}

impl Calibration {
    /// The calibration of `task` for logits `[N, units]`; `None` for numbers, which have no
    /// probabilities. Pulled towards none, and for labels towards the line of all of them together.
    ///
    /// # Errors
    /// No rows, counts that differ, logits that are not finite, or targets that are not the
    /// task's.
    pub fn fit(
        task: &Task,
        logits: &[f32],
        targets: &Targets,
    ) -> Result<Option<Self>, MetricError> {
        let units = task.units();
        task.expect_columns(targets)?;
        Ok(match task.kind() {
            TaskKind::MultiClass => Some(Calibration::Temperature {
                temperature: pulled_temperature(logits, &classes(targets)?, units, TOWARDS_NONE)?,
            }),
            TaskKind::Binary | TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                crate::metrics::inputs::independent_logits(logits, &truth, units)?;
                let all = pulled_line(logits, &truth, Line::IDENTITY, TOWARDS_NONE)?;
                let lines = (0..units).map(|unit| {
                    let logits: Vec<f32> =
                        logits.iter().skip(unit).step_by(units).copied().collect();
                    let truth: Vec<u8> = truth.iter().skip(unit).step_by(units).copied().collect();
                    match units {
                        1 => Ok(all),
                        _ => pulled_line(&logits, &truth, all, TOWARDS_ALL),
                    }
                });
                Some(Calibration::Platt {
                    lines: lines.collect::<Result<_, _>>()?,
                })
            }
            TaskKind::Regression => None,
        })
    }

    /// The slope and offset of one unit's logit.
    pub fn line(&self, unit: usize) -> Line {
        match self {
            Calibration::Temperature { temperature } => Line {
                slope: 1.0 / temperature,
                offset: 0.0,
            },
            Calibration::Platt { lines } => lines.get(unit).copied().unwrap_or(Line::IDENTITY),
        }
    }
}

impl Task {
    /// How well the probabilities `[N, units]` hold; `None` for numbers.
    ///
    /// Multi-class: the probability of the class that is named. Binary: that of the positive
    /// class. Multi-label: the error is the mean over labels, the bins hold all labels together.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn reliability(
        &self,
        outputs: &[f32],
        targets: &Targets,
    ) -> Result<Option<Reliability>, MetricError> {
        let units = self.units();
        self.expect_columns(targets)?;
        Ok(match self.kind() {
            TaskKind::MultiClass => Some(multi_class(
                outputs,
                &classes(targets)?,
                units,
                Reliability::BINS,
            )?),
            TaskKind::Binary | TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                Some(yes_no(outputs, &truth, units, Reliability::BINS)?)
            }
            TaskKind::Regression => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_calibrated_in_its_own_way() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let logits = [3.0, 0.0, 0.0, 3.0, 0.0, 0.0, 0.0, 3.0, 0.0];
        let targets = Targets::new(1, vec![0.0, 1.0, 1.0]);
        let fitted = Calibration::fit(&task, &logits, &targets).unwrap().unwrap();
        let Calibration::Temperature { temperature } = &fitted else {
            panic!("exclusive classes have a temperature");
        };
        assert!(*temperature > 1.0);
        assert_eq!(fitted.line(2).slope, 1.0 / temperature);

        let task = Task::multi_label(["a", "b"]).unwrap();
        let targets = Targets::new(2, vec![1.0, 0.0, 0.0, 1.0]);
        let fitted = Calibration::fit(&task, &[1.0, -1.0, 0.5, 2.0], &targets).unwrap();
        assert!(matches!(fitted, Some(Calibration::Platt { lines }) if lines.len() == 2));

        let task = Task::regression(["a"]).unwrap();
        let targets = Targets::new(1, vec![1.0]);
        assert_eq!(Calibration::fit(&task, &[1.0], &targets), Ok(None));
    }

    #[test]
    fn targets_of_another_task_are_refused() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        let narrow = Targets::new(1, vec![1.0]);
        assert!(Calibration::fit(&task, &[1.0, 2.0], &narrow).is_err());
        assert!(task.reliability(&[0.5, 0.5], &narrow).is_err());
        let odd = Targets::new(2, vec![1.0, 0.5]);
        assert!(Calibration::fit(&task, &[1.0, 2.0], &odd).is_err());
    }
}
