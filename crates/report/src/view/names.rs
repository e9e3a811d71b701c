//! The classes and labels with their images in each split, and the targets with their values.

use serde::Serialize;

use super::splits::Split;
use super::width;
use crate::format;
use crate::report::{NamesAre, SplitCounts, Spread, Task};

/// What to call one name and several.
#[derive(Debug, Serialize)]
pub struct Words {
    one: &'static str,
    many: &'static str,
}

impl Words {
    /// The words for classes, labels or targets.
    pub fn new(names_are: NamesAre) -> Self {
        let (one, many) = match names_are {
            NamesAre::Classes => ("class", "classes"),
            NamesAre::Labels => ("label", "labels"),
            NamesAre::Targets => ("target", "targets"),
        };
        Self { one, many }
    }
}

/// A class, label or target with a count for each split shown.
#[derive(Debug, Serialize)]
pub struct NameRow<'a> {
    name: &'a str,
    counts: Vec<usize>,
    /// Images in all splits against the most frequent name, in percent.
    width: f64,
}

/// A row for each name of the task.
pub fn name_rows<'a>(task: &'a Task, splits: &[Split]) -> Vec<NameRow<'a>> {
    let counts_of = |counts: &SplitCounts| -> Vec<usize> {
        splits.iter().map(|split| (split.of)(counts)).collect()
    };
    let most = task
        .names
        .iter()
        .map(|row| counts_of(&row.counts).iter().sum::<usize>())
        .max()
        .unwrap_or(0);
    task.names
        .iter()
        .map(|row| {
            let counts = counts_of(&row.counts);
            NameRow {
                name: &row.name,
                width: width(counts.iter().sum(), most),
                counts,
            }
        })
        .collect()
}

/// A target with a line for each split that has images.
#[derive(Debug, Serialize)]
pub struct SpreadRow<'a> {
    name: &'a str,
    unit: Option<&'a str>,
    splits: Vec<SpreadCells>,
}

#[derive(Debug, PartialEq, Serialize)]
struct SpreadCells {
    split: &'static str,
    least: String,
    median: String,
    greatest: String,
}

/// A row for each target whose values are known; `of_test` is what to call the test split.
pub fn spread_rows<'a>(task: &'a Task, of_test: &'static str) -> Vec<SpreadRow<'a>> {
    let cells = |split, spread: Spread| SpreadCells {
        split,
        least: format::given(spread.least),
        median: format::given(spread.median),
        greatest: format::given(spread.greatest),
    };
    task.spreads
        .iter()
        .map(|row| SpreadRow {
            name: &row.name,
            unit: row.unit.as_deref(),
            splits: [
                ("train", row.train),
                ("validation", row.validation),
                (of_test, row.test),
            ]
            .into_iter()
            .filter_map(|(split, spread)| spread.map(|spread| cells(split, spread)))
            .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::NamedSpreads;

    #[test]
    fn a_target_has_a_line_for_each_split_with_images() {
        let task = Task {
            spreads: vec![NamedSpreads {
                name: "width".into(),
                test: Some(Spread {
                    least: -3.0,
                    median: 2.5,
                    greatest: 1_200.0,
                }),
                ..NamedSpreads::default()
            }],
            ..Task::default()
        };
        let rows = spread_rows(&task, "test");
        let expected = SpreadCells {
            split: "test",
            least: "−3".into(),
            median: "2.5".into(),
            greatest: "1,200".into(),
        };
        assert_eq!(rows[0].splits, [expected]);
    }
}
