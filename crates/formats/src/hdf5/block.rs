//! Stretches of a file's metadata, and the bound on how much of it is read.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{FormatError, Source};

/// Metadata that may be read from a file, as a multiple of its size. A file in order is read about
/// once; lists of text that share a heap are the reason for more.
const REREAD: u64 = 16;

/// Added to that, so that small files are not counted to the byte.
const REREAD_AT_LEAST: u64 = 4 << 20;

/// What each read costs besides its bytes.
const READ_COST: u64 = 32;

/// Numbers that a dataset may unfold to, as a multiple of the file's size in bytes: what is
/// deflated, or was never written, takes more room in memory than in the file.
const EXPANSION: u64 = 64;

/// Added to that.
const EXPANSION_AT_LEAST: u64 = 1 << 20;

/// The bytes of a file, and how wide its addresses are. Addresses count from the superblock.
#[derive(Debug)]
pub(super) struct Reader {
    path: PathBuf,
    bytes: Source,
    offset_size: u8,
    length_size: u8,
    spent: AtomicU64,
}

impl Reader {
    pub(super) fn new(path: &Path, bytes: Source, offset_size: u8, length_size: u8) -> Self {
        Reader {
            path: path.to_owned(),
            bytes,
            offset_size,
            length_size,
            spent: AtomicU64::new(0),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len()
    }

    /// Bytes of an address.
    pub(super) fn offset_size(&self) -> usize {
        usize::from(self.offset_size)
    }

    /// Bytes of a length.
    pub(super) fn length_size(&self) -> usize {
        usize::from(self.length_size)
    }

    /// `len` bytes of metadata from `at`; `what` they should be is for messages.
    pub(super) fn block(&self, at: u64, len: u64, what: &str) -> Result<Block<'_>, FormatError> {
        self.spend(len)?;
        let part = self.bytes.part(at, len).ok_or_else(|| {
            let found = format!("the file's end at byte {}", self.len());
            self.damaged(
                &format!("{what} at byte {at}"),
                &format!("{len} bytes"),
                &found,
            )
        })?;
        let bytes = part.read().map_err(|error| self.failed(error))?;
        Ok(Block::new(self, at, bytes))
    }

    /// A block that begins at `at` with as many bytes as are there, at most `most`.
    pub(super) fn block_up_to(
        &self,
        at: u64,
        most: u64,
        what: &str,
    ) -> Result<Block<'_>, FormatError> {
        let there = self.len().saturating_sub(at);
        self.block(at, there.min(most).max(1), what)
    }

    /// Fills `into` with a dataset's bytes from `at`.
    pub(super) fn read_at(&self, at: u64, into: &mut [u8]) -> Result<(), FormatError> {
        self.bytes
            .read_at(at, into)
            .map_err(|error| self.failed(error))
    }

    /// Whether the file holds `len` bytes from `at`.
    pub(super) fn holds(&self, at: u64, len: u64) -> bool {
        self.bytes.part(at, len).is_some()
    }

    /// Checks that what unfolds to `numbers` numbers is in proportion to the file.
    pub(super) fn check_expansion(&self, object: &str, numbers: u64) -> Result<(), FormatError> {
        let most = self
            .len()
            .saturating_mul(EXPANSION)
            .saturating_add(EXPANSION_AT_LEAST);
        if numbers <= most {
            return Ok(());
        }
        Err(self.damaged(
            object,
            &format!("at most {most} numbers in a file of {} bytes", self.len()),
            &format!("{numbers}"),
        ))
    }

    /// Counts work on metadata, and refuses a file that makes too much of it.
    pub(super) fn spend(&self, bytes: u64) -> Result<(), FormatError> {
        let cost = bytes.saturating_add(READ_COST);
        let spent = self.spent.fetch_add(cost, Ordering::Relaxed);
        let most = self.len().saturating_mul(REREAD).max(REREAD_AT_LEAST);
        if spent.saturating_add(cost) <= most {
            return Ok(());
        }
        Err(self.damaged(
            "the file's structure",
            "groups and lists that end",
            "some that lead in circles or lie over each other",
        ))
    }

    /// Bytes that the format does not allow.
    pub(super) fn damaged(&self, part: &str, expected: &str, found: &str) -> FormatError {
        FormatError::Damaged {
            path: self.path.clone(),
            part: part.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }

    /// What the format allows and this reader does not take.
    pub(super) fn unsupported(&self, part: &str, found: &str, accepted: &str) -> FormatError {
        let way_out = "save the file again with Keras or h5py as they save by default";
        FormatError::unsupported(&self.path, part, found, accepted, way_out)
    }

    fn failed(&self, error: io::Error) -> FormatError {
        FormatError::File {
            path: self.path.clone(),
            error,
        }
    }
}

