//! Where the chunks of a dataset are.

use std::collections::HashSet;

use super::block::{Block, Reader};
use super::btree::{self, Holds};
use super::message::{Dataspace, Index};
use crate::FormatError;

/// A chunk in the file.
#[derive(Clone, Debug)]
pub(super) struct Chunk {
    pub(super) at: u64,
    /// Bytes in the file, after the filters.
    pub(super) size: u64,
    /// A bit for each filter that it did not go through.
    pub(super) skipped: u32,
    /// Its first element's place along each axis.
    pub(super) origin: Vec<u64>,
}

/// A dataset cut into chunks.
pub(super) struct Grid<'a> {
    pub(super) reader: &'a Reader,
    /// The dataset's path.
    pub(super) object: &'a str,
    pub(super) space: &'a Dataspace,
    /// The lengths of a chunk.
    pub(super) chunk: &'a [u64],
    /// Bytes of a chunk in memory.
    pub(super) size: u64,
    pub(super) filtered: bool,
}

impl Grid<'_> {
    /// The chunks that were written and lie within the dataset, each once.
    pub(super) fn find(&self, index: Index, at: u64) -> Result<Vec<Chunk>, FormatError> {
        let mut found = Found {
            grid: self,
            chunks: Vec::new(),
            cells: HashSet::new(),
        };
        let rank = self.chunk.len();
        match index {
            Index::Tree => {
                // The key has one axis more, for the bytes of an element.
                let key_size = 8 + 8 * (rank + 1);
                btree::walk(
                    self.reader,
                    at,
                    Holds::Chunks,
                    key_size,
                    &mut |mut key, at| {
                        let size = u64::from(key.u32()?);
                        let skipped = key.u32()?;
                        let origin = (0..rank)
                            .map(|_| key.uint(8))
                            .collect::<Result<Vec<_>, _>>()?;
                        found.add(at, size, skipped, origin)
                    },
                )?;
            }
            Index::Single { filtered } => {
                let (size, skipped) = filtered.unwrap_or((self.size, 0));
                found.add(at, size, skipped, vec![0; rank])?;
            }
            Index::Implicit => {
                let cells = self.cells(&self.space.maxima)?;
                for cell in 0..cells {
                    let at = cell
                        .checked_mul(self.size)
                        .and_then(|before| at.checked_add(before));
                    found.linear(cell, at, self.size, 0)?;
                }
            }
            Index::FixedArray => self.fixed_array(at, &mut found)?,
            Index::SecondTree => {
                let kind = if self.filtered { 11 } else { 10 };
                btree::records(self.reader, at, kind, &mut |mut record| {
                    let size = record.left().checked_sub(8 * rank);
                    let (at, size, skipped) = self.entry(&mut record, size)?;
                    let scaled = (0..rank).map(|_| record.uint(8));
                    let origin = scaled
                        .zip(self.chunk)
                        .map(|(cell, &len)| Ok(cell?.saturating_mul(len)))
                        .collect::<Result<Vec<_>, _>>()?;
                    match at {
                        Some(at) => found.add(at, size, skipped, origin),
                        None => Ok(()),
                    }
                })?;
            }
            Index::ExtensibleArray => {
                return Err(self.reader.unsupported(
                    self.object,
                    "in chunks listed by an extensible array",
                    "datasets that cannot grow",
                ));
            }
        }
        Ok(found.chunks)
    }

    fn fixed_array(&self, at: u64, found: &mut Found<'_>) -> Result<(), FormatError> {
        let address = self.reader.offset_size();
        let size = 12 + self.reader.length_size() + address;
        let mut block = self.reader.block(at, size as u64, "a list of chunks")?;
        block.signature(b"FAHD")?;
        block.version("a list of chunks", 0)?;
        block.skip(1)?;
        let entry_size = usize::from(block.u8()?);
        let page_bits = u32::from(block.u8()?);
        let count = block.length()?;
        let at = block.defined_address()?;
        let cells = self.cells(&self.space.maxima)?;
        if count > cells {
            return Err(block.damaged(&format!("{cells} chunks"), &format!("{count}")));
        }

        let prefix = 6 + address as u64;
        let mut block = self.reader.block(at, prefix, "a list of chunks")?;
        block.signature(b"FADB")?;
        block.version("a list of chunks", 0)?;
        let per_page = 1u64
            .checked_shl(page_bits)
            .filter(|&page| page < count)
            .unwrap_or(count);
        let mut at = at.saturating_add(prefix);
        let mut written = None;
        if per_page < count {
            let bitmap = count.div_ceil(per_page).div_ceil(8);
            let mut block = self.reader.block(at, bitmap, "a list of chunks")?;
            written = Some(block.take(block.left())?.to_vec());
            at = at.saturating_add(bitmap).saturating_add(4);
        }
        for (page, first) in (0..count).step_by(per_page.max(1) as usize).enumerate() {
            let entries = per_page.min(count - first);
            let size = entries * entry_size as u64;
            let is_written = written.as_ref().is_none_or(|bitmap| {
                let byte = bitmap.get(page / 8).copied().unwrap_or(0);
                byte & (0x80 >> (page % 8)) != 0
            });
            if is_written {
                let mut block = self.reader.block(at, size, "a list of chunks")?;
                for cell in first..first + entries {
                    let mut entry = block.part(entry_size)?;
                    let (at, size, skipped) = self.entry(&mut entry, Some(entry_size))?;
                    if at.is_some() {
                        found.linear(cell, at, size, skipped)?;
                    }
                }
            }
            // A checksum stands behind each page.
            at = at.saturating_add(size).saturating_add(4);
        }
        Ok(())
    }

    /// A chunk's address, bytes and skipped filters, in `size` bytes.
    fn entry(
        &self,
        block: &mut Block<'_>,
        size: Option<usize>,
    ) -> Result<(Option<u64>, u64, u32), FormatError> {
        let at = block.address()?;
        if !self.filtered {
            return Ok((at, self.size, 0));
        }
        let around = self.reader.offset_size() + 4;
        match size.and_then(|size| size.checked_sub(around)) {
            Some(width) => Ok((at, block.uint(width)?, block.u32()?)),
            None => Err(block.damaged("a chunk's address and size", "less")),
        }
    }

    /// How many chunks a dataset of these lengths is cut into.
    fn cells(&self, lengths: &[u64]) -> Result<u64, FormatError> {
        let per_axis = lengths.iter().zip(self.chunk);
        let cells = per_axis.fold(1u64, |cells, (&len, &chunk)| {
            cells.saturating_mul(len.div_ceil(chunk.max(1)))
        });
        self.reader.check_expansion(self.object, cells)?;
        Ok(cells)
    }
}

