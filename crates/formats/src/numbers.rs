//! Numbers as they lie in a file, and how they become single precision.

use std::io::{self, Read};

use half::{bf16, f16};

use crate::archive::Record;

/// A kind of number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    /// Double precision.
    F64,
    /// Single precision.
    F32,
    /// Half precision.
    F16,
    /// The upper half of single precision.
    BF16,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 64 bits.
    U64,
    /// Unsigned, 32 bits.
    U32,
    /// Unsigned, 16 bits.
    U16,
    /// Unsigned, 8 bits.
    U8,
    /// A byte that is 0 for false.
    Bool,
}

impl NumberKind {
    /// Bytes of one number.
    pub fn size(self) -> usize {
        match self {
            NumberKind::F64 | NumberKind::I64 | NumberKind::U64 => 8,
            NumberKind::F32 | NumberKind::I32 | NumberKind::U32 => 4,
            NumberKind::F16 | NumberKind::BF16 | NumberKind::I16 | NumberKind::U16 => 2,
            NumberKind::I8 | NumberKind::U8 | NumberKind::Bool => 1,
        }
    }

    /// Appends the numbers that `bytes` hold, rounded to single precision.
    pub(crate) fn decode(self, bytes: &[u8], order: ByteOrder, into: &mut Vec<f32>) {
        match self {
            NumberKind::F64 => extend(bytes, order, into, |b| f64::from_le_bytes(b) as f32),
            NumberKind::F32 => extend(bytes, order, into, f32::from_le_bytes),
            NumberKind::F16 => extend(bytes, order, into, |b| f16::from_le_bytes(b).to_f32()),
            NumberKind::BF16 => extend(bytes, order, into, |b| bf16::from_le_bytes(b).to_f32()),
            NumberKind::I64 => extend(bytes, order, into, |b| i64::from_le_bytes(b) as f32),
            NumberKind::I32 => extend(bytes, order, into, |b| i32::from_le_bytes(b) as f32),
            NumberKind::I16 => extend(bytes, order, into, |b| f32::from(i16::from_le_bytes(b))),
            NumberKind::I8 => extend(bytes, order, into, |b| f32::from(i8::from_le_bytes(b))),
            NumberKind::U64 => extend(bytes, order, into, |b| u64::from_le_bytes(b) as f32),
            NumberKind::U32 => extend(bytes, order, into, |b| u32::from_le_bytes(b) as f32),
            NumberKind::U16 => extend(bytes, order, into, |b| f32::from(u16::from_le_bytes(b))),
            NumberKind::U8 => extend(bytes, order, into, |[b]| f32::from(b)),
            NumberKind::Bool => extend(bytes, order, into, |[b]| f32::from(u8::from(b != 0))),
        }
    }
}

/// Which byte of a number comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Little,
    Big,
}

fn extend<const N: usize>(
    bytes: &[u8],
    order: ByteOrder,
    into: &mut Vec<f32>,
    number: impl Fn([u8; N]) -> f32,
) {
    let (numbers, _) = bytes.as_chunks::<N>();
    match order {
        ByteOrder::Little => into.extend(numbers.iter().map(|b| number(*b))),
        ByteOrder::Big => into.extend(numbers.iter().map(|b| {
            let mut b = *b;
            b.reverse();
            number(b)
        })),
    }
}

/// A tensor whose numbers lie in one record, one after the other or by strides.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    pub record: Record,
    pub kind: NumberKind,
    pub order: ByteOrder,
    /// The first number, counted in numbers from the record's start.
    pub first: u64,
    /// From one place of each axis to the next, in numbers; none if the tensor is row-major.
    pub strides: Option<Vec<u64>>,
}

impl Plain {
    /// How many numbers lie between the first and the last, both counted; none if there are more
    /// than can be counted.
    pub(crate) fn span(shape: &[usize], strides: &[u64]) -> Option<u64> {
        if shape.contains(&0) {
            return Some(0);
        }
        let mut last = 0u64;
        for (&dim, &stride) in shape.iter().zip(strides) {
            let reach = (dim as u64).checked_sub(1)?.checked_mul(stride)?;
            last = last.checked_add(reach)?;
        }
        last.checked_add(1)
    }