/// A stretch of metadata in memory, read from front to back.
#[derive(Clone, Debug)]
pub(super) struct Block<'r> {
    reader: &'r Reader,
    start: u64,
    bytes: Vec<u8>,
    position: usize,
}

impl<'r> Block<'r> {
    pub(super) fn new(reader: &'r Reader, start: u64, bytes: Vec<u8>) -> Self {
        Block {
            reader,
            start,
            bytes,
            position: 0,
        }
    }

    /// Where in the file it reads next.
    pub(super) fn at(&self) -> u64 {
        self.start.saturating_add(self.position as u64)
    }

    /// How many bytes were read.
    pub(super) fn position(&self) -> usize {
        self.position
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&[u8], FormatError> {
        let range = self.position..self.position.saturating_add(count);
        if range.end > self.bytes.len() {
            return Err(self.damaged(
                &format!("{count} more bytes"),
                &format!("{} before the end of the part", self.left()),
            ));
        }
        self.position = range.end;
        Ok(self.bytes.get(range).unwrap_or_default())
    }

    /// Passes over `count` bytes.
    pub(super) fn skip(&mut self, count: usize) -> Result<(), FormatError> {
        self.take(count).map(|_| ())
    }

    /// Passes over what is left of a multiple of eight bytes.
    pub(super) fn align(&mut self) -> Result<(), FormatError> {
        let rest = self.position.next_multiple_of(8) - self.position;
        self.skip(rest.min(self.left()))
    }

    /// A block of the next `count` bytes.
    pub(super) fn part(&mut self, count: usize) -> Result<Block<'r>, FormatError> {
        let start = self.at();
        let bytes = self.take(count)?.to_vec();
        Ok(Block::new(self.reader, start, bytes))
    }

    /// An unsigned little-endian number of `size` bytes, at most eight.
    pub(super) fn uint(&mut self, size: usize) -> Result<u64, FormatError> {
        if size > 8 {
            return Err(self.damaged("a number of at most 8 bytes", &format!("{size} bytes")));
        }
        let bytes = self.take(size)?.iter().rev();
        Ok(bytes.fold(0, |number, &byte| (number << 8) | u64::from(byte)))
    }

    pub(super) fn u8(&mut self) -> Result<u8, FormatError> {
        Ok(self.uint(1)? as u8)
    }

    pub(super) fn u16(&mut self) -> Result<u16, FormatError> {
        Ok(self.uint(2)? as u16)
    }

    pub(super) fn u32(&mut self) -> Result<u32, FormatError> {
        Ok(self.uint(4)? as u32)
    }

    /// A length.
    pub(super) fn length(&mut self) -> Result<u64, FormatError> {
        self.uint(self.reader.length_size())
    }

    /// An address; none if it is undefined.
    pub(super) fn address(&mut self) -> Result<Option<u64>, FormatError> {
        let size = self.reader.offset_size();
        let address = self.uint(size)?;
        let undefined = u64::MAX.checked_shr(64 - 8 * size as u32);
        Ok((Some(address) != undefined).then_some(address))
    }

    /// An address that must be defined.
    pub(super) fn defined_address(&mut self) -> Result<u64, FormatError> {
        match self.address()? {
            Some(address) => Ok(address),
            None => Err(self.damaged("an address", "an undefined one")),
        }
    }

    /// A text of `count` bytes.
    pub(super) fn text(&mut self, count: usize) -> Result<String, FormatError> {
        let bytes = self.take(count)?.to_vec();
        String::from_utf8(bytes)
            .map_err(|_| self.damaged("text as UTF-8", "bytes that are no text"))
    }

    /// Checks a signature of four letters.
    pub(super) fn signature(&mut self, expected: &[u8; 4]) -> Result<(), FormatError> {
        let found = self.take(4)?.to_vec();
        if found == expected {
            return Ok(());
        }
        self.position = self.position.saturating_sub(4);
        Err(self.damaged(
            &format!("`{}`", expected.escape_ascii()),
            &format!("`{}`", found.escape_ascii()),
        ))
    }

    /// Checks a version.
    pub(super) fn version(&mut self, what: &str, expected: u8) -> Result<(), FormatError> {
        let found = self.u8()?;
        if found == expected {
            return Ok(());
        }
        Err(self.reader.unsupported(
            &format!("{what} at byte {}", self.at()),
            &format!("of version {found}"),
            &format!("version {expected}"),
        ))
    }

    /// Something other than the format calls for, at this place.
    pub(super) fn damaged(&self, expected: &str, found: &str) -> FormatError {
        let part = format!("byte {}", self.at());
        self.reader.damaged(&part, expected, found)
    }
}
