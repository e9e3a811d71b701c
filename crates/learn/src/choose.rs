//! Choosing the head by what the validation images say: linear or hidden layer, and how much its
//! weights decay.
//!
//! Where there are few images, one split says little: then the images to learn from and to judge
//! by are divided anew several times, and every candidate is trained on each. The simplest head
//! whose loss is within one standard error of the lowest is taken, as Breiman, Friedman, Olshen
//! and Stone do in "Classification and regression trees", 1984, 3.4.3.

use finial_engine::Device;
use finial_store::FeatureMatrix;
use finial_task::{Targets, Task};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use crate::chance::{Draw, generator};
use crate::fit::{Examples, FitOptions, fit};
use crate::head::{Head, HeadOptions, Scale};
use crate::loss::LossOptions;
use crate::progress::Running;
use crate::{LearnError, Progress, Quiet, Stage};

/// Up to so many images to learn from and to judge by, they are divided several times.
const FEW: usize = 1000;
const FOLDS: usize = 4;
const REPEATS: usize = 2;
/// Hidden units of the candidates, the simplest first.
const HIDDEN: [Option<usize>; 3] = [None, Some(64), Some(256)];
/// Weight decay of the candidates, the strongest, which is the simplest, first.
const DECAY: [f64; 3] = [1.0, 0.1, 0.0];

/// A head that was tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Units of its hidden layer.
    pub hidden: Option<usize>,
    /// AdamW's weight decay.
    pub weight_decay: f64,
    /// Its mean validation loss; none if it gave no finite numbers.
    pub loss: Option<f64>,
    /// The standard error of that mean, where it was trained several times.
    pub standard_error: Option<f64>,
}

impl Candidate {
    /// In words, as "a hidden layer of 64 units, weight decay 0.1".
    pub fn in_words(&self) -> String {
        let layers = match self.hidden {
            Some(units) => format!("a hidden layer of {units} units"),
            None => "no hidden layer".to_owned(),
        };
        format!("{layers}, weight decay {}", self.weight_decay)
    }
}

/// How a head was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeadChoice {
    /// All that were tried, the simplest first.
    pub candidates: Vec<Candidate>,
    /// Which of them was taken.
    pub chosen: usize,
    /// How they were compared, a sentence without its full stop.
    pub how: String,
}

impl HeadChoice {
    /// The candidate that was taken.
    pub fn taken(&self) -> Option<&Candidate> {
        self.candidates.get(self.chosen)
    }
}

/// What the candidates are trained on.
pub(crate) struct Grounds<'a> {
    pub task: &'a Task,
    pub features: &'a FeatureMatrix,
    /// Rows to learn from, and rows to judge by.
    pub train: &'a [usize],
    pub validation: &'a [usize],
    /// Of all rows of the matrix.
    pub targets: &'a Targets,
    pub head: &'a HeadOptions,
    pub fit: &'a FitOptions,
    pub loss: &'a LossOptions,
    pub device: &'a Device,
}

