//! Where other data holds the labels of a task that is known already.
//!
//! Nothing is counted here: a table with two of five classes, or with one, can be scored.

use std::collections::HashSet;

use super::InferError;
use super::choose::{asked, describe};
use super::column::other_notation;
use super::headings::announces_the_label;
use super::profile::{Form, Profile};
use crate::cells::{SEPARATORS, list, number, separated, value_of_name};
use crate::labels::{Column, LabelError, LabelSource, RawLabels};
use crate::wording::quoted;
use crate::{Task, TaskKind};

impl LabelSource {
    /// Where `labels` hold what `task` asks, to score a stored model on other data.
    ///
    /// - Class folders are read by their names.
    /// - The columns `asked` for, if any, are read as the task needs them.
    /// - A table that has the `recorded` columns, those the model was trained on, is read like
    ///   the training data.
    /// - Otherwise the columns are found: one for each of the task's names, or the one whose
    ///   cells are the task's names or numbers.
    ///
    /// Classes are not counted; whether every label is known shows in [`LabelSource::read`].
    /// `place` names where sample `i` stands ("photos.csv:12"), for errors.
    ///
    /// ```
    /// use finial_task::{Column, LabelSource, RawLabels, Task};
    ///
    /// let task = Task::multi_class(["ant", "bee", "wasp"])?;
    /// let cells = ["bee", "bee"].map(String::from).to_vec();
    /// let labels = RawLabels::Table(vec![Column { name: "insect".into(), cells }]);
    /// let place = |row| format!("line {row}");
    /// let source = LabelSource::find(&task, &labels, &[], &LabelSource::Folders, &place)?;
    /// assert_eq!(source.read(&task, &labels, &place)?.values(), [1.0, 1.0]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A column asked for that is not there, several columns that fit, none that does, a column
    /// of the task that is missing, or numbers that are not written plainly.
    pub fn find(
        task: &Task,
        labels: &RawLabels,
        asked_for: &[String],
        recorded: &LabelSource,
        place: &dyn Fn(usize) -> String,
    ) -> Result<LabelSource, InferError> {
        let columns = match labels {
            RawLabels::Folders(names) => return in_folders(task, names),
            RawLabels::Table(columns) => columns,
        };
        let finder = Finder {
            task,
            names: task.names().iter().map(String::as_str).collect(),
            values: task
                .names()
                .iter()
                .filter_map(|n| value_of_name(n))
                .collect(),
            recorded,
            place,
        };
        if !asked_for.is_empty() {
            return finder.source(&asked(columns, asked_for)?);
        }
        let there = |name: &str| labels.column(name).is_ok();
        let wanted = recorded.columns();
        if !wanted.is_empty() && wanted.iter().all(|name| there(name)) {
            if let LabelSource::Numbers { .. } = recorded {
                let wanted = wanted.iter().map(|name| labels.column(name));
                finder.check_notation(&wanted.collect::<Result<Vec<_>, _>>()?)?;
            }
            return Ok(recorded.clone());
        }
        finder.source(&finder.choose(columns)?)
    }
}

fn in_folders(task: &Task, names: &[String]) -> Result<LabelSource, InferError> {
    let numbers = || task.units() == 1 && names.iter().all(|name| number(name).is_some());
    match task.kind() {
        TaskKind::Regression if !numbers() => Err(InferError::NeedsTable {
            targets: quoted(task.names().iter().map(String::as_str)),
        }),
        _ => Ok(LabelSource::Folders),
    }
}

struct Finder<'a> {
    task: &'a Task,
    names: HashSet<&'a str>,
    values: HashSet<u64>,
    recorded: &'a LabelSource,
    place: &'a dyn Fn(usize) -> String,
}

