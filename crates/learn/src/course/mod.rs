//! The loop of a training: epochs of steps, early stopping, the best weights kept.
//!
//! The head on stored features and a fine-tuning are the same loop over other graphs and other
//! feeds. What a step does follows from the weights, the optimiser's state and the place at which
//! the step stands; so a run that goes on from a [checkpoint](crate::checkpoint) ends with the
//! same bits as one that was never stopped.

mod divergence;
mod lessons;

use burn::tensor::TensorData;
use finial_engine::{
    AdamState, AdamW, AdamWOptions, Device, EngineError, Gradients, Mode, Network, Precision,
    Tensor, Value,
};
use finial_graph::{Graph, Weights};
use finial_task::{Calibration, Targets, Task};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use lessons::{SIDE_BY_SIDE, in_parts};

pub use divergence::Divergence;
pub(crate) use lessons::Lessons;

use crate::chance::{Draw, generator};
use crate::checkpoint::Keeper;
use crate::fit::{Epoch, Fit};
use crate::loss::{LossError, weighted_loss};
use crate::mixup::Mixup;
use crate::progress::Running;
use crate::range_test::{self, RangeTest, Rising};
use crate::schedule::Schedule;
use crate::{LearnError, Progress, Stage};

/// Which training it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// The layers behind the cut, on stored features.
    Head,
    /// Pretrained layers with them.
    FineTuning,
}

impl Phase {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Head => "training the head",
            Phase::FineTuning => "fine-tuning",
        }
    }
}

/// A training to be.
pub(crate) struct Course<'a> {
    pub phase: Phase,
    pub task: &'a Task,
    /// From an example's numbers to the logits.
    pub graph: &'a Graph,
    pub train: Lessons<'a>,
    pub validation: Lessons<'a>,
    pub seed: u64,
    pub epochs: usize,
    pub patience: usize,
    /// Images per step.
    pub batch: usize,
    /// Images in the network at a time; the gradients of a step's parts are added up.
    pub part: usize,
    pub optimiser: AdamWOptions,
    /// The rate of each parameter, before the schedule.
    pub rate: &'a (dyn Fn(&str) -> f64 + Sync),
    pub schedule: Schedule,
    pub mixup: Option<Mixup>,
    /// Whether the weights before the first step may be the best, as epoch 0.
    pub counts_start: bool,
    /// Whether epochs are judged by the loss of calibrated answers.
    pub calibrates: bool,
    pub device: &'a Device,
    /// In what it multiplies.
    pub precision: Precision,
}

/// How far a training has come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// Its steps that are done.
    pub step: usize,
    /// The sum of its losses so far, and what they weigh.
    pub total: [f64; 2],
    /// The epochs that are over.
    pub curve: Vec<Epoch>,
    /// The epoch of the lowest validation loss, and that loss.
    pub best: Option<(usize, f64)>,
    /// The validation loss before the first step, where that counts.
    pub start: Option<f64>,
}

/// All that the rest of a training depends on.
pub(crate) struct State {
    pub place: Place,
    pub weights: Weights,
    pub best: Option<Weights>,
    pub adam: AdamState,
}

/// A training under way.
pub(crate) struct Way {
    network: Network,
    adam: AdamW,
    pub place: Place,
    best: Option<Network>,
}

impl Way {
    /// All that the rest depends on.
    pub(crate) fn state(&self) -> Result<State, LearnError> {
        Ok(State {
            place: self.place.clone(),
            weights: self.network.weights()?,
            best: self.best.as_ref().map(Network::weights).transpose()?,
            adam: self.adam.state()?,
        })
    }
}

