//! Tensors that are known while a file is read: weights, settings, shapes.

use half::{bf16, f16};

use crate::FormatError;
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{TensorProto, data_type};

/// Bytes read from the file at a time.
const CHUNK: usize = 1 << 16;

/// Known numbers and their shape.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub dims: Vec<usize>,
    pub data: Data,
}

/// The two kinds of numbers that matter: weights, and what shapes are computed from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    Float(Vec<f32>),
    /// Integers and truth values.
    Int(Vec<i64>),
}

impl Data {
    pub(super) fn len(&self) -> usize {
        match self {
            Data::Float(values) => values.len(),
            Data::Int(values) => values.len(),
        }
    }

    /// The numbers at these places, each of which is within.
    pub(super) fn pick(&self, places: impl Iterator<Item = usize>) -> Data {
        match self {
            Data::Float(values) => Data::Float(
                places
                    .map(|i| values.get(i).copied().unwrap_or(0.0))
                    .collect(),
            ),
            Data::Int(values) => Data::Int(
                places
                    .map(|i| values.get(i).copied().unwrap_or(0))
                    .collect(),
            ),
        }
    }
}

/// How many numbers a shape calls for; none if part of it, without axes of 0, calls for more
/// than can be counted.
pub(super) fn count(dims: &[usize]) -> Option<usize> {
    let counted = dims
        .iter()
        .try_fold(1usize, |n, &dim| n.checked_mul(dim.max(1)))?;
    Some(if dims.contains(&0) { 0 } else { counted })
}

/// How far apart neighbours along each axis are, row-major.
pub(super) fn strides(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1usize; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis].saturating_mul(dims[axis]);
    }
    strides
}

/// The offset of each place of `dims`, row-major, when a step along an axis moves by its stride.
pub(super) fn offsets(dims: &[usize], strides: &[usize]) -> impl Iterator<Item = usize> + use<> {
    let total = count(dims).unwrap_or(0);
    let (dims, strides) = (dims.to_vec(), strides.to_vec());
    let mut place = vec![0usize; dims.len()];
    let mut offset = 0usize;
    (0..total).map(move |_| {
        let here = offset;
        for axis in (0..dims.len()).rev() {
            place[axis] += 1;
            offset += strides[axis];
            if place[axis] < dims[axis] {
                break;
            }
            offset -= strides[axis] * dims[axis];
            place[axis] = 0;
        }
        here
    })
}

impl Array {
    pub(super) fn ints(values: Vec<i64>) -> Self {
        Array {
            dims: vec![values.len()],
            data: Data::Int(values),
        }
    }

    /// Its numbers as floating-point ones.
    pub(super) fn floats(&self) -> Vec<f32> {
        match &self.data {
            Data::Float(values) => values.clone(),
            Data::Int(values) => values.iter().map(|&v| v as f32).collect(),
        }
    }

    /// As [`floats`](Self::floats), without a copy where it is one already.
    pub(super) fn into_floats(self) -> Vec<f32> {
        match self.data {
            Data::Float(values) => values,
            Data::Int(values) => values.into_iter().map(|v| v as f32).collect(),
        }
    }

    /// Its numbers, if they are integers.
    pub(super) fn as_ints(&self) -> Option<&[i64]> {
        match &self.data {
            Data::Int(values) => Some(values),
            Data::Float(_) => None,
        }
    }

    /// The number, if it holds but one.
    pub(super) fn scalar(&self) -> Option<f64> {
        match &self.data {
            Data::Float(values) => match values.as_slice() {
                [value] => Some(f64::from(*value)),
                _ => None,
            },
            Data::Int(values) => match values.as_slice() {
                [value] => Some(*value as f64),
                _ => None,
            },
        }
    }

    /// The same numbers with the axes in another order.
    pub(super) fn transposed(&self, axes: &[usize]) -> Array {
        let own = strides(&self.dims);
        let dims: Vec<usize> = axes.iter().map(|&a| self.dims[a]).collect();
        let moved: Vec<usize> = axes.iter().map(|&a| own[a]).collect();
        Array {
            data: self.data.pick(offsets(&dims, &moved)),
            dims,
        }
    }

    /// Every number times a factor.
    pub(super) fn into_scaled(self, factor: f32) -> Array {
        Array {
            dims: self.dims.clone(),
            data: Data::Float(self.into_floats().into_iter().map(|v| v * factor).collect()),
        }
    }

    /// The same numbers in another shape of as many.
    pub(super) fn reshaped(self, dims: Vec<usize>) -> Array {
        Array { dims, ..self }
    }
}

/// The shape of a tensor in a file; no numbers are read.
pub(super) fn dims_of(file: &OnnxFile, tensor: &TensorProto) -> Result<Vec<usize>, FormatError> {
    let dims = tensor.dims.iter().map(|&d| usize::try_from(d).ok());
    let dims: Option<Vec<usize>> = dims.collect();
    dims.filter(|dims| count(dims).is_some()).ok_or_else(|| {
        let part = format!("the shape of tensor `{}`", tensor.name());
        let found = format!("{:?}", tensor.dims);
        FormatError::damaged(&file.path, part, "sizes that can be", found)
    })
}

