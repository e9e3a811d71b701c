//! The filters that a chunk went through when it was written, undone.

use std::io::Read;

use flate2::read::ZlibDecoder;

use super::block::{Block, Reader};
use crate::FormatError;

/// A filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    /// Deflated, as zlib does.
    Deflate,
    /// The first bytes of all elements, then the second ones, and so on.
    Shuffle { element: usize },
    /// Followed by a checksum.
    Fletcher32,
    /// One that is not undone.
    Other(u16),
}

/// The filters of a dataset, in the order in which they were applied.
pub(super) fn read(block: &mut Block<'_>) -> Result<Vec<Filter>, FormatError> {
    let version = block.u8()?;
    let count = block.u8()?;
    match version {
        1 => block.skip(6)?,
        2 => {}
        _ => return Err(block.damaged("filters of version 1 or 2", &format!("{version}"))),
    }
    let mut filters = Vec::new();
    for _ in 0..count {
        let id = block.u16()?;
        let named = version == 1 || id >= 256;
        let name = if named { usize::from(block.u16()?) } else { 0 };
        block.skip(2)?;
        let values = block.u16()?;
        // Names of the first version are filled up to eight bytes.
        block.skip(if version == 1 {
            name.next_multiple_of(8)
        } else {
            name
        })?;
        let values = (0..values)
            .map(|_| block.u32())
            .collect::<Result<Vec<_>, _>>()?;
        if version == 1 && values.len() % 2 == 1 {
            block.skip(4)?;
        }
        filters.push(match id {
            1 => Filter::Deflate,
            2 => Filter::Shuffle {
                element: values.first().copied().unwrap_or(1) as usize,
            },
            3 => Filter::Fletcher32,
            other => Filter::Other(other),
        });
    }
    Ok(filters)
}

/// Undoes `filters`, without those whose bit in `skipped` is set, on a chunk of the dataset
/// `object` that is `size` bytes long in the end.
pub(super) fn undo(
    reader: &Reader,
    object: &str,
    filters: &[Filter],
    skipped: u32,
    mut bytes: Vec<u8>,
    size: usize,
) -> Result<Vec<u8>, FormatError> {
    for (i, filter) in filters.iter().enumerate().rev() {
        if skipped
            .checked_shr(i as u32)
            .is_some_and(|bit| bit & 1 == 1)
        {
            continue;
        }
        bytes = match filter {
            Filter::Deflate => {
                // A checksum may stand behind what was deflated.
                let most = size as u64 + 4;
                let mut inflated = Vec::new();
                let read = ZlibDecoder::new(bytes.as_slice())
                    .take(most)
                    .read_to_end(&mut inflated);
                read.map_err(|error| {
                    reader.damaged(object, "a deflated chunk", &error.to_string())
                })?;
                inflated
            }
            Filter::Shuffle { element } => unshuffle(&bytes, *element),
            Filter::Fletcher32 => {
                let stored = bytes.split_last_chunk::<4>();
                let fits = stored.is_some_and(|(data, sum)| {
                    let sum = u32::from_le_bytes(*sum);
                    // The original writes 65535 where the remainder is zero.
                    let stored = (((sum >> 16) % 65_535) << 16) | ((sum & 0xFFFF) % 65_535);
                    fletcher32(data) == stored
                });
                if !fits {
                    return Err(reader.damaged(
                        object,
                        "a chunk that fits its checksum",
                        "one that does not",
                    ));
                }
                bytes.truncate(bytes.len() - 4);
                bytes
            }
            Filter::Other(id) => {
                let found = match id {
                    4 => "compressed by szip".to_owned(),
                    32_000 => "compressed by LZF".to_owned(),
                    _ => format!("compressed by filter {id}"),
                };
                return Err(reader.unsupported(
                    object,
                    &found,
                    "datasets that are deflated, shuffled, or neither",
                ));
            }
        };
    }
    if bytes.len() != size {
        return Err(reader.damaged(
            object,
            &format!("chunks of {size} bytes"),
            &format!("one of {}", bytes.len()),
        ));
    }
    Ok(bytes)
}

fn unshuffle(bytes: &[u8], element: usize) -> Vec<u8> {
    let count = bytes.len().checked_div(element).unwrap_or(0);
    if count < 2 || element < 2 {
        return bytes.to_vec();
    }
    let (shuffled, rest) = bytes.split_at(count * element);
    let mut whole = vec![0; shuffled.len()];
    for (byte, plane) in shuffled.chunks_exact(count).enumerate() {
        for (into, from) in whole.iter_mut().skip(byte).step_by(element).zip(plane) {
            *into = *from;
        }
    }
    whole.extend_from_slice(rest);
    whole
}

/// Fletcher's checksum over pairs of bytes.
fn fletcher32(bytes: &[u8]) -> u32 {
    let (mut first, mut second) = (0u32, 0u32);
    let mut add = |word: u32| {
        first = (first + word) % 65_535;
        second = (second + first) % 65_535;
    };
    let (pairs, rest) = bytes.as_chunks::<2>();
    for pair in pairs {
        add(u16::from_be_bytes(*pair).into());
    }
    if let Some(&last) = rest.first() {
        add(u32::from(last) << 8);
    }
    (second << 16) | first
}
