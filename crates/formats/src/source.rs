//! Bytes that can be read at any place: a file, a part of one, or memory.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

/// A range of bytes, shared by whoever reads from it.
///
/// A file is read where its tensors lie, straight into their place, instead of being mapped into
/// memory: it never is in memory twice, and a file that shrinks meanwhile is an error, not a crash.
#[derive(Clone, Debug)]
pub struct Source {
    bytes: Bytes,
    start: u64,
    len: u64,
}

#[derive(Clone, Debug)]
enum Bytes {
    File(Arc<File>),
    Memory(Arc<[u8]>),
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Source {
            len: bytes.len() as u64,
            bytes: Bytes::Memory(bytes.into()),
            start: 0,
        }
    }
}

impl Source {
    /// A whole file.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let len = file.metadata()?.len();
        Ok(Source {
            bytes: Bytes::File(Arc::new(file)),
            start: 0,
            len,
        })
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// `len` bytes from `start`; none if there are not as many.
    pub fn part(&self, start: u64, len: u64) -> Option<Self> {
        let end = start.checked_add(len)?;
        (end <= self.len).then(|| Source {
            bytes: self.bytes.clone(),
            start: self.start + start,
            len,
        })
    }

    /// Fills `into` with the bytes from `at`.
    ///
    /// # Errors
    /// There are not as many (`UnexpectedEof`), or the file cannot be read.
    pub fn read_at(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        let part = self.part(at, into.len() as u64);
        let part = part.ok_or(io::ErrorKind::UnexpectedEof)?;
        match &part.bytes {
            Bytes::File(file) => read_file_at(file, part.start, into),
            Bytes::Memory(bytes) => {
                let start = usize::try_from(part.start).unwrap_or(usize::MAX);
                let from = bytes.get(start..).and_then(|rest| rest.get(..into.len()));
                into.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
        }
    }

    /// Reads from byte `at` on.
    pub(crate) fn reader(&self, at: u64) -> Reader {
        Reader {
            source: self.clone(),
            at,
        }
    }

    /// All bytes, in memory.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let len = usize::try_from(self.len).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let mut bytes = vec![0; len];
        self.read_at(0, &mut bytes)?;
        Ok(bytes)
    }
}

/// Reads a source from one end to the other.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    source: Source,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let left = self.source.len.saturating_sub(self.at);
        let now = usize::try_from(left).unwrap_or(usize::MAX).min(into.len());
        if now > 0 {
            self.source.read_at(self.at, &mut into[..now])?;
            self.at += now as u64;
        }
        Ok(now)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.source.len.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

#[cfg(unix)]
fn read_file_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<()> {
    use std::os::unix::fs::FileExt;
    file.read_exact_at(into, at)
}

#[cfg(windows)]
fn read_file_at(file: &File, mut at: u64, mut into: &mut [u8]) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !into.is_empty() {
        let read = file.seek_read(into, at)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        at += read as u64;
        into = &mut into[read..];
    }
    Ok(())
}
