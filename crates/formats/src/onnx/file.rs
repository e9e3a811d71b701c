//! Reading the file: its message without the numbers of its tensors, which stay where they are.
//!
//! A network is a few hundred kilobytes of nodes and hundreds of megabytes of weights. So the
//! file is walked once and `raw_data` of tensors is passed over; what remains is decoded, and
//! says of each such tensor where its numbers begin. Nothing is decoded before its messages were
//! counted, since an empty message takes two bytes in a file and a hundred times that in memory.

use std::path::{Path, PathBuf};

use prost::Message;

use super::proto::{ModelProto, TensorProto};
use crate::{FormatError, Source};

/// Messages that one file may hold: networks have some thousands.
const MOST_MESSAGES: usize = 1 << 20;
/// Bytes of `raw_data` that are read with the message: shapes, axes and scalars.
const SMALL: u64 = 1024;
/// Bytes read at a time while walking.
const WINDOW: usize = 1 << 16;

/// An ONNX file: its message, and where the rest of it is.
pub(super) struct OnnxFile {
    pub path: PathBuf,
    pub source: Source,
    pub model: ModelProto,
}

impl OnnxFile {
    /// Reads the message.
    ///
    /// # Errors
    /// The file cannot be read, or is not ONNX.
    pub(super) fn open(path: &Path) -> Result<Self, FormatError> {
        let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
        Self::read(path, source)
    }

    /// Reads the message of a file whose bytes are `source`.
    pub(super) fn read(path: &Path, source: Source) -> Result<Self, FormatError> {
        let mut walk = Walk {
            path,
            source: &source,
            window: Vec::new(),
            window_at: 0,
            messages: 0,
        };
        let stripped = walk.message(Kind::Model, 0, source.len())?;
        let model = ModelProto::decode(stripped.as_slice()).map_err(|error| {
            let found = error.to_string();
            FormatError::damaged(path, "the message", "an ONNX ModelProto", found)
        })?;
        if model.graph.is_none() {
            return Err(FormatError::damaged(path, "the message", "a graph", "none"));
        }
        Ok(OnnxFile {
            path: path.to_owned(),
            source,
            model,
        })
    }

    /// The bytes of a tensor's numbers, where they are kept as bytes.
    ///
    /// # Errors
    /// They are in another file that is missing, too short, or outside the model's folder.
    pub(super) fn bytes_of(&self, tensor: &TensorProto) -> Result<Option<Source>, FormatError> {
        if tensor.data_location() == 1 {
            return self.external(tensor).map(Some);
        }
        if let (Some(at), Some(len)) = (tensor.left_at, tensor.left_len) {
            let part = self.source.part(at, len);
            let error =
                || FormatError::damaged(&self.path, tensor.name(), "numbers in the file", "none");
            return part.ok_or_else(error).map(Some);
        }
        Ok(tensor.raw_data.clone().map(Source::from))
    }

    fn external(&self, tensor: &TensorProto) -> Result<Source, FormatError> {
        let part = format!("the place of tensor `{}`", tensor.name());
        let entry = |key: &str| {
            let found = tensor.external_data.iter().find(|e| e.key() == key);
            found.map(|e| e.value())
        };
        let location = entry("location").unwrap_or_default();
        // Only names below the model's folder: a file must not choose what else is read.
        let inside = !location.is_empty()
            && !location.contains('\\')
            && Path::new(location)
                .components()
                .all(|c| matches!(c, std::path::Component::Normal(_)));
        if !inside {
            let expected = "a file name in the model's folder";
            return Err(FormatError::damaged(
                &self.path,
                part,
                expected,
                format!("`{location}`"),
            ));
        }
        let number = |key: &str| match entry(key) {
            None => Ok(None),
            Some(text) => text.parse::<u64>().map(Some).map_err(|_| {
                let found = format!("`{text}`");
                FormatError::damaged(
                    &self.path,
                    part.clone(),
                    format!("a number as {key}"),
                    found,
                )
            }),
        };
        let folder = self.path.parent().unwrap_or(Path::new(""));
        let path = folder.join(location);
        let file = Source::open(&path).map_err(|error| FormatError::file(&path, error))?;
        let start = number("offset")?.unwrap_or(0);
        let len = number("length")?.unwrap_or(file.len().saturating_sub(start));
        let found = format!("{} bytes", file.len());
        file.part(start, len).ok_or_else(|| {
            let expected = format!("{len} bytes from {start}");
            FormatError::damaged(&path, tensor.name(), expected, found)
        })
    }
}

