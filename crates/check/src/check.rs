//! From paths to a report.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use crate::options::Options;
use crate::python::interpret;
use crate::report::fix::can_be_made;
use crate::report::{Edit, Finding, Fix, Related, Report, Skipped, SkippedWhat};
use crate::rules::{RULES, Repair};
use crate::source::suppress::Suppressions;
use crate::source::{Source, folder, settings};

/// Looks at programs, notebooks and folders of them. Folders respect `.gitignore`; each file
/// follows the `[tool.finial]` of the nearest `pyproject.toml`. What cannot be read is in the
/// report.
pub fn check(paths: &[PathBuf], options: &Options) -> Report {
    let (files, unreadable) = folder::files(paths);
    let mut reports: Vec<Report> = files
        .par_iter()
        .map(|file| one_file(file, options))
        .collect();
    reports.extend(unreadable.into_iter().map(|(path, reason)| Report {
        skipped: vec![Skipped::file(path, reason)],
        ..Report::default()
    }));
    let mut report = Report::default();
    for one in reports {
        report.add(one);
    }
    // The settings of a project are wrong once, not for each of its files.
    let mut said = HashSet::new();
    let skipped = &mut report.skipped;
    skipped.retain(|one| said.insert(one.to_string()));
    report
}

/// Looks at a program under a file name; one that ends in `.ipynb` is a notebook.
pub fn check_text(name: impl AsRef<Path>, text: &str, options: &Options) -> Report {
    let path = name.as_ref();
    match Source::from_bytes(path, text.as_bytes()) {
        Ok(source) => one_source(source, options),
        Err(reason) => unread(path, reason),
    }
}

fn unread(path: &Path, reason: String) -> Report {
    Report {
        skipped: vec![Skipped::file(path.to_owned(), reason)],
        ..Report::default()
    }
}

fn one_file(path: &Path, options: &Options) -> Report {
    let settings = settings::find(path).and_then(|(settings, file)| {
        let options = options.with(settings);
        options.map_err(|error| (file, error.words()))
    });
    let options = match settings {
        Ok(options) => options,
        Err((file, reason)) => return unread(&file, reason),
    };
    match Source::read(path) {
        Ok(source) => one_source(source, &options),
        Err(reason) => unread(path, reason),
    }
}

fn one_source(source: Source, options: &Options) -> Report {
    let source = Arc::new(source);
    let Some(parsed) = source.parse() else {
        return unread(&source.path, "expected a program".to_owned());
    };
    let suppressions = Suppressions::read(&source, parsed.tokens());
    let mut trainings = interpret(parsed.suite());
    let own = source.model().and_then(|model| model.data.clone());
    let data = options.data().or_else(|| own.map(Arc::new));
    for training in &mut trainings {
        training.data.clone_from(&data);
    }
    let mut findings: Vec<Finding> = Vec::new();
    for rule in RULES.iter().filter(|rule| options.wants(rule)) {
        for training in trainings.iter().filter(|training| !training.left_out) {
            let Some(fault) = rule.check(training) else {
                continue;
            };
            let known = findings
                .iter()
                .any(|finding| finding.code == rule.code() && finding.range == fault.at);
            if known || suppressions.silence(&source, rule, fault.at) {
                continue;
            }
            findings.push(Finding {
                code: rule.code(),
                name: rule.name(),
                severity: rule.severity(),
                message: fault.message,
                start: source.position(fault.at.start()),
                end: source.position(fault.at.end()),
                range: fault.at,
                related: fault.against.map(|(range, message)| Related {
                    position: source.position(range.start()),
                    range,
                    message,
                }),
                layer: source.layer(fault.at.start()).map(str::to_owned),
                fix: fault
                    .fix
                    .map(|fix| placed(&source, fix))
                    .filter(|fix| can_be_made(&source, fix)),
                source: source.clone(),
            });
        }
    }
    findings.sort_by_key(|finding| (finding.range.start(), finding.code));
    let skipped = |at, reason, what| Skipped {
        path: source.path.clone(),
        position: Some(source.position(at)),
        file_line: source.file_line(source.position(at)),
        reason,
        what,
    };
    let part = parsed.errors().first().map(|error| {
        let reason = format!("{}; the rest was looked at", error.error);
        skipped(error.location.start(), reason, SkippedWhat::Part)
    });
    let comments = suppressions.faults.into_iter();
    let comments = comments.map(|(at, fault)| skipped(at, fault, SkippedWhat::Comment));
    Report {
        files: 1,
        findings,
        skipped: part.into_iter().chain(comments).collect(),
    }
}

/// A repair with the lines and columns of its edits.
fn placed(source: &Source, repair: Repair) -> Fix {
    let edits = repair.edits.into_iter().map(|(range, text)| Edit {
        start: source.position(range.start()),
        end: source.position(range.end()),
        range,
        text,
    });
    Fix {
        title: repair.title,
        edits: edits.collect(),
    }
}
