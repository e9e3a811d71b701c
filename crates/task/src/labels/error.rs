//! Labels that cannot be read.

use crate::TaskKind;

/// A label that cannot be read as its task needs it.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum LabelError {
    /// The data has no such column.
    #[error("expected a label column `{expected}`, found the columns {found}")]
    #[diagnostic(help(
        "give the table this column, or name the column that holds the labels with --label-column NAME"
    ))]
    MissingColumn {
        /// The column looked for.
        expected: String,
        /// The columns that are there.
        found: String,
    },
    /// A label is empty.
    #[error(
        "{place}: expected a label in column `{column}`, found an empty cell (empty in {empty} of {rows} rows)"
    )]
    #[diagnostic(help("fill the cell, or remove the row"))]
    Empty {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// How many of its cells are empty.
        empty: usize,
        /// How many cells it has.
        rows: usize,
    },
    /// A label that the task has no name for.
    #[error("{place}: expected one of {expected}, found `{found}`")]
    #[diagnostic(help("correct the label, or train a model that knows this name"))]
    UnknownName {
        /// File and line.
        place: String,
        /// The names that the task knows.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Several names, or none, where classes exclude each other.
    #[error("{place}: expected exactly one name in column `{column}`, found `{found}`")]
    #[diagnostic(help(
        "classes exclude each other: leave one name, or train with --task multi-label"
    ))]
    NotOneName {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A label that should be a number.
    #[error("{place}: expected a finite number in column `{column}`, found `{found}`")]
    #[diagnostic(help(
        "correct the cell or remove the row; if the labels are names, say --task multi-class"
    ))]
    NotANumber {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A label that should be 0 or 1.
    #[error("{place}: expected 0 or 1 in column `{column}`, found `{found}`")]
    #[diagnostic(help(
        "write 1 where the label holds and 0 where it does not, or name the column that holds the labels with --label-column NAME"
    ))]
    NotAFlag {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
    /// A row of one-hot columns without its 1, or with several.
    #[error("{place}: expected 1 in exactly one of the columns {columns}, found it in {found}")]
    #[diagnostic(help(
        "classes exclude each other: write 1 once per row, or train with --task multi-label"
    ))]
    NotOneHot {
        /// File and line.
        place: String,
        /// The columns, one per class.
        columns: String,
        /// How many hold 1.
        found: usize,
    },
    /// The labels are written in a way that this kind of task cannot be read from.
    #[error("a {kind} task cannot be read from {found}")]
    #[diagnostic(help("the stored model is damaged: train it again"))]
    WrongSource {
        /// The kind of task.
        kind: TaskKind,
        /// How the labels are written.
        found: &'static str,
    },
}
