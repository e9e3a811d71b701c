//! The contract: one type from which the whole final layer follows.
//!
//! | task | final layer | trained with |
//! |---|---|---|
//! | multi-class | N ≥ 3 units, softmax | categorical cross-entropy |
//! | binary | 1 unit, sigmoid | binary cross-entropy |
//! | multi-label | L units, a sigmoid each | binary cross-entropy per label |
//! | regression | one linear unit per target | mean squared error |

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::labels::class_index;
use crate::{Activation, Loss, Metric, Targets, TaskKind};

/// Why a task cannot be made of the names given.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum TaskError {
    /// Too few names for the kind.
    #[error("a {kind} task needs {needed}, found {found}")]
    #[diagnostic(help("{way_out}"))]
    TooFewNames {
        /// The kind asked for.
        kind: TaskKind,
        /// How many names it needs, in words.
        needed: &'static str,
        /// How many were given.
        found: usize,
        /// What to do instead.
        way_out: &'static str,
    },
    /// A name stands twice.
    #[error("the name `{0}` stands twice among the names of a task")]
    #[diagnostic(help("give each class, label or target a name of its own"))]
    DuplicateName(String),
    /// A name is empty.
    #[error("a class, label or target has an empty name")]
    #[diagnostic(help("give each class, label or target a name"))]
    EmptyName,
    /// No such kind of task.
    #[error("expected multi-class, binary, multi-label or regression, found `{0}`")]
    #[diagnostic(help("leave the kind out to have it inferred from the labels"))]
    UnknownKind(String),
}

/// A task: the kind of question and the names that its answers use.
///
/// It can only be made by the constructors below, each of which fixes the whole final layer, so
/// a softmax over one unit or a categorical loss on independent labels cannot be put together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Record", into = "Record")]
pub struct Task {
    kind: TaskKind,
    names: Vec<String>,
}

/// [`Task`] as it is stored; reading goes through the constructors.
#[derive(Serialize, Deserialize)]
struct Record {
    kind: TaskKind,
    names: Vec<String>,
}

impl From<Task> for Record {
    fn from(task: Task) -> Self {
        Record {
            kind: task.kind,
            names: task.names,
        }
    }
}

impl TryFrom<Record> for Task {
    type Error = TaskError;

    fn try_from(record: Record) -> Result<Self, TaskError> {
        Task::new(record.kind, record.names)
    }
}

impl Task {
    /// One of three or more exclusive classes.
    ///
    /// # Errors
    /// Fewer than three names, an empty name, or a name given twice.
    pub fn multi_class<N: Into<String>>(
        classes: impl IntoIterator<Item = N>,
    ) -> Result<Self, TaskError> {
        Task::new(TaskKind::MultiClass, collect(classes))
    }

    /// One of two exclusive classes; the single output is the probability of `positive`.
    ///
    /// # Errors
    /// An empty name, or twice the same.
    pub fn binary(
        negative: impl Into<String>,
        positive: impl Into<String>,
    ) -> Result<Self, TaskError> {
        Task::new(TaskKind::Binary, vec![negative.into(), positive.into()])
    }

    /// Any subset of the labels, the empty one too.
    ///
    /// # Errors
    /// No name, an empty name, or a name given twice.
    pub fn multi_label<N: Into<String>>(
        labels: impl IntoIterator<Item = N>,
    ) -> Result<Self, TaskError> {
        Task::new(TaskKind::MultiLabel, collect(labels))
    }

    /// One number per target.
    ///
    /// # Errors
    /// No name, an empty name, or a name given twice.
    pub fn regression<N: Into<String>>(
        targets: impl IntoIterator<Item = N>,
    ) -> Result<Self, TaskError> {
        Task::new(TaskKind::Regression, collect(targets))
    }

    fn new(kind: TaskKind, names: Vec<String>) -> Result<Self, TaskError> {
        let (enough, needed, way_out) = match kind {
            TaskKind::MultiClass => (
                names.len() >= 3,
                "three or more names",
                "two exclusive names make a binary task: one unit with a sigmoid",
            ),
            TaskKind::Binary => (
                names.len() == 2,
                "exactly two names",
                "three or more exclusive names make a multi-class task",
            ),
            TaskKind::MultiLabel => (!names.is_empty(), "a label", "name the labels"),
            TaskKind::Regression => (!names.is_empty(), "a target", "name the targets"),
        };
        if !enough {
            return Err(TaskError::TooFewNames {
                kind,
                needed,
                found: names.len(),
                way_out,
            });
        }
        let mut seen = BTreeSet::new();
        for name in &names {
            if name.is_empty() {
                return Err(TaskError::EmptyName);
            }
            if !seen.insert(name) {
                return Err(TaskError::DuplicateName(name.clone()));
            }
        }
        Ok(Task { kind, names })
    }

