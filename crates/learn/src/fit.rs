//! Training the head on stored features: Adam, early stopping, the best weights kept.

use std::sync::mpsc::sync_channel;
use std::thread;

use finial_engine::{Adam, Device, Mode, Network, Tensor, Value};
use finial_graph::Weights;
use finial_store::FeatureMatrix;
use finial_task::{Targets, Task};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};

use crate::head::{Head, LOGITS};
use crate::loss::{LossError, LossShape, weighted_loss};
use crate::progress::Running;
use crate::{LearnError, Progress, Stage};

/// Features that one step may hold, in bytes: a flattened map is 50 times as wide as a pooled one.
const BATCH_BYTES: usize = 16 << 20;
/// Rows of a step without gradients, at the most.
const BATCH_ROWS: usize = 512;

/// How the head is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Epochs at the most.
    pub epochs: usize,
    /// Epochs without a better validation loss after which training stops.
    pub patience: usize,
    /// Adam's learning rate.
    pub learning_rate: f64,
    /// Images per step; `None` to choose by the number of training images.
    pub batch: Option<usize>,
    /// For shuffling, dropout and the first weights.
    pub seed: u64,
}

impl Default for FitOptions {
    fn default() -> Self {
        FitOptions {
            epochs: 100,
            patience: 10,
            learning_rate: 1e-3,
            batch: None,
            seed: 0,
        }
    }
}

impl FitOptions {
    /// Images per step for that many training images of `features` numbers each: 32 for a few
    /// thousand, then more, so that an epoch stays a matter of a few hundred steps, as far as
    /// memory allows.
    pub fn batch_for(&self, images: usize, features: usize) -> usize {
        let wanted = (images / 100).next_power_of_two().clamp(32, 512);
        self.batch
            .unwrap_or_else(|| wanted.min(rows_within(BATCH_BYTES, features)))
    }

    /// Refuses settings that cannot work.
    ///
    /// # Errors
    /// Names the setting, its range and what was given.
    pub fn check(&self) -> Result<(), LearnError> {
        let setting = |expected, found: String| Err(LearnError::Setting { expected, found });
        if self.epochs == 0 {
            return setting("at least 1 epoch", "0".to_owned());
        }
        if self.patience == 0 {
            return setting("a patience of at least 1 epoch", "0".to_owned());
        }
        if self.batch == Some(0) {
            return setting("a batch of at least 1 image", "0".to_owned());
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return setting("a learning rate above 0", self.learning_rate.to_string());
        }
        Ok(())
    }
}

/// The losses of an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Mean over the training images, while they were learned from (with dropout).
    pub train_loss: f64,
    /// Mean over the validation images, after the epoch.
    pub validation_loss: f64,
}

/// A trained head.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The weights of the best epoch.
    pub weights: Weights,
    /// Every epoch in order.
    pub curve: Vec<Epoch>,
    /// The epoch of the lowest validation loss, from 1.
    pub best_epoch: usize,
    /// Why training ended, a sentence.
    pub stopped: String,
    /// Images per step.
    pub batch: usize,
}

/// Rows of the feature matrix and their targets, as the loss takes them.
pub struct Examples<'a> {
    /// Features of all images of the run.
    pub features: &'a FeatureMatrix,
    /// Which rows these examples are.
    pub rows: &'a [usize],
    /// One row of targets per example, standardised for regression.
    pub targets: &'a Targets,
    /// How much each of them weighs.
    pub loss: &'a LossShape,
}

/// Trains `head` from `initial` weights, with the loss of its task, until the validation loss
/// stops falling.
///
/// The same seed on the same machine gives the same bits.
///
/// # Errors
/// The loss is not finite from the start, the settings cannot work, or the device failed.
pub fn fit(
    head: &Head,
    initial: &Weights,
    train: &Examples,
    validation: &Examples,
    options: &FitOptions,
    device: &Device,
    progress: &dyn Progress,
) -> Result<Fit, LearnError> {
    options.check()?;
    let _stage = Running::begin(progress, Stage::Epochs, options.epochs);
    let task = head.task();
    let (to_logits, _) = head.graph().cut_at(LOGITS)?;
    let mut network = Network::new(&to_logits, initial, device)?.trainable();
    let mut adam = Adam::default();
    let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
    let batch = options.batch_for(train.rows.len(), train.features.columns());
    let mut order: Vec<usize> = (0..train.rows.len()).collect();

    let mut curve: Vec<Epoch> = Vec::new();
    let mut best: Option<(usize, f64, Network)> = None;
    let mut stopped = format!("all {} epochs were run", options.epochs);
    for epoch in 1..=options.epochs {
        order.shuffle(&mut rng);
        let mut total = 0.0;
        train.each_batch(&order, batch, |numbers, y| {
            let x = network.batch(numbers)?;
            let logits = vectors(network.forward(x, Mode::Training(&mut rng))?, task)?;
            let mean = weighted_loss(task, train.loss, logits, &y)?;
            adam.step(&mut network, &mean, options.learning_rate)?;
            total += f64::from(mean.into_scalar::<f32>()) * y.rows() as f64;
            Ok(())
        })?;
        let frozen = network.frozen();
        let losses = Epoch {
            train_loss: total / train.rows.len().max(1) as f64,
            validation_loss: validation.mean_loss(&frozen, task)?,
        };
        if !(losses.train_loss.is_finite() && losses.validation_loss.is_finite()) {
            if best.is_none() {
                return Err(LearnError::Diverged { epoch });
            }
            stopped = format!("the loss was no longer a finite number in epoch {epoch}");
            break;
        }
        curve.push(losses);
        progress.advance(1, &format!("loss {:.3}", losses.validation_loss));
        let improved = best
            .as_ref()
            .is_none_or(|(_, lowest, _)| losses.validation_loss < *lowest);
        if improved {
            best = Some((epoch, losses.validation_loss, frozen));
        } else if let Some((best_epoch, _, _)) = &best
            && epoch - best_epoch >= options.patience
        {
            stopped = format!(
                "the validation loss had not fallen for {} epochs",
                options.patience
            );
            break;
        }
    }
    let (best_epoch, _, network) = best.ok_or(LearnError::Diverged { epoch: 1 })?;
    Ok(Fit {
        weights: network.weights()?,
        curve,
        best_epoch,
        stopped,
        batch,
    })
}

