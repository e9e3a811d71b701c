//! The losses, from logits, in the form that stays finite.

use burn::tensor::{Int, Tensor, TensorData, activation};
use finial_task::{Loss, Targets, Task, TaskKind};
use serde::{Deserialize, Serialize};

use crate::LearnError;

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
    weighted_loss(task, &LossShape::default(), logits, targets)
}

/// [`mean_loss`] with weights and focus: each loss `ℓ` of a target becomes `w · (1 − p)^γ · ℓ`, where
/// `p` is the probability of what is the case.
///
/// Of exclusive classes the mean is over the weights, as PyTorch's `CrossEntropyLoss(weight)` has
/// it; of labels it is over images and labels, and only the loss of a label that holds is weighed,
/// as in `BCEWithLogitsLoss(pos_weight)`. Numbers have neither.
///
/// # Errors
/// As [`mean_loss`].
pub fn weighted_loss(
    task: &Task,
    shaped: &LossShape,
    logits: Tensor<2>,
    targets: &Targets,
) -> Result<Tensor<1>, LossError> {
    check(task, logits.dims(), targets)?;
    let device = logits.device().without_autodiff();
    let shape = [targets.rows(), targets.columns()];
    let of_values =
        |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, shape), &device);
    // −log p of what is the case, one per image or per label.
    let losses = match task.loss() {
        Loss::CategoricalCrossEntropy => {
            let classes: Vec<i64> = targets.values().iter().map(|&v| v as i64).collect();
            let classes = Tensor::<2, Int>::from_data(TensorData::new(classes, shape), &device);
            activation::log_softmax(logits, 1).gather(1, classes).neg()
        }
        Loss::BinaryCrossEntropy => {
            let y = of_values(targets.values().to_vec());
            // softplus(x) − x·y, with softplus(x) = −log σ(−x) from Burn's stable form.
            let softplus = activation::log_sigmoid(logits.clone().neg()).neg();
            softplus - logits * y
        }
        Loss::MeanSquaredError => {
            let apart = logits - of_values(targets.values().to_vec());
            return Ok((apart.clone() * apart).mean());
        }
    };
    let losses = match shaped.focus > 0.0 {
        // 1 − e^−ℓ is the probability that was given to something else.
        true => {
            let missed = losses.clone().neg().exp().neg().add_scalar(1.0);
            missed
                .clamp_min(f32::MIN_POSITIVE)
                .powf_scalar(shaped.focus)
                * losses
        }
        false => losses,
    };
    let Some(weights) = shaped.weights_of(task, targets) else {
        return Ok(losses.mean());
    };
    let total = match task.kind() {
        TaskKind::MultiLabel => targets.values().len() as f32,
        _ => weights.iter().sum(),
    };
    Ok((losses * of_values(weights))
        .sum()
        .div_scalar(total.max(f32::MIN_POSITIVE)))
}

/// What a user may choose about the loss. Calibration undoes what it does to the probabilities.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LossOptions {
    /// How much the classes or labels weigh.
    pub weights: ClassWeights,
    /// The exponent γ of the focal loss, which turns to the images that are hard; 0 for none.
    ///
    /// Lin, Goyal, Girshick, He and Dollár, "Focal loss for dense object detection", 2017.
    pub focus: f64,
}

/// How much classes or labels weigh in the loss.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// As often as they occur.
    #[default]
    Off,
    /// All alike: a class weighs `images / (classes · its images)`, a label that holds as much as
    /// all images without it, at most 100 times as much as without weights.
    Auto,
    /// As given, by name; what is not named weighs 1.
    Given(Vec<(String, f64)>),
}

