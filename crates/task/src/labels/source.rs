//! Where the labels of a task stand, and how they are read.
//!
//! Which source fits other data than a model was trained on is found in `infer/find.rs`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Column, LabelError, RawLabels, Targets};
use crate::cells::{flag, list, number, separated, value_of_name};
use crate::wording::quoted;
use crate::{Task, TaskKind};

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
    /// A column with a list per sample, `["cat", "dog"]`; a cell that is no list is one name.
    Lists {
        /// The column.
        column: String,
    },
    /// A column of 0 or 1 for each label, called like it.
    Flags {
        /// The columns, one per label.
        columns: Vec<String>,
    },
    /// A column of 0 or 1 for each class, called like it; each sample has a single 1.
    OneHot {
        /// The columns, one per class.
        columns: Vec<String>,
    },
    /// A column of numbers for each target, called like it; a single one may be called otherwise.
    Numbers {
        /// The columns, one per target.
        columns: Vec<String>,
    },
}

impl LabelSource {
    /// Reads the labels of every sample as the task's targets, [`RawLabels::len`] rows.
    ///
    /// Columns that stand for a name each are found by the task's names, so their order in the
    /// table does not matter and other columns are ignored. Names that are numbers are compared
    /// by value: `1.0` is `1`.
    ///
    /// `place` names where sample `i` stands ("photos.csv:12"), for errors.
    ///
    /// # Errors
    /// The first label that the task cannot take, with its place, or the column that is missing.
    pub fn read(
        &self,
        task: &Task,
        raw: &RawLabels,
        place: &dyn Fn(usize) -> String,
    ) -> Result<Targets, LabelError> {
        self.check_kind(task.kind())?;
        let encoder = Encoder::new(task);
        let mut values = Vec::with_capacity(raw.len() * task.target_columns());
        match self {
            LabelSource::Folders => {
                let names = folder_names(raw)?;
                for (row, name) in names.iter().enumerate() {
                    encoder.encode(&[name.as_str()], &mut values, &|| place(row))?;
                }
            }
            LabelSource::Names { column } => {
                let names = |cell| vec![cell];
                encoder.encode_column(raw.column(column)?, names, &mut values, place)?;
            }
            LabelSource::SeparatedNames { column, separator } => {
                let names = |cell| separated(cell, *separator).collect();
                encoder.encode_column(raw.column(column)?, names, &mut values, place)?;
            }
            LabelSource::Lists { column } => {
                let column = raw.column(column)?;
                for (row, cell) in column.cells.iter().enumerate() {
                    let names = list(cell).unwrap_or_else(|| vec![cell.clone()]);
                    let names = names.iter().map(String::as_str);
                    encoder.encode_cell(column, row, cell, names.collect(), &mut values, place)?;
                }
            }
            LabelSource::Flags { columns } => {
                let columns = columns_of_names(raw, task, columns)?;
                for row in 0..raw.len() {
                    for column in &columns {
                        values.push(flag_at(column, row, place)?);
                    }
                }
            }
            LabelSource::OneHot { .. } => {
                let columns = columns_of_names(raw, task, &[])?;
                for row in 0..raw.len() {
                    let mut holding = Vec::new();
                    for (class, column) in columns.iter().enumerate() {
                        if flag_at(column, row, place)? > 0.5 {
                            holding.push(class);
                        }
                    }
                    let [class] = holding.as_slice() else {
                        return Err(LabelError::NotOneHot {
                            place: place(row),
                            columns: quoted(columns.iter().map(|c| c.name.as_str())),
                            found: holding.len(),
                        });
                    };
                    values.push(*class as f32);
                }
            }
            LabelSource::Numbers { columns } => {
                let columns = columns_of_names(raw, task, columns)?;
                for row in 0..raw.len() {
                    for column in &columns {
                        values.push(number_at(column, row, place)?);
                    }
                }
            }
        }
        Ok(Targets::new(task.target_columns(), values))
    }

    /// The columns it reads, none for folders.
    pub fn columns(&self) -> Vec<&str> {
        match self {
            LabelSource::Folders => Vec::new(),
            LabelSource::Names { column }
            | LabelSource::SeparatedNames { column, .. }
            | LabelSource::Lists { column } => vec![column],
            LabelSource::Flags { columns }
            | LabelSource::OneHot { columns }
            | LabelSource::Numbers { columns } => columns.iter().map(String::as_str).collect(),
        }
    }