/// A head's values are vectors; its graph was checked for that.
fn vectors(value: Value, task: &Task) -> Result<Tensor<2>, LossError> {
    match value {
        Value::Vectors(vectors) => Ok(vectors),
        other => Err(LossError::Columns {
            what: "logits",
            expected: task.units(),
            found: other.shape().len(),
        }),
    }
}

/// How many rows of that many numbers fit, at least one.
fn rows_within(bytes: usize, columns: usize) -> usize {
    (bytes / (columns.max(1) * size_of::<f32>())).max(1)
}

impl Examples<'_> {
    /// Hands features and targets of the examples at these positions to `step`, a batch at a time,
    /// in order. While a step is computed, another thread reads the next batch.
    fn each_batch(
        &self,
        positions: &[usize],
        batch: usize,
        mut step: impl FnMut(Vec<f32>, Targets) -> Result<(), LearnError>,
    ) -> Result<(), LearnError> {
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                for chunk in positions.chunks(batch) {
                    let rows: Vec<usize> = chunk.iter().map(|&p| self.rows[p]).collect();
                    let mut numbers = Vec::new();
                    let read = self.features.gather(&rows, &mut numbers);
                    // Nobody receives any more once a step has failed.
                    if sender.send(read.map(|()| numbers)).is_err() {
                        break;
                    }
                }
            });
            for (chunk, read) in positions.chunks(batch).zip(receiver) {
                step(read?, self.targets.select(chunk))?;
            }
            Ok(())
        })
    }

    fn mean_loss(&self, network: &Network, task: &Task) -> Result<f64, LearnError> {
        let batch = rows_within(BATCH_BYTES, self.features.columns()).min(BATCH_ROWS);
        let positions: Vec<usize> = (0..self.rows.len()).collect();
        let mut total = 0.0;
        self.each_batch(&positions, batch, |numbers, y| {
            let x = network.batch(numbers)?;
            let logits = vectors(network.forward(x, Mode::Inference)?, task)?;
            let mean = weighted_loss(task, self.loss, logits, &y)?.into_scalar::<f32>();
            total += f64::from(mean) * y.rows() as f64;
            Ok(())
        })?;
        Ok(total / self.rows.len().max(1) as f64)
    }
}

/// The answers of `head` for rows of the feature matrix, `[rows, units]`.
///
/// # Errors
/// The weights do not fit, or the device failed.
pub fn outputs(
    head: &Head,
    weights: &Weights,
    features: &FeatureMatrix,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>, LearnError> {
    run(
        &Network::new(head.graph(), weights, device)?,
        features,
        rows,
    )
}

/// As [`outputs`], before the activation.
///
/// # Errors
/// As [`outputs`].
pub fn logits(
    head: &Head,
    weights: &Weights,
    features: &FeatureMatrix,
    rows: &[usize],
    device: &Device,
) -> Result<Vec<f32>, LearnError> {
    let (to_logits, _) = head.graph().cut_at(LOGITS)?;
    run(&Network::new(&to_logits, weights, device)?, features, rows)
}

fn run(
    network: &Network,
    features: &FeatureMatrix,
    rows: &[usize],
) -> Result<Vec<f32>, LearnError> {
    let batch = rows_within(BATCH_BYTES, features.columns()).min(BATCH_ROWS);
    let mut outputs = Vec::new();
    let mut numbers = Vec::new();
    for chunk in rows.chunks(batch) {
        features.gather(chunk, &mut numbers)?;
        outputs.extend(network.run(std::mem::take(&mut numbers))?);
    }
    Ok(outputs)
}
