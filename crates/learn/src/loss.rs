//! The losses, from logits, in the form that stays finite.

use burn::tensor::{Int, Tensor, TensorData, activation};
use finial_task::{Loss, Targets, Task, TaskKind};

/// Logits and targets that do not belong together.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum LossError {
    /// Another number of rows, or none.
    #[error(
        "expected one row of targets per row of logits, at least one; found {targets} and {logits}"
    )]
    Rows {
        /// Rows of logits.
        logits: usize,
        /// Rows of targets.
        targets: usize,
    },
    /// Another number of columns.
    #[error("expected {expected} {what}, found {found}")]
    Columns {
        /// Logits or targets.
        what: &'static str,
        /// What the task needs.
        expected: usize,
        /// What was given.
        found: usize,
    },
    /// A target that the task cannot have.
    #[error("row {row} has the target {value}, which the task cannot have")]
    Target {
        /// The row, from 0.
        row: usize,
        /// The target.
        value: f32,
    },
}

/// The mean loss of a batch: the task's loss and no other.
///
/// For logits `x` and target `y`:
/// - categorical cross-entropy: `log Σ e^x − x_y`, mean over images;
/// - binary cross-entropy: `max(x, 0) − x·y + log(1 + e^−|x|)`, mean over images and labels;
/// - mean squared error: `(x − y)²`, mean over images and targets.
///
/// # Shapes
/// `logits [N, units]`, `targets [N, target columns]` (a class index for exclusive classes),
/// result `[1]`.
///
/// # Stability
/// Finite, with gradients that are right, for logits of ±10⁴ and at 0: the largest logit is
/// subtracted before the exponential, and no probability is ever formed.
///
/// # Errors
/// No rows, shapes that are not the task's, a class index that is none, a target that is NaN.
///
/// ```
/// use finial_engine::{Tensor, device};
/// use finial_learn::loss::mean_loss;
/// use finial_task::{Targets, Task};
///
/// let task = Task::multi_class(["a", "b", "c"])?;
/// let logits = Tensor::<2>::from_floats([[1e4, 0.0, -1e4]], &device::named("cpu")?);
/// let sure = mean_loss(&task, logits, &Targets::new(1, vec![0.0]))?;
/// assert_eq!(sure.into_scalar::<f32>(), 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// References: Goodfellow, Bengio and Courville, "Deep Learning", 2016, 6.2.2.
pub fn mean_loss(
    task: &Task,
    logits: Tensor<2>,
    targets: &Targets,
) -> Result<Tensor<1>, LossError> {
    check(task, logits.dims(), targets)?;
    let device = logits.device().without_autodiff();
    let shape = [targets.rows(), targets.columns()];
    Ok(match task.loss() {
        Loss::CategoricalCrossEntropy => {
            let classes: Vec<i64> = targets.values().iter().map(|&v| v as i64).collect();
            let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, shape), &device);
            activation::log_softmax(logits, 1)
                .gather(1, classes)
                .mean()
                .neg()
        }
        Loss::BinaryCrossEntropy => {
            let data = TensorData::new(targets.values().to_vec(), shape);
            let y = Tensor::<2>::from_data(data, &device);
            // softplus(x) − x·y, with softplus(x) = −log σ(−x) from Burn's stable form.
            let softplus = activation::log_sigmoid(logits.clone().neg()).neg();
            (softplus - logits * y).mean()
        }
        Loss::MeanSquaredError => {
            let data = TensorData::new(targets.values().to_vec(), shape);
            let apart = logits - Tensor::<2>::from_data(data, &device);
            (apart.clone() * apart).mean()
        }
    })
}

fn check(task: &Task, [rows, units]: [usize; 2], targets: &Targets) -> Result<(), LossError> {
    if rows == 0 || rows != targets.rows() {
        return Err(LossError::Rows {
            logits: rows,
            targets: targets.rows(),
        });
    }
    let columns = |what, expected, found| match expected == found {
        true => Ok(()),
        false => Err(LossError::Columns {
            what,
            expected,
            found,
        }),
    };
    columns("logits", task.units(), units)?;
    columns("targets", task.target_columns(), targets.columns())?;
    let classes = task.names().len() as f32;
    let possible = |value: f32| match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => {
            (0.0..classes).contains(&value) && value.fract() == 0.0
        }
        TaskKind::MultiLabel => value == 0.0 || value == 1.0,
        TaskKind::Regression => value.is_finite(),
    };
    for (row, values) in targets.iter().enumerate() {
        if let Some(&value) = values.iter().find(|&&value| !possible(value)) {
            return Err(LossError::Target { row, value });
        }
    }
    Ok(())
}