/// The messages on the way to a tensor.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    /// Any other: taken as it is.
    Other,
}

impl Kind {
    /// What is in a field of this message; none for fields that are passed over.
    fn field(self, number: u64) -> Option<Kind> {
        match (self, number) {
            (Kind::Model, 7) => Some(Kind::Graph),
            // Training, functions.
            (Kind::Model, 20 | 25) => None,
            (Kind::Graph, 1) => Some(Kind::Node),
            (Kind::Graph, 5) => Some(Kind::Tensor),
            // Shapes of inner values, sparse tensors, annotations, documentation.
            (Kind::Graph, 10 | 13 | 14 | 15 | 16) => None,
            (Kind::Node, 5) => Some(Kind::Attribute),
            // Documentation and metadata; exporters put stack traces there.
            (Kind::Node, 6 | 8 | 9) => None,
            (Kind::Attribute, 5) => Some(Kind::Tensor),
            (Kind::Attribute, 6 | 10 | 11 | 13 | 14 | 22 | 23) => None,
            (Kind::Tensor, LEFT_AT | LEFT_LEN | 12 | 16) => None,
            _ => Some(Kind::Other),
        }
    }

    /// Whether so many of them mean so much memory.
    fn counts(self) -> bool {
        self != Kind::Other
    }
}

const RAW_DATA: u64 = 9;
const LEFT_AT: u64 = 100_001;
const LEFT_LEN: u64 = 100_002;

/// A way through the file, a window of it in memory.
struct Walk<'a> {
    path: &'a Path,
    source: &'a Source,
    window: Vec<u8>,
    window_at: u64,
    messages: usize,
}

