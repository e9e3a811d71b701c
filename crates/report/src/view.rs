//! What the page needs beyond the data: totals, widths of bars, sorted rows, charts.
//!
//! The template prints; it does not compute. Whatever it would have to compute is here, and
//! serialised for it. [`scores`], [`names`], [`splits`], [`evidence`] and the [`confusion`] matrix
//! have rooms of their own.

mod confusion;
mod evidence;
mod names;
mod scores;
mod splits;

use serde::Serialize;

use crate::charts;
use crate::error::ReportError;
use crate::format;
use crate::report::{Certainty, Data, Head, LayerRole, Report};
use evidence::EvidenceView;
use names::{NameRow, SpreadRow, Words, name_rows, spread_rows};
use scores::ScoreView;
use splits::{Split, name_of_test, splits};

/// A table longer than this shows its beginning and folds the whole of it.
const LONG_TABLE: usize = 30;
/// How many rows a folded table shows.
const SHORT_TABLE: usize = 15;
/// How many set-aside files are named on the page.
const MOST_SET_ASIDE: usize = 200;

/// Everything computed from a report for its page.
#[derive(Debug, Serialize)]
pub struct View<'a> {
    splits: Vec<Split>,
    scores: Vec<ScoreView<'a>>,
    names_are: Words,
    names: Folded<NameRow<'a>>,
    spreads: Folded<SpreadRow<'a>>,
    parameters: Option<Parameters>,
    evidence: Option<EvidenceView<'a>>,
    reliability: Vec<ReliabilityView<'a>>,
    set_aside: Vec<SetAsideGroup<'a>>,
    learning_curve: Option<String>,
    rate_range: Option<String>,
}

impl<'a> View<'a> {
    /// Computes what the page of `report` needs.
    ///
    /// # Errors
    ///
    /// A confusion matrix that is not square, a thumbnail that is no JPEG file.
    pub fn new(report: &'a Report) -> Result<Self, ReportError> {
        for image in &report.worst {
            let wrong = |file: &[u8]| !file.is_empty() && !file.starts_with(&[0xFF, 0xD8, 0xFF]);
            if wrong(&image.jpeg) || wrong(&image.heat) {
                return Err(ReportError::NotJpeg {
                    path: image.path.clone(),
                });
            }
        }
        crate::inspection::check(&report.findings)?;
        let splits = splits(report);
        Ok(Self {
            scores: report
                .scores
                .iter()
                .flat_map(|scores| scores.headline.iter().map(ScoreView::new))
                .collect(),
            names_are: Words::new(report.task.names_are),
            names: Folded::new(name_rows(&report.task, &splits)),
            spreads: Folded::new(spread_rows(&report.task, name_of_test(report))),
            parameters: report.head.as_ref().map(Parameters::new),
            evidence: report
                .evidence
                .as_ref()
                .map(EvidenceView::new)
                .transpose()?,
            reliability: report
                .certainty
                .as_ref()
                .map(reliability)
                .unwrap_or_default(),
            set_aside: report.data.as_ref().map(set_aside).unwrap_or_default(),
            learning_curve: report
                .training
                .as_ref()
                .and_then(|training| charts::learning_curve(training, "learning-curve")),
            rate_range: report
                .training
                .as_ref()
                .and_then(|training| training.rate_range.as_ref())
                .and_then(|range| charts::rate_range(range, "rate-range")),
            splits,
        })
    }
}

/// A reliability diagram with its chart.
#[derive(Debug, Serialize)]
struct ReliabilityView<'a> {
    name: &'a str,
    error: String,
    svg: String,
}

fn reliability(certainty: &Certainty) -> Vec<ReliabilityView<'_>> {
    let diagrams = certainty.diagrams.iter().enumerate();
    diagrams
        .filter_map(|(at, diagram)| {
            Some(ReliabilityView {
                name: &diagram.name,
                error: format::share(diagram.error),
                svg: charts::reliability(diagram, &format!("reliability-{at}"))?,
            })
        })
        .collect()
}

