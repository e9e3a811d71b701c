//! The head, trained on stored features.

use finial_task::Targets;

use super::Run;
use crate::LearnError;
use crate::checkpoint::Keeper;
use crate::choose::{Grounds, HeadChoice};
use crate::course::Lessons;
use crate::feed::Feed;
use crate::fit::{Fit, FitOptions, Training, fit_kept, range_test};
use crate::head::{Head, HeadOptions, Scale};
use crate::loss::LossShape;
use crate::range_test::RangeTest;
use crate::tune::{Start, Tuned, tune};
use crate::views::views;

/// A trained head, and how it came to be what it is.
pub(super) struct TrainedHead {
    pub head: Head,
    pub options: HeadOptions,
    pub fit_options: FitOptions,
    /// How it was chosen, if it was not given.
    pub choice: Option<HeadChoice>,
    /// How the learning rate was found, if it was not given.
    pub range: Option<RangeTest>,
    pub fit: Fit,
    loss: LossShape,
    /// Targets as the loss takes them.
    train_targets: Targets,
    validation_targets: Targets,
}

impl TrainedHead {
    /// Chooses what is left open, and trains.
    pub fn of(run: &Run, keeper: &mut Keeper) -> Result<Self, LearnError> {
        let Run {
            options,
            prepared,
            ref rows,
            ..
        } = *run;
        let (features, targets) = (&prepared.features.matrix, &prepared.targets);
        let task = &prepared.inference.task;
        let (head_options, given, choice) = chosen(run)?;
        let train_targets = targets.select(&rows.train);
        let scale = Scale::of(task, &train_targets);
        let head = Head::new(features.columns(), task, &head_options, &scale)?;
        let loss = options.loss.of(task, &train_targets)?;
        let initial = head.initial_weights(&train_targets, options.fit.seed)?;
        let train_targets = scale.standardise(&train_targets);
        let validation_targets = scale.standardise(&targets.select(&rows.validation));
        let views = views(options, prepared, &rows.train, run.store, run.progress)?;
        let first: Vec<usize> = (0..rows.train.len()).collect();
        let (feed, train_rows) = match &views {
            Some(views) => (Feed::Views(views), &first),
            None => (Feed::Stored(features), &rows.train),
        };
        let training = |options| Training {
            head: &head,
            train: Lessons {
                feed,
                rows: train_rows,
                targets: &train_targets,
                loss: &loss,
            },
            validation: Lessons {
                feed: Feed::Stored(features),
                rows: &rows.validation,
                targets: &validation_targets,
                loss: &loss,
            },
            options,
            device: &prepared.device,
        };
        let range = match options.find_rate {
            true => Some(range_test(training(&given), &initial)?),
            false => None,
        };
        if let Some(range) = &range {
            run.progress.say(&format!(
                "learning rate: {:.1e}, by a range test of {} steps",
                range.chosen,
                range.points.len()
            ));
        }
        let rate = range.as_ref().map(|range| range.chosen);
        let fit_options = FitOptions {
            learning_rate: rate.unwrap_or(given.learning_rate),
            ..given
        };
        let fit = match keeper.head() {
            Some(fit) => fit,
            None => fit_kept(training(&fit_options), &initial, keeper, run.progress)?,
        };
        keeper.set_head(&fit);
        Ok(TrainedHead {
            head,
            options: head_options,
            fit_options,
            choice,
            range,
            fit,
            loss,
            train_targets,
            validation_targets,
        })
    }

    /// Trains pretrained layers with it, if that was asked for.
    pub fn tune(&self, run: &Run, keeper: &mut Keeper) -> Result<Option<Tuned>, LearnError> {
        let Some(options) = &run.options.tune else {
            return Ok(None);
        };
        let start = Start {
            options,
            run: run.options,
            prepared: run.prepared,
            head: &self.head,
            fit: &self.fit,
            train: (&run.rows.train, &self.train_targets),
            validation: (&run.rows.validation, &self.validation_targets),
            loss: &self.loss,
        };
        tune(&start, run.store, keeper, run.progress).map(Some)
    }
}

/// The options of head and training, and how they were chosen where they were not given.
fn chosen(run: &Run) -> Result<(HeadOptions, FitOptions, Option<HeadChoice>), LearnError> {
    let Run {
        options, prepared, ..
    } = *run;
    let (mut head, mut fit) = (options.head, options.fit);
    if !options.choose_head {
        return Ok((head, fit, None));
    }
    let grounds = Grounds {
        task: &prepared.inference.task,
        features: &prepared.features.matrix,
        train: &run.rows.train,
        validation: &run.rows.validation,
        targets: &prepared.targets,
        head: &options.head,
        fit: &options.fit,
        loss: &options.loss,
        device: &prepared.device,
    };
    let choice = grounds.choose(run.progress)?;
    if let Some(taken) = choice.taken() {
        head.hidden = taken.hidden;
        fit.weight_decay = taken.weight_decay;
    }
    Ok((head, fit, Some(choice)))
}
