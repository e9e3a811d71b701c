//! The pairings of activation and loss, right and wrong, for each kind of task.
//!
//! Losses are those of Keras, on probabilities and from logits, with its ε of 10⁻⁷: the mistakes are
//! made there, and PyTorch's losses are the same where they exist.

use burn::tensor::{Tensor, TensorData, activation};
use finial_task::{Targets, Task, TaskKind};

/// Keras's `backend.epsilon()`.
const EPSILON: f32 = 1e-7;

/// What is done to the final layer's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing.
    Linear,
    /// Positive, summing to 1.
    Softmax,
    /// Each between 0 and 1.
    Sigmoid,
    /// Negative numbers become 0.
    Relu,
    /// Each between −1 and 1.
    Tanh,
}

/// A loss, as Keras computes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairedLoss {
    /// `CategoricalCrossentropy`: divides by the sum, clips, then `−Σ y ln p`.
    Categorical,
    /// The same from logits.
    CategoricalFromLogits,
    /// `BinaryCrossentropy`: clips, then the mean of `−y ln p − (1 − y) ln (1 − p)`.
    Binary,
    /// The same from logits.
    BinaryFromLogits,
    /// The mean of the squared distance.
    Squared,
}

/// A final layer and a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pairing {
    /// In words.
    pub name: &'static str,
    /// What the loss is given.
    pub trained: End,
    /// The loss.
    pub loss: PairedLoss,
    /// What the model answers with.
    pub answered: End,
    /// Whether numbers are standardised before they are learned; of no matter for classes.
    pub standardised: bool,
    /// What it does, a clause without a full stop.
    pub why: &'static str,
}

const fn pairing(
    name: &'static str,
    trained: End,
    loss: PairedLoss,
    answered: End,
    why: &'static str,
) -> Pairing {
    Pairing {
        name,
        trained,
        loss,
        answered,
        standardised: false,
        why,
    }
}

const MULTI_CLASS: &[Pairing] = &[
    pairing(
        "softmax, categorical cross-entropy",
        End::Linear,
        PairedLoss::CategoricalFromLogits,
        End::Softmax,
        "The right one",
    ),
    pairing(
        "sigmoid, categorical cross-entropy",
        End::Sigmoid,
        PairedLoss::Categorical,
        End::Sigmoid,
        "The loss divides the sigmoids by their sum, so only their ratio is learned and none is a \
         probability",
    ),
    pairing(
        "sigmoid, binary cross-entropy",
        End::Linear,
        PairedLoss::BinaryFromLogits,
        End::Sigmoid,
        "Each class is a question of its own, so the answers need not sum to 1",
    ),
    pairing(
        "softmax, mean squared error",
        End::Softmax,
        PairedLoss::Squared,
        End::Softmax,
        "A sure mistake has hardly a slope, so it is hardly corrected",
    ),
    pairing(
        "softmax twice",
        End::Softmax,
        PairedLoss::CategoricalFromLogits,
        End::Softmax,
        "A loss from logits applies a softmax of its own to numbers between 0 and 1, so it can never \
         be content and drives the first softmax to 0 and 1",
    ),
    pairing(
        "no activation, categorical cross-entropy",
        End::Linear,
        PairedLoss::Categorical,
        End::Linear,
        "The loss takes logits for probabilities, divides them by a sum that may be 0, and cuts \
         off the slope of every negative one",
    ),
    pairing(
        "relu, categorical cross-entropy",
        End::Relu,
        PairedLoss::Categorical,
        End::Relu,
        "A class whose number is below 0 has probability 0 and no slope, so it cannot come back",
    ),
];

// Mistakes with sigmoids, which are the same for one question and for many.
const SIGMOID_SQUARED: Pairing = pairing(
    "sigmoid, mean squared error",
    End::Sigmoid,
    PairedLoss::Squared,
    End::Sigmoid,
    "A sure mistake has hardly a slope, so it is hardly corrected",
);

const SIGMOID_TWICE: Pairing = pairing(
    "sigmoid twice",
    End::Sigmoid,
    PairedLoss::BinaryFromLogits,
    End::Sigmoid,
    "A loss from logits applies a sigmoid of its own, to numbers between 0 and 1, so it never \
     sees a no below one half",
);

const NO_ACTIVATION: Pairing = pairing(
    "no activation, binary cross-entropy",
    End::Linear,
    PairedLoss::Binary,
    End::Linear,
    "The loss takes logits for probabilities, and those below 0 or above 1 have no slope",
);

