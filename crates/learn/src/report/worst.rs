//! The images answered most wrongly, sorted by a number that is shown with each.

use std::cmp::Ordering;

use finial_data::thumbnail;
use finial_engine::device;
use finial_report as page;
use finial_report::format;
use finial_task::{Prediction, Targets, Task, TaskKind, Thresholds};
use rayon::prelude::*;

use super::images::Images;
use crate::head::Scale;
use crate::{Explainer, Model};

/// Thumbnails on a page.
const WORST: usize = 12;
/// Their longer side, in pixels.
const THUMBNAIL: u32 = 160;
/// Labels missed, and labels too many, that are told of one image.
const LABELS: usize = 3;
/// Targets that are told of one image.
const TARGETS: usize = 2;

/// By what the images are sorted, a sentence.
pub(super) fn order(task: &Task) -> String {
    match (task.kind(), task.names()) {
        (TaskKind::MultiClass | TaskKind::Binary, _) => {
            "Sorted by the probability that the true class got, the smallest first."
        }
        (TaskKind::MultiLabel, _) => {
            "Sorted by how far the probabilities of missed and of false labels are off, added up."
        }
        (TaskKind::Regression, [_]) => "Sorted by the distance from the true number.",
        (TaskKind::Regression, _) => {
            "Sorted by the distance from the true numbers, each measured by how much its target \
             varies, added up; the targets furthest off are told."
        }
    }
    .to_owned()
}

/// The images answered most wrongly.
pub(super) fn of(
    task: &Task,
    images: &Images,
    rows: &[usize],
    outputs: &[f32],
    thresholds: &Thresholds,
    targets: &Targets,
    model: &Model,
) -> Vec<page::WorstImage> {
    let answers = Answers::new(task, outputs, thresholds, targets);
    let worst = answers.worst();
    // A network without places is shown without maps.
    let explainer = match worst.is_empty() {
        true => None,
        false => Explainer::new(model, device::DEFAULT).ok(),
    };
    let card = |i: usize| {
        let row = *rows.get(i)?;
        let sample = images.features.kept.get(row)?;
        let path = &images.source.samples.get(*sample)?.path;
        let bytes = std::fs::read(path).ok();
        let jpeg = bytes
            .as_ref()
            .and_then(|bytes| thumbnail(bytes, THUMBNAIL).ok());
        let heat = bytes
            .zip(explainer.as_ref())
            .and_then(|(bytes, explainer)| {
                let map = explainer
                    .explain_bytes(&bytes, path, &[])
                    .ok()?
                    .maps
                    .into_iter()
                    .next()?;
                let painted = map.heat.over(&bytes, &explainer.model().image(), THUMBNAIL);
                painted.ok()?.jpeg().ok()
            });
        let words = answers.in_words(i)?;
        Some(page::WorstImage {
            jpeg: jpeg.unwrap_or_default(),
            heat: heat.unwrap_or_default(),
            path: images.path(row),
            truth: words.truth,
            predicted: words.predicted,
            remark: words.remark,
        })
    };
    worst.into_par_iter().filter_map(card).collect()
}

/// What was answered and what is true.
struct Answers<'a> {
    task: &'a Task,
    outputs: &'a [f32],
    thresholds: &'a Thresholds,
    targets: &'a Targets,
    /// Of numbers, how much each target varies.
    deviation: Vec<f32>,
}

/// An answer as a card shows it.
#[derive(Debug, PartialEq)]
struct Words {
    truth: String,
    predicted: String,
    remark: String,
}

impl<'a> Answers<'a> {
    fn new(
        task: &'a Task,
        outputs: &'a [f32],
        thresholds: &'a Thresholds,
        targets: &'a Targets,
    ) -> Self {
        Answers {
            task,
            outputs,
            thresholds,
            targets,
            deviation: Scale::of(task, targets).deviation,
        }
    }

    fn get(&self, i: usize) -> Option<(&[f32], &[f32])> {
        let units = self.task.units();
        let output = self.outputs.get(i * units..(i + 1) * units)?;
        Some((output, self.targets.row(i)?))
    }

