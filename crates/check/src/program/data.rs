//! What is known of the labels from outside of the program.

use finial_task::{Inference, Task, TaskKind};

/// The task that the labels make. What is right for it, [`Task`] says and nobody else.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Data {
    pub task: Task,
    /// The smallest and the largest target of a regression.
    pub range: Option<(f64, f64)>,
    /// Where the labels are, as a sentence names it.
    pub place: String,
}

impl Data {
    /// What was inferred from labels.
    pub fn of_labels(inference: &Inference, place: &str) -> Self {
        let numbers = inference.targets.values().iter().map(|n| f64::from(*n));
        let numbers = numbers.filter(|number| number.is_finite());
        let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), n| {
            (low.min(n), high.max(n))
        });
        let regression = inference.task.kind() == TaskKind::Regression;
        Self {
            task: inference.task.clone(),
            range: (regression && low <= high).then_some((low, high)),
            place: format!("`{place}`"),
        }
    }

    /// What the model's own file says of its labels.
    pub fn of_file(task: Task) -> Self {
        Self {
            task,
            range: None,
            place: "this file".to_owned(),
        }
    }

    /// What it holds and calls for, as the beginning of a sentence.
    pub fn calls_for(&self) -> String {
        let names = self.task.names();
        let shown: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
        let more = if names.len() > shown.len() {
            ", …"
        } else {
            ""
        };
        format!(
            "the labels of {} are {} ({}{more}) and call for {}",
            self.place,
            self.task.kind(),
            shown.join(", "),
            self.task.describe_final_layer()
        )
    }
}