const BINARY: &[Pairing] = &[
    pairing(
        "sigmoid, binary cross-entropy",
        End::Linear,
        PairedLoss::BinaryFromLogits,
        End::Sigmoid,
        "The right one",
    ),
    pairing(
        "softmax over one unit, binary cross-entropy",
        End::Softmax,
        PairedLoss::Binary,
        End::Softmax,
        "A softmax over one unit is always 1, so every image is answered yes and nothing is learned",
    ),
    pairing(
        "sigmoid, categorical cross-entropy",
        End::Sigmoid,
        PairedLoss::Categorical,
        End::Sigmoid,
        "The loss divides the one unit by itself, which gives 1 whatever the image, so there is \
         nothing to learn from",
    ),
    SIGMOID_SQUARED,
    SIGMOID_TWICE,
    NO_ACTIVATION,
    pairing(
        "relu, binary cross-entropy",
        End::Relu,
        PairedLoss::Binary,
        End::Relu,
        "What falls below 0 has no slope and stays there",
    ),
];

const MULTI_LABEL: &[Pairing] = &[
    pairing(
        "a sigmoid each, binary cross-entropy",
        End::Linear,
        PairedLoss::BinaryFromLogits,
        End::Sigmoid,
        "The right one",
    ),
    pairing(
        "softmax, categorical cross-entropy",
        End::Softmax,
        PairedLoss::Categorical,
        End::Softmax,
        "The labels share one probability, so an image cannot have two of them and cannot have none",
    ),
    pairing(
        "softmax, binary cross-entropy",
        End::Softmax,
        PairedLoss::Binary,
        End::Softmax,
        "The labels share one probability, so an image cannot have two of them and cannot have none",
    ),
    pairing(
        "sigmoid, categorical cross-entropy",
        End::Sigmoid,
        PairedLoss::Categorical,
        End::Sigmoid,
        "The loss looks at labels that hold only, so nothing keeps the others down",
    ),
    SIGMOID_SQUARED,
    SIGMOID_TWICE,
    NO_ACTIVATION,
];

const REGRESSION: &[Pairing] = &[
    Pairing {
        standardised: true,
        ..pairing(
            "linear, mean squared error",
            End::Linear,
            PairedLoss::Squared,
            End::Linear,
            "The right one",
        )
    },
    pairing(
        "linear, targets not standardised",
        End::Linear,
        PairedLoss::Squared,
        End::Linear,
        "The network has to learn the size of the numbers before it learns anything else",
    ),
    pairing(
        "relu, mean squared error",
        End::Relu,
        PairedLoss::Squared,
        End::Relu,
        "No number below 0 can be answered, and a unit that falls below 0 for all images has no \
         slope any more",
    ),
    pairing(
        "sigmoid, mean squared error",
        End::Sigmoid,
        PairedLoss::Squared,
        End::Sigmoid,
        "No number outside of 0 to 1 can be answered",
    ),
    pairing(
        "tanh, mean squared error",
        End::Tanh,
        PairedLoss::Squared,
        End::Tanh,
        "No number outside of −1 to 1 can be answered",
    ),
    pairing(
        "sigmoid, binary cross-entropy",
        End::Linear,
        PairedLoss::BinaryFromLogits,
        End::Sigmoid,
        "The loss takes numbers for probabilities, and for one above 1 it has no lowest value",
    ),
];

impl Pairing {
    /// The pairings of a kind of task; the right one first.
    pub fn of(kind: TaskKind) -> &'static [Pairing] {
        match kind {
            TaskKind::MultiClass => MULTI_CLASS,
            TaskKind::Binary => BINARY,
            TaskKind::MultiLabel => MULTI_LABEL,
            TaskKind::Regression => REGRESSION,
        }
    }

    /// The mean loss of a batch, from the final layer's numbers.
    pub(super) fn mean_loss(
        &self,
        task: &Task,
        numbers: Tensor<2>,
        targets: &Targets,
    ) -> Tensor<1> {
        let device = numbers.device().without_autodiff();
        let units = task.units();
        let shape = [targets.rows(), units];
        let y = match task.kind() {
            TaskKind::MultiClass => one_hot(targets, units),
            _ => targets.values().to_vec(),
        };
        let y = Tensor::<2>::from_data(TensorData::new(y, shape), &device);
        let given = self.trained.apply(numbers);
        match self.loss {
            PairedLoss::Squared => (given - y).powi_scalar(2).mean(),
            PairedLoss::CategoricalFromLogits => (activation::log_softmax(given, 1) * y)
                .sum_dim(1)
                .mean()
                .neg(),
            PairedLoss::Categorical => {
                let shares = given.clone() / given.sum_dim(1);
                let shares = shares.clamp(EPSILON, 1.0 - EPSILON);
                (shares.log() * y).sum_dim(1).mean().neg()
            }
            PairedLoss::BinaryFromLogits => {
                let softplus = activation::log_sigmoid(given.clone().neg()).neg();
                (softplus - given * y).mean()
            }
            PairedLoss::Binary => {
                let p = given.clamp(EPSILON, 1.0 - EPSILON);
                let yes = p.clone().log() * y.clone();
                let no = p.neg().add_scalar(1.0).log() * y.neg().add_scalar(1.0);
                (yes + no).mean().neg()
            }
        }
    }
}