    /// The kind of task.
    pub fn kind(&self) -> TaskKind {
        self.kind
    }

    /// Classes, labels or targets, in the order of the outputs; for a binary task the negative
    /// class, then the positive one.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Units of the final layer.
    pub fn units(&self) -> usize {
        match self.kind {
            TaskKind::Binary => 1,
            TaskKind::MultiClass | TaskKind::MultiLabel | TaskKind::Regression => self.names.len(),
        }
    }

    /// Activation of the final layer.
    pub fn activation(&self) -> Activation {
        match self.kind {
            TaskKind::MultiClass => Activation::Softmax,
            TaskKind::Binary | TaskKind::MultiLabel => Activation::Sigmoid,
            TaskKind::Regression => Activation::Linear,
        }
    }

    /// Loss that the final layer is trained with.
    pub fn loss(&self) -> Loss {
        match self.kind {
            TaskKind::MultiClass => Loss::CategoricalCrossEntropy,
            TaskKind::Binary | TaskKind::MultiLabel => Loss::BinaryCrossEntropy,
            TaskKind::Regression => Loss::MeanSquaredError,
        }
    }

    /// Headline metrics, the first of which ranks models.
    ///
    /// Several targets have a unit each, so that only the mean of their R² says something of all;
    /// the errors of each are in [`Detail::Regression`](crate::Detail::Regression).
    pub fn metrics(&self) -> Vec<Metric> {
        match self.kind {
            TaskKind::MultiClass => {
                let mut metrics = vec![Metric::Accuracy, Metric::MacroF1, Metric::LogLoss];
                if self.names.len() >= 10 {
                    metrics.insert(1, Metric::TopFiveAccuracy);
                }
                metrics
            }
            TaskKind::Binary => vec![
                Metric::Accuracy,
                Metric::RocAuc,
                Metric::PrAuc,
                Metric::F1,
                Metric::LogLoss,
                Metric::BrierScore,
            ],
            TaskKind::MultiLabel => vec![
                Metric::MeanAveragePrecision,
                Metric::MicroF1,
                Metric::MacroF1,
                Metric::SubsetAccuracy,
                Metric::HammingLoss,
            ],
            TaskKind::Regression if self.names.len() > 1 => vec![Metric::RSquared],
            TaskKind::Regression => vec![Metric::Mae, Metric::Rmse, Metric::RSquared],
        }
    }

    /// Columns of a row of [`Targets`]: the class index for exclusive classes, otherwise one
    /// column per unit.
    pub fn target_columns(&self) -> usize {
        match self.kind {
            TaskKind::MultiClass | TaskKind::Binary => 1,
            TaskKind::MultiLabel | TaskKind::Regression => self.names.len(),
        }
    }

    /// The bias that the final layer starts from, `[units]`: the log prior of the training
    /// labels, so that the untrained network already answers with their frequencies; zero for
    /// numbers, which are trained standardised and whose mean is added behind the layer.
    ///
    /// Counts are smoothed by half an image, so a label that never occurs stays finite. Targets
    /// that are not the task's (NaN, a class that does not exist, a column that is missing) count
    /// for no class and as a label that does not hold; [`Task::score`] refuses them.
    pub fn initial_bias(&self, targets: &Targets) -> Vec<f32> {
        let rows = targets.rows() as f64;
        let log_odds = |positives: f64| ((positives + 0.5) / (rows - positives + 0.5)).ln() as f32;
        match self.kind {
            TaskKind::MultiClass => {
                let mut counts = vec![0.5_f64; self.names.len()];
                for row in targets.iter() {
                    let class = row.first().and_then(|&value| class_index(value));
                    if let Some(count) = class.and_then(|class| counts.get_mut(class)) {
                        *count += 1.0;
                    }
                }
                let total: f64 = counts.iter().sum();
                counts.iter().map(|c| (c / total).ln() as f32).collect()
            }
            TaskKind::Binary | TaskKind::MultiLabel => (0..self.units())
                .map(|unit| {
                    let holds = |row: &&[f32]| row.get(unit).is_some_and(|&value| value > 0.5);
                    log_odds(targets.iter().filter(holds).count() as f64)
                })
                .collect(),
            TaskKind::Regression => vec![0.0; self.names.len()],
        }
    }

