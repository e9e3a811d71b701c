//! `finial evaluate`

use std::fs::File;
use std::io::Write;

use finial::learn::{EvaluateOptions, LearnError, evaluate};
use finial::report::format;

use super::{engine_options, expect_model, open_store};
use crate::args::{EvaluateArgs, Format};
use crate::error::CliError;
use crate::new_file::NewFile;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &EvaluateArgs) -> Result<(), CliError> {
    expect_model(&args.model)?;
    let report = args.report.as_deref().map(NewFile::reserve).transpose()?;
    let progress = Terminal::new(args.common.quiet);
    let options = EvaluateOptions {
        model: args.model.clone(),
        data: args.data.clone(),
        label_columns: args.reading.label_column.clone(),
        image_column: args.reading.image_column.clone(),
        include_seen: args.include_seen,
        allow_unreadable: args.reading.allow_unreadable,
        device: args.common.device.clone(),
        engine: engine_options(&args.common),
    };
    let store = open_store(&args.store, &progress);
    let evaluated = evaluate(&options, store.as_ref(), &progress)?;
    if let Some(report) = report {
        let page = finial::report::render(&evaluated.report).map_err(LearnError::from)?;
        let path = report.path().to_owned();
        let failed = |error| LearnError::File { path, error };
        report.write(|file: &mut File| Ok(file.write_all(page.as_bytes()).map_err(failed)?))?;
    }
    let reported = evaluated.report.scores.as_ref();
    let task = evaluated.model.task();
    let data = evaluated.report.data.as_ref();
    match args.format {
        Format::Text => {
            let heading = format!("on {}", format::images(evaluated.scores.images));
            let mut text = format!("{} model in {}\n", task.kind(), args.model.display());
            text.push_str(&printer::scores(&evaluated.scores, reported, &heading));
            text.push_str(&printer::certainty(task, &evaluated.observed));
            printer::print_result(&text)
        }
        Format::Json => printer::print_json(&serde_json::json!({
            "task": task.kind(),
            "metrics": evaluated.scores.by_key(),
            "intervals": printer::intervals(&evaluated.scores),
            "certainty": printer::certainty_json(&evaluated.observed),
            "baseline": printer::baselines(&evaluated.scores, reported),
            "images": evaluated.scores.images,
            "left_out": evaluated.seen,
            "set_aside": data.map(|data| &data.set_aside[..]).unwrap_or_default(),
            "set_aside_count": data.map_or(0, |data| data.set_aside_count),
            "model": args.model,
            "report": args.report,
            "engine": evaluated.engine,
        })),
    }
}
