//! What a person reads: the run as the plain data that `finial-report` renders.

use std::path::Path;

use finial_data::{Source, Split, thumbnail};
use finial_graph::Graph;
use finial_report as page;
use finial_report::{Command, Fact, Report};
use finial_task::metrics::multi_label::LabelScores;
use finial_task::{Better, Detail, Metric, Prediction, Scores, Targets, Task, TaskKind};

use crate::Model;
use crate::extract::Features;
use crate::fit::Fit;
use crate::head::{CUT, LOGITS};
use crate::prepare::Prepared;
use crate::train::hex;

/// Thumbnails on a page.
const WORST: usize = 12;
/// Their longer side, in pixels.
const THUMBNAIL: u32 = 160;
/// Files set aside that are listed by name.
const LISTED: usize = 200;

/// A finished training.
pub(crate) struct Run<'a> {
    pub model: &'a Model,
    pub prepared: &'a Prepared,
    pub fit: &'a Fit,
    pub test: &'a Scores,
    pub validation: &'a Scores,
    pub test_rows: &'a [usize],
    pub test_outputs: &'a [f32],
    pub seconds: f64,
}

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
    pub seen: usize,
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
    let task = &run.model.task;
    let counts = |split| count(task, &targets.select(&plan.indices(split)));
    let (train, validation, test) = (
        counts(Split::Train),
        counts(Split::Validation),
        counts(Split::Test),
    );
    let names = task
        .names()
        .iter()
        .enumerate()
        .map(|(i, name)| page::NamedCounts {
            name: name.clone(),
            counts: page::SplitCounts {
                train: train[i],
                validation: validation[i],
                test: test[i],
            },
        });
    let test_targets = targets.select(run.test_rows);
    let train_targets = targets.select(&plan.indices(Split::Train));
    let mut set_aside = unreadable(source, features);
    let path = |row: usize| path(source, features, row);
    set_aside.extend(plan.set_aside.iter().map(|entry| page::SetAsideFile {
        path: path(entry.index),
        reason: entry.reason.describe(path),
    }));
    let fit = &run.model.provenance.fit;
    Report {
        task: page::Task {
            kind: task.kind().to_string(),
            reason: sentence(&inference.reason),
            override_hint: Some(sentence(&inference.way_out)),
            names_are: names_are(task),
            names: names.collect(),
        },
        head: head(run.model),
        data: Some(page::Data {
            source: run.model.provenance.data.clone(),
            layout: sentence(&source.layout.to_string()),
            counts: page::SplitCounts {
                train: plan.counts.train,
                validation: plan.counts.validation,
                test: plan.counts.test,
            },
            split: Some(sentence(&plan.sentence)),
            set_aside_count: set_aside.len(),
            set_aside: set_aside.into_iter().take(LISTED).collect(),
            duplicates: None,
        }),
        training: Some(page::Training {
            epochs: run
                .fit
                .curve
                .iter()
                .enumerate()
                .map(|(i, losses)| page::Epoch {
                    epoch: i + 1,
                    train_loss: Some(losses.train_loss),
                    validation_loss: Some(losses.validation_loss),
                })
                .collect(),
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
                Fact::new("dropout", run.model.provenance.head.dropout.to_string()),
            ],
        }),
        scores: Some(page::Scores {
            split: "test".to_owned(),
            headline: headline(
                task,
                run.test,
                Some(run.validation),
                &train_targets,
                &test_targets,
            ),
            note: Some(format!(
                "Measured on {} images that the model never saw.",
                run.test.images
            )),
        }),
        evidence: Some(evidence(task, run.test, run.test_outputs, &test_targets)),
        worst: worst(
            task,
            source,
            features,
            run.test_rows,
            run.test_outputs,
            &test_targets,
        ),
        ..frame(run.model)
    }
}