    /// One sentence: the layer, its activation and its loss.
    ///
    /// ```
    /// # use finial_task::Task;
    /// let task = Task::binary("functional", "defective")?;
    /// assert_eq!(task.describe_final_layer(), "1 unit, sigmoid, binary cross-entropy");
    /// # Ok::<(), finial_task::TaskError>(())
    /// ```
    pub fn describe_final_layer(&self) -> String {
        let units = self.units();
        let plural = if units == 1 { "unit" } else { "units" };
        let each = match self.kind {
            TaskKind::MultiLabel if units > 1 => "a sigmoid each".to_owned(),
            _ => self.activation().to_string(),
        };
        format!("{units} {plural}, {each}, {}", self.loss())
    }
}

fn collect<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_the_final_layer_its_labels_call_for() {
        let layer = |task: Task| (task.units(), task.activation(), task.loss());
        assert_eq!(
            layer(Task::multi_class(["a", "b", "c"]).unwrap()),
            (3, Activation::Softmax, Loss::CategoricalCrossEntropy)
        );
        assert_eq!(
            layer(Task::binary("no", "yes").unwrap()),
            (1, Activation::Sigmoid, Loss::BinaryCrossEntropy)
        );
        assert_eq!(
            layer(Task::multi_label(["a", "b"]).unwrap()),
            (2, Activation::Sigmoid, Loss::BinaryCrossEntropy)
        );
        assert_eq!(
            layer(Task::regression(["price"]).unwrap()),
            (1, Activation::Linear, Loss::MeanSquaredError)
        );
    }

    #[test]
    fn two_classes_are_never_multi_class() {
        assert!(matches!(
            Task::multi_class(["a", "b"]),
            Err(TaskError::TooFewNames { found: 2, .. })
        ));
    }

    #[test]
    fn a_stored_task_is_checked_when_it_is_read() {
        let text = r#"{"kind":"multi-class","names":["a","a","b"]}"#;
        assert!(serde_json::from_str::<Task>(text).is_err());
        let text = r#"{"kind":"binary","names":["a","b","c"]}"#;
        assert!(serde_json::from_str::<Task>(text).is_err());
        let task = Task::binary("a", "b").unwrap();
        let again: Task = serde_json::from_str(&serde_json::to_string(&task).unwrap()).unwrap();
        assert_eq!(again, task);
    }

    #[test]
    fn multi_label_is_never_judged_by_argmax_accuracy() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        assert!(!task.metrics().contains(&Metric::Accuracy));
    }

    #[test]
    fn top_five_is_reported_from_ten_classes_on() {
        let names = |n: usize| (0..n).map(|i| i.to_string());
        let nine = Task::multi_class(names(9)).unwrap();
        let ten = Task::multi_class(names(10)).unwrap();
        assert!(!nine.metrics().contains(&Metric::TopFiveAccuracy));
        assert!(ten.metrics().contains(&Metric::TopFiveAccuracy));
    }

    #[test]
    fn targets_of_several_units_are_not_averaged() {
        let one = Task::regression(["width"]).unwrap();
        let two = Task::regression(["width", "price"]).unwrap();
        assert_eq!(one.metrics()[0], Metric::Mae);
        assert_eq!(two.metrics(), [Metric::RSquared]);
    }

    #[test]
    fn odd_targets_leave_the_bias_finite() {
        let tasks = [
            Task::multi_class(["a", "b", "c"]).unwrap(),
            Task::binary("a", "b").unwrap(),
            Task::multi_label(["a", "b"]).unwrap(),
            Task::regression(["a", "b"]).unwrap(),
        ];
        for task in tasks {
            for columns in 1..4 {
                let odd = vec![f32::NAN, -1.0, 7.0, f32::INFINITY, 0.5, 1.0];
                let bias = task.initial_bias(&Targets::new(columns, odd));
                assert_eq!(bias.len(), task.units());
                assert!(bias.iter().all(|b| b.is_finite()), "{task:?} {bias:?}");
            }
        }
    }

    #[test]
    fn a_class_that_is_none_counts_for_no_class() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let odd = Targets::new(1, vec![1.0, f32::NAN, -1.0]);
        assert_eq!(
            task.initial_bias(&odd),
            task.initial_bias(&Targets::new(1, vec![1.0]))
        );
    }

    #[test]
    fn the_bias_starts_at_the_log_prior() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let targets = Targets::new(1, vec![0.0, 0.0, 0.0, 1.0, 2.0, 2.0]);
        let bias = task.initial_bias(&targets);
        let total: f32 = bias.iter().map(|b| b.exp()).sum();
        assert!((total - 1.0).abs() < 1e-6);
        assert!((bias[0].exp() - 3.5 / 7.5).abs() < 1e-6);

        let task = Task::multi_label(["rare", "never"]).unwrap();
        let targets = Targets::new(2, vec![1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        let bias = task.initial_bias(&targets);
        assert!((bias[0] - (1.5_f32 / 3.5).ln()).abs() < 1e-6);
        assert!(bias[1].is_finite());
    }
}
