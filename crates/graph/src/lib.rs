//! A network as data.
//!
//! A [`Graph`] is a list of named nodes, each an [`Op`] and the names of its inputs; [`Weights`]
//! is a map of named tensors. Together they serialise to JSON and safetensors. Preprocessing is
//! nodes of the graph like any other, so it cannot be forgotten, and the place where freezing
//! ends is the name of a node ([`Graph::cut_at`]).
//!
//! Shapes are per image and channels-first: `[C, H, W]` for maps, `[F]` for vectors, `[T, D]` for
//! tokens.
//!
//! Nothing is computed here: `finial-engine` runs a graph. [`backbones`] builds the pretrained
//! networks, one file a family.

pub mod backbones;
mod block;
mod cut;
mod error;
mod fold;
mod graph;
mod op;
mod preprocessing;
mod rules;
mod scaling;
mod shape;
mod simplify;
mod weights;

pub use error::{GraphError, WeightsError};
pub use fold::{FoldError, fold_batch_norms};
pub use graph::{Graph, Node};
pub use op::{Arity, Op, Order, Parameter};
pub use preprocessing::{Preprocessing, brings_preprocessing};
pub use scaling::Scaling;
pub use shape::{Padding, Shape, reach};
pub use simplify::simplify;
pub use weights::{Precision, Tensor, Weights};