/// The report of an evaluation.
pub(crate) fn of_evaluation(scored: &Scored) -> Report {
    let task = &scored.model.task;
    let counts = count(task, scored.targets);
    let names = task
        .names()
        .iter()
        .zip(counts)
        .map(|(name, test)| page::NamedCounts {
            name: name.clone(),
            counts: page::SplitCounts {
                test,
                ..page::SplitCounts::default()
            },
        });
    let set_aside = unreadable(scored.source, scored.features);
    let left_out = match scored.seen {
        0 => String::new(),
        seen => format!(" {seen} images are left out because the model has learned from them."),
    };
    let mut report = Report {
        task: page::Task {
            kind: task.kind().to_string(),
            reason: "The model's own task.".to_owned(),
            override_hint: None,
            names_are: names_are(task),
            names: names.collect(),
        },
        head: head(scored.model),
        data: Some(page::Data {
            source: scored.data.display().to_string(),
            layout: sentence(&scored.source.layout.to_string()),
            counts: page::SplitCounts {
                test: scored.rows.len(),
                ..page::SplitCounts::default()
            },
            split: None,
            set_aside_count: set_aside.len(),
            set_aside: set_aside.into_iter().take(LISTED).collect(),
            duplicates: None,
        }),
        scores: Some(page::Scores {
            split: "evaluation".to_owned(),
            headline: headline(task, scored.scores, None, scored.targets, scored.targets),
            note: Some(format!(
                "Measured on {} images.{left_out}",
                scored.rows.len()
            )),
        }),
        evidence: Some(evidence(
            task,
            scored.scores,
            scored.outputs,
            scored.targets,
        )),
        worst: worst(
            task,
            scored.source,
            scored.features,
            scored.rows,
            scored.outputs,
            scored.targets,
        ),
        ..frame(scored.model)
    };
    name_model(&mut report, scored.folder);
    report
}

/// Names the model's folder, once it is known.
pub(crate) fn name_model(report: &mut Report, folder: &Path) {
    report.model = folder.display().to_string();
    report.usage = usage(&report.model);
}

/// What every report of a model has.
fn frame(model: &Model) -> Report {
    let provenance = &model.provenance;
    Report {
        title: title(&model.task),
        created: jiff::Zoned::now().strftime("%-d %B %Y, %H:%M").to_string(),
        finial_version: env!("CARGO_PKG_VERSION").to_owned(),
        provenance: vec![
            Fact::new("data fingerprint", &provenance.data_fingerprint),
            Fact::new("backbone", &provenance.backbone),
            Fact::new("backbone weights", &provenance.backbone_source),
            Fact::new("backbone fingerprint", &provenance.backbone_fingerprint),
            Fact::new("model fingerprint", hex(&model.weights.fingerprint())),
            Fact::new("frozen up to", &model.cut),
            Fact::new("trained", &provenance.created),
            Fact::new("finial", &provenance.finial),
            Fact::new("device", &provenance.device),
            Fact::new("seed", provenance.fit.seed.to_string()),
        ],
        ..Report::default()
    }
}

fn title(task: &Task) -> String {
    match (task.kind(), task.names()) {
        (TaskKind::Binary, [negative, positive]) => format!("{positive} or {negative}?"),
        (TaskKind::MultiClass, names) => format!("Which of {} classes?", names.len()),
        (TaskKind::MultiLabel, names) => format!("Which of {} labels?", names.len()),
        (_, names) => format!("How much: {}?", names.join(", ")),
    }
}

fn names_are(task: &Task) -> page::NamesAre {
    match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => page::NamesAre::Classes,
        TaskKind::MultiLabel => page::NamesAre::Labels,
        TaskKind::Regression => page::NamesAre::Targets,
    }
}

/// Images of each class or label; of a target, all.
fn count(task: &Task, targets: &Targets) -> Vec<usize> {
    let mut counts = vec![0; task.names().len()];
    for row in targets.iter() {
        match task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                if let Some(count) = counts.get_mut(row[0] as usize) {
                    *count += 1;
                }
            }
            TaskKind::MultiLabel => {
                for (count, on) in counts.iter_mut().zip(row) {
                    *count += usize::from(*on > 0.5);
                }
            }
            TaskKind::Regression => counts.iter_mut().for_each(|count| *count += 1),
        }
    }
    counts
}

