//! The evidence as the page shows it: weakest rows first, curves drawn, yes and no counted.

use std::cmp::Ordering;

use serde::Serialize;

use super::confusion::{self, Matrix, Pair};
use super::{Folded, share_width};
use crate::charts;
use crate::error::ReportError;
use crate::report::{
    BinaryEvidence, ClassRow, Evidence, LabelRow, MultiClassEvidence, MultiLabelEvidence,
    RegressionEvidence, TargetEvidence,
};

/// How many confused pairs stand beside a matrix.
const PAIRS_BESIDE_MATRIX: usize = 5;
/// How many stand in place of one.
const PAIRS_ALONE: usize = 20;
/// From so many classes on, a pair confused once is not listed.
const MANY_CLASSES: usize = 30;
/// More targets than these have the plots of the others folded.
const MOST_PLOTS: usize = 6;

/// The evidence by kind of task, with everything drawn and sorted.
#[derive(Debug, Serialize)]
#[serde(tag = "task", rename_all = "snake_case")]
pub enum EvidenceView<'a> {
    /// One class out of several.
    MultiClass(MultiClassView<'a>),
    /// Yes or no.
    Binary(BinaryView<'a>),
    /// Any number of labels.
    MultiLabel(MultiLabelView<'a>),
    /// One or more numbers.
    Regression(RegressionView<'a>),
}

impl<'a> EvidenceView<'a> {
    /// Draws and sorts `evidence`.
    ///
    /// # Errors
    ///
    /// A confusion matrix that is not square.
    pub fn new(evidence: &'a Evidence) -> Result<Self, ReportError> {
        Ok(match evidence {
            Evidence::MultiClass(evidence) => Self::MultiClass(MultiClassView::new(evidence)?),
            Evidence::Binary(evidence) => Self::Binary(BinaryView::new(evidence)),
            Evidence::MultiLabel(evidence) => Self::MultiLabel(MultiLabelView::new(evidence)),
            Evidence::Regression(evidence) => Self::Regression(RegressionView::new(evidence)),
        })
    }
}

/// A row of a class or a label.
#[derive(Debug, Serialize)]
struct Row<'a> {
    name: &'a str,
    precision: Option<f64>,
    recall: Option<f64>,
    f1: Option<f64>,
    average_precision: Option<f64>,
    support: usize,
    /// F1 on a bar, in percent.
    width: f64,
}

impl<'a> From<&'a ClassRow> for Row<'a> {
    fn from(row: &'a ClassRow) -> Self {
        Self {
            name: &row.name,
            precision: row.precision,
            recall: row.recall,
            f1: row.f1,
            average_precision: None,
            support: row.support,
            width: row.f1.map_or(0.0, share_width),
        }
    }
}

impl<'a> From<&'a LabelRow> for Row<'a> {
    fn from(row: &'a LabelRow) -> Self {
        Self {
            name: &row.name,
            precision: row.precision,
            recall: row.recall,
            f1: row.f1,
            average_precision: row.average_precision,
            support: row.support,
            width: row.f1.map_or(0.0, share_width),
        }
    }
}

/// Weakest first, those without a score at the end.
fn weakest_first<'a>(rows: impl Iterator<Item = Row<'a>>) -> Folded<Row<'a>> {
    let mut rows: Vec<Row<'a>> = rows.collect();
    rows.sort_by(|a, b| weaker(a.f1, b.f1));
    Folded::new(rows)
}

/// The lower score first, none last.
fn weaker(left: Option<f64>, right: Option<f64>) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => left.total_cmp(&right),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}

/// What was confused with what.
#[derive(Debug, Serialize)]
pub struct MultiClassView<'a> {
    matrix: Option<Matrix<'a>>,
    classes: usize,
    images: usize,
    wrong: usize,
    pairs: Vec<Pair<'a>>,
    /// Fewest images of a pair that is listed.
    fewest: usize,
    rows: Folded<Row<'a>>,
}

impl<'a> MultiClassView<'a> {
    fn new(evidence: &'a MultiClassEvidence) -> Result<Self, ReportError> {
        let confusion = &evidence.confusion;
        confusion::check(confusion)?;
        let matrix = confusion::matrix(
            confusion.names.iter().map(String::as_str).collect(),
            confusion.counts.iter().map(Vec::as_slice),
        );
        let most = match matrix {
            Some(_) => PAIRS_BESIDE_MATRIX,
            None => PAIRS_ALONE,
        };
        // Among many classes almost every pair that occurs does so once, which says nothing.
        let fewest = match confusion.names.len() {
            0..MANY_CLASSES => 1,
            _ => 2,
        };
        let images: usize = confusion.counts.iter().flatten().sum();
        let right: usize = confusion
            .counts
            .iter()
            .enumerate()
            .filter_map(|(class, row)| row.get(class))
            .sum();
        Ok(Self {
            matrix,
            classes: confusion.names.len(),
            images,
            wrong: images - right,
            pairs: confusion::confused_pairs(confusion, fewest, most),
            fewest,
            rows: weakest_first(evidence.per_class.iter().map(Row::from)),
        })
    }
}

