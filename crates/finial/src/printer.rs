//! How results and errors look on a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use finial::learn::certainty::Observed;
use finial::report as page;
use finial::report::format;
use finial::task::{Metric, Reliability, Scores, Task, TaskKind};
use finial::{Split, Trained};
use miette::Diagnostic;

use crate::error::CliError;
use crate::progress::fitted;
use crate::text::printable;

/// Prints an error and its way out; gives the exit status.
pub fn report(error: &CliError) -> ExitCode {
    if error.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    // Standard error may be closed as well; there is nobody left to tell.
    let mut out = anstream::stderr().lock();
    let what = printable(&error.to_string());
    let what = fitted(&format!("\x1b[1;31merror\x1b[0m: {what}"));
    let _ = writeln!(out, "{what}");
    if let Some(help) = error.help() {
        let help = printable(&help.to_string());
        let help = fitted(&format!("\x1b[1;36m help\x1b[0m: {help}"));
        let _ = writeln!(out, "{help}");
    }
    ExitCode::from(error.exit_code())
}

/// The result of a training, for people.
pub fn trained(trained: &Trained, model: &Path) -> String {
    let task = trained.model.task();
    let mut text = format!(
        "{} model in {}\n  final layer  {}\n  trained for  {} {}, the best was {}\n",
        task.kind(),
        model.display(),
        task.describe_final_layer(),
        trained.fit.curve.len(),
        match trained.fit.curve.len() {
            1 => "epoch",
            _ => "epochs",
        },
        trained.fit.best_epoch,
    );
    if let Some(tuned) = &trained.tuned {
        text.push_str(&format!("  then         {}\n", tuned.in_words()));
    }
    text.push_str(&scores(
        &trained.test,
        trained.report.scores.as_ref(),
        &format!("on {} it never saw", format::images(trained.test.images)),
    ));
    text.push_str(&certainty(trained.model.task(), &trained.observed));
    for note in notes(trained) {
        text.push_str(&format!("  note         {note}\n"));
    }
    text.push_str(&format!(
        "  report       {}\n",
        model.join("report.html").display()
    ));
    text
}

/// What makes the scores of a training less than they seem, or less than they could be.
fn notes(trained: &Trained) -> Vec<String> {
    /// With fewer test images, one of them is worth more than 5 % of the score.
    const FEW: usize = 20;
    let mut notes = Vec::new();
    let epochs = trained.model.provenance().fit.epochs;
    if trained.fit.best_epoch == epochs {
        notes.push(format!(
            "still improving at the last epoch: try --epochs {}",
            epochs.saturating_mul(3)
        ));
    }
    if trained.test.images < FEW {
        notes.push(format!(
            "{} to test on is few: more would make the scores surer",
            format::images(trained.test.images)
        ));
    }
    notes
}

/// How well probabilities hold, and what sets or intervals kept of their promise.
pub fn certainty(task: &Task, observed: &Observed) -> String {
    let mut text = String::new();
    if let Some(now) = &observed.reliability {
        let before = match &observed.before {
            Some(before) => format!(" ({} before)", format::share(before.error)),
            None => String::new(),
        };
        let error = format::share(now.error);
        text.push_str(&format!(
            "  calibration  off by {error} on average{before}\n"
        ));
    }
    if let Some(found) = &observed.coverage {
        let (asked, seen) = (format::percent(found.asked), format::percent(found.seen));
        let size = found.size.first().copied().flatten().map(format::quantity);
        let size = match (task.kind(), size) {
            (TaskKind::Regression, _) if task.units() > 1 => String::new(),
            (TaskKind::Regression, Some(width)) => format!("; intervals {width} wide"),
            (TaskKind::Regression, None) => "; too few images for an interval".to_owned(),
            (TaskKind::MultiLabel, Some(size)) => format!("; {size} labels in a set"),
            (_, Some(size)) => format!("; {size} classes in a set"),
            (_, None) => String::new(),
        };
        text.push_str(&format!(
            "  coverage     asked {asked}, seen {seen}{size}\n"
        ));
    }
    text
}

/// The metrics, one a line, with their 95 % intervals, beside those of a blind guess where the
/// report has them.
pub fn scores(scores: &Scores, reported: Option<&page::Scores>, heading: &str) -> String {
    let intervals = match scores.intervals.is_empty() {
        true => "",
        false => ", with 95 % intervals",
    };
    let mut text = format!("  scores       {heading}{intervals}\n");
    for (metric, value) in &scores.metrics {
        let guess = match baseline(*metric, reported) {
            Some(value) => format!("  (guessing: {})", value_of(*metric, Some(value))),
            None => String::new(),
        };
        let interval = match scores.interval(*metric) {
            Some(found) => format!(
                "  {} to {}",
                value_of(*metric, Some(found.low)),
                value_of(*metric, Some(found.high))
            ),
            None => String::new(),
        };
        text.push_str(&format!(
            "    {:<18} {}{interval}{guess}\n",
            metric.label(),
            value_of(*metric, *value)
        ));
    }
    text
}

