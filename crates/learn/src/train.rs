//! The second half of the story: fit → calibrate → evaluate → save.

use std::time::Instant;

use finial_data::Split;
use finial_graph::Weights;
use finial_store::{DEFAULT_LIMIT_BYTES, FeatureStore};
use finial_task::{Calibration, Inference, Scores};

use crate::certainty::{Certainty, Observed, fold};
use crate::checkpoint::Keeper;
use crate::choose::{Grounds, HeadChoice};
use crate::course::Lessons;
use crate::feed::Feed;
use crate::fit::{Fit, Training, fit_kept, logits, outputs, range_test};
use crate::head::{Head, Scale};
use crate::identity::{fingerprint, hex, identity, split_table};
use crate::model::{Attachment, Model, Provenance, Reserved, TunedPart, to_json};
use crate::prepare::{Prepared, TrainOptions, prepare};
use crate::range_test::RangeTest;
use crate::tune::{Seen, Start, Tuned, tune};
use crate::views::views;
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
    let device = &prepared.device;
    keeper.identify(identity(options, &prepared)?)?;
    let mut asked = (options.head, options.fit);
    let choice = match options.choose_head {
        false => None,
        true => {
            let grounds = Grounds {
                task,
                features: &features.matrix,
                train: &train_rows,
                validation: &validation_rows,
                targets,
                head: &options.head,
                fit: &options.fit,
                loss: &options.loss,
                device,
            };
            Some(grounds.choose(progress)?)
        }
    };
    if let Some(taken) = choice.as_ref().and_then(HeadChoice::taken) {
        asked.0.hidden = taken.hidden;
        asked.1.weight_decay = taken.weight_decay;
    }
    let head = Head::new(features.matrix.columns(), task, &asked.0, &scale)?;
    let loss = options.loss.of(task, &train_targets)?;
    let initial = head.initial_weights(&train_targets, options.fit.seed)?;
    let standard_train = scale.standardise(&train_targets);
    let standard_validation = scale.standardise(&targets.select(&validation_rows));
    let views = views(options, &prepared, &train_rows, store, progress)?;
    let first: Vec<usize> = (0..train_rows.len()).collect();
    let train_lessons = || Lessons {
        feed: match &views {
            Some(views) => Feed::Views(views),
            None => Feed::Stored(&features.matrix),
        },
        rows: if views.is_some() { &first } else { &train_rows },
        targets: &standard_train,
        loss: &loss,
    };
    let validation_lessons = || Lessons {
        feed: Feed::Stored(&features.matrix),
        rows: &validation_rows,
        targets: &standard_validation,
        loss: &loss,
    };
    let fit_options = asked.1;
    let range = match options.find_rate {
        true => Some(range_test(
            Training {
                head: &head,
                train: train_lessons(),
                validation: validation_lessons(),
                options: &fit_options,
                device,
            },
            &initial,
        )?),
        false => None,
    };
    if let Some(range) = &range {
        asked.1.learning_rate = range.chosen;
        progress.say(&format!(
            "learning rate: {:.1e}, by a range test of {} steps",
            range.chosen,
            range.points.len()
        ));
    }
    let fitted = match keeper.head() {
        Some(fitted) => fitted,
        None => fit_kept(
            Training {
                head: &head,
                train: train_lessons(),
                validation: validation_lessons(),
                options: &asked.1,
                device,
            },
            &initial,
            &mut keeper,
            progress,
        )?,
    };
    keeper.set_head(&fitted);

    // Train pretrained layers with it.
    let tuned = match &options.tune {
        None => None,
        Some(tune_options) => Some(tune(
            &Start {
                options: tune_options,
                run: options,
                prepared: &prepared,
                head: &head,
                fit: &fitted,
                train: (&train_rows, &standard_train),
                validation: (&validation_rows, &standard_validation),
                loss: &loss,
            },
            store,
            &mut keeper,
            progress,
        )?),
    };
    let better = tuned.as_ref().filter(|tuned| tuned.is_better());
    let head_weights = head.graph().take_weights(&mut match better {
        Some(tuned) => tuned.fit.weights.clone(),
        None => fitted.weights.clone(),
    })?;
    let mut frozen_weights = prepared.backbone.weights.clone();
    let mut seen = Seen::Same(&features.matrix);
    let mut decision = prepared.engine.clone();
    if let Some(tuned) = better {
        frozen_weights.extend(tuned.fit.weights.clone());
        frozen_weights = prepared.frozen.take_weights(&mut frozen_weights)?;
        // What is answered from here on is what the saved model will answer.
        let rows = [validation_rows.as_slice(), &test_rows].concat();
        (seen, decision) =
            Seen::again(&prepared, options, &frozen_weights, &rows, store, progress)?;
    }

    // Learn from the validation images how sure it may be.
    let seed = options.fit.seed;
    let validation_targets = targets.select(&validation_rows);
    let calibration = match options.certainty.calibrate {
        true => {
            let rows = seen.rows(&validation_rows);
            let logits = logits(&head, &head_weights, seen.matrix(), &rows, device)?;
            Calibration::fit(task, &logits, &validation_targets)?
        }
        false => None,
    };
    let calibrated = match &calibration {
        Some(calibration) => fold(&head_weights, calibration)?,
        None => head_weights.clone(),
    };
    let answer = |weights: &Weights, rows: &[usize]| {
        outputs(&head, weights, seen.matrix(), &seen.rows(rows), device)
    };
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
            Some(_) => task.reliability(&answer(&head_weights, &test_rows)?, &test_targets)?,
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
        head: asked.0,
        fit: asked.1,
        loss: options.loss.clone(),
        batch: fitted.batch,
        best_epoch: fitted.best_epoch,
        device: options.device.clone(),
        engine: Some(decision),
        tuned: tuned.as_ref().map(|tuned| TunedPart {
            options: tuned.options.clone(),
            cut: tuned.cut.clone(),
            best_epoch: tuned.fit.best_epoch,
        }),
        augmentation: options.augmentation,
    };
    let mut weights = frozen_weights;
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
        tuned: tuned.as_ref(),
        choice: choice.as_ref(),
        range: range.as_ref(),
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
        tuned,
        choice,
        range,
        report,
        split_table,
        keeper,
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
        )?;
        self.keeper.finish();
        Ok(())
    }
}
