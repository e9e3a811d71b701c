//! The superblock: where a file's addresses count from, how wide they are, and where the root is.

use std::path::Path;

use super::SIGNATURE;
use super::block::Reader;
use crate::{FormatError, Source};

/// The longest superblock, with addresses of eight bytes.
const LONGEST: u64 = 100;

/// Finds and reads the superblock: the reader of the file's metadata, and the address of the root
/// group's header.
pub(super) fn open(source: Source, path: &Path) -> Result<(Reader, u64), FormatError> {
    let failed = |error| FormatError::File {
        path: path.to_owned(),
        error,
    };
    let start = find(&source).map_err(failed)?;
    let rest = start.and_then(|start| source.part(start, source.len() - start));
    let Some(bytes) = rest else {
        let found = "another kind of file";
        return Err(FormatError::damaged(path, "byte 0", "an HDF5 file", found));
    };

    let wide = Reader::new(path, bytes.clone(), 8, 8);
    let mut block = wide.block_up_to(0, LONGEST, "the superblock")?;
    block.skip(SIGNATURE.len())?;
    let version = block.u8()?;
    let (offset_size, length_size) = match version {
        0 | 1 => {
            block.skip(4)?;
            let sizes = (block.u8()?, block.u8()?);
            block.skip(if version == 0 { 9 } else { 13 })?;
            sizes
        }
        2 | 3 => {
            let sizes = (block.u8()?, block.u8()?);
            block.skip(1)?;
            sizes
        }
        _ => {
            return Err(wide.unsupported(
                "the superblock",
                &format!("of version {version}"),
                "versions 0 to 3",
            ));
        }
    };
    for size in [offset_size, length_size] {
        if ![2, 4, 8].contains(&size) {
            return Err(block.damaged("addresses of 2, 4 or 8 bytes", &format!("{size} bytes")));
        }
    }
    let at = block.position() as u64;
    let reader = Reader::new(path, bytes, offset_size, length_size);
    let root = {
        let mut block = reader.block_up_to(at, LONGEST, "the superblock")?;
        // The base, and free space or the extension.
        block.address()?;
        block.address()?;
        let end = block.defined_address()?;
        if end > source.len() {
            let found = format!("{}", source.len());
            return Err(reader.damaged("the file", &format!("{end} bytes"), &found));
        }
        // The driver's block, and the root's name; newer versions have neither.
        if version < 2 {
            block.address()?;
            block.address()?;
        }
        block.defined_address()?
    };
    Ok((reader, root))
}

/// The superblock is at byte 0, or behind a block of the user's, at 512, 1024, 2048, ….
pub(super) fn find(source: &Source) -> std::io::Result<Option<u64>> {
    let mut at = 0;
    while source.part(at, SIGNATURE.len() as u64).is_some() {
        let mut found = SIGNATURE.map(|_| 0);
        source.read_at(at, &mut found)?;
        if found == SIGNATURE {
            return Ok(Some(at));
        }
        at = if at == 0 { 512 } else { at.saturating_mul(2) };
    }
    Ok(None)
}
