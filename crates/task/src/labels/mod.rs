//! Labels as they are found, and labels as numbers.
//!
//! [`RawLabels`] is what a data source says; [`LabelSource`] remembers which part of it a task
//! was made from, and reads that part into [`Targets`], at training and again at evaluation.

mod error;
mod source;
mod targets;

use std::collections::BTreeMap;

use crate::wording::quoted;

pub use error::LabelError;
pub use source::LabelSource;
pub use targets::Targets;
pub(crate) use targets::class_index;

/// What a data source says of its labels, before any task is chosen.
#[derive(Clone, Debug, PartialEq)]
pub enum RawLabels {
    /// The name of the class folder of each sample.
    Folders(Vec<String>),
    /// The columns of a table, each with a cell per sample.
    Table(Vec<Column>),
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// One cell per sample, trimmed; empty where the label is missing.
    pub cells: Vec<String>,
}

impl RawLabels {
    /// Number of samples.
    pub fn len(&self) -> usize {
        match self {
            RawLabels::Folders(names) => names.len(),
            RawLabels::Table(columns) => columns.first().map_or(0, |c| c.cells.len()),
        }
    }

    /// Whether there is no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The column of that name.
    ///
    /// # Errors
    /// There is none; the message lists those that are there.
    pub fn column(&self, name: &str) -> Result<&Column, LabelError> {
        let columns: &[Column] = match self {
            RawLabels::Folders(_) => &[],
            RawLabels::Table(columns) => columns,
        };
        columns
            .iter()
            .find(|column| column.name == name)
            .ok_or_else(|| LabelError::MissingColumn {
                expected: name.to_owned(),
                found: quoted(columns.iter().map(|c| c.name.as_str())),
            })
    }
}

impl Column {
    /// The error for the empty cell of a row.
    pub(crate) fn empty_cell(&self, place: String) -> LabelError {
        LabelError::Empty {
            place,
            column: self.name.clone(),
            empty: self.cells.iter().filter(|cell| cell.is_empty()).count(),
            rows: self.cells.len(),
        }
    }
}

/// How often each name occurs, in the order of the names.
pub(crate) fn counts<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}
