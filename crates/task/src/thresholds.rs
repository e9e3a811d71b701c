//! From which probability on the answer is yes, chosen on images that were not learned from.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::metrics::binary::precision_recall_curve;
use crate::metrics::inputs::independent;
use crate::score::yes_or_no;
use crate::{Targets, Task, TaskKind};

/// What a threshold is to achieve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "for")]
pub enum ThresholdRule {
    /// [`Task::THRESHOLD`]: the more probable answer.
    #[default]
    Half,
    /// The highest F1.
    F1,
    /// The least cost, where a false alarm costs so much and a miss so much: yes from
    /// `false_alarm / (false_alarm + miss)` on, which is right for probabilities that hold.
    ///
    /// Elkan, *The foundations of cost-sensitive learning*, 2001.
    Costs {
        /// Cost of a yes that should be no, above 0.
        false_alarm: f64,
        /// Cost of a no that should be yes, above 0.
        miss: f64,
    },
    /// As many found as possible while at least this share of the answers yes is right.
    Precision {
        /// Above 0, up to 1.
        share: f64,
    },
    /// As few false alarms as possible while at least this share is found.
    Recall {
        /// Above 0, up to 1.
        share: f64,
    },
}

/// Not a rule for thresholds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[error(
    "expected half, f1, costs=FALSE-ALARM:MISS, precision=SHARE or recall=SHARE, found `{found}`"
)]
#[diagnostic(help(
    "costs=1:5 says that a miss is five times as bad as a false alarm; a share is above 0, up to 1"
))]
pub struct ThresholdRuleError {
    found: String,
}

impl FromStr for ThresholdRule {
    type Err = ThresholdRuleError;

    fn from_str(text: &str) -> Result<Self, ThresholdRuleError> {
        let wrong = || ThresholdRuleError {
            found: text.to_owned(),
        };
        let share = |text: &str| {
            let share: Option<f64> = text.parse().ok();
            share.filter(|&s| s > 0.0 && s <= 1.0).ok_or_else(wrong)
        };
        let cost = |text: &str| {
            let cost: Option<f64> = text.parse().ok();
            cost.filter(|&c| c > 0.0 && c.is_finite()).ok_or_else(wrong)
        };
        match text.split_once('=') {
            None if text == "half" => Ok(ThresholdRule::Half),
            None if text == "f1" => Ok(ThresholdRule::F1),
            Some(("precision", text)) => Ok(ThresholdRule::Precision {
                share: share(text)?,
            }),
            Some(("recall", text)) => Ok(ThresholdRule::Recall {
                share: share(text)?,
            }),
            Some(("costs", costs)) => {
                let (false_alarm, miss) = costs.split_once(':').ok_or_else(wrong)?;
                Ok(ThresholdRule::Costs {
                    false_alarm: cost(false_alarm)?,
                    miss: cost(miss)?,
                })
            }
            _ => Err(wrong()),
        }
    }
}

/// As it is typed.
impl fmt::Display for ThresholdRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ThresholdRule::Half => f.write_str("half"),
            ThresholdRule::F1 => f.write_str("f1"),
            ThresholdRule::Costs { false_alarm, miss } => write!(f, "costs={false_alarm}:{miss}"),
            ThresholdRule::Precision { share } => write!(f, "precision={share}"),
            ThresholdRule::Recall { share } => write!(f, "recall={share}"),
        }
    }
}

