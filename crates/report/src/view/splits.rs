//! The splits that have images, what each was for, and its share of the whole.

use serde::Serialize;

use super::width;
use crate::report::{Report, SplitCounts};

/// A split that has any images.
#[derive(Debug, Serialize)]
pub struct Split {
    /// What the page calls it.
    pub name: &'static str,
    /// Name of its colour in the style sheet.
    colour: &'static str,
    /// For what its images were used.
    purpose: &'static str,
    images: usize,
    /// Share of all images, in percent of a bar's width.
    width: f64,
    share: f64,
    /// Its number among the counts of a split.
    #[serde(skip)]
    pub of: fn(&SplitCounts) -> usize,
}

/// What the test split is called: of an evaluation there is no other, so it is just the images.
pub fn name_of_test(report: &Report) -> &'static str {
    match report.training {
        Some(_) => "test",
        None => "images",
    }
}

/// The splits with images, by the data or, where that is silent, by the names.
pub fn splits(report: &Report) -> Vec<Split> {
    type Count = fn(&SplitCounts) -> usize;
    const TRAIN: Count = |counts| counts.train;
    const VALIDATION: Count = |counts| counts.validation;
    const TEST: Count = |counts| counts.test;
    let of_test = match report.training {
        Some(_) => "kept away until the end; the scores are about these",
        None => "the scores are about these",
    };
    let all = [
        ("train", "train", "the head learned from these", TRAIN),
        (
            "validation",
            "validation",
            "these chose the best epoch",
            VALIDATION,
        ),
        (name_of_test(report), "test", of_test, TEST),
    ];
    let counts = report.data.as_ref().map(|data| data.counts);
    let counts = counts.unwrap_or_default();
    let total: usize = all.iter().map(|(.., of)| of(&counts)).sum();
    all.into_iter()
        .map(|(name, colour, purpose, of)| {
            let images = of(&counts);
            Split {
                name,
                colour,
                purpose,
                images,
                width: width(images, total),
                share: images as f64 / total.max(1) as f64,
                of,
            }
        })
        .filter(|split| {
            let mut names = report.task.names.iter();
            split.images > 0 || names.any(|row| (split.of)(&row.counts) > 0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{NamedCounts, Task, Training};

    fn report() -> Report {
        Report {
            task: Task {
                names: vec![NamedCounts {
                    name: "a".into(),
                    counts: SplitCounts {
                        test: 3,
                        ..SplitCounts::default()
                    },
                }],
                ..Task::default()
            },
            training: Some(Training::default()),
            ..Report::default()
        }
    }

    #[test]
    fn a_split_without_images_is_not_shown() {
        let names: Vec<_> = splits(&report()).iter().map(|split| split.name).collect();
        assert_eq!(names, ["test"]);
    }

    #[test]
    fn images_of_an_evaluation_were_not_kept_away() {
        let evaluation = Report {
            training: None,
            ..report()
        };
        let splits = splits(&evaluation);
        assert_eq!(
            (splits[0].name, splits[0].purpose),
            ("images", "the scores are about these")
        );
    }
}