impl End {
    /// The activation.
    pub(super) fn apply(self, numbers: Tensor<2>) -> Tensor<2> {
        match self {
            End::Linear => numbers,
            End::Softmax => activation::softmax(numbers, 1),
            End::Sigmoid => activation::sigmoid(numbers),
            End::Relu => activation::relu(numbers),
            End::Tanh => activation::tanh(numbers),
        }
    }
}

fn one_hot(targets: &Targets, classes: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let class = row.first().map(|&class| class as usize);
        (0..classes).map(move |at| f32::from(u8::from(class == Some(at))))
    };
    targets.iter().flat_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use finial_engine::device;

    fn loss(pairing: &Pairing, task: &Task, numbers: &[f32], targets: &[f32]) -> f32 {
        let device = device::named("cpu").unwrap();
        let targets = Targets::new(task.target_columns(), targets.to_vec());
        let numbers = Tensor::<1>::from_floats(numbers, &device);
        let numbers = numbers.reshape([targets.rows(), task.units()]);
        pairing
            .mean_loss(task, numbers, &targets)
            .into_scalar::<f32>()
    }

    /// Values of Keras 3.15.1 on PyTorch, for logits 1, 2, −1 and 1.5, 0.3, −2:
    /// `keras.losses.CategoricalCrossentropy()(y, keras.ops.sigmoid(x))` and the like.
    #[test]
    fn losses_on_what_is_no_probability_are_keras_s() {
        let close = |name: &str, found: f32, expected: f32| {
            assert!(
                (found - expected).abs() < 1e-5 * expected.max(1.0),
                "{name} {found}"
            );
        };
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        for (at, expected) in [
            (1, 0.758_623_7),
            (4, 0.766_317_84),
            (5, 1.19e-7),
            (6, 0.405_465_1),
        ] {
            let pairing = &MULTI_CLASS[at];
            close(
                pairing.name,
                loss(pairing, &task, &[1.0, 2.0, -1.0], &[1.0]),
                expected,
            );
        }
        let task = Task::multi_label(["a", "b", "c"]).unwrap();
        for (at, expected) in [
            (1, 4.072_449),
            (2, 1.442_974_6),
            (3, 3.154_175_8),
            (6, 5.491_59),
        ] {
            let pairing = &MULTI_LABEL[at];
            let found = loss(pairing, &task, &[1.5, 0.3, -2.0], &[1.0, 0.0, 1.0]);
            close(pairing.name, found, expected);
        }
    }

    #[test]
    fn one_unit_under_a_softmax_or_a_categorical_loss_has_nothing_to_learn() {
        let task = Task::binary("no", "yes").unwrap();
        for at in [1, 2] {
            let one = loss(&BINARY[at], &task, &[-3.0], &[1.0]);
            let other = loss(&BINARY[at], &task, &[5.0], &[1.0]);
            assert_eq!(one, other, "{}", BINARY[at].name);
        }
    }

    #[test]
    fn the_right_pairing_has_the_loss_of_the_task() {
        let tasks = [
            (Task::multi_class(["a", "b", "c"]).unwrap(), vec![2.0]),
            (Task::binary("a", "b").unwrap(), vec![1.0]),
            (Task::multi_label(["a", "b"]).unwrap(), vec![1.0, 0.0]),
            (Task::regression(["a", "b"]).unwrap(), vec![0.5, -2.0]),
        ];
        for (task, targets) in tasks {
            let numbers: Vec<f32> = (0..task.units()).map(|i| i as f32 * 0.7 - 0.3).collect();
            let found = loss(&Pairing::of(task.kind())[0], &task, &numbers, &targets);
            let device = device::named("cpu").unwrap();
            let logits = Tensor::<1>::from_floats(numbers.as_slice(), &device);
            let logits = logits.reshape([1, task.units()]);
            let targets = Targets::new(task.target_columns(), targets);
            let expected = crate::loss::mean_loss(&task, logits, &targets).unwrap();
            let expected = expected.into_scalar::<f32>();
            assert!(
                (found - expected).abs() < 1e-6,
                "{} {found} {expected}",
                task.kind()
            );
        }
    }

    #[test]
    fn every_pairing_has_a_name_of_its_own() {
        for kind in TaskKind::ALL {
            let names: Vec<&str> = Pairing::of(kind).iter().map(|p| p.name).collect();
            let mut unique = names.clone();
            unique.sort_unstable();
            unique.dedup();
            assert_eq!(unique.len(), names.len());
        }
    }
}
