//! The task of several columns of labels: 0 and 1 make labels or, with a single 1 in each row,
//! classes; numbers make a regression.

use super::choose::describe;
use super::column::other_notation;
use super::names::exclusive;
use super::profile::Profile;
use super::{Draft, InferError, Request};
use crate::cells::flag;
use crate::labels::{Column, LabelSource};
use crate::wording::argument;
use crate::{Task, TaskKind};

/// So many columns with a single 1 in each row are one-hot classes; two may be two labels.
const CLEARLY_ONE_HOT: usize = 3;

pub(super) fn from_columns(
    columns: &[&Column],
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Draft, InferError> {
    let profiles: Vec<Profile> = columns.iter().map(|c| Profile::of(c)).collect();
    let names: Vec<String> = columns.iter().map(|c| c.name.clone()).collect();
    let count = names.len();
    let flags = profiles.iter().all(Profile::is_mostly_flags);
    let numbers = profiles.iter().all(Profile::is_mostly_numbers);
    let one_hot = flags && is_one_hot(columns);
    let only_one = format!(
        "If only one column is the label, name it, as in --label-column {}.",
        names.first().map(|name| argument(name)).unwrap_or_default()
    );
    match request.kind {
        None if one_hot && count >= CLEARLY_ONE_HOT => classes(names, request),
        Some(TaskKind::MultiClass | TaskKind::Binary) if one_hot => classes(names, request),
        None | Some(TaskKind::MultiLabel) if flags => Ok(Draft {
            task: Task::multi_label(names.clone())?,
            reason: format!("{count} columns hold 0 or 1"),
            way_out: match one_hot {
                true => {
                    format!("Not so? If a row is one of two classes, say --task binary. {only_one}")
                }
                false => format!("Not so? {only_one}"),
            },
            source: LabelSource::Flags { columns: names },
            warnings: Vec::new(),
        }),
        None | Some(TaskKind::Regression) if numbers => Ok(Draft {
            task: Task::regression(names.clone())?,
            reason: format!("{count} columns hold numbers"),
            source: LabelSource::Numbers { columns: names },
            way_out: format!("Not so? {only_one}"),
            warnings: Vec::new(),
        }),
        kind => {
            let names_wanted = matches!(kind, Some(TaskKind::MultiClass | TaskKind::Binary));
            let notation = profiles.iter().find_map(|p| other_notation(p, place));
            if let (Some(error), false) = (notation, names_wanted) {
                return Err(error);
            }
            Err(does_not_fit(kind, &profiles))
        }
    }
}

/// Exclusive classes, one column each.
fn classes(names: Vec<String>, request: &Request) -> Result<Draft, InferError> {
    let classes: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(Draft {
        task: exclusive(&classes, request, "the columns")?,
        reason: format!("each row has 1 in exactly one of {} columns", names.len()),
        source: LabelSource::OneHot { columns: names },
        way_out: "Not so? If labels can occur together, say --task multi-label.".to_owned(),
        warnings: Vec::new(),
    })
}

fn does_not_fit(kind: Option<TaskKind>, profiles: &[Profile]) -> InferError {
    let columns = describe(profiles);
    let Some(kind) = kind else {
        return InferError::MixedColumns { columns };
    };
    let expected = match kind {
        TaskKind::MultiLabel => "columns of 0 or 1",
        TaskKind::Regression => "columns of numbers",
        TaskKind::MultiClass | TaskKind::Binary => {
            "one column of names, or columns of which exactly one is 1 in each row"
        }
    };
    InferError::DoesNotFit {
        kind,
        why: format!("expected {expected}, found {columns}"),
        way_out: "name the right columns with --label-column".to_owned(),
    }
}

/// Whether each row has a single 1 and otherwise 0.
fn is_one_hot(columns: &[&Column]) -> bool {
    let rows = columns.first().map_or(0, |column| column.cells.len());
    rows > 0
        && (0..rows).all(|row| {
            let cells = columns.iter().map(|column| column.cells.get(row));
            let flags: Option<Vec<f32>> = cells.map(|cell| flag(cell?)).collect();
            flags.is_some_and(|flags| flags.iter().sum::<f32>() == 1.0)
        })
}