    /// Whether a task of this kind can be read from it.
    fn check_kind(&self, kind: TaskKind) -> Result<(), LabelError> {
        let exclusive = matches!(kind, TaskKind::MultiClass | TaskKind::Binary);
        let (fits, found) = match self {
            LabelSource::Folders | LabelSource::Names { .. } => (true, "names"),
            LabelSource::SeparatedNames { .. } | LabelSource::Lists { .. } => {
                (kind != TaskKind::Regression, "several names in a cell")
            }
            LabelSource::Flags { .. } => (kind == TaskKind::MultiLabel, "columns of 0 or 1"),
            LabelSource::OneHot { .. } => (exclusive, "one-hot columns"),
            LabelSource::Numbers { .. } => (kind == TaskKind::Regression, "columns of numbers"),
        };
        match fits {
            true => Ok(()),
            false => Err(LabelError::WrongSource { kind, found }),
        }
    }
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

/// The column of each of the task's names, in the task's order. With one name and one column
/// given there is nothing to confuse, so that column may be called otherwise.
fn columns_of_names<'a>(
    raw: &'a RawLabels,
    task: &Task,
    given: &[String],
) -> Result<Vec<&'a Column>, LabelError> {
    if let ([given], [_]) = (given, task.names()) {
        return Ok(vec![raw.column(given)?]);
    }
    task.names().iter().map(|name| raw.column(name)).collect()
}

fn flag_at(
    column: &Column,
    row: usize,
    place: &dyn Fn(usize) -> String,
) -> Result<f32, LabelError> {
    let cell = column.cells.get(row).map_or("", String::as_str);
    match flag(cell) {
        Some(value) => Ok(value),
        None if cell.is_empty() => Err(column.empty_cell(place(row))),
        None => Err(LabelError::NotAFlag {
            place: place(row),
            column: column.name.clone(),
            found: cell.to_owned(),
        }),
    }
}

fn number_at(
    column: &Column,
    row: usize,
    place: &dyn Fn(usize) -> String,
) -> Result<f32, LabelError> {
    let cell = column.cells.get(row).map_or("", String::as_str);
    match number(cell) {
        Some(value) => Ok(value as f32),
        None if cell.is_empty() => Err(column.empty_cell(place(row))),
        None => Err(LabelError::NotANumber {
            place: place(row),
            column: column.name.clone(),
            found: cell.to_owned(),
        }),
    }
}

/// Names to numbers; looks each name up once.
struct Encoder<'a> {
    task: &'a Task,
    index: HashMap<&'a str, usize>,
    by_value: HashMap<u64, usize>,
}

impl<'a> Encoder<'a> {
    fn new(task: &'a Task) -> Self {
        let names = || task.names().iter().enumerate();
        Encoder {
            task,
            index: names().map(|(i, name)| (name.as_str(), i)).collect(),
            by_value: names()
                .filter_map(|(i, name)| Some((value_of_name(name)?, i)))
                .collect(),
        }
    }

    fn index(&self, name: &str, place: &dyn Fn() -> String) -> Result<usize, LabelError> {
        let known = self.index.get(name).copied();
        known
            .or_else(|| self.by_value.get(&value_of_name(name)?).copied())
            .ok_or_else(|| LabelError::UnknownName {
                place: place(),
                expected: quoted(self.task.names().iter().map(String::as_str)),
                found: name.to_owned(),
            })
    }

    fn encode_column<'c>(
        &self,
        column: &'c Column,
        names: impl Fn(&'c str) -> Vec<&'c str>,
        values: &mut Vec<f32>,
        place: &dyn Fn(usize) -> String,
    ) -> Result<(), LabelError> {
        for (row, cell) in column.cells.iter().enumerate() {
            self.encode_cell(column, row, cell, names(cell), values, place)?;
        }
        Ok(())
    }

    /// An empty cell means no label where labels are independent, and is an error elsewhere.
    fn encode_cell(
        &self,
        column: &Column,
        row: usize,
        cell: &str,
        names: Vec<&str>,
        values: &mut Vec<f32>,
        place: &dyn Fn(usize) -> String,
    ) -> Result<(), LabelError> {
        let independent = self.task.kind() == TaskKind::MultiLabel;
        if cell.is_empty() && !independent {
            return Err(column.empty_cell(place(row)));
        }
        if names.len() != 1 && !independent {
            return Err(LabelError::NotOneName {
                place: place(row),
                column: column.name.clone(),
                found: cell.to_owned(),
            });
        }
        let names: &[&str] = if cell.is_empty() { &[] } else { &names };
        self.encode(names, values, &|| place(row))
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
                    let at = start + self.index(name, place)?;
                    values[at] = 1.0;
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
