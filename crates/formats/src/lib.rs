//! Networks and weights as Keras, PyTorch and ONNX keep them, in both directions.
//!
//! A file of named tensors is a [`Checkpoint`]: names and shapes are read, numbers stay in the
//! file until they are asked for. A whole model becomes a graph and its weights.
//!
//! A file is data here. Nothing in it is ever run, no length in it is believed before the file is
//! known to be that long, and whatever is wrong with it is said with the part that is at fault.

mod archive;
mod checkpoint;
mod error;
mod fit;
pub mod hdf5;
pub mod keras;
mod model;
mod names;
mod new_file;
mod numbers;
pub mod onnx;
mod pytorch;
mod safetensors;
mod source;

pub use checkpoint::{Checkpoint, StoredTensor};
pub use error::FormatError;
pub use fit::{Loading, load};
pub use model::{ImportOptions, Imported, import, load_backbone};
pub use names::Naming;
pub use numbers::NumberKind;
pub use safetensors::export as export_safetensors;
pub use source::Source;
