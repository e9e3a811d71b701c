//! Attributes: small values that belong to a group.

use super::block::{Block, Reader};
use super::btree;
use super::datatype::Datatype;
use super::fractal::FractalHeap;
use super::header::{Message, kind};
use super::heap::GlobalHeap;
use super::message::dataspace;
use crate::FormatError;
use crate::numbers::{ByteOrder, NumberKind};

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// One text.
    Text(String),
    /// A list of texts, or of lists of texts, one behind the other.
    Texts(Vec<String>),
    /// One number.
    Number(f64),
    /// Nothing: a list without elements, or a value that was left empty.
    Empty,
    /// What Keras does not write.
    Other,
}

impl Value {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// The attribute `name` of an object with these messages.
pub(super) fn find(
    reader: &Reader,
    path: &str,
    messages: &[Message],
    name: &str,
) -> Result<Option<Value>, FormatError> {
    for message in messages {
        match message.kind {
            kind::ATTRIBUTE => {
                if let Some(value) = read(reader, path, &mut message.read(reader)?, name)? {
                    return Ok(Some(value));
                }
            }
            kind::ATTRIBUTE_INFO => {
                let mut body = message.read(reader)?;
                body.version("attributes", 0)?;
                let ordered = body.u8()? & 1 != 0;
                body.skip(if ordered { 2 } else { 0 })?;
                let (Some(heap), Some(index)) = (body.address()?, body.address()?) else {
                    continue;
                };
                let heap = FractalHeap::read(reader, heap)?;
                let mut found = None;
                btree::records(reader, index, 8, &mut |mut record| {
                    if found.is_none() {
                        found = read(reader, path, &mut heap.object(&mut record)?, name)?;
                    }
                    Ok(())
                })?;
                if found.is_some() {
                    return Ok(found);
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The value of the attribute in `block`, if that is its name.
fn read(
    reader: &Reader,
    path: &str,
    block: &mut Block<'_>,
    wanted: &str,
) -> Result<Option<Value>, FormatError> {
    let version = block.u8()?;
    let flags = block.u8()?;
    let sizes = [block.u16()?, block.u16()?, block.u16()?].map(usize::from);
    if version == 3 {
        block.skip(1)?;
    }
    let mut parts = Vec::new();
    for size in sizes {
        parts.push(block.part(size)?);
        // In the first version, each part is filled up to eight bytes.
        if version == 1 {
            block.align()?;
        }
    }
    let [mut name, mut datatype, mut space] = match <[Block<'_>; 3]>::try_from(parts) {
        Ok(parts) => parts,
        Err(_) => return Ok(None),
    };
    let text = name.take(name.left())?;
    if text.split(|&b| b == 0).next() != Some(wanted.as_bytes()) {
        return Ok(None);
    }
    if !(1..=3).contains(&version) || (version > 1 && flags & 3 != 0) {
        return Err(reader.unsupported(
            &format!("attribute `{wanted}` of {path}"),
            "kept in another way",
            "attributes of versions 1 to 3",
        ));
    }
    let datatype = Datatype::read(&mut datatype)?;
    let dims = dataspace(&mut space)?;
    let count = dims.iter().fold(u64::from(dims.is_some()), |n, dims| {
        dims.lengths.iter().fold(n, |n, &len| n.saturating_mul(len))
    });
    let scalar = dims.is_some_and(|dims| dims.lengths.is_empty());
    value(reader, block, &datatype, count, scalar).map(Some)
}

fn value(
    reader: &Reader,
    block: &mut Block<'_>,
    datatype: &Datatype,
    count: u64,
    scalar: bool,
) -> Result<Value, FormatError> {
    if count == 0 {
        return Ok(Value::Empty);
    }
    let size = datatype.size(reader.offset_size());
    let there = block.left().checked_div(size).unwrap_or(0) as u64;
    if count > there {
        return Err(block.damaged(
            &format!("{count} elements of {size} bytes"),
            &format!("{} bytes", block.left()),
        ));
    }
    let mut texts = Vec::new();
    match datatype {
        Datatype::Text { size } => {
            for _ in 0..count {
                let at = block.at();
                let mut text = block.take(*size)?;
                if let Some(end) = text.iter().position(|&byte| byte == 0) {
                    text = text.get(..end).unwrap_or_default();
                }
                let len = text.len();
                let mut text = Block::new(reader, at, text.to_vec());
                texts.push(text.text(len)?);
            }
        }
        Datatype::VariableText => {
            let mut heap = GlobalHeap::new(reader);
            for _ in 0..count {
                let len = u64::from(block.u32()?);
                let at = block.address()?;
                let index = block.u32()?;
                texts.push(match at {
                    Some(at) if len > 0 => {
                        let mut text = heap.object(at, index, len)?;
                        let text = text.text(text.left())?;
                        text.trim_end_matches('\0').to_owned()
                    }
                    _ => String::new(),
                });
            }
        }
        Datatype::Number { kind, order } if scalar => {
            return Ok(Value::Number(number(*kind, *order, block.take(size)?)));
        }
        Datatype::Number { .. } | Datatype::Other { .. } => return Ok(Value::Other),
    }
    match texts.pop() {
        Some(text) if scalar => Ok(Value::Text(text)),
        Some(text) => {
            texts.push(text);
            Ok(Value::Texts(texts))
        }
        None => Ok(Value::Empty),
    }
}

/// One number; all of double precision is kept.
fn number(kind: NumberKind, order: ByteOrder, bytes: &[u8]) -> f64 {
    if let (NumberKind::F64, Ok(mut bytes)) = (kind, <[u8; 8]>::try_from(bytes)) {
        if order == ByteOrder::Big {
            bytes.reverse();
        }
        return f64::from_le_bytes(bytes);
    }
    let mut values = Vec::new();
    kind.decode(bytes, order, &mut values);
    values.first().copied().unwrap_or(0.0).into()
}
