#![doc = include_str!("../../../README.md")]
//!
//! # Where things are
//!
//! This crate is the door: it re-exports the rooms below and holds the `finial` binary.
//!
//! | module | what it is |
//! |---|---|
//! | [`task`] | labels → contract: the final layer, its loss, its metrics |
//! | [`graph`] | a network as data, the backbones |
//! | [`formats`] | models and weights of Keras, PyTorch and ONNX, in and out |
//! | [`check`] | finds the wrong final layer in programs that others wrote |
//! | [`data`] | folders and tables of images, decoding, splits |
//! | [`store`] | features kept on disk |
//! | [`engine`] | runs a graph on Burn |
//! | [`learn`] | the training story, models, prediction, evaluation |
//! | [`report`] | one page of HTML |

pub use finial_check as check;
pub use finial_data as data;
pub use finial_engine as engine;
pub use finial_formats as formats;
pub use finial_graph as graph;
pub use finial_hub as hub;
pub use finial_learn as learn;
pub use finial_report as report;
pub use finial_store as store;
pub use finial_task as task;

pub use finial_data::Split;
pub use finial_learn::{
    BackboneOptions, LearnError, Model, Pooling, Predictor, Preprocessing, Progress, Quiet,
    Reserved, TrainOptions, Trained, evaluate, train,
};
pub use finial_store::FeatureStore;
pub use finial_task::{Prediction, Task, TaskKind};
