//! The task of one column of labels.

use super::names::{exclusive, one_class, way_out};
use super::profile::{Form, Profile, Reading};
use super::{Draft, InferError, Request};
use crate::labels::{Column, LabelError, LabelSource};
use crate::wording::counted;
use crate::{Task, TaskKind};

pub(super) fn from_column(
    column: &Column,
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Draft, InferError> {
    let profile = Profile::of(column);
    if profile.distinct.is_empty() {
        return Err(InferError::NoLabels {
            column: column.name.clone(),
            rows: profile.rows,
        });
    }
    let one = OneColumn {
        heading: format!("column `{}`", column.name),
        column,
        profile,
    };
    match (request.kind, one.profile.reading()) {
        (Some(TaskKind::MultiLabel), _) => one.labels(true),
        (Some(TaskKind::Regression), _) => one.numbers(place),
        (Some(TaskKind::MultiClass | TaskKind::Binary), _) => one.names(request, ""),
        (None, Reading::Constant) => Err(one.always_the_same()),
        (None, Reading::Identifier) => Err(InferError::Identifier {
            column: column.name.clone(),
            distinct: one.profile.distinct.len(),
            rows: one.profile.rows,
        }),
        (None, Reading::SeveralNames) => one.labels(false),
        (None, Reading::SeveralNumbers) => Err(one.several_numbers()),
        (None, Reading::AlmostFlags) => Err(one.stray_among_flags(place)),
        (None, Reading::TwoNames | Reading::Names) => one.names(request, ""),
        (None, Reading::WholeNumbersAsNames) => one.names(
            request,
            ", whole numbers without a gap that are taken as names of classes",
        ),
        (None, Reading::WholeNumbersNamedByHeading) => one.names(
            request,
            ", whole numbers that are taken as names because of the heading",
        ),
        (None, Reading::Numbers | Reading::OtherNotation | Reading::WholeNumbersAsNumbers) => {
            one.numbers(place)
        }
    }
}

/// A number in another notation, as an error.
pub(super) fn other_notation(
    profile: &Profile,
    place: &dyn Fn(usize) -> String,
) -> Option<InferError> {
    let (row, found, plain) = profile.other_notation.as_ref()?;
    Some(InferError::NumberNotation {
        place: place(*row),
        column: profile.name.to_owned(),
        found: (*found).to_owned(),
        plain: plain.clone(),
    })
}

struct OneColumn<'a> {
    heading: String,
    column: &'a Column,
    profile: Profile<'a>,
}

