//! The headline: each metric with what it is compared to, and what can be expected of it.

use finial_report as page;
use finial_report::format;
use finial_task::{Better, Detail, Interval, Metric, Scores, Targets, Task, TaskKind};

use super::guess::Guess;
use super::wording::{capitalised, sentence};

/// Fewer images than these say too little.
const FEW: usize = 20;
/// Of a normal distribution, 95 % lie within so many deviations of its mean.
const DEVIATIONS: f64 = 1.96;

/// What was measured, and on what.
pub(super) struct Measured<'a> {
    pub task: &'a Task,
    pub scores: &'a Scores,
    /// The scores on the images that chose the epoch.
    pub validation: Option<&'a Scores>,
    /// Labels that a guess may know.
    pub known: &'a Targets,
    /// What their images are called.
    pub known_as: &'a str,
    /// The labels that were asked for.
    pub asked: &'a Targets,
}

/// The headline metrics, and the reasons to doubt the first.
pub(super) fn of(measured: &Measured) -> page::Scores {
    let guess = Guess::new(
        measured.task,
        measured.known,
        measured.known_as,
        measured.asked,
    );
    let defined = measured.scores.metrics.iter().enumerate();
    let headline: Vec<page::Score> = defined
        .filter_map(|(at, &(metric, value))| {
            let value = value?;
            let first = at == 0;
            Some(page::Score {
                name: metric.key().to_owned(),
                label: capitalised(metric.label()),
                value,
                measure: measure(metric),
                validation: measured.validation.and_then(|v| v.get(metric)),
                comparison: first.then(|| comparison(measured, metric)).flatten(),
                interval: interval(measured.scores, metric, first),
                baseline: guess.baseline(metric),
                explanation: sentence(metric.explanation()),
                better: match metric.better() {
                    Better::Higher => page::Better::Higher,
                    Better::Lower => page::Better::Lower,
                },
            })
        })
        .collect();
    page::Scores {
        doubts: doubts(measured, headline.first()),
        headline,
        ..page::Scores::default()
    }
}

/// Reasons not to rely on the first score.
fn doubts(measured: &Measured, first: Option<&page::Score>) -> Vec<String> {
    let images = measured.scores.images;
    let mut doubts = Vec::new();
    if images < FEW {
        doubts.push(format!(
            "Only {}: one more right or wrong moves the scores a lot. Take them for a rough guess.",
            format::images(images)
        ));
    }
    let Some((score, baseline)) = first.zip(first.and_then(|score| score.baseline.as_ref())) else {
        return doubts;
    };
    let above = |value: f64| match score.better {
        page::Better::Higher => value > baseline.value,
        page::Better::Lower => value < baseline.value,
    };
    let for_sure = score.interval.as_ref().is_none_or(|interval| {
        above(match score.better {
            page::Better::Higher => interval.low,
            page::Better::Lower => interval.high,
        })
    });
    if !above(score.value) {
        doubts.push(format!(
            "No better than not looking at the images: the model has learned nothing that helps \
             here.{}",
            one_sided(measured, baseline)
        ));
    } else if !for_sure {
        doubts.push(format!(
            "Hardly better than not looking at the images: with {} the difference may be \
             chance.{}",
            format::images(images),
            one_sided(measured, baseline)
        ));
    }
    doubts
}

/// Where one class is most of the images, accuracy cannot rise far above the guess.
fn one_sided(measured: &Measured, baseline: &page::Baseline) -> String {
    match (measured.task.kind(), measured.scores.get(Metric::RocAuc)) {
        (TaskKind::Binary, Some(area)) if baseline.value >= 0.8 && area >= 0.7 => format!(
            " But one class is so frequent that accuracy says little; see ROC AUC, {}.",
            format::share(area)
        ),
        _ => String::new(),
    }
}

/// How a metric is written.
fn measure(metric: Metric) -> page::Measure {
    match metric {
        Metric::Mae | Metric::Rmse | Metric::LogLoss => page::Measure::Quantity { unit: None },
        _ => page::Measure::Share,
    }
}

/// A value of a metric as the page writes it.
pub(super) fn written(metric: Metric, value: f64) -> String {
    match measure(metric) {
        page::Measure::Share => format::share(value),
        page::Measure::Quantity { .. } => format::quantity(value),
    }
}

/// Where the metric lies on other images of the same kind, in words.
fn interval(scores: &Scores, metric: Metric, first: bool) -> Option<page::Interval> {
    let value = scores.get(metric)?;
    let images = scores.images;
    let Interval { low, high } = scores.interval(metric)?;
    let bounds = match measure(metric) {
        page::Measure::Quantity { .. } => [low, high].map(format::quantity),
        // Two decimals, unless they would be the same ones.
        page::Measure::Share if high - low >= 0.02 => [low, high].map(|v| format!("{v:.2}")),
        page::Measure::Share => [low, high].map(format::share),
    };
    let [from, to] = bounds;
    let expected = format!("on other images of this kind expect between {from} and {to}");
    let sentence = match (metric, first) {
        (Metric::Accuracy, true) => {
            let right = (value * images as f64).round() as usize;
            format!(
                "{} of {} right; {expected} (95\u{a0}% interval).",
                format::count(right),
                format::count(images)
            )
        }
        (_, true) => format!("{} (95\u{a0}% interval).", capitalised(&expected)),
        _ => format!("On other images expect between {from} and {to}."),
    };
    Some(page::Interval {
        low,
        high,
        sentence,
    })
}

