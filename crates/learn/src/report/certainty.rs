//! How sure the answers are, in words.

use finial_report as page;
use finial_report::format;
use finial_task::{Calibration, Coverage, Reliability, Task, TaskKind, ThresholdRule};

use crate::certainty::{Certainty, Observed};

/// The section on how sure the answers are; none if there is nothing to say.
pub(super) fn of(
    task: &Task,
    certainty: &Certainty,
    observed: &Observed,
) -> Option<page::Certainty> {
    let diagrams = [
        ("Before calibration", &observed.before),
        ("As it answers", &observed.reliability),
    ];
    let said = page::Certainty {
        calibration: calibration(task, certainty, observed),
        diagrams: diagrams
            .into_iter()
            .filter_map(|(name, found)| Some(diagram(name, found.as_ref()?)))
            .collect(),
        thresholds: thresholds(task, certainty),
        by_name: match task.kind() {
            TaskKind::MultiLabel if certainty.rule != ThresholdRule::Half => task
                .names()
                .iter()
                .zip(certainty.thresholds.values())
                .map(|(name, &value)| page::Threshold {
                    name: name.clone(),
                    value: value.into(),
                })
                .collect(),
            _ => Vec::new(),
        },
        coverage: observed
            .coverage
            .as_ref()
            .map(|found| coverage(task, found)),
    };
    (said != page::Certainty::default()).then_some(said)
}

fn diagram(name: &str, found: &Reliability) -> page::Reliability {
    page::Reliability {
        name: name.to_owned(),
        error: found.error,
        bins: found
            .bins
            .iter()
            .filter(|bin| bin.rows > 0)
            .map(|bin| page::ReliabilityBin {
                probability: bin.probability,
                frequency: bin.frequency,
                answers: bin.rows,
            })
            .collect(),
    }
}

/// What was done to the probabilities, and whether they hold.
fn calibration(task: &Task, certainty: &Certainty, observed: &Observed) -> Option<String> {
    let after = observed.reliability.as_ref()?;
    let done = match &certainty.calibration {
        None => "The probabilities are as the network gives them.".to_owned(),
        Some(Calibration::Temperature { temperature }) => format!(
            "On the validation images the network was {}, so its logits are divided by a \
             temperature of {}.",
            match *temperature {
                t if t > 1.05 => "too sure",
                t if t < 0.95 => "less sure than it may be",
                _ => "about as sure as it may be",
            },
            format::quantity(*temperature)
        ),
        Some(Calibration::Platt { .. }) if task.units() == 1 => {
            "The logit has a slope and an offset that were fitted on the validation images (Platt \
             scaling)."
                .to_owned()
        }
        Some(Calibration::Platt { .. }) => {
            "The logit of each label has a slope and an offset that were fitted on the validation \
             images (Platt scaling)."
                .to_owned()
        }
    };
    let told = match &observed.before {
        Some(before) => format!(
            "On the test images the expected calibration error was {} before and is {} now",
            format::share(before.error),
            format::share(after.error)
        ),
        None => format!(
            "On the images scored here the expected calibration error is {}",
            format::share(after.error)
        ),
    };
    let each = match task.kind() {
        TaskKind::MultiLabel if task.units() > 1 => ", the mean over labels",
        _ => "",
    };
    Some(format!("{done} {told}{each}."))
}

fn thresholds(task: &Task, certainty: &Certainty) -> Option<String> {
    let values = certainty.thresholds.values();
    let (first, several) = (values.first()?, values.len() > 1);
    let what = match task.names() {
        [_, positive] if !several => format!("“{positive}” is answered"),
        _ => "A label is given".to_owned(),
    };
    let chosen = match certainty.rule {
        ThresholdRule::Half => return Some(format!("{what} from a probability of 0.5 on.")),
        ThresholdRule::F1 => "with which F1 was best on the validation images".to_owned(),
        ThresholdRule::Costs { false_alarm, miss } => format!(
            "with which errors cost least, if a false alarm costs {false_alarm} and a miss {miss}"
        ),
        ThresholdRule::Precision { share } => format!(
            "with which {} of such answers were right on the validation images, as far as that \
             could be had",
            format::percent(share)
        ),
        ThresholdRule::Recall { share } => format!(
            "with which {} were found on the validation images",
            format::percent(share)
        ),
    };
    Some(match several {
        true => format!("{what} from a probability of its own on, the one {chosen}."),
        false => format!(
            "{what} from a probability of {} on, the one {chosen}.",
            format::share(f64::from(*first))
        ),
    })
}

/// What was promised and what was kept.
fn coverage(task: &Task, found: &Coverage) -> String {
    let asked = format::percent(found.asked);
    let size = found.size.first().copied().flatten();
    let seen = format!(
        "On {} that had no part in it, it held for {}",
        format::images(found.images),
        format::percent(found.seen)
    );
    match (task.kind(), size) {
        (TaskKind::Regression, None) => {
            format!("For {asked} there are too few validation images: no interval can be promised.")
        }
        (TaskKind::Regression, Some(width)) if task.units() == 1 => format!(
            "Each number comes with an interval that holds the truth for {asked} of images of this \
             kind. {seen}; the interval is {} wide.",
            format::quantity(width)
        ),
        (TaskKind::Regression, _) => format!(
            "Each number comes with an interval that holds the truth for {asked} of images of this \
             kind. {seen}, over all targets."
        ),
        (TaskKind::MultiLabel, size) => format!(
            "Each image comes with a set of labels that holds all of its true labels for {asked} of \
             images of this kind. {seen}; a set has {} labels on average.",
            format::quantity(size.unwrap_or_default())
        ),
        (_, size) => format!(
            "Each image comes with a set of classes, the most probable one always among them, that \
             holds the true one for at least {asked} of images of this kind. {seen}; a set has {} \
             classes on average.",
            format::quantity(size.unwrap_or_default())
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finial_task::Targets;

    #[test]
    fn what_was_promised_stands_beside_what_was_kept() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let targets = Targets::new(1, vec![0.0; 40]);
        let outputs = [0.6, 0.3, 0.1].repeat(40);
        let options = crate::CertaintyOptions {
            coverage: Some(0.9),
            ..crate::CertaintyOptions::default()
        };
        let certainty = Certainty::learn(&task, None, &outputs, &targets, &options).unwrap();
        let observed = Observed::of(&task, &certainty, &outputs, &targets, None).unwrap();
        let section = of(&task, &certainty, &observed).unwrap();
        let told = section.coverage.unwrap();
        assert!(told.contains("at least 90\u{a0}% of images"), "{told}");
        assert!(told.contains("held for 100\u{a0}%"), "{told}");
        assert_eq!(section.diagrams.len(), 1);
        assert_eq!(section.thresholds, None);
    }
}
