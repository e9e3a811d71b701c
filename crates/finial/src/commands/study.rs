//! `finial study`: what a wrong final layer costs.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use finial::learn::prepare::prepare;
use finial::learn::study::{Row, RowScore};
use finial::learn::{LearnError, Study, StudyOptions, study};
use finial::report::study::{Study as Page, StudyBar, StudyCell, StudyRow};
use finial::report::{Fact, format};
use finial::task::{Better, Interval};

use super::{open_store, train_options};
use crate::args::{Format, StudyArgs};
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer::{self, value_of};
use crate::progress::Terminal;
use crate::text::{Align, columns, width, wrapped};

pub fn run(args: &StudyArgs) -> Result<(), CliError> {
    let out = args.out.as_deref().map(NewFile::reserve).transpose()?;
    let progress = Terminal::new(args.common.quiet);
    let options = train_options(&args.data, &args.task, &args.reading, &args.common);
    let mut study_options = StudyOptions {
        seeds: args.seeds,
        ..StudyOptions::default()
    };
    study_options.head = options.head;
    study_options.head.hidden = (args.hidden > 0).then_some(args.hidden);
    study_options.fit.seed = args.task.seed;

    let store = open_store(&args.store, &progress);
    let prepared = prepare(&options, store.as_ref(), &progress)?;
    let found = study(&prepared, &study_options, &progress)?;
    if let Some(out) = out {
        let page = page(&found, &args.data);
        let is_markdown = out.path().extension().is_some_and(|e| e == "md");
        let text = match is_markdown {
            true => page.markdown(),
            false => page.html().map_err(LearnError::from)?,
        };
        let path = out.path().to_owned();
        let failed = |error| LearnError::File { path, error };
        out.write(|file: &mut File| Ok(file.write_all(text.as_bytes()).map_err(failed)?))?;
    }
    match args.format {
        Format::Text => printer::print_result(&in_words(&found, args.out.as_deref())),
        Format::Json => printer::print_json(&serde_json::json!(found)),
    }
}

/// A table of the numbers, then a sentence for each row.
fn in_words(study: &Study, page: Option<&Path>) -> String {
    let width = width();
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(headings(study));
    rows[0].push("died".to_owned());
    for (at, row) in study.rows.iter().enumerate() {
        let mut cells = vec![format!("{}", at + 1)];
        let scores = self::cells(row).into_iter().map(|cell| cell.value);
        cells.extend(scores.take(headings(study).len()));
        cells.push(row.died.to_string());
        rows.push(cells);
    }
    let align = vec![Align::Right; rows[0].len()];
    let mut text = columns(&rows, &align);
    for (at, row) in study.rows.iter().enumerate() {
        let told = format!("{:>3}  {}. {}", at + 1, row.name, row.sentence);
        text.push_str(&format!("\n{}", wrapped(&told, width)));
        for (score, heading) in row.scores.iter().zip(headings(study)) {
            if let Some(interval) = interval(score) {
                text.push_str(&format!("\n       {heading} {interval}"));
            }
        }
    }
    let seeds = match study.seeds {
        1 => "one run".to_owned(),
        seeds => format!("{seeds} runs"),
    };
    let told = format!(
        "{seeds} each, on {} to test on; intervals are 95 % over these images, and what is told \
         apart in a sentence differs by more than their choice explains",
        format::images(study.test)
    );
    text.push_str(&format!("\n\n{}\n", wrapped(&told, width)));
    if let Some(page) = page {
        text.push_str(&format!("page: {}\n", page.display()));
    }
    text
}

fn headings(study: &Study) -> Vec<String> {
    let scores = study.rows.first().map(|row| row.scores.as_slice());
    let names = scores.unwrap_or_default().iter();
    let mut headings: Vec<String> = names.map(|score| score.metric.label().to_owned()).collect();
    if study.rows.iter().any(|row| row.log_loss.is_some()) {
        headings.extend(["log loss", "calibration error"].map(str::to_owned));
    }
    headings
}