/// MAE is the mean of the distances and RMSE² the mean of their squares, which gives their
/// variance. `None` for several targets: their mean is no mean over images.
fn standard_error_of_mae(scores: &Scores) -> Option<f64> {
    let Detail::Regression { targets } = &scores.detail else {
        return None;
    };
    match (targets.as_slice(), scores.images) {
        ([target], images @ 2..) => {
            let variance = (target.rmse.powi(2) - target.mae.powi(2)).max(0.0);
            Some((variance / (images - 1) as f64).sqrt())
        }
        _ => None,
    }
}

/// The score beside the one on the validation images, and what the difference means.
fn comparison(measured: &Measured, metric: Metric) -> Option<String> {
    let (test, validation) = (measured.scores, measured.validation?);
    let (here, there) = (test.get(metric)?, validation.get(metric)?);
    let difference = (here - there).abs();
    let stands = format!(
        "On the {}, which chose the best epoch, it is {}",
        format::images(validation.images).replace("image", "validation image"),
        written(metric, there)
    );
    if written(metric, here) == written(metric, there) {
        return Some(format!("{stands}, too."));
    }
    let worse_here = match metric.better() {
        Better::Higher => here < there,
        Better::Lower => here > there,
    };
    let Some(error) = error_of_difference(metric, test, validation) else {
        let than = if worse_here { "better" } else { "worse" };
        let difference = written(metric, difference);
        return Some(format!("{stands}, {difference} {than}."));
    };
    Some(match (difference <= DEVIATIONS * error, worse_here) {
        (true, _) => format!("{stands}: with so few images, chance can make that difference."),
        (false, true) => format!(
            "{stands}, better by more than chance explains: that epoch was a lucky choice, or \
             the test images are of another kind."
        ),
        (false, false) => format!(
            "{stands}, worse by more than chance explains: the test images are easier, or of \
             another kind."
        ),
    })
}

/// The standard error of a metric's difference between two splits.
fn error_of_difference(metric: Metric, left: &Scores, right: &Scores) -> Option<f64> {
    match metric {
        Metric::Accuracy => {
            let (n, m) = (left.images as f64, right.images as f64);
            let pooled = (left.get(metric)? * n + right.get(metric)? * m) / (n + m);
            Some((pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt())
        }
        Metric::Mae => Some(standard_error_of_mae(left)?.hypot(standard_error_of_mae(right)?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finial_task::Thresholds;

    /// `right` of `images` images right; half of them are yes.
    fn binary(right: usize, images: usize) -> (Task, Targets, Scores) {
        let task = Task::binary("no", "yes").unwrap();
        let truth: Vec<f32> = (0..images).map(|i| (i % 2) as f32).collect();
        let outputs: Vec<f32> = truth
            .iter()
            .enumerate()
            .map(|(i, yes)| {
                if (*yes > 0.5) == (i < right) {
                    0.9
                } else {
                    0.1
                }
            })
            .collect();
        let targets = Targets::new(1, truth);
        let mut scores = task.score(&outputs, &targets).unwrap();
        let half = Thresholds::half(&task);
        scores.intervals = task.intervals(&outputs, &half, &targets, 0).unwrap();
        (task, targets, scores)
    }

    fn page(right: usize, images: usize, validation: Option<&Scores>) -> page::Scores {
        let (task, targets, scores) = binary(right, images);
        of(&Measured {
            task: &task,
            scores: &scores,
            validation,
            known: &targets,
            known_as: "the training images",
            asked: &targets,
        })
    }

    #[test]
    fn an_accuracy_says_what_to_expect_elsewhere() {
        let scores = page(45, 52, None);
        let interval = scores.headline[0].interval.clone().unwrap();
        assert_eq!(
            interval.sentence,
            "45 of 52 right; on other images of this kind expect between 0.75 and 0.93 \
             (95\u{a0}% interval)."
        );
        assert_eq!(scores.doubts, Vec::<String>::new());
    }

    #[test]
    fn few_images_and_a_score_no_better_than_a_guess_are_doubted() {
        let doubt = |right, images| page(right, images, None).doubts.join(" ");
        assert!(doubt(15, 19).starts_with("Only 19 images"));
        assert!(doubt(25, 50).starts_with("No better than"));
        assert!(doubt(28, 50).starts_with("Hardly better than"));
        assert_eq!(doubt(48, 50), "");
    }

    #[test]
    fn a_difference_from_validation_is_called_chance_only_if_chance_makes_it() {
        let told = |right, of_validation| {
            let (.., validation) = binary(of_validation, 50);
            let scores = page(right, 50, Some(&validation));
            scores.headline[0].comparison.clone().unwrap()
        };
        assert!(told(45, 47).ends_with("chance can make that difference."));
        assert!(told(30, 48).contains("lucky choice"));
        assert!(told(48, 30).contains("easier"));
        assert!(told(45, 45).ends_with("0.900, too."));
    }
}