struct Found<'a> {
    grid: &'a Grid<'a>,
    chunks: Vec<Chunk>,
    cells: HashSet<u64>,
}

impl Found<'_> {
    /// Adds the chunk that is the `cell`th, row-major, of the largest dataset that this may grow
    /// to.
    fn linear(
        &mut self,
        mut cell: u64,
        at: Option<u64>,
        size: u64,
        skipped: u32,
    ) -> Result<(), FormatError> {
        let axes = self.grid.space.maxima.iter().zip(self.grid.chunk).rev();
        let mut origin: Vec<u64> = axes
            .map(|(&len, &chunk)| {
                let along = len.div_ceil(chunk.max(1)).max(1);
                let place = (cell % along).saturating_mul(chunk);
                cell /= along;
                place
            })
            .collect();
        origin.reverse();
        self.add(at.unwrap_or(u64::MAX), size, skipped, origin)
    }

    fn add(
        &mut self,
        at: u64,
        size: u64,
        skipped: u32,
        origin: Vec<u64>,
    ) -> Result<(), FormatError> {
        let Grid {
            reader,
            object,
            space,
            chunk,
            ..
        } = self.grid;
        let mut cell = 0u64;
        for ((&place, &len), &chunk) in origin.iter().zip(&space.lengths).zip(*chunk) {
            // A dataset that shrank may have kept chunks outside.
            if place >= len {
                return Ok(());
            }
            if chunk == 0 || place % chunk != 0 {
                let expected = format!("chunks at multiples of {chunk}");
                return Err(reader.damaged(object, &expected, &format!("one at {place}")));
            }
            cell = cell
                .saturating_mul(len.div_ceil(chunk))
                .saturating_add(place / chunk);
        }
        if !self.cells.insert(cell) {
            let found = format!("two at {origin:?}");
            return Err(reader.damaged(object, "one chunk at each place", &found));
        }
        if !reader.holds(at, size) {
            let found = format!("the file's end at byte {}", reader.len());
            let expected = format!("a chunk of {size} bytes at byte {at}");
            return Err(reader.damaged(object, &expected, &found));
        }
        self.chunks.push(Chunk {
            at,
            size,
            skipped,
            origin,
        });
        Ok(())
    }
}
