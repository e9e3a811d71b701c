//! The safetensors format: a JSON header, then the numbers.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use finial_graph::Weights;
use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::checkpoint::{Checkpoint, Numbers, StoredTensor};
use crate::new_file::NewFile;
use crate::numbers::{ByteOrder, NumberKind, Plain};
use crate::{FormatError, Source};

/// Bytes of the header's length.
const LENGTH: u64 = 8;
/// The format allows no longer header.
const MOST_HEADER: u64 = 100_000_000;

/// Writes weights as a safetensors file, which must not exist yet, each tensor in the precision
/// that it came in.
///
/// # Errors
/// The file cannot be written, or is there already.
pub fn export(weights: &Weights, path: &Path) -> Result<(), FormatError> {
    let new = NewFile::begin(path)?;
    let mut out = BufWriter::new(new.file());
    let written = weights.write_safetensors(&mut out);
    written.map_err(|error| FormatError::Weights {
        path: path.to_owned(),
        error,
    })?;
    out.flush()
        .map_err(|error| FormatError::file(path, error))?;
    drop(out);
    new.finish()
}

/// Names, shapes and places of the tensors of a safetensors file.
///
/// # Errors
/// The header is not one, tensors overlap or leave gaps, or the file is shorter or longer than
/// they are.
pub(crate) fn checkpoint(source: &Source, path: &Path) -> Result<Checkpoint, FormatError> {
    let header =
        |expected: &str, found: String| FormatError::damaged(path, "the header", expected, found);
    let reading = |error| FormatError::reading(path, "the header", error);
    let mut length = [0; LENGTH as usize];
    source.read_at(0, &mut length).map_err(reading)?;
    let length = u64::from_le_bytes(length);
    if length > MOST_HEADER {
        return Err(header("at most 100 MB", format!("{length} bytes")));
    }
    let text = source.part(LENGTH, length);
    let text =
        text.ok_or_else(|| header(&format!("{length} bytes"), "the end of the file".into()))?;
    let text = text.read().map_err(reading)?;
    // Reading it checks that tensors follow each other and are as long as their shapes say.
    let metadata: Metadata = serde_json::from_slice(&text)
        .map_err(|error| header("tensors in order, as JSON", error.to_string()))?;
    drop(text);

    let start = LENGTH + length;
    let data = source.part(start, metadata.data_len() as u64);
    let data = data.filter(|data| start + data.len() == source.len());
    let data = data.ok_or_else(|| {
        FormatError::damaged(
            path,
            "the numbers",
            format!("{} bytes behind the header", metadata.data_len()),
            format!("{}", source.len() - start),
        )
    })?;

    let name: Arc<Path> = path.into();
    let mut tensors = Vec::new();
    for tensor in metadata.offset_keys() {
        let Some(info) = metadata.info(&tensor) else {
            continue;
        };
        let kind = kind(info.dtype).ok_or_else(|| {
            FormatError::unsupported(
                path,
                format!("tensor `{tensor}`"),
                format!("of {}", info.dtype),
                "F64, F32, F16, BF16 and integers",
                "convert the file to float32, float16 or bfloat16",
            )
        })?;
        let (from, to) = info.data_offsets;
        let record = data.part(from as u64, to.saturating_sub(from) as u64);
        let record = record.ok_or_else(|| {
            let part = format!("tensor `{tensor}`");
            FormatError::damaged(path, part, "its bytes", "the end of the file")
        })?;
        let plain = Plain {
            record: record.into(),
            kind,
            order: ByteOrder::Little,
            first: 0,
            strides: None,
        };
        let (shape, numbers) = (info.shape.clone(), Numbers::Plain(plain));
        tensors.push(StoredTensor::new(&name, tensor, shape, kind, numbers));
    }
    Checkpoint::new(path, source.len(), tensors)
}

fn kind(dtype: Dtype) -> Option<NumberKind> {
    Some(match dtype {
        Dtype::F64 => NumberKind::F64,
        Dtype::F32 => NumberKind::F32,
        Dtype::F16 => NumberKind::F16,
        Dtype::BF16 => NumberKind::BF16,
        Dtype::I64 => NumberKind::I64,
        Dtype::I32 => NumberKind::I32,
        Dtype::I16 => NumberKind::I16,
        Dtype::I8 => NumberKind::I8,
        Dtype::U64 => NumberKind::U64,
        Dtype::U32 => NumberKind::U32,
        Dtype::U16 => NumberKind::U16,
        Dtype::U8 => NumberKind::U8,
        Dtype::BOOL => NumberKind::Bool,
        _ => return None,
    })
}