impl ThresholdRule {
    /// The threshold for one question: the middle between two probabilities that occur, one of
    /// which is to be a yes and the other a no.
    ///
    /// Where a precision cannot be had the highest that can is taken. Without a positive row
    /// nothing can be learned, and it is [`Task::THRESHOLD`].
    ///
    /// # Shapes
    /// `probabilities`, `targets`: `[N]`. Result above 0, at most 1.
    ///
    /// # Errors
    /// As [`precision_recall_curve`].
    ///
    /// # Example
    /// ```
    /// use finial_task::ThresholdRule;
    /// let (probabilities, targets) = ([0.1, 0.2, 0.3, 0.4], [0, 1, 1, 1]);
    /// let threshold = ThresholdRule::F1.choose(&probabilities, &targets)?;
    /// assert!(threshold > 0.1 && threshold < 0.2);
    /// # Ok::<(), finial_task::metrics::MetricError>(())
    /// ```
    pub fn choose(self, probabilities: &[f32], targets: &[u8]) -> Result<f32, MetricError> {
        independent(probabilities, targets, 1)?;
        let goal = match self {
            ThresholdRule::Half => return Ok(Task::THRESHOLD),
            ThresholdRule::Costs { false_alarm, miss } => {
                return Ok((false_alarm / (false_alarm + miss)) as f32);
            }
            goal => goal,
        };
        let Some(curve) = precision_recall_curve(probabilities, targets)? else {
            return Ok(Task::THRESHOLD);
        };
        // By falling threshold, so by rising recall; the first point calls no row positive.
        let points: Vec<_> = curve
            .iter()
            .filter_map(|point| Some((point.threshold?, point.precision, point.recall)))
            .collect();
        let best = |value: &dyn Fn(f64, f64) -> f64| {
            let mut best: Option<(f64, f32)> = None;
            for &(threshold, precision, recall) in &points {
                let value = value(precision, recall);
                if best.is_none_or(|(highest, _)| value > highest) {
                    best = Some((value, threshold));
                }
            }
            best.map(|(_, threshold)| threshold)
        };
        let chosen = match goal {
            ThresholdRule::Recall { share } => {
                let enough = points
                    .iter()
                    .find(|(_, _, recall)| *recall >= share - 1e-12);
                enough.map(|(threshold, ..)| *threshold)
            }
            ThresholdRule::Precision { share } => {
                let mut sure = points.iter().rev();
                let sure = sure.find(|(_, precision, _)| *precision >= share - 1e-12);
                sure.map(|(threshold, ..)| *threshold)
                    .or_else(|| best(&|precision, _| precision))
            }
            _ => best(&|precision, recall| match precision + recall {
                0.0 => 0.0,
                sum => 2.0 * precision * recall / sum,
            }),
        };
        let Some(lowest_yes) = chosen else {
            return Ok(Task::THRESHOLD);
        };
        let below = probabilities.iter().copied().filter(|p| *p < lowest_yes);
        let highest_no = below.fold(0.0_f32, f32::max);
        let middle = (lowest_yes + highest_no) / 2.0;
        // Between neighbours of 32 bits there is no middle.
        Ok(if middle > highest_no {
            middle
        } else {
            lowest_yes
        })
    }
}

/// A threshold per yes-or-no unit; none for exclusive classes, of which the most probable wins, and
/// none for numbers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Thresholds(Vec<f32>);

impl Thresholds {
    /// [`Task::THRESHOLD`] for every yes-or-no unit.
    pub fn half(task: &Task) -> Self {
        Thresholds(match task.kind() {
            TaskKind::Binary | TaskKind::MultiLabel => vec![Task::THRESHOLD; task.units()],
            TaskKind::MultiClass | TaskKind::Regression => Vec::new(),
        })
    }

