//! Numbers that are probably wrong, by what a network says that did not learn from them.

use crate::metrics::MetricError;
use crate::metrics::inputs::continuous;
use crate::{Targets, Task, TaskKind};

/// Errors outside of the quartiles by so many times their distance are no usual ones: Tukey's outer
/// fence, which of normal errors one in 400,000 crosses.
const FENCE: f64 = 3.0;

/// A number that is probably wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct FarOff {
    /// The row.
    pub row: usize,
    /// The target: an index into [`Task::names`].
    pub target: usize,
    /// What is believed.
    pub predicted: f32,
    /// How far the error lies outside of the quartiles of all errors, in their distance.
    pub off_by: f32,
}

impl Task {
    /// The numbers that are far from what is said of them, the furthest first, from outputs
    /// `[N, units]` of networks that did not learn from these rows: errors beyond Tukey's outer
    /// fence. None for tasks other than regression.
    ///
    /// # Errors
    /// As [`Task::score`].
    ///
    /// # References
    /// Tukey, *Exploratory Data Analysis*, 1977.
    pub fn far_off(&self, outputs: &[f32], targets: &Targets) -> Result<Vec<FarOff>, MetricError> {
        if self.kind() != TaskKind::Regression {
            return Ok(Vec::new());
        }
        self.expect_columns(targets)?;
        let units = self.units();
        continuous(outputs, targets.values(), units)?;
        let mut found = Vec::new();
        for target in 0..units {
            let of = |values: &'_ [f32]| -> Vec<f64> {
                values
                    .iter()
                    .skip(target)
                    .step_by(units)
                    .map(|&v| f64::from(v))
                    .collect()
            };
            let (predicted, given) = (of(outputs), of(targets.values()));
            let errors: Vec<f64> = given.iter().zip(&predicted).map(|(y, p)| y - p).collect();
            let [low, high] = quartiles(&errors);
            let distance = high - low;
            for (row, (error, predicted)) in errors.iter().zip(predicted).enumerate() {
                let outside = (low - error).max(error - high);
                // Where nearly all errors are equal nothing is usual.
                if distance > 0.0 && outside > FENCE * distance {
                    found.push(FarOff {
                        row,
                        target,
                        predicted: predicted as f32,
                        off_by: (outside / distance) as f32,
                    });
                }
            }
        }
        found.sort_by(|a, b| b.off_by.total_cmp(&a.off_by).then(a.row.cmp(&b.row)));
        Ok(found)
    }
}

/// The values below which a quarter and three quarters lie.
fn quartiles(values: &[f64]) -> [f64; 2] {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    [0.25, 0.75].map(|share| {
        let at = share * sorted.len().saturating_sub(1) as f64;
        let [below, above] = [at.floor(), at.ceil()].map(|at| sorted.get(at as usize));
        match (below, above) {
            (Some(below), Some(above)) => below + (above - below) * at.fract(),
            _ => 0.0,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_far_from_what_is_said_of_it_is_found_and_a_usual_error_is_not() {
        let task = Task::regression(["mm", "grams"]).unwrap();
        let mut outputs = Vec::new();
        let mut given = Vec::new();
        for row in 0..40 {
            let wobble = (row % 5) as f32 / 10.0;
            outputs.extend([row as f32, 100.0]);
            given.extend([row as f32 + wobble, 100.0 - wobble]);
        }
        given[2 * 7] = 30.0;
        let found = task.far_off(&outputs, &Targets::new(2, given)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].row, found[0].target, found[0].predicted),
            (7, 0, 7.0)
        );
        assert!(found[0].off_by > 10.0, "{found:?}");
    }

    #[test]
    fn quartiles_are_those_of_numpy() {
        assert_eq!(quartiles(&[4.0, 1.0, 3.0, 2.0]), [1.75, 3.25]);
    }

    #[test]
    fn classes_are_not_far_off_and_equal_errors_are_not_either() {
        let task = Task::binary("no", "yes").unwrap();
        assert_eq!(
            task.far_off(&[0.9], &Targets::new(1, vec![0.0])),
            Ok(Vec::new())
        );
        let task = Task::regression(["n"]).unwrap();
        let targets = Targets::new(1, vec![1.0, 1.0, 1.0, 9.0]);
        assert_eq!(task.far_off(&[1.0; 4], &targets), Ok(Vec::new()));
        assert!(task.far_off(&[1.0; 3], &targets).is_err());
    }
}
