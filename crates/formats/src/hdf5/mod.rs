//! HDF5, as h5py and Keras write it: groups, attributes, and datasets of numbers.
//!
//! [`File`] reads what any release of h5py writes for Keras: superblocks 0 to 3, groups as symbol
//! tables or links, attributes of text and numbers, datasets in one piece or in chunks, deflated
//! or not. [`Writer`] writes the oldest layout, which everything reads. What neither does by
//! design: links to other files, virtual datasets, compound types.
//!
//! The rooms are those of the format: `superblock`, `header` (an object's messages), `message`
//! (what they say), `group` and `attribute`, `heap` and `btree` (where long lists are kept),
//! `dataset` with `chunks` and `filter`. `block` reads bytes and bounds the work.
//!
//! A crafted file can make a reader run in circles: a group that holds itself, a list that
//! continues at its own start. Instead of a guard in each of these places, a file may only have so
//! many bytes of metadata read from it, in proportion to its size.

mod attribute;
mod block;
mod btree;
mod chunks;
mod dataset;
mod datatype;
mod filter;
mod fractal;
mod group;
mod header;
mod heap;
mod message;
mod superblock;
mod walk;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use attribute::Value;
pub use dataset::Dataset;
pub use group::{Group, Object};
pub(crate) use walk::checkpoint;
pub use writer::{GroupWriter, Take, Writer};

use crate::{FormatError, Source};
use block::Reader;

/// The first bytes of an HDF5 file.
const SIGNATURE: [u8; 8] = *b"\x89HDF\r\n\x1a\n";

/// Whether a source is an HDF5 file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn is_hdf5(source: &Source) -> std::io::Result<bool> {
    Ok(superblock::find(source)?.is_some())
}

/// An open HDF5 file. Cheap to clone; groups and datasets hold it open.
#[derive(Clone, Debug)]
pub struct File {
    reader: Arc<Reader>,
    root: u64,
}

impl File {
    /// Opens a file.
    ///
    /// # Errors
    /// It cannot be read, or is not HDF5.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let source = Source::open(path).map_err(|error| FormatError::File {
            path: path.to_owned(),
            error,
        })?;
        File::read(source, path)
    }

    /// Reads HDF5 from any source; `path` is for messages.
    ///
    /// # Errors
    /// It cannot be read, or is not HDF5.
    pub fn read(source: Source, path: &Path) -> Result<Self, FormatError> {
        let (reader, root) = superblock::open(source, path)?;
        Ok(File {
            reader: Arc::new(reader),
            root,
        })
    }

    /// The group that holds everything.
    ///
    /// # Errors
    /// It is damaged.
    pub fn root(&self) -> Result<Group, FormatError> {
        match Object::open(self, self.root, "/".to_owned())? {
            Object::Group(group) => Ok(group),
            Object::Dataset(_) => Err(self.reader.damaged("/", "a group", "a dataset")),
        }
    }

    /// The path that it was opened with.
    pub fn path(&self) -> &Path {
        self.reader.path()
    }
}
