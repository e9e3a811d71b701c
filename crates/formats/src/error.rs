//! What can be wrong with a file that someone else wrote.

use std::io;
use std::path::{Path, PathBuf};

use finial_graph::{GraphError, WeightsError};
use finial_task::near_names;

/// A file that cannot be used, or not written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FormatError {
    /// The file system failed.
    #[error("{}: {error}", path.display())]
    #[diagnostic(help("see that the file is there and can be read, or choose another place"))]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Bytes that the format does not allow.
    #[error("{}: {part}: expected {expected}, found {found}", path.display())]
    #[diagnostic(help(
        "the file is damaged, cut short, or of another format; copy or fetch it again"
    ))]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part of it: an entry, an object, a byte offset.
        part: String,
        /// What the format calls for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A layer that a model has not.
    #[error("{}: there is no layer `{layer}`{}", path.display(), listed(near))]
    #[diagnostic(help("name a layer of the model, or leave the name out"))]
    NoLayer {
        /// The file.
        path: PathBuf,
        /// The name that was asked for.
        layer: String,
        /// Names like it.
        near: Vec<String>,
    },
    /// Something that the format allows and finial does not take.
    #[error("{}: {part} is {found}; finial takes {accepted}", path.display())]
    #[diagnostic(help("{way_out}"))]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// The layer, node or tensor.
        part: Box<str>,
        /// What it is.
        found: Box<str>,
        /// What would be accepted.
        accepted: Box<str>,
        /// What the user can do.
        way_out: Box<str>,
    },
    /// Tensors that are not those of the network.
    #[error("{}: expected the weights of the network, found others: {differences}", path.display())]
    #[diagnostic(help(
        "the file belongs to another network, or to another variant of this one; its names are {names}"
    ))]
    Misfit {
        /// The file.
        path: PathBuf,
        /// Parameters without a tensor, tensors of another shape, tensors without a place; the
        /// first of each.
        differences: String,
        /// The first names in the file.
        names: String,
    },
    /// Numbers that weights cannot be.
    #[error("{}: {error}", path.display())]
    #[diagnostic(help("{}", error.help().map_or_else(String::new, |help| help.to_string())))]
    Weights {
        /// The file.
        path: PathBuf,
        /// What is wrong with them.
        error: WeightsError,
    },
    /// A network that does not hold together in finial's operations.
    #[error("{}: {error}", path.display())]
    #[diagnostic(help("{}", error.help().map_or_else(String::new, |help| help.to_string())))]
    Graph {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        error: Box<GraphError>,
    },
}

fn listed(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; near names are {}", near.join(", ")),
    }
}

impl FormatError {
    pub(crate) fn no_layer<'a>(
        path: &Path,
        layer: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        FormatError::NoLayer {
            path: path.to_owned(),
            layer: layer.to_owned(),
            near: near_names(layer, known)
                .into_iter()
                .map(str::to_owned)
                .collect(),
        }
    }

    /// The file system failed.
    pub(crate) fn file(path: &Path, error: io::Error) -> Self {
        FormatError::File {
            path: path.to_owned(),
            error,
        }
    }

    /// Bytes that the format does not allow.
    pub(crate) fn damaged(
        path: &Path,
        part: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        FormatError::Damaged {
            path: path.to_owned(),
            part: part.into(),
            expected: expected.into(),
            found: found.into(),
        }
    }

    /// Something that the format allows and finial does not take.
    pub(crate) fn unsupported(
        path: &Path,
        part: impl Into<String>,
        found: impl Into<String>,
        accepted: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Self {
        FormatError::Unsupported {
            path: path.to_owned(),
            part: part.into().into(),
            found: found.into().into(),
            accepted: accepted.into().into(),
            way_out: way_out.into().into(),
        }
    }

    /// Why a part of the file could not be read: it ends too early, or the file system failed.
    pub(crate) fn reading(path: &Path, part: impl Into<String>, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                FormatError::damaged(path, part, "more bytes", "the end of the file")
            }
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                FormatError::damaged(path, part, "bytes that can be unpacked", error.to_string())
            }
            _ => FormatError::file(path, error),
        }
    }
}
