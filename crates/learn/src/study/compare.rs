//! The scores of a pairing beside those of the right one, and what they mean in a sentence.

use finial_report::format;
use finial_task::metrics::MetricError;
use finial_task::{Better, Interval, Metric, Resamples, Targets, Task, TaskKind, Thresholds};

use super::pairing::{End, Pairing};
use super::run::Outcome;
use super::{Row, RowScore};

/// Each number of a row is looked at about so often by all metrics together.
const LOOKS: usize = 10;
/// A calibration error that is worse by less is not told.
const TOLD: f64 = 0.02;

/// A row for each pairing; `outcomes` holds `seeds` for each, in order.
pub(super) fn rows(
    task: &Task,
    pairings: &[Pairing],
    outcomes: &[Outcome],
    seeds: usize,
    targets: &Targets,
) -> Result<Vec<Row>, MetricError> {
    let resamples = Resamples::new(targets.rows(), task.units() * seeds * LOOKS, 0);
    let mut measured = Vec::new();
    for (pairing, outcomes) in pairings.iter().zip(outcomes.chunks(seeds)) {
        measured.push(Measured::of(task, pairing, outcomes, targets, &resamples)?);
    }
    let Some(right) = measured.first() else {
        return Ok(Vec::new());
    };
    let row = |(pairing, found): (&Pairing, &Measured)| Row {
        name: pairing.name,
        scores: found.scores.iter().map(|score| score.shown).collect(),
        log_loss: found.log_loss,
        calibration_error: found.calibration_error,
        died: found.died,
        sentence: sentence(pairing, found, right, seeds, &resamples),
    };
    Ok(pairings.iter().zip(&measured).map(row).collect())
}

/// The metrics of a row: the headline, and one that sees something else.
fn metrics(task: &Task) -> Vec<Metric> {
    let first = task.metrics().first().copied();
    let second = match task.kind() {
        TaskKind::MultiClass => Some(Metric::MacroF1),
        TaskKind::Binary => Some(Metric::RocAuc),
        TaskKind::MultiLabel => Some(Metric::MicroF1),
        TaskKind::Regression if task.units() == 1 => Some(Metric::RSquared),
        TaskKind::Regression => None,
    };
    first.into_iter().chain(second).collect()
}

struct Measured {
    scores: Vec<Score>,
    log_loss: Option<f64>,
    calibration_error: Option<f64>,
    died: usize,
}

struct Score {
    shown: RowScore,
    /// The mean over seeds in each resample; NaN where it is undefined.
    resampled: Vec<f64>,
}

impl Measured {
    fn of(
        task: &Task,
        pairing: &Pairing,
        outcomes: &[Outcome],
        targets: &Targets,
        resamples: &Resamples,
    ) -> Result<Self, MetricError> {
        let runs: Vec<Run> = outcomes
            .iter()
            .filter_map(|outcome| Some(Run::new(task, pairing, outcome.answers.as_ref()?)))
            .collect();
        let wanted = metrics(task);
        let values = means(task, &runs, &wanted, targets, None)?;
        let mut resampled = vec![Vec::new(); wanted.len()];
        if !runs.is_empty() {
            for picked in resamples.iter() {
                let drawn = means(
                    task,
                    &runs,
                    &wanted,
                    &targets.select(&picked),
                    Some(&picked),
                )?;
                for (values, value) in resampled.iter_mut().zip(drawn) {
                    values.push(value.unwrap_or(f64::NAN));
                }
            }
        }
        let score = |((metric, value), resampled): ((Metric, Option<f64>), Vec<f64>)| Score {
            shown: RowScore {
                metric,
                value,
                interval: value.and_then(|value| resamples.interval(value, resampled.clone())),
            },
            resampled,
        };
        let scores = wanted.into_iter().zip(values).zip(resampled).map(score);
        let (mut log_losses, mut errors) = (Vec::new(), Vec::new());
        for run in &runs {
            if let Some(probabilities) = &run.probabilities {
                log_losses.extend(log_loss(task, probabilities, targets)?);
                let found = task.reliability(probabilities, targets)?;
                errors.extend(found.map(|found| found.error));
            }
        }
        Ok(Measured {
            scores: scores.collect(),
            log_loss: mean(&log_losses),
            calibration_error: mean(&errors),
            died: outcomes.iter().filter(|outcome| outcome.died).count(),
        })
    }
}