/// The layers: the frozen part in one line, then each layer of the head.
fn head(model: &Model) -> Option<page::Head> {
    let (frozen, head) = model.parts().ok()?;
    let parameters = |graph: &Graph| -> usize {
        let counts = graph.parameters().into_iter();
        counts.map(|p| p.shape.iter().product::<usize>()).sum()
    };
    let mut layers = vec![page::Layer {
        name: model.provenance.backbone.clone(),
        kind: "pretrained network".to_owned(),
        output_shape: shape(&frozen, CUT),
        parameters: parameters(&frozen),
        role: page::LayerRole::Frozen,
    }];
    for node in head.nodes().iter().skip(1) {
        let own = head.parameters_of(node).into_iter();
        let rate = match node.op {
            finial_graph::Op::Dropout { rate } => format!(" {rate}"),
            _ => String::new(),
        };
        layers.push(page::Layer {
            name: node.name.clone(),
            kind: format!("{}{rate}", node.op.name()),
            output_shape: shape(&head, &node.name),
            parameters: own.map(|p| p.shape.iter().product::<usize>()).sum(),
            role: match node.name.as_str() {
                LOGITS | crate::head::OUTPUT => page::LayerRole::Final,
                _ => page::LayerRole::Trained,
            },
        });
    }
    Some(page::Head {
        layers,
        final_layer: Some(final_layer(&model.task)),
    })
}

fn shape(graph: &Graph, node: &str) -> Vec<usize> {
    match graph.shape_of(node) {
        Ok(finial_graph::Shape::Map(dims)) => dims.to_vec(),
        Ok(finial_graph::Shape::Vector(dims)) => dims.to_vec(),
        Err(_) => Vec::new(),
    }
}

/// The three choices and their reasons, in plain words.
fn final_layer(task: &Task) -> page::FinalLayer {
    let (units_why, activation_why, loss_why) = match task.kind() {
        TaskKind::MultiClass => (
            "One for each class.",
            "An image has exactly one class, so the probabilities share a total of 1.",
            "It asks for a high probability of the true class, which is all that is known.",
        ),
        TaskKind::Binary => (
            "Two classes are one yes-or-no question; a second unit would repeat the first.",
            "It turns one number into the probability of yes.",
            "It asks for a high probability of the true answer.",
        ),
        TaskKind::MultiLabel => (
            "One for each label.",
            "Labels can occur together, so each has a probability of its own.",
            "It takes each label as a yes-or-no question.",
        ),
        TaskKind::Regression => (
            "One for each number.",
            "A number may be any size, so nothing bends it.",
            "It asks for numbers close to the true ones.",
        ),
    };
    page::FinalLayer {
        units: task.units(),
        units_why: units_why.to_owned(),
        activation: task.activation().to_string(),
        activation_why: activation_why.to_owned(),
        loss: task.loss().to_string(),
        loss_why: loss_why.to_owned(),
    }
}

/// The headline metrics, each beside the score of a guess that ignores the image.
fn headline(
    task: &Task,
    scores: &Scores,
    validation: Option<&Scores>,
    known: &Targets,
    asked: &Targets,
) -> Vec<page::Score> {
    let guess = blind_guess(task, known, asked);
    scores
        .metrics
        .iter()
        .filter_map(|&(metric, value)| {
            let blind = guess.as_ref().and_then(|scores| scores.get(metric));
            Some(page::Score {
                name: metric.key().to_owned(),
                label: metric.label().to_owned(),
                value: value?,
                measure: measure(metric),
                validation: validation.and_then(|v| v.get(metric)),
                baseline: blind.map(|value| page::Baseline {
                    value,
                    sentence: format!(
                        "{} scores {}.",
                        guess_in_words(task),
                        written(metric, value)
                    ),
                }),
                explanation: sentence(metric.explanation()),
                better: match metric.better() {
                    Better::Higher => page::Better::Higher,
                    Better::Lower => page::Better::Lower,
                },
            })
        })
        .collect()
}

fn measure(metric: Metric) -> page::Measure {
    match metric {
        Metric::Mae | Metric::Rmse | Metric::LogLoss => page::Measure::Quantity { unit: None },
        _ => page::Measure::Share,
    }
}

fn written(metric: Metric, value: f64) -> String {
    match measure(metric) {
        page::Measure::Share => page::format::share(value),
        page::Measure::Quantity { .. } => page::format::quantity(value),
    }
}

fn guess_in_words(task: &Task) -> &'static str {
    match task.kind() {
        TaskKind::Regression => "Always guessing the mean of the training images",
        TaskKind::MultiLabel => "Giving every image the labels' frequencies",
        TaskKind::MultiClass | TaskKind::Binary => "Giving every image the classes' frequencies",
    }
}