    /// The numbers in row-major order.
    pub(crate) fn read(&self, shape: &[usize]) -> io::Result<Vec<f32>> {
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let count = count.ok_or(io::ErrorKind::OutOfMemory)?;
        match &self.strides {
            None => self.read_row(count),
            Some(strides) => {
                let span = Plain::span(shape, strides).and_then(|span| usize::try_from(span).ok());
                let span = self.read_row(span.ok_or(io::ErrorKind::OutOfMemory)?)?;
                gather(&span, shape, strides, count)
            }
        }
    }

    /// `count` numbers from the first on. They are converted piece by piece, so that they are in
    /// memory once.
    fn read_row(&self, count: usize) -> io::Result<Vec<f32>> {
        const PIECE: usize = 1 << 18;
        let mut values = room(count)?;
        let size = self.kind.size();
        let start = self.first.checked_mul(size as u64);
        let mut reader = self
            .record
            .reader(start.ok_or(io::ErrorKind::UnexpectedEof)?)?;
        let mut piece = vec![0; PIECE.min(count.saturating_mul(size))];
        let mut left = count;
        while left > 0 {
            let now = left.min(PIECE / size);
            let bytes = &mut piece[..now * size];
            reader.read_exact(bytes)?;
            self.kind.decode(bytes, self.order, &mut values);
            left -= now;
        }
        Ok(values)
    }
}

/// The places of `span` that shape and strides call for, in row-major order.
fn gather(span: &[f32], shape: &[usize], strides: &[u64], count: usize) -> io::Result<Vec<f32>> {
    let mut values = room(count)?;
    let mut index = vec![0usize; shape.len()];
    while values.len() < count {
        let place: u64 = index.iter().zip(strides).map(|(&i, &s)| i as u64 * s).sum();
        let value = usize::try_from(place).ok().and_then(|at| span.get(at));
        values.push(*value.ok_or(io::ErrorKind::UnexpectedEof)?);
        for (i, &dim) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < dim {
                break;
            }
            *i = 0;
        }
    }
    Ok(values)
}

fn room(count: usize) -> io::Result<Vec<f32>> {
    let mut values = Vec::new();
    let reserved = values.try_reserve_exact(count);
    reserved.map_err(|_| io::ErrorKind::OutOfMemory)?;
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(kind: NumberKind, bytes: &[u8], order: ByteOrder) -> Vec<f32> {
        let mut values = Vec::new();
        kind.decode(bytes, order, &mut values);
        values
    }

    #[test]
    fn each_kind_becomes_single_precision() {
        let little = |kind, bytes: &[u8]| decoded(kind, bytes, ByteOrder::Little);
        assert_eq!(little(NumberKind::F64, &1.5f64.to_le_bytes()), [1.5]);
        assert_eq!(little(NumberKind::F32, &(-2.5f32).to_le_bytes()), [-2.5]);
        assert_eq!(little(NumberKind::F16, &[0x00, 0x3c]), [1.0]);
        assert_eq!(little(NumberKind::BF16, &[0x80, 0x3f]), [1.0]);
        assert_eq!(little(NumberKind::I64, &(-3i64).to_le_bytes()), [-3.0]);
        assert_eq!(little(NumberKind::I8, &[0xff, 0x7f]), [-1.0, 127.0]);
        assert_eq!(little(NumberKind::U8, &[0xff]), [255.0]);
        assert_eq!(little(NumberKind::Bool, &[0, 2]), [0.0, 1.0]);
    }

    #[test]
    fn big_endian_numbers_are_turned_round() {
        let bytes = 7.25f32.to_be_bytes();
        assert_eq!(decoded(NumberKind::F32, &bytes, ByteOrder::Big), [7.25]);
    }

    #[test]
    fn a_span_that_cannot_be_counted_is_none() {
        assert_eq!(Plain::span(&[2, 3], &[3, 1]), Some(6));
        assert_eq!(Plain::span(&[2, 0], &[u64::MAX, 1]), Some(0));
        assert_eq!(Plain::span(&[2, 2], &[u64::MAX, 1]), None);
        assert_eq!(Plain::span(&[3], &[u64::MAX]), None);
    }

    #[test]
    fn strides_pick_a_transposed_tensor() {
        let numbers: Vec<u8> = (0..6).flat_map(|n| (n as f32).to_le_bytes()).collect();
        let plain = Plain {
            record: Record::from(crate::Source::from(numbers)),
            kind: NumberKind::F32,
            order: ByteOrder::Little,
            first: 0,
            strides: Some(vec![1, 3]),
        };
        let values = plain.read(&[3, 2]).unwrap();
        assert_eq!(values, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    }
}
