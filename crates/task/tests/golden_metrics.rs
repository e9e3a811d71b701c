//! The metrics agree with scikit-learn to 1e-6.
//!
//! Inputs and values are in `golden/golden_metrics.json`, written by `golden/make_golden.py`;
//! to change one, change the script and run it. What inputs are refused is tested beside the
//! module.

use std::path::Path;

use finial_task::metrics::{binary, multi_class, multi_label, regression};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    multi_class: Vec<MultiClass>,
    binary: Vec<Binary>,
    multi_label: Vec<MultiLabel>,
    regression: Vec<Regression>,
}

#[derive(Deserialize)]
struct MultiClass {
    name: String,
    classes: usize,
    probabilities: Vec<f32>,
    targets: Vec<u32>,
    accuracy: f64,
    top_k_accuracy: Vec<f64>,
    confusion_matrix: Vec<Vec<u64>>,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<u64>,
    macro_f1: f64,
    log_loss: f64,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    probabilities: Vec<f32>,
    targets: Vec<u8>,
    accuracy: f64,
    precision: f64,
    recall: f64,
    f1: f64,
    roc_auc: Option<f64>,
    average_precision: Option<f64>,
    log_loss: f64,
    brier_score: f64,
    /// Threshold, false positive rate, true positive rate.
    roc_curve: Option<Vec<(Option<f32>, f64, f64)>>,
    /// Threshold, precision, recall.
    precision_recall_curve: Option<Vec<(Option<f32>, f64, f64)>>,
}

#[derive(Deserialize)]
struct MultiLabel {
    name: String,
    labels: usize,
    probabilities: Vec<f32>,
    targets: Vec<u8>,
    mean_average_precision: Option<f64>,
    labels_without_positives: usize,
    micro_f1: f64,
    macro_f1: f64,
    subset_accuracy: f64,
    hamming_loss: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    average_precision: Vec<Option<f64>>,
    support: Vec<u64>,
}

#[derive(Deserialize)]
struct Regression {
    name: String,
    outputs: usize,
    predictions: Vec<f32>,
    targets: Vec<f32>,
    mean_absolute_error: Vec<f64>,
    root_mean_squared_error: Vec<f64>,
    r_squared: Vec<Option<f64>>,
}

fn golden() -> Result<Golden, Box<dyn std::error::Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/golden_metrics.json");
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

/// Compares the values of one case and names the metric that is off.
struct Case<'a>(&'a str);

impl Case<'_> {
    fn close(&self, metric: &str, actual: f64, expected: f64) {
        // Relative above 1: regression metrics carry the unit of the data.
        let allowed = 1e-6 * expected.abs().max(1.0);
        assert!(
            (actual - expected).abs() <= allowed,
            "{}: expected {metric} {expected}, found {actual}",
            self.0
        );
    }

    fn close_or_undefined(&self, metric: &str, actual: Option<f64>, expected: Option<f64>) {
        assert_eq!(
            actual.is_some(),
            expected.is_some(),
            "{}: {metric}: expected {expected:?}, found {actual:?}",
            self.0
        );
        if let (Some(actual), Some(expected)) = (actual, expected) {
            self.close(metric, actual, expected);
        }
    }

    fn all_close(&self, metric: &str, actual: impl IntoIterator<Item = f64>, expected: &[f64]) {
        let actual: Vec<f64> = actual.into_iter().collect();
        assert_eq!(actual.len(), expected.len(), "{}: {metric}", self.0);
        for (at, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
            self.close(&format!("{metric}[{at}]"), actual, expected);
        }
    }

    fn curve(
        &self,
        metric: &str,
        actual: Option<Vec<(Option<f32>, f64, f64)>>,
        expected: Option<Vec<(Option<f32>, f64, f64)>>,
    ) {
        assert_eq!(actual.is_some(), expected.is_some(), "{}: {metric}", self.0);
        let (actual, expected) = (actual.unwrap_or_default(), expected.unwrap_or_default());
        assert_eq!(actual.len(), expected.len(), "{}: {metric}", self.0);
        for (actual, expected) in actual.iter().zip(&expected) {
            assert_eq!(actual.0, expected.0, "{}: {metric} threshold", self.0);
            self.close(metric, actual.1, expected.1);
            self.close(metric, actual.2, expected.2);
        }
    }
}

#[test]
fn multi_class_metrics_agree_with_the_reference() {
    let cases = golden().unwrap().multi_class;
    assert!(cases.len() >= 10);
    for g in cases {
        let case = Case(&g.name);
        let (p, y, classes) = (&g.probabilities, &g.targets, g.classes);
        let accuracy = multi_class::accuracy(p, y, classes).unwrap();
        case.close("accuracy", accuracy, g.accuracy);
        let top_k = (1..=classes).map(|k| multi_class::top_k_accuracy(p, y, classes, k).unwrap());
        case.all_close("top-k accuracy", top_k, &g.top_k_accuracy);
        let matrix = multi_class::confusion_matrix(p, y, classes).unwrap();
        assert_eq!(matrix, g.confusion_matrix, "{}", g.name);
        let scores = multi_class::per_class(p, y, classes).unwrap();
        case.all_close(
            "precision",
            scores.iter().map(|s| s.precision),
            &g.precision,
        );
        case.all_close("recall", scores.iter().map(|s| s.recall), &g.recall);
        case.all_close("F1", scores.iter().map(|s| s.f1), &g.f1);
        let support: Vec<u64> = scores.iter().map(|s| s.support).collect();
        assert_eq!(support, g.support, "{}", g.name);
        let macro_f1 = multi_class::macro_f1(p, y, classes).unwrap();
        case.close("macro F1", macro_f1, g.macro_f1);
        let log_loss = multi_class::log_loss(p, y, classes).unwrap();
        case.close("log loss", log_loss, g.log_loss);
    }
}

