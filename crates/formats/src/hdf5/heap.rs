//! The local heap, where a symbol table keeps its names, and the global heap, where texts of
//! variable length are.

use std::collections::HashMap;

use super::block::{Block, Reader};
use crate::FormatError;

/// The names of a symbol table.
pub(super) struct LocalHeap<'r> {
    reader: &'r Reader,
    names: Vec<u8>,
    at: u64,
}

impl<'r> LocalHeap<'r> {
    pub(super) fn read(reader: &'r Reader, at: u64) -> Result<Self, FormatError> {
        let size = 8 + 2 * reader.length_size() + reader.offset_size();
        let mut block = reader.block(at, size as u64, "a heap of names")?;
        block.signature(b"HEAP")?;
        block.version("a heap of names", 0)?;
        block.skip(3)?;
        let size = block.length()?;
        block.length()?;
        let at = block.defined_address()?;
        let mut data = reader.block(at, size, "a heap of names")?;
        let names = data.take(data.left())?.to_vec();
        Ok(LocalHeap { reader, names, at })
    }

    /// The name at `offset`.
    pub(super) fn name(&self, offset: u64) -> Result<String, FormatError> {
        let from = usize::try_from(offset)
            .ok()
            .and_then(|offset| self.names.get(offset..))
            .unwrap_or_default();
        let at = self.at.saturating_add(offset);
        let Some(end) = from.iter().position(|&byte| byte == 0) else {
            let part = format!("byte {at}");
            return Err(self.reader.damaged(&part, "a name", "the end of the names"));
        };
        // Names may lie over each other in a crafted heap.
        self.reader.spend(end as u64)?;
        let bytes = from.get(..end).unwrap_or_default().to_vec();
        Block::new(self.reader, at, bytes).text(end)
    }
}

/// The collections of the global heap that were asked for.
pub(super) struct GlobalHeap<'r> {
    reader: &'r Reader,
    /// By address: each object's place and length, by its index.
    collections: HashMap<u64, HashMap<u32, (u64, u64)>>,
}

impl<'r> GlobalHeap<'r> {
    pub(super) fn new(reader: &'r Reader) -> Self {
        GlobalHeap {
            reader,
            collections: HashMap::new(),
        }
    }

    /// The first `len` bytes of object `index` in the collection at `at`.
    pub(super) fn object(
        &mut self,
        at: u64,
        index: u32,
        len: u64,
    ) -> Result<Block<'r>, FormatError> {
        if !self.collections.contains_key(&at) {
            let collection = self.collection(at)?;
            self.collections.insert(at, collection);
        }
        let found = self.collections.get(&at).and_then(|all| all.get(&index));
        match found {
            Some(&(at, size)) if len <= size => self.reader.block(at, len, "a text"),
            Some(&(at, size)) => Err(self.reader.damaged(
                &format!("byte {at}"),
                &format!("a text of {len} bytes"),
                &format!("one of {size}"),
            )),
            None => Err(self.reader.damaged(
                &format!("the heap at byte {at}"),
                &format!("object {index}"),
                "no such object",
            )),
        }
    }

    fn collection(&self, at: u64) -> Result<HashMap<u32, (u64, u64)>, FormatError> {
        let prefix = 8 + self.reader.length_size();
        let mut block = self.reader.block(at, prefix as u64, "a heap")?;
        block.signature(b"GCOL")?;
        block.version("a heap", 1)?;
        block.skip(3)?;
        let size = block.length()?;
        let mut block = self.reader.block(at, size, "a heap")?;
        block.skip(prefix)?;
        let mut objects = HashMap::new();
        while block.left() >= prefix {
            let index = u32::from(block.u16()?);
            block.skip(6)?;
            let size = block.length()?;
            // Object 0 is the free space, up to the end.
            if index == 0 {
                break;
            }
            objects.insert(index, (block.at(), size));
            let padded = size.checked_next_multiple_of(8).unwrap_or(u64::MAX);
            block.skip(usize::try_from(padded).unwrap_or(usize::MAX))?;
        }
        Ok(objects)
    }
}
