//! A graph as a `.keras` file that Keras 3 loads without any code of ours.
//!
//! `layers` says which layer of Keras each operation is, `network` in which order Keras keeps
//! them, and `archive` writes the file. Channels stand first in a graph and last in Keras; as in
//! the other direction, values are moved only where an operation needs them otherwise.

mod archive;
mod layers;
mod network;

use std::path::Path;

use finial_graph::{Graph, Weights};

use super::compile::Compile;
use crate::FormatError;

/// What goes into the file beside the network.
#[derive(Clone, Debug, Default)]
pub struct ExportOptions {
    /// What Keras is to train the model with.
    pub compile: Option<Compile>,
    /// What Keras does not ask for, as the names of classes: JSON, kept as `finial.json`.
    pub notes: Option<String>,
}

/// Writes a graph and its weights as a `.keras` file for Keras 3.
///
/// A layer has the name of its node; characters that Keras does not allow in names become
/// underscores. Where one of Keras's layers is several nodes, as a convolution with its
/// activation, they are joined again. The same graph always gives the same bytes.
///
/// # Errors
/// An operation is no layer of Keras, a parameter is missing, or the file cannot be written.
pub fn export(
    graph: &Graph,
    weights: &Weights,
    options: &ExportOptions,
    path: &Path,
) -> Result<(), FormatError> {
    graph
        .check_weights(weights)
        .map_err(|error| FormatError::Weights {
            path: path.to_owned(),
            error,
        })?;
    let mut network = network::Network::new(path, graph, weights);
    layers::add_all(&mut network)?;
    archive::write(&network, options, path)
}