impl Walk<'_> {
    /// The message between `at` and `end`, without what is passed over.
    fn message(&mut self, kind: Kind, mut at: u64, end: u64) -> Result<Vec<u8>, FormatError> {
        let mut kept = Vec::new();
        while at < end {
            let field_at = at;
            let tag = self.varint(&mut at, end)?;
            let (number, wire) = (tag >> 3, tag & 7);
            let len = match wire {
                0 => {
                    self.varint(&mut at, end)?;
                    0
                }
                1 => 8,
                5 => 4,
                2 => self.varint(&mut at, end)?,
                _ => return Err(self.fault(field_at, "a field of a known kind", wire)),
            };
            let next = at.checked_add(len).filter(|next| *next <= end);
            let Some(next) = next else {
                let expected = format!("{len} bytes in a field");
                return Err(self.fault(field_at, expected, format!("{}", end - at)));
            };
            let inside = kind.field(number);
            if inside.is_some_and(Kind::counts) || (wire == 2 && kind == Kind::Model) {
                self.messages += 1;
            }
            if wire == 2 && matches!((kind, number), (Kind::Graph, 11 | 12)) {
                self.messages += 1;
            }
            if self.messages > MOST_MESSAGES {
                let expected = format!("at most {MOST_MESSAGES} messages");
                return Err(self.fault(field_at, expected, "more"));
            }
            match inside {
                None => {}
                Some(_) if kind == Kind::Tensor && number == RAW_DATA && len > SMALL => {
                    for (number, value) in [(LEFT_AT, at), (LEFT_LEN, len)] {
                        prost::encoding::encode_varint(number << 3, &mut kept);
                        prost::encoding::encode_varint(value, &mut kept);
                    }
                }
                Some(Kind::Other) => self.copy(field_at, next, &mut kept)?,
                Some(inner) if wire == 2 => {
                    let message = self.message(inner, at, next)?;
                    prost::encoding::encode_varint(tag, &mut kept);
                    prost::encoding::encode_varint(message.len() as u64, &mut kept);
                    kept.extend(message);
                }
                Some(_) => return Err(self.fault(field_at, "a message", wire)),
            }
            at = next;
        }
        Ok(kept)
    }

    fn fault(&self, at: u64, expected: impl Into<String>, found: impl ToString) -> FormatError {
        FormatError::damaged(self.path, format!("byte {at}"), expected, found.to_string())
    }

    fn varint(&mut self, at: &mut u64, end: u64) -> Result<u64, FormatError> {
        let start = *at;
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            if *at >= end {
                break;
            }
            let byte = self.byte(*at)?;
            *at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(self.fault(start, "a number of Protocol Buffers", "none"))
    }

    fn byte(&mut self, at: u64) -> Result<u8, FormatError> {
        let within = |walk: &Self| {
            let offset = usize::try_from(at.checked_sub(walk.window_at)?).ok()?;
            walk.window.get(offset).copied()
        };
        if let Some(byte) = within(self) {
            return Ok(byte);
        }
        let len = (WINDOW as u64).min(self.source.len().saturating_sub(at));
        self.window = vec![0; usize::try_from(len).unwrap_or(WINDOW)];
        self.window_at = at;
        let read = self.source.read_at(at, &mut self.window);
        read.map_err(|error| FormatError::reading(self.path, format!("byte {at}"), error))?;
        within(self).ok_or_else(|| self.fault(at, "a byte", "the end of the file"))
    }

    /// Appends the bytes from `at` to `end`.
    fn copy(&mut self, at: u64, end: u64, kept: &mut Vec<u8>) -> Result<(), FormatError> {
        // Small fields come out of the window.
        if end - at <= 64 {
            for at in at..end {
                kept.push(self.byte(at)?);
            }
            return Ok(());
        }
        let start = kept.len();
        let len = usize::try_from(end - at)
            .map_err(|_| self.fault(at, "a field that fits into memory", end - at))?;
        kept.resize(start + len, 0);
        let into = kept.get_mut(start..).unwrap_or_default();
        let read = self.source.read_at(at, into);
        read.map_err(|error| FormatError::reading(self.path, format!("byte {at}"), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onnx::proto::{GraphProto, NodeProto};

    fn file(tensor: TensorProto) -> OnnxFile {
        let model = ModelProto {
            graph: Some(GraphProto {
                node: vec![NodeProto::default(); 2],
                initializer: vec![tensor],
                ..GraphProto::default()
            }),
            ..ModelProto::default()
        };
        let bytes = model.encode_to_vec();
        OnnxFile::read(Path::new("a/model.onnx"), Source::from(bytes)).unwrap()
    }

    #[test]
    fn large_numbers_stay_in_the_file_and_are_found_there() {
        let numbers: Vec<u8> = (0..4096u32).map(|n| n as u8).collect();
        let file = file(TensorProto {
            name: Some("w".into()),
            raw_data: Some(numbers.clone()),
            ..TensorProto::default()
        });
        let graph = file.model.graph.clone().unwrap();
        assert_eq!(graph.node.len(), 2);
        assert_eq!(graph.initializer[0].raw_data, None);
        let bytes = file.bytes_of(&graph.initializer[0]).unwrap().unwrap();
        assert_eq!(bytes.read().unwrap(), numbers);
    }

    #[test]
    fn numbers_outside_the_models_folder_are_refused() {
        for location in ["../w.bin", "/etc/passwd", "", "a/../../w", "..\\w"] {
            let entry = super::super::proto::StringStringEntryProto {
                key: Some("location".into()),
                value: Some(location.into()),
            };
            let file = file(TensorProto {
                data_location: Some(1),
                external_data: vec![entry],
                ..TensorProto::default()
            });
            let tensor = &file.model.graph.as_ref().unwrap().initializer[0];
            let error = file.bytes_of(tensor).unwrap_err();
            assert!(matches!(error, FormatError::Damaged { .. }), "{error}");
        }
    }

    #[test]
    fn more_messages_than_any_network_has_are_refused_before_they_are_decoded() {
        // A graph of empty nodes: two bytes each.
        let nodes = [0x0a, 0x00].repeat(MOST_MESSAGES + 1);
        let mut bytes = vec![0x3a];
        prost::encoding::encode_varint(nodes.len() as u64, &mut bytes);
        bytes.extend(nodes);
        let read = OnnxFile::read(Path::new("m.onnx"), Source::from(bytes));
        assert!(matches!(read, Err(FormatError::Damaged { .. })));
    }
}
