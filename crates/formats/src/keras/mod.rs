//! Whole models of Keras, in both directions.
//!
//! [`import`] reads a `.keras` file, or an HDF5 file with a model in it, of Keras 2 and 3:
//! `file` finds the numbers, `config` says who reads whom, `layers` what each class of layer is
//! in a graph, and `builder` keeps Keras's order of axes apart from the graph's.
//!
//! [`load_weights`] reads weights into a graph whose nodes have the names of Keras's layers, as
//! the backbones do; `kernel` turns Keras's kernels into a graph's and back.
//!
//! [`export`] writes a `.keras` file for Keras 3.
//!
//! [`configuration()`] reads what a file says of its model and nothing else, whatever its layers are.
//!
//! Nothing in a file is run: code that a model carries (`Lambda`, classes of a project's own) is
//! refused by name.

mod builder;
mod compile;
mod config;
mod configuration;
mod export;
mod file;
mod import;
mod kernel;
mod layers;
mod settings;
mod weights;

pub use compile::Compile;
pub use configuration::{Configuration, configuration, reconfigure};
pub use export::{ExportOptions, export};
pub use import::{ImportOptions, Imported, import, import_from, import_with};
pub use weights::{load_weights, load_weights_from};