#[test]
fn binary_metrics_agree_with_the_reference() {
    let cases = golden().unwrap().binary;
    assert!(cases.len() >= 10);
    for g in cases {
        let case = Case(&g.name);
        let (p, y) = (&g.probabilities, &g.targets);
        case.close("accuracy", binary::accuracy(p, y).unwrap(), g.accuracy);
        case.close("precision", binary::precision(p, y).unwrap(), g.precision);
        case.close("recall", binary::recall(p, y).unwrap(), g.recall);
        case.close("F1", binary::f1(p, y).unwrap(), g.f1);
        case.close("log loss", binary::log_loss(p, y).unwrap(), g.log_loss);
        case.close(
            "Brier score",
            binary::brier_score(p, y).unwrap(),
            g.brier_score,
        );
        case.close_or_undefined("ROC AUC", binary::roc_auc(p, y).unwrap(), g.roc_auc);
        let average_precision = binary::average_precision(p, y).unwrap();
        case.close_or_undefined("average precision", average_precision, g.average_precision);
        let roc = binary::roc_curve(p, y).unwrap().map(|points| {
            let rates =
                |p: &binary::RocPoint| (p.threshold, p.false_positive_rate, p.true_positive_rate);
            points.iter().map(rates).collect()
        });
        case.curve("ROC curve", roc, g.roc_curve);
        let curve = binary::precision_recall_curve(p, y).unwrap().map(|points| {
            points
                .iter()
                .map(|p| (p.threshold, p.precision, p.recall))
                .collect()
        });
        case.curve("precision-recall curve", curve, g.precision_recall_curve);
    }
}

#[test]
fn multi_label_metrics_agree_with_the_reference() {
    let cases = golden().unwrap().multi_label;
    assert!(cases.len() >= 10);
    for g in cases {
        let case = Case(&g.name);
        let (p, y, labels) = (&g.probabilities, &g.targets, g.labels);
        let map = multi_label::mean_average_precision(p, y, labels).unwrap();
        case.close_or_undefined("mAP", map.value, g.mean_average_precision);
        assert_eq!(
            map.labels_without_positives, g.labels_without_positives,
            "{}",
            g.name
        );
        assert_eq!(
            map.labels_measured,
            labels - g.labels_without_positives,
            "{}",
            g.name
        );
        let micro_f1 = multi_label::micro_f1(p, y, labels).unwrap();
        case.close("micro F1", micro_f1, g.micro_f1);
        let macro_f1 = multi_label::macro_f1(p, y, labels).unwrap();
        case.close("macro F1", macro_f1, g.macro_f1);
        let subset_accuracy = multi_label::subset_accuracy(p, y, labels).unwrap();
        case.close("subset accuracy", subset_accuracy, g.subset_accuracy);
        let hamming_loss = multi_label::hamming_loss(p, y, labels).unwrap();
        case.close("Hamming loss", hamming_loss, g.hamming_loss);
        let scores = multi_label::per_label(p, y, labels).unwrap();
        case.all_close(
            "precision",
            scores.iter().map(|s| s.precision),
            &g.precision,
        );
        case.all_close("recall", scores.iter().map(|s| s.recall), &g.recall);
        case.all_close("F1", scores.iter().map(|s| s.f1), &g.f1);
        let support: Vec<u64> = scores.iter().map(|s| s.support).collect();
        assert_eq!(support, g.support, "{}", g.name);
        assert_eq!(scores.len(), g.average_precision.len(), "{}", g.name);
        for (score, expected) in scores.iter().zip(g.average_precision) {
            case.close_or_undefined("average precision", score.average_precision, expected);
        }
    }
}

#[test]
fn regression_metrics_agree_with_the_reference() {
    let cases = golden().unwrap().regression;
    assert!(cases.len() >= 10);
    for g in cases {
        let case = Case(&g.name);
        let (p, y, outputs) = (&g.predictions, &g.targets, g.outputs);
        let absolute = regression::mean_absolute_error(p, y, outputs).unwrap();
        case.all_close("MAE", absolute, &g.mean_absolute_error);
        let squared = regression::root_mean_squared_error(p, y, outputs).unwrap();
        case.all_close("RMSE", squared, &g.root_mean_squared_error);
        let r_squared = regression::r_squared(p, y, outputs).unwrap();
        assert_eq!(r_squared.len(), g.r_squared.len(), "{}", g.name);
        for (actual, expected) in r_squared.into_iter().zip(g.r_squared) {
            case.close_or_undefined("R²", actual, expected);
        }
    }
}
