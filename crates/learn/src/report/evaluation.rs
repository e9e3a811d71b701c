//! The report of an evaluation: which model, asked about which images.

use std::path::Path;

use finial_data::Source;
use finial_report as page;
use finial_report::{Fact, Report};
use finial_task::{Scores, Targets};

use super::images::Images;
use super::scores::Measured;
use super::{certainty, evidence, images, layers, question, scores, worst};
use crate::Model;
use crate::certainty::Observed;
use crate::extract::Features;

/// A finished evaluation.
pub(crate) struct Scored<'a> {
    pub model: &'a Model,
    pub folder: &'a Path,
    pub data: &'a Path,
    pub source: &'a Source,
    pub features: &'a Features,
    pub rows: &'a [usize],
    pub outputs: &'a [f32],
    /// One row per scored image.
    pub targets: &'a Targets,
    pub scores: &'a Scores,
    pub observed: &'a Observed,
    pub seen: usize,
}

/// The report of an evaluation.
pub(crate) fn of_evaluation(scored: &Scored) -> Report {
    let task = scored.model.task();
    let thresholds = &scored.model.certainty().thresholds;
    let images = Images {
        source: scored.source,
        features: scored.features,
    };
    let set_aside = images.set_aside(None);
    let data = scored.data.display().to_string();
    let asked = page::format::images(scored.rows.len());
    let left_out = match scored.seen {
        0 => String::new(),
        1 => " One more is left out because the model has learned from it.".to_owned(),
        seen => format!(
            " {} more are left out because the model has learned from them.",
            page::format::count(seen)
        ),
    };
    let frame = super::frame(scored.model);
    let mut facts = vec![
        Fact::new("evaluated data", &data),
        Fact::new("images scored", page::format::count(scored.rows.len())),
        Fact::new(
            "images left out, learned from",
            page::format::count(scored.seen),
        ),
    ];
    facts.extend(frame.provenance);
    let mut report = Report {
        subject: Some(format!(
            "How the model `{}` answers {asked} of `{data}`.{left_out}",
            scored.folder.display()
        )),
        task: page::Task {
            reason: "What the model was trained to answer.".to_owned(),
            ..question::asked(task, None, None, scored.targets)
        },
        head: Some(layers::of(scored.model)),
        data: Some(page::Data {
            source: images::source(scored.source, &data),
            layout: images::layout(scored.source),
            counts: page::SplitCounts {
                test: scored.rows.len(),
                ..page::SplitCounts::default()
            },
            split: None,
            set_aside_count: set_aside.len(),
            set_aside: set_aside.into_iter().take(images::LISTED).collect(),
            duplicates: None,
        }),
        scores: Some(page::Scores {
            split: "evaluated".to_owned(),
            note: Some(format!("Measured on {asked}.")),
            ..scores::of(&Measured {
                task,
                scores: scored.scores,
                validation: None,
                known: scored.targets,
                known_as: "these images",
                asked: scored.targets,
            })
        }),
        evidence: Some(evidence::of(
            task,
            scored.scores,
            scored.outputs,
            thresholds,
            scored.targets,
        )),
        certainty: certainty::of(task, scored.model.certainty(), scored.observed),
        worst: worst::of(
            task,
            &images,
            scored.rows,
            scored.outputs,
            thresholds,
            scored.targets,
            scored.model,
        ),
        worst_order: Some(worst::order(task)),
        provenance: facts,
        ..frame
    };
    super::name_model(&mut report, scored.folder);
    report
}
