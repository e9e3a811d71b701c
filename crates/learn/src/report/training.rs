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
use crate::choose::{Candidate, HeadChoice};
use crate::fit::Fit;
use crate::inspect::Inspection;
use crate::prepare::Prepared;
use crate::range_test::RangeTest;
use crate::tune::Tuned;

/// A finished training.
pub(crate) struct Run<'a> {
    pub model: &'a Model,
    pub prepared: &'a Prepared,
    pub fit: &'a Fit,
    pub tuned: Option<&'a Tuned>,
    pub choice: Option<&'a HeadChoice>,
    pub range: Option<&'a RangeTest>,
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

/// How training went: the head, and then, if it was fine-tuned, the network with it.
fn course(run: &Run) -> page::Training {
    let provenance = run.model.provenance();
    let fit = &provenance.fit;
    let tuned = run.tuned;
    let curves = run.fit.curve.iter();
    let curves = curves.chain(tuned.iter().flat_map(|tuned| &tuned.fit.curve));
    let epoch = |(i, losses): (usize, &crate::fit::Epoch)| page::Epoch {
        epoch: i + 1,
        train_loss: Some(losses.train_loss),
        validation_loss: Some(losses.judged()),
    };
    let best_epoch = match tuned.filter(|tuned| tuned.is_better()) {
        Some(tuned) => run.fit.curve.len() + tuned.fit.best_epoch,
        None => run.fit.best_epoch,
    };
    let stopped = match tuned {
        Some(tuned) => format!(
            "{} Then {} {}",
            sentence(&format!("the head was trained first: {}", run.fit.stopped)),
            sentence(&tuned.in_words()),
            sentence(&tuned.fit.stopped),
        ),
        None => sentence(&run.fit.stopped),
    };
    let mut settings = vec![
        Fact::new("optimizer", "AdamW"),
        Fact::new("learning rate", fit.learning_rate.to_string()),
        Fact::new("images per step", run.fit.batch.to_string()),
        Fact::new("epochs at the most", fit.epochs.to_string()),
        Fact::new("patience", format!("{} epochs", fit.patience)),
        Fact::new("dropout", provenance.head.dropout.to_string()),
    ];
    if fit.weight_decay > 0.0 {
        settings.push(Fact::new("weight decay", fit.weight_decay.to_string()));
    }
    if let Some(range) = run.range {
        let tried = range.points.len();
        let found =
            format!("a tenth of where the loss was lowest, in {tried} steps of rising rates");
        settings.push(Fact::new("learning rate found", found));
    }
    if let Some((choice, taken)) = run.choice.and_then(|c| Some((c, c.taken()?))) {
        let found = format!("{}, {}", taken.in_words(), choice.how);
        settings.push(Fact::new("head chosen", found));
        for candidate in &choice.candidates {
            settings.push(Fact::new(candidate.in_words(), loss_of(candidate)));
        }
    }
    if let Some(mixup) = fit.mixup {
        settings.push(Fact::new("mixup", mixup.alpha.to_string()));
    }
    if let Some(augmentation) = &provenance.augmentation {
        settings.push(Fact::new("training images", augmentation.in_words()));
    }
    if let Some(tuned) = tuned {
        settings.extend(of_tuning(tuned, run.fit.curve.len()));
    }
    page::Training {
        epochs: curves.enumerate().map(epoch).collect(),
        best_epoch: Some(best_epoch),
        stopped,
        seconds: run.seconds,
        seed: fit.seed,
        settings,
        rate_range: run.range.map(|range| page::RateRange {
            points: range.points.iter().map(rate_point).collect(),
            chosen: range.chosen,
        }),
    }
}

fn rate_point(&(rate, loss): &(f64, f64)) -> page::RatePoint {
    page::RatePoint { rate, loss }
}

/// The loss of a head that was tried.
fn loss_of(candidate: &Candidate) -> String {
    match (candidate.loss, candidate.standard_error) {
        (Some(loss), Some(error)) => format!(
            "validation loss {} ± {}",
            page::format::quantity(loss),
            page::format::quantity(error)
        ),
        (Some(loss), None) => format!("validation loss {}", page::format::quantity(loss)),
        (None, _) => "no finite loss".to_owned(),
    }
}

/// What was tuned, and on which schedule.
fn of_tuning(tuned: &Tuned, head_epochs: usize) -> Vec<Fact> {
    let options = &tuned.options;
    let percent = |share: f64| format!("{} %", (share * 100.0).round());
    vec![
        Fact::new(
            "fine-tuned from",
            format!("{} ({})", tuned.cut, options.from),
        ),
        Fact::new(
            "weights fine-tuned",
            format!("{} and the head's", page::format::count(tuned.parameters)),
        ),
        Fact::new(
            "fine-tuning begins with epoch",
            (head_epochs + 1).to_string(),
        ),
        Fact::new(
            "fine-tuning rate",
            format!(
                "{} in the last block, less in deeper ones; up over {} of the steps, then down \
                 along a cosine",
                options.rate,
                percent(options.warmup)
            ),
        ),
        Fact::new("fine-tuning weight decay", options.weight_decay.to_string()),
        Fact::new("gradients clipped at", options.clip.to_string()),
        Fact::new(
            "frozen part",
            match tuned.stored {
                true => "run once per image",
                false => "run in every epoch",
            },
        ),
    ]
}
