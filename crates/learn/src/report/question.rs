//! The question: its title, why it is this one, and what answers it.

use finial_report as page;
use finial_task::{Targets, Task, TaskKind};

use super::wording::{capitalised, listed, sentence};

/// A title names so many classes at the most.
const NAMED: usize = 4;
/// And is no longer than this, in characters.
const TITLE: usize = 72;

/// A heading: "Animal, food or vehicle?"
pub(super) fn title(task: &Task) -> String {
    let names = task.names();
    let (named, counted) = match task.kind() {
        TaskKind::MultiClass | TaskKind::Binary => (
            format!("{}?", capitalised(&listed(names, "or"))),
            format!("Which of {} classes?", names.len()),
        ),
        TaskKind::MultiLabel if names.len() == 1 => (
            format!("Does it have the label {}?", listed(names, "and")),
            "Does it have the label?".to_owned(),
        ),
        TaskKind::MultiLabel => (
            format!("Which of {}?", listed(names, "and")),
            format!("Which of {} labels?", names.len()),
        ),
        TaskKind::Regression if names.len() == 1 => (
            format!("What is {}?", listed(names, "and")),
            "What is the number?".to_owned(),
        ),
        TaskKind::Regression => (
            format!("What are {}?", listed(names, "and")),
            format!("What are the {} numbers?", names.len()),
        ),
    };
    match names.len() <= NAMED && named.chars().count() <= TITLE {
        true => named,
        false => counted,
    }
}

/// Why it is this kind of task; the kind itself stands before it on the page.
pub(super) fn reason(task: &Task, reason: &str) -> String {
    let kind = format!("{}: ", task.kind());
    sentence(reason.strip_prefix(&kind).unwrap_or(reason))
}

/// What the task tells apart, with the images of each split; the reason is left to the caller.
pub(super) fn asked(
    task: &Task,
    train: Option<&Targets>,
    validation: Option<&Targets>,
    test: &Targets,
) -> page::Task {
    let counts = |targets: Option<&Targets>| targets.map(|targets| count(task, targets));
    let (train_counts, validation_counts, test_counts) =
        (counts(train), counts(validation), counts(Some(test)));
    let of = |counts: &Option<Vec<usize>>, i: usize| {
        let counts = counts.as_ref();
        counts
            .and_then(|counts| counts.get(i))
            .copied()
            .unwrap_or(0)
    };
    let names = task.names().iter().enumerate();
    let named = names.clone().map(|(i, name)| page::NamedCounts {
        name: name.clone(),
        counts: page::SplitCounts {
            train: of(&train_counts, i),
            validation: of(&validation_counts, i),
            test: of(&test_counts, i),
        },
    });
    let spreads = names.map(|(i, name)| page::NamedSpreads {
        name: name.clone(),
        unit: None,
        train: train.and_then(|targets| spread(targets, i)),
        validation: validation.and_then(|targets| spread(targets, i)),
        test: spread(test, i),
    });
    page::Task {
        kind: task.kind().to_string(),
        names_are: match task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => page::NamesAre::Classes,
            TaskKind::MultiLabel => page::NamesAre::Labels,
            TaskKind::Regression => page::NamesAre::Targets,
        },
        names: named.collect(),
        spreads: match task.kind() {
            TaskKind::Regression => spreads.collect(),
            _ => Vec::new(),
        },
        ..page::Task::default()
    }
}

/// Images of each class or label; of a target, all.
pub(super) fn count(task: &Task, targets: &Targets) -> Vec<usize> {
    let mut counts = vec![0; task.names().len()];
    for row in targets.iter() {
        match task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                let class = row.first().map(|class| *class as usize);
                if let Some(count) = class.and_then(|class| counts.get_mut(class)) {
                    *count += 1;
                }
            }
            TaskKind::MultiLabel => {
                for (count, on) in counts.iter_mut().zip(row) {
                    *count += usize::from(*on > 0.5);
                }
            }
            TaskKind::Regression => counts.iter_mut().for_each(|count| *count += 1),
        }
    }
    counts
}

/// Smallest, middle and largest value of a target; `None` without images.
fn spread(targets: &Targets, target: usize) -> Option<page::Spread> {
    let mut values: Vec<f64> = targets
        .iter()
        .filter_map(|row| row.get(target).map(|value| f64::from(*value)))
        .collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some(page::Spread {
        least: *values.first()?,
        median: (lower + upper) / 2.0,
        greatest: *values.last()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_classes_are_named_in_the_title_and_many_are_counted() {
        let classes = |names: &[&str]| title(&Task::multi_class(names.iter().copied()).unwrap());
        assert_eq!(
            classes(&["animal", "food", "vehicle"]),
            "Animal, food or vehicle?"
        );
        assert_eq!(classes(&["a", "b", "c", "d", "e"]), "Which of 5 classes?");
        let long = "a class of which the name is rather long";
        assert_eq!(
            classes(&["a", "b", long, &format!("{long}er")]),
            "Which of 4 classes?"
        );
        assert_eq!(
            title(&Task::binary("animal", "plant").unwrap()),
            "Animal or plant?"
        );
        assert_eq!(
            title(&Task::multi_label(["cat", "dog", "bird"]).unwrap()),
            "Which of cat, dog and bird?"
        );
        assert_eq!(
            title(&Task::multi_label(["cat"]).unwrap()),
            "Does it have the label cat?"
        );
        assert_eq!(title(&Task::regression(["age"]).unwrap()), "What is age?");
    }

    #[test]
    fn the_kind_is_not_told_twice() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let told = "multi-class: the folder gives one of 3 names";
        assert_eq!(reason(&task, told), "The folder gives one of 3 names.");
        assert_eq!(reason(&task, "as was asked"), "As was asked.");
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        let spread = |values: &[f32]| spread(&Targets::new(1, values.to_vec()), 0);
        let found = spread(&[4.0, -1.0, 9.0, 2.0]);
        let expected = page::Spread {
            least: -1.0,
            median: 3.0,
            greatest: 9.0,
        };
        assert_eq!(found, Some(expected));
        assert_eq!(spread(&[]), None);
    }

    #[test]
    fn only_numbers_have_spreads() {
        let targets = Targets::new(1, vec![0.0, 1.0, 1.0]);
        let binary = asked(&Task::binary("no", "yes").unwrap(), None, None, &targets);
        assert!(binary.spreads.is_empty());
        assert_eq!(binary.names[1].counts.test, 2);
        let number = asked(&Task::regression(["n"]).unwrap(), None, None, &targets);
        assert_eq!(number.spreads.len(), 1);
        assert_eq!(number.spreads[0].train, None);
    }
}
