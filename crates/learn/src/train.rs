//! The second half of the story: fit → calibrate → evaluate → save.

use std::path::PathBuf;
use std::time::Instant;

use finial_data::{Source, Split, SplitPlan};
use finial_graph::Weights;
use finial_store::{DEFAULT_LIMIT_BYTES, FeatureStore};
use finial_task::{Calibration, Inference, Scores, Targets};

use crate::certainty::{Certainty, Observed, fold};
use crate::extract::Features;
use crate::fit::{Examples, Fit, fit, logits, outputs};
use crate::head::{Head, Scale};
use crate::model::{Attachment, Model, Provenance, Reserved, to_json};
use crate::prepare::{Prepared, TrainOptions, prepare};
use crate::{LearnError, Progress, Quiet, cache, evaluate, inspect, report};

/// A trained model with all that is known about it.
pub struct Trained {
    /// The model.
    pub model: Model,
    /// The task and the reason for it.
    pub inference: Inference,
    /// Scores on images that the model never saw.
    pub test: Scores,
    /// Scores on the images that chose the epoch.
    pub validation: Scores,
    /// How sure its answers are, measured on the images that it never saw.
    pub observed: Observed,
    /// How training went; its weights are those before calibration.
    pub fit: Fit,
    /// What the report is made of.
    pub report: finial_report::Report,
    /// Which image was used for what, as CSV.
    split_table: Vec<u8>,
}

/// Trains a model on the images and labels at `options.data`.
///
/// # Errors
/// [`LearnError`], before anything is written; features computed so far stay in `store`.
pub fn train(
    options: &TrainOptions,
    store: Option<&FeatureStore>,
    progress: &dyn Progress,
) -> Result<Trained, LearnError> {
    let started = Instant::now();
    let prepared = prepare(options, store, progress)?;
    let Prepared {
        features,
        targets,
        plan,
        ..
    } = &prepared;
    let task = &prepared.inference.task;
    let rows = |split| plan.indices(split);
    let (train_rows, validation_rows, test_rows) = (
        rows(Split::Train),
        rows(Split::Validation),
        rows(Split::Test),
    );

    // Train the head.
    let train_targets = targets.select(&train_rows);
    let scale = Scale::of(task, &train_targets);
    let head = Head::new(features.matrix.columns(), task, &options.head, &scale)?;
    let loss = options.loss.of(task, &train_targets)?;
    let initial = head.initial_weights(&train_targets, options.fit.seed)?;
    let device = &prepared.device;
    let fitted = fit(
        &head,
        &initial,
        &Examples {
            features: &features.matrix,
            rows: &train_rows,
            targets: &scale.standardise(&train_targets),
            loss: &loss,
        },
        &Examples {
            features: &features.matrix,
            rows: &validation_rows,
            targets: &scale.standardise(&targets.select(&validation_rows)),
            loss: &loss,
        },
        &options.fit,
        device,
        progress,
    )?;

    // Learn from the validation images how sure it may be.
    let (matrix, seed) = (&features.matrix, options.fit.seed);
    let validation_targets = targets.select(&validation_rows);
    let calibration = match options.certainty.calibrate {
        true => {
            let logits = logits(&head, &fitted.weights, matrix, &validation_rows, device)?;
            Calibration::fit(task, &logits, &validation_targets)?
        }
        false => None,
    };
    let calibrated = match &calibration {
        Some(calibration) => fold(&fitted.weights, calibration)?,
        None => fitted.weights.clone(),
    };
    let answer = |weights: &Weights, rows: &[usize]| outputs(&head, weights, matrix, rows, device);
    let validation_outputs = answer(&calibrated, &validation_rows)?;
    let certainty = Certainty::learn(
        task,
        calibration,
        &validation_outputs,
        &validation_targets,
        &options.certainty,
    )?;

    // Score it on what it never saw.
    let test_targets = targets.select(&test_rows);
    let test_outputs = answer(&calibrated, &test_rows)?;
    let thresholds = &certainty.thresholds;
    let mut test = task.score_at(&test_outputs, thresholds, &test_targets)?;
    test.intervals = task.intervals(&test_outputs, thresholds, &test_targets, seed)?;
    let validation = task.score_at(&validation_outputs, thresholds, &validation_targets)?;
    let observed = Observed {
        before: match &certainty.calibration {
            Some(_) => task.reliability(&answer(&fitted.weights, &test_rows)?, &test_targets)?,
            None => None,
        },
        ..Observed::of(task, &certainty, &test_outputs, &test_targets, None)?
    };

    let backbone = &prepared.backbone;
    let provenance = Provenance {
        finial: env!("CARGO_PKG_VERSION").to_owned(),
        created: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        data: options.data.display().to_string(),
        data_fingerprint: fingerprint(features, targets),
        split: plan.sentence.clone(),
        backbone: backbone.name.clone(),
        backbone_source: backbone.source.clone(),
        backbone_fingerprint: hex(&backbone.weights.fingerprint()),
        head: options.head,
        fit: options.fit,
        loss: options.loss.clone(),
        batch: fitted.batch,
        best_epoch: fitted.best_epoch,
        device: options.device.clone(),
        engine: Some(prepared.engine.clone()),
    };
    let mut weights = backbone.weights.clone();
    weights.extend(calibrated);
    let model = Model::new(
        prepared.frozen.clone(),
        head,
        weights,
        prepared.inference.source.clone(),
        backbone.fit,
        certainty,
        provenance,
    )?;
    let inspection = inspect(&prepared, seed, progress)?;
    let report = report::of_training(&report::Run {
        model: &model,
        prepared: &prepared,
        fit: &fitted,
        test: &test,
        validation: &validation,
        observed: &observed,
        inspection: &inspection,
        test_rows: &test_rows,
        test_outputs: &test_outputs,
        seconds: started.elapsed().as_secs_f64(),
    });
    let split_table = split_table(&prepared.source, features, plan)?;
    Ok(Trained {
        model,
        inference: prepared.inference,
        test,
        validation,
        observed,
        fit: fitted,
        report,
        split_table,
    })
}

