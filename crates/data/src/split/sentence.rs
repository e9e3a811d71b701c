//! What was done, in words for the report.

use super::{Plan, SplitRequest, Strata, class_counts};
use crate::Split;

pub(super) fn sentence(request: &SplitRequest, plan: Plan) -> String {
    let given = request.given_by.as_deref().unwrap_or("the given splits");
    let by = match request.strata {
        Strata::Classes(_) => "class",
        Strata::LabelSets(_) => "label",
        Strata::Values(_) => "value",
    };
    let how = format!("stratified by {by}, seed {}", request.seed);
    let fractions = &request.fractions;
    let percent = |fraction: f64| {
        let percent = (fraction * 1000.0).round() / 10.0;
        percent.to_string()
    };
    match plan {
        Plan::Keep => format!("{given} are used"),
        Plan::Carve(split) => {
            let fraction = match split {
                Split::Test => fractions.test,
                _ => fractions.validation,
            };
            let percent = percent(fraction);
            format!(
                "{given} are used; no {split} split was given, so {percent} % of train became \
                 {split} ({how})"
            )
        }
        Plan::Divide { train_given } => {
            let parts = [fractions.train, fractions.validation, fractions.test];
            let parts = parts.map(percent).join("/");
            match train_given {
                false => format!("no split was given: {parts}, {how}"),
                true => format!("only a train split was given, so it was divided: {parts}, {how}"),
            }
        }
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
