//! Exclusive names: how many there are, and which of two is the positive one.

use super::{InferError, Request};
use crate::wording::{argument, quoted};
use crate::{Task, TaskKind};

/// The task of exclusive names; `place` is where they stand, for errors.
pub(super) fn exclusive(
    names: &[&str],
    request: &Request,
    place: &str,
) -> Result<Task, InferError> {
    let does_not_fit = |kind: TaskKind, expected: &str, other: &str| InferError::DoesNotFit {
        kind,
        why: format!("expected {expected}, found {} in {place}", names.len()),
        way_out: format!("say --task {other}, or leave --task out"),
    };
    match (names, request.kind) {
        ([], _) => Err(InferError::NoLabelColumn),
        ([one], _) => Err(one_class(one, place)),
        ([_, _], Some(TaskKind::MultiClass)) => Err(does_not_fit(
            TaskKind::MultiClass,
            "three or more names",
            "binary",
        )),
        ([a, b], _) => {
            let (negative, positive) = order(a, b, request.positive.as_deref())?;
            Ok(Task::binary(negative, positive)?)
        }
        (_, Some(TaskKind::Binary)) => {
            Err(does_not_fit(TaskKind::Binary, "two names", "multi-class"))
        }
        (names, _) => Ok(Task::multi_class(names.iter().copied())?),
    }
}

pub(super) fn one_class(name: &str, place: &str) -> InferError {
    InferError::OneClass {
        name: name.to_owned(),
        place: place.to_owned(),
        way_out: "add images of a second class, or name another label column",
    }
}

/// What to type if exclusive names are not what they seem. `--positive` turns a binary task
/// round; names that are numbers may have been amounts; `elsewise` is how labels occur together.
pub(super) fn way_out(task: &Task, elsewise: &str) -> String {
    let mut text = "Not so?".to_owned();
    if let (TaskKind::Binary, [negative, positive]) = (task.kind(), task.names()) {
        text.push_str(&format!(
            " To have the probability of `{negative}` instead of `{positive}`, say --positive {}.",
            argument(negative)
        ));
    }
    if task
        .names()
        .iter()
        .all(|n| crate::cells::number(n).is_some())
    {
        text.push_str(" If the names are numbers to be estimated, say --task regression.");
    }
    text + " " + elsewise
}

/// Negative and positive of two names: as asked; else the name that means "no" is the negative;
/// else in alphabetical order, as Keras counts them.
fn order<'a>(
    a: &'a str,
    b: &'a str,
    positive: Option<&str>,
) -> Result<(&'a str, &'a str), InferError> {
    match positive {
        Some(name) if name == a => Ok((b, a)),
        Some(name) if name == b => Ok((a, b)),
        Some(name) => Err(InferError::UnknownPositive {
            expected: quoted([a, b]),
            found: name.to_owned(),
        }),
        None if means_no(b) && !means_no(a) => Ok((b, a)),
        None => Ok((a, b)),
    }
}

/// Whether a name denies: its first word does, or it ends in a minus, as `HER2-` does.
fn means_no(name: &str) -> bool {
    const WORDS: [&str; 24] = [
        "no",
        "not",
        "non",
        "none",
        "without",
        "false",
        "0",
        "negative",
        "neg",
        "normal",
        "healthy",
        "ok",
        "good",
        "absent",
        "background",
        "control",
        "functional",
        "benign",
        "other",
        "intact",
        "wt",
        "wildtype",
        "untreated",
        "mock",
    ];
    let name = name.trim().to_lowercase();
    if name.ends_with(['-', '\u{2212}']) {
        return true;
    }
    let mut words = name.split(|c: char| !c.is_alphanumeric());
    let first = words.by_ref().find(|word| !word.is_empty());
    let wild_type = first == Some("wild") && words.next() == Some("type");
    wild_type || first.is_some_and(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_denies_is_the_negative_one() {
        let pairs = [
            ("no", "yes"),
            ("not defective", "defective"),
            ("normal", "abnormal"),
            ("wt", "mutant"),
            ("wild-type", "knockout"),
            ("Wildtype", "KO"),
            ("untreated", "drug"),
            ("mock", "infected"),
            ("-", "+"),
            ("\u{2212}", "+"),
            ("HER2-", "HER2+"),
            ("cat", "dog"),
        ];
        for (negative, positive) in pairs {
            assert_eq!(order(negative, positive, None).unwrap().0, negative);
            if (negative, positive) != ("cat", "dog") {
                assert_eq!(order(positive, negative, None).unwrap().0, negative);
            }
        }
    }

    #[test]
    fn the_positive_name_is_the_one_asked_for() {
        assert_eq!(order("no", "yes", Some("no")).unwrap(), ("yes", "no"));
        assert!(order("no", "yes", Some("maybe")).is_err());
    }
}
