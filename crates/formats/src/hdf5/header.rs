//! The header of an object: the messages that say what it is.

use super::block::{Block, Reader};
use crate::FormatError;

/// What one message says, still in bytes.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) kind: u16,
    at: u64,
    bytes: Vec<u8>,
    shared: bool,
}

/// Kinds of messages.
pub(super) mod kind {
    pub(crate) const DATASPACE: u16 = 0x01;
    pub(crate) const LINK_INFO: u16 = 0x02;
    pub(crate) const DATATYPE: u16 = 0x03;
    pub(crate) const FILL: u16 = 0x05;
    pub(crate) const LINK: u16 = 0x06;
    pub(crate) const EXTERNAL_FILES: u16 = 0x07;
    pub(crate) const LAYOUT: u16 = 0x08;
    pub(crate) const FILTERS: u16 = 0x0B;
    pub(crate) const ATTRIBUTE: u16 = 0x0C;
    pub(super) const CONTINUATION: u16 = 0x10;
    pub(crate) const SYMBOL_TABLE: u16 = 0x11;
    pub(crate) const ATTRIBUTE_INFO: u16 = 0x15;
}

impl Message {
    /// Its bytes, to be read.
    pub(super) fn read<'r>(&self, reader: &'r Reader) -> Result<Block<'r>, FormatError> {
        if self.shared {
            return Err(reader.unsupported(
                &format!("the message at byte {}", self.at),
                "kept in another object",
                "messages in the object's own header",
            ));
        }
        Ok(Block::new(reader, self.at, self.bytes.clone()))
    }
}

/// The messages of the object whose header is at `at`.
pub(super) fn read(reader: &Reader, at: u64) -> Result<Vec<Message>, FormatError> {
    let mut prefix = reader.block_up_to(at, 32, "an object")?;
    let mut messages = Messages {
        reader,
        found: Vec::new(),
        continued: Vec::new(),
    };
    let shape = if prefix.take(4)? == b"OHDR" {
        prefix.version("an object", 2)?;
        let flags = prefix.u8()?;
        if flags & 0x20 != 0 {
            prefix.skip(16)?;
        }
        if flags & 0x10 != 0 {
            prefix.skip(4)?;
        }
        let size = prefix.uint(1 << (flags & 3))?;
        let ordered = flags & 4 != 0;
        messages.chunk(prefix.at(), size, Shape::Second { ordered })?;
        Shape::Second { ordered }
    } else {
        let mut prefix = reader.block(at, 16, "an object")?;
        prefix.version("an object", 1)?;
        prefix.skip(7)?;
        let size = u64::from(prefix.u32()?);
        messages.chunk(at.saturating_add(16), size, Shape::First)?;
        Shape::First
    };
    while let Some((at, len)) = messages.continued.pop() {
        match shape {
            Shape::First => messages.chunk(at, len, shape)?,
            Shape::Second { .. } => {
                reader
                    .block(at, 4, "a continued object")?
                    .signature(b"OCHK")?;
                // Signature and checksum stand around the messages.
                messages.chunk(at.saturating_add(4), len.saturating_sub(8), shape)?;
            }
        }
    }
    Ok(messages.found)
}

/// How messages are written in a header of the first or second version.
#[derive(Clone, Copy)]
enum Shape {
    First,
    Second { ordered: bool },
}

struct Messages<'r> {
    reader: &'r Reader,
    found: Vec<Message>,
    continued: Vec<(u64, u64)>,
}

impl Messages<'_> {
    fn chunk(&mut self, at: u64, len: u64, shape: Shape) -> Result<(), FormatError> {
        let mut block = self.reader.block(at, len, "an object's messages")?;
        loop {
            let prefix = match shape {
                Shape::First => 8,
                Shape::Second { ordered } => 4 + if ordered { 2 } else { 0 },
            };
            if block.left() < prefix {
                return Ok(());
            }
            let (kind, size, flags) = match shape {
                Shape::First => {
                    let of = (block.u16()?, block.u16()?, block.u8()?);
                    block.skip(3)?;
                    of
                }
                Shape::Second { ordered } => {
                    let of = (u16::from(block.u8()?), block.u16()?, block.u8()?);
                    block.skip(if ordered { 2 } else { 0 })?;
                    of
                }
            };
            let at = block.at();
            let mut body = block.part(usize::from(size))?;
            if kind == kind::CONTINUATION {
                let to = (body.defined_address()?, body.length()?);
                self.continued.push(to);
            } else {
                self.found.push(Message {
                    kind,
                    at,
                    bytes: body.take(usize::from(size))?.to_vec(),
                    shared: flags & 2 != 0,
                });
            }
        }
    }
}
