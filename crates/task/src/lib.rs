//! Labels in, a contract out.
//!
//! [`Task`] is the one place that decides the final layer: its units, its activation, the loss
//! it is trained with, the metrics it is judged by, how labels become numbers and how numbers
//! become labels again. Everything else in finial asks it.
//!
//! - [`infer`] looks at the labels of a data set and says which task they call for, and why.
//! - [`LabelSource::find`] says where other data holds the labels of a task known already.
//! - [`Targets`] are labels as numbers; [`Prediction`] is the way back.
//! - [`metrics`] are the plain functions, [`Task::score`] picks those that fit, and
//!   [`Task::intervals`] says how far they may be off.
//! - What makes answers honest is learned from images that the network did not learn from:
//!   [`calibration`] of probabilities, [`Thresholds`], and [`Conformal`] sets and intervals.
//! - [`Task::suspects`] names labels that are probably wrong, [`Task::far_off`] numbers.
//!
//! There is no tensor library here. Losses as tensors live in `finial-learn`, the layers
//! themselves in `finial-graph`.
//!
//! ```
//! use finial_task::{Activation, Loss, Task};
//!
//! let task = Task::multi_label(["cat", "dog", "bird"])?;
//! assert_eq!(task.units(), 3);
//! assert_eq!(task.activation(), Activation::Sigmoid);
//! assert_eq!(task.loss(), Loss::BinaryCrossEntropy);
//! # Ok::<(), finial_task::TaskError>(())
//! ```

mod bootstrap;
pub mod calibration;
mod cells;
mod conformal;
mod far_off;
mod infer;
mod kind;
mod labels;
mod layer;
mod metric;
pub mod metrics;
mod near;
mod prediction;
mod score;
mod suspects;
mod task;
mod thresholds;
mod wording;

pub use bootstrap::{Interval, Resamples, wilson};
pub use calibration::{Calibration, Reliability};
pub use conformal::{Conformal, Coverage, Guaranteed, Reach};
pub use far_off::FarOff;
pub use infer::{InferError, Inference, Request, infer};
pub use kind::TaskKind;
pub use labels::{Column, LabelError, LabelSource, RawLabels, Targets};
pub use layer::{Activation, Loss};
pub use metric::{Better, Metric};
pub use near::near_names;
pub use prediction::{NamedProbability, NamedValue, Prediction};
pub use score::{Detail, Scores};
pub use suspects::Suspect;
pub use task::{Task, TaskError};
pub use thresholds::{ThresholdRule, ThresholdRuleError, Thresholds};
