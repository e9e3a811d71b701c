//! What stands behind the scores, for each kind of task.

use finial_report as page;
use finial_task::metrics::multi_label::LabelScores;
use finial_task::{Detail, Metric, Scores, Targets, Task, Thresholds};

/// More points than these do not change how a curve looks.
const POINTS: usize = 500;

/// The evidence of a task's scores.
pub(super) fn of(
    task: &Task,
    scores: &Scores,
    outputs: &[f32],
    thresholds: &Thresholds,
    targets: &Targets,
) -> page::Evidence {
    match &scores.detail {
        Detail::MultiClass { classes, confusion } => {
            let row = |(name, class): (&String, &_)| class_row(name, class);
            page::Evidence::MultiClass(page::MultiClassEvidence {
                confusion: page::Confusion {
                    // Of very many classes no matrix is kept, and none is shown.
                    names: match confusion.is_empty() {
                        true => Vec::new(),
                        false => task.names().to_vec(),
                    },
                    counts: counts(confusion),
                },
                per_class: task.names().iter().zip(classes).map(row).collect(),
            })
        }
        Detail::Binary {
            confusion,
            roc,
            precision_recall,
        } => {
            let cell = |truth: usize, answer: usize| {
                let row = confusion.get(truth);
                row.and_then(|row| row.get(answer))
                    .map_or(0, |&n| n as usize)
            };
            let name = |i: usize| task.names().get(i).cloned().unwrap_or_default();
            page::Evidence::Binary(page::BinaryEvidence {
                positive: name(1),
                negative: name(0),
                threshold: f64::from(thresholds.of(0)),
                counts: page::BinaryCounts {
                    true_positive: cell(1, 1),
                    false_negative: cell(1, 0),
                    false_positive: cell(0, 1),
                    true_negative: cell(0, 0),
                },
                roc: thinned(roc)
                    .map(|p| page::RocPoint {
                        false_positive_rate: p.false_positive_rate,
                        true_positive_rate: p.true_positive_rate,
                    })
                    .collect(),
                pr: thinned(precision_recall)
                    .map(|p| page::PrPoint {
                        recall: p.recall,
                        precision: p.precision,
                    })
                    .collect(),
            })
        }
        Detail::MultiLabel { labels } => {
            let right = scores.get(Metric::SubsetAccuracy).unwrap_or_default();
            page::Evidence::MultiLabel(page::MultiLabelEvidence {
                images: scores.images,
                entirely_right: (right * scores.images as f64).round() as usize,
                per_label: task.names().iter().zip(labels).map(label_row).collect(),
            })
        }
        Detail::Regression { targets: scores } => {
            let points = |target: usize| {
                let pairs = targets.iter().zip(outputs.chunks_exact(task.units()));
                pairs.map(move |(truth, predicted)| page::PredictedPoint {
                    truth: f64::from(truth[target]),
                    predicted: f64::from(predicted[target]),
                })
            };
            let named = task.names().iter().zip(scores).enumerate();
            let targets = named.map(|(i, (name, score))| page::TargetEvidence {
                name: name.clone(),
                unit: None,
                mae: score.mae,
                rmse: score.rmse,
                r2: score.r2,
                points: points(i).collect(),
            });
            page::Evidence::Regression(page::RegressionEvidence {
                targets: targets.collect(),
            })
        }
    }
}

fn class_row(name: &str, class: &finial_task::metrics::multi_class::ClassScores) -> page::ClassRow {
    page::ClassRow {
        name: name.to_owned(),
        precision: Some(class.precision),
        recall: (class.support > 0).then_some(class.recall),
        f1: (class.support > 0).then_some(class.f1),
        support: class.support as usize,
    }
}

fn label_row((name, label): (&String, &LabelScores)) -> page::LabelRow {
    page::LabelRow {
        name: name.clone(),
        precision: Some(label.precision),
        recall: (label.support > 0).then_some(label.recall),
        f1: (label.support > 0).then_some(label.f1),
        average_precision: label.average_precision,
        support: label.support as usize,
    }
}

fn counts(confusion: &[Vec<u64>]) -> Vec<Vec<usize>> {
    let row = |row: &Vec<u64>| row.iter().map(|&n| n as usize).collect();
    confusion.iter().map(row).collect()
}

/// At most [`POINTS`] of the points, evenly picked, with the first and the last.
fn thinned<T>(points: &[T]) -> impl Iterator<Item = &T> {
    let kept = points.len().min(POINTS);
    let last = points.len().saturating_sub(1);
    (0..kept).filter_map(move |i| points.get(i * last / kept.saturating_sub(1).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let points: Vec<usize> = (0..100_000).collect();
        let kept: Vec<usize> = thinned(&points).copied().collect();
        assert_eq!(kept.len(), POINTS);
        assert_eq!((kept[0], kept[POINTS - 1]), (0, 99_999));
        let short = [1, 2, 3];
        assert_eq!(thinned(&short).copied().collect::<Vec<_>>(), short);
        assert_eq!(thinned(&[7]).count(), 1);
        assert_eq!(thinned::<u8>(&[]).count(), 0);
    }

    #[test]
    fn more_classes_than_a_matrix_is_kept_for_still_make_a_page() {
        let classes = Detail::CONFUSION_LIMIT + 1;
        let task = Task::multi_class((0..classes).map(|i| i.to_string())).unwrap();
        let targets = Targets::new(1, vec![0.0, 1.0]);
        let mut outputs = vec![0.0; 2 * classes];
        outputs[0] = 1.0;
        outputs[classes + 2] = 1.0;
        let scores = task.score(&outputs, &targets).unwrap();
        let report = page::Report {
            evidence: Some(of(
                &task,
                &scores,
                &outputs,
                &Thresholds::half(&task),
                &targets,
            )),
            ..page::Report::default()
        };
        assert!(page::render(&report).is_ok());
    }

    #[test]
    fn images_with_exactly_their_labels_are_counted() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        let targets = Targets::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        let outputs = [0.9, 0.1, 0.9, 0.9, 0.8, 0.7];
        let scores = task.score(&outputs, &targets).unwrap();
        let page::Evidence::MultiLabel(evidence) =
            of(&task, &scores, &outputs, &Thresholds::half(&task), &targets)
        else {
            panic!("a multi-label task has multi-label evidence");
        };
        assert_eq!((evidence.images, evidence.entirely_right), (3, 2));
    }
}