impl OneColumn<'_> {
    fn name(&self) -> String {
        self.column.name.clone()
    }

    /// Exclusive names; lists are taken if each holds one.
    fn names(&self, request: &Request, remark: &str) -> Result<Draft, InferError> {
        let in_lists = self.profile.form == Form::Lists;
        let listed = self.profile.names_in_cells();
        let names: Vec<&str> = match in_lists {
            true => listed.iter().map(String::as_str).collect(),
            false => self.profile.distinct.clone(),
        };
        if names.len() < 2 {
            return Err(self.always_the_same());
        }
        let task = exclusive(&names, request, &self.heading)?;
        let elsewise = "If labels can occur together, say --task multi-label.";
        let (reason, way_out) = (
            format!(
                "{} gives one of {}{remark}",
                self.heading,
                counted(names.len(), "name")
            ),
            way_out(&task, elsewise),
        );
        let column = self.name();
        Ok(Draft {
            task,
            source: match in_lists {
                true => LabelSource::Lists { column },
                false => LabelSource::Names { column },
            },
            reason,
            way_out,
            warnings: [self.unified(), self.words_among_numbers()].concat(),
        })
    }

    /// Any number of names per cell, or one column of 0 or 1.
    fn labels(&self, asked: bool) -> Result<Draft, InferError> {
        let profile = &self.profile;
        let column = self.name();
        let is_list = profile.form != Form::Single;
        if profile.is_flag() && !is_list {
            if profile.distinct.len() < 2 {
                return Err(self.always_the_same());
            }
            return Ok(Draft {
                task: Task::multi_label([column.clone()])?,
                reason: format!("as asked, {} says 0 or 1 for one label", self.heading),
                source: LabelSource::Flags {
                    columns: vec![column],
                },
                way_out: String::new(),
                warnings: Vec::new(),
            });
        }
        let labels = profile.names_in_cells();
        let found = counted(labels.len(), "label");
        if let ([label], 0) = (labels.as_slice(), profile.empty)
            && profile.distinct.len() == 1
        {
            return Err(one_class(label, &self.heading));
        }
        let (reason, source) = match profile.form {
            Form::Separated(separator) => (
                format!(
                    "{} holds any number of {found}, separated by `{separator}`",
                    self.heading
                ),
                LabelSource::SeparatedNames { column, separator },
            ),
            Form::Lists => (
                format!("{} holds lists of any number of {found}", self.heading),
                LabelSource::Lists { column },
            ),
            Form::Single => (
                format!("{} holds one of {found} or none", self.heading),
                LabelSource::SeparatedNames {
                    column,
                    separator: '|',
                },
            ),
        };
        let as_asked = if asked && !is_list { "as asked, " } else { "" };
        Ok(Draft {
            task: Task::multi_label(labels)?,
            source,
            reason: format!("{as_asked}{reason}"),
            way_out: "Not so? If each cell is one name, say --task multi-class.".to_owned(),
            warnings: self.unified(),
        })
    }

    fn numbers(&self, place: &dyn Fn(usize) -> String) -> Result<Draft, InferError> {
        let profile = &self.profile;
        if let Some(error) = other_notation(profile, place) {
            return Err(error);
        }
        if profile.form == Form::Lists || profile.reading() == Reading::SeveralNumbers {
            return Err(self.several_numbers());
        }
        if let Some((row, cell)) = profile.first_text {
            return Err(InferError::Label(LabelError::NotANumber {
                place: place(row),
                column: self.name(),
                found: cell.to_owned(),
            }));
        }
        let distinct = profile.distinct.len();
        if distinct < 2 {
            return Err(self.always_the_same());
        }
        let kind = if profile.whole { "whole" } else { "decimal" };
        let taken = match profile.reading() {
            Reading::WholeNumbersAsNumbers => ", taken as amounts",
            _ => "",
        };
        let names = if distinct == 2 {
            "binary"
        } else {
            "multi-class"
        };
        Ok(Draft {
            task: Task::regression([self.name()])?,
            source: LabelSource::Numbers {
                columns: vec![self.name()],
            },
            reason: format!(
                "{} holds {distinct} different {kind} numbers{taken}",
                self.heading
            ),
            way_out: format!("Not so? If they are names of classes, say --task {names}."),
            warnings: Vec::new(),
        })
    }

    fn always_the_same(&self) -> InferError {
        let name = self.profile.distinct.first().copied().unwrap_or_default();
        InferError::OneClass {
            name: name.to_owned(),
            place: self.heading.clone(),
            way_out: match self.profile.empty {
                0 => "add images with another label, or name another label column",
                _ => {
                    "add images with another label, or say --task multi-label if an empty cell \
                     means that the label does not hold"
                }
            },
        }
    }

    fn several_numbers(&self) -> InferError {
        let mut cells = self.column.cells.iter();
        InferError::SeveralNumbers {
            column: self.name(),
            found: cells.find(|c| !c.is_empty()).cloned().unwrap_or_default(),
        }
    }

    fn stray_among_flags(&self, place: &dyn Fn(usize) -> String) -> InferError {
        let (row, cell) = self.profile.first_text.unwrap_or((0, ""));
        InferError::Label(LabelError::NotAFlag {
            place: place(row),
            column: self.name(),
            found: cell.to_owned(),
        })
    }

    /// `1` and `1.0` are one name, and that is worth saying.
    fn unified(&self) -> Vec<String> {
        let pairs = self.profile.spellings.iter();
        pairs
            .map(|(kept, gone)| {
                format!("`{gone}` is the same number as `{kept}`: both are taken as `{kept}`")
            })
            .collect()
    }

    fn words_among_numbers(&self) -> Vec<String> {
        match self.profile.first_text {
            Some((_, word)) if self.profile.is_mostly_numbers() => vec![format!(
                "`{word}` stands among numbers in {} and is taken as a name like them",
                self.heading
            )],
            _ => Vec::new(),
        }
    }
}