/// Reads a tensor: floating-point numbers in single precision, whole ones as integers.
pub(super) fn read(file: &OnnxFile, tensor: &TensorProto) -> Result<Array, FormatError> {
    let dims = dims_of(file, tensor)?;
    let count = count(&dims).unwrap_or(usize::MAX);
    let float = |values: &[f32]| Data::Float(values.to_vec());
    let int32 =
        |read: fn(i32) -> i64| Data::Int(tensor.int32_data.iter().map(|&v| read(v)).collect());
    let half = |read: fn(u16) -> f32| {
        let values = tensor.int32_data.iter().map(|&v| read(v as u16));
        Data::Float(values.collect())
    };
    let bytes = file.bytes_of(tensor)?;
    let raw = Raw {
        file,
        tensor,
        bytes,
        count,
    };
    let data = match tensor.data_type() {
        data_type::FLOAT => match raw.floats(f32::from_le_bytes)? {
            Some(data) => data,
            None => float(&tensor.float_data),
        },
        data_type::FLOAT16 => match raw.floats(|b| f16::from_le_bytes(b).to_f32())? {
            Some(data) => data,
            None => half(|bits| f16::from_bits(bits).to_f32()),
        },
        data_type::BFLOAT16 => match raw.floats(|b| bf16::from_le_bytes(b).to_f32())? {
            Some(data) => data,
            None => half(|bits| bf16::from_bits(bits).to_f32()),
        },
        data_type::DOUBLE => match raw.floats(|b| f64::from_le_bytes(b) as f32)? {
            Some(data) => data,
            None => Data::Float(tensor.double_data.iter().map(|&v| v as f32).collect()),
        },
        data_type::UINT8 => match raw.ints(|[b]| i64::from(b))? {
            Some(data) => data,
            None => int32(i64::from),
        },
        data_type::BOOL => match raw.ints(|[b]| i64::from(b != 0))? {
            Some(data) => data,
            None => int32(|v| i64::from(v != 0)),
        },
        data_type::INT8 => match raw.ints(|b| i64::from(i8::from_le_bytes(b)))? {
            Some(data) => data,
            None => int32(i64::from),
        },
        data_type::UINT16 => match raw.ints(|b| i64::from(u16::from_le_bytes(b)))? {
            Some(data) => data,
            None => int32(i64::from),
        },
        data_type::INT16 => match raw.ints(|b| i64::from(i16::from_le_bytes(b)))? {
            Some(data) => data,
            None => int32(i64::from),
        },
        data_type::INT32 => match raw.ints(|b| i64::from(i32::from_le_bytes(b)))? {
            Some(data) => data,
            None => int32(i64::from),
        },
        data_type::INT64 => match raw.ints(i64::from_le_bytes)? {
            Some(data) => data,
            None => Data::Int(tensor.int64_data.clone()),
        },
        data_type::UINT32 | data_type::UINT64 => {
            let wide = tensor.data_type() == data_type::UINT64;
            let raw = match wide {
                true => raw.ints(|b| u64::from_le_bytes(b).try_into().unwrap_or(i64::MAX))?,
                false => raw.ints(|b| i64::from(u32::from_le_bytes(b)))?,
            };
            let stored = tensor.uint64_data.iter();
            raw.unwrap_or_else(|| {
                Data::Int(stored.map(|&v| v.try_into().unwrap_or(i64::MAX)).collect())
            })
        }
        other => {
            return Err(FormatError::unsupported(
                &file.path,
                format!("tensor `{}`", tensor.name()),
                format!("of ONNX data type {other}"),
                "floating-point numbers of 16 to 64 bits, integers of 8 to 64 bits",
                "export the model with float32 weights",
            ));
        }
    };
    if data.len() != count {
        let part = format!("tensor `{}`", tensor.name());
        let expected = format!("{count} numbers for its shape {dims:?}");
        return Err(FormatError::damaged(
            &file.path,
            part,
            expected,
            data.len().to_string(),
        ));
    }
    Ok(Array { dims, data })
}

/// Numbers kept as little-endian bytes.
struct Raw<'a> {
    file: &'a OnnxFile,
    tensor: &'a TensorProto,
    bytes: Option<crate::Source>,
    count: usize,
}

impl Raw<'_> {
    fn floats<const N: usize>(
        &self,
        read: fn([u8; N]) -> f32,
    ) -> Result<Option<Data>, FormatError> {
        Ok(self.numbers(read)?.map(Data::Float))
    }

    fn ints<const N: usize>(&self, read: fn([u8; N]) -> i64) -> Result<Option<Data>, FormatError> {
        Ok(self.numbers(read)?.map(Data::Int))
    }

    /// The numbers, a piece of the file at a time.
    fn numbers<const N: usize, T>(
        &self,
        read: fn([u8; N]) -> T,
    ) -> Result<Option<Vec<T>>, FormatError> {
        let Some(bytes) = &self.bytes else {
            return Ok(None);
        };
        let part = || format!("tensor `{}`", self.tensor.name());
        let expected = self.count.checked_mul(N);
        if expected.map(|n| n as u64) != Some(bytes.len()) {
            let expected = format!("{} numbers of {N} bytes", self.count);
            let found = format!("{} bytes", bytes.len());
            return Err(FormatError::damaged(
                &self.file.path,
                part(),
                expected,
                found,
            ));
        }
        let mut values = Vec::with_capacity(self.count);
        let mut chunk = vec![0; CHUNK.min(self.count * N)];
        let mut at = 0;
        while at < bytes.len() {
            let left = usize::try_from(bytes.len() - at).unwrap_or(CHUNK);
            chunk.truncate(left);
            let filled = bytes.read_at(at, &mut chunk);
            filled.map_err(|error| FormatError::reading(&self.file.path, part(), error))?;
            values.extend(chunk.as_chunks::<N>().0.iter().map(|&b| read(b)));
            at += chunk.len() as u64;
        }
        Ok(Some(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_array_has_its_numbers_where_they_belong() {
        let array = Array {
            dims: vec![2, 3],
            data: Data::Int(vec![0, 1, 2, 3, 4, 5]),
        };
        let turned = array.transposed(&[1, 0]);
        assert_eq!(turned.dims, [3, 2]);
        assert_eq!(turned.as_ints().unwrap(), [0, 3, 1, 4, 2, 5]);
    }
}
