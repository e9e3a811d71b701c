//! The ways metric inputs can be impossible to measure.
//!
//! Metrics that are merely undefined for a split (ROC AUC with one class) are no errors; see
//! the [module page](super).

use crate::Task;

/// Why a metric cannot be computed from its inputs. Rows and columns count from 0.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum MetricError {
    /// There is nothing to measure (`N` = 0).
    #[error("expected at least one row to measure, found none")]
    #[diagnostic(help("give the evaluated split at least one row"))]
    NoRows,

    /// The caller's number of classes, labels or outputs is too small for the kind of task.
    #[error("expected at least {minimum} {unit}, found {found}")]
    #[diagnostic(help(
        "multi-class metrics need two classes; multi-label and regression metrics need one column"
    ))]
    TooFewColumns {
        /// What a column is: `classes`, `labels` or `outputs`.
        unit: &'static str,
        /// The least number that has a meaning.
        minimum: usize,
        /// The number given.
        found: usize,
    },

    /// Two inputs describe a different number of rows or columns.
    #[error("expected {expected} {values} ({rows} rows of {columns}), found {found}")]
    #[diagnostic(help(
        "pass row-major slices cut from the same rows, with the same number of columns"
    ))]
    WrongLength {
        /// The input that does not fit: `probabilities`, `predictions` or `targets`.
        values: &'static str,
        /// The rows of the input it was compared with.
        rows: usize,
        /// The columns per row.
        columns: usize,
        /// `rows` × `columns`.
        expected: usize,
        /// The length given.
        found: usize,
    },

    /// A slice does not end at the end of a row.
    #[error("expected whole rows of {columns} {values}, found {found} values in total")]
    #[diagnostic(help("check the number of columns: the length must be a multiple of it"))]
    PartialRow {
        /// The input that does not fit: `probabilities` or `predictions`.
        values: &'static str,
        /// The columns per row.
        columns: usize,
        /// The length given.
        found: usize,
    },

    /// A value is NaN or infinite.
    #[error("expected finite {values}, found {value} at row {row}, column {column}")]
    #[diagnostic(help(
        "a NaN or infinity usually means that training diverged (lower the learning rate) or that an input value was not finite"
    ))]
    NotFinite {
        /// The input it stands in: `probabilities`, `predictions` or `targets`.
        values: &'static str,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },

    /// A value is outside of 0 to 1 by more than rounding.
    #[error("expected probabilities from 0 to 1, found {value} at row {row}, column {column}")]
    #[diagnostic(help(
        "metrics take probabilities, not logits: apply the task's activation (softmax or sigmoid) first"
    ))]
    NotAProbability {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },

    /// The probabilities of exclusive classes do not sum to one.
    #[error("expected the probabilities of row {row} to sum to 1, found {sum}")]
    #[diagnostic(help(
        "exclusive classes need softmax over the row; independent sigmoids belong to a multi-label task"
    ))]
    NotNormalised {
        /// Row, from 0.
        row: usize,
        /// The sum found.
        sum: f64,
    },

    /// A target names a class that the task does not have.
    #[error("expected a class index below {classes}, found {class} at row {row}")]
    #[diagnostic(help("targets and probabilities must come from the same list of classes"))]
    UnknownClass {
        /// Row, from 0.
        row: usize,
        /// The class index found.
        class: u32,
        /// The number of classes.
        classes: usize,
    },

    /// A binary or multi-label target is neither 0 nor 1.
    #[error("expected targets 0 or 1, found {value} at row {row}, column {column}")]
    #[diagnostic(help(
        "1 marks the positive class; probabilities are cut at {} by the metric itself",
        Task::THRESHOLD
    ))]
    NotBinary {
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: u8,
    },

    /// The targets are not those of the task: another number of columns.
    #[error("expected targets of {expected} columns, found {found}")]
    #[diagnostic(help("read the targets with the task that scores them"))]
    TargetColumns {
        /// [`Task::target_columns`].
        expected: usize,
        /// The columns given.
        found: usize,
    },

    /// A target is no class index or neither 0 nor 1, where the task needs that.
    #[error("expected {expected} as target, found {value} at row {row}, column {column}")]
    #[diagnostic(help("read the targets with the task that scores them"))]
    NotATarget {
        /// `a class index`, or `0 or 1`.
        expected: &'static str,
        /// Row, from 0.
        row: usize,
        /// Column, from 0.
        column: usize,
        /// The value found.
        value: f32,
    },

    /// Top-k accuracy was asked for a `k` that has no meaning.
    #[error("expected k from 1 to the number of classes ({classes}), found {k}")]
    #[diagnostic(help(
        "choose a k below the number of classes; with k = {classes} every row counts as right"
    ))]
    TopK {
        /// The `k` asked for.
        k: usize,
        /// The number of classes.
        classes: usize,
    },
}
