//! What a wrong final layer costs: the pairings that people use by mistake, trained beside the
//! right one on the same features.
//!
//! Everything but the final layer's activation, its loss and the scale of its targets is the same
//! for all: features, split, hidden layer, first weights (with a final bias of 0), Adam, early
//! stopping on the pairing's own validation loss. Nothing is calibrated and every threshold is 0.5,
//! since the question is what the layer does by itself.
//!
//! - [`pairing`]: which they are, what their losses compute, and what goes wrong.
//! - `run`: one training of one pairing.
//! - `compare`: its scores beside those of the right one, and the sentence.

mod compare;
pub mod pairing;
mod run;

use finial_data::Split;
use finial_task::{Interval, Metric};
use rayon::prelude::*;
use serde::Serialize;

use crate::fit::FitOptions;
use crate::head::HeadOptions;
use crate::prepare::Prepared;
use crate::progress::Running;
use crate::{LearnError, Progress, Stage};
use pairing::Pairing;

/// How a study is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StudyOptions {
    /// Trainings of each pairing, each from other weights.
    pub seeds: usize,
    /// The layers before the final one, for all pairings.
    pub head: HeadOptions,
    /// How each is trained; its seed is the first one.
    pub fit: FitOptions,
}

impl Default for StudyOptions {
    fn default() -> Self {
        StudyOptions {
            seeds: 3,
            head: HeadOptions::default(),
            // As `train` has it: cut short, the right pairing would not be what users get.
            fit: FitOptions::default(),
        }
    }
}

/// A study of a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Study {
    /// The kind of task.
    pub task: finial_task::TaskKind,
    /// The right final layer, in words.
    pub right: String,
    /// Images that were learned from.
    pub train: usize,
    /// Images that the scores are on.
    pub test: usize,
    /// Trainings of each pairing.
    pub seeds: usize,
    /// The right pairing, then the others.
    pub rows: Vec<Row>,
}

/// A pairing and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Activation and loss, in words.
    pub name: &'static str,
    /// The headline metric, then another one: means over the seeds, with 95 % intervals over the
    /// test images.
    pub scores: Vec<RowScore>,
    /// Mean log loss of what it says as probabilities; `None` for numbers, or if all runs died.
    pub log_loss: Option<f64>,
    /// Expected calibration error; likewise.
    pub calibration_error: Option<f64>,
    /// Runs whose loss was no number, or that answered the same for every image.
    pub died: usize,
    /// What went wrong, in one sentence.
    pub sentence: String,
}

/// A score of a row.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct RowScore {
    /// Which.
    pub metric: Metric,
    /// Its mean over the runs that gave numbers; `None` if none did.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<Interval>,
}

/// Trains all pairings of the task, `options.seeds` times each.
///
/// # Errors
/// The settings cannot work, or the device failed. A loss that is no number is a result.
pub fn study(
    prepared: &Prepared,
    options: &StudyOptions,
    progress: &dyn Progress,
) -> Result<Study, LearnError> {
    options.fit.check()?;
    if options.seeds == 0 {
        return Err(LearnError::Setting {
            expected: "at least 1 seed",
            found: "0".to_owned(),
        });
    }
    let task = &prepared.inference.task;
    let pairings = Pairing::of(task.kind());
    let bench = run::Bench::new(prepared, options)?;
    let jobs: Vec<(&Pairing, u64)> = pairings
        .iter()
        .flat_map(|pairing| (0..options.seeds as u64).map(move |seed| (pairing, seed)))
        .collect();
    let outcomes: Vec<run::Outcome> = {
        let _stage = Running::begin(progress, Stage::Pairings, jobs.len());
        let outcomes: Result<Vec<_>, LearnError> = jobs
            .par_iter()
            .map(|(pairing, seed)| {
                let outcome = bench.run(pairing, options.fit.seed.wrapping_add(*seed));
                progress.advance(1, pairing.name);
                outcome
            })
            .collect();
        outcomes?
    };
    let targets = prepared.targets.select(&bench.test);
    Ok(Study {
        task: task.kind(),
        right: task.describe_final_layer(),
        train: prepared.plan.counts.get(Split::Train),
        test: bench.test.len(),
        seeds: options.seeds,
        rows: compare::rows(task, pairings, &outcomes, options.seeds, &targets)?,
    })
}
