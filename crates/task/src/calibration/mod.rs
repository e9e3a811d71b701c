//! Probabilities that hold: of the images given 80 %, 80 of 100 are what was said.
//!
//! - [`temperature`] fits one number that all logits of exclusive classes are divided by.
//! - [`platt`] fits a slope and an offset for the logit of one yes-or-no question.
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

pub use platt::{Line, platt};
pub use reliability::{Bin, Reliability, multi_class, yes_no};
pub use temperature::temperature;

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
    /// probabilities.
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
                temperature: temperature(logits, &classes(targets)?, units)?,
            }),
            TaskKind::Binary | TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                crate::metrics::inputs::independent_logits(logits, &truth, units)?;
                let lines = (0..units).map(|unit| {
                    let logits: Vec<f32> =
                        logits.iter().skip(unit).step_by(units).copied().collect();
                    let truth: Vec<u8> = truth.iter().skip(unit).step_by(units).copied().collect();
                    platt(&logits, &truth)
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
