//! Labels as they are found, and labels as numbers.
//!
//! [`RawLabels`] is what a data source says; [`LabelSource`] remembers which part of it a task
//! was made from, and reads that part into [`Targets`], at training and again at evaluation.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::{Task, TaskKind};

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

/// Labels as numbers: one row per sample, [`Task::target_columns`] wide.
///
/// Exclusive classes: the class index (binary: 0 negative, 1 positive). Labels: 0 or 1 each.
/// Regression: the numbers in their own unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    columns: usize,
    values: Vec<f32>,
}

impl Targets {
    /// Targets of `columns` columns from row-major `values`; an incomplete last row is dropped.
    pub fn new(columns: usize, mut values: Vec<f32>) -> Self {
        let columns = columns.max(1);
        values.truncate(values.len() / columns * columns);
        Targets { columns, values }
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Numbers per sample.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All numbers, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns)
    }

    /// One row; `None` past the end.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        self.values.chunks_exact(self.columns).nth(index)
    }

    /// The rows of the given indices, in that order; indices past the end are skipped.
    pub fn select(&self, indices: &[usize]) -> Targets {
        let mut values = Vec::with_capacity(indices.len() * self.columns);
        for &index in indices {
            values.extend_from_slice(self.row(index).unwrap_or_default());
        }
        Targets::new(self.columns, values)
    }
}

/// Which part of a data source holds the labels of a task, and how they are written there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LabelSource {
    /// The class folder's name.
    Folders,
    /// A column with one name per sample.
    Names {
        /// The column.
        column: String,
    },
    /// A column with any number of names per sample.
    SeparatedNames {
        /// The column.
        column: String,
        /// What stands between two names.
        separator: char,
    },
    /// A column of 0 or 1 for each label.
    Flags {
        /// The columns, one per label.
        columns: Vec<String>,
    },
    /// A column of numbers for each target.
    Numbers {
        /// The columns, one per target.
        columns: Vec<String>,
    },
}

/// A label that cannot be read as its task needs it.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum LabelError {
    /// The data has no such column.
    #[error("expected a label column `{expected}`, found the columns {found}")]
    #[diagnostic(help("name the column that holds the labels with --label-column NAME"))]
    MissingColumn {
        /// The column looked for.
        expected: String,
        /// The columns that are there.
        found: String,
    },
    /// A label is empty.
    #[error("{place}: expected a label in column `{column}`, found an empty cell")]
    #[diagnostic(help("fill the cell, or remove the row"))]
    Empty {
        /// File and line.
        place: String,
        /// The column.
        column: String,
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
    #[diagnostic(help("write 1 where the label holds and 0 where it does not"))]
    NotAFlag {
        /// File and line.
        place: String,
        /// The column.
        column: String,
        /// What stands there.
        found: String,
    },
}

impl LabelSource {
    /// Reads the labels of every sample as the task's targets.
    ///
    /// `place` names where sample `i` stands ("photos.csv:12"), for errors.
    ///
    /// # Errors
    /// The first label that the task cannot take, with its place.
    pub fn read(
        &self,
        task: &Task,
        raw: &RawLabels,
        place: &dyn Fn(usize) -> String,
    ) -> Result<Targets, LabelError> {
        let encoder = Encoder::new(task);
        let mut values = Vec::new();
        match self {
            LabelSource::Folders => {
                let names = folder_names(raw)?;
                for (row, name) in names.iter().enumerate() {
                    encoder.encode(&[name.as_str()], &mut values, &|| place(row))?;
                }
            }
            LabelSource::Names { column } => {
                let column = raw.column(column)?;
                for (row, cell) in column.cells.iter().enumerate() {
                    if cell.is_empty() && task.kind() != TaskKind::MultiLabel {
                        return Err(LabelError::Empty {
                            place: place(row),
                            column: column.name.clone(),
                        });
                    }
                    let names: &[&str] = if cell.is_empty() { &[] } else { &[cell] };
                    encoder.encode(names, &mut values, &|| place(row))?;
                }
            }
            LabelSource::SeparatedNames { column, separator } => {
                for (row, cell) in raw.column(column)?.cells.iter().enumerate() {
                    let names: Vec<&str> = separated(cell, *separator).collect();
                    encoder.encode(&names, &mut values, &|| place(row))?;
                }
            }
            LabelSource::Flags { columns } => {
                read_rows(raw, columns, &mut values, |column, row, cell| {
                    flag(cell).ok_or_else(|| LabelError::NotAFlag {
                        place: place(row),
                        column: column.to_owned(),
                        found: cell.to_owned(),
                    })
                })?;
            }
            LabelSource::Numbers { columns } => {
                read_rows(raw, columns, &mut values, |column, row, cell| {
                    let place = || place(row);
                    if cell.is_empty() {
                        return Err(LabelError::Empty {
                            place: place(),
                            column: column.to_owned(),
                        });
                    }
                    number(cell)
                        .map(|n| n as f32)
                        .ok_or_else(|| LabelError::NotANumber {
                            place: place(),
                            column: column.to_owned(),
                            found: cell.to_owned(),
                        })
                })?;
            }
        }
        Ok(Targets::new(task.target_columns(), values))
    }

