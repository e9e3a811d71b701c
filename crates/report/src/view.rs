//! What the page needs beyond the data: totals, widths of bars, sorted rows, charts.
//!
//! The template prints; it does not compute. Whatever it would have to compute is here, and
//! serialised for it. The evidence has a room of its own in [`evidence`], the confusion matrix in
//! [`confusion`].

mod confusion;
mod evidence;

use serde::Serialize;

use crate::charts;
use crate::error::ReportError;
use crate::format;
use crate::report::{
    Better, Data, Head, LayerRole, Measure, NamesAre, Report, Score, SplitCounts, Task,
};
use evidence::EvidenceView;

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
    parameters: Option<Parameters>,
    evidence: Option<EvidenceView<'a>>,
    set_aside: Vec<SetAsideGroup<'a>>,
    learning_curve: Option<String>,
}

impl<'a> View<'a> {
    /// Computes what the page of `report` needs.
    ///
    /// # Errors
    ///
    /// A confusion matrix that is not square, a thumbnail that is no JPEG file.
    pub fn new(report: &'a Report) -> Result<Self, ReportError> {
        for image in &report.worst {
            if !image.jpeg.is_empty() && !image.jpeg.starts_with(&[0xFF, 0xD8, 0xFF]) {
                return Err(ReportError::NotJpeg {
                    path: image.path.clone(),
                });
            }
        }
        let splits = splits(&report.task, report.data.as_ref());
        Ok(Self {
            scores: report
                .scores
                .iter()
                .flat_map(|scores| scores.headline.iter().map(ScoreView::new))
                .collect(),
            names_are: Words::new(report.task.names_are),
            names: Folded::new(name_rows(&report.task, &splits)),
            parameters: report.head.as_ref().map(Parameters::new),
            evidence: report
                .evidence
                .as_ref()
                .map(EvidenceView::new)
                .transpose()?,
            set_aside: report.data.as_ref().map(set_aside).unwrap_or_default(),
            learning_curve: report
                .training
                .as_ref()
                .and_then(|training| charts::learning_curve(training, "learning-curve")),
            splits,
        })
    }
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

/// A split that has any images.
#[derive(Debug, Serialize)]
struct Split {
    name: &'static str,
    /// For what its images were used.
    purpose: &'static str,
    images: usize,
    /// Share of all images, in percent of a bar's width.
    width: f64,
    share: f64,
    #[serde(skip)]
    of: fn(&SplitCounts) -> usize,
}

/// The splits with images, by the data or, where that is silent, by the names.
fn splits(task: &Task, data: Option<&Data>) -> Vec<Split> {
    type Count = fn(&SplitCounts) -> usize;
    const ALL: [(&str, &str, Count); 3] = [
        ("train", "the head learned from these", |counts| {
            counts.train
        }),
        ("validation", "these chose the best epoch", |counts| {
            counts.validation
        }),
        (
            "test",
            "kept away until the end; the scores are about these",
            |counts| counts.test,
        ),
    ];
    let total: usize = data.map_or(0, |data| ALL.iter().map(|(.., of)| of(&data.counts)).sum());
    ALL.into_iter()
        .map(|(name, purpose, of)| {
            let images = data.map_or(0, |data| of(&data.counts));
            Split {
                name,
                purpose,
                images,
                width: width(images, total),
                share: images as f64 / total.max(1) as f64,
                of,
            }
        })
        .filter(|split| {
            split.images > 0 || task.names.iter().any(|row| (split.of)(&row.counts) > 0)
        })
        .collect()
}

/// `part` of `whole` in percent, with one decimal, for the width of a bar.
fn width(part: usize, whole: usize) -> f64 {
    share_width(part as f64 / whole.max(1) as f64)
}

fn share_width(share: f64) -> f64 {
    (share.clamp(0.0, 1.0) * 1_000.0).round() / 10.0
}

/// What to call one name and several.
#[derive(Debug, Serialize)]
struct Words {
    one: &'static str,
    many: &'static str,
}

impl Words {
    fn new(names_are: NamesAre) -> Self {
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
struct NameRow<'a> {
    name: &'a str,
    counts: Vec<usize>,
    /// Images in all splits against the most frequent name, in percent.
    width: f64,
}

fn name_rows<'a>(task: &'a Task, splits: &[Split]) -> Vec<NameRow<'a>> {
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

/// A score with its numbers as text.
#[derive(Debug, Serialize)]
struct ScoreView<'a> {
    label: &'a str,
    value: String,
    validation: Option<String>,
    explanation: &'a str,
    better: &'static str,
    baseline: Option<BaselineView<'a>>,
    /// The value on a bar from 0 to 1, in percent, where such a bar makes sense.
    width: Option<f64>,
}

#[derive(Debug, Serialize)]
struct BaselineView<'a> {
    sentence: &'a str,
    width: Option<f64>,
}

impl<'a> ScoreView<'a> {
    fn new(score: &'a Score) -> Self {
        let write = |value: f64| match &score.measure {
            Measure::Share => format::share(value),
            Measure::Quantity { unit } => format::with_unit(value, unit.as_deref()),
        };
        let on_bar = |value: f64| {
            let has_bar = score.measure == Measure::Share && score.better == Better::Higher;
            (has_bar && (0.0..=1.0).contains(&value)).then(|| share_width(value))
        };
        Self {
            label: &score.label,
            value: write(score.value),
            validation: score.validation.map(write),
            explanation: &score.explanation,
            better: match score.better {
                Better::Higher => "higher is better",
                Better::Lower => "lower is better",
            },
            baseline: score.baseline.as_ref().map(|baseline| BaselineView {
                sentence: &baseline.sentence,
                width: on_bar(baseline.value),
            }),
            width: on_bar(score.value),
        }
    }
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
    paths: Vec<&'a str>,
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
                    paths: Vec::new(),
                });
                groups.len() - 1
            }
        };
        if let Some(group) = groups.get_mut(group) {
            group.count += 1;
            if at < MOST_SET_ASIDE {
                group.paths.push(&file.path);
            }
        }
    }
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Baseline, NamedCounts, SetAsideFile};

    #[test]
    fn a_split_without_images_is_not_shown() {
        let report = Report {
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
            ..Report::default()
        };
        let view = View::new(&report).expect("a view");
        let names: Vec<_> = view.splits.iter().map(|split| split.name).collect();
        assert_eq!(names, ["test"]);
    }

    #[test]
    fn only_a_share_that_should_rise_has_a_bar() {
        let mut score = Score {
            name: "accuracy".into(),
            label: "Accuracy".into(),
            value: 0.912,
            measure: Measure::Share,
            validation: Some(0.9),
            baseline: Some(Baseline {
                value: 0.31,
                sentence: String::new(),
            }),
            explanation: String::new(),
            better: Better::Higher,
        };
        let view = ScoreView::new(&score);
        assert_eq!(view.width, Some(91.2));
        assert_eq!(view.baseline.and_then(|b| b.width), Some(31.0));
        score.value = -0.2;
        assert_eq!(ScoreView::new(&score).width, None);
        score.measure = Measure::Quantity {
            unit: Some("mm".into()),
        };
        score.value = 0.5;
        let view = ScoreView::new(&score);
        assert_eq!((view.width, view.value.as_str()), (None, "0.500\u{a0}mm"));
    }

    #[test]
    fn files_set_aside_are_counted_by_reason() {
        let file = |i: usize, reason: &str| SetAsideFile {
            path: format!("{i}.jpg"),
            reason: reason.into(),
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
        let named: usize = groups.iter().map(|group| group.paths.len()).sum();
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
