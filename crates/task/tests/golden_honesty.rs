//! Calibration, thresholds, intervals, conformal answers and suspects agree with scikit-learn,
//! SciPy, statsmodels, MAPIE and cleanlab.
//!
//! Inputs and values are in `golden/golden_honesty.json`, written by `golden/make_honesty.py`; to
//! change one, change the script and run it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::Path;

use finial_task::calibration::{multi_class, platt, temperature, yes_no};
use finial_task::metrics::binary;
use finial_task::{Conformal, Guaranteed, Metric, Targets, Task, ThresholdRule, Thresholds};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    temperature: Vec<Temperature>,
    platt: Vec<Platt>,
    reliability_multi_class: Vec<MultiClass>,
    reliability_yes_no: Vec<YesNo>,
    thresholds: Vec<Cut>,
    intervals: Vec<Intervals>,
    conformal_classes: Vec<Classes>,
    conformal_numbers: Vec<Numbers>,
    suspects: Vec<Suspects>,
}

#[derive(Deserialize)]
struct Temperature {
    name: String,
    classes: usize,
    logits: Vec<f32>,
    targets: Vec<u32>,
    temperature: f64,
}

#[derive(Deserialize)]
struct Platt {
    name: String,
    logits: Vec<f32>,
    targets: Vec<u8>,
    slope: f64,
    offset: f64,
}

#[derive(Deserialize)]
struct MultiClass {
    name: String,
    classes: usize,
    probabilities: Vec<f32>,
    targets: Vec<u32>,
    error: f64,
}

#[derive(Deserialize)]
struct YesNo {
    name: String,
    probabilities: Vec<f32>,
    targets: Vec<u8>,
    labels: Vec<f64>,
}

#[derive(Deserialize)]
struct Cut {
    name: String,
    probabilities: Vec<f32>,
    targets: Vec<u8>,
    best_f1: f64,
    #[serde(rename = "recall_at_precision_0.8")]
    recall_at_precision: Option<f64>,
    #[serde(rename = "precision_at_recall_0.9")]
    precision_at_recall: f64,
    #[serde(rename = "cut_at_recall_0.9")]
    cut_at_recall: f32,
}

#[derive(Deserialize)]
struct Intervals {
    name: String,
    probabilities: Vec<f32>,
    targets: Vec<u8>,
    accuracy: [f64; 2],
    f1: [f64; 2],
    roc_auc: [f64; 2],
}

#[derive(Deserialize)]
struct Classes {
    name: String,
    classes: usize,
    coverage: f64,
    probabilities: Vec<f32>,
    targets: Vec<u32>,
    fresh: Vec<f32>,
    sets: Vec<Vec<usize>>,
}

#[derive(Deserialize)]
struct Numbers {
    name: String,
    coverage: f64,
    predictions: Vec<f32>,
    targets: Vec<f32>,
    fresh: Vec<f32>,
    intervals: Vec<[f32; 2]>,
}

#[derive(Deserialize)]
struct Suspects {
    name: String,
    classes: usize,
    probabilities: Vec<f32>,
    targets: Vec<u32>,
    rows: Vec<usize>,
}

fn golden() -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/golden_honesty.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn close(name: &str, found: f64, expected: f64, tolerance: f64) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{name}: {found}, expected {expected}"
    );
}

/// A task of that many exclusive classes, named by their numbers, and its targets.
fn task_of(classes: usize, targets: &[u32]) -> (Task, Targets) {
    let names = (0..classes).map(|class| class.to_string());
    let task = match classes {
        2 => Task::binary("0", "1"),
        _ => Task::multi_class(names),
    };
    let targets = Targets::new(1, targets.iter().map(|&class| class as f32).collect());
    (task.unwrap(), targets)
}

#[test]
fn the_temperature_is_scikit_learn_s() {
    for case in golden().temperature {
        let found = temperature(&case.logits, &case.targets, case.classes).unwrap();
        // scikit-learn's search stops at a relative 1e-5 or so.
        close(&case.name, found, case.temperature, 1e-4 * case.temperature);
    }
}

#[test]
fn the_line_of_a_label_is_scikit_learn_s() {
    for case in golden().platt {
        let found = platt(&case.logits, &case.targets).unwrap();
        close(
            &case.name,
            found.slope,
            case.slope,
            1e-4 * case.slope.abs().max(1.0),
        );
        close(
            &case.name,
            found.offset,
            case.offset,
            1e-4 * case.offset.abs().max(1.0),
        );
    }
}

#[test]
fn the_calibration_error_is_mapie_s() {
    for case in golden().reliability_multi_class {
        let found = multi_class(&case.probabilities, &case.targets, case.classes, 15).unwrap();
        close(&case.name, found.error, case.error, 1e-6);
    }
    for case in golden().reliability_yes_no {
        let labels = case.labels.len();
        let found = yes_no(&case.probabilities, &case.targets, labels, 15).unwrap();
        for (found, expected) in found.labels.iter().zip(&case.labels) {
            close(&case.name, *found, *expected, 1e-6);
        }
    }
}

