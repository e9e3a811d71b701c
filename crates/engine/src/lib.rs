//! Runs a [`Graph`](finial_graph::Graph) on Burn.
//!
//! There is one executor, [`Network`], for the frozen backbone, for the head in training and for
//! the whole model at prediction. The device is a value ([`device`]), chosen at run time: Burn's
//! tensors carry it.
//!
//! What a network is lives in `finial-graph`; which loss to minimise and when to stop, in
//! `finial-learn`.

mod adam;
pub mod device;
mod error;
mod layer;
mod network;
mod value;

pub use adam::Adam;
pub use burn::tensor::{Device, Tensor};
pub use error::EngineError;
pub use network::{Mode, Network};
pub use value::Value;