/// What a blind guess scores.
pub fn baseline(metric: Metric, reported: Option<&page::Scores>) -> Option<f64> {
    let mut headline = reported?.headline.iter();
    let score = headline.find(|score| score.name == metric.key())?;
    score.baseline.as_ref().map(|baseline| baseline.value)
}

/// What a blind guess scores, by metric.
pub fn baselines(scores: &Scores, reported: Option<&page::Scores>) -> serde_json::Value {
    let found = scores.metrics.iter().map(|(metric, _)| {
        let value = serde_json::json!(baseline(*metric, reported));
        (metric.key().to_owned(), value)
    });
    serde_json::Value::Object(found.collect())
}

/// The 95 % intervals by metric.
pub fn intervals(scores: &Scores) -> serde_json::Value {
    let found = scores.intervals.iter();
    let found = found.map(|(metric, interval)| {
        let ends = serde_json::json!([interval.low, interval.high]);
        (metric.key().to_owned(), ends)
    });
    serde_json::Value::Object(found.collect())
}

/// Calibration error and coverage, without the diagram.
pub fn certainty_json(observed: &Observed) -> serde_json::Value {
    let error = |found: &Option<Reliability>| found.as_ref().map(|found| found.error);
    serde_json::json!({
        "calibration_error_before": error(&observed.before),
        "calibration_error": error(&observed.reliability),
        "coverage": observed.coverage,
    })
}

/// A metric's value as people read it.
pub fn value_of(metric: Metric, value: Option<f64>) -> String {
    match (metric, value) {
        (_, None) => "not defined here".to_owned(),
        (Metric::Mae | Metric::Rmse | Metric::LogLoss, Some(value)) => format::quantity(value),
        (_, Some(value)) => format::share(value),
    }
}

/// The result of a training as a JSON document.
pub fn trained_json(trained: &Trained, model: &Path) -> serde_json::Value {
    let task = trained.model.task();
    let data = trained.report.data.as_ref();
    let counts = data.map(|data| data.counts).unwrap_or_default();
    serde_json::json!({
        "task": task.kind(),
        "reason": trained.inference.reason,
        "names": task.names(),
        "units": task.units(),
        "activation": task.activation(),
        "loss": task.loss(),
        "metrics": trained.test.by_key(),
        "intervals": intervals(&trained.test),
        "baseline": baselines(&trained.test, trained.report.scores.as_ref()),
        "certainty": certainty_json(&trained.observed),
        "validation": trained.validation.by_key(),
        "images": {
            Split::Train.to_string(): counts.train,
            Split::Validation.to_string(): counts.validation,
            Split::Test.to_string(): counts.test,
        },
        "set_aside": data.map(|data| &data.set_aside[..]).unwrap_or_default(),
        "set_aside_count": data.map_or(0, |data| data.set_aside_count),
        "epochs": trained.fit.curve.len(),
        "best_epoch": trained.fit.best_epoch,
        "fine_tuned": trained.tuned.as_ref().map(|tuned| serde_json::json!({
            "from": tuned.options.from.to_string(),
            "cut": tuned.cut,
            "weights": tuned.parameters,
            "epochs": tuned.fit.curve.len(),
            "best_epoch": tuned.fit.best_epoch,
            "validation_loss_before": tuned.before,
            "validation_loss": tuned.fit.best_loss,
            "curve": tuned.fit.curve,
            "kept": tuned.is_better(),
        })),
        "notes": notes(trained),
        "engine": trained.model.provenance().engine,
        "model": model,
        "report": model.join("report.html"),
    })
}

/// Writes a result for people to standard output, apart from what was said before it on a
/// terminal.
pub fn print_result(text: &str) -> Result<(), CliError> {
    let gap = match std::io::stdout().is_terminal() {
        true => "\n",
        false => "",
    };
    print(&format!("{gap}{text}"))
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CliError::stdout)?;
    out.flush().map_err(CliError::stdout)
}

/// Writes a JSON document to standard output.
pub fn print_json(document: &serde_json::Value) -> Result<(), CliError> {
    print(&format!("{document:#}\n"))
}
