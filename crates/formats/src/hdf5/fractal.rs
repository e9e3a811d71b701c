//! The fractal heap, where a group with many links or an object with many attributes keeps them.

use super::block::{Block, Reader};
use super::btree;
use crate::FormatError;

/// A heap whose objects are found by their identifiers.
#[derive(Debug)]
pub(super) struct FractalHeap<'r> {
    reader: &'r Reader,
    id_size: usize,
    huge: Option<u64>,
    width: u64,
    start: u64,
    most_direct: u64,
    /// Bytes of an offset into the heap, and of an object's length, in an identifier.
    offset_size: usize,
    length_size: usize,
    root: Option<u64>,
    root_rows: u64,
}

impl<'r> FractalHeap<'r> {
    pub(super) fn read(reader: &'r Reader, at: u64) -> Result<Self, FormatError> {
        let size = 22 + 12 * reader.length_size() + 3 * reader.offset_size();
        let mut block = reader.block(at, size as u64, "a heap")?;
        block.signature(b"FRHP")?;
        block.version("a heap", 0)?;
        let id_size = usize::from(block.u16()?);
        let filters = block.u16()?;
        block.skip(1)?;
        let most_managed = u64::from(block.u32()?);
        block.length()?;
        let huge = block.address()?;
        block.length()?;
        block.address()?;
        for _ in 0..8 {
            block.length()?;
        }
        let width = u64::from(block.u16()?);
        let start = block.length()?;
        let most_direct = block.length()?;
        let bits = u64::from(block.u16()?);
        block.skip(2)?;
        let root = block.address()?;
        let root_rows = u64::from(block.u16()?);
        if filters > 0 {
            return Err(reader.unsupported(
                &format!("the heap at byte {at}"),
                "filtered",
                "heaps without filters",
            ));
        }
        let doubling = start.is_power_of_two() && most_direct.is_power_of_two();
        if !doubling || width == 0 || most_direct < start || !(1..=64).contains(&bits) {
            return Err(block.damaged(
                "blocks that double in size",
                &format!("{width} blocks of {start} to {most_direct} bytes"),
            ));
        }
        let bytes_of = |most: u64| most.max(1).ilog2() as usize / 8 + 1;
        Ok(FractalHeap {
            reader,
            id_size,
            huge,
            width,
            start,
            most_direct,
            offset_size: bits.div_ceil(8) as usize,
            length_size: bytes_of(most_direct).min(bytes_of(most_managed)),
            root,
            root_rows,
        })
    }

    /// The object that the next bytes of `record` identify.
    pub(super) fn object(&self, record: &mut Block<'r>) -> Result<Block<'r>, FormatError> {
        let mut id = record.part(self.id_size)?;
        let first = id.u8()?;
        match (first >> 4) & 3 {
            0 => {
                let offset = id.uint(self.offset_size)?;
                let len = id.uint(self.length_size)?;
                self.managed(offset, len)
            }
            1 => {
                let key = id.uint(
                    self.reader
                        .length_size()
                        .min(self.id_size.saturating_sub(1)),
                )?;
                self.huge(key)
            }
            2 if self.id_size <= 17 => id.part(usize::from(first & 15) + 1),
            other => Err(id.damaged(
                "an object of a heap",
                &format!("an identifier of kind {other}"),
            )),
        }
    }

    /// An object of its own, listed in a tree.
    fn huge(&self, key: u64) -> Result<Block<'r>, FormatError> {
        let mut place = None;
        if let Some(huge) = self.huge {
            btree::records(self.reader, huge, 1, &mut |mut record| {
                let at = record.defined_address()?;
                let len = record.length()?;
                if record.length()? == key {
                    place = Some((at, len));
                }
                Ok(())
            })?;
        }
        match place {
            Some((at, len)) => self.reader.block(at, len, "an object of a heap"),
            None => {
                let expected = format!("object {key}");
                Err(self.reader.damaged("a heap", &expected, "no such object"))
            }
        }
    }

    /// An object inside the heap's blocks.
    fn managed(&self, offset: u64, len: u64) -> Result<Block<'r>, FormatError> {
        let outside = || {
            let expected = format!("an object at {offset}");
            self.reader.damaged("a heap", &expected, "no block there")
        };
        let mut at = self.root.ok_or_else(outside)?;
        let mut rows = self.root_rows;
        let mut offset = offset;
        while rows > 0 {
            let (row, column, size, rest) = self.place(offset).ok_or_else(outside)?;
            if row >= rows {
                return Err(outside());
            }
            let index = row * self.width + column;
            let address = self.reader.offset_size() as u64;
            let prefix = 5 + address + self.offset_size as u64;
            let mut block = self.reader.block(at, 5, "a block of a heap")?;
            block.signature(b"FHIB")?;
            let entry = at.saturating_add(prefix).saturating_add(index * address);
            let mut entry = self.reader.block(entry, address, "a block of a heap")?;
            at = entry.defined_address()?;
            offset = rest;
            // Blocks above the largest direct one are divided again.
            rows = if size > self.most_direct {
                let first_row = self.start.saturating_mul(self.width);
                u64::from((size / first_row).checked_ilog2().ok_or_else(outside)?) + 1
            } else {
                0
            };
        }
        self.reader
            .block(at, 4, "a block of a heap")?
            .signature(b"FHDB")?;
        let at = at.saturating_add(offset);
        self.reader.block(at, len, "an object of a heap")
    }

    /// The row and column of the block that holds `offset`, its size, and the offset in it. The
    /// first two rows have blocks of the first size; each further row doubles it.
    fn place(&self, offset: u64) -> Option<(u64, u64, u64, u64)> {
        let (mut row, mut size, mut before) = (0, self.start, 0u64);
        loop {
            let len = size.checked_mul(self.width)?;
            let within = offset.checked_sub(before)?;
            if within < len {
                return Some((row, within / size, size, within % size));
            }
            before = before.checked_add(len)?;
            if row > 0 {
                size = size.checked_mul(2)?;
            }
            row += 1;
        }
    }
}