/// The scores of answering every image with what is frequent among `known`.
fn blind_guess(task: &Task, known: &Targets, asked: &Targets) -> Option<Scores> {
    let rows = known.rows().max(1) as f32;
    let row: Vec<f32> = match task.kind() {
        TaskKind::Regression => crate::head::Scale::of(task, known).mean,
        TaskKind::Binary => vec![count(task, known).get(1).copied()? as f32 / rows],
        TaskKind::MultiClass | TaskKind::MultiLabel => count(task, known)
            .iter()
            .map(|&n| n as f32 / rows)
            .collect(),
    };
    task.score(&row.repeat(asked.rows()), asked).ok()
}

fn evidence(task: &Task, scores: &Scores, outputs: &[f32], targets: &Targets) -> page::Evidence {
    match &scores.detail {
        Detail::MultiClass { classes, confusion } => {
            page::Evidence::MultiClass(page::MultiClassEvidence {
                confusion: page::Confusion {
                    names: task.names().to_vec(),
                    counts: counts(confusion),
                },
                per_class: task
                    .names()
                    .iter()
                    .zip(classes)
                    .map(|(name, class)| page::ClassRow {
                        name: name.clone(),
                        precision: Some(class.precision),
                        recall: (class.support > 0).then_some(class.recall),
                        f1: (class.support > 0).then_some(class.f1),
                        support: class.support as usize,
                    })
                    .collect(),
            })
        }
        Detail::Binary {
            confusion,
            roc,
            precision_recall,
        } => {
            let cell = |truth: usize, answer: usize| {
                let row = confusion.get(truth);
                row.and_then(|row| row.get(answer))
                    .map_or(0, |&n| n as usize)
            };
            let name = |i: usize| task.names().get(i).cloned().unwrap_or_default();
            page::Evidence::Binary(page::BinaryEvidence {
                positive: name(1),
                negative: name(0),
                threshold: f64::from(Task::THRESHOLD),
                counts: page::BinaryCounts {
                    true_positive: cell(1, 1),
                    false_negative: cell(1, 0),
                    false_positive: cell(0, 1),
                    true_negative: cell(0, 0),
                },
                roc: roc
                    .iter()
                    .map(|p| page::RocPoint {
                        false_positive_rate: p.false_positive_rate,
                        true_positive_rate: p.true_positive_rate,
                    })
                    .collect(),
                pr: precision_recall
                    .iter()
                    .map(|p| page::PrPoint {
                        recall: p.recall,
                        precision: p.precision,
                    })
                    .collect(),
            })
        }
        Detail::MultiLabel { labels } => {
            let row = |(name, label): (&String, &LabelScores)| page::LabelRow {
                name: name.clone(),
                precision: Some(label.precision),
                recall: (label.support > 0).then_some(label.recall),
                f1: (label.support > 0).then_some(label.f1),
                average_precision: label.average_precision,
                support: label.support as usize,
            };
            page::Evidence::MultiLabel(page::MultiLabelEvidence {
                per_label: task.names().iter().zip(labels).map(row).collect(),
            })
        }
        Detail::Regression { targets: scores } => {
            let units = task.units();
            let points = |target: usize| {
                let pairs = targets.iter().zip(outputs.chunks_exact(units));
                pairs.map(move |(truth, predicted)| page::PredictedPoint {
                    truth: f64::from(truth[target]),
                    predicted: f64::from(predicted[target]),
                })
            };
            page::Evidence::Regression(page::RegressionEvidence {
                targets: task
                    .names()
                    .iter()
                    .zip(scores)
                    .enumerate()
                    .map(|(i, (name, score))| page::TargetEvidence {
                        name: name.clone(),
                        unit: None,
                        mae: score.mae,
                        rmse: score.rmse,
                        r2: score.r2,
                        points: points(i).collect(),
                    })
                    .collect(),
            })
        }
    }
}

fn counts(confusion: &[Vec<u64>]) -> Vec<Vec<usize>> {
    let row = |row: &Vec<u64>| row.iter().map(|&n| n as usize).collect();
    confusion.iter().map(row).collect()
}

