//! A file of named tensors, whatever its format.

use std::collections::HashSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use finial_graph::Tensor;

use crate::archive::Archive;
use crate::numbers::{NumberKind, Plain};
use crate::{FormatError, Source, hdf5, pytorch, safetensors};

/// A file of named tensors: names and shapes are known, numbers are still in the file.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    tensors: Vec<StoredTensor>,
}

/// A tensor in a file.
#[derive(Clone, Debug)]
pub struct StoredTensor {
    /// Its name in the file.
    pub name: String,
    /// Its shape, as the file has it.
    pub shape: Vec<usize>,
    /// What numbers the file has.
    pub kind: NumberKind,
    numbers: Numbers,
    path: Arc<Path>,
}

/// Where a tensor's numbers lie.
#[derive(Clone, Debug)]
pub(crate) enum Numbers {
    /// In one record, one after the other or by strides.
    Plain(Plain),
    /// In a dataset of an HDF5 file.
    Hdf5(hdf5::Dataset),
}

impl Checkpoint {
    /// Opens a file of any format that holds named tensors: told by its first bytes, not by its
    /// name.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is of no format that finial knows.
    pub fn open(path: &Path) -> Result<Self, FormatError> {
        let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
        Checkpoint::from_source(&source, path)
    }

    /// As [`open`](Self::open), for bytes from anywhere; `path` is what errors call them.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn from_source(source: &Source, path: &Path) -> Result<Self, FormatError> {
        match Format::of(source).map_err(|error| FormatError::reading(path, "the start", error))? {
            Format::Zip => {
                let archive = Archive::open(source, path)?;
                pytorch::zip(archive, source.len(), path)
            }
            Format::Pickle => pytorch::legacy(source, path),
            Format::Safetensors => safetensors::checkpoint(source, path),
            Format::Hdf5 => hdf5::checkpoint(source, path),
            Format::Tar => Err(FormatError::unsupported(
                path,
                "the file",
                "a tar archive, as PyTorch wrote them before version 0.1.10",
                ACCEPTED,
                "load it with PyTorch and save its state dict again with `torch.save`",
            )),
            Format::Unknown(found) => Err(unknown(path, found)),
        }
    }

    /// A checkpoint of these tensors, in a file of `len` bytes.
    ///
    /// # Errors
    /// Two tensors have one name, or they would hold many times more than the file.
    pub(crate) fn new(
        path: &Path,
        len: u64,
        tensors: Vec<StoredTensor>,
    ) -> Result<Self, FormatError> {
        let mut names = HashSet::new();
        let mut total = 0u64;
        for tensor in &tensors {
            let part = || format!("tensor `{}`", tensor.name);
            if !names.insert(tensor.name.as_str()) {
                let expected = "names that are unique";
                return Err(FormatError::damaged(
                    path,
                    part(),
                    expected,
                    "two of this name",
                ));
            }
            let bytes = tensor
                .shape
                .iter()
                .try_fold(4u64, |n, &d| n.checked_mul(d as u64));
            let all = bytes.and_then(|bytes| total.checked_add(bytes));
            total = all.filter(|&all| all <= most_bytes(len)).ok_or_else(|| {
                let expected = format!("no more numbers than a file of {len} bytes can hold");
                FormatError::damaged(path, part(), expected, format!("{:?}", tensor.shape))
            })?;
        }
        Ok(Checkpoint {
            path: path.to_owned(),
            tensors,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its tensors, in the file's order.
    pub fn tensors(&self) -> &[StoredTensor] {
        &self.tensors
    }
}

impl StoredTensor {
    /// A tensor that lies in the file at `path`.
    pub(crate) fn new(
        path: &Arc<Path>,
        name: impl Into<String>,
        shape: Vec<usize>,
        kind: NumberKind,
        numbers: Numbers,
    ) -> Self {
        StoredTensor {
            name: name.into(),
            shape,
            kind,
            numbers,
            path: path.clone(),
        }
    }

    /// Its numbers, in single precision, row-major in the shape of the file.
    ///
    /// # Errors
    /// The file cannot be read, or is shorter than it said.
    pub fn read(&self) -> Result<Tensor, FormatError> {
        self.read_as(self.shape.clone())
    }

    /// Its numbers in another shape of as many numbers.
    pub(crate) fn read_as(&self, shape: Vec<usize>) -> Result<Tensor, FormatError> {
        let values = match &self.numbers {
            Numbers::Plain(plain) => plain.read(&self.shape),
            Numbers::Hdf5(dataset) => Ok(dataset.read()?),
        };
        let part = || format!("tensor `{}`", self.name);
        let values = values.map_err(|error| FormatError::reading(&self.path, part(), error))?;
        Tensor::new(&self.name, shape, values).map_err(|error| FormatError::Weights {
            path: self.path.to_path_buf(),
            error,
        })
    }
}

/// How many bytes may come out of a file of `len`: packing and shared numbers multiply them, but
/// weights never by this much.
pub(crate) fn most_bytes(len: u64) -> u64 {
    len.saturating_mul(64).saturating_add(1 << 20)
}

const ACCEPTED: &str = "PyTorch (.pth, .pt, .bin), safetensors and Keras (.h5, .keras) files";

fn unknown(path: &Path, found: &str) -> FormatError {
    FormatError::unsupported(
        path,
        "the file",
        found,
        ACCEPTED,
        "see that the file is the one you mean, and that it was fetched whole",
    )
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// HDF5: Keras.
    Hdf5,
    /// A zip archive: PyTorch since 1.6, Keras 3.
    Zip,
    /// A pickle: PyTorch before 1.6.
    Pickle,
    /// A tar archive: PyTorch before 0.1.10.
    Tar,
    Safetensors,
    /// None of these, in words.
    Unknown(&'static str),
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Hdf5 => "an HDF5 file",
            Format::Zip => "a zip archive",
            Format::Pickle => "a pickle",
            Format::Tar => "a tar archive",
            Format::Safetensors => "a safetensors file",
            Format::Unknown(found) => found,
        })
    }
}

