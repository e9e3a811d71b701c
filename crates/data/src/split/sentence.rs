//! What was done, in words for the report.

use super::deal::Plan;
use super::{SplitCounts, SplitRequest, Strata, class_counts};
use crate::Split;

pub(super) fn sentence(request: &SplitRequest, plan: Plan, assignment: &[Option<Split>]) -> String {
    let given = request.given_by.as_deref().unwrap_or("the given splits");
    let by = match request.strata {
        Strata::Classes(_) => "class",
        Strata::LabelSets(_) => "label",
        Strata::Values(_) => "value",
    };
    let how = format!("stratified by {by}, seed {}", request.seed);
    let fractions = &request.fractions;
    let counts = SplitCounts::of(assignment);
    let unwatched = unwatched(request, assignment);
    match plan {
        Plan::Keep => format!("{given} are used"),
        Plan::Carve(split) => {
            let (fraction, unwatched) = match split {
                Split::Test => (fractions.test, String::new()),
                _ => (fractions.validation, unwatched),
            };
            let (carved, of) = (counts.get(split), counts.get(split) + counts.train);
            let really = match is_near(carved, fraction, of) {
                true => String::new(),
                false => format!(", here {carved} of {of} images,"),
            };
            let percent = percent(fraction);
            format!(
                "{given} are used; no {split} split was given, so {percent} % of train{really} \
                 became {split} ({how}){unwatched}"
            )
        }
        Plan::Divide { train_given } => {
            let parts = [fractions.train, fractions.validation, fractions.test];
            let numbers = [counts.train, counts.validation, counts.test];
            let total = numbers.iter().sum();
            let are_near = numbers
                .iter()
                .zip(parts)
                .all(|(&n, part)| is_near(n, part, total));
            let parts = parts.map(percent).join("/");
            let numbers = numbers.map(|number| number.to_string()).join("/");
            let really = match are_near {
                true => String::new(),
                false => format!(" asked for, {numbers} images reached"),
            };
            let what = match train_given {
                false => "no split was given",
                true => "only a train split was given, so it was divided",
            };
            format!("{what}: {parts}{really}, {how}{unwatched}")
        }
    }
}

fn percent(fraction: f64) -> String {
    let percent = (fraction * 1000.0).round() / 10.0;
    percent.to_string()
}

/// Whether a number is a fraction of a total but for rounding, and for what small classes bend.
fn is_near(number: usize, fraction: f64, total: usize) -> bool {
    let total = total as f64;
    (number as f64 - total * fraction).abs() <= 1.0 + 0.01 * total
}

/// Classes that are learnt but not watched, as the end of a sentence.
fn unwatched(request: &SplitRequest, assignment: &[Option<Split>]) -> String {
    const SHOWN: usize = 3;
    if request.fractions.validation == 0.0 {
        return String::new();
    }
    let classes = request.class_names.len();
    let of = |split: Split| {
        let samples = (0..assignment.len()).filter(move |&index| assignment[index] == Some(split));
        class_counts(&request.strata, classes, samples)
    };
    let (train, validation) = (of(Split::Train), of(Split::Validation));
    let missing: Vec<String> = (0..classes)
        .filter(|&class| train[class] > 0 && validation[class] == 0)
        .map(|class| format!("`{}`", request.class_names[class]))
        .collect();
    let shown = missing.iter().take(SHOWN).cloned().collect::<Vec<_>>();
    let more = match missing.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match missing.is_empty() {
        true => String::new(),
        false => format!(
            "; too few images of {}{more} for validation",
            shown.join(", ")
        ),
    }
}

/// Classes that a score says nothing of, as no test image shows them.
pub(super) fn notes(request: &SplitRequest, assignment: &[Option<Split>]) -> Vec<String> {
    let test = (0..assignment.len()).filter(|&index| assignment[index] == Some(Split::Test));
    let counts = class_counts(&request.strata, request.class_names.len(), test);
    let untested: Vec<&str> = (request.class_names.iter().zip(counts))
        .filter(|(_, count)| *count == 0)
        .map(|(name, _)| name.as_str())
        .collect();
    let shown = untested
        .iter()
        .take(5)
        .copied()
        .collect::<Vec<_>>()
        .join("`, `");
    match untested.len() {
        0 => Vec::new(),
        1..=5 => vec![format!("no test image shows `{shown}`")],
        more => vec![format!(
            "no test image shows `{shown}` and {} more",
            more - 5
        )],
    }
}
