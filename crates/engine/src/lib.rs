//! Runs a [`Graph`](finial_graph::Graph) on Burn.
//!
//! [`Network`] is the executor that trains: it knows gradients. A network that is only run over
//! images is a [`Frozen`], behind which is Burn or a faster engine. The device is a value
//! ([`device`]), chosen at run time: Burn's tensors carry it.
//!
//! What a network is lives in `finial-graph`; which loss to minimise and when to stop, in
//! `finial-learn`.

mod adam;
pub mod device;
mod error;
#[cfg(feature = "cpu")]
mod extension;
pub mod frozen;
mod gradient;
mod gradients;
mod layer;
mod native;
mod network;
mod value;

pub use adam::{AdamState, AdamW, AdamWOptions};
pub use burn::tensor::{Device, Tensor};
pub use error::EngineError;
pub use frozen::{Choice, Engine, Frozen, OPENVINO_VARIABLE, Precision};
pub use gradients::Gradients;
pub use native::Native;
pub use network::{Mode, Network};
pub use value::Value;
