//! The task of class folders.

use super::names::{exclusive, one_class, way_out};
use super::profile::sort_names;
use super::{Draft, InferError, Request};
use crate::cells::number;
use crate::labels::{LabelSource, counts};
use crate::wording::counted;
use crate::{Task, TaskKind};

const PLACE: &str = "the folder";

pub(super) fn from_folders(names: &[String], request: &Request) -> Result<Draft, InferError> {
    let counts = counts(names.iter().map(String::as_str));
    let mut classes: Vec<&str> = counts.keys().copied().collect();
    sort_names(&mut classes);
    if let [one] = classes.as_slice() {
        return Err(one_class(one, PLACE));
    }
    let found = counted(classes.len(), "name");
    let (task, reason) = match request.kind {
        Some(TaskKind::Regression) => {
            if let Some(name) = classes.iter().find(|name| number(name).is_none()) {
                return Err(InferError::DoesNotFit {
                    kind: TaskKind::Regression,
                    why: format!("expected folders called by numbers, found `{name}`"),
                    way_out: "use a table with a column of numbers, or leave --task out".to_owned(),
                });
            }
            let reason = "as asked, the folders' names are read as numbers".to_owned();
            (Task::regression(["value"])?, reason)
        }
        Some(TaskKind::MultiLabel) => (
            Task::multi_label(classes)?,
            "as asked, each folder is a label of its own".to_owned(),
        ),
        Some(TaskKind::MultiClass | TaskKind::Binary) | None => (
            exclusive(&classes, request, PLACE)?,
            format!("{PLACE} gives one of {found}"),
        ),
    };
    let elsewise =
        "If an image can carry several labels, use a table with a column such as `cat|dog`.";
    Ok(Draft {
        way_out: way_out(&task, elsewise),
        task,
        source: LabelSource::Folders,
        reason,
        warnings: Vec::new(),
    })
}