impl Grounds<'_> {
    /// Trains every candidate and takes one.
    ///
    /// # Errors
    /// No candidate gives finite numbers, or the device failed.
    pub(crate) fn choose(&self, progress: &dyn Progress) -> Result<HeadChoice, LearnError> {
        let few = self.train.len() + self.validation.len() <= FEW;
        let splits = match few {
            true => self.divided(),
            false => vec![(self.train.to_vec(), self.validation.to_vec())],
        };
        let how = match few {
            true => format!(
                "by {FOLDS}-fold cross-validation, repeated {REPEATS} times: the simplest within one \
                 standard error of the lowest loss"
            ),
            false => "by the loss on the validation images".to_owned(),
        };
        let shapes = HIDDEN
            .iter()
            .flat_map(|&hidden| DECAY.map(|decay| (hidden, decay)));
        let shapes: Vec<_> = shapes.collect();
        let _stage = Running::begin(progress, Stage::Epochs, shapes.len() * splits.len());
        let mut candidates = Vec::new();
        for (hidden, weight_decay) in shapes {
            let mut losses = Vec::new();
            for (train, validation) in &splits {
                losses.push(self.loss_of(hidden, weight_decay, train, validation)?);
                progress.advance(1, "");
            }
            let losses: Option<Vec<f64>> = losses.into_iter().collect();
            let (loss, standard_error) = losses.map_or((None, None), |losses| {
                let (mean, error) = mean_and_error(&losses);
                (Some(mean), error)
            });
            candidates.push(Candidate {
                hidden,
                weight_decay,
                loss,
                standard_error,
            });
        }
        let chosen = simplest(&candidates).ok_or(LearnError::NothingLeft(
            "that a head could be chosen by: none gives finite numbers",
        ))?;
        let choice = HeadChoice {
            candidates,
            chosen,
            how,
        };
        if let Some(taken) = choice.taken() {
            progress.say(&format!(
                "head: {}, chosen {}",
                taken.in_words(),
                choice.how
            ));
        }
        Ok(choice)
    }

    /// Every division of all images into parts, each part once to judge by.
    fn divided(&self) -> Vec<(Vec<usize>, Vec<usize>)> {
        let mut splits = Vec::new();
        for repeat in 0..REPEATS {
            let mut rows = [self.train, self.validation].concat();
            let place = [u64::MAX, repeat as u64];
            rows.shuffle(&mut generator(self.fit.seed, Draw::Order, place));
            // Alike in classes: each fold takes every so-manieth row of those sorted by target.
            rows.sort_by(|&a, &b| {
                let key = |row: usize| self.targets.row(row).unwrap_or_default();
                let (a, b) = (key(a).iter(), key(b));
                a.zip(b)
                    .map(|(a, b)| a.total_cmp(b))
                    .find(|o| o.is_ne())
                    .unwrap_or(std::cmp::Ordering::Equal)
            });
            for fold in 0..FOLDS {
                let within = |(at, _): &(usize, &usize)| at % FOLDS == fold;
                let all = || rows.iter().enumerate();
                let validation = all().filter(within).map(|(_, row)| *row).collect();
                let train = all()
                    .filter(|item| !within(item))
                    .map(|(_, row)| *row)
                    .collect();
                splits.push((train, validation));
            }
        }
        splits
    }

    /// The lowest validation loss of one head; none if it diverges.
    fn loss_of(
        &self,
        hidden: Option<usize>,
        weight_decay: f64,
        train: &[usize],
        validation: &[usize],
    ) -> Result<Option<f64>, LearnError> {
        let targets = self.targets.select(train);
        let scale = Scale::of(self.task, &targets);
        let options = HeadOptions {
            hidden,
            ..*self.head
        };
        let head = Head::new(self.features.columns(), self.task, &options, &scale)?;
        let loss = self.loss.of(self.task, &targets)?;
        let initial = head.initial_weights(&targets, self.fit.seed)?;
        let examples = |rows, targets| Examples {
            features: self.features,
            rows,
            targets,
            loss: &loss,
        };
        let standard = scale.standardise(&targets);
        let held_out = scale.standardise(&self.targets.select(validation));
        let options = FitOptions {
            weight_decay,
            ..*self.fit
        };
        let fitted = fit(
            &head,
            &initial,
            &examples(train, &standard),
            &examples(validation, &held_out),
            &options,
            self.device,
            &Quiet,
        );
        match fitted {
            Ok(fitted) => Ok(Some(fitted.best_loss)),
            Err(LearnError::Diverged(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn mean_and_error(losses: &[f64]) -> (f64, Option<f64>) {
    let count = losses.len() as f64;
    let mean = losses.iter().sum::<f64>() / count;
    let squares: f64 = losses.iter().map(|loss| (loss - mean).powi(2)).sum();
    let error = (losses.len() > 1).then(|| (squares / (count - 1.0) / count).sqrt());
    (mean, error)
}

/// The first candidate within one standard error of the lowest loss.
fn simplest(candidates: &[Candidate]) -> Option<usize> {
    let known = candidates
        .iter()
        .filter(|candidate| candidate.loss.is_some());
    let lowest = known.min_by(|a, b| {
        a.loss
            .unwrap_or(f64::MAX)
            .total_cmp(&b.loss.unwrap_or(f64::MAX))
    })?;
    let most = lowest.loss? + lowest.standard_error.unwrap_or(0.0);
    let within = |candidate: &Candidate| candidate.loss.is_some_and(|loss| loss <= most);
    candidates.iter().position(within)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(loss: Option<f64>, standard_error: Option<f64>) -> Candidate {
        Candidate {
            hidden: None,
            weight_decay: 0.0,
            loss,
            standard_error,
        }
    }

    #[test]
    fn the_simplest_within_one_standard_error_is_taken() {
        let of = |losses: &[(f64, f64)]| {
            let candidates = losses
                .iter()
                .map(|&(loss, e)| candidate(Some(loss), Some(e)));
            simplest(&candidates.collect::<Vec<_>>())
        };
        assert_eq!(of(&[(0.9, 0.1), (0.55, 0.1), (0.5, 0.1)]), Some(1));
        assert_eq!(of(&[(0.9, 0.1), (0.65, 0.1), (0.5, 0.1)]), Some(2));
        let lone = [candidate(None, None), candidate(Some(1.0), None)];
        assert_eq!(simplest(&lone), Some(1));
        assert_eq!(simplest(&lone[..1]), None);
    }

    #[test]
    fn mean_and_standard_error_are_those_of_the_textbook() {
        let (mean, error) = mean_and_error(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(mean, 2.5);
        assert!((error.unwrap() - (5.0f64 / 3.0 / 4.0).sqrt()).abs() < 1e-12);
        assert_eq!(mean_and_error(&[2.0]), (2.0, None));
    }
}
