//! Five flowers, and a hundred and twenty species.

use finial_report::{
    Baseline, Better, ClassRow, Confusion, Data, Duplicates, Evidence, FinalLayer, Head, Interval,
    Measure, MultiClassEvidence, NamedCounts, NamesAre, Report, Score, Scores, SetAsideFile,
    SplitCounts, Task, WorstImage, format,
};

use super::noise::{Noise, thumbnail};

pub fn report() -> Report {
    let names = ["daisy", "dandelion", "rose", "sunflower", "tulip"];
    let counts = vec![
        vec![88, 5, 1, 0, 1],
        vec![4, 126, 0, 3, 1],
        vec![1, 0, 81, 1, 13],
        vec![0, 4, 1, 98, 2],
        vec![0, 1, 9, 2, 108],
    ];
    let evidence = evidence(names.iter().map(|name| name.to_string()).collect(), counts);
    let mut report = base("flowers", evidence, 550, 0.911);
    report.title = "Which flower is it?".into();
    report.worst = [
        ("rose", "tulip", 0.01, "rose/8692040971_826614516f_n.jpg"),
        ("tulip", "rose", 0.02, "tulip/15275190769_0ed7bbf490.jpg"),
        (
            "daisy",
            "dandelion",
            0.05,
            "daisy/3900172983_9312fdf39c_n.jpg",
        ),
        ("rose", "tulip", 0.06, "rose/5736328472_8f25e6f6e7.jpg"),
        (
            "sunflower",
            "dandelion",
            0.09,
            "sunflower/27465811_9477c9d044.jpg",
        ),
        (
            "dandelion",
            "sunflower",
            0.11,
            "dandelion/98992760_53ed1d26a9.jpg",
        ),
        ("rose", "tulip", 0.12, "rose/9158041313_7a6a102f7a_n.jpg"),
        (
            "tulip",
            "sunflower",
            0.14,
            "tulip/4521037085_70d5802e1d_m.jpg",
        ),
    ]
    .into_iter()
    .zip(1..)
    .map(|((truth, predicted, given, path), seed)| WorstImage {
        heat: Vec::new(),
        jpeg: thumbnail(seed),
        path: format!("flower_photos/{path}"),
        truth: truth.into(),
        predicted: predicted.into(),
        remark: format!("gave the truth {}", format::percent(given)),
    })
    .collect();
    report
}

pub fn many_classes() -> Report {
    let mut noise = Noise::new(5);
    let names: Vec<String> = (1..=120)
        .map(|i| format!("Carabus species {i:03}"))
        .collect();
    let counts = (0..names.len())
        .map(|truth| {
            let mut row = vec![0; names.len()];
            row[truth] = 14 + (noise.uniform() * 20.0) as usize;
            for _ in 0..(noise.uniform() * 9.0) as usize {
                let spread = (noise.normal().abs() * 6.0) as usize + 1;
                row[(truth + spread) % names.len()] += 1;
            }
            row
        })
        .collect();
    let mut report = base("beetles", evidence(names, counts), 3_120, 0.012);
    report.title = "Ground beetles of the museum's drawer 14 to 61".into();
    report
}

/// Too few images, and no better than a guess.
pub fn doubtful() -> Report {
    let names = ["cockle", "mussel", "oyster"].map(str::to_owned).to_vec();
    let counts = vec![vec![2, 2, 1], vec![2, 1, 1], vec![1, 1, 1]];
    let mut report = base("shells", evidence(names, counts), 12, 0.05);
    report.title = "Cockle, mussel or oyster?".into();
    if let Some(scores) = &mut report.scores {
        scores.doubts = vec![
            "Only 12 images: one more right or wrong moves the scores a lot. Take them for a rough guess.".into(),
            "No better than not looking at the images: the model has learned nothing that helps here.".into(),
        ];
    }
    report
}

/// The evidence and rows of a confusion matrix, each class's scores counted from it.
pub fn evidence(names: Vec<String>, counts: Vec<Vec<usize>>) -> MultiClassEvidence {
    let ratio = |part: usize, whole: usize| (whole > 0).then(|| part as f64 / whole as f64);
    let per_class = (0..names.len())
        .map(|class| {
            let right = counts[class][class];
            let support: usize = counts[class].iter().sum();
            let predicted: usize = counts.iter().map(|row| row[class]).sum();
            ClassRow {
                name: names[class].clone(),
                precision: ratio(right, predicted),
                recall: ratio(right, support),
                f1: ratio(2 * right, predicted + support),
                support,
            }
        })
        .collect();
    MultiClassEvidence {
        confusion: Confusion { names, counts },
        per_class,
    }
}

