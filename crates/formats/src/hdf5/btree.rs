//! B-trees of both versions: long lists, cut into nodes.

use super::block::{Block, Reader};
use crate::FormatError;

/// What a tree of the first version holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// Nodes of a symbol table.
    Symbols = 0,
    /// Chunks of a dataset.
    Chunks = 1,
}

/// Visits each leaf's key, of `key_size` bytes, and address in a tree of the first version.
pub(super) fn walk<'r>(
    reader: &'r Reader,
    at: u64,
    holds: Holds,
    key_size: usize,
    visit: &mut dyn FnMut(Block<'r>, u64) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    node(reader, at, holds, key_size, None, visit)
}

fn node<'r>(
    reader: &'r Reader,
    at: u64,
    holds: Holds,
    key_size: usize,
    expected_level: Option<u8>,
    visit: &mut dyn FnMut(Block<'r>, u64) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let prefix = 8 + 2 * reader.offset_size() as u64;
    let mut block = reader.block(at, prefix, "a node of a B-tree")?;
    block.signature(b"TREE")?;
    let found = block.u8()?;
    if found != holds as u8 {
        let expected = format!("a node of kind {}", holds as u8);
        return Err(block.damaged(&expected, &format!("one of kind {found}")));
    }
    let level = block.u8()?;
    if expected_level.is_some_and(|expected| expected != level) {
        return Err(block.damaged("a node one level below", &format!("one of level {level}")));
    }
    let entries = u64::from(block.u16()?);
    let size = entries * (key_size + reader.offset_size()) as u64;
    let mut block = reader.block(at.saturating_add(prefix), size, "a node of a B-tree")?;
    for _ in 0..entries {
        let key = block.part(key_size)?;
        let child = block.defined_address()?;
        match level.checked_sub(1) {
            None => visit(key, child)?,
            below => node(reader, child, holds, key_size, below, visit)?,
        }
    }
    Ok(())
}

/// Visits each record of a tree of the second version that holds records of `kind`.
pub(super) fn records<'r>(
    reader: &'r Reader,
    at: u64,
    kind: u8,
    visit: &mut dyn FnMut(Block<'r>) -> Result<(), FormatError>,
) -> Result<(), FormatError> {
    let size = 22 + reader.offset_size() + reader.length_size();
    let mut block = reader.block(at, size as u64, "a B-tree")?;
    block.signature(b"BTHD")?;
    block.version("a B-tree", 0)?;
    let found = block.u8()?;
    if found != kind {
        let expected = format!("a B-tree of kind {kind}");
        return Err(block.damaged(&expected, &format!("one of kind {found}")));
    }
    let node_size = u64::from(block.u32()?);
    let record_size = u64::from(block.u16()?);
    let depth = block.u16()?;
    block.skip(2)?;
    let root = block.address()?;
    let count = u64::from(block.u16()?);
    let (Some(root), true) = (root, record_size > 0) else {
        return Ok(());
    };
    let Some(levels) = levels(reader, node_size, record_size, depth) else {
        return Err(block.damaged(
            "nodes that hold a record and an address",
            &format!("nodes of {node_size} bytes, {depth} levels deep"),
        ));
    };
    let tree = SecondTree {
        reader,
        record_size,
        levels,
        kind,
    };
    tree.node(root, count, usize::from(depth), visit)
}

struct SecondTree<'r> {
    reader: &'r Reader,
    record_size: u64,
    levels: Vec<Level>,
    kind: u8,
}

/// How wide the counts of records are that a node of this level is pointed at with.
#[derive(Clone, Copy)]
struct Level {
    /// Of the records in the node itself.
    own: usize,
    /// Of those in it and below it; none for a leaf.
    all: usize,
}

/// The levels from the leaves to the root. The format has no field for these widths; they follow
/// from how many records there could be.
fn levels(reader: &Reader, node_size: u64, record_size: u64, depth: u16) -> Option<Vec<Level>> {
    const AROUND: u64 = 10;
    let most = node_size.checked_sub(AROUND)? / record_size;
    let own = width(most);
    let mut levels = vec![Level { own, all: 0 }];
    let mut below = most;
    for _ in 0..depth {
        let pointer = reader.offset_size() as u64 + own as u64 + levels.last()?.all as u64;
        let most = node_size.checked_sub(AROUND + pointer)? / (record_size + pointer);
        below = most.checked_add(1)?.checked_mul(below)?.checked_add(most)?;
        levels.push(Level {
            own,
            all: width(below),
        });
    }
    Some(levels)
}

/// Bytes for a number of at most `most`.
fn width(most: u64) -> usize {
    most.max(1).ilog2() as usize / 8 + 1
}

impl<'r> SecondTree<'r> {
    fn node(
        &self,
        at: u64,
        count: u64,
        level: usize,
        visit: &mut dyn FnMut(Block<'r>) -> Result<(), FormatError>,
    ) -> Result<(), FormatError> {
        let below = level.checked_sub(1).and_then(|i| self.levels.get(i));
        let pointer = below.map_or(0, |l| self.reader.offset_size() + l.own + l.all);
        let records = count.saturating_mul(self.record_size);
        let pointers = count.saturating_add(1).saturating_mul(pointer as u64);
        let size = records.saturating_add(pointers).saturating_add(6);
        let mut block = self.reader.block(at, size, "a node of a B-tree")?;
        block.signature(if below.is_some() { b"BTIN" } else { b"BTLF" })?;
        block.version("a node of a B-tree", 0)?;
        let found = block.u8()?;
        if found != self.kind {
            let expected = format!("a node of kind {}", self.kind);
            return Err(block.damaged(&expected, &format!("one of kind {found}")));
        }
        for _ in 0..count {
            visit(block.part(self.record_size as usize)?)?;
        }
        let Some(&below) = below else {
            return Ok(());
        };
        for _ in 0..=count {
            let child = block.defined_address()?;
            let count = block.uint(below.own)?;
            block.skip(below.all)?;
            self.node(child, count, level - 1, visit)?;
        }
        Ok(())
    }
}
