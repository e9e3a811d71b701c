//! Zip archives: their entries, read at any place.
//!
//! PyTorch and Keras both keep their files in one. What the entries mean is for others.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

use crate::source::{Reader, Source};
use crate::{FormatError, checkpoint};

/// An open zip archive.
pub(crate) struct Archive {
    path: PathBuf,
    source: Source,
    zip: ZipArchive<Reader>,
}

/// The bytes of one entry: as they are, or deflated in the file.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    source: Source,
    /// How many bytes there are once they are inflated, as the archive says.
    inflated: Option<u64>,
}

impl From<Source> for Record {
    fn from(source: Source) -> Self {
        Record {
            source,
            inflated: None,
        }
    }
}

impl Archive {
    /// Reads the directory of an archive.
    pub(crate) fn open(source: &Source, path: &Path) -> Result<Self, FormatError> {
        let damaged = |found: String| {
            FormatError::damaged(
                path,
                "the directory of the zip archive",
                "its entries",
                found,
            )
        };
        let zip = ZipArchive::new(source.reader(0)).map_err(|error| damaged(error.to_string()))?;
        if zip.has_duplicate_names() {
            return Err(damaged("two of one name".into()));
        }
        Ok(Archive {
            path: path.to_owned(),
            source: source.clone(),
            zip,
        })
    }

    /// The names of its entries; one that is not Unicode is left out.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.zip.file_names_raw();
        names.filter_map(|name| std::str::from_utf8(name).ok())
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// There is none, or it is encrypted or packed in a way other than deflate.
    pub(crate) fn record(&mut self, name: &str) -> Result<Record, FormatError> {
        let path = &self.path;
        let part = || format!("entry `{name}`");
        let damaged = |found: &str| FormatError::damaged(path, part(), "its bytes", found);
        let Some(index) = self.zip.index_for_name(name) else {
            return Err(damaged("no such entry"));
        };
        let entry = self.zip.by_index_raw(index);
        let entry = entry.map_err(|error| damaged(&error.to_string()))?;
        let unsupported = |found: String| {
            let accepted = "entries that are stored or deflated";
            FormatError::unsupported(path, part(), found, accepted, "pack the archive again")
        };
        if entry.encrypted() {
            return Err(unsupported("encrypted".into()));
        }
        let inflated = match entry.compression() {
            CompressionMethod::Stored => None,
            CompressionMethod::Deflated => Some(entry.size()),
            other => return Err(unsupported(format!("packed as {other}"))),
        };
        let packed = entry.compressed_size();
        if inflated.is_none() && entry.size() != packed {
            return Err(damaged("two different lengths"));
        }
        let start = entry.data_start();
        drop(entry);
        let source = start.and_then(|start| self.source.part(start, packed));
        let record = Record {
            source: source.ok_or_else(|| damaged("the end of the file"))?,
            inflated,
        };
        if record.len() > checkpoint::most_bytes(self.source.len()) {
            let found = format!("{} bytes in a file of {}", record.len(), self.source.len());
            return Err(damaged(&found));
        }
        Ok(record)
    }
}

impl Record {
    /// How many bytes there are; for a deflated entry, as the archive says.
    pub(crate) fn len(&self) -> u64 {
        self.inflated.unwrap_or(self.source.len())
    }

    /// Reads from byte `at` on.
    pub(crate) fn reader(&self, at: u64) -> io::Result<Box<dyn Read>> {
        let Some(len) = self.inflated else {
            return Ok(Box::new(self.source.reader(at)));
        };
        let inflating = DeflateDecoder::new(self.source.reader(0));
        let mut inflated = inflating.take(len);
        let skipped = io::copy(&mut inflated.by_ref().take(at), &mut io::sink())?;
        if skipped < at {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Box::new(inflated))
    }

    /// The bytes where they lie, or inflated into memory.
    pub(crate) fn source(&self) -> io::Result<Source> {
        let Some(len) = self.inflated else {
            return Ok(self.source.clone());
        };
        let mut bytes = Vec::new();
        self.reader(0)?.read_to_end(&mut bytes)?;
        if bytes.len() as u64 != len {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes.into())
    }
}