/// A report around the evidence; its accuracy is counted from the matrix.
pub fn base(model: &str, evidence: MultiClassEvidence, images: usize, validation: f64) -> Report {
    let counts = &evidence.confusion.counts;
    let right: usize = (0..counts.len()).map(|class| counts[class][class]).sum();
    let total: usize = counts.iter().flatten().sum();
    let most = evidence
        .per_class
        .iter()
        .map(|row| row.support)
        .max()
        .unwrap_or(0);
    let accuracy = right as f64 / total as f64;
    let guess = most as f64 / total as f64;
    let macro_f1 = evidence
        .per_class
        .iter()
        .filter_map(|row| row.f1)
        .sum::<f64>()
        / evidence.per_class.len() as f64;
    let classes = evidence.confusion.names.len();
    Report {
        title: model.into(),
        model: model.into(),
        created: "24 November 2026, 14:05".into(),
        finial_version: "0.1.0".into(),
        task: Task {
            kind: "multi-class".into(),
            reason: format!("Every image lies in exactly one of {classes} folders, so each has one class out of {classes}."),
            override_hint: Some("If an image can show several of them, train with `--task multi-label`.".into()),
            names_are: NamesAre::Classes,
            names: evidence
                .per_class
                .iter()
                .map(|row| NamedCounts {
                    name: row.name.clone(),
                    counts: SplitCounts {
                        train: row.support * 7,
                        validation: row.support,
                        test: row.support,
                    },
                })
                .collect(),
            ..Task::default()
        },
        head: Some(Head {
            layers: super::layers(classes),
            final_layer: Some(FinalLayer {
                units: classes,
                units_why: "One for each class.".into(),
                activation: "softmax".into(),
                activation_why: "An image has exactly one class, so the probabilities share out 1 among them.".into(),
                loss: "cross-entropy".into(),
                loss_why: "It asks for a high probability of the one true class, and is what softmax is made for.".into(),
            }),
        }),
        data: Some(Data {
            source: "~/pictures/flower_photos".into(),
            layout: "A folder for each class, with the images inside.".into(),
            counts: SplitCounts {
                train: total * 7,
                validation: total,
                test: total,
            },
            split: Some("Split 78 : 11 : 11 at random within each class, with seed 17; copies of an image stay on one side.".into()),
            set_aside_count: 4,
            set_aside: vec![
                aside("flower_photos/LICENSE.txt", "not an image"),
                aside("flower_photos/rose/._a3.jpg", "not readable as JPEG"),
                aside("flower_photos/tulip/cut.jpg", "not readable as JPEG"),
                aside("flower_photos/tulip/empty.png", "empty file"),
            ],
            duplicates: Some(Duplicates {
                copies: 12,
                contradictions: 2,
            }),
        }),
        training: Some(super::training(1.55, 0.27, 21, &mut Noise::new(images as u64))),
        scores: Some(Scores {
            split: "test".into(),
            headline: vec![
                Score {
                    name: "accuracy".into(),
                    label: "Accuracy".into(),
                    value: accuracy,
                    measure: Measure::Share,
                    validation: Some(if validation > 0.5 { validation } else { accuracy + validation }),
                    comparison: Some("On the validation images, which chose the best epoch, it is about the same.".into()),
                    interval: Some(Interval {
                        low: accuracy - 0.02,
                        high: accuracy + 0.02,
                        sentence: format!("{} of {} are right; on other images of this kind expect between {:.2} and {:.2}.", format::count(right), format::images(total), accuracy - 0.02, accuracy + 0.02),
                    }),
                    baseline: Some(Baseline {
                        value: guess,
                        sentence: format!("Always guessing the most common class scores {}.", format::share(guess)),
                    }),
                    explanation: format!("Names the right class for {:.0} images in 100.", accuracy * 100.0),
                    better: Better::Higher,
                },
                Score {
                    name: "macro_f1".into(),
                    label: "Macro F1".into(),
                    value: macro_f1,
                    measure: Measure::Share,
                    validation: Some(macro_f1 - 0.006),
                    comparison: None,
                    interval: None,
                    baseline: None,
                    explanation: "The mean over the classes, so that a rare one counts as much as a common one.".into(),
                    better: Better::Higher,
                },
                Score {
                    name: "log_loss".into(),
                    label: "Log loss".into(),
                    value: 0.2731,
                    measure: Measure::Quantity { unit: None },
                    validation: Some(0.2689),
                    comparison: None,
                    interval: None,
                    baseline: None,
                    explanation: "Small when the model is sure and right, large when it is sure and wrong.".into(),
                    better: Better::Lower,
                },
            ],
            note: Some(format!("All test scores rest on {}, kept away from training.", format::images(total))),
            doubts: Vec::new(),
        }),
        evidence: Some(Evidence::MultiClass(evidence)),
        worst: Vec::new(),
        provenance: super::provenance(),
        usage: super::usage(model, "~/pictures/flower_photos"),
        ..Report::default()
    }
}

fn aside(path: &str, reason: &str) -> SetAsideFile {
    SetAsideFile {
        path: path.into(),
        reason: reason.into(),
        detail: None,
    }
}
