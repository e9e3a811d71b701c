//! How good the outputs are: the metrics of a task on one split, and the evidence behind them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::labels::class_index;
use crate::metrics::binary::{self, PrecisionRecallPoint, RocPoint};
use crate::metrics::inputs::independent;
use crate::metrics::multi_class::{self, ClassScores};
use crate::metrics::multi_label::{self, LabelScores};
use crate::metrics::{MetricError, regression};
use crate::{Interval, Metric, Targets, Task, TaskKind, Thresholds};

/// The scores of one split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// How many images were scored.
    pub images: usize,
    /// The task's headline metrics in their order; `None` where the split does not define one
    /// (ROC AUC when all images are of one class). Several targets: the mean of their R², and no
    /// errors, whose units differ. Written as an object by key.
    #[serde(serialize_with = "by_key")]
    pub metrics: Vec<(Metric, Option<f64>)>,
    /// Their 95 % intervals, where they were asked for and are defined. Written as an object by
    /// key.
    #[serde(
        serialize_with = "intervals_by_key",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub intervals: Vec<(Metric, Interval)>,
    /// What stands behind them.
    pub detail: Detail,
}

/// One line: `accuracy 0.913, macro F1 0.902, on 46 images`.
impl fmt::Display for Scores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (metric, value) in &self.metrics {
            match value {
                Some(value) => write!(f, "{} {value:.3}, ", metric.label())?,
                None => write!(f, "{} not defined here, ", metric.label())?,
            }
        }
        write!(f, "on {} images", self.images)
    }
}

fn by_key<S: Serializer>(
    metrics: &[(Metric, Option<f64>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|(metric, value)| (metric.key(), value)))
}

fn intervals_by_key<S: Serializer>(
    intervals: &[(Metric, Interval)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(
        intervals
            .iter()
            .map(|(metric, found)| (metric.key(), found)),
    )
}

/// The evidence, per class, label or target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Detail {
    /// Multi-class.
    MultiClass {
        /// One per class, in the task's order.
        classes: Vec<ClassScores>,
        /// `confusion[truth][predicted]`; empty beyond [`Detail::CONFUSION_LIMIT`] classes.
        confusion: Vec<Vec<u64>>,
    },
    /// Binary.
    Binary {
        /// `confusion[truth][predicted]`.
        confusion: Vec<Vec<u64>>,
        /// By decreasing threshold; empty when all images are of one class.
        roc: Vec<RocPoint>,
        /// By decreasing threshold; empty without positives.
        precision_recall: Vec<PrecisionRecallPoint>,
    },
    /// Multi-label.
    MultiLabel {
        /// One per label, in the task's order.
        labels: Vec<LabelScores>,
    },
    /// Regression.
    Regression {
        /// One per target, in the task's order.
        targets: Vec<TargetScores>,
    },
}

impl Detail {
    /// Up to so many classes a confusion matrix is kept: its size is their square.
    pub const CONFUSION_LIMIT: usize = 1000;
}

/// The scores of one target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetScores {
    /// Mean absolute error.
    pub mae: f64,
    /// Root mean squared error.
    pub rmse: f64,
    /// Coefficient of determination; `None` for fewer than two images.
    pub r2: Option<f64>,
}

impl Scores {
    /// The value of a headline metric.
    pub fn get(&self, metric: Metric) -> Option<f64> {
        let found = self.metrics.iter().find(|(m, _)| *m == metric);
        found.and_then(|(_, value)| *value)
    }

    /// The 95 % interval of a headline metric.
    pub fn interval(&self, metric: Metric) -> Option<Interval> {
        let found = self.intervals.iter().find(|(m, _)| *m == metric);
        found.map(|(_, interval)| *interval)
    }

    /// Headline metrics by key, as JSON documents carry them.
    pub fn by_key(&self) -> BTreeMap<&'static str, Option<f64>> {
        self.metrics.iter().map(|(m, v)| (m.key(), *v)).collect()
    }
}

impl Task {
    /// Scores the network's outputs (`[N, units]`, behind the activation) against `targets`, with
    /// [`Task::THRESHOLD`] for every yes or no.
    ///
    /// # Errors
    /// No rows, counts that differ, outputs that are not finite or not probabilities, or targets
    /// that are not the task's.
    pub fn score(&self, outputs: &[f32], targets: &Targets) -> Result<Scores, MetricError> {
        self.score_at(outputs, &Thresholds::half(self), targets)
    }