impl Format {
    pub(crate) fn of(source: &Source) -> std::io::Result<Self> {
        let mut first = [0; 512];
        let len = source.len().min(512) as usize;
        let first = &mut first[..len];
        source.read_at(0, first)?;
        Ok(match first {
            [] => Format::Unknown("empty"),
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Format::Zip,
            [0x80, 0..=5, ..] => Format::Pickle,
            _ if hdf5::is_hdf5(source)? => Format::Hdf5,
            _ if first.get(257..262) == Some(b"ustar") => Format::Tar,
            [l0, l1, l2, l3, l4, l5, l6, l7, b'{', ..]
                if u64::from_le_bytes([*l0, *l1, *l2, *l3, *l4, *l5, *l6, *l7]) < source.len() =>
            {
                Format::Safetensors
            }
            _ if first.starts_with(b"version https://git-lfs") => {
                Format::Unknown("a pointer that Git LFS keeps in place of the file")
            }
            _ if first.trim_ascii_start().starts_with(b"<") => Format::Unknown("a web page"),
            _ => Format::Unknown("of a format that its first bytes do not tell"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(bytes: &[u8]) -> Format {
        Format::of(&Source::from(bytes.to_vec())).unwrap()
    }

    #[test]
    fn first_bytes_tell_the_format() {
        assert_eq!(format(b"PK\x03\x04"), Format::Zip);
        assert_eq!(format(b"\x80\x02\x8a\x0a"), Format::Pickle);
        assert_eq!(format(b"\x89HDF\r\n\x1a\n"), Format::Hdf5);
        assert_eq!(format(b"\x02\0\0\0\0\0\0\0{}"), Format::Safetensors);
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(format(&tar), Format::Tar);
        assert_eq!(format(b"\n<!DOCTYPE html>"), Format::Unknown("a web page"));
        assert!(matches!(format(b"PK"), Format::Unknown(_)));
    }

    #[test]
    fn an_hdf5_file_may_begin_behind_a_users_block() {
        let mut bytes = vec![0; 2048];
        bytes.extend(b"\x89HDF\r\n\x1a\n");
        assert_eq!(format(&bytes), Format::Hdf5);
    }

    #[test]
    fn a_tar_of_old_pytorch_is_refused_by_name() {
        let mut tar = vec![0; 512];
        tar[257..262].copy_from_slice(b"ustar");
        let error = Checkpoint::from_source(&tar.into(), Path::new("old.pth")).unwrap_err();
        assert!(error.to_string().contains("tar archive"), "{error}");
    }
}