/// Yes or no: the four outcomes and both curves.
#[derive(Debug, Serialize)]
pub struct BinaryView<'a> {
    positive: &'a str,
    negative: &'a str,
    threshold: f64,
    positives: usize,
    negatives: usize,
    caught: usize,
    missed: usize,
    false_alarms: usize,
    matrix: Option<Matrix<'a>>,
    roc: Option<String>,
    precision_recall: Option<String>,
}

impl<'a> BinaryView<'a> {
    fn new(evidence: &'a BinaryEvidence) -> Self {
        let counts = evidence.counts;
        let yes = [counts.true_positive, counts.false_negative];
        let no = [counts.false_positive, counts.true_negative];
        Self {
            positive: &evidence.positive,
            negative: &evidence.negative,
            threshold: evidence.threshold,
            positives: yes.iter().sum(),
            negatives: no.iter().sum(),
            caught: counts.true_positive,
            missed: counts.false_negative,
            false_alarms: counts.false_positive,
            matrix: confusion::matrix(
                vec![&evidence.positive, &evidence.negative],
                [yes.as_slice(), no.as_slice()],
            ),
            roc: charts::roc(evidence, "roc"),
            precision_recall: charts::precision_recall(evidence, "precision-recall"),
        }
    }
}

/// How each label fares.
#[derive(Debug, Serialize)]
pub struct MultiLabelView<'a> {
    images: usize,
    entirely_right: usize,
    rows: Folded<Row<'a>>,
}

impl<'a> MultiLabelView<'a> {
    fn new(evidence: &'a MultiLabelEvidence) -> Self {
        Self {
            images: evidence.images,
            entirely_right: evidence.entirely_right,
            rows: weakest_first(evidence.per_label.iter().map(Row::from)),
        }
    }
}

/// How close each target comes.
#[derive(Debug, Serialize)]
pub struct RegressionView<'a> {
    /// In the order of the task.
    targets: Vec<TargetView<'a>>,
    /// How many of them have their plot shown at once.
    plots: usize,
    /// The scores of several targets as a table.
    rows: Folded<TargetRow<'a>>,
}

/// The scores of one target.
#[derive(Debug, Serialize)]
struct TargetRow<'a> {
    name: &'a str,
    unit: Option<&'a str>,
    mae: f64,
    rmse: f64,
    r2: Option<f64>,
}

#[derive(Debug, Serialize)]
struct TargetView<'a> {
    name: &'a str,
    unit: Option<&'a str>,
    mae: f64,
    rmse: f64,
    r2: Option<f64>,
    svg: Option<String>,
    drawn: usize,
    total: usize,
}

impl<'a> RegressionView<'a> {
    fn new(evidence: &'a RegressionEvidence) -> Self {
        let target = |(at, target): (usize, &'a TargetEvidence)| {
            let scatter = charts::scatter(target, &format!("scatter-{at}"));
            TargetView {
                name: &target.name,
                unit: target.unit.as_deref(),
                mae: target.mae,
                rmse: target.rmse,
                r2: target.r2,
                drawn: scatter.as_ref().map_or(0, |scatter| scatter.drawn),
                total: target.points.len(),
                svg: scatter.map(|scatter| scatter.svg),
            }
        };
        let row = |target: &'a TargetEvidence| TargetRow {
            name: &target.name,
            unit: target.unit.as_deref(),
            mae: target.mae,
            rmse: target.rmse,
            r2: target.r2,
        };
        let mut rows: Vec<_> = match evidence.targets.as_slice() {
            [_] => Vec::new(),
            targets => targets.iter().map(row).collect(),
        };
        rows.sort_by(|a, b| weaker(a.r2, b.r2));
        Self {
            targets: evidence.targets.iter().enumerate().map(target).collect(),
            plots: MOST_PLOTS,
            rows: Folded::new(rows),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weakest_class_comes_first_and_an_unknown_one_last() {
        let row = |name: &str, f1: Option<f64>| ClassRow {
            name: name.into(),
            f1,
            ..ClassRow::default()
        };
        let rows = [
            row("fine", Some(0.9)),
            row("unknown", None),
            row("weak", Some(0.2)),
        ];
        let sorted = weakest_first(rows.iter().map(Row::from));
        let names: Vec<_> = sorted.shown.iter().map(|row| row.name).collect();
        assert_eq!(names, ["weak", "fine", "unknown"]);
    }

    #[test]
    fn several_targets_have_a_table_with_the_weakest_first_and_one_has_none() {
        let target = |name: &str, r2: f64| TargetEvidence {
            name: name.into(),
            r2: Some(r2),
            ..TargetEvidence::default()
        };
        let mut evidence = RegressionEvidence {
            targets: vec![target("area", 0.9), target("spots", -0.1)],
        };
        let view = RegressionView::new(&evidence);
        let names: Vec<_> = view.rows.shown.iter().map(|row| row.name).collect();
        assert_eq!(names, ["spots", "area"]);
        evidence.targets.pop();
        assert_eq!(RegressionView::new(&evidence).rows.total, 0);
    }

    #[test]
    fn wrong_images_are_those_off_the_diagonal() {
        let evidence = MultiClassEvidence {
            confusion: crate::report::Confusion {
                names: vec!["a".into(), "b".into()],
                counts: vec![vec![8, 2], vec![1, 9]],
            },
            per_class: Vec::new(),
        };
        let view = MultiClassView::new(&evidence).expect("a view");
        assert_eq!((view.images, view.wrong), (20, 3));
    }
}