    /// As [`Task::score`], with other thresholds.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn score_at(
        &self,
        outputs: &[f32],
        thresholds: &Thresholds,
        targets: &Targets,
    ) -> Result<Scores, MetricError> {
        Ok(Scores {
            images: targets.rows(),
            metrics: self.measure(outputs, thresholds, targets)?,
            intervals: Vec::new(),
            detail: self.detail(outputs, thresholds, targets)?,
        })
    }

    /// The headline metrics alone.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn measure(
        &self,
        outputs: &[f32],
        thresholds: &Thresholds,
        targets: &Targets,
    ) -> Result<Vec<(Metric, Option<f64>)>, MetricError> {
        let units = self.units();
        self.expect_columns(targets)?;
        match self.kind() {
            TaskKind::MultiClass => {
                let truth = classes(targets)?;
                self.each(|metric| {
                    Ok(Some(match metric {
                        Metric::TopFiveAccuracy => {
                            multi_class::top_k_accuracy(outputs, &truth, units, 5)?
                        }
                        Metric::MacroF1 => multi_class::macro_f1(outputs, &truth, units)?,
                        Metric::LogLoss => multi_class::log_loss(outputs, &truth, units)?,
                        _ => multi_class::accuracy(outputs, &truth, units)?,
                    }))
                })
            }
            TaskKind::Binary => {
                let truth = yes_or_no(targets)?;
                let decided = decided(outputs, thresholds, &truth, 1)?;
                self.each(|metric| {
                    Ok(match metric {
                        Metric::RocAuc => binary::roc_auc(outputs, &truth)?,
                        Metric::PrAuc => binary::average_precision(outputs, &truth)?,
                        Metric::F1 => Some(binary::f1(&decided, &truth)?),
                        Metric::LogLoss => Some(binary::log_loss(outputs, &truth)?),
                        Metric::BrierScore => Some(binary::brier_score(outputs, &truth)?),
                        _ => Some(binary::accuracy(&decided, &truth)?),
                    })
                })
            }
            TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                let decided = decided(outputs, thresholds, &truth, units)?;
                self.each(|metric| {
                    Ok(match metric {
                        Metric::MicroF1 => Some(multi_label::micro_f1(&decided, &truth, units)?),
                        Metric::MacroF1 => Some(multi_label::macro_f1(&decided, &truth, units)?),
                        Metric::SubsetAccuracy => {
                            Some(multi_label::subset_accuracy(&decided, &truth, units)?)
                        }
                        Metric::HammingLoss => {
                            Some(multi_label::hamming_loss(&decided, &truth, units)?)
                        }
                        _ => multi_label::mean_average_precision(outputs, &truth, units)?.value,
                    })
                })
            }
            TaskKind::Regression => {
                let truth = targets.values();
                self.each(|metric| {
                    Ok(match metric {
                        Metric::Rmse => {
                            let rmse = regression::root_mean_squared_error(outputs, truth, units)?;
                            Some(mean(&rmse))
                        }
                        Metric::RSquared => {
                            let r2 = regression::r_squared(outputs, truth, units)?;
                            let defined: Option<Vec<f64>> = r2.into_iter().collect();
                            defined.map(|values| mean(&values))
                        }
                        _ => Some(mean(&regression::mean_absolute_error(
                            outputs, truth, units,
                        )?)),
                    })
                })
            }
        }
    }

    /// What stands behind the metrics.
    fn detail(
        &self,
        outputs: &[f32],
        thresholds: &Thresholds,
        targets: &Targets,
    ) -> Result<Detail, MetricError> {
        let units = self.units();
        Ok(match self.kind() {
            TaskKind::MultiClass => {
                let truth = classes(targets)?;
                let confusion = if units <= Detail::CONFUSION_LIMIT {
                    multi_class::confusion_matrix(outputs, &truth, units)?
                } else {
                    Vec::new()
                };
                let classes = multi_class::per_class(outputs, &truth, units)?;
                Detail::MultiClass { classes, confusion }
            }
            TaskKind::Binary => {
                let truth = yes_or_no(targets)?;
                let mut confusion = vec![vec![0; 2]; 2];
                let decided = decided(outputs, thresholds, &truth, 1)?;
                for (&answer, &truth) in decided.iter().zip(&truth) {
                    confusion[usize::from(truth)][usize::from(answer > 0.5)] += 1;
                }
                Detail::Binary {
                    confusion,
                    roc: binary::roc_curve(outputs, &truth)?.unwrap_or_default(),
                    precision_recall: binary::precision_recall_curve(outputs, &truth)?
                        .unwrap_or_default(),
                }
            }
            TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                let decided = decided(outputs, thresholds, &truth, units)?;
                let ranked = multi_label::per_label(outputs, &truth, units)?;
                let mut labels = multi_label::per_label(&decided, &truth, units)?;
                for (label, ranked) in labels.iter_mut().zip(ranked) {
                    label.average_precision = ranked.average_precision;
                }
                Detail::MultiLabel { labels }
            }
            TaskKind::Regression => {
                let truth = targets.values();
                let mae = regression::mean_absolute_error(outputs, truth, units)?;
                let rmse = regression::root_mean_squared_error(outputs, truth, units)?;
                let r2 = regression::r_squared(outputs, truth, units)?;
                let targets = mae.iter().zip(&rmse).zip(&r2);
                Detail::Regression {
                    targets: targets
                        .map(|((&mae, &rmse), &r2)| TargetScores { mae, rmse, r2 })
                        .collect(),
                }
            }
        })
    }

    /// The targets must have the task's columns.
    pub(crate) fn expect_columns(&self, targets: &Targets) -> Result<(), MetricError> {
        match targets.columns() == self.target_columns() {
            true => Ok(()),
            false => Err(MetricError::TargetColumns {
                expected: self.target_columns(),
                found: targets.columns(),
            }),
        }
    }

    fn each(
        &self,
        value: impl Fn(Metric) -> Result<Option<f64>, MetricError>,
    ) -> Result<Vec<(Metric, Option<f64>)>, MetricError> {
        let metrics = self.metrics().into_iter();
        metrics.map(|metric| Ok((metric, value(metric)?))).collect()
    }
}

