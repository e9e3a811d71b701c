//! Labels that are probably wrong, by what heads say that did not learn from them.
//!
//! The images are dealt into five parts, alike in their labels. For each part a linear head learns
//! from three of the others, the fourth says when to stop, and the head answers for the part. What
//! is doubtful about these answers is said by [`finial_task::Task::suspects`] and
//! [`finial_task::Task::far_off`].

use finial_task::{Suspect, Targets, TaskKind};
use rayon::prelude::*;
use serde::Serialize;

use super::Subject;
use crate::fit::{Examples, FitOptions, fit, outputs};
use crate::head::{Head, HeadOptions, Pooling, Scale};
use crate::loss::LossOptions;
use crate::prepare::Prepared;
use crate::progress::Running;
use crate::{LearnError, Progress, Quiet, Stage};

/// Parts that the images are dealt into.
const PARTS: usize = 5;
/// With fewer images nothing is learned about any of them.
const FEWEST: usize = 25;

/// A label that is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Doubt {
    /// The image with its label.
    #[serde(flatten)]
    pub subject: Subject,
    /// What is in doubt: the class given, the label in question, or the target.
    pub about: String,
    /// What is believed: a class; of labels whether it is there; of numbers the number.
    pub believed: String,
    /// How probable the given label is by the answer; of numbers `None`.
    pub probability: Option<f32>,
    /// Of numbers how far the given one is off, in quartile distances of the usual error.
    pub off_by: Option<f32>,
}

/// The doubtful labels among `rows`, the least believable first, by what [`out_of_fold`] gave.
///
/// # Errors
/// As [`finial_task::Task::suspects`].
pub fn doubtful(
    prepared: &Prepared,
    rows: &[usize],
    outputs: &[f32],
) -> Result<Vec<Doubt>, LearnError> {
    if outputs.is_empty() {
        return Ok(Vec::new());
    }
    let task = &prepared.inference.task;
    let targets = prepared.targets.select(rows);
    let name = |label: usize| task.names().get(label).cloned().unwrap_or_default();
    let subject = |row: usize| Subject::new(prepared, rows.get(row).copied().unwrap_or_default());
    if task.kind() == TaskKind::Regression {
        let far_off = task.far_off(outputs, &targets)?;
        let doubt = |found: finial_task::FarOff| Doubt {
            subject: subject(found.row),
            about: name(found.target),
            believed: finial_report::format::quantity(f64::from(found.predicted)),
            probability: None,
            off_by: Some(found.off_by),
        };
        return Ok(far_off.into_iter().map(doubt).collect());
    }
    let doubt = |found: Suspect| {
        let held = targets.row(found.row).and_then(|row| row.get(found.label));
        let believed = match (task.kind(), held) {
            (TaskKind::MultiLabel, Some(held)) if *held > 0.5 => "not there".to_owned(),
            (TaskKind::MultiLabel, _) => "there".to_owned(),
            _ => name(found.believed),
        };
        Doubt {
            subject: subject(found.row),
            about: name(found.label),
            believed,
            probability: Some(found.given),
            off_by: None,
        }
    };
    let suspects = task.suspects(outputs, &targets)?;
    Ok(suspects.into_iter().map(doubt).collect())
}

/// What is said of each of `rows` by a head that did not learn from it, `[rows, units]`; nothing
/// where there are too few images to learn from.
///
/// # Errors
/// A head cannot be trained, or the features cannot be read.
pub fn out_of_fold(
    prepared: &Prepared,
    rows: &[usize],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Vec<f32>, LearnError> {
    if rows.len() < FEWEST {
        return Ok(Vec::new());
    }
    let parts = dealt(prepared, rows);
    let _stage = Running::begin(progress, Stage::Inspection, PARTS);
    let answered: Result<Vec<_>, LearnError> = (0..PARTS)
        .into_par_iter()
        .map(|held| {
            let answers = answers(prepared, &parts, held, seed);
            progress.advance(1, "");
            answers
        })
        .collect();
    let units = prepared.inference.task.units();
    let mut place = vec![0; prepared.plan.assignment.len()];
    for (at, &row) in rows.iter().enumerate() {
        place[row] = at;
    }
    let mut all = vec![0.0; rows.len() * units];
    for (part, answers) in parts.iter().zip(answered?) {
        for (&row, answer) in part.iter().zip(answers.chunks_exact(units)) {
            all[place[row] * units..][..units].copy_from_slice(answer);
        }
    }
    Ok(all)
}

/// The rows in five parts, alike in their labels: in the order of labels, then of contents, one
/// after the other to each part.
fn dealt(prepared: &Prepared, rows: &[usize]) -> Vec<Vec<usize>> {
    let hashes = &prepared.features.hashes;
    let label = |row: usize| prepared.targets.row(row).unwrap_or_default();
    let mut order = rows.to_vec();
    order.sort_by(|&a, &b| {
        let labels = label(a).iter().zip(label(b));
        let by_label = labels.map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
        by_label.unwrap_or_else(|| hashes[a].cmp(&hashes[b]))
    });
    let mut parts = vec![Vec::new(); PARTS];
    for (at, row) in order.into_iter().enumerate() {
        parts[at % PARTS].push(row);
    }
    parts
}

/// The answers for one part of the rows.
fn answers(
    prepared: &Prepared,
    parts: &[Vec<usize>],
    held: usize,
    seed: u64,
) -> Result<Vec<f32>, LearnError> {
    let (matrix, task) = (&prepared.features.matrix, &prepared.inference.task);
    let stops = (held + 1) % parts.len();
    let others = parts.iter().enumerate();
    let learned = others.filter(|(part, _)| *part != held && *part != stops);
    let learned: Vec<usize> = learned.flat_map(|(_, rows)| rows).copied().collect();
    let targets = prepared.targets.select(&learned);
    let scale = Scale::of(task, &targets);
    let options = HeadOptions {
        pooling: Pooling::Average,
        dropout: 0.0,
        hidden: None,
    };
    let head = Head::new(matrix.columns(), task, &options, &scale)?;
    let loss = LossOptions::default().of(task, &targets)?;
    let standardised = |targets: &Targets| scale.standardise(targets);
    let fitted = fit(
        &head,
        &head.initial_weights(&targets, seed)?,
        &Examples {
            features: matrix,
            rows: &learned,
            targets: &standardised(&targets),
            loss: &loss,
        },
        &Examples {
            features: matrix,
            rows: &parts[stops],
            targets: &standardised(&prepared.targets.select(&parts[stops])),
            loss: &loss,
        },
        &FitOptions {
            seed,
            ..FitOptions::default()
        },
        &prepared.device,
        &Quiet,
    )?;
    outputs(
        &head,
        &fitted.weights,
        matrix,
        &parts[held],
        &prepared.device,
    )
}
