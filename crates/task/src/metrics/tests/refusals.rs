//! Inputs that metrics refuse, and what the error says.

use crate::metrics::MetricError::{self, *};
use crate::metrics::{binary, multi_class, multi_label, regression};

const NAN: f32 = f32::NAN;

#[test]
fn no_rows_are_refused_by_every_metric() {
    let errors: Vec<MetricError> = vec![
        multi_class::accuracy(&[], &[], 3).unwrap_err(),
        multi_class::confusion_matrix(&[], &[], 3).unwrap_err(),
        multi_class::macro_f1(&[], &[], 3).unwrap_err(),
        multi_class::log_loss(&[], &[], 3).unwrap_err(),
        binary::accuracy(&[], &[]).unwrap_err(),
        binary::log_loss(&[], &[]).unwrap_err(),
        binary::brier_score(&[], &[]).unwrap_err(),
        binary::roc_auc(&[], &[]).unwrap_err(),
        binary::average_precision(&[], &[]).unwrap_err(),
        binary::roc_curve(&[], &[]).unwrap_err(),
        binary::precision_recall_curve(&[], &[]).unwrap_err(),
        multi_label::mean_average_precision(&[], &[], 2).unwrap_err(),
        multi_label::micro_f1(&[], &[], 2).unwrap_err(),
        multi_label::subset_accuracy(&[], &[], 2).unwrap_err(),
        multi_label::hamming_loss(&[], &[], 2).unwrap_err(),
        multi_label::per_label(&[], &[], 2).unwrap_err(),
        regression::mean_absolute_error(&[], &[], 1).unwrap_err(),
        regression::root_mean_squared_error(&[], &[], 1).unwrap_err(),
        regression::r_squared(&[], &[], 1).unwrap_err(),
    ];
    assert!(errors.iter().all(|error| *error == NoRows), "{errors:?}");
}

#[test]
fn too_few_columns_are_refused_without_a_division_by_zero() {
    let found = |error| match error {
        TooFewColumns {
            unit,
            minimum,
            found,
        } => (unit, minimum, found),
        other => panic!("{other}"),
    };
    assert_eq!(
        found(multi_class::accuracy(&[1.0], &[0], 1).unwrap_err()),
        ("classes", 2, 1)
    );
    assert_eq!(
        found(multi_class::per_class(&[], &[], 0).unwrap_err()),
        ("classes", 2, 0)
    );
    assert_eq!(
        found(multi_label::per_label(&[], &[], 0).unwrap_err()),
        ("labels", 1, 0)
    );
    assert_eq!(
        found(regression::r_squared(&[], &[], 0).unwrap_err()),
        ("outputs", 1, 0)
    );
}

#[test]
fn lengths_that_disagree_are_refused_with_both_lengths() {
    let error = multi_class::accuracy(&[0.5; 5], &[0, 1], 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected 6 probabilities (2 rows of 3), found 5"
    );
    let error = multi_class::accuracy(&[0.5; 2], &[0, 0, 0], usize::MAX).unwrap_err();
    assert!(matches!(
        error,
        WrongLength {
            expected: usize::MAX,
            ..
        }
    ));
    let error = binary::f1(&[0.5; 3], &[0, 1]).unwrap_err();
    assert!(matches!(
        error,
        WrongLength {
            values: "targets",
            expected: 3,
            found: 2,
            ..
        }
    ));
    let error = multi_label::micro_f1(&[0.5; 5], &[0; 5], 2).unwrap_err();
    assert_eq!(
        error,
        PartialRow {
            values: "probabilities",
            columns: 2,
            found: 5
        }
    );
    let error = regression::r_squared(&[0.5; 4], &[0.0; 6], 2).unwrap_err();
    assert!(matches!(
        error,
        WrongLength {
            values: "targets",
            rows: 2,
            found: 6,
            ..
        }
    ));
}

#[test]
fn values_that_are_not_finite_are_named_by_row_and_column() {
    let place = |error| match error {
        NotFinite {
            values,
            row,
            column,
            ..
        } => (values, row, column),
        other => panic!("{other}"),
    };
    let error = multi_class::accuracy(&[0.5, 0.5, 0.5, NAN], &[0, 1], 2).unwrap_err();
    assert_eq!(place(error), ("probabilities", 1, 1));
    let error = binary::roc_auc(&[0.5, f32::INFINITY], &[0, 1]).unwrap_err();
    assert_eq!(place(error), ("probabilities", 1, 0));
    let error = multi_label::per_label(&[0.5, 0.5, NAN], &[0; 3], 3).unwrap_err();
    assert_eq!(place(error), ("probabilities", 0, 2));
    let error = regression::r_squared(&[0.0, f32::NEG_INFINITY], &[0.0; 2], 2).unwrap_err();
    assert_eq!(place(error), ("predictions", 0, 1));
    let error = regression::mean_absolute_error(&[0.0; 4], &[0.0, 0.0, NAN, 0.0], 2).unwrap_err();
    assert_eq!(place(error), ("targets", 1, 0));
}

#[test]
fn logits_are_no_probabilities_but_rounding_is_forgiven() {
    let error = binary::accuracy(&[0.5, 4.0], &[0, 1]).unwrap_err();
    assert_eq!(
        error,
        NotAProbability {
            row: 1,
            column: 0,
            value: 4.0
        }
    );
    let error = multi_class::accuracy(&[-0.5, 0.5], &[0], 2).unwrap_err();
    assert_eq!(
        error,
        NotAProbability {
            row: 0,
            column: 0,
            value: -0.5
        }
    );
    let just_above = 1.0 + f32::EPSILON;
    let loss = binary::log_loss(&[just_above], &[0]).unwrap();
    assert!((loss - 15.942_385).abs() < 1e-5, "{loss}");
}

#[test]
fn sigmoid_outputs_have_no_multi_class_log_loss() {
    let error = multi_class::log_loss(&[0.5, 0.5, 0.75, 0.75], &[0, 0], 2).unwrap_err();
    assert_eq!(error, NotNormalised { row: 1, sum: 1.5 });
}

#[test]
fn targets_outside_of_the_task_are_named() {
    let error = multi_class::per_class(&[0.5; 4], &[1, 2], 2).unwrap_err();
    assert_eq!(
        error,
        UnknownClass {
            row: 1,
            class: 2,
            classes: 2
        }
    );
    let error = multi_label::hamming_loss(&[0.5; 4], &[0, 1, 0, 2], 2).unwrap_err();
    assert_eq!(
        error,
        NotBinary {
            row: 1,
            column: 1,
            value: 2
        }
    );
}

#[test]
fn k_must_lie_between_one_and_the_classes() {
    for k in [0, 3] {
        let error = multi_class::top_k_accuracy(&[0.5; 2], &[0], 2, k).unwrap_err();
        assert_eq!(error, TopK { k, classes: 2 });
    }
}

#[test]
fn every_error_has_a_way_out() {
    use miette::Diagnostic;
    let errors = [
        NoRows,
        TooFewColumns {
            unit: "classes",
            minimum: 2,
            found: 0,
        },
        NotBinary {
            row: 0,
            column: 0,
            value: 7,
        },
        TopK { k: 9, classes: 3 },
    ];
    for error in errors {
        let help = error
            .help()
            .map(|help| help.to_string())
            .unwrap_or_default();
        assert!(!help.is_empty() && !help.contains('{'), "{help}");
    }
}