impl Course<'_> {
    /// Trains from `initial` weights, or from where the checkpoint says, until the validation loss
    /// stops falling.
    ///
    /// # Errors
    /// The loss is not finite from the start, or the device failed.
    pub(crate) fn run(
        &self,
        initial: &Weights,
        keeper: &mut Keeper,
        progress: &dyn Progress,
    ) -> Result<Fit, LearnError> {
        let _stage = Running::begin(progress, Stage::Epochs, self.epochs);
        let mut way = match keeper.resume(self.phase) {
            Some(state) => self.go_on(state)?,
            None => self.begin(initial)?,
        };
        progress.advance(way.place.curve.len() as u64, "");
        let stopped = loop {
            if let Some(stopped) = self.over(&way.place) {
                break stopped;
            }
            match self.epoch(&mut way, keeper, progress) {
                Ok(()) => {}
                // Nothing was learned yet that could be kept.
                Err(LearnError::Diverged(found)) if way.best.is_some() => break found.to_string(),
                Err(error) => return Err(error),
            }
            if let Some(last) = way.place.curve.last() {
                progress.advance(1, &format!("loss {:.3}", last.validation_loss));
            }
        };
        // There is one: a training without any would have ended in an error.
        let best = way.best.as_ref().unwrap_or(&way.network);
        let (best_epoch, best_loss) = way.place.best.unwrap_or((0, f64::NAN));
        Ok(Fit {
            weights: best.weights()?,
            start_loss: way.place.start,
            curve: way.place.curve,
            best_epoch,
            best_loss,
            stopped,
            batch: self.batch,
        })
    }

    /// A short training whose rate rises, from `initial` weights, which are left as they are.
    /// Rates are multiples of those of the course.
    ///
    /// # Errors
    /// The device failed.
    pub(crate) fn range_test(
        &self,
        initial: &Weights,
        otherwise: f64,
    ) -> Result<RangeTest, LearnError> {
        let mut way = Way {
            network: Network::new(self.graph, initial, self.device)?,
            adam: AdamW::new(self.graph, self.optimiser),
            place: Place::default(),
            best: None,
        };
        let mut order: Vec<usize> = (0..self.train.rows.len()).collect();
        order.shuffle(&mut generator(self.seed, Draw::Order, [self.key(0), 1]));
        let wanted = range_test::STEPS * self.batch;
        let order: Vec<usize> = order.into_iter().cycle().take(wanted).collect();
        let mut rising = Rising::default();
        let run = self.train.each_batch(&order, self.batch, 0, |numbers, y| {
            let Some(factor) = rising.rate() else {
                return Err(LearnError::TestOver);
            };
            let loss = self.step(&mut way, numbers, y, &|name| (self.rate)(name) * factor)?;
            way.place.step += 1;
            rising.add(factor, loss);
            Ok(())
        });
        match run {
            // A rate at which nothing is a number any more ends the test as well.
            Ok(()) | Err(LearnError::TestOver | LearnError::Diverged(_)) => {}
            Err(error) => return Err(error),
        }
        Ok(rising.finish(otherwise))
    }

    fn begin(&self, initial: &Weights) -> Result<Way, LearnError> {
        let network = Network::new(self.graph, initial, self.device)?;
        let mut way = Way {
            adam: AdamW::new(self.graph, self.optimiser),
            place: Place {
                epoch: 1,
                ..Place::default()
            },
            best: None,
            network,
        };
        if self.counts_start {
            let loss = self.judge(&way.network, 0)?.judged();
            way.place.best = Some((0, loss));
            way.place.start = Some(loss);
            way.best = Some(way.network.clone());
        }
        Ok(way)
    }

    fn go_on(&self, state: State) -> Result<Way, LearnError> {
        let network = Network::new(self.graph, &state.weights, self.device)?;
        let best = state
            .best
            .map(|best| Network::new(self.graph, &best, self.device));
        Ok(Way {
            adam: AdamW::resumed(&network, self.optimiser, state.adam)?,
            place: state.place,
            best: best.transpose()?,
            network,
        })
    }

    /// Why there is no next epoch, if there is none.
    fn over(&self, place: &Place) -> Option<String> {
        if let Some((best, _)) = place.best
            && place.epoch > best + self.patience
        {
            return Some(format!(
                "the validation loss had not fallen for {} epochs",
                self.patience
            ));
        }
        (place.epoch > self.epochs).then(|| format!("all {} epochs were run", self.epochs))
    }

    /// The rest of the epoch under way, and what the validation images say of it.
    fn epoch(
        &self,
        way: &mut Way,
        keeper: &mut Keeper,
        progress: &dyn Progress,
    ) -> Result<(), LearnError> {
        let epoch = way.place.epoch;
        let mut order: Vec<usize> = (0..self.train.rows.len()).collect();
        order.shuffle(&mut generator(self.seed, Draw::Order, [self.key(epoch), 0]));
        let steps = order.len().div_ceil(self.batch.max(1));
        let all = (steps * self.epochs) as u64;
        let left = order.get(way.place.step * self.batch..).unwrap_or_default();
        self.train
            .each_batch(left, self.batch, epoch, |numbers, y| {
                let factor = self.schedule.factor(way.adam.steps(), all);
                let rate = |name: &str| (self.rate)(name) * factor;
                let mass = self.train.loss.mass(self.task, &y);
                let loss = self.step(way, numbers, y, &rate)?;
                way.place.step += 1;
                way.place.total[0] += loss * mass;
                way.place.total[1] += mass;
                keeper.keep_if_due(self.phase, way, progress);
                Ok(())
            })?;
        let frozen = way.network.clone();
        let losses = Epoch {
            train_loss: way.place.total[0] / way.place.total[1].max(f64::MIN_POSITIVE),
            ..self.judge(&frozen, epoch)?
        };
        way.place.curve.push(losses);
        if way
            .place
            .best
            .is_none_or(|(_, lowest)| losses.judged() < lowest)
        {
            way.place.best = Some((epoch, losses.judged()));
            way.best = Some(frozen);
        }
        way.place.epoch += 1;
        way.place.step = 0;
        way.place.total = [0.0; 2];
        keeper.keep_if_due(self.phase, way, progress);
        Ok(())
    }

    /// Moves the weights once; gives the loss before.
    fn step(
        &self,
        way: &mut Way,
        mut numbers: Vec<f32>,
        y: Targets,
        rate: &dyn Fn(&str) -> f64,
    ) -> Result<f64, LearnError> {
        let place = [self.key(way.place.epoch), way.place.step as u64];
        let mixed = self.mixup.map(|mixup| {
            let mut rng = generator(self.seed, Draw::Mixing, place);
            mixup.mix(&mut numbers, &y, &mut rng)
        });
        let mass = self.train.loss.mass(self.task, &y);
        let network = &way.network;
        let mut total = 0.0;
        let mut gradients: Option<Gradients> = None;
        let of_part = |part: usize, numbers: Vec<f32>, rows: &[usize]| {
            let mut recorded = network.clone().trainable(self.precision);
            let at = place[1] << 16 | part as u64;
            let mut rng = generator(self.seed, Draw::Dropout, [place[0], at]);
            let x = recorded.batch(numbers)?;
            let logits = vectors(recorded.forward(x, Mode::Training(&mut rng))?, self.task)?;
            let loss = |logits: Tensor<2>, y: &Targets| {
                let y = y.select(rows);
                let share = self.train.loss.mass(self.task, &y) / mass.max(f64::MIN_POSITIVE);
                let loss = weighted_loss(self.task, self.train.loss, logits, &y)?;
                Ok::<_, LearnError>(loss.mul_scalar(share as f32))
            };
            let loss = match &mixed {
                Some(mixed) => {
                    let own = loss(logits.clone(), &y)?.mul_scalar(mixed.share);
                    own + loss(logits, &mixed.targets)?.mul_scalar(1.0 - mixed.share)
                }
                None => loss(logits, &y)?,
            };
            let gradients = Gradients::of(&mut recorded, &loss)?;
            Ok((f64::from(loss.into_scalar::<f32>()), gradients))
        };
        let width = self.train.feed.width();
        in_parts(
            &numbers,
            width,
            y.rows(),
            self.part,
            of_part,
            |(loss, part)| {
                total += loss;
                match &mut gradients {
                    Some(sum) => sum.add(part)?,
                    None => gradients = Some(part),
                }
                Ok(())
            },
        )?;
        let Some(gradients) = gradients else {
            return Ok(0.0);
        };
        let moved = match total.is_finite() {
            true => way.adam.step(&mut way.network, gradients, rate),
            false => Err(EngineError::GradientNotFinite {
                parameter: String::new(),
                norm: total,
            }),
        };
        match moved {
            Ok(_) => Ok(total),
            Err(EngineError::GradientNotFinite { parameter, .. }) => {
                let step = Some(way.place.step + 1);
                let mut found = self.diagnose(&way.network, &numbers, way.place.epoch, step)?;
                if found.layer.is_none() && !parameter.is_empty() {
                    found.layer = Some(parameter);
                }
                Err(LearnError::Diverged(Box::new(found)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// What the validation images say of an epoch's weights.
    fn judge(&self, network: &Network, epoch: usize) -> Result<Epoch, LearnError> {
        let lessons = &self.validation;
        let mut total = [0.0; 2];
        let mut answers = Vec::new();
        let positions: Vec<usize> = (0..lessons.rows.len()).collect();
        let batch = self.part * SIDE_BY_SIDE;
        lessons.each_batch(&positions, batch, 0, |numbers, y| {
            let of_part = |_: usize, numbers: Vec<f32>, rows: &[usize]| {
                let x = network.batch(numbers)?;
                let logits = vectors(network.forward(x, Mode::Inference)?, self.task)?;
                let y = y.select(rows);
                let mean = weighted_loss(self.task, lessons.loss, logits.clone(), &y)?;
                let mean = f64::from(mean.into_scalar::<f32>());
                let answers = match self.calibrates {
                    true => logits
                        .into_data()
                        .try_into_vec_as::<f32>()
                        .map_err(|_| LearnError::ResultCount)?,
                    false => Vec::new(),
                };
                Ok((mean, lessons.loss.mass(self.task, &y), answers))
            };
            let width = lessons.feed.width();
            let mut sum = 0.0;
            in_parts(
                &numbers,
                width,
                y.rows(),
                self.part,
                of_part,
                |(mean, mass, part)| {
                    sum += mean * mass;
                    total[1] += mass;
                    answers.extend(part);
                    Ok(())
                },
            )?;
            if !sum.is_finite() {
                let found = self.diagnose(network, &numbers, epoch, None)?;
                return Err(LearnError::Diverged(Box::new(found)));
            }
            total[0] += sum;
            Ok(())
        })?;
        Ok(Epoch {
            train_loss: f64::NAN,
            validation_loss: total[0] / total[1].max(f64::MIN_POSITIVE),
            calibrated_loss: match self.calibrates {
                true => self.calibrated_loss(answers)?,
                false => None,
            },
        })
    }

    /// The loss of logits of all validation images, calibrated on these images.
    fn calibrated_loss(&self, mut logits: Vec<f32>) -> Result<Option<f64>, LearnError> {
        let Lessons { targets, loss, .. } = self.validation;
        let Some(calibration) = Calibration::fit(self.task, &logits, targets)? else {
            return Ok(None);
        };
        let units = self.task.units();
        for (at, logit) in logits.iter_mut().enumerate() {
            let line = calibration.line(at % units);
            *logit = (f64::from(*logit) * line.slope + line.offset) as f32;
        }
        let logits = TensorData::new(logits, [targets.rows(), units]);
        let logits = Tensor::<2>::from_data(logits, self.device);
        let loss = weighted_loss(self.task, loss, logits, targets)?;
        Ok(Some(f64::from(loss.into_scalar::<f32>())))
    }

    /// An epoch's number, apart for each phase.
    fn key(&self, epoch: usize) -> u64 {
        let phase = match self.phase {
            Phase::Head => 0,
            Phase::FineTuning => 1u64 << 32,
        };
        phase | epoch as u64
    }
}

/// A head's values are vectors; its graph was checked for that.
pub(crate) fn vectors(value: Value, task: &Task) -> Result<Tensor<2>, LossError> {
    match value {
        Value::Vectors(vectors) => Ok(vectors),
        other => Err(LossError::Columns {
            what: "logits",
            expected: task.units(),
            found: other.shape().len(),
        }),
    }
}
