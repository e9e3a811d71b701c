//! Camera traps: any number of animals in an image.

use finial_report::{
    Better, Data, Evidence, FinalLayer, Head, LabelRow, Measure, MultiLabelEvidence, NamedCounts,
    NamesAre, Report, Score, Scores, SplitCounts, Task, WorstImage,
};

use super::noise::{Noise, thumbnail};

const ANIMALS: [(&str, usize); 11] = [
    ("roe deer", 214),
    ("wild boar", 161),
    ("red fox", 120),
    ("badger", 64),
    ("hare", 52),
    ("pine marten", 21),
    ("raccoon", 17),
    ("wolf", 9),
    ("lynx", 4),
    ("human", 71),
    ("vehicle", 33),
];

pub fn report() -> Report {
    let mut noise = Noise::new(8);
    let rows: Vec<LabelRow> = ANIMALS
        .into_iter()
        .map(|(name, support)| {
            let ease = 1.0 - 1.1 / (support as f64).sqrt();
            let recall = (ease - 0.05 + 0.06 * noise.normal()).clamp(0.0, 0.99);
            let precision = (ease + 0.03 * noise.normal()).clamp(0.05, 0.99);
            let seen = name != "lynx";
            LabelRow {
                name: name.into(),
                precision: seen.then_some(precision),
                recall: Some(if seen { recall } else { 0.0 }),
                f1: Some(if seen {
                    2.0 * precision * recall / (precision + recall)
                } else {
                    0.0
                }),
                average_precision: Some((precision + recall) / 2.0 - 0.02),
                support,
            }
        })
        .collect();
    let mean = |of: fn(&LabelRow) -> Option<f64>| {
        rows.iter().filter_map(of).sum::<f64>() / rows.len() as f64
    };
    let mean_ap = mean(|row| row.average_precision);
    let macro_f1 = mean(|row| row.f1);
    Report {
        title: "Animals on the forest cameras".into(),
        model: "forest-cameras".into(),
        created: "24 November 2026, 14:05".into(),
        finial_version: "0.1.0".into(),
        task: Task {
            kind: "multi-label".into(),
            reason: "The column `animals` holds several names in one cell, set apart by semicolons, so an image can show any number of them, or none.".into(),
            override_hint: Some("If only one of them ever counts, train with `--task multi-class`.".into()),
            names_are: NamesAre::Labels,
            names: rows
                .iter()
                .map(|row| NamedCounts {
                    name: row.name.clone(),
                    counts: SplitCounts {
                        train: row.support * 8,
                        validation: row.support + 1,
                        test: row.support,
                    },
                })
                .collect(),
            ..Task::default()
        },
        head: Some(Head {
            layers: super::layers(rows.len()),
            final_layer: Some(FinalLayer {
                units: rows.len(),
                units_why: "One for each label.".into(),
                activation: "sigmoid".into(),
                activation_why: "Each label is a question of its own; a softmax would make the animals compete.".into(),
                loss: "binary cross-entropy".into(),
                loss_why: "It judges each label by itself and takes the mean.".into(),
            }),
        }),
        data: Some(Data {
            source: "cameras/labels.csv".into(),
            layout: "A table with a column `file` and a column `animals`.".into(),
            counts: SplitCounts { train: 5_104, validation: 641, test: 638 },
            split: Some("Split by camera, so that no camera is on two sides.".into()),
            ..Data::default()
        }),
        training: Some(super::training(0.52, 0.11, 26, &mut Noise::new(4))),
        scores: Some(Scores {
            split: "test".into(),
            headline: vec![
                score("mean_average_precision", "Mean AP", mean_ap, "Sorted by the model, the images with a label come before those without it, averaged over the labels. 1 would be a perfect order."),
                score("macro_f1", "Macro F1", macro_f1, "One number for finding what is there and not seeing what is not, averaged over the labels."),
            ],
            note: Some("Two labels have fewer than 10 test images; their scores can change a lot with a few more.".into()),
            ..Scores::default()
        }),
        evidence: Some(Evidence::MultiLabel(MultiLabelEvidence { images: 638, entirely_right: 511, per_label: rows })),
        worst: [
            ("lynx", "no label", "missed: lynx 3\u{a0}%"),
            ("wolf, human", "roe deer, human", "missed: wolf 8\u{a0}%; false: roe deer 96\u{a0}%"),
            ("no label", "wild boar, badger", "false: wild boar 91\u{a0}%, badger 77\u{a0}%"),
            ("pine marten", "red fox", "missed: pine marten 22\u{a0}%; false: red fox 64\u{a0}%"),
        ]
        .into_iter()
        .zip(51..)
        .map(|((truth, predicted, remark), seed): (_, u64)| WorstImage {
 heat: Vec::new(),
            jpeg: thumbnail(seed),
            path: format!("cameras/K{seed}/2026-03-{:02}_0412.jpg", seed - 40),
            truth: truth.into(),
            predicted: predicted.into(),
            remark: remark.into(),
        })
        .collect(),
        provenance: super::provenance(),
        usage: super::usage("forest-cameras", "cameras/labels.csv"),
        ..Report::default()
    }
}

fn score(name: &str, label: &str, value: f64, explanation: &str) -> Score {
    Score {
        name: name.into(),
        label: label.into(),
        value,
        measure: Measure::Share,
        validation: Some(value + 0.008),
        comparison: None,
        interval: None,
        baseline: None,
        explanation: explanation.into(),
        better: Better::Higher,
    }
}