impl LossOptions {
    /// Refuses settings that cannot work, before the task is known.
    ///
    /// # Errors
    /// Names the setting, its range and what was given.
    pub fn check(&self) -> Result<(), LearnError> {
        let setting = |expected, found: f64| {
            Err(LearnError::Setting {
                expected,
                found: found.to_string(),
            })
        };
        if !(0.0..=10.0).contains(&self.focus) {
            return setting("a focus of 0 to 10", self.focus);
        }
        if let ClassWeights::Given(given) = &self.weights {
            let wrong = given.iter().find(|(_, w)| !(*w > 0.0 && w.is_finite()));
            if let Some((_, weight)) = wrong {
                return setting("a class weight above 0", *weight);
            }
        }
        Ok(())
    }

    /// The loss for a task, from the targets of its training images.
    ///
    /// # Errors
    /// A weight is given for a name that the task does not have, or for numbers.
    pub fn of(&self, task: &Task, targets: &Targets) -> Result<LossShape, LearnError> {
        let weights = match &self.weights {
            ClassWeights::Off => Vec::new(),
            ClassWeights::Auto => balanced(task, targets),
            ClassWeights::Given(given) => {
                let mut weights = vec![1.0; task.names().len()];
                for (name, weight) in given {
                    let at = task.names().iter().position(|known| known == name);
                    let place = at.and_then(|at| weights.get_mut(at));
                    match (place, task.kind()) {
                        (Some(place), kind) if kind != TaskKind::Regression => {
                            *place = *weight as f32;
                        }
                        _ => {
                            return Err(LearnError::Setting {
                                expected: "class weights for classes or labels of the data",
                                found: name.clone(),
                            });
                        }
                    }
                }
                weights
            }
        };
        Ok(LossShape {
            weights,
            focus: self.focus as f32,
        })
    }
}

/// Weights under which all classes, or each label and its absence, weigh alike.
fn balanced(task: &Task, targets: &Targets) -> Vec<f32> {
    const MOST: f32 = 100.0;
    let images = targets.rows() as f32;
    let count = |so: &dyn Fn(&[f32]) -> bool| targets.iter().filter(|row| so(row)).count() as f32;
    let names = task.names().len();
    match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => (0..names)
            .map(
                |class| match count(&|row| row.first() == Some(&(class as f32))) {
                    0.0 => 1.0,
                    found => (images / (names as f32 * found)).min(MOST),
                },
            )
            .collect(),
        TaskKind::MultiLabel => (0..names)
            .map(|label| match count(&|row| row.get(label) == Some(&1.0)) {
                0.0 => 1.0,
                found => ((images - found) / found).clamp(1.0 / MOST, MOST),
            })
            .collect(),
        TaskKind::Regression => Vec::new(),
    }
}

/// A loss with its numbers: weights in the order of the task's names, none for all alike.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LossShape {
    weights: Vec<f32>,
    focus: f32,
}

impl LossShape {
    /// Whether it is the task's loss as it is.
    pub(crate) fn is_plain(&self) -> bool {
        self.weights.is_empty() && self.focus == 0.0
    }

    /// What the mean loss of these targets weighs among others: their number, or, where classes
    /// have weights, the sum of those.
    pub(crate) fn mass(&self, task: &Task, targets: &Targets) -> f64 {
        match (task.kind(), self.weights_of(task, targets)) {
            (TaskKind::MultiClass | TaskKind::Binary, Some(weights)) => {
                weights.iter().map(|&weight| f64::from(weight)).sum()
            }
            _ => targets.rows() as f64,
        }
    }

    /// The weight of each loss; `None` where all weigh alike.
    fn weights_of(&self, task: &Task, targets: &Targets) -> Option<Vec<f32>> {
        if self.weights.is_empty() {
            return None;
        }
        let columns = targets.columns();
        let weight = |index: usize| self.weights.get(index).copied().unwrap_or(1.0);
        let values = targets.values().iter();
        Some(match task.kind() {
            TaskKind::MultiLabel => values
                .enumerate()
                .map(|(at, &y)| if y > 0.5 { weight(at % columns) } else { 1.0 })
                .collect(),
            _ => values.map(|&class| weight(class as usize)).collect(),
        })
    }
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
