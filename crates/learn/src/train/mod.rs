//! The second half of the story: fit → calibrate → evaluate → save.
//!
//! - Here: the story, and what comes of it.
//! - `head`: what is trained, and how it is chosen.
//! - `verdict`: how sure the trained network may be, and what it scores.

mod head;
mod verdict;

use std::time::Instant;

use finial_data::{Split, SplitPlan};
use finial_store::{DEFAULT_LIMIT_BYTES, FeatureStore};
use finial_task::{Inference, Scores};

use self::head::TrainedHead;
use self::verdict::Network;
use crate::certainty::Observed;
use crate::checkpoint::Keeper;
use crate::choose::HeadChoice;
use crate::fit::Fit;
use crate::identity::{fingerprint, hex, identity, split_table};
use crate::model::{Attachment, Model, Provenance, Reserved, TunedPart, to_json};
use crate::prepare::{Prepared, TrainOptions, prepare};
use crate::range_test::RangeTest;
use crate::tune::Tuned;
use crate::{Decision, LearnError, Progress, Quiet, cache, evaluate, inspect, report};

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
    /// How training the head went; its weights are those before calibration.
    pub fit: Fit,
    /// How pretrained layers were trained with it, if they were.
    pub tuned: Option<Tuned>,
    /// How the head was chosen, if it was not given.
    pub choice: Option<HeadChoice>,
    /// How the learning rate was found, if it was not given.
    pub range: Option<RangeTest>,
    /// What the report is made of.
    pub report: finial_report::Report,
    /// Which image was used for what, as CSV.
    split_table: Vec<u8>,
    /// Its checkpoint, which is removed once the model is saved.
    keeper: Keeper,
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
    let mut keeper = Keeper::open(options.checkpoint.as_ref(), progress)?;
    let prepared = prepare(options, store, progress)?;
    keeper.identify(identity(options, &prepared)?)?;
    let run = Run {
        options,
        prepared: &prepared,
        rows: Rows::of(&prepared.plan),
        store,
        progress,
    };
    let trained = TrainedHead::of(&run, &mut keeper)?;
    let tuned = trained.tune(&run, &mut keeper)?;
    let network = Network::of(&run, &trained, tuned.as_ref())?;
    let verdict = network.judge(&run)?;

    let provenance = run.provenance(&trained, tuned.as_ref(), network.engine);
    let mut weights = network.frozen_weights;
    weights.extend(verdict.head_weights);
    let model = Model::new(
        prepared.frozen.clone(),
        trained.head,
        weights,
        prepared.inference.source.clone(),
        prepared.backbone.fit,
        verdict.certainty,
        provenance,
    )?;
    let inspection = inspect(&prepared, options.fit.seed, progress)?;
    let report = report::of_training(&report::Run {
        model: &model,
        prepared: &prepared,
        fit: &trained.fit,
        tuned: tuned.as_ref(),
        choice: trained.choice.as_ref(),
        range: trained.range.as_ref(),
        test: &verdict.test,
        validation: &verdict.validation,
        observed: &verdict.observed,
        inspection: &inspection,
        test_rows: &run.rows.test,
        test_outputs: &verdict.test_outputs,
        seconds: started.elapsed().as_secs_f64(),
    });
    let split_table = split_table(&prepared.source, &prepared.features, &prepared.plan)?;
    Ok(Trained {
        model,
        inference: prepared.inference,
        test: verdict.test,
        validation: verdict.validation,
        observed: verdict.observed,
        fit: trained.fit,
        tuned,
        choice: trained.choice,
        range: trained.range,
        report,
        split_table,
        keeper,
    })
}

/// A training once its images are features.
struct Run<'a> {
    options: &'a TrainOptions,
    prepared: &'a Prepared,
    rows: Rows,
    store: Option<&'a FeatureStore>,
    progress: &'a dyn Progress,
}

/// Which images are learned from, judged by and scored on, as rows of the features.
struct Rows {
    train: Vec<usize>,
    validation: Vec<usize>,
    test: Vec<usize>,
}

impl Rows {
    fn of(plan: &SplitPlan) -> Self {
        Rows {
            train: plan.indices(Split::Train),
            validation: plan.indices(Split::Validation),
            test: plan.indices(Split::Test),
        }
    }
}

impl Run<'_> {
    /// Where the model comes from.
    fn provenance(
        &self,
        trained: &TrainedHead,
        tuned: Option<&Tuned>,
        engine: Decision,
    ) -> Provenance {
        let (options, prepared) = (self.options, self.prepared);
        let backbone = &prepared.backbone;
        Provenance {
            finial: env!("CARGO_PKG_VERSION").to_owned(),
            created: jiff::Timestamp::now()
                .strftime("%Y-%m-%dT%H:%M:%SZ")
                .to_string(),
            data: options.data.display().to_string(),
            data_fingerprint: fingerprint(&prepared.features, &prepared.targets),
            split: prepared.plan.sentence.clone(),
            backbone: backbone.name.clone(),
            backbone_source: backbone.source.clone(),
            backbone_fingerprint: hex(&backbone.weights.fingerprint()),
            head: trained.options,
            fit: trained.fit_options,
            loss: options.loss.clone(),
            batch: trained.fit.batch,
            best_epoch: trained.fit.best_epoch,
            device: options.device.clone(),
            engine: Some(engine),
            tuned: tuned.map(|tuned| TunedPart {
                options: tuned.options.clone(),
                cut: tuned.cut.clone(),
                best_epoch: tuned.fit.best_epoch,
            }),
            augmentation: options.augmentation,
        }
    }
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
        )?;
        self.keeper.finish();
        Ok(())
    }
}
