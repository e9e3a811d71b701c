//! From the labels of a data set to the task they call for, with the reason in a sentence.
//!
//! | module | what it decides |
//! |---|---|
//! | `folders` | the task of class folders |
//! | `choose` | which columns of a table are the label |
//! | `column`, `columns` | the task of one label column, and of several |
//! | `names` | binary or multi-class, and which of two names is the positive one |
//! | `profile`, `headings` | what a column and its heading look like |
//! | `slips` | what is warned of |
//! | `find` | where other data holds the labels of a task that is known already |

mod choose;
mod column;
mod columns;
mod error;
mod find;
mod folders;
mod headings;
mod names;
mod profile;
mod slips;

use crate::labels::{LabelSource, RawLabels, Targets, class_index};
use crate::wording::quoted;
use crate::{Task, TaskKind};

pub use error::InferError;

/// What the user says about the task; everything left open is inferred.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The kind of task.
    pub kind: Option<TaskKind>,
    /// The columns that hold the labels.
    pub label_columns: Vec<String>,
    /// Which of two classes the single output of a binary task stands for.
    pub positive: Option<String>,
}

/// The task of a data set, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Inference {
    /// The task.
    pub task: Task,
    /// Where its labels stand in the data.
    pub source: LabelSource,
    /// The labels as numbers, one row per sample.
    pub targets: Targets,
    /// Why this task, in one sentence: "regression: column `price` holds 412 different numbers".
    pub reason: String,
    /// What to type if it is wrong, in sentences that read well alone.
    pub way_out: String,
    /// What looks like a slip in the labels but can be trained on, and what was left unused.
    pub warnings: Vec<String>,
}

/// Infers the task of a data set.
///
/// `place` names where sample `i` stands ("photos.csv:12"), for errors.
///
/// ```
/// use finial_task::{Column, RawLabels, Request, TaskKind, infer};
///
/// let cells = ["1.5", "2.25", "0.5", "7.125"].map(String::from).to_vec();
/// let labels = RawLabels::Table(vec![Column { name: "price".into(), cells }]);
/// let inference = infer(&labels, &Request::default(), &|row| format!("line {row}"))?;
/// assert_eq!(inference.task.kind(), TaskKind::Regression);
/// assert_eq!(inference.reason, "regression: column `price` holds 4 different decimal numbers");
/// # Ok::<(), finial_task::InferError>(())
/// ```
///
/// # Errors
/// See [`InferError`]; each names the column, or the file and line, and the way out.
pub fn infer(
    labels: &RawLabels,
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Inference, InferError> {
    let draft = match labels {
        RawLabels::Folders(names) => folders::from_folders(names, request)?,
        RawLabels::Table(columns) => from_table(columns, request, place)?,
    };
    let task = draft.task;
    if let Some(name) = &request.positive
        && task.kind() != TaskKind::Binary
    {
        return Err(InferError::PositiveOfNoPair {
            name: name.clone(),
            reason: format!("{}: {}", task.kind(), draft.reason),
        });
    }
    let targets = draft.source.read(&task, labels, place)?;
    let mut warnings = draft.warnings;
    warnings.extend(slips::in_names(&task, labels));
    warnings.extend(slips::in_counts(&task, &targets));
    let mut reason = format!(
        "{}: {}{}",
        task.kind(),
        draft.reason,
        listing(&task, &targets)
    );
    if let (TaskKind::Binary, [_, positive]) = (task.kind(), task.names()) {
        reason.push_str(&format!("; the output is the probability of `{positive}`"));
    }
    Ok(Inference {
        reason,
        way_out: match request.kind {
            Some(_) => "Leave --task out to have it inferred.".to_owned(),
            None => draft.way_out,
        },
        task,
        source: draft.source,
        targets,
        warnings,
    })
}

/// An inference before the labels are read.
struct Draft {
    task: Task,
    source: LabelSource,
    /// Without the kind and the names.
    reason: String,
    way_out: String,
    warnings: Vec<String>,
}

fn from_table(
    columns: &[crate::Column],
    request: &Request,
    place: &dyn Fn(usize) -> String,
) -> Result<Draft, InferError> {
    let chosen = choose::label_columns(columns, request)?;
    let mut draft = match chosen.columns.as_slice() {
        [] => return Err(InferError::NoLabelColumn),
        [column] => column::from_column(column, request, place)?,
        several => columns::from_columns(several, request, place)?,
    };
    if !chosen.unused.is_empty() {
        let unused = quoted(chosen.unused.iter().map(|c| c.name.as_str()));
        draft.warnings.push(match chosen.unused.len() {
            1 => format!(
                "column {unused} was not used; if it is the label, name it with --label-column"
            ),
            _ => format!(
                "the columns {unused} were not used; if one is the label, name it with \
                 --label-column"
            ),
        });
    }
    Ok(draft)
}

/// `: cat (40), dog (12)`, as long as it reads at a glance.
fn listing(task: &Task, targets: &Targets) -> String {
    const AT_A_GLANCE: usize = 5;
    if task.kind() == TaskKind::Regression || task.names().len() > AT_A_GLANCE {
        return String::new();
    }
    let names = task.names().iter().zip(images_per_name(task, targets));
    let names: Vec<String> = names.map(|(name, n)| format!("{name} ({n})")).collect();
    format!(": {}", names.join(", "))
}

/// How many samples carry each name; none do where names are those of numbers.
fn images_per_name(task: &Task, targets: &Targets) -> Vec<usize> {
    let mut counts = vec![0; task.names().len()];
    for row in targets.iter() {
        match task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                let class = row.first().and_then(|&value| class_index(value));
                if let Some(count) = class.and_then(|class| counts.get_mut(class)) {
                    *count += 1;
                }
            }
            TaskKind::MultiLabel => {
                for (count, &value) in counts.iter_mut().zip(row) {
                    *count += usize::from(value > 0.5);
                }
            }
            TaskKind::Regression => {}
        }
    }
    counts
}
