//! Datasets: a shape, a kind of number, and the numbers, read when they are asked for.

use std::path::Path;
use std::sync::Arc;

use super::chunks::{Chunk, Grid};
use super::datatype::Datatype;
use super::filter::{self, Filter};
use super::header::{Message, kind};
use super::message::{self, Dataspace, Layout};
use super::{File, block::Reader};
use crate::FormatError;
use crate::numbers::{ByteOrder, NumberKind};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// A dataset. What it says about itself is read, its numbers stay in the file.
#[derive(Clone, Debug)]
pub struct Dataset {
    file: File,
    path: String,
    shape: Vec<usize>,
    described: Arc<Described>,
}

#[derive(Debug)]
struct Described {
    space: Dataspace,
    datatype: Datatype,
    layout: Layout,
    filters: Vec<Filter>,
    fill: Option<Vec<u8>>,
}

impl Dataset {
    pub(super) fn open(
        file: &File,
        path: String,
        messages: &[Message],
    ) -> Result<Self, FormatError> {
        let reader: &Reader = &file.reader;
        let find = |kind| messages.iter().find(|message| message.kind == kind);
        let expect = |kind, what: &str| {
            find(kind).ok_or_else(|| reader.damaged(&path, &format!("a {what}"), "none"))
        };
        let mut space = expect(kind::DATASPACE, "shape")?.read(reader)?;
        // A null dataspace holds no number, which no axis of a list does either.
        let space = message::dataspace(&mut space)?.unwrap_or(Dataspace {
            lengths: vec![0],
            maxima: vec![0],
        });
        let mut datatype = expect(kind::DATATYPE, "datatype")?.read(reader)?;
        let datatype = Datatype::read(&mut datatype)?;
        let mut layout = expect(kind::LAYOUT, "layout")?.read(reader)?;
        let mut layout = message::layout(reader, &mut layout)?;
        if find(kind::EXTERNAL_FILES).is_some() {
            layout = Layout::Other("in another file");
        }
        let filters = match find(kind::FILTERS) {
            Some(message) => filter::read(&mut message.read(reader)?)?,
            None => Vec::new(),
        };
        let fill = match find(kind::FILL) {
            Some(message) => message::fill(&mut message.read(reader)?)?,
            None => None,
        };
        let shape = space.lengths.iter().map(|&len| usize::try_from(len));
        let shape = shape.collect::<Result<Vec<_>, _>>().map_err(|_| {
            let found = format!("{:?}", space.lengths);
            reader.damaged(&path, "a shape that fits into memory", &found)
        })?;
        Ok(Dataset {
            file: file.clone(),
            shape,
            described: Arc::new(Described {
                space,
                datatype,
                layout,
                filters,
                fill,
            }),
            path,
        })
    }

    /// Its path in the file.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The path of the file that it is in.
    pub fn file(&self) -> &Path {
        self.file.path()
    }

    /// Its shape; no axes for a single number.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// What its numbers are; none if they are no numbers.
    pub fn kind(&self) -> Option<NumberKind> {
        match self.described.datatype {
            Datatype::Number { kind, .. } => Some(kind),
            _ => None,
        }
    }

    /// How many numbers there are.
    pub fn count(&self) -> usize {
        let lengths = self.shape.iter();
        lengths.fold(1, |count, &len| count.saturating_mul(len))
    }

    /// All its numbers in single precision, row-major.
    ///
    /// # Errors
    /// It does not hold numbers, is kept in a way that is not read, or is damaged.
    pub fn read(&self) -> Result<Vec<f32>, FormatError> {
        let mut values = Vec::new();
        self.read_pieces(1, &mut |_, piece| {
            if values.is_empty() {
                // The count was checked against the file before the first piece came.
                values.reserve_exact(self.count());
            }
            values.extend_from_slice(piece);
        })?;
        Ok(values)
    }