/// One for each of [`headings`].
fn cells(row: &Row) -> Vec<StudyCell> {
    let dash = || "–".to_owned();
    let mut cells: Vec<StudyCell> = row
        .scores
        .iter()
        .map(|score| StudyCell {
            value: score
                .value
                .map_or_else(dash, |v| value_of(score.metric, Some(v))),
            interval: interval(score).unwrap_or_default(),
        })
        .collect();
    let told = |value: Option<f64>, write: fn(f64) -> String| StudyCell {
        value: value.map_or_else(dash, write),
        interval: String::new(),
    };
    cells.push(told(row.log_loss, format::quantity));
    cells.push(told(row.calibration_error, format::share));
    cells
}

fn interval(score: &RowScore) -> Option<String> {
    let Interval { low, high } = score.interval?;
    let written = |value| value_of(score.metric, Some(value));
    Some(format!("{} to {}", written(low), written(high)))
}

/// The study as a page.
fn page(study: &Study, data: &Path) -> Page {
    let columns = headings(study);
    let (scale, bar) = scale(study);
    let rows: Vec<StudyRow> = study
        .rows
        .iter()
        .map(|row| StudyRow {
            name: row.name.to_owned(),
            cells: {
                let mut cells = cells(row);
                cells.truncate(columns.len());
                cells.push(StudyCell {
                    value: format!("{} of {}", row.died, study.seeds),
                    interval: String::new(),
                });
                cells
            },
            bar: scale.and_then(|scale| placed(row, study.rows.first()?, scale)),
            sentence: row.sentence.clone(),
        })
        .collect();
    Page {
        title: "What a wrong final layer costs".to_owned(),
        lead: format!(
            "The labels call for {}. Here are the pairings of activation and loss that people use in \
             its place, trained on the same features, from the same weights.",
            study.right
        ),
        facts: vec![
            Fact::new("data", data.display().to_string()),
            Fact::new("task", study.task.to_string()),
            Fact::new("images learned from", format::count(study.train)),
            Fact::new("images tested on", format::count(study.test)),
            Fact::new("runs of each", study.seeds.to_string()),
        ],
        columns: columns.into_iter().chain(["runs that died".to_owned()]).collect(),
        bar,
        rows,
        notes: vec![
            "Scores are means over the runs; intervals are 95 % over the test images. A score is \
             told in a sentence if it differs from that of the right one by more than the choice of \
             test images explains. A run died if its loss was no number, or if it answered the same \
             for every image. Probabilities are taken as a user would take them: cut to between 0 \
             and 1, and, of exclusive classes, divided by their sum. Nothing is calibrated and every \
             threshold is 0.5."
                .to_owned(),
        ],
        finial_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// What the whole bar stands for, and in words.
fn scale(study: &Study) -> (Option<f64>, String) {
    let first = |row: &Row| row.scores.first().copied();
    let Some(metric) = study.rows.first().and_then(first).map(|score| score.metric) else {
        return (None, String::new());
    };
    match metric.better() {
        Better::Higher => (Some(1.0), format!("{}, from 0 to 1", metric.label())),
        Better::Lower => {
            let scores = study.rows.iter().filter_map(first);
            let most = scores
                .filter_map(|score| Some(score.interval?.high))
                .fold(0.0, f64::max);
            let told = value_of(metric, Some(most));
            let words = format!(
                "{}, from 0 to {told}: the shorter the better",
                metric.label()
            );
            ((most > 0.0).then_some(most), words)
        }
    }
}

fn placed(row: &Row, right: &Row, scale: f64) -> Option<StudyBar> {
    let of = |row: &Row| row.scores.first().and_then(|score| score.value);
    let place = |value: f64| ((value / scale).clamp(0.0, 1.0) * 1000.0).round() / 10.0;
    let interval = row.scores.first()?.interval?;
    Some(StudyBar {
        value: place(of(row)?),
        low: place(interval.low),
        length: place(interval.high) - place(interval.low),
        right: place(of(right)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use finial::task::Metric;

    #[test]
    fn an_interval_is_written_as_its_metric() {
        let score = RowScore {
            metric: Metric::Accuracy,
            value: Some(0.5),
            interval: Some(Interval {
                low: 0.25,
                high: 0.75,
            }),
        };
        assert_eq!(interval(&score).as_deref(), Some("0.250 to 0.750"));
    }
}
