//! Scoring a saved model on labelled images.
//!
//! A score on images that a model has learned from says nothing, so those are left out, by
//! content, unless the caller asks for them.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use finial_engine::device;
use finial_report::Report;
use finial_report::format::images;
use finial_store::FeatureStore;
use finial_task::{LabelSource, Scores, Targets};

use crate::certainty::Observed;
use crate::engine::{Decision, EngineOptions};
use crate::extract::Extractor;
use crate::fit::outputs;
use crate::prepare::{features_of, open_source, place};
use crate::{LearnError, Model, Progress, report};

/// The file of a model folder that says which image was used for what.
pub const SPLIT_TABLE: &str = "split.csv";

/// What to evaluate, and on what.
#[derive(Clone, Debug)]
pub struct EvaluateOptions {
    /// The model folder.
    pub model: PathBuf,
    /// A folder of class folders, or a table.
    pub data: PathBuf,
    /// The columns that hold the labels, if they are not those of the training data.
    pub label_columns: Vec<String>,
    /// The column of a table that names the images.
    pub image_column: Option<String>,
    /// Score the images that the model has learned from, too.
    pub include_seen: bool,
    /// Go on with the readable images however many cannot be read.
    pub allow_unreadable: bool,
    /// Where it runs, by name.
    pub device: String,
    /// What runs the frozen part.
    pub engine: EngineOptions,
}

/// A scored model.
pub struct Evaluated {
    /// The model.
    pub model: Model,
    /// What ran the frozen part.
    pub engine: Decision,
    /// Its scores.
    pub scores: Scores,
    /// How sure its answers are.
    pub observed: Observed,
    /// Images left out because the model has learned from them.
    pub seen: usize,
    /// What a report is made of.
    pub report: Report,
}

/// Scores the model at `options.model` on the images at `options.data`.
///
/// # Errors
/// The folder is not a model, the labels do not fit its task, or no image is left to score.
pub fn evaluate(
    options: &EvaluateOptions,
    store: Option<&FeatureStore>,
    progress: &dyn Progress,
) -> Result<Evaluated, LearnError> {
    let model = Model::load(&options.model)?;
    let device = device::named(&options.device)?;
    let seen = match options.include_seen {
        true => HashSet::new(),
        false => learned_from(&options.model, progress)?,
    };
    let columns = &options.label_columns;
    let source = open_source(&options.data, &options.image_column, columns, progress)?;
    let place = |sample: usize| place(&source, sample);
    let labels = LabelSource::find(
        model.task(),
        &source.labels,
        &options.label_columns,
        model.labels(),
        &place,
    )?;
    let targets = labels.read(model.task(), &source.labels, &place)?;
    let extractor = Extractor::new(
        model.frozen(),
        model.weights(),
        model.image(),
        store,
        &options.device,
        options.engine.for_model(model.provenance().engine.as_ref()),
        progress,
    )?;
    let features = features_of(&source, &extractor, options.allow_unreadable, progress)?;
    let targets = targets.select(&features.kept);

    let fresh = |row: &usize| !seen.contains(&features.hashes[*row].to_string());
    let rows: Vec<usize> = (0..features.kept.len()).filter(fresh).collect();
    let left_out = features.kept.len() - rows.len();
    if left_out > 0 {
        progress.say(&format!(
            "left out: {}, because the model has learned from them",
            images(left_out)
        ));
    }
    if rows.is_empty() {
        return Err(LearnError::NothingLeft(
            "to score: the model has learned from all of them (--include-seen scores them all the same)",
        ));
    }
    let (head, weights) = (model.head(), model.weights());
    let outputs = outputs(head, weights, &features.matrix, &rows, &device)?;
    let targets: Targets = targets.select(&rows);
    let (task, thresholds) = (model.task(), &model.certainty().thresholds);
    let mut scores = task.score_at(&outputs, thresholds, &targets)?;
    let seed = model.provenance().fit.seed;
    scores.intervals = task.intervals(&outputs, thresholds, &targets, seed)?;
    let observed = Observed::of(task, model.certainty(), &outputs, &targets, None)?;
    let report = report::of_evaluation(&report::Scored {
        model: &model,
        folder: &options.model,
        data: &options.data,
        source: &source,
        features: &features,
        rows: &rows,
        outputs: &outputs,
        targets: &targets,
        scores: &scores,
        observed: &observed,
        seen: left_out,
    });
    Ok(Evaluated {
        engine: extractor.decision().clone(),
        model,
        scores,
        observed,
        seen: left_out,
        report,
    })
}

/// Contents of the images that the model has learned from or been chosen by.
fn learned_from(model: &Path, progress: &dyn Progress) -> Result<HashSet<String>, LearnError> {
    let path = model.join(SPLIT_TABLE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            progress.say(&format!(
                "note: the model has no {SPLIT_TABLE}, so images that it has learned from cannot \
                 be told from others and are scored, too"
            ));
            return Ok(HashSet::new());
        }
        Err(error) => return Err(LearnError::File { path, error }),
    };
    let damaged = |error: csv::Error| LearnError::File {
        path: path.clone(),
        error: error.into(),
    };
    let mut table = csv::Reader::from_reader(bytes.as_slice());
    let headings = table.headers().map_err(damaged)?;
    let column = |name: &str| headings.iter().position(|heading| heading == name);
    let (Some(content), Some(split)) = (column("content"), column("split")) else {
        return Err(LearnError::NotAModel {
            path: model.to_owned(),
            reason: format!("{SPLIT_TABLE} should have the columns `content` and `split`"),
        });
    };
    let mut seen = HashSet::new();
    for row in table.records() {
        let row = row.map_err(damaged)?;
        if matches!(row.get(split), Some("train" | "validation")) {
            seen.extend(row.get(content).map(str::to_owned));
        }
    }
    Ok(seen)
}
