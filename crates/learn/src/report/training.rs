//! The report of a training.

use finial_data::Split;
use finial_report as page;
use finial_report::{Fact, Report};
use finial_task::Scores;

use super::images::Images;
use super::scores::Measured;
use super::wording::sentence;
use super::{certainty, evidence, images, layers, question, scores, worst};
use crate::Model;
use crate::certainty::Observed;
use crate::fit::Fit;
use crate::inspect::Inspection;
use crate::prepare::Prepared;

/// A finished training.
pub(crate) struct Run<'a> {
    pub model: &'a Model,
    pub prepared: &'a Prepared,
    pub fit: &'a Fit,
    pub test: &'a Scores,
    pub validation: &'a Scores,
    pub test_rows: &'a [usize],
    pub test_outputs: &'a [f32],
    pub observed: &'a Observed,
    pub inspection: &'a Inspection,
    pub seconds: f64,
}

/// The report of a training.
pub(crate) fn of_training(run: &Run) -> Report {
    let Prepared {
        source,
        inference,
        features,
        targets,
        plan,
        ..
    } = run.prepared;
    let task = run.model.task();
    let thresholds = &run.model.certainty().thresholds;
    let train = targets.select(&plan.indices(Split::Train));
    let validation = targets.select(&plan.indices(Split::Validation));
    let test = targets.select(run.test_rows);
    let images = Images { source, features };
    let set_aside = images.set_aside(Some(plan));
    Report {
        task: page::Task {
            reason: question::reason(task, &inference.reason),
            override_hint: Some(sentence(&inference.way_out)),
            ..question::asked(task, Some(&train), Some(&validation), &test)
        },
        head: Some(layers::of(run.model)),
        data: Some(page::Data {
            source: images::source(source, &run.model.provenance().data),
            layout: images::layout(source),
            counts: page::SplitCounts {
                train: plan.counts.train,
                validation: plan.counts.validation,
                test: plan.counts.test,
            },
            split: Some(sentence(&plan.sentence)),
            set_aside_count: set_aside.len(),
            set_aside: set_aside.into_iter().take(images::LISTED).collect(),
            duplicates: Some(page::Duplicates {
                copies: plan.copies(),
                contradictions: plan.contradictions(),
            }),
        }),
        training: Some(course(run)),
        scores: Some(page::Scores {
            split: "test".to_owned(),
            note: Some(format!(
                "Measured on {} that the model never saw.",
                page::format::images(run.test.images)
            )),
            ..scores::of(&Measured {
                task,
                scores: run.test,
                validation: Some(run.validation),
                known: &train,
                known_as: "the training images",
                asked: &test,
            })
        }),
        evidence: Some(evidence::of(
            task,
            run.test,
            run.test_outputs,
            thresholds,
            &test,
        )),
        certainty: certainty::of(task, run.model.certainty(), run.observed),
        worst: worst::of(
            task,
            &images,
            run.test_rows,
            run.test_outputs,
            thresholds,
            &test,
            run.model,
        ),
        worst_order: Some(worst::order(task)),
        findings: {
            let groups = run.inspection.groups(source).into_iter();
            groups.filter(|group| group.count > 0).collect()
        },
        ..super::frame(run.model)
    }
}

/// How training went.
fn course(run: &Run) -> page::Training {
    let provenance = run.model.provenance();
    let fit = &provenance.fit;
    let epoch = |(i, losses): (usize, &crate::fit::Epoch)| page::Epoch {
        epoch: i + 1,
        train_loss: Some(losses.train_loss),
        validation_loss: Some(losses.validation_loss),
    };
    page::Training {
        epochs: run.fit.curve.iter().enumerate().map(epoch).collect(),
        best_epoch: Some(run.fit.best_epoch),
        stopped: sentence(&run.fit.stopped),
        seconds: run.seconds,
        seed: fit.seed,
        settings: vec![
            Fact::new("optimizer", "Adam"),
            Fact::new("learning rate", fit.learning_rate.to_string()),
            Fact::new("images per step", run.fit.batch.to_string()),
            Fact::new("epochs at the most", fit.epochs.to_string()),
            Fact::new("patience", format!("{} epochs", fit.patience)),
            Fact::new("dropout", provenance.head.dropout.to_string()),
        ],
    }
}
