//! How good the outputs are: the metrics of a task on one split, and the evidence behind them.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::labels::class_index;
use crate::metrics::binary::{self, PrecisionRecallPoint, RocPoint};
use crate::metrics::multi_class::{self, ClassScores};
use crate::metrics::multi_label::{self, LabelScores};
use crate::metrics::{MetricError, regression};
use crate::{Metric, Targets, Task, TaskKind};

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

    /// Headline metrics by key, as JSON documents carry them.
    pub fn by_key(&self) -> BTreeMap<&'static str, Option<f64>> {
        self.metrics.iter().map(|(m, v)| (m.key(), *v)).collect()
    }
}

impl Task {
    /// Scores the network's outputs (`[N, units]`, behind the activation) against `targets`.
    ///
    /// # Errors
    /// No rows, counts that differ, outputs that are not finite or not probabilities, or targets
    /// that are not the task's.
    pub fn score(&self, outputs: &[f32], targets: &Targets) -> Result<Scores, MetricError> {
        let units = self.units();
        if targets.columns() != self.target_columns() {
            return Err(MetricError::TargetColumns {
                expected: self.target_columns(),
                found: targets.columns(),
            });
        }
        let (values, detail) = match self.kind() {
            TaskKind::MultiClass => {
                let truth = classes(targets)?;
                let values = self.measure(|metric| {
                    Ok(Some(match metric {
                        Metric::TopFiveAccuracy => {
                            multi_class::top_k_accuracy(outputs, &truth, units, 5)?
                        }
                        Metric::MacroF1 => multi_class::macro_f1(outputs, &truth, units)?,
                        Metric::LogLoss => multi_class::log_loss(outputs, &truth, units)?,
                        _ => multi_class::accuracy(outputs, &truth, units)?,
                    }))
                })?;
                let confusion = if units <= Detail::CONFUSION_LIMIT {
                    multi_class::confusion_matrix(outputs, &truth, units)?
                } else {
                    Vec::new()
                };
                let classes = multi_class::per_class(outputs, &truth, units)?;
                (values, Detail::MultiClass { classes, confusion })
            }
            TaskKind::Binary => {
                let truth = yes_or_no(targets)?;
                let values = self.measure(|metric| {
                    Ok(match metric {
                        Metric::RocAuc => binary::roc_auc(outputs, &truth)?,
                        Metric::PrAuc => binary::average_precision(outputs, &truth)?,
                        Metric::F1 => Some(binary::f1(outputs, &truth)?),
                        Metric::LogLoss => Some(binary::log_loss(outputs, &truth)?),
                        Metric::BrierScore => Some(binary::brier_score(outputs, &truth)?),
                        _ => Some(binary::accuracy(outputs, &truth)?),
                    })
                })?;
                let mut confusion = vec![vec![0; 2]; 2];
                for (&output, &truth) in outputs.iter().zip(&truth) {
                    let answer = usize::from(output >= Task::THRESHOLD);
                    confusion[usize::from(truth)][answer] += 1;
                }
                let detail = Detail::Binary {
                    confusion,
                    roc: binary::roc_curve(outputs, &truth)?.unwrap_or_default(),
                    precision_recall: binary::precision_recall_curve(outputs, &truth)?
                        .unwrap_or_default(),
                };
                (values, detail)
            }
            TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                let values = self.measure(|metric| {
                    Ok(match metric {
                        Metric::MicroF1 => Some(multi_label::micro_f1(outputs, &truth, units)?),
                        Metric::MacroF1 => Some(multi_label::macro_f1(outputs, &truth, units)?),
                        Metric::SubsetAccuracy => {
                            Some(multi_label::subset_accuracy(outputs, &truth, units)?)
                        }
                        Metric::HammingLoss => {
                            Some(multi_label::hamming_loss(outputs, &truth, units)?)
                        }
                        _ => multi_label::mean_average_precision(outputs, &truth, units)?.value,
                    })
                })?;
                let labels = multi_label::per_label(outputs, &truth, units)?;
                (values, Detail::MultiLabel { labels })
            }
            TaskKind::Regression => {
                let truth = targets.values();
                let mae = regression::mean_absolute_error(outputs, truth, units)?;
                let rmse = regression::root_mean_squared_error(outputs, truth, units)?;
                let r2 = regression::r_squared(outputs, truth, units)?;
                let values = self.measure(|metric| {
                    Ok(match metric {
                        Metric::Rmse => Some(mean(&rmse)),
                        Metric::RSquared => {
                            let defined: Option<Vec<f64>> = r2.iter().copied().collect();
                            defined.map(|values| mean(&values))
                        }
                        _ => Some(mean(&mae)),
                    })
                })?;
                let targets = mae.iter().zip(&rmse).zip(&r2);
                let targets = targets
                    .map(|((&mae, &rmse), &r2)| TargetScores { mae, rmse, r2 })
                    .collect();
                (values, Detail::Regression { targets })
            }
        };
        Ok(Scores {
            images: targets.rows(),
            metrics: values,
            detail,
        })
    }

    fn measure(
        &self,
        value: impl Fn(Metric) -> Result<Option<f64>, MetricError>,
    ) -> Result<Vec<(Metric, Option<f64>)>, MetricError> {
        let metrics = self.metrics().into_iter();
        metrics.map(|metric| Ok((metric, value(metric)?))).collect()
    }
}

fn classes(targets: &Targets) -> Result<Vec<u32>, MetricError> {
    convert(targets, "a class index", |value| {
        class_index(value).and_then(|class| u32::try_from(class).ok())
    })
}

fn yes_or_no(targets: &Targets) -> Result<Vec<u8>, MetricError> {
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
