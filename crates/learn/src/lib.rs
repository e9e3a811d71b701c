//! The training story: open → infer → extract → split → fit → calibrate → evaluate → save.
//!
//! [`train()`] is that story, readable from top to bottom in [`prepare`] and [`mod@train`]; each
//! step has a file:
//!
//! - [`pretrained`]: a backbone with its weights.
//! - [`engine`]: what runs the frozen part.
//! - [`extract`]: the frozen part, once per image, through the feature store.
//! - [`head`]: the layers behind the cut, whose last one the task decides.
//! - [`loss`] and [`fit`]: training the head on stored features; [`tune`]: pretrained layers with
//!   it. The loop of both is in [`course`], with its [`schedule`]; [`checkpoint`] keeps it on disk.
//! - [`choose`] and [`mod@range_test`]: a head and a learning rate that are found out.
//! - [`augment`] and [`mixup`]: training images as they might also have been.
//! - [`certainty`]: calibration, thresholds, and answers with a guarantee.
//! - [`model`]: what is saved and read again; [`predict`] and [`mod@evaluate`] use it, and
//!   [`Model::export`] writes it for others.
//! - [`explain`]: where in a picture a model saw what it says.
//! - [`mod@inspect`]: what is suspicious in a data set.
//! - [`mod@study`]: what a wrong final layer costs, on the same features.
//! - `report`: what a person reads, handed to `finial-report`.
//! - [`cache`]: the folders of features and of fetched weights.
//!
//! What the final layer must be is not decided here but by `finial-task`.

pub mod augment;
pub mod cache;
pub mod certainty;
mod chance;
pub mod checkpoint;
pub mod choose;
pub mod course;
mod decoder;
pub mod engine;
mod error;
pub mod evaluate;
pub mod explain;
mod export;
pub mod extract;
mod feed;
pub mod fit;
pub mod head;
mod identity;
pub mod inspect;
pub mod loss;
pub mod mixup;
pub mod model;
pub mod predict;
pub mod prepare;
pub mod pretrained;
mod progress;
pub mod range_test;
mod report;
pub mod schedule;
pub mod study;
pub mod train;
pub mod tune;
mod views;

pub use augment::Augmentation;
pub use certainty::{Certainty, CertaintyOptions};
pub use checkpoint::CheckpointOptions;
pub use choose::HeadChoice;
pub use course::{Divergence, Phase};
pub use engine::{Decision, EngineOptions};
pub use error::LearnError;
pub use evaluate::{EvaluateOptions, Evaluated, evaluate};
pub use explain::{Explained, Explainer, Explanation};
pub use export::ExportFormat;
pub use head::{Head, HeadOptions, Pooling};
pub use inspect::{Inspection, inspect};
pub use loss::{ClassWeights, LossOptions};
pub use mixup::Mixup;
pub use model::{Model, Reserved};
pub use predict::{Answer, Predictor};
pub use prepare::{Prepared, TrainOptions, labels};
pub use pretrained::{BackboneOptions, Preprocessing, Pretrained};
pub use progress::{Progress, Quiet, Stage};
pub use range_test::RangeTest;
pub use study::{Study, StudyOptions, study};
pub use train::{Trained, train};
pub use tune::{TuneFrom, TuneOptions, Tuned};
