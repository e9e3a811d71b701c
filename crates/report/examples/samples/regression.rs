//! Leaves with three numbers to read off: length, area and a count of spots.

use finial_report::{
    Baseline, Better, Data, Evidence, FinalLayer, Head, Measure, NamedCounts, NamedSpreads,
    NamesAre, PredictedPoint, RegressionEvidence, Report, Score, Scores, SplitCounts, Spread,
    TargetEvidence, Task, WorstImage, format,
};

use super::noise::{Noise, thumbnail};

pub fn report() -> Report {
    let mut noise = Noise::new(23);
    let targets = vec![
        target("length", Some("mm"), 240, (74.0, 21.0), 3.6, &mut noise),
        target("area", Some("cm²"), 240, (31.0, 9.0), 3.9, &mut noise),
        target("spots", None, 4_000, (6.0, 3.0), 2.3, &mut noise),
    ];
    let first = &targets[0];
    let guess = 16.7;
    Report {
        title: "Size of beech leaves".into(),
        model: "beech-leaves".into(),
        created: "24 November 2026, 14:05".into(),
        finial_version: "0.1.0".into(),
        task: Task {
            kind: "regression".into(),
            reason: "The columns `length`, `area` and `spots` hold numbers with many different values.".into(),
            override_hint: Some("If a number is only a name for a class, train with `--task multi-class`.".into()),
            names_are: NamesAre::Targets,
            names: targets
                .iter()
                .map(|target| NamedCounts {
                    name: target.name.clone(),
                    counts: SplitCounts { train: 1_920, validation: 240, test: 240 },
                })
                .collect(),
            spreads: [("length", Some("mm"), 21.0, 74.2, 131.0), ("area", Some("cm²"), 4.5, 30.9, 58.75), ("spots", None, 0.0, 6.0, 17.0)]
                .map(|(name, unit, least, median, greatest)| {
                    let spread = |narrower: f64| Some(Spread { least: least + narrower, median, greatest: greatest - narrower });
                    NamedSpreads { name: name.into(), unit: unit.map(str::to_owned), train: spread(0.0), validation: spread(1.0), test: spread(2.0) }
                })
                .to_vec(),
        },
        head: Some(Head {
            layers: super::layers(targets.len()),
            final_layer: Some(FinalLayer {
                units: targets.len(),
                units_why: "One for each target.".into(),
                activation: "none".into(),
                activation_why: "A length can be any number; an activation would cut it off.".into(),
                loss: "Huber".into(),
                loss_why: "Like the squared error for small misses, but a single mislabelled leaf does not outweigh the rest.".into(),
            }),
        }),
        data: Some(Data {
            source: "leaves/measured.csv".into(),
            layout: "A table with a column of paths and three columns of numbers.".into(),
            counts: SplitCounts { train: 1_920, validation: 240, test: 240 },
            split: Some("Split 80 : 10 : 10 at random, with seed 17.".into()),
            set_aside_count: 1_312,
            set_aside: (0..300)
                .map(|i| finial_report::SetAsideFile {
                    path: format!("leaves/scan_{i:05}.png"),
                    reason: "no row in the table".into(),
                    detail: None,
                })
                .collect(),
            ..Data::default()
        }),
        training: Some(super::training(0.48, 0.06, 40, &mut Noise::new(9))),
        scores: Some(Scores {
            split: "test".into(),
            headline: vec![
                Score {
                    name: "mae".into(),
                    label: "MAE of length".into(),
                    value: first.mae,
                    measure: Measure::Quantity { unit: Some("mm".into()) },
                    validation: Some(first.mae + 0.12),
                    comparison: None,
                    interval: None,
                    baseline: Some(Baseline {
                        value: guess,
                        sentence: format!("Always saying the mean length misses by {}.", format::with_unit(guess, Some("mm"))),
                    }),
                    explanation: format!("A predicted length is {} off on average.", format::with_unit(first.mae, Some("mm"))),
                    better: Better::Lower,
                },
                Score {
                    name: "r2".into(),
                    label: "R² of length".into(),
                    value: first.r2.unwrap_or(0.0),
                    measure: Measure::Share,
                    validation: None,
                    comparison: None,
                    interval: None,
                    baseline: None,
                    explanation: "The share of the differences between leaves that it explains.".into(),
                    better: Better::Higher,
                },
            ],
            ..Scores::default()
        }),
        worst_order: Some("Sorted by the distance from the truth.".into()),
        worst: [(112.0, 98.4), (41.0, 53.3), (88.0, 77.9)]
            .into_iter()
            .zip(71..)
            .map(|((truth, predicted), seed): ((f64, f64), u64)| WorstImage {
 heat: Vec::new(),
                jpeg: thumbnail(seed),
                path: format!("leaves/scan_{:05}.png", seed * 71),
                truth: format!("length {}", format::with_unit(truth, Some("mm"))),
                predicted: format!("length {}", format::with_unit(predicted, Some("mm"))),
                remark: format!(
                    "{} too {}",
                    format::with_unit((truth - predicted).abs(), Some("mm")),
                    if predicted > truth { "large" } else { "small" }
                ),
            })
            .collect(),
        evidence: Some(Evidence::Regression(RegressionEvidence { targets })),
        provenance: super::provenance(),
        usage: super::usage("beech-leaves", "leaves/measured.csv"),
        ..Report::default()
    }
}

fn target(
    name: &str,
    unit: Option<&str>,
    images: usize,
    (mean, deviation): (f64, f64),
    error: f64,
    noise: &mut Noise,
) -> TargetEvidence {
    let points: Vec<PredictedPoint> = (0..images)
        .map(|_| {
            let truth = (mean + deviation * noise.normal()).max(0.0);
            let predicted = truth + 0.08 * (mean - truth) + error * noise.normal();
            PredictedPoint { truth, predicted }
        })
        .collect();
    let number = points.len() as f64;
    let errors = || points.iter().map(|point| point.predicted - point.truth);
    let true_mean = points.iter().map(|point| point.truth).sum::<f64>() / number;
    let spread: f64 = points
        .iter()
        .map(|point| (point.truth - true_mean).powi(2))
        .sum();
    let squared: f64 = errors().map(|error| error * error).sum();
    TargetEvidence {
        name: name.into(),
        unit: unit.map(str::to_owned),
        mae: errors().map(f64::abs).sum::<f64>() / number,
        rmse: (squared / number).sqrt(),
        r2: Some(1.0 - squared / spread),
        points,
    }
}
