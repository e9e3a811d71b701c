//! The way back: outputs of the network as names and numbers.

use serde::{Deserialize, Serialize};

use crate::labels::class_index;
use crate::{Task, TaskKind, Thresholds};

/// A name and its probability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedProbability {
    /// Class or label.
    pub name: String,
    /// Between 0 and 1.
    pub probability: f32,
}

/// A target and its predicted value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NamedValue {
    /// The target.
    pub name: String,
    /// In the target's own unit.
    pub value: f32,
}

/// What a model says of one image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Prediction {
    /// One of exclusive classes.
    Class {
        /// The class that is answered: the most probable one, of two the one that the threshold
        /// says.
        class: String,
        /// Its probability.
        probability: f32,
        /// All classes, the most probable first.
        probabilities: Vec<NamedProbability>,
    },
    /// Any number of labels.
    Labels {
        /// The labels whose probability reaches their threshold.
        labels: Vec<String>,
        /// All labels, in the task's order.
        probabilities: Vec<NamedProbability>,
    },
    /// Numbers.
    Numbers {
        /// One per target.
        values: Vec<NamedValue>,
    },
}

impl Task {
    /// From this probability on a yes-or-no question is answered yes.
    pub const THRESHOLD: f32 = 0.5;

    /// The classes' probabilities of one row of outputs, in the order of [`Task::names`]: for a
    /// binary task the single output `p` becomes `[1 − p, p]`.
    pub fn class_probabilities(&self, outputs: &[f32]) -> Vec<f32> {
        match (self.kind(), outputs) {
            (TaskKind::Binary, [p, ..]) => vec![1.0 - p, *p],
            _ => outputs.to_vec(),
        }
    }

    /// What one row of the network's outputs (`[units]`, behind the activation) says, with
    /// [`Task::THRESHOLD`] for every yes or no.
    ///
    /// ```
    /// # use finial_task::{Prediction, Task};
    /// let task = Task::binary("functional", "defective")?;
    /// let Prediction::Class { class, probability, .. } = task.decode(&[0.2]) else { panic!() };
    /// assert_eq!((class.as_str(), probability), ("functional", 0.8));
    /// # Ok::<(), finial_task::TaskError>(())
    /// ```
    pub fn decode(&self, outputs: &[f32]) -> Prediction {
        self.decode_at(outputs, &Thresholds::half(self))
    }

    /// As [`Task::decode`], with other thresholds. The class of a binary task is the one that the
    /// threshold says, also where the other one is more probable.
    pub fn decode_at(&self, outputs: &[f32], thresholds: &Thresholds) -> Prediction {
        let named = |probabilities: Vec<f32>| -> Vec<NamedProbability> {
            let names = self.names().iter().cloned();
            names
                .zip(probabilities)
                .map(|(name, probability)| NamedProbability { name, probability })
                .collect()
        };
        match self.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                let mut probabilities = named(self.class_probabilities(outputs));
                let positive = probabilities.last().cloned();
                if self.kind() == TaskKind::Binary {
                    // On a tie the positive class is predicted, as the threshold says.
                    probabilities.reverse();
                }
                probabilities.sort_by(|a, b| b.probability.total_cmp(&a.probability));
                let first = match (self.kind(), positive) {
                    (TaskKind::Binary, Some(positive)) => {
                        let yes = positive.probability >= thresholds.of(0);
                        let said = |p: &&NamedProbability| (p.name == positive.name) == yes;
                        probabilities.iter().find(said).cloned()
                    }
                    _ => probabilities.first().cloned(),
                };
                Prediction::Class {
                    class: first.as_ref().map(|f| f.name.clone()).unwrap_or_default(),
                    probability: first.map_or(0.0, |f| f.probability),
                    probabilities,
                }
            }
            TaskKind::MultiLabel => {
                let probabilities = named(outputs.to_vec());
                Prediction::Labels {
                    labels: probabilities
                        .iter()
                        .enumerate()
                        .filter(|(label, p)| p.probability >= thresholds.of(*label))
                        .map(|(_, p)| p.name.clone())
                        .collect(),
                    probabilities,
                }
            }
            TaskKind::Regression => Prediction::Numbers {
                values: self
                    .names()
                    .iter()
                    .zip(outputs)
                    .map(|(name, &value)| NamedValue {
                        name: name.clone(),
                        value,
                    })
                    .collect(),
            },
        }
    }

    /// A target row in words: the class, the labels, or the numbers.
    pub fn describe_target(&self, row: &[f32]) -> String {
        match self.kind() {
            TaskKind::MultiClass | TaskKind::Binary => row
                .first()
                .and_then(|&value| self.names().get(class_index(value)?))
                .cloned()
                .unwrap_or_default(),
            TaskKind::MultiLabel => {
                let held = self.names().iter().zip(row).filter(|(_, on)| **on > 0.5);
                let held: Vec<&str> = held.map(|(name, _)| name.as_str()).collect();
                if held.is_empty() {
                    "no label".to_owned()
                } else {
                    held.join(", ")
                }
            }
            TaskKind::Regression => row
                .iter()
                .map(|value| {
                    format!("{value:.4}")
                        .trim_end_matches('0')
                        .trim_end_matches('.')
                        .to_owned()
                })
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_below_the_threshold_are_not_given() {
        let task = Task::multi_label(["a", "b", "c"]).unwrap();
        let Prediction::Labels { labels, .. } = task.decode(&[0.9, 0.49, 0.5]) else {
            panic!("a multi-label task decodes to labels");
        };
        assert_eq!(labels, ["a", "c"]);
    }

    #[test]
    fn the_most_probable_class_comes_first() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let Prediction::Class {
            class,
            probabilities,
            ..
        } = task.decode(&[0.2, 0.7, 0.1])
        else {
            panic!("a multi-class task decodes to a class");
        };
        assert_eq!(class, "b");
        assert_eq!(probabilities[1].name, "a");
    }

    #[test]
    fn a_low_threshold_answers_yes_where_no_is_more_probable() {
        let task = Task::binary("no", "yes").unwrap();
        let low = Thresholds::checked(vec![0.2], &task).unwrap();
        let Prediction::Class {
            class, probability, ..
        } = task.decode_at(&[0.25], &low)
        else {
            panic!("a binary task decodes to a class");
        };
        assert_eq!((class.as_str(), probability), ("yes", 0.25));
    }

    #[test]
    fn a_binary_tie_is_answered_yes() {
        let task = Task::binary("no", "yes").unwrap();
        let Prediction::Class { class, .. } = task.decode(&[0.5]) else {
            panic!("a binary task decodes to a class");
        };
        assert_eq!(class, "yes");
    }
}