/// The images answered most wrongly: by the probability that the truth was given, or by the
/// distance from it.
fn worst(
    task: &Task,
    source: &Source,
    features: &Features,
    rows: &[usize],
    outputs: &[f32],
    targets: &Targets,
) -> Vec<page::WorstImage> {
    let mut ranked: Vec<(f32, usize)> = outputs
        .chunks_exact(task.units())
        .zip(targets.iter())
        .enumerate()
        .map(|(i, (output, truth))| (wrongness(task, output, truth), i))
        .filter(|(wrong, _)| *wrong > 0.0)
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    ranked.truncate(WORST);
    ranked
        .into_iter()
        .filter_map(|(_, i)| {
            let row = rows[i];
            let output = outputs.chunks_exact(task.units()).nth(i)?;
            let truth = targets.row(i)?;
            let file = &source.samples[features.kept[row]].path;
            let bytes = std::fs::read(file).ok();
            let jpeg = bytes.and_then(|bytes| thumbnail(&bytes, THUMBNAIL).ok());
            let (predicted, remark) = in_words(task, output, truth);
            Some(page::WorstImage {
                jpeg: jpeg.unwrap_or_default(),
                path: path(source, features, row),
                truth: task.describe_target(truth),
                predicted,
                remark,
            })
        })
        .collect()
}

/// How wrong an answer is; 0 for a right one.
fn wrongness(task: &Task, output: &[f32], truth: &[f32]) -> f32 {
    match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => {
            let probabilities = task.class_probabilities(output);
            let right = probabilities.get(truth[0] as usize).copied();
            let most = probabilities.iter().copied().fold(0.0, f32::max);
            match right {
                Some(right) if right < most => 1.0 - right,
                _ => 0.0,
            }
        }
        TaskKind::MultiLabel => {
            let wrong = output
                .iter()
                .zip(truth)
                .filter(|(p, y)| (**p >= Task::THRESHOLD) != (**y > 0.5));
            wrong.map(|(p, y)| (p - y).abs()).sum()
        }
        TaskKind::Regression => output.iter().zip(truth).map(|(p, y)| (p - y).abs()).sum(),
    }
}

/// What was predicted, and how wrong that is.
fn in_words(task: &Task, output: &[f32], truth: &[f32]) -> (String, String) {
    match task.decode(output) {
        Prediction::Class {
            class, probability, ..
        } => (class, format!("{:.0} % sure", probability * 100.0)),
        Prediction::Labels { labels, .. } => {
            let held: Vec<&String> = task
                .names()
                .iter()
                .zip(truth)
                .filter(|(_, on)| **on > 0.5)
                .map(|(name, _)| name)
                .collect();
            let missed = held.iter().filter(|name| !labels.contains(name)).count();
            let added = labels.iter().filter(|name| !held.contains(name)).count();
            let predicted = match labels.is_empty() {
                true => "no label".to_owned(),
                false => labels.join(", "),
            };
            (predicted, format!("{missed} missed, {added} too many"))
        }
        Prediction::Numbers { values } => {
            let predicted: Vec<f32> = values.iter().map(|v| v.value).collect();
            let apart: Vec<String> = predicted
                .iter()
                .zip(truth)
                .map(|(p, y)| {
                    let side = if p > y { "too large" } else { "too small" };
                    format!(
                        "{} {side}",
                        page::format::quantity(f64::from((p - y).abs()))
                    )
                })
                .collect();
            (task.describe_target(&predicted), apart.join(", "))
        }
    }
}

fn unreadable(source: &Source, features: &Features) -> Vec<page::SetAsideFile> {
    features
        .unreadable
        .iter()
        .map(|unreadable| page::SetAsideFile {
            path: source.samples[unreadable.index].path.display().to_string(),
            reason: unreadable.reason.clone(),
        })
        .collect()
}

fn path(source: &Source, features: &Features, row: usize) -> String {
    let path = &source.samples[features.kept[row]].path;
    path.strip_prefix(&source.root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// With a capital and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    let text = first.unwrap_or_default() + letters.as_str();
    match text.ends_with(['.', '?', '!']) || text.is_empty() {
        true => text,
        false => text + ".",
    }
}

/// The command lines that use a model.
fn usage(model: &str) -> Vec<Command> {
    let line = |purpose: &str, line: String| Command {
        purpose: purpose.to_owned(),
        line,
    };
    let model = match model.contains(|c: char| c.is_whitespace() || "'\"$&;()".contains(c)) {
        true => format!("'{}'", model.replace('\'', r"'\''")),
        false => model.to_owned(),
    };
    vec![
        line(
            "Ask the model about images",
            format!("finial predict {model} IMAGE_OR_FOLDER"),
        ),
        line(
            "Score it on other labelled images",
            format!("finial evaluate {model} DATA"),
        ),
    ]
}
