//! What the elements of a dataset or an attribute are.

use super::block::Block;
use crate::FormatError;
use crate::numbers::{ByteOrder, NumberKind};

/// What an element is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Datatype {
    /// A number.
    Number { kind: NumberKind, order: ByteOrder },
    /// A text of so many bytes, filled up behind its end.
    Text { size: usize },
    /// A text of any length, in the global heap.
    VariableText,
    /// Anything else, of so many bytes.
    Other { size: usize, what: &'static str },
}

impl Datatype {
    pub(super) fn read(block: &mut Block<'_>) -> Result<Self, FormatError> {
        let class = block.u8()? & 15;
        let bits = block.u8()?;
        block.skip(2)?;
        let size = block.u32()? as usize;
        let other = |what| Ok(Datatype::Other { size, what });
        let order = match bits & 1 {
            0 => ByteOrder::Little,
            _ => ByteOrder::Big,
        };
        match class {
            0 => {
                let (offset, precision) = (block.u16()?, usize::from(block.u16()?));
                let kind = match (size, bits & 8 != 0) {
                    (1, false) => NumberKind::U8,
                    (1, true) => NumberKind::I8,
                    (2, false) => NumberKind::U16,
                    (2, true) => NumberKind::I16,
                    (4, false) => NumberKind::U32,
                    (4, true) => NumberKind::I32,
                    (8, false) => NumberKind::U64,
                    (8, true) => NumberKind::I64,
                    _ => return other("integers of an unusual width"),
                };
                if offset != 0 || precision != 8 * size {
                    return other("integers of an unusual width");
                }
                Ok(Datatype::Number { kind, order })
            }
            1 => {
                block.skip(4)?;
                let exponent = (block.u8()?, block.u8()?);
                let mantissa = (block.u8()?, block.u8()?);
                let bias = block.u32()?;
                let kind = match (size, exponent, mantissa, bias) {
                    (2, (10, 5), (0, 10), 15) => NumberKind::F16,
                    (2, (7, 8), (0, 7), 127) => NumberKind::BF16,
                    (4, (23, 8), (0, 23), 127) => NumberKind::F32,
                    (8, (52, 11), (0, 52), 1023) => NumberKind::F64,
                    _ => return other("floating-point numbers of an unusual kind"),
                };
                if bits & 0x40 != 0 {
                    return other("numbers in the order of a VAX");
                }
                Ok(Datatype::Number { kind, order })
            }
            3 => Ok(Datatype::Text { size }),
            // An enumeration, as h5py keeps truth values: its numbers are what counts.
            8 => Datatype::read(block),
            9 if bits & 15 == 1 => Ok(Datatype::VariableText),
            9 => other("lists of any length"),
            6 => other("compound"),
            7 => other("references"),
            _ => other("not numbers"),
        }
    }

    /// Bytes of one element, `address` being how wide an address is.
    pub(super) fn size(&self, address: usize) -> usize {
        match self {
            Datatype::Number { kind, .. } => kind.size(),
            Datatype::Text { size } | Datatype::Other { size, .. } => *size,
            Datatype::VariableText => 8 + address,
        }
    }
}
