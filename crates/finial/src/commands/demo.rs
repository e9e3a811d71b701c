//! `finial demo`: four data sets, four tasks, four final layers.

use std::path::{Path, PathBuf};
use std::time::Instant;

use finial::learn::Reserved;
use finial::{TrainOptions, Trained, train};

use super::{engine_options, open_store};
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &DemoArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let progress = Terminal::new(args.common.quiet);
    let models = args.out.join("models");
    refuse_earlier(&models)?;
    let sets = finial_demo::write(&args.out.join("data"))?;
    let store = open_store(&args.store, &progress);

    let mut rows = Vec::new();
    for set in &sets {
        progress.heading(set.title, set.question);
        let mut options = TrainOptions::new(&set.path);
        options.device.clone_from(&args.common.device);
        options.engine = engine_options(&args.common);
        let folder = models.join(set.name);
        let reserved = Reserved::new(&folder)?;
        let mut trained = train(&options, store.as_ref(), &progress)?;
        trained.save(reserved)?;
        rows.push((set.title, trained, folder));
    }
    let mut text = table(&rows);
    text.push_str(&format!(
        "\nfour models in {:.0} s; their reports:\n",
        started.elapsed().as_secs_f64()
    ));
    for (_, _, folder) in &rows {
        text.push_str(&format!("  {}\n", folder.join("report.html").display()));
    }
    if let Some((_, _, folder)) = rows.first() {
        text.push_str(&format!(
            "\ntry one:     finial predict {} {}\nyour photos: finial train YOUR_FOLDER --out my-model\n",
            folder.display(),
            sets[0].path.display(),
        ));
    }
    printer::print_result(&text)
}

/// Models of an earlier demo stay; their reports are worth naming.
fn refuse_earlier(models: &Path) -> Result<(), CliError> {
    let folders: Vec<PathBuf> = match models.symlink_metadata() {
        Err(_) => return Ok(()),
        Ok(_) => {
            let entries = models.read_dir().into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        }
    };
    // A demo that stopped before its first model leaves an empty folder.
    if models.is_dir() && folders.is_empty() {
        return Ok(());
    }
    let reports = folders.iter().map(|folder| folder.join("report.html"));
    let mut reports: Vec<PathBuf> = reports.filter(|report| report.is_file()).collect();
    reports.sort();
    Err(CliError::DemoExists {
        models: models.to_owned(),
        reports,
    })
}

/// A line per task, within 80 columns: what was learned, the final layer that follows from it,
/// the score and what a blind guess scores.
fn table(rows: &[(&str, Trained, PathBuf)]) -> String {
    let mut cells = vec![["data", "task", "final layer", "score", "guessing"].map(str::to_owned)];
    for (title, trained, _) in rows {
        let task = trained.model.task();
        let units = match task.units() {
            1 => "1 unit".to_owned(),
            units => format!("{units} units"),
        };
        let (score, guess) = match task.metrics().first() {
            Some(&metric) => {
                let guess = printer::baseline(metric, trained.report.scores.as_ref());
                let score = printer::value_of(metric, trained.test.get(metric));
                (
                    format!("{} {score}", metric.label()),
                    printer::value_of(metric, guess),
                )
            }
            None => (String::new(), String::new()),
        };
        cells.push([
            (*title).to_owned(),
            task.kind().to_string(),
            format!("{units}, {}", task.activation()),
            score,
            guess,
        ]);
    }
    columns(&cells)
}

/// Rows under a heading, each column as wide as its widest cell.
fn columns<const N: usize>(cells: &[[String; N]]) -> String {
    let width = |column: usize| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    let mut text = String::new();
    for (i, row) in cells.iter().enumerate() {
        let padded = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
        if i == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
            text.push_str(&rule.join("  "));
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_fits_eighty_columns() {
        let row = |cells: [&str; 5]| cells.map(str::to_owned);
        let text = columns(&[
            row(["data", "task", "final layer", "score", "guessing"]),
            row([
                "Five kinds of things",
                "multi-class",
                "5 units, softmax",
                "accuracy 0.865",
                "0.346",
            ]),
            row([
                "Keywords",
                "multi-label",
                "9 units, sigmoid",
                "mAP 0.512",
                "0.120",
            ]),
        ]);
        assert_eq!(text.lines().count(), 4);
        let widest = text.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(80), "{text}");
    }
}