    /// Thresholds by a rule, from outputs `[N, units]` on images that were not learned from.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn choose(
        task: &Task,
        rule: ThresholdRule,
        outputs: &[f32],
        targets: &Targets,
    ) -> Result<Self, MetricError> {
        let units = task.units();
        task.expect_columns(targets)?;
        if !matches!(task.kind(), TaskKind::Binary | TaskKind::MultiLabel) {
            return Ok(Thresholds(Vec::new()));
        }
        let truth = yes_or_no(targets)?;
        independent(outputs, &truth, units)?;
        let one = |unit: usize| {
            let outputs: Vec<f32> = outputs.iter().skip(unit).step_by(units).copied().collect();
            let truth: Vec<u8> = truth.iter().skip(unit).step_by(units).copied().collect();
            rule.choose(&outputs, &truth)
        };
        Ok(Thresholds((0..units).map(one).collect::<Result<_, _>>()?))
    }

    /// Thresholds from a file, if they are those of `task`: as many, each a probability.
    pub fn checked(values: Vec<f32>, task: &Task) -> Option<Self> {
        let expected = Thresholds::half(task).0.len();
        let possible = values.iter().all(|t| (0.0..=1.0).contains(t));
        (values.len() == expected && possible).then_some(Thresholds(values))
    }

    /// One per yes-or-no unit.
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// The threshold of a unit.
    pub fn of(&self, unit: usize) -> f32 {
        self.0.get(unit).copied().unwrap_or(Task::THRESHOLD)
    }

    /// The answers: 1 for yes and 0 for no in place of each probability of `outputs` (`[N, units]`).
    pub fn decide(&self, outputs: &[f32]) -> Vec<f32> {
        let units = self.0.len().max(1);
        let decided = outputs.iter().enumerate();
        decided
            .map(|(at, &p)| f32::from(u8::from(p >= self.of(at % units))))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_as_it_is_written() {
        for text in ["half", "f1", "costs=1:5", "precision=0.9", "recall=0.95"] {
            let rule: ThresholdRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
        }
        for text in [
            "",
            "f2",
            "costs=1",
            "costs=0:1",
            "recall=0",
            "recall=1.5",
            "precision=x",
        ] {
            assert!(text.parse::<ThresholdRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn precision_and_recall_are_kept_where_they_can_be() {
        let probabilities = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];
        let targets = [1, 1, 0, 1, 0, 0];
        let choose = |rule: ThresholdRule| rule.choose(&probabilities, &targets).unwrap();
        let precision = choose(ThresholdRule::Precision { share: 1.0 });
        assert!(precision > 0.7 && precision < 0.8, "{precision}");
        let recall = choose(ThresholdRule::Recall { share: 1.0 });
        assert!(recall > 0.5 && recall < 0.6, "{recall}");
        let some = choose(ThresholdRule::Recall { share: 0.3 });
        assert!(some > 0.8 && some < 0.9, "{some}");
        let costs = choose(ThresholdRule::Costs {
            false_alarm: 1.0,
            miss: 4.0,
        });
        assert_eq!(costs, 0.2);
    }

    #[test]
    fn a_label_that_never_occurs_keeps_the_middle() {
        let found = ThresholdRule::F1.choose(&[0.1, 0.9], &[0, 0]);
        assert_eq!(found, Ok(Task::THRESHOLD));
    }

    #[test]
    fn neighbouring_floats_are_told_apart() {
        let high = 0.25_f32.next_up();
        let found = ThresholdRule::F1.choose(&[high, 0.25], &[1, 0]).unwrap();
        assert_eq!(found, high);
    }

    #[test]
    fn thresholds_of_another_task_are_refused() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        assert!(Thresholds::checked(vec![0.5, 0.2], &task).is_some());
        assert!(Thresholds::checked(vec![0.5], &task).is_none());
        assert!(Thresholds::checked(vec![0.5, f32::NAN], &task).is_none());
        let classes = Task::multi_class(["a", "b", "c"]).unwrap();
        assert!(Thresholds::checked(vec![0.5], &classes).is_none());
        assert!(Thresholds::checked(vec![], &classes).is_some());
    }

    #[test]
    fn a_decision_is_made_by_the_unit_s_own_threshold() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        let thresholds = Thresholds::checked(vec![0.2, 0.8], &task).unwrap();
        assert_eq!(
            thresholds.decide(&[0.3, 0.3, 0.1, 0.8]),
            [1.0, 0.0, 0.0, 1.0]
        );
    }
}
