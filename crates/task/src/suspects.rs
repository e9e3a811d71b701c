//! Labels that are probably wrong, by what a network says that did not learn from them.
//!
//! Confident learning: a class is believed of an image from the mean probability on that class's
//! own images on, so a class that the network is never sure of is believed more easily. An image
//! of which another class is believed than the one it was given is a suspect.
//!
//! Northcutt, Jiang and Chuang, *Confident learning: estimating uncertainty in dataset labels*,
//! 2021; cleanlab, `find_label_issues(filter_by="confident_learning")`.

use crate::metrics::MetricError;
use crate::metrics::inputs::{exclusive, independent, index};
use crate::score::{classes, yes_or_no};
use crate::{Targets, Task, TaskKind};

/// A label that is probably wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// The row.
    pub row: usize,
    /// The label that is in doubt: an index into [`Task::names`]; for classes the one given.
    pub label: usize,
    /// What is believed: for classes another index into the names, for labels `label` itself.
    pub believed: usize,
    /// The probability that the given label got, of a missing label that of its absence.
    pub given: f32,
}

/// cleanlab's margins: rounding must not decide.
const SLACK: f64 = 1e-6;

impl Task {
    /// The rows whose labels are probably wrong, the least probable label first, from outputs
    /// `[N, units]` of networks that did not learn from these rows. For labels that occur together
    /// each label is a question of its own. Numbers have no suspects.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn suspects(
        &self,
        outputs: &[f32],
        targets: &Targets,
    ) -> Result<Vec<Suspect>, MetricError> {
        self.expect_columns(targets)?;
        let units = self.units();
        let mut found = match self.kind() {
            TaskKind::MultiClass => suspects(outputs, &classes(targets)?, units)?,
            TaskKind::Binary | TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                independent(outputs, &truth, units)?;
                let mut found = Vec::new();
                for unit in 0..units {
                    let column = outputs.iter().skip(unit).step_by(units);
                    let pairs: Vec<f32> = column.flat_map(|&p| [1.0 - p, p]).collect();
                    let given: Vec<u32> = truth
                        .iter()
                        .skip(unit)
                        .step_by(units)
                        .map(|&y| u32::from(y))
                        .collect();
                    let of_unit = suspects(&pairs, &given, 2)?;
                    found.extend(of_unit.into_iter().map(|suspect| match self.kind() {
                        TaskKind::Binary => suspect,
                        _ => Suspect {
                            label: unit,
                            believed: unit,
                            ..suspect
                        },
                    }));
                }
                found
            }
            TaskKind::Regression => Vec::new(),
        };
        found.sort_by(|a, b| a.given.total_cmp(&b.given).then(a.row.cmp(&b.row)));
        Ok(found)
    }
}

/// Suspects among exclusive classes, in the order of rows.
fn suspects(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<Vec<Suspect>, MetricError> {
    exclusive(probabilities, targets, classes)?;
    let believed_from = self_confidence(probabilities, targets, classes);
    let rows = probabilities.chunks_exact(classes).zip(targets).enumerate();
    let suspect = |(row, (values, &given)): (usize, (&[f32], &u32))| {
        let given = index(given);
        let mut believed =
            (0..classes).filter(|&c| f64::from(values[c]) >= believed_from[c] - SLACK);
        let first = believed.next()?;
        let most = (0..classes).fold(0, |best, c| if values[c] > values[best] { c } else { best });
        // Of several the most probable class of all is meant.
        let believed = if believed.next().is_some() {
            most
        } else {
            first
        };
        (believed != given && most != given).then(|| Suspect {
            row,
            label: given,
            believed,
            given: values[given],
        })
    };
    Ok(rows.filter_map(suspect).collect())
}

/// For each class the mean probability that its own rows give it; out of reach without rows.
fn self_confidence(probabilities: &[f32], targets: &[u32], classes: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0u64); classes];
    for (row, &target) in probabilities.chunks_exact(classes).zip(targets) {
        let (sum, rows) = &mut sums[index(target)];
        *sum += f64::from(row[index(target)]);
        *rows += 1;
    }
    let mean = |(sum, rows): (f64, u64)| match rows {
        0 => f64::INFINITY,
        rows => (sum / rows as f64).max(SLACK),
    };
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_the_network_is_sure_against_is_a_suspect() {
        let task = Task::binary("no", "yes").unwrap();
        let outputs = [0.1, 0.2, 0.9, 0.8, 0.95];
        let targets = Targets::new(1, vec![0.0, 0.0, 1.0, 1.0, 0.0]);
        let found = task.suspects(&outputs, &targets).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].row, found[0].label, found[0].believed), (4, 0, 1));
    }

    #[test]
    fn each_label_is_a_question_of_its_own() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        let outputs = [0.9, 0.1, 0.9, 0.1, 0.1, 0.9, 0.05, 0.9];
        let targets = Targets::new(2, vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let found = task.suspects(&outputs, &targets).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].row, found[0].label), (3, 0));
    }

    #[test]
    fn numbers_have_no_suspects_and_bad_inputs_are_refused() {
        let task = Task::regression(["a"]).unwrap();
        let targets = Targets::new(1, vec![0.0]);
        assert_eq!(task.suspects(&[1.0], &targets), Ok(Vec::new()));
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        assert!(task.suspects(&[0.5, 0.5], &targets).is_err());
        assert!(task.suspects(&[], &Targets::new(1, vec![])).is_err());
    }
}
