//! `finial evaluate`

use std::io::Write;

use finial::learn::model::refuse_existing;
use finial::learn::{EvaluateOptions, LearnError, evaluate};

use super::open_store;
use crate::args::{EvaluateArgs, Format};
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &EvaluateArgs) -> Result<(), CliError> {
    if let Some(path) = &args.report {
        refuse_existing(path)?;
    }
    let progress = Terminal::new(args.common.quiet);
    let options = EvaluateOptions {
        model: args.model.clone(),
        data: args.data.clone(),
        label_columns: args.reading.label_column.clone(),
        image_column: args.reading.image_column.clone(),
        include_seen: args.include_seen,
        allow_unreadable: args.reading.allow_unreadable,
        device: finial::engine::device::named(&args.common.device).map_err(LearnError::from)?,
    };
    let store = open_store(&args.common, &progress);
    let evaluated = evaluate(&options, store.as_ref(), &progress)?;
    if let Some(path) = &args.report {
        let page = finial::report::render(&evaluated.report).map_err(LearnError::from)?;
        let failed = |error| LearnError::File {
            path: path.clone(),
            error,
        };
        printer::write_new(path, |file| {
            Ok(file.write_all(page.as_bytes()).map_err(failed)?)
        })?;
    }
    let task = &evaluated.model.task;
    match args.format {
        Format::Text => {
            let heading = format!("on {} images", evaluated.scores.images);
            let mut text = format!("\n{} model in {}\n", task.kind(), args.model.display());
            text.push_str(&printer::scores(&evaluated.scores, &heading));
            printer::print(&text)
        }
        Format::Json => printer::print_json(&serde_json::json!({
            "task": task.kind(),
            "metrics": evaluated.scores.by_key(),
            "images": evaluated.scores.images,
            "left_out": evaluated.seen,
            "model": args.model,
            "report": args.report,
        })),
    }
}
