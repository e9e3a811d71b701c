//! How results and errors look on a terminal.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use finial::report::format;
use finial::task::{Metric, Scores};
use finial::{LearnError, Split, Trained};
use miette::Diagnostic;

use crate::error::CliError;

/// Prints an error and its way out; gives the exit status.
pub fn report(error: &CliError) -> ExitCode {
    if error.is_broken_pipe() {
        return ExitCode::SUCCESS;
    }
    // Standard error may be closed as well; there is nobody left to tell.
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "\x1b[1;31merror\x1b[0m: {error}");
    if let Some(help) = error.help() {
        let _ = writeln!(out, "\x1b[1;36m help\x1b[0m: {help}");
    }
    ExitCode::from(error.exit_code())
}

/// The result of a training, for people.
pub fn trained(trained: &Trained, model: &Path) -> String {
    let task = &trained.model.task;
    let mut text = format!(
        "\n{} model in {}\n  final layer  {}\n  trained for  {} epochs, the best was {}\n",
        task.kind(),
        model.display(),
        task.describe_final_layer(),
        trained.fit.curve.len(),
        trained.fit.best_epoch,
    );
    text.push_str(&scores(
        &trained.test,
        &format!("on {} images it never saw", trained.test.images),
    ));
    text.push_str(&format!(
        "  report       {}\n",
        model.join("report.html").display()
    ));
    text
}

/// The headline metrics, one a line.
pub fn scores(scores: &Scores, heading: &str) -> String {
    let mut text = format!("  scores       {heading}\n");
    for (metric, value) in &scores.metrics {
        text.push_str(&format!(
            "    {:<18} {}\n",
            metric.label(),
            value_of(*metric, *value)
        ));
    }
    text
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
    let task = &trained.model.task;
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
        "validation": trained.validation.by_key(),
        "images": {
            Split::Train.to_string(): counts.train,
            Split::Validation.to_string(): counts.validation,
            Split::Test.to_string(): counts.test,
        },
        "set_aside": data.map_or(0, |data| data.set_aside_count),
        "epochs": trained.fit.curve.len(),
        "best_epoch": trained.fit.best_epoch,
        "model": model,
        "report": model.join("report.html"),
    })
}

/// Writes to standard output.
pub fn print(text: &str) -> Result<(), CliError> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes()).map_err(CliError::stdout)?;
    out.flush().map_err(CliError::stdout)
}

/// Writes a JSON document to standard output.
pub fn print_json(document: &serde_json::Value) -> Result<(), CliError> {
    print(&format!("{document:#}\n"))
}

/// Writes a file that must not exist yet: beside, then moved into place.
pub fn write_new(
    path: &Path,
    write: impl FnOnce(&mut File) -> Result<(), CliError>,
) -> Result<(), CliError> {
    finial::learn::model::refuse_existing(path)?;
    let failed = |error| LearnError::File {
        path: path.to_owned(),
        error,
    };
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(failed)?;
    write(file.as_file_mut())?;
    let kept = file.persist_noclobber(path);
    kept.map_err(|error| failed(error.error))?;
    Ok(())
}