/// The answers of a run in the two ways that they are judged.
struct Run {
    /// In an order that is the answers' own: what the metrics of decisions and orders see.
    ordered: Vec<f32>,
    /// Taken for probabilities, as a user would take them; none for numbers.
    probabilities: Option<Vec<f32>>,
}

impl Run {
    fn new(task: &Task, pairing: &Pairing, answers: &[f32]) -> Self {
        let clipped = || {
            answers
                .iter()
                .map(|p| p.clamp(0.0, 1.0))
                .collect::<Vec<f32>>()
        };
        match task.kind() {
            TaskKind::Regression => Run {
                ordered: answers.to_vec(),
                probabilities: None,
            },
            TaskKind::MultiClass => Run {
                // The largest number wins, whatever its size.
                ordered: answers.chunks(task.units()).flat_map(ranked).collect(),
                probabilities: Some(clipped().chunks(task.units()).flat_map(shares).collect()),
            },
            TaskKind::Binary | TaskKind::MultiLabel => Run {
                ordered: match pairing.answered {
                    // Cut at 0.5 as it stands, and in order beyond 0 and 1, too.
                    End::Linear | End::Relu => answers
                        .iter()
                        .map(|x| 1.0 / (1.0 + (0.5 - x).exp()))
                        .collect(),
                    _ => clipped(),
                },
                probabilities: Some(clipped()),
            },
        }
    }
}

/// Probabilities in the order of the numbers, the largest of them first.
fn ranked(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let winner = row.iter().position(|&x| x == largest);
    (0..row.len())
        .map(|at| f32::from(u8::from(Some(at) == winner)))
        .collect()
}

/// Divided by their sum, all alike where that is 0.
fn shares(row: &[f32]) -> Vec<f32> {
    let sum: f32 = row.iter().sum();
    match sum > 0.0 {
        true => row.iter().map(|p| p / sum).collect(),
        false => vec![1.0 / row.len() as f32; row.len()],
    }
}

/// The mean of each metric over the runs, on some rows or on all.
fn means(
    task: &Task,
    runs: &[Run],
    wanted: &[Metric],
    targets: &Targets,
    picked: Option<&[usize]>,
) -> Result<Vec<Option<f64>>, MetricError> {
    let units = task.units();
    let half = Thresholds::half(task);
    let mut found = vec![Vec::new(); wanted.len()];
    for run in runs {
        let drawn: Vec<f32>;
        let outputs = match picked {
            None => &run.ordered,
            Some(rows) => {
                drawn = rows
                    .iter()
                    .flat_map(|row| run.ordered.iter().skip(row * units).take(units))
                    .copied()
                    .collect();
                &drawn
            }
        };
        let measured = task.measure(outputs, &half, targets)?;
        for (values, metric) in found.iter_mut().zip(wanted) {
            let value = measured.iter().find(|(known, _)| known == metric);
            values.extend(value.and_then(|(_, value)| *value));
        }
    }
    let all = |values: &Vec<f64>| (values.len() == runs.len()).then(|| mean(values)).flatten();
    Ok(found.iter().map(all).collect())
}

