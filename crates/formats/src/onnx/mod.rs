//! ONNX, in both directions.
//!
//! [`import`] reads a file and gives a graph and its weights; [`export`] writes them. A file that
//! finial wrote comes back as it was. The messages of the format are in `proto`, reading a file
//! without its weights in `file`; each direction has a folder.

mod ends;
mod export;
mod file;
mod import;
mod proto;

pub use ends::{End, Ends, Step, ends};
pub use export::{Description, Input, export, write};
pub use import::{Imported, Options, import, import_bytes, import_with};
