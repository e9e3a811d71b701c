//! A whole model, and the weights of a known network, whatever the format of their file.

use std::ffi::OsStr;
use std::path::Path;

use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Parameter, Weights};

use crate::archive::Archive;
use crate::checkpoint::Format;
use crate::{Checkpoint, FormatError, Loading, Naming, Source, keras, load, onnx};

/// What a caller may say about a model that is read.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Height and width of the images, for a model that leaves them open.
    pub size: Option<[usize; 2]>,
    /// The layer at which the model is cut: nothing behind it is read, which may be what finial
    /// does not take.
    pub cut: Option<String>,
}

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network, up to the cut if one was asked for.
    pub graph: Graph,
    /// Its parameters.
    pub weights: Weights,
}

/// Reads a whole model: a `.keras` file, an HDF5 file of Keras, or an ONNX file, told by its
/// first bytes.
///
/// # Errors
/// The file cannot be read or is damaged, holds weights without a network, has no such layer, or
/// holds a layer or a setting that finial has no operation for.
pub fn import(path: &Path, options: &ImportOptions) -> Result<Imported, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    match kind(&source, path)? {
        Kind::Keras => {
            let imported = keras::import_with(
                path,
                &keras::ImportOptions {
                    size: options.size,
                    output: options.cut.clone(),
                },
            )?;
            Ok(Imported {
                graph: imported.graph,
                weights: imported.weights,
            })
        }
        Kind::Weights => Err(FormatError::unsupported(
            path,
            "the file",
            "a file of weights without their network",
            "whole models of Keras (.keras, .h5) and ONNX (.onnx)",
            "name the network that the weights belong to: --backbone NAME --weights FILE",
        )),
        // What begins as neither would be called a damaged ONNX file.
        Kind::Other if is_called_keras(path) => {
            let expected = "an HDF5 file or a zip archive, as Keras writes them";
            Err(FormatError::damaged(path, "the file", expected, "neither"))
        }
        Kind::Other => {
            let imported = onnx::import_with(
                path,
                &onnx::Options {
                    size: options.size,
                    until: options.cut.clone(),
                },
            )?;
            Ok(Imported {
                graph: imported.graph,
                weights: imported.weights,
            })
        }
    }
}

/// Reads the parameters of `graph`, a part of `backbone`, from a file of its weights: as Keras,
/// PyTorch or safetensors keep them, under the names of its publisher or of another library that
/// publishes the same network.
///
/// `behind_the_cut` are parameters that `graph` lacks since it was cut: the file may have them.
///
/// # Errors
/// The file cannot be read or is damaged. Lists parameters that are missing, shapes that differ
/// and tensors without a place, with near names.
pub fn load_backbone(
    path: &Path,
    backbone: &Backbone,
    graph: &Graph,
    behind_the_cut: &[Parameter],
) -> Result<Weights, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    if let Kind::Keras = kind(&source, path)? {
        return keras::load_weights_from(source, path, graph, behind_the_cut);
    }
    let checkpoint = Checkpoint::from_source(&source, path)?;
    let names = checkpoint
        .tensors()
        .iter()
        .map(|tensor| tensor.name.as_str());
    // What was cut off tells libraries apart as well: of VGG it is all that they call differently.
    let parameters = [graph.parameters(), behind_the_cut.to_vec()].concat();
    let naming = Naming::of(backbone.name, &parameters, names);
    let loading = Loading {
        rename: &|name| naming.parameter(name),
        behind_the_cut,
    };
    load(&checkpoint, graph, &loading)
}

fn is_called_keras(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    ["keras", "h5", "hdf5"].contains(&ending.to_ascii_lowercase().as_str())
}

/// Whose file it is.
enum Kind {
    /// HDF5, or a zip archive of Keras 3.
    Keras,
    /// PyTorch's or safetensors.
    Weights,
    /// ONNX if anything: its first bytes tell nothing.
    Other,
}

fn kind(source: &Source, path: &Path) -> Result<Kind, FormatError> {
    let format = Format::of(source);
    let format = format.map_err(|error| FormatError::reading(path, "the start", error))?;
    Ok(match format {
        Format::Hdf5 => Kind::Keras,
        Format::Zip => match Archive::open(source, path)?
            .names()
            .any(|name| name == "config.json")
        {
            true => Kind::Keras,
            false => Kind::Weights,
        },
        Format::Pickle | Format::Tar | Format::Safetensors => Kind::Weights,
        Format::Unknown(_) => Kind::Other,
    })
}
