//! `finial train`

use finial::learn::{CertaintyOptions, LossOptions, Reserved};
use finial::train;

use super::{open_store, train_options};
use crate::args::{Format, TrainArgs};
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &TrainArgs) -> Result<(), CliError> {
    // Before any work: an hour of features for a name that is taken would be a pity.
    let folder = Reserved::new(&args.out)?;
    let progress = Terminal::new(args.common.quiet);
    let mut options = train_options(&args.data, &args.task, &args.reading, &args.common);
    options.head.hidden = (args.hidden > 0).then_some(args.hidden);
    options.head.dropout = args.dropout;
    options.fit.epochs = args.epochs;
    options.fit.patience = args.patience;
    options.fit.learning_rate = args.learning_rate;
    options.fit.batch = args.batch;
    options.loss = LossOptions {
        weights: args.honesty.class_weights.clone(),
        focus: args.honesty.focal,
    };
    options.certainty = CertaintyOptions {
        calibrate: !args.honesty.no_calibration,
        thresholds: args.honesty.thresholds,
        coverage: args.honesty.coverage,
    };

    let store = open_store(&args.store, &progress);
    let mut trained = train(&options, store.as_ref(), &progress)?;
    trained.save(folder)?;
    match args.format {
        Format::Text => printer::print_result(&printer::trained(&trained, &args.out)),
        Format::Json => printer::print_json(&printer::trained_json(&trained, &args.out)),
    }
}
