//! From an ONNX file to a graph and its weights.
//!
//! The file's operations are taken in their order. What computes only shapes is computed here
//! (`fold`); what moves axes changes how a node is seen (`view`); the rest becomes nodes. Before
//! that, operations that exporters write as several are put together again (`patterns`). A file
//! that finial wrote is recognised and taken as it was written (`own`).
//!
//! The batch is taken as one image: every file of a classifier treats images alike, and then no
//! axis of a batch has to be followed through reshapes and transposes.

mod arrange;
mod array;
mod attention;
mod axes;
mod concat;
mod elementwise;
mod fold;
mod inputs;
mod known;
mod layers;
mod outline;
mod own;
mod patterns;
mod places;
mod pooling;
mod quantised;
mod reader;
mod view;

use std::collections::BTreeMap;
use std::path::Path;

use finial_graph::{Graph, Weights};

use super::Description;
use super::file::OnnxFile;
use crate::FormatError;

/// How a file is to be read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Height and width of the images, for a file that leaves them open.
    pub size: Option<[usize; 2]>,
    /// The last node or value that is wanted, by its name in the file: what follows it is not
    /// read, and may be what finial does not take.
    pub until: Option<String>,
}

/// A network out of an ONNX file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network. Its input takes what the file's takes: a model whose preprocessing is
    /// outside of the file needs it put in front, as a [`Rescale`](finial_graph::Op::Rescale).
    pub graph: Graph,
    /// Its parameters.
    pub weights: Weights,
    /// What the file says of itself.
    pub description: Description,
    names: BTreeMap<String, String>,
}

impl Imported {
    /// The node of the graph that stands for a node or a value of the file, by its name there.
    ///
    /// Nodes keep their names where they compute something. One that only moves axes is no node
    /// of the graph; it is found as the node that it reads.
    pub fn node_of(&self, name: &str) -> Option<&str> {
        let known = self.graph.nodes().iter().find(|node| node.name == name);
        match known {
            Some(node) => Some(&node.name),
            None => self.names.get(name).map(String::as_str),
        }
    }
}

/// Reads a whole network from an ONNX file, opsets 9 to 22.
///
/// The input is an image, `[N, C, H, W]` or `[N, H, W, C]`, or a vector `[N, F]` or tokens
/// `[N, T, D]`; weights of half precision become single precision, quantised ones are
/// multiplied out.
///
/// ```no_run
/// let network = finial_formats::onnx::import("resnet18.onnx".as_ref())?;
/// println!("{} nodes", network.graph.nodes().len());
/// # Ok::<(), finial_formats::FormatError>(())
/// ```
///
/// # Errors
/// The file cannot be read or is damaged, or holds something that finial does not take, which is
/// named.
pub fn import(path: &Path) -> Result<Imported, FormatError> {
    import_with(path, &Options::default())
}

/// As [`import`], for images of a given size or up to a given node.
///
/// # Errors
/// As [`import`].
pub fn import_with(path: &Path, options: &Options) -> Result<Imported, FormatError> {
    import_file(OnnxFile::open(path)?, options)
}

/// As [`import_with`], from a file whose bytes are in memory; `path` is for messages, and for the
/// folder in which its weights may be.
///
/// # Errors
/// As [`import`].
pub fn import_bytes(
    path: &Path,
    bytes: Vec<u8>,
    options: &Options,
) -> Result<Imported, FormatError> {
    import_file(OnnxFile::read(path, bytes.into())?, options)
}

fn import_file(file: OnnxFile, options: &Options) -> Result<Imported, FormatError> {
    let description = own::description(&file);
    if options.until.is_none()
        && let Some((graph, weights)) = own::recognise(&file, &description)?
    {
        return Ok(Imported {
            graph,
            weights,
            description,
            names: BTreeMap::new(),
        });
    }
    let (graph, weights, names) = reader::read(&file, options)?;
    let error = |error| FormatError::Weights {
        path: file.path.clone(),
        error,
    };
    graph.check_weights(&weights).map_err(error)?;
    Ok(Imported {
        graph,
        weights,
        description,
        names,
    })
}
