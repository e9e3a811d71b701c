//! Training the head on stored features. The loop itself is in `course`.

use finial_engine::{AdamWOptions, Device, Network, Precision};
use finial_graph::Weights;
use finial_store::FeatureMatrix;
use finial_task::Targets;
use rayon::ThreadPoolBuilder;
use serde::{Deserialize, Serialize};

use crate::checkpoint::Keeper;
use crate::course::{Course, Lessons, Phase};
use crate::feed::Feed;
use crate::head::{Head, LOGITS};
use crate::loss::LossShape;
use crate::mixup::Mixup;
use crate::range_test::RangeTest;
use crate::schedule::Schedule;
use crate::{LearnError, Progress};

/// Features that one step may hold, in bytes: a flattened map is 50 times as wide as a pooled one.
const BATCH_BYTES: usize = 16 << 20;
/// Parts of a step that may be computed side by side. Not by the number of processors: sums
/// would be rounded otherwise on another machine.
const PARTS: usize = 1;
/// Steps of fewer multiplications than that, forwards, are computed on one thread.
const ALONE: usize = 32 << 20;
/// Rows of a step without gradients, at the most.
const BATCH_ROWS: usize = 512;

/// How the head is trained.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitOptions {
    /// Epochs at the most.
    pub epochs: usize,
    /// Epochs without a better validation loss after which training stops.
    pub patience: usize,
    /// AdamW's learning rate.
    pub learning_rate: f64,
    /// AdamW's weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// How strongly images are mixed with each other; none for not at all.
    #[serde(default)]
    pub mixup: Option<Mixup>,
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
            weight_decay: 0.0,
            mixup: None,
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
        if !(self.weight_decay >= 0.0 && self.weight_decay.is_finite()) {
            return setting(
                "a weight decay of at least 0",
                self.weight_decay.to_string(),
            );
        }
        if let Some(Mixup { alpha }) = self.mixup
            && !(alpha > 0.0 && alpha <= 1.0)
        {
            return setting("a mixup above 0 and at most 1", alpha.to_string());
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
    /// The same once the answers are calibrated on these images, as those of the saved model are;
    /// none where that is not what the epochs are judged by.
    #[serde(default)]
    pub calibrated_loss: Option<f64>,
}

impl Epoch {
    /// What the epoch is judged by.
    pub fn judged(&self) -> f64 {
        self.calibrated_loss.unwrap_or(self.validation_loss)
    }
}

/// A trained head.
#[derive(Clone, Debug)]
pub struct Fit {
    /// The weights of the best epoch.
    pub weights: Weights,
    /// Every epoch in order.
    pub curve: Vec<Epoch>,
    /// The epoch of the lowest validation loss, from 1; 0 for the weights before the first step
    /// of a fine-tuning.
    pub best_epoch: usize,
    /// The validation loss of that epoch.
    pub best_loss: f64,
    /// The validation loss before the first step, where those weights were a choice, too.
    pub start_loss: Option<f64>,
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
    let training = Training {
        head,
        train: train.lessons(),
        validation: validation.lessons(),
        options,
        device,
    };
    fit_kept(training, initial, &mut Keeper::none(), progress)
}

/// [`fit`] on any feed, with checkpoints.
pub(crate) fn fit_kept(
    training: Training,
    initial: &Weights,
    keeper: &mut Keeper,
    progress: &dyn Progress,
) -> Result<Fit, LearnError> {
    let rate = training.options.learning_rate;
    training.course(&|_| rate, |course| course.run(initial, keeper, progress))
}

/// The learning-rate range test of a head.
pub(crate) fn range_test(training: Training, initial: &Weights) -> Result<RangeTest, LearnError> {
    let otherwise = FitOptions::default().learning_rate;
    training.course(&|_| 1.0, |course| course.range_test(initial, otherwise))
}

/// A head that is to be trained.
pub(crate) struct Training<'a> {
    pub head: &'a Head,
    pub train: Lessons<'a>,
    pub validation: Lessons<'a>,
    pub options: &'a FitOptions,
    pub device: &'a Device,
}

impl Training<'_> {
    fn course<T: Send>(
        self,
        rate: &(dyn Fn(&str) -> f64 + Sync),
        then: impl FnOnce(&Course) -> Result<T, LearnError> + Send,
    ) -> Result<T, LearnError> {
        let options = self.options;
        options.check()?;
        let (to_logits, _) = self.head.graph().cut_at(LOGITS)?;
        let batch = options.batch_for(self.train.rows.len(), self.train.feed.width());
        let weights = to_logits.parameters().into_iter();
        let weights: usize = weights.map(|p| p.shape.iter().product::<usize>()).sum();
        let course = Course {
            phase: Phase::Head,
            task: self.head.task(),
            graph: &to_logits,
            train: self.train,
            validation: self.validation,
            seed: options.seed,
            epochs: options.epochs,
            patience: options.patience,
            batch,
            part: batch.div_ceil(PARTS),
            optimiser: AdamWOptions {
                weight_decay: options.weight_decay,
                ..AdamWOptions::default()
            },
            rate,
            schedule: Schedule::Constant,
            mixup: options.mixup,
            counts_start: false,
            calibrates: false,
            device: self.device,
            precision: Precision::F32,
        };
        let few = batch * weights < ALONE && rayon::current_thread_index().is_none();
        match few {
            true => on_one_thread(|| then(&course)),
            false => then(&course),
        }
    }
}

/// Does work whose parts are so short that handing them to other threads takes longer.
fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

/// How many rows of that many numbers fit, at least one.
fn rows_within(bytes: usize, columns: usize) -> usize {
    (bytes / (columns.max(1) * size_of::<f32>())).max(1)
}

impl<'a> Examples<'a> {
    fn lessons(&self) -> Lessons<'a> {
        Lessons {
            feed: Feed::Stored(self.features),
            rows: self.rows,
            targets: self.targets,
            loss: self.loss,
        }
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
