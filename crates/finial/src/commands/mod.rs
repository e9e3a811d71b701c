//! One file a command. What they share is how arguments become options, and the feature store.

pub mod backbones;
pub mod cache;
pub mod check;
pub mod demo;
pub mod doctor;
pub mod evaluate;
pub mod explain;
pub mod export;
pub mod features;
pub mod inspect;
pub mod predict;
pub mod rule;
pub mod study;
pub mod train;

use std::path::Path;

use finial::learn::pretrained::BackboneOptions;
use finial::learn::{self, EngineOptions, HeadOptions, Pooling};
use finial::store::DEFAULT_LIMIT_BYTES;
use finial::task::Request;
use finial::{FeatureStore, Progress, TrainOptions};

use crate::args::{BackboneArgs, Common, DataArgs, PoolingArg, StoreArgs, TaskArgs};
use crate::error::CliError;

/// The model must be there, which is cheap to know before anything else.
fn expect_model(model: &Path) -> Result<(), CliError> {
    match model.exists() {
        true => Ok(()),
        false => Err(CliError::NoModel(model.to_owned())),
    }
}

/// The feature store, unless it is not wanted. A store that cannot be opened is said, and done
/// without.
fn open_store(args: &StoreArgs, progress: &dyn Progress) -> Option<FeatureStore> {
    if args.no_cache {
        return None;
    }
    let opened = learn::cache::features()
        .map_err(CliError::from)
        .and_then(|folder| Ok(FeatureStore::open(&folder, DEFAULT_LIMIT_BYTES)?));
    match opened {
        Ok(store) => {
            if let Some(notice) = store.notice() {
                progress.say(&format!("note: {notice}"));
            }
            Some(store)
        }
        Err(error) => {
            progress.say(&format!(
                "note: features are not kept for later runs: {error}"
            ));
            None
        }
    }
}

/// What was typed of the engine.
fn engine_options(common: &Common) -> EngineOptions {
    EngineOptions {
        engine: common.engine.0,
        precision: common.precision.0,
    }
}

/// Options from what was typed; what the command has no flag for keeps its default.
fn train_options(
    data: &Path,
    task: &TaskArgs,
    reading: &DataArgs,
    common: &Common,
) -> TrainOptions {
    let mut options = TrainOptions::new(data);
    options.device.clone_from(&common.device);
    options.engine = engine_options(common);
    options.request = Request {
        kind: task.task,
        label_columns: reading.label_column.clone(),
        positive: task.positive.clone(),
    };
    options.image_column.clone_from(&reading.image_column);
    options.allow_unreadable = reading.allow_unreadable;
    options.backbone = backbone_options(&task.backbone);
    options.head = HeadOptions {
        pooling: match task.pooling {
            PoolingArg::Average => Pooling::Average,
            PoolingArg::Flatten => Pooling::Flatten,
        },
        ..options.head
    };
    options.fit.seed = task.seed;
    options
}

/// Which pretrained network, from what was typed.
fn backbone_options(typed: &BackboneArgs) -> BackboneOptions {
    let typed = typed.clone();
    BackboneOptions {
        name: typed.backbone,
        weights: typed.weights,
        cut: typed.cut,
        preprocessing: typed.preprocessing,
        image_size: typed.image_size,
    }
}
