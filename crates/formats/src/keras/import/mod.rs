//! A whole model of Keras as a graph and its weights.
//!
//! Layers are applied in an order in which each reads what is there already (`order`); a model
//! inside a model is applied layer by layer (`walk`), so that the result is one flat graph. What
//! the model reads is found in `input`. Names are those of Keras. Where one layer is several
//! nodes, the others are called `<layer>/<part>`; where a name stands twice, in a model and in one
//! inside it, the inner one is `<model>.<layer>`.

mod input;
mod order;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use finial_graph::{Graph, Shape, Weights};

use super::builder::{Builder, Value};
use super::compile::Compile;
use super::config::Model;
use super::file::ModelFile;
use crate::{FormatError, Source};
use walk::{Walk, count_names, valid};

/// What a caller may say about a model that is read.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Height and width, for a model whose input may have any.
    pub size: Option<[usize; 2]>,
    /// The layer whose value is the output; otherwise the model's own output.
    pub output: Option<String>,
}

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network.
    pub graph: Graph,
    /// Its numbers.
    pub weights: Weights,
    /// What it was trained with, if the file says so.
    pub compile: Option<Compile>,
    /// What [`export`](super::export) was told to keep beside the network.
    pub notes: Option<String>,
    /// For each layer of Keras, the node that holds what it gives.
    layers: BTreeMap<String, String>,
}

impl Imported {
    /// The node that holds what a layer gives: Keras's `get_layer(name).output`. The layer may
    /// be a whole model inside this one. The name itself if there is no such layer.
    pub fn node_of<'a>(&'a self, layer: &'a str) -> &'a str {
        self.layers.get(layer).map_or(layer, String::as_str)
    }
}

/// Reads a model: a `.keras` file, or an HDF5 file of a whole model.
///
/// # Errors
/// The file cannot be read or is damaged, holds weights only, or holds a layer or a setting that
/// finial has no operation for.
pub fn import(path: &Path) -> Result<Imported, FormatError> {
    import_with(path, &ImportOptions::default())
}

/// Reads a model; see [`import`].
///
/// # Errors
/// As [`import`]; also if the input may have any size and none is given, or has one and another
/// is given.
pub fn import_with(path: &Path, options: &ImportOptions) -> Result<Imported, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    import_from(source, path, options)
}

/// As [`import_with`], for bytes from anywhere; `path` is what errors call them.
///
/// # Errors
/// As [`import_with`].
pub fn import_from(
    source: Source,
    path: &Path,
    options: &ImportOptions,
) -> Result<Imported, FormatError> {
    let file = ModelFile::read(source, path)?;
    let model = Model::read(path, &file.config)?;
    let mut names = HashMap::new();
    count_names(path, &model, &mut names)?;

    let format = input::data_format(&file.config);
    let (input, shape) = input::of(path, &model, format, options.size)?;
    let builder = Builder {
        path,
        generation: file.generation,
        format,
        graph: Graph::with_input(&valid(input), shape),
        weights: Weights::new(),
    };
    let value = match shape {
        Shape::Map(_) => Value::new(valid(input), &format.axes()),
        other => Value::plain(valid(input), other.dims().len()),
    };
    let mut walk = Walk {
        builder,
        file: &file,
        names,
        layers: BTreeMap::new(),
        wanted: options.output.as_deref(),
    };
    walk.layers.insert(input.to_owned(), value.node.clone());
    let outputs = walk.model(&model, &mut Vec::new(), &[value])?;
    walk.finish(&model, outputs)
}
