//! Castings, fine or defective: as a training and as a later evaluation.

use finial_report::{
    Baseline, Better, BinaryCounts, BinaryEvidence, Data, Evidence, FinalLayer, Head, Measure,
    NamedCounts, NamesAre, PrPoint, Report, RocPoint, Score, Scores, SplitCounts, Task, WorstImage,
    format,
};

use super::noise::{Noise, thumbnail};

pub fn report() -> Report {
    let (evidence, area) = drawn();
    Report {
        title: "Defective castings".into(),
        model: "castings".into(),
        created: "24 November 2026, 14:05".into(),
        finial_version: "0.1.0".into(),
        task: Task {
            kind: "binary".into(),
            reason: "There are two folders, and the name of one, defective, says what is looked for.".into(),
            override_hint: Some("If fine is what should be found, train with `--positive fine`.".into()),
            names_are: NamesAre::Classes,
            names: [("fine", [2_496, 312, 312]), ("defective", [464, 58, 58])]
                .map(|(name, [train, validation, test])| NamedCounts {
                    name: name.into(),
                    counts: SplitCounts { train, validation, test },
                })
                .to_vec(),
            ..Task::default()
        },
        head: Some(Head {
            layers: super::layers(1),
            final_layer: Some(FinalLayer {
                units: 1,
                units_why: "One question, one number: how likely the casting is defective.".into(),
                activation: "sigmoid".into(),
                activation_why: "It turns the number into a probability between 0 and 1.".into(),
                loss: "binary cross-entropy, weighted".into(),
                loss_why: "It asks for a high probability on defective ones; as those are rare, each counts 5.4 times.".into(),
            }),
        }),
        data: Some(Data {
            source: "castings/".into(),
            layout: "A folder for each of two classes.".into(),
            counts: SplitCounts { train: 2_960, validation: 370, test: 370 },
            split: Some("Split 80 : 10 : 10 at random within each class, with seed 17.".into()),
            ..Data::default()
        }),
        training: Some(super::training(0.69, 0.19, 30, &mut Noise::new(3))),
        scores: Some(scores(area, &evidence)),
        worst: worst(),
        evidence: Some(Evidence::Binary(evidence)),
        provenance: super::provenance(),
        usage: super::usage("castings-model", "castings/"),
        ..Report::default()
    }
}

/// The same model on other images: no training, no layers, one split.
pub fn evaluation() -> Report {
    let full = report();
    let names = full.task.names.iter().map(|row| NamedCounts {
        name: row.name.clone(),
        counts: SplitCounts {
            test: row.counts.test,
            ..SplitCounts::default()
        },
    });
    Report {
        title: "Fine or defective?".into(),
        subject: Some(
            "How the model `castings` answers the 370 images of `line-4/october.csv`.".into(),
        ),
        task: Task {
            names: names.collect(),
            ..full.task.clone()
        },
        data: Some(Data {
            source: "line-4/october.csv".into(),
            layout: "A table with a column of paths and a column of classes.".into(),
            counts: SplitCounts {
                test: 370,
                ..SplitCounts::default()
            },
            ..Data::default()
        }),
        scores: full.scores.clone().map(|mut scores| {
            for score in &mut scores.headline {
                score.validation = None;
            }
            scores.split = "evaluated".into();
            scores.note = None;
            scores
        }),
        head: None,
        training: None,
        worst: Vec::new(),
        ..full
    }
}

/// Draws probabilities for 58 defective and 312 fine castings and counts everything from them;
/// also the area under the ROC curve.
fn drawn() -> (BinaryEvidence, f64) {
    let mut noise = Noise::new(11);
    let mut scored: Vec<(f64, bool)> = (0..370)
        .map(|i| {
            let yes = i < 58;
            let logit = if yes { 2.1 } else { -1.9 } + 1.55 * noise.normal();
            (1.0 / (1.0 + (-logit).exp()), yes)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (positives, negatives) = (58.0, 312.0);
    let mut roc = vec![RocPoint::default()];
    let mut pr = Vec::new();
    let (mut caught, mut alarms, mut area) = (0.0, 0.0, 0.0);
    for &(_, yes) in &scored {
        if yes {
            caught += 1.0;
        } else {
            alarms += 1.0;
            area += caught / positives / negatives;
        }
        roc.push(RocPoint {
            false_positive_rate: alarms / negatives,
            true_positive_rate: caught / positives,
        });
        pr.push(PrPoint {
            recall: caught / positives,
            precision: caught / (caught + alarms),
        });
    }
    let threshold = 0.62;
    let number = |said: bool, is: bool| {
        scored
            .iter()
            .filter(|&&(p, yes)| (p >= threshold) == said && yes == is)
            .count()
    };
    let evidence = BinaryEvidence {
        positive: "defective".into(),
        negative: "fine".into(),
        threshold,
        counts: BinaryCounts {
            true_positive: number(true, true),
            false_negative: number(false, true),
            false_positive: number(true, false),
            true_negative: number(false, false),
        },
        roc,
        pr,
    };
    (evidence, area)
}

fn scores(area: f64, evidence: &BinaryEvidence) -> Scores {
    let counts = evidence.counts;
    let recall = counts.true_positive as f64 / 58.0;
    let precision =
        counts.true_positive as f64 / (counts.true_positive + counts.false_positive) as f64;
    let share = |name: &str, label: &str, value: f64, explanation: String| Score {
        name: name.into(),
        label: label.into(),
        value,
        measure: Measure::Share,
        validation: Some(value - 0.011),
        comparison: None,
        interval: None,
        baseline: None,
        explanation,
        better: Better::Higher,
    };
    let mut first = share(
        "roc_auc",
        "ROC AUC",
        area,
        format!(
            "Picks the defective one out of a random pair {:.0} times in 100.",
            area * 100.0
        ),
    );
    first.baseline = Some(Baseline {
        value: 0.5,
        sentence: "Guessing scores 0.500.".into(),
    });
    let mut precision = share(
        "precision",
        "Precision",
        precision,
        format!(
            "Of 100 castings it calls defective, {:.0} are.",
            precision * 100.0
        ),
    );
    precision.baseline = Some(Baseline {
        value: 58.0 / 370.0,
        sentence: format!(
            "Calling all of them defective scores {}.",
            format::share(58.0 / 370.0)
        ),
    });
    let found = format!("It finds {:.0} of 100 defective castings.", recall * 100.0);
    Scores {
        split: "test".into(),
        headline: vec![first, precision, share("recall", "Recall", recall, found)],
        note: Some(
            "The test images hold only 58 defective castings; one more or less caught moves the recall by 0.017.".into(),
        ),
        doubts: Vec::new(),
    }
}

fn worst() -> Vec<WorstImage> {
    [
        ("defective", "fine", 0.02, true),
        ("fine", "defective", 0.97, true),
        ("defective", "fine", 0.06, true),
        ("defective", "fine", 0.11, false),
        ("fine", "defective", 0.88, true),
        ("fine", "defective", 0.84, true),
    ]
    .into_iter()
    .zip(31..)
    .map(
        |((truth, predicted, probability, readable), seed): ((_, _, f64, _), u64)| WorstImage {
            heat: Vec::new(),
            jpeg: if readable {
                thumbnail(seed)
            } else {
                Vec::new()
            },
            path: format!("castings/{truth}/cast_{truth}_0_{}.jpeg", seed * 37),
            truth: truth.into(),
            predicted: predicted.into(),
            remark: format!(
                "gave the truth {}",
                format::percent(probability.min(1.0 - probability))
            ),
        },
    )
    .collect()
}