    /// Its numbers in single precision, in order, some rows of `row` numbers at a time: `each` is
    /// given the index of the first row and the numbers. What is kept in one piece is never in
    /// memory whole.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_pieces(
        &self,
        row: usize,
        each: &mut dyn FnMut(usize, &[f32]),
    ) -> Result<(), FormatError> {
        let reader: &Reader = &self.file.reader;
        let Described {
            layout,
            datatype,
            filters,
            ..
        } = &*self.described;
        let Datatype::Number { kind, order } = *datatype else {
            let found = match datatype {
                Datatype::Other { what, .. } => what,
                _ => "text",
            };
            return Err(reader.unsupported(&self.path, found, "datasets of numbers"));
        };
        let count = self.count();
        if count == 0 {
            return Ok(());
        }
        let size = (count as u64).saturating_mul(kind.size() as u64);
        match layout {
            Layout::Compact(bytes) => {
                if bytes.len() as u64 != size {
                    return Err(self.wrong_size(size, bytes.len() as u64));
                }
                let mut values = Vec::new();
                kind.decode(bytes, order, &mut values);
                each(0, &values);
                Ok(())
            }
            Layout::Contiguous { at: Some(at), len } => {
                if !filters.is_empty() {
                    return Err(reader.damaged(&self.path, "filters on chunks only", "others"));
                }
                if *len != size {
                    return Err(self.wrong_size(size, *len));
                }
                if !reader.holds(*at, size) {
                    let found = format!("the file's end at byte {}", reader.len());
                    let expected = format!("{size} bytes at byte {at}");
                    return Err(reader.damaged(&self.path, &expected, &found));
                }
                let row = row.clamp(1, count);
                let piece = (PIECE / kind.size() / row).max(1) * row;
                let mut bytes = Vec::new();
                let mut values = Vec::new();
                for first in (0..count).step_by(piece) {
                    bytes.resize(piece.min(count - first) * kind.size(), 0);
                    let before = (first * kind.size()) as u64;
                    reader.read_at(at.saturating_add(before), &mut bytes)?;
                    values.clear();
                    kind.decode(&bytes, order, &mut values);
                    each(first / row, &values);
                }
                Ok(())
            }
            Layout::Contiguous { at: None, .. } => {
                each(0, &self.unwritten(kind, order)?);
                Ok(())
            }
            Layout::Chunked { .. } => {
                let mut values = self.unwritten(kind, order)?;
                self.read_chunks(kind, order, &mut values)?;
                each(0, &values);
                Ok(())
            }
            Layout::Other(found) => Err(reader.unsupported(
                &self.path,
                found,
                "datasets in one piece or in chunks, in the file itself",
            )),
        }
    }

    /// As it would be if nothing had been written.
    fn unwritten(&self, kind: NumberKind, order: ByteOrder) -> Result<Vec<f32>, FormatError> {
        let count = self.count();
        self.file.reader.check_expansion(&self.path, count as u64)?;
        let mut fill = Vec::new();
        if let Some(bytes) = &self.described.fill {
            kind.decode(bytes, order, &mut fill);
        }
        Ok(vec![fill.first().copied().unwrap_or(0.0); count])
    }

    fn read_chunks(
        &self,
        kind: NumberKind,
        order: ByteOrder,
        values: &mut [f32],
    ) -> Result<(), FormatError> {
        let reader: &Reader = &self.file.reader;
        let Described { space, filters, .. } = &*self.described;
        let Layout::Chunked { chunk, index, at } = &self.described.layout else {
            return Ok(());
        };
        if chunk.len() != self.shape.len() || chunk.is_empty() || chunk.contains(&0) {
            let expected = format!("chunks of {} axes", self.shape.len());
            return Err(reader.damaged(&self.path, &expected, &format!("chunks {chunk:?}")));
        }
        // All chunks whole, the last of each axis may stand over.
        let padded = space.lengths.iter().zip(chunk).fold(1u64, |n, (&len, &c)| {
            n.saturating_mul(len.div_ceil(c)).saturating_mul(c)
        });
        reader.check_expansion(&self.path, padded)?;
        let Some(at) = *at else {
            return Ok(());
        };
        let in_chunk: u64 = chunk.iter().product();
        let size = in_chunk.saturating_mul(kind.size() as u64);
        let grid = Grid {
            reader,
            object: &self.path,
            space,
            chunk,
            size,
            filtered: !filters.is_empty(),
        };
        let mut decoded = Vec::new();
        for found in grid.find(*index, at)? {
            let mut bytes = vec![0; found.size as usize];
            reader.read_at(found.at, &mut bytes)?;
            let bytes = filter::undo(
                reader,
                &self.path,
                filters,
                found.skipped,
                bytes,
                size as usize,
            )?;
            decoded.clear();
            kind.decode(&bytes, order, &mut decoded);
            place(&decoded, &found, chunk, &self.shape, values);
        }
        Ok(())
    }

    fn wrong_size(&self, expected: u64, found: u64) -> FormatError {
        self.file.reader.damaged(
            &self.path,
            &format!("{expected} bytes for the shape {:?}", self.shape),
            &format!("{found}"),
        )
    }
}

/// Copies what of a chunk lies inside the dataset, row by row along the last axis.
fn place(from: &[f32], chunk: &Chunk, lengths: &[u64], shape: &[usize], into: &mut [f32]) {
    let Some((&row, before)) = lengths.split_last() else {
        return;
    };
    let row = row as usize;
    let Some((&start, _)) = chunk.origin.split_last() else {
        return;
    };
    let start = start as usize;
    let len = shape.last().copied().unwrap_or(1);
    let inside = row.min(len.saturating_sub(start));
    'rows: for (index, values) in from.chunks_exact(row).enumerate() {
        // The row's place along the other axes, the last of them first.
        let mut rest = index;
        let mut target = 0;
        let mut stride = len;
        for (axis, &along) in before.iter().enumerate().rev() {
            let place = chunk.origin.get(axis).map_or(0, |&o| o as usize) + rest % along as usize;
            rest /= along as usize;
            let Some(&whole) = shape.get(axis) else {
                return;
            };
            if place >= whole {
                continue 'rows;
            }
            target += place * stride;
            stride *= whole;
        }
        let target = target + start;
        if let Some(into) = into.get_mut(target..target + inside)
            && let Some(values) = values.get(..inside)
        {
            into.copy_from_slice(values);
        }
    }
}
