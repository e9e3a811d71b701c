//! Scoring a saved model on labelled images.
//!
//! A score on images that a model has learned from says nothing, so those are left out, by
//! content, unless the caller asks for them.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use finial_data::{SourceOptions, open};
use finial_engine::Device;
use finial_report::Report;
use finial_store::FeatureStore;
use finial_task::{LabelSource, RawLabels, Request, Scores, Targets, infer};

use crate::extract::Extractor;
use crate::fit::outputs;
use crate::prepare::place;
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
    /// Where it runs.
    pub device: Device,
}

/// A scored model.
pub struct Evaluated {
    /// The model.
    pub model: Model,
    /// Its scores.
    pub scores: Scores,
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
    let source = open(
        &options.data,
        &SourceOptions {
            image_column: options.image_column.clone(),
            label_columns: options.label_columns.clone(),
        },
    )?;
    let place = |sample: usize| place(&source, sample);
    let labels = label_source(&model, &source.labels, options, &place)?;
    let targets = labels.read(&model.task, &source.labels, &place)?;
    progress.say(&format!(
        "{} images, {}",
        source.samples.len(),
        source.layout
    ));

    let (frozen, head) = model.parts()?;
    let extractor = Extractor::new(&frozen, &model.weights, model.image, store, &options.device)?;
    let paths: Vec<PathBuf> = source.samples.iter().map(|s| s.path.clone()).collect();
    let features = extractor.run(&paths, options.allow_unreadable, progress)?;
    let targets = targets.select(&features.kept);

    let seen = match options.include_seen {
        true => HashSet::new(),
        false => learned_from(&options.model)?,
    };
    let fresh = |row: &usize| !seen.contains(&features.hashes[*row].to_string());
    let rows: Vec<usize> = (0..features.kept.len()).filter(fresh).collect();
    let left_out = features.kept.len() - rows.len();
    if left_out > 0 {
        progress.say(&format!(
            "{left_out} images are left out: the model has learned from them"
        ));
    }
    if rows.is_empty() {
        return Err(LearnError::NothingLeft(
            "to score: the model has learned from all of them (--include-seen scores them all the same)",
        ));
    }
    let outputs = outputs(
        &head,
        &model.weights,
        &features.matrix,
        &rows,
        &options.device,
    )?;
    let targets: Targets = targets.select(&rows);
    let scores = model.task.score(&outputs, &targets)?;
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
        seen: left_out,
    });
    Ok(Evaluated {
        model,
        scores,
        seen: left_out,
        report,
    })
}

/// Where the labels stand in this data: as in the training data if it has the same columns, else
/// as its own columns suggest for the model's task.
fn label_source(
    model: &Model,
    labels: &RawLabels,
    options: &EvaluateOptions,
    place: &dyn Fn(usize) -> String,
) -> Result<LabelSource, LearnError> {
    let RawLabels::Table(_) = labels else {
        return Ok(LabelSource::Folders);
    };
    let columns = model.labels.columns();
    let there = !columns.is_empty() && columns.iter().all(|name| labels.column(name).is_ok());
    if there && options.label_columns.is_empty() {
        return Ok(model.labels.clone());
    }
    let request = Request {
        kind: Some(model.task.kind()),
        label_columns: options.label_columns.clone(),
        positive: None,
    };
    Ok(infer(labels, &request, place)?.source)
}

/// Contents of the images that the model has learned from or been chosen by.
fn learned_from(model: &Path) -> Result<HashSet<String>, LearnError> {
    let path = model.join(SPLIT_TABLE);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        // A model without the table, from elsewhere: nothing is known to be seen.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(HashSet::new()),
        Err(error) => return Err(LearnError::File { path, error }),
    };
    let damaged = |error: csv::Error| LearnError::File {
        path: path.clone(),
        error: error.into(),
    };
    let mut seen = HashSet::new();
    let mut table = csv::Reader::from_reader(bytes.as_slice());
    for row in table.deserialize::<BTreeMap<String, String>>() {
        let mut row = row.map_err(damaged)?;
        let split = row.remove("split").unwrap_or_default();
        if split == "train" || split == "validation" {
            seen.extend(row.remove("content"));
        }
    }
    Ok(seen)
}
