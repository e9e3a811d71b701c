//! What the messages of a dataset say about its shape and about where its numbers are.

use super::block::{Block, Reader};
use crate::FormatError;

/// The shape of a dataset or an attribute.
#[derive(Clone, Debug)]
pub(super) struct Dataspace {
    /// Lengths along the axes; no axes for a single element.
    pub(super) lengths: Vec<u64>,
    /// The lengths that it may grow to.
    pub(super) maxima: Vec<u64>,
}

/// Reads a shape; none if there is nothing at all.
pub(super) fn dataspace(block: &mut Block<'_>) -> Result<Option<Dataspace>, FormatError> {
    let version = block.u8()?;
    let rank = block.u8()?;
    let grows = block.u8()? & 1 != 0;
    let null = match version {
        1 => {
            block.skip(5)?;
            false
        }
        2 => block.u8()? == 2,
        _ => return Err(block.damaged("a dataspace of version 1 or 2", &format!("{version}"))),
    };
    if null {
        return Ok(None);
    }
    if rank > 32 {
        return Err(block.damaged("at most 32 axes", &format!("{rank}")));
    }
    let mut axes = || {
        (0..rank)
            .map(|_| block.length())
            .collect::<Result<Vec<_>, _>>()
    };
    let lengths = axes()?;
    let maxima = if grows { axes()? } else { lengths.clone() };
    Ok(Some(Dataspace { lengths, maxima }))
}

/// Where a dataset's numbers are.
#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// In the header itself.
    Compact(Vec<u8>),
    /// In one piece; nowhere if nothing was written.
    Contiguous { at: Option<u64>, len: u64 },
    /// In chunks of one shape.
    Chunked {
        /// The chunk's lengths along the axes.
        chunk: Vec<u64>,
        /// How they are found.
        index: Index,
        /// Where that is; nowhere if nothing was written.
        at: Option<u64>,
    },
    /// In a way that is not read.
    Other(&'static str),
}

/// How the chunks of a dataset are found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Index {
    /// A B-tree of the first version.
    Tree,
    /// There is one chunk, of `size` bytes if it is filtered.
    Single { filtered: Option<(u64, u32)> },
    /// One behind the other.
    Implicit,
    /// A fixed array.
    FixedArray,
    /// An extensible array.
    ExtensibleArray,
    /// A B-tree of the second version.
    SecondTree,
}

/// Reads a layout.
pub(super) fn layout(reader: &Reader, block: &mut Block<'_>) -> Result<Layout, FormatError> {
    let version = block.u8()?;
    if !(3..=5).contains(&version) {
        return Ok(Layout::Other("in a layout of before HDF5 1.6"));
    }
    match block.u8()? {
        0 => {
            let size = usize::from(block.u16()?);
            Ok(Layout::Compact(block.take(size)?.to_vec()))
        }
        1 => Ok(Layout::Contiguous {
            at: block.address()?,
            len: block.length()?,
        }),
        2 if version == 3 => {
            let rank = block.u8()?;
            let at = block.address()?;
            let mut chunk = (0..rank)
                .map(|_| block.u32().map(u64::from))
                .collect::<Result<Vec<_>, _>>()?;
            // The last is the size of an element.
            chunk.pop();
            let index = Index::Tree;
            Ok(Layout::Chunked { chunk, index, at })
        }
        2 => newer_chunks(reader, block),
        3 => Ok(Layout::Other("a view of other datasets")),
        _ => Ok(Layout::Other("in an unknown layout")),
    }
}

fn newer_chunks(reader: &Reader, block: &mut Block<'_>) -> Result<Layout, FormatError> {
    let flags = block.u8()?;
    let rank = block.u8()?;
    let size = usize::from(block.u8()?);
    let mut chunk = (0..rank)
        .map(|_| block.uint(size))
        .collect::<Result<Vec<_>, _>>()?;
    chunk.pop();
    let index = match block.u8()? {
        1 if flags & 2 != 0 => Index::Single {
            filtered: Some((block.length()?, block.u32()?)),
        },
        1 => Index::Single { filtered: None },
        2 => Index::Implicit,
        3 => {
            block.skip(1)?;
            Index::FixedArray
        }
        4 => {
            block.skip(5)?;
            Index::ExtensibleArray
        }
        5 => {
            block.skip(6)?;
            Index::SecondTree
        }
        other => {
            return Err(reader.unsupported(
                &format!("the layout at byte {}", block.at()),
                &format!("chunked by index {other}"),
                "indexes 1 to 5",
            ));
        }
    };
    if flags & 1 != 0 {
        return Ok(Layout::Other("in chunks whose edges are not filtered"));
    }
    let at = block.address()?;
    Ok(Layout::Chunked { chunk, index, at })
}

/// The bytes of one element where nothing was written; none if that is zero.
pub(super) fn fill(block: &mut Block<'_>) -> Result<Option<Vec<u8>>, FormatError> {
    let version = block.u8()?;
    let defined = match version {
        1 | 2 => {
            block.skip(2)?;
            block.u8()? != 0 || version == 1
        }
        3 => block.u8()? & 0x20 != 0,
        _ => return Err(block.damaged("a fill value of version 1 to 3", &format!("{version}"))),
    };
    if !defined {
        return Ok(None);
    }
    let size = block.u32()? as usize;
    let bytes = block.take(size)?;
    Ok((!bytes.is_empty()).then(|| bytes.to_vec()))
}
