//! One training of one pairing.

use finial_data::Split;
use finial_engine::{
    AdamW, AdamWOptions, EngineError, Gradients, Mode, Network, Precision, Tensor, Value,
};
use finial_graph::{Graph, Tensor as Numbers, Weights};
use finial_task::{Targets, Task, TaskKind};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use super::StudyOptions;
use super::pairing::Pairing;
use crate::LearnError;
use crate::fit::FitOptions;
use crate::head::{Head, LOGITS, Scale};
use crate::prepare::Prepared;

/// Rows of a step without gradients.
const ROWS: usize = 512;

/// What all trainings share.
pub(super) struct Bench<'a> {
    prepared: &'a Prepared,
    task: &'a Task,
    head: Head,
    to_numbers: Graph,
    scale: Scale,
    fit: FitOptions,
    train: Vec<usize>,
    validation: Vec<usize>,
    pub test: Vec<usize>,
}

/// What came of a training.
pub(super) struct Outcome {
    /// Answers for the test images, `[N, units]`; `None` if the loss was no number.
    pub answers: Option<Vec<f32>>,
    /// Whether it answers at all: numbers, and not the same for every image.
    pub died: bool,
}

impl<'a> Bench<'a> {
    pub(super) fn new(prepared: &'a Prepared, options: &StudyOptions) -> Result<Self, LearnError> {
        let task = &prepared.inference.task;
        let rows = |split| prepared.plan.indices(split);
        let train = rows(Split::Train);
        let scale = Scale::of(task, &prepared.targets.select(&train));
        let features = prepared.features.matrix.columns();
        let head = Head::new(features, task, &options.head, &scale)?;
        let (to_numbers, _) = head.graph().cut_at(LOGITS)?;
        Ok(Bench {
            prepared,
            task,
            head,
            to_numbers,
            scale,
            fit: options.fit,
            train,
            validation: rows(Split::Validation),
            test: rows(Split::Test),
        })
    }

    /// Trains a pairing and asks it about the test images.
    pub(super) fn run(&self, pairing: &Pairing, seed: u64) -> Result<Outcome, LearnError> {
        let Some(network) = self.train(pairing, seed)? else {
            return Ok(Outcome {
                answers: None,
                died: true,
            });
        };
        let mut answers = Vec::new();
        for rows in self.test.chunks(ROWS) {
            let (numbers, _) = self.forward(&network, pairing, rows, Mode::Inference)?;
            let answered = pairing.answered.apply(numbers);
            let values = answered.into_data().try_into_vec_as::<f32>();
            answers.extend(values.map_err(|_| LearnError::ResultCount)?);
        }
        if pairing.standardised {
            let scales = self.scale.mean.iter().zip(&self.scale.deviation).cycle();
            for (value, (mean, deviation)) in answers.iter_mut().zip(scales) {
                *value = *value * deviation + mean;
            }
        }
        let numbers = answers.iter().all(|value| value.is_finite());
        Ok(Outcome {
            died: !numbers || says_the_same(&answers, self.task.units()),
            answers: numbers.then_some(answers),
        })
    }

    /// The network of the lowest validation loss; `None` once a loss is no number.
    fn train(&self, pairing: &Pairing, seed: u64) -> Result<Option<Network>, LearnError> {
        let device = &self.prepared.device;
        let weights = self.initial_weights(seed)?;
        let mut network =
            Network::new(&self.to_numbers, &weights, device)?.trainable(Precision::F32);
        let mut adam = AdamW::new(&self.to_numbers, AdamWOptions::default());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let features = self.prepared.features.matrix.columns();
        let batch = self.fit.batch_for(self.train.len(), features);
        let mut order = self.train.clone();
        let mut best: Option<(usize, f64, Network)> = None;
        for epoch in 1..=self.fit.epochs {
            order.shuffle(&mut rng);
            for rows in order.chunks(batch) {
                let mode = Mode::Training(&mut rng);
                let (numbers, y) = self.forward(&network, pairing, rows, mode)?;
                let loss = pairing.mean_loss(self.task, numbers, &y);
                let gradients = Gradients::of(&mut network, &loss)?;
                if !loss.into_scalar::<f32>().is_finite() {
                    return Ok(None);
                }
                match adam.step(&mut network, gradients, &|_| self.fit.learning_rate) {
                    Err(EngineError::GradientNotFinite { .. }) => return Ok(None),
                    moved => moved?,
                };
            }
            let frozen = network.frozen();
            let mut total = 0.0;
            for rows in self.validation.chunks(ROWS) {
                let (numbers, y) = self.forward(&frozen, pairing, rows, Mode::Inference)?;
                let loss = pairing.mean_loss(self.task, numbers, &y);
                total += f64::from(loss.into_scalar::<f32>()) * rows.len() as f64;
            }
            if !total.is_finite() {
                return Ok(None);
            }
            match &best {
                Some((at, lowest, _)) if total >= *lowest => {
                    if epoch - at >= self.fit.patience {
                        break;
                    }
                }
                _ => best = Some((epoch, total, frozen)),
            }
        }
        Ok(best.map(|(_, _, network)| network))
    }

    /// Glorot's weights and no bias, so that no pairing knows more than another.
    fn initial_weights(&self, seed: u64) -> Result<Weights, LearnError> {
        let targets = Targets::new(self.task.target_columns(), Vec::new());
        let mut weights = self.head.initial_weights(&targets, seed)?;
        let name = format!("{LOGITS}.bias");
        let units = self.task.units();
        weights.insert(&name, Numbers::new(&name, vec![units], vec![0.0; units])?);
        Ok(weights)
    }

    /// The final layer's numbers and the targets of some rows.
    fn forward(
        &self,
        network: &Network,
        pairing: &Pairing,
        rows: &[usize],
        mode: Mode,
    ) -> Result<(Tensor<2>, Targets), LearnError> {
        let mut features = Vec::new();
        self.prepared.features.matrix.gather(rows, &mut features)?;
        let batch = network.batch(features)?;
        let Value::Vectors(numbers) = network.forward(batch, mode)? else {
            return Err(LearnError::ResultCount);
        };
        let targets = self.prepared.targets.select(rows);
        let targets = match pairing.standardised && self.task.kind() == TaskKind::Regression {
            true => self.scale.standardise(&targets),
            false => targets,
        };
        Ok((numbers, targets))
    }
}

/// Whether every image got the same answer.
fn says_the_same(answers: &[f32], units: usize) -> bool {
    (0..units).all(|unit| {
        let column = || answers.iter().skip(unit).step_by(units).copied();
        let (least, most) = column().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        most - least <= 1e-6 * most.abs().max(1.0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_no_image_changes_is_dead() {
        assert!(says_the_same(&[1.0, 0.5, 1.0, 0.5], 2));
        assert!(!says_the_same(&[1.0, 0.5, 1.0, 0.6], 2));
        assert!(says_the_same(&[1.0], 1));
    }
}
