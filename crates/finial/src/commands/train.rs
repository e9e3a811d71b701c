//! `finial train`

use std::time::Duration;

use finial::learn::{
    Augmentation, CertaintyOptions, CheckpointOptions, LossOptions, Mixup, Reserved, TuneFrom,
    TuneOptions,
};
use finial::train;

use super::{open_store, train_options};
use crate::args::{Format, TrainArgs, TuningArgs};
use crate::error::CliError;
use crate::printer;
use crate::progress::Terminal;

pub fn run(args: &TrainArgs) -> Result<(), CliError> {
    let auto = args.head == "auto";
    let given = [
        args.hidden.map(|units| format!("--hidden {units}")),
        args.weight_decay
            .map(|decay| format!("--weight-decay {decay}")),
    ];
    if let (true, Some(given)) = (auto, given.into_iter().flatten().next()) {
        return Err(CliError::HeadGivenAndChosen(given));
    }
    // Before any work: an hour of features for a name that is taken would be a pity.
    let folder = Reserved::new(&args.out)?;
    let progress = Terminal::new(args.common.quiet);
    let mut options = train_options(&args.data, &args.task, &args.reading, &args.common);
    if let Some(units) = args.hidden {
        options.head.hidden = (units > 0).then_some(units);
    }
    options.head.dropout = args.dropout;
    options.fit.epochs = args.epochs;
    options.fit.patience = args.patience;
    match args.learning_rate.0 {
        Some(rate) => options.fit.learning_rate = rate,
        None => options.find_rate = true,
    }
    options.choose_head = auto;
    options.fit.batch = args.batch;
    options.fit.weight_decay = args.weight_decay.unwrap_or(options.fit.weight_decay);
    options.fit.mixup = args.augmenting.mixup.map(|alpha| Mixup { alpha });
    options.tune = tune_options(&args.tuning);
    options.views = args.augmenting.views;
    options.augmentation =
        (args.augmenting.augment || args.augmenting.views > 1).then(|| Augmentation {
            flip: !args.augmenting.no_flip,
            ..Augmentation::default()
        });
    options.checkpoint = Some(CheckpointOptions {
        every: Duration::from_secs_f64(args.keeping.checkpoint_every),
        resume: args.keeping.resume,
        ..CheckpointOptions::beside(&args.out)
    });
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

/// How the network is fine-tuned, if it is.
fn tune_options(typed: &TuningArgs) -> Option<TuneOptions> {
    let Ok(from) = typed.fine_tune.as_ref()?.parse::<TuneFrom>();
    Some(TuneOptions {
        epochs: typed.tune_epochs,
        rate: typed.tune_rate,
        batch: typed.tune_batch,
        disk_budget: (typed.disk_budget * 1e9) as u64,
        ..TuneOptions::new(from)
    })
}