#[test]
fn a_threshold_reaches_what_scikit_learn_s_curve_allows() {
    for case in golden().thresholds {
        let (p, y) = (&case.probabilities, &case.targets);
        let decided = |rule: ThresholdRule| -> Vec<f32> {
            let threshold = rule.choose(p, y).unwrap();
            p.iter()
                .map(|p| f32::from(u8::from(*p >= threshold)))
                .collect()
        };
        let f1 = binary::f1(&decided(ThresholdRule::F1), y).unwrap();
        close(&case.name, f1, case.best_f1, 1e-9);
        if let Some(expected) = case.recall_at_precision {
            let sure = decided(ThresholdRule::Precision { share: 0.8 });
            assert!(binary::precision(&sure, y).unwrap() >= 0.8 - 1e-9);
            close(
                &case.name,
                binary::recall(&sure, y).unwrap(),
                expected,
                1e-9,
            );
        }
        let found = decided(ThresholdRule::Recall { share: 0.9 });
        assert!(binary::recall(&found, y).unwrap() >= 0.9 - 1e-9);
        let precision = binary::precision(&found, y).unwrap();
        assert!(precision <= case.precision_at_recall + 1e-9);
        let highest = ThresholdRule::Recall { share: 0.9 }.choose(p, y).unwrap();
        assert!(highest <= case.cut_at_recall, "{}", case.name);
    }
}

#[test]
fn intervals_are_those_of_scipy_and_statsmodels() {
    for case in golden().intervals {
        let task = Task::binary("no", "yes").unwrap();
        let truth = case.targets.iter().map(|&y| f32::from(y)).collect();
        let targets = Targets::new(1, truth);
        let half = Thresholds::half(&task);
        let found = task
            .intervals(&case.probabilities, &half, &targets, 0)
            .unwrap();
        let of = |metric: Metric| found.iter().find(|(m, _)| *m == metric).unwrap().1;
        let accuracy = of(Metric::Accuracy);
        close(&case.name, accuracy.low, case.accuracy[0], 1e-6);
        close(&case.name, accuracy.high, case.accuracy[1], 1e-6);
        // Both are drawn by chance: an end may differ by a tenth of the width.
        for (metric, [low, high]) in [(Metric::F1, case.f1), (Metric::RocAuc, case.roc_auc)] {
            let interval = of(metric);
            close(&case.name, interval.low, low, 0.1 * (high - low));
            close(&case.name, interval.high, high, 0.1 * (high - low));
        }
    }
}

#[test]
fn conformal_sets_are_mapie_s_but_never_empty() {
    for case in golden().conformal_classes {
        let (task, targets) = task_of(case.classes, &case.targets);
        let conformal = Conformal::fit(&task, &case.probabilities, &targets).unwrap();
        let reach = conformal.reach(case.coverage);
        for (row, expected) in case.fresh.chunks_exact(case.classes).zip(&case.sets) {
            let Guaranteed::Set { names } = task.guaranteed(row, &reach) else {
                panic!("classes have sets");
            };
            let mut found: Vec<usize> = names.iter().map(|name| name.parse().unwrap()).collect();
            found.sort_unstable();
            if expected.is_empty() {
                assert_eq!(found.len(), 1, "{}", case.name);
            } else {
                assert_eq!(&found, expected, "{}", case.name);
            }
        }
    }
}

#[test]
fn conformal_intervals_are_mapie_s() {
    for case in golden().conformal_numbers {
        let task = Task::regression(["number"]).unwrap();
        let targets = Targets::new(1, case.targets);
        let conformal = Conformal::fit(&task, &case.predictions, &targets).unwrap();
        let reach = conformal.reach(case.coverage);
        for (&value, expected) in case.fresh.iter().zip(&case.intervals) {
            let Guaranteed::Intervals { intervals } = task.guaranteed(&[value], &reach) else {
                panic!("numbers have intervals");
            };
            let [low, high] = intervals[0].unwrap();
            close(&case.name, low.into(), expected[0].into(), 1e-5);
            close(&case.name, high.into(), expected[1].into(), 1e-5);
        }
    }
}

#[test]
fn suspects_are_cleanlab_s_in_its_order() {
    for case in golden().suspects {
        let (task, targets) = task_of(case.classes, &case.targets);
        let outputs: Vec<f32> = match case.classes {
            2 => case
                .probabilities
                .iter()
                .skip(1)
                .step_by(2)
                .copied()
                .collect(),
            _ => case.probabilities.clone(),
        };
        let found = task.suspects(&outputs, &targets).unwrap();
        let rows: Vec<usize> = found.iter().map(|suspect| suspect.row).collect();
        assert_eq!(rows, case.rows, "{}", case.name);
    }
}