    /// The most wrong, worst first; right answers are not among them.
    fn worst(&self) -> Vec<usize> {
        let mut ranked: Vec<(f32, usize)> = (0..self.targets.rows())
            .filter_map(|i| Some((self.wrongness(i)?, i)))
            .filter(|(wrong, _)| *wrong > 0.0)
            .collect();
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        ranked.into_iter().take(WORST).map(|(_, i)| i).collect()
    }

    /// How wrong an answer is; 0 for a right one.
    fn wrongness(&self, i: usize) -> Option<f32> {
        let (output, truth) = self.get(i)?;
        Some(match self.task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                let probabilities = self.task.class_probabilities(output);
                let right = probabilities.get(*truth.first()? as usize)?;
                match self.task.decode_at(output, self.thresholds) {
                    Prediction::Class { class, .. }
                        if class == self.task.describe_target(truth) =>
                    {
                        0.0
                    }
                    _ => 1.0 - right,
                }
            }
            TaskKind::MultiLabel => {
                let decided = self.thresholds.decide(output);
                let answers = output.iter().zip(truth).zip(decided);
                let wrong = answers.filter(|((_, y), said)| (*said > 0.5) != (**y > 0.5));
                wrong.map(|((p, y), _)| (p - y).abs()).sum()
            }
            TaskKind::Regression => (0..truth.len())
                .map(|target| self.distance(i, target))
                .sum(),
        })
    }

    /// How far a number is off, measured by how much its target varies.
    fn distance(&self, i: usize, target: usize) -> f32 {
        let deviation = self.deviation.get(target).copied().unwrap_or(1.0);
        self.get(i)
            .and_then(|(output, truth)| Some((output.get(target)? - truth.get(target)?).abs()))
            .map_or(0.0, |distance| distance / deviation)
    }

    /// What is true, what was predicted, and how wrong that is.
    fn in_words(&self, i: usize) -> Option<Words> {
        let (output, truth) = self.get(i)?;
        Some(match self.task.kind() {
            TaskKind::MultiClass | TaskKind::Binary => {
                let probabilities = self.task.class_probabilities(output);
                let given = *probabilities.get(*truth.first()? as usize)?;
                let predicted = match self.task.decode_at(output, self.thresholds) {
                    Prediction::Class { class, .. } => class,
                    _ => String::new(),
                };
                Words {
                    truth: self.task.describe_target(truth),
                    predicted,
                    remark: format!("gave the truth {}", format::percent(f64::from(given))),
                }
            }
            TaskKind::MultiLabel => {
                let said = self.thresholds.decide(output);
                Words {
                    truth: self.task.describe_target(truth),
                    predicted: self.task.describe_target(&said),
                    remark: self.wrong_labels(output, truth),
                }
            }
            TaskKind::Regression => self.numbers(i, output, truth),
        })
    }

    /// The probabilities of missed and of false labels, the most wrong first.
    fn wrong_labels(&self, output: &[f32], truth: &[f32]) -> String {
        let decided = self.thresholds.decide(output);
        let told = |what: &str, held: bool| {
            let labels = self
                .task
                .names()
                .iter()
                .zip(output)
                .zip(truth)
                .zip(&decided);
            let mut wrong: Vec<(&str, f32)> = labels
                .filter(|((_, y), said)| (**y > 0.5) == held && (**said > 0.5) != held)
                .map(|(((name, p), _), _)| (name.as_str(), *p))
                .collect();
            wrong.sort_by(|a, b| match held {
                true => a.1.total_cmp(&b.1),
                false => b.1.total_cmp(&a.1),
            });
            let more = wrong.len().saturating_sub(LABELS);
            let mut words: Vec<String> = wrong
                .iter()
                .take(LABELS)
                .map(|(name, p)| format!("{name}\u{a0}{}", format::percent(f64::from(*p))))
                .collect();
            if more > 0 {
                words.push(format!("{more} more"));
            }
            (!words.is_empty()).then(|| format!("{what} {}", words.join(", ")))
        };
        let both = [told("missed:", true), told("false:", false)];
        both.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// One number by itself; of several, those furthest off with their names.
    fn numbers(&self, i: usize, output: &[f32], truth: &[f32]) -> Words {
        let mut targets: Vec<usize> = (0..truth.len()).collect();
        targets.sort_by(|a, b| self.distance(i, *b).total_cmp(&self.distance(i, *a)));
        let told = |value: &dyn Fn(f32, f32) -> String| -> String {
            let told = targets.iter().take(TARGETS).filter_map(|&target| {
                let value = value(*output.get(target)?, *truth.get(target)?);
                Some(match self.task.names() {
                    [_] => value,
                    names => format!("{} {value}", names.get(target)?),
                })
            });
            told.collect::<Vec<_>>().join(" · ")
        };
        Words {
            truth: told(&|_, truth| format::given(f64::from(truth))),
            predicted: told(&|predicted, _| format::quantity(f64::from(predicted))),
            remark: told(&|predicted, truth| {
                let apart = format::quantity(f64::from((predicted - truth).abs()));
                match predicted.total_cmp(&truth) {
                    Ordering::Greater => format!("{apart} too large"),
                    Ordering::Less => format!("{apart} too small"),
                    Ordering::Equal => "right".to_owned(),
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cards(task: &Task, outputs: &[f32], targets: &[f32]) -> Vec<Words> {
        let targets = Targets::new(task.target_columns(), targets.to_vec());
        let half = Thresholds::half(task);
        let answers = Answers::new(task, outputs, &half, &targets);
        let worst = answers.worst();
        worst
            .into_iter()
            .filter_map(|i| answers.in_words(i))
            .collect()
    }

    #[test]
    fn wrong_classes_are_sorted_by_the_number_they_show() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let outputs = [
            0.36, 0.34, 0.30, // right
            0.90, 0.09, 0.01, // the truth got 0.09
            0.50, 0.49, 0.01, // the truth got 0.01
        ];
        let cards = cards(&task, &outputs, &[0.0, 1.0, 2.0]);
        let remarks: Vec<&str> = cards.iter().map(|card| card.remark.as_str()).collect();
        assert_eq!(
            remarks,
            ["gave the truth 1\u{a0}%", "gave the truth 9\u{a0}%"]
        );
        assert_eq!(
            (cards[0].truth.as_str(), cards[0].predicted.as_str()),
            ("c", "a")
        );
    }

    #[test]
    fn a_tie_is_wrong_where_the_answer_is() {
        let task = Task::binary("no", "yes").unwrap();
        let cards = cards(&task, &[0.5, 0.5], &[0.0, 1.0]);
        assert_eq!(cards.len(), 1);
        assert_eq!(
            (cards[0].truth.as_str(), cards[0].predicted.as_str()),
            ("no", "yes")
        );
    }

    #[test]
    fn wrong_labels_are_told_with_their_probabilities() {
        let task = Task::multi_label(["a", "b", "c"]).unwrap();
        let cards = cards(&task, &[0.1, 0.8, 0.2], &[1.0, 0.0, 0.0]);
        assert_eq!(
            cards[0].remark,
            "missed: a\u{a0}10\u{a0}%; false: b\u{a0}80\u{a0}%"
        );
        assert_eq!(cards[0].predicted, "b");
    }

    #[test]
    fn a_predicted_number_is_not_told_to_the_last_digit() {
        let task = Task::regression(["n"]).unwrap();
        let cards = cards(&task, &[9.726_6, -1.25], &[8.0, -0.5]);
        let words = |truth: &str, predicted: &str, remark: &str| Words {
            truth: truth.into(),
            predicted: predicted.into(),
            remark: remark.into(),
        };
        assert_eq!(
            cards,
            [
                words("8", "9.73", "1.73 too large"),
                words("−0.5", "−1.25", "0.750 too small")
            ]
        );
    }

    #[test]
    fn several_numbers_are_measured_by_how_much_each_varies() {
        let task = Task::regression(["mm", "grams"]).unwrap();
        // Grams vary a thousand times as much, and are off by ten times as much.
        let targets = [1.0, 1_000.0, 2.0, 2_000.0, 3.0, 3_000.0];
        let outputs = [1.0, 1_010.0, 3.0, 2_000.0, 3.0, 3_000.0];
        let cards = cards(&task, &outputs, &targets);
        assert_eq!(cards[0].truth, "mm 2 · grams 2,000");
        assert_eq!(cards[1].remark, "grams 10.0 too large · mm right");
    }
}
