//! What looks like a slip in the labels but can be trained on.

use super::images_per_name;
use crate::cells::means_missing;
use crate::wording::quoted;
use crate::{RawLabels, Targets, Task, TaskKind};

/// Names that are probably one, and names that probably are none.
pub(super) fn in_names(task: &Task, labels: &RawLabels) -> Vec<String> {
    if task.kind() == TaskKind::Regression {
        return Vec::new();
    }
    let mut warnings = differing_by_case(task);
    if let RawLabels::Table(_) = labels {
        let missing = task.names().iter().filter(|name| means_missing(name));
        warnings.extend(missing.map(|name| {
            format!(
                "`{name}` is taken as a name like the others; if it means that the label is \
                 missing, remove those rows"
            )
        }));
    }
    warnings
}

/// Labels that no image carries, or all do: nothing can be learned about them.
pub(super) fn in_counts(task: &Task, targets: &Targets) -> Vec<String> {
    if task.kind() == TaskKind::Regression {
        return Vec::new();
    }
    let counted: Vec<(&str, usize)> = task
        .names()
        .iter()
        .map(String::as_str)
        .zip(images_per_name(task, targets))
        .collect();
    let with = |wanted: usize| {
        let found: Vec<&str> = counted
            .iter()
            .filter(|c| c.1 == wanted)
            .map(|c| c.0)
            .collect();
        (!found.is_empty()).then(|| quoted(found))
    };
    let mut warnings = Vec::new();
    if let Some(names) = with(0) {
        warnings.push(format!(
            "no image carries {names}: nothing can be learned about it"
        ));
    }
    if task.kind() == TaskKind::MultiLabel
        && let Some(names) = with(targets.rows())
    {
        warnings.push(format!(
            "every image carries {names}: nothing can be learned about it"
        ));
    }
    warnings
}

fn differing_by_case(task: &Task) -> Vec<String> {
    let mut names: Vec<(String, &str)> = task
        .names()
        .iter()
        .map(|name| (name.to_lowercase(), name.as_str()))
        .collect();
    names.sort_unstable();
    names
        .windows(2)
        .filter(|pair| pair[0].0 == pair[1].0)
        .map(|pair| {
            format!(
                "`{}` and `{}` differ only in capitals and are taken as two names",
                pair[0].1, pair[1].1
            )
        })
        .collect()
}