fn log_loss(
    task: &Task,
    probabilities: &[f32],
    targets: &Targets,
) -> Result<Option<f64>, MetricError> {
    let half = Thresholds::half(task);
    if task.kind() != TaskKind::MultiLabel {
        let measured = task.measure(probabilities, &half, targets)?;
        let found = measured
            .into_iter()
            .find(|(metric, _)| *metric == Metric::LogLoss);
        return Ok(found.and_then(|(_, value)| value));
    }
    // Each label is a question of its own.
    let truth: Vec<u8> = targets
        .values()
        .iter()
        .map(|&y| u8::from(y > 0.5))
        .collect();
    finial_task::metrics::binary::log_loss(probabilities, &truth).map(Some)
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// What it does, and what came of it.
fn sentence(
    pairing: &Pairing,
    found: &Measured,
    right: &Measured,
    seeds: usize,
    resamples: &Resamples,
) -> String {
    if std::ptr::eq(found, right) {
        return match found.died {
            0 => "The right one.".to_owned(),
            died => format!("The right one; {died} of {seeds} runs died."),
        };
    }
    let mut told = Vec::new();
    if found.died > 0 {
        told.push(format!("{} of {seeds} runs died", found.died));
    }
    for (here, there) in found.scores.iter().zip(&right.scores) {
        if let Some(words) = difference(here, there, resamples) {
            told.push(words);
        }
    }
    if let Some((here, there)) = found.calibration_error.zip(right.calibration_error) {
        let (here_told, there_told) = (format::share(here), format::share(there));
        if here > there + TOLD {
            told.push(format!(
                "calibration error {here_told} instead of {there_told}"
            ));
        } else if here < there - TOLD {
            told.push(format!(
                "calibration error {here_told}, better than {there_told}"
            ));
        }
    }
    match told.is_empty() {
        true => format!("{}; no harm was seen here.", pairing.why),
        false => format!("{}: {}.", pairing.why, told.join(", ")),
    }
}

/// A score that differs by more than the choice of test images explains.
fn difference(here: &Score, there: &Score, resamples: &Resamples) -> Option<String> {
    let metric = here.shown.metric;
    let (value, other) = (here.shown.value?, there.shown.value?);
    let differences = here.resampled.iter().zip(&there.resampled);
    let differences = differences.map(|(a, b)| a - b).collect();
    let Interval { low, high } = resamples.interval(value - other, differences)?;
    let written = |value: f64| match metric {
        Metric::Mae | Metric::Rmse => format::quantity(value),
        _ => format::share(value),
    };
    let (value, other) = (written(value), written(other));
    let better = match metric.better() {
        Better::Higher => low > 0.0,
        Better::Lower => high < 0.0,
    };
    match (low > 0.0 || high < 0.0, better) {
        (false, _) => None,
        (true, true) => Some(format!("{} {value}, better than {other}", metric.label())),
        (true, false) => Some(format!("{} {value} instead of {other}", metric.label())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(answers: &[f32]) -> Outcome {
        Outcome {
            answers: Some(answers.to_vec()),
            died: false,
        }
    }

    #[test]
    fn a_row_says_what_is_worse_and_what_did_no_harm() {
        let task = Task::binary("no", "yes").unwrap();
        let truth: Vec<f32> = (0..80).map(|i| (i % 2) as f32).collect();
        let targets = Targets::new(1, truth.clone());
        let right: Vec<f32> = truth.iter().map(|y| 0.05 + 0.9 * y).collect();
        let constant = vec![1.0; 80];
        let dead = Outcome {
            answers: Some(constant),
            died: true,
        };
        let outcomes = [outcome(&right), dead, outcome(&right)];
        let pairings = &Pairing::of(TaskKind::Binary)[..3];
        let rows = rows(&task, pairings, &outcomes, 1, &targets).unwrap();
        assert_eq!(rows[0].sentence, "The right one.");
        let told = &rows[1].sentence;
        assert!(
            told.contains("1 of 1 runs died, accuracy 0.500 instead of 1"),
            "{told}"
        );
        assert!(
            told.contains("calibration error 0.500 instead of 0.05"),
            "{told}"
        );
        assert!(rows[2].sentence.ends_with("no harm was seen here."));
    }

    #[test]
    fn runs_that_gave_no_number_leave_no_score() {
        let task = Task::regression(["a"]).unwrap();
        let targets = Targets::new(1, (0..30).map(|i| i as f32).collect());
        let nothing = || Outcome {
            answers: None,
            died: true,
        };
        let good: Vec<f32> = (0..30).map(|i| i as f32 + 0.5).collect();
        let outcomes = [outcome(&good), nothing()];
        let pairings = &Pairing::of(TaskKind::Regression)[..2];
        let rows = rows(&task, pairings, &outcomes, 1, &targets).unwrap();
        assert_eq!(rows[1].scores[0].value, None);
        assert!(rows[1].sentence.ends_with("1 of 1 runs died."));
    }
}