impl TrainOptions {
    /// [`train()`] without a word, with the features of earlier runs.
    ///
    /// # Errors
    /// As [`train()`].
    pub fn train(&self) -> Result<Trained, LearnError> {
        let folder = cache::features().ok();
        let store = folder.and_then(|f| FeatureStore::open(&f, DEFAULT_LIMIT_BYTES).ok());
        train(self, store.as_ref(), &Quiet)
    }
}

impl Trained {
    /// Writes the model folder with metrics and report: all of it, or nothing.
    ///
    /// # Errors
    /// The folder has come to exist in the meantime, or cannot be written.
    pub fn save(&mut self, folder: Reserved) -> Result<(), LearnError> {
        let path = folder.path().to_owned();
        report::name_model(&mut self.report, &path);
        let html = finial_report::render(&self.report)?;
        let metrics = serde_json::json!({
            "test": self.test,
            "validation": self.validation,
            "certainty": self.observed,
        });
        self.model.save(
            folder,
            &[
                Attachment {
                    name: "metrics.json",
                    bytes: to_json(&metrics, &path.join("metrics.json"))?,
                },
                Attachment {
                    name: "report.html",
                    bytes: html.into_bytes(),
                },
                Attachment {
                    name: evaluate::SPLIT_TABLE,
                    bytes: self.split_table.clone(),
                },
            ],
        )
    }
}

/// A digest of every image's content and label, whatever their order and names.
fn fingerprint(features: &Features, targets: &Targets) -> String {
    let mut digests: Vec<[u8; 32]> = features
        .hashes
        .iter()
        .zip(targets.iter())
        .map(|(hash, row)| {
            let mut digest = blake3::Hasher::new();
            digest.update(hash.as_bytes());
            for value in row {
                digest.update(&value.to_le_bytes());
            }
            *digest.finalize().as_bytes()
        })
        .collect();
    digests.sort_unstable();
    let mut all = blake3::Hasher::new();
    for digest in &digests {
        all.update(digest);
    }
    hex(all.finalize().as_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line per readable image: its path within the data, its content, its split.
fn split_table(
    source: &Source,
    features: &Features,
    plan: &SplitPlan,
) -> Result<Vec<u8>, LearnError> {
    let failed = |error: csv::Error| LearnError::File {
        path: PathBuf::from(evaluate::SPLIT_TABLE),
        error: error.into(),
    };
    let mut table = csv::Writer::from_writer(Vec::new());
    table
        .write_record(["image", "content", "split"])
        .map_err(failed)?;
    for ((&sample, hash), split) in features
        .kept
        .iter()
        .zip(&features.hashes)
        .zip(&plan.assignment)
    {
        let path = &source.samples[sample].path;
        let path = path.strip_prefix(&source.root).unwrap_or(path);
        let split = split.map_or("set aside".to_owned(), |split| split.to_string());
        table
            .write_record([path.to_string_lossy().as_ref(), &hash.to_string(), &split])
            .map_err(failed)?;
    }
    table.into_inner().map_err(|error| LearnError::File {
        path: PathBuf::from(evaluate::SPLIT_TABLE),
        error: error.into_error(),
    })
}