/// Answers 1 and 0, which metrics that cut at 0.5 read as the thresholds mean them; outputs are
/// checked first, since a NaN would be a plain no.
fn decided(
    outputs: &[f32],
    thresholds: &Thresholds,
    truth: &[u8],
    units: usize,
) -> Result<Vec<f32>, MetricError> {
    independent(outputs, truth, units)?;
    Ok(thresholds.decide(outputs))
}

pub(crate) fn classes(targets: &Targets) -> Result<Vec<u32>, MetricError> {
    convert(targets, "a class index", |value| {
        class_index(value).and_then(|class| u32::try_from(class).ok())
    })
}

pub(crate) fn yes_or_no(targets: &Targets) -> Result<Vec<u8>, MetricError> {
    convert(targets, "0 or 1", |value| match value {
        0.0 => Some(0),
        1.0 => Some(1),
        _ => None,
    })
}

fn convert<T>(
    targets: &Targets,
    expected: &'static str,
    read: impl Fn(f32) -> Option<T>,
) -> Result<Vec<T>, MetricError> {
    let values = targets.values().iter().enumerate();
    values
        .map(|(at, &value)| {
            read(value).ok_or(MetricError::NotATarget {
                expected,
                row: at / targets.columns(),
                column: at % targets.columns(),
                value,
            })
        })
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_headline_metric_of_every_kind_is_measured() {
        let tasks = [
            (
                Task::multi_class(["a", "b", "c"]).unwrap(),
                vec![0.5, 0.3, 0.2, 0.1, 0.8, 0.1, 0.0, 0.2, 0.8],
                vec![0.0, 1.0, 2.0],
            ),
            (
                Task::binary("a", "b").unwrap(),
                vec![0.2, 0.9],
                vec![0.0, 1.0],
            ),
            (
                Task::multi_label(["a", "b"]).unwrap(),
                vec![0.9, 0.2, 0.1, 0.8],
                vec![1.0, 0.0, 0.0, 1.0],
            ),
            (
                Task::regression(["a"]).unwrap(),
                vec![1.0, 2.0],
                vec![1.0, 2.0],
            ),
        ];
        for (task, outputs, truth) in tasks {
            let targets = Targets::new(task.target_columns(), truth);
            let scores = task.score(&outputs, &targets).unwrap();
            let measured: Vec<Metric> = scores.metrics.iter().map(|(m, _)| *m).collect();
            assert_eq!(measured, task.metrics());
            for (metric, value) in &scores.metrics {
                let perfect = match metric {
                    Metric::LogLoss | Metric::BrierScore => continue,
                    Metric::HammingLoss | Metric::Mae | Metric::Rmse => 0.0,
                    _ => 1.0,
                };
                assert_eq!(*value, Some(perfect), "{metric:?}");
            }
        }
    }

    #[test]
    fn targets_that_are_not_the_task_s_are_refused() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        for odd in [f32::NAN, -1.0, 0.5] {
            let error = task.score(&[0.2, 0.3, 0.5], &Targets::new(1, vec![odd]));
            assert!(matches!(error, Err(MetricError::NotATarget { row: 0, .. })));
        }
        let error = task.score(&[0.2, 0.3, 0.5], &Targets::new(1, vec![3.0]));
        assert!(matches!(error, Err(MetricError::UnknownClass { .. })));
        let task = Task::multi_label(["a", "b"]).unwrap();
        let cut_short = Targets::new(2, vec![1.0, 0.0, 1.0]);
        assert!(matches!(
            task.score(&[0.5; 4], &cut_short),
            Err(MetricError::NotATarget {
                row: 1,
                column: 1,
                ..
            })
        ));
        let narrow = Targets::new(1, vec![1.0, 0.0]);
        assert_eq!(
            task.score(&[0.5, 0.5], &narrow),
            Err(MetricError::TargetColumns {
                expected: 2,
                found: 1
            })
        );
    }

    #[test]
    fn several_targets_are_judged_by_their_mean_r_squared() {
        let task = Task::regression(["width", "price"]).unwrap();
        let truth = Targets::new(2, vec![1.0, 1000.0, 2.0, 2000.0, 3.0, 3000.0]);
        let outputs = [1.0, 2000.0, 2.0, 2000.0, 3.0, 2000.0];
        let scores = task.score(&outputs, &truth).unwrap();
        assert_eq!(scores.metrics, [(Metric::RSquared, Some(0.5))]);
        let Detail::Regression { targets } = scores.detail else {
            panic!("a regression has targets");
        };
        assert_eq!((targets[0].mae, targets[0].r2), (0.0, Some(1.0)));
        assert_eq!(targets[1].r2, Some(0.0));
    }
}
