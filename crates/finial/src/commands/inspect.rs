//! `finial inspect`: what is suspicious in a data set.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use finial::learn::prepare::{Prepared, prepare};
use finial::learn::{Inspection, LearnError, inspect};
use finial::report::inspection::{Finding, Group, InspectionPage};
use finial::report::{Fact, format};

use super::{open_store, train_options};
use crate::args::{Format, InspectArgs};
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer;
use crate::progress::Terminal;
use crate::text::{one_line, width, wrapped};

/// Findings of a group that are listed by name.
const LISTED: usize = 3;

pub fn run(args: &InspectArgs) -> Result<(), CliError> {
    let out = args.out.as_deref().map(NewFile::reserve).transpose()?;
    let predictions = args.predictions.as_deref();
    let predictions = predictions.map(NewFile::reserve).transpose()?;
    let progress = Terminal::new(args.common.quiet);
    let options = train_options(&args.data, &args.task, &args.reading, &args.common);
    let store = open_store(&args.store, &progress);
    let prepared = prepare(&options, store.as_ref(), &progress)?;
    let found = inspect(&prepared, args.task.seed, &progress)?;
    let groups = found.groups(&prepared.source);
    if let Some(out) = out {
        let page = page(&found, &prepared, groups.clone(), &args.data);
        let text = page.html().map_err(LearnError::from)?;
        write(out, text.as_bytes())?;
    }
    if let Some(out) = predictions {
        let table = table(&found, prepared.inference.task.names());
        let failed = |error: csv::Error| CliError::Io {
            what: out.path().display().to_string(),
            error: error.into(),
        };
        let table = table.map_err(failed)?;
        write(out, &table)?;
    }
    match args.format {
        Format::Text => {
            let text = in_words(&found, &prepared, &groups, args.out.as_deref());
            printer::print_result(&text)
        }
        Format::Json => printer::print_json(&json(&found, &prepared)),
    }
}

fn write(out: NewFile, bytes: &[u8]) -> Result<(), CliError> {
    let path = out.path().to_owned();
    let failed = |error| LearnError::File { path, error };
    out.write(|file: &mut File| Ok(file.write_all(bytes).map_err(failed)?))
}

/// A line for each image: its label and what is said of it, of classes, labels or targets in turn.
fn table(found: &Inspection, names: &[String]) -> Result<Vec<u8>, csv::Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    // The one number of a yes-or-no question is about its second class.
    let names = match found.task {
        finial::TaskKind::Binary => names.get(1..).unwrap_or_default(),
        _ => names,
    };
    let heading = ["image", "split", "label"].into_iter();
    table.write_record(heading.chain(names.iter().map(String::as_str)))?;
    for (subject, answer) in &found.answers {
        let split = subject.split.map(|split| split.to_string());
        let cells = [
            subject.image.clone(),
            split.unwrap_or_default(),
            subject.label.clone(),
        ];
        let numbers = answer.iter().map(f32::to_string);
        table.write_record(cells.into_iter().chain(numbers))?;
    }
    table
        .into_inner()
        .map_err(|error| error.into_error().into())
}

fn json(found: &Inspection, prepared: &Prepared) -> serde_json::Value {
    let mut document = serde_json::json!(found);
    document["copies"] = prepared.plan.copies().into();
    document["contradictions"] = prepared.plan.contradictions().into();
    document["unreadable"] = prepared.features.unreadable.len().into();
    document
}

/// What was set aside before anything else, in words; nothing if nothing was.
fn set_aside(prepared: &Prepared) -> Option<String> {
    let counted = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{} {many}", format::count(count))),
    };
    let parts = [
        counted(prepared.plan.copies(), "copy", "copies"),
        counted(
            prepared.plan.contradictions(),
            "image that is there with other labels, too",
            "images that are there with other labels, too",
        ),
        counted(
            prepared.features.unreadable.len(),
            "file that cannot be read",
            "files that cannot be read",
        ),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Counts, and the first findings of each group.
fn in_words(
    found: &Inspection,
    prepared: &Prepared,
    groups: &[Group],
    page: Option<&Path>,
) -> String {
    let width = width();
    let mut text = format!("{} looked through\n", format::images(found.images));
    if let Some(aside) = set_aside(prepared) {
        text.push_str(&wrapped(&format!("set aside: {aside}\n"), width));
    }
    for group in groups {
        text.push_str(&format!(
            "\n{}: {}\n",
            group.title,
            format::count(group.count)
        ));
        for finding in group.findings.iter().take(LISTED) {
            text.push_str(&wrapped(&line(finding), width));
            text.push('\n');
        }
        if group.count > LISTED {
            let more = format::count(group.count - LISTED);
            text.push_str(&format!("  … and {more} more\n"));
        }
    }
    match page {
        Some(page) => text.push_str(&format!("\npage: {}\n", page.display())),
        None => {
            let hint =
                "--out FILE.html shows them with their pictures, --format json lists them all";
            text.push_str(&format!("\n{}\n", wrapped(hint, width)));
        }
    }
    text
}

fn line(finding: &Finding) -> String {
    let pictures = finding.pictures.iter().map(|picture| {
        let split = match picture.split.as_str() {
            "" => String::new(),
            split => format!(", {split}"),
        };
        let (path, label) = (one_line(&picture.path), one_line(&picture.label));
        format!("{path} ({label}{split})")
    });
    let pictures: Vec<String> = pictures.collect();
    format!(
        "  {}: {}",
        pictures.join(" and "),
        one_line(&finding.remark)
    )
}

fn page(
    found: &Inspection,
    prepared: &Prepared,
    groups: Vec<Group>,
    data: &Path,
) -> InspectionPage {
    let mut facts = vec![
        Fact::new("data", data.display().to_string()),
        Fact::new("task", found.task.to_string()),
        Fact::new("images", format::count(found.images)),
    ];
    facts.extend(set_aside(prepared).map(|aside| Fact::new("set aside", aside)));
    InspectionPage {
        title: "What to look at".to_owned(),
        lead: "Labels that are probably wrong, pictures that are there twice, and odd images, the most \
               suspicious first. Nothing was changed."
            .to_owned(),
        facts,
        groups,
        finial_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
