//! Why no task follows from the labels.

use crate::{LabelError, TaskError, TaskKind};

/// Why no task follows from the labels.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum InferError {
    /// A single class, label or number.
    #[error("expected labels that differ, found only `{name}` in {place}")]
    #[diagnostic(help("a model learns from differences: {way_out}"))]
    OneClass {
        /// The only label.
        name: String,
        /// Folder or column.
        place: String,
        /// What to add or to say.
        way_out: &'static str,
    },
    /// A column without a single label.
    #[error("expected labels in column `{column}`, found {rows} empty cells and nothing else")]
    #[diagnostic(help("fill the column, or name another with --label-column NAME"))]
    NoLabels {
        /// The column.
        column: String,
        /// How many cells it has.
        rows: usize,
    },
    /// Several columns could be the labels.
    #[error("several columns could be the label: {columns}")]
    #[diagnostic(help("say which with --label-column NAME (several times for several labels)"))]
    AmbiguousColumns {
        /// Each column with the task it would make.
        columns: String,
    },
    /// No column is left for labels.
    #[error("the table has no column that could be a label")]
    #[diagnostic(help("add a column with the label of each image"))]
    NoLabelColumn,
    /// A column that does not exist.
    #[error("there is no column `{name}`; the columns are {columns}{near}")]
    #[diagnostic(help("give --label-column one of these names"))]
    UnknownColumn {
        /// The name asked for.
        name: String,
        /// The columns that are there.
        columns: String,
        /// "; did you mean …", or nothing.
        near: String,
    },
    /// Columns that do not make one task together.
    #[error("the columns {columns} do not make one task together")]
    #[diagnostic(help("several label columns are either all 0 or 1, or all numbers"))]
    MixedColumns {
        /// Each column with the task it would make.
        columns: String,
    },
    /// The column looks like an identifier.
    #[error(
        "column `{column}` holds {distinct} different values in {rows} rows: it looks like an identifier, not a label"
    )]
    #[diagnostic(help(
        "name another column with --label-column, or say --task multi-class or --task regression if it is the label"
    ))]
    Identifier {
        /// The column.
        column: String,
        /// Different cells.
        distinct: usize,
        /// Rows.
        rows: usize,
    },
    /// Numbers with a unit, a decimal comma or a separator of thousands.
    #[error("{place}: expected plain numbers in column `{column}`, found `{found}`")]
    #[diagnostic(help(
        "write `{plain}`: a point before the decimals (1.5), no unit, no percent sign, nothing between thousands; if the cells are names, say --task multi-class (binary if there are two)"
    ))]
    NumberNotation {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
        /// The same as a plain number.
        plain: String,
    },
    /// Several numbers in one cell.
    #[error("expected one number or names in a cell of column `{column}`, found `{found}`")]
    #[diagnostic(help(
        "give each number a column of its own; if the cells are names, say --task multi-label"
    ))]
    SeveralNumbers {
        /// The column.
        column: String,
        /// What stands in the first filled cell.
        found: String,
    },
    /// The labels cannot be read as the kind that was asked for.
    #[error("--task {kind} does not fit: {why}")]
    #[diagnostic(help("{way_out}"))]
    DoesNotFit {
        /// The kind asked for.
        kind: TaskKind,
        /// Expected and found.
        why: String,
        /// What to type instead.
        way_out: String,
    },
    /// The positive class is not one of the two.
    #[error("expected one of {expected} as the positive class, found `{found}`")]
    #[diagnostic(help("give --positive one of these names"))]
    UnknownPositive {
        /// The two classes.
        expected: String,
        /// The name asked for.
        found: String,
    },
    /// A positive class where there are not two.
    #[error("--positive {name} expects a binary task, found {reason}")]
    #[diagnostic(help("leave --positive out: only a task of two names has a positive one"))]
    PositiveOfNoPair {
        /// The name asked for.
        name: String,
        /// The task found and why.
        reason: String,
    },
    /// Class folders for a model that answers with numbers.
    #[error("a model that estimates {targets} needs a table with numbers, found folders of images")]
    #[diagnostic(help("give a table with the columns image and {targets}"))]
    NeedsTable {
        /// The model's targets.
        targets: String,
    },
    /// A label that cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Label(#[from] LabelError),
    /// Names that cannot make a task.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Task(#[from] TaskError),
}
