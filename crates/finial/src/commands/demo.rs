//! `finial demo`: four data sets, four tasks, four final layers.

use std::path::PathBuf;
use std::time::Instant;

use finial::learn::model::refuse_existing;
use finial::task::Metric;
use finial::{Progress, TrainOptions, Trained, train};

use super::open_store;
use crate::args::DemoArgs;
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &DemoArgs) -> Result<(), CliError> {
    let started = Instant::now();
    let progress = Terminal::new(args.common.quiet);
    let models = args.out.join("models");
    refuse_existing(&models)?;
    let sets = finial_demo::write(&args.out.join("data"))?;
    let store = open_store(&args.common, &progress);

    let mut rows = Vec::new();
    for set in &sets {
        progress.say(&format!("\n\x1b[1m{}\x1b[0m  {}", set.title, set.question));
        let options = TrainOptions::new(&set.path, &args.common.device)?;
        let mut trained = train(&options, store.as_ref(), &progress)?;
        let folder = models.join(set.name);
        trained.save(&folder)?;
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
    printer::print(&text)
}

/// A line per task: what was learned, the head that follows from it, the score.
fn table(rows: &[(&str, Trained, PathBuf)]) -> String {
    let mut cells = vec![
        [
            "data",
            "task",
            "units",
            "activation",
            "loss",
            "score on unseen images",
        ]
        .map(str::to_owned),
    ];
    for (title, trained, _) in rows {
        let task = &trained.model.task;
        let shown = match task.metrics().first() {
            Some(Metric::Mae) => vec![Metric::Mae, Metric::RSquared],
            Some(first) => vec![*first],
            None => vec![],
        };
        let shown: Vec<String> = shown
            .into_iter()
            .map(|metric| {
                let value = trained.test.get(metric);
                format!("{} {}", metric.label(), printer::value_of(metric, value))
            })
            .collect();
        cells.push([
            (*title).to_owned(),
            task.kind().to_string(),
            task.units().to_string(),
            task.activation().to_string(),
            task.loss().to_string(),
            shown.join(", "),
        ]);
    }
    let width = |column: usize| {
        let widths = cells.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..6).map(width).collect();
    let mut text = "\n".to_owned();
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