    /// The columns it reads, none for folders.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            LabelSource::Folders => Vec::new(),
            LabelSource::Names { column } | LabelSource::SeparatedNames { column, .. } => {
                vec![column]
            }
            LabelSource::Flags { columns } | LabelSource::Numbers { columns } => {
                columns.iter().map(String::as_str).collect()
            }
        }
    }
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

/// The names in a cell: trimmed, the empty ones left out.
pub(crate) fn separated(cell: &str, separator: char) -> impl Iterator<Item = &str> {
    cell.split(separator)
        .map(str::trim)
        .filter(|name| !name.is_empty())
}

/// 0 or 1 as people write it.
pub(crate) fn flag(cell: &str) -> Option<f32> {
    match cell.to_ascii_lowercase().as_str() {
        "1" | "1.0" | "true" | "yes" => Some(1.0),
        "0" | "0.0" | "false" | "no" => Some(0.0),
        _ => None,
    }
}

/// A finite number.
pub(crate) fn number(cell: &str) -> Option<f64> {
    cell.parse::<f64>()
        .ok()
        .filter(|number| number.is_finite() && (*number as f32).is_finite())
}

/// `a`, `b`, `c`, and how many more.
pub(crate) fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 12;
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() {
        return "none".to_owned();
    }
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

fn folder_names(raw: &RawLabels) -> Result<&[String], LabelError> {
    match raw {
        RawLabels::Folders(names) => Ok(names),
        RawLabels::Table(columns) => Err(LabelError::MissingColumn {
            expected: "of class names".to_owned(),
            found: quoted(columns.iter().map(|c| c.name.as_str())),
        }),
    }
}

/// Names to numbers; looks each name up once.
struct Encoder<'a> {
    task: &'a Task,
    index: HashMap<&'a str, usize>,
}

impl<'a> Encoder<'a> {
    fn new(task: &'a Task) -> Self {
        let names = task.names().iter().enumerate();
        Encoder {
            task,
            index: names.map(|(i, name)| (name.as_str(), i)).collect(),
        }
    }

    fn index(&self, name: &str, place: &dyn Fn() -> String) -> Result<usize, LabelError> {
        let known = self.index.get(name).copied();
        known.ok_or_else(|| LabelError::UnknownName {
            place: place(),
            expected: quoted(self.task.names().iter().map(String::as_str)),
            found: name.to_owned(),
        })
    }

    /// Appends the target row of one sample that carries `names`.
    fn encode(
        &self,
        names: &[&str],
        values: &mut Vec<f32>,
        place: &dyn Fn() -> String,
    ) -> Result<(), LabelError> {
        let first = names.first().copied().unwrap_or_default();
        match self.task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                values.push(self.index(first, place)? as f32);
            }
            TaskKind::MultiLabel => {
                let start = values.len();
                values.resize(start + self.task.units(), 0.0);
                for name in names {
                    values[start + self.index(name, place)?] = 1.0;
                }
            }
            TaskKind::Regression => {
                let value = number(first).ok_or_else(|| LabelError::NotANumber {
                    place: place(),
                    column: self.task.names().join(", "),
                    found: first.to_owned(),
                })?;
                values.push(value as f32);
            }
        }
        Ok(())
    }
}

/// Reads several columns side by side, row by row.
fn read_rows(
    raw: &RawLabels,
    names: &[String],
    values: &mut Vec<f32>,
    read: impl Fn(&str, usize, &str) -> Result<f32, LabelError>,
) -> Result<(), LabelError> {
    let columns = names
        .iter()
        .map(|name| raw.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    for row in 0..raw.len() {
        for column in &columns {
            values.push(read(&column.name, row, &column.cells[row])?);
        }
    }
    Ok(())
}

/// How often each name occurs, in the order of the names.
pub(crate) fn counts<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts
}