impl Finder<'_> {
    /// A column for each of the task's names, or else the one that fits the task.
    fn choose<'c>(&self, columns: &'c [Column]) -> Result<Vec<&'c Column>, InferError> {
        let by_name = |name: &String| columns.iter().find(|c| c.name == *name);
        let named: Vec<&Column> = self.task.names().iter().filter_map(by_name).collect();
        if named.len() == self.names.len() {
            return Ok(named);
        }
        let fitting: Vec<&Column> = columns.iter().filter(|c| self.fits(c)).collect();
        let several_targets = self.task.kind() == TaskKind::Regression && self.names.len() > 1;
        // Some of the columns are there: the rest was forgotten, whatever else would fit.
        if several_targets || (!named.is_empty() && fitting.is_empty()) {
            return self.missing(columns);
        }
        let among: Vec<&Column> = match fitting.is_empty() {
            true => columns.iter().collect(),
            false => fitting,
        };
        if among.len() < 2 {
            return match among.is_empty() {
                true => Err(InferError::NoLabelColumn),
                false => Ok(among),
            };
        }
        let headed = |c: &&&Column| announces_the_label(&c.name, false);
        let headed: Vec<&Column> = among.iter().filter(headed).copied().collect();
        match headed.len() {
            1 => Ok(headed),
            _ => {
                let profiles: Vec<Profile> = among.iter().map(|c| Profile::of(c)).collect();
                Err(InferError::AmbiguousColumns {
                    columns: describe(&profiles),
                })
            }
        }
    }

    /// How these columns hold the task's labels.
    fn source(&self, columns: &[&Column]) -> Result<LabelSource, InferError> {
        let names = || columns.iter().map(|c| c.name.clone()).collect();
        let exclusive = matches!(self.task.kind(), TaskKind::MultiClass | TaskKind::Binary);
        match columns {
            [] => Err(InferError::NoLabelColumn),
            _ if self.task.kind() == TaskKind::Regression => {
                self.check_notation(columns)?;
                Ok(LabelSource::Numbers { columns: names() })
            }
            [column] if exclusive => {
                let column_name = column.name.clone();
                Ok(match Profile::of(column).form {
                    Form::Lists if !self.fits_as(column, &|cell| vec![cell.to_owned()]) => {
                        LabelSource::Lists {
                            column: column_name,
                        }
                    }
                    _ => LabelSource::Names {
                        column: column_name,
                    },
                })
            }
            [column] => Ok(self.labels_in(column)),
            _ if exclusive => Ok(LabelSource::OneHot { columns: names() }),
            _ => Ok(LabelSource::Flags { columns: names() }),
        }
    }

    /// One column of a multi-label task.
    fn labels_in(&self, column: &Column) -> LabelSource {
        let name = column.name.clone();
        let profile = Profile::of(column);
        if self.names.len() == 1 && profile.is_flag() {
            return LabelSource::Flags {
                columns: vec![name],
            };
        }
        if profile.form == Form::Lists {
            return LabelSource::Lists { column: name };
        }
        let as_recorded = match self.recorded {
            LabelSource::SeparatedNames { separator, .. } => Some(*separator),
            _ => None,
        };
        let known = |separator: &char| {
            self.fits_as(column, &|cell| {
                separated(cell, *separator).map(str::to_owned).collect()
            })
        };
        let found = as_recorded.into_iter().chain(SEPARATORS).find(known);
        LabelSource::SeparatedNames {
            column: name,
            separator: found.unwrap_or(match profile.form {
                Form::Separated(separator) => separator,
                _ => '|',
            }),
        }
    }

    fn fits(&self, column: &Column) -> bool {
        let profile = Profile::of(column);
        let whole = |cell: &str| vec![cell.to_owned()];
        let listed = |cell: &str| list(cell).unwrap_or_else(|| whole(cell));
        match self.task.kind() {
            TaskKind::Regression => {
                !profile.is_named_identifier()
                    && (profile.is_mostly_numbers() || profile.other_notation.is_some())
            }
            TaskKind::MultiClass | TaskKind::Binary => {
                self.fits_as(column, &whole) || self.fits_as(column, &listed)
            }
            TaskKind::MultiLabel => {
                let separately = |separator: char| {
                    move |cell: &str| separated(cell, separator).map(str::to_owned).collect()
                };
                self.fits_as(column, &listed)
                    || SEPARATORS
                        .iter()
                        .any(|&s| self.fits_as(column, &separately(s)))
                    || (self.names.len() == 1 && profile.is_flag())
            }
        }
    }

    /// Whether most names in the cells, split in this way, are names of the task.
    fn fits_as(&self, column: &Column, split: &dyn Fn(&str) -> Vec<String>) -> bool {
        let (mut known, mut all) = (0, 0);
        for name in column
            .cells
            .iter()
            .filter(|c| !c.is_empty())
            .flat_map(|c| split(c))
        {
            all += 1;
            let value = || value_of_name(&name).is_some_and(|v| self.values.contains(&v));
            known += usize::from(self.names.contains(name.as_str()) || value());
        }
        known * 2 > all
    }

    fn check_notation(&self, columns: &[&Column]) -> Result<(), InferError> {
        let profiles = columns.iter().map(|column| Profile::of(column));
        match profiles
            .filter_map(|p| other_notation(&p, self.place))
            .next()
        {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The first of the task's names that has no column.
    fn missing<T>(&self, columns: &[Column]) -> Result<T, InferError> {
        let is_there = |name: &String| columns.iter().any(|c| c.name == *name);
        let missing = self.task.names().iter().find(|name| !is_there(name));
        Err(InferError::Label(LabelError::MissingColumn {
            expected: missing.cloned().unwrap_or_default(),
            found: quoted(columns.iter().map(|c| c.name.as_str())),
        }))
    }
}