/// A table that may be too long to show at once.
#[derive(Debug, Serialize)]
struct Folded<T> {
    /// The rows to show.
    shown: Vec<T>,
    /// The rows to fold away below them.
    folded: Vec<T>,
    /// All rows.
    total: usize,
}

impl<T> Folded<T> {
    fn new(mut rows: Vec<T>) -> Self {
        let total = rows.len();
        let folded = if total > LONG_TABLE {
            rows.split_off(SHORT_TABLE)
        } else {
            Vec::new()
        };
        Self {
            shown: rows,
            folded,
            total,
        }
    }
}

/// `part` of `whole` in percent, with one decimal, for the width of a bar.
fn width(part: usize, whole: usize) -> f64 {
    share_width(part as f64 / whole.max(1) as f64)
}

fn share_width(share: f64) -> f64 {
    (share.clamp(0.0, 1.0) * 1_000.0).round() / 10.0
}

/// Parameters that were kept and parameters that were trained.
#[derive(Debug, Serialize)]
struct Parameters {
    frozen: usize,
    trained: usize,
}

impl Parameters {
    fn new(head: &Head) -> Self {
        let total = |frozen: bool| {
            head.layers
                .iter()
                .filter(|layer| (layer.role == LayerRole::Frozen) == frozen)
                .fold(0usize, |sum, layer| sum.saturating_add(layer.parameters))
        };
        Self {
            frozen: total(true),
            trained: total(false),
        }
    }
}

/// The files set aside for one reason.
#[derive(Debug, Serialize)]
struct SetAsideGroup<'a> {
    reason: &'a str,
    count: usize,
    files: Vec<AsideFile<'a>>,
}

#[derive(Debug, Serialize)]
struct AsideFile<'a> {
    path: &'a str,
    detail: Option<&'a str>,
}

/// The listed files by reason, the commonest first; at most [`MOST_SET_ASIDE`] paths in all.
fn set_aside(data: &Data) -> Vec<SetAsideGroup<'_>> {
    let mut groups: Vec<SetAsideGroup<'_>> = Vec::new();
    for (at, file) in data.set_aside.iter().enumerate() {
        let group = match groups.iter().position(|group| group.reason == file.reason) {
            Some(known) => known,
            None => {
                groups.push(SetAsideGroup {
                    reason: &file.reason,
                    count: 0,
                    files: Vec::new(),
                });
                groups.len() - 1
            }
        };
        if let Some(group) = groups.get_mut(group) {
            group.count += 1;
            if at < MOST_SET_ASIDE {
                group.files.push(AsideFile {
                    path: &file.path,
                    detail: file.detail.as_deref(),
                });
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SetAsideFile;

    #[test]
    fn files_set_aside_are_counted_by_reason() {
        let file = |i: usize, reason: &str| SetAsideFile {
            path: format!("{i}.jpg"),
            reason: reason.into(),
            detail: None,
        };
        let data = Data {
            set_aside: (0..5)
                .map(|i| file(i, "not an image"))
                .chain((5..300).map(|i| file(i, "cut off")))
                .collect(),
            ..Data::default()
        };
        let groups = set_aside(&data);
        assert_eq!((groups[0].reason, groups[0].count), ("cut off", 295));
        assert_eq!((groups[1].reason, groups[1].count), ("not an image", 5));
        let named: usize = groups.iter().map(|group| group.files.len()).sum();
        assert_eq!(named, MOST_SET_ASIDE);
    }

    #[test]
    fn a_long_table_is_folded_and_a_short_one_is_not() {
        let short = Folded::new(vec![(); LONG_TABLE]);
        assert_eq!((short.shown.len(), short.folded.len()), (LONG_TABLE, 0));
        let long = Folded::new(vec![(); LONG_TABLE + 1]);
        assert_eq!(
            (long.shown.len(), long.total),
            (SHORT_TABLE, LONG_TABLE + 1)
        );
        assert_eq!(long.folded.len(), LONG_TABLE + 1 - SHORT_TABLE);
    }
}
