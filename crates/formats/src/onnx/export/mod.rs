//! From a graph and its weights to an ONNX file.
//!
//! What is written, node by node, is decided in `plan` and `nodes`, from the graph alone; the
//! numbers are then written one tensor after the other, so the weights are never in memory twice.
//! The file also carries the graph as finial has it, by which it is recognised when it is read
//! again.

mod nodes;
mod plan;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use finial_graph::{Graph, Weights};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};

pub(super) use plan::{Content, Plan, Stored, plan};

use super::proto::TensorProto;
use super::proto::{GraphProto, ModelProto, OperatorSetIdProto, StringStringEntryProto};
use crate::FormatError;
use crate::new_file::NewFile;

/// The opset that is written: the first with LayerNormalization.
const OPSET: i64 = 17;
/// The version of the format that goes with it.
const IR_VERSION: i64 = 8;
/// Bytes that a message of Protocol Buffers may have.
const MOST_BYTES: u64 = (1 << 31) - 1;

/// Keys of what a file says of itself.
pub(super) mod key {
    pub(in super::super) const TASK: &str = "task";
    pub(in super::super) const CLASSES: &str = "classes";
    pub(in super::super) const THRESHOLDS: &str = "thresholds";
    pub(in super::super) const VERSION: &str = "finial.version";
    pub(in super::super) const GRAPH: &str = "finial.graph";
}

/// What an ONNX file takes, gives, and says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// What the file takes.
    pub input: Input,
    /// The name of what it gives: `probabilities`, or `values`.
    pub output: String,
    /// The task, as a word.
    pub task: Option<String>,
    /// Names of classes, labels or targets, in the order of the output.
    pub classes: Vec<String>,
    /// Values from which on a label is given, in the same order.
    pub thresholds: Vec<f32>,
}

/// What a file takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// 8-bit RGB images `[N, H, W, 3]`, named `image`.
    Rgb8,
    /// Floating-point numbers, `[N, C, H, W]` for images: what the graph's input takes, under
    /// its name.
    Float,
}

impl Default for Description {
    fn default() -> Self {
        Description {
            input: Input::Rgb8,
            output: "probabilities".to_owned(),
            task: None,
            classes: Vec::new(),
            thresholds: Vec::new(),
        }
    }
}

/// Writes a network as an ONNX file, opset 17, with a variable batch.
///
/// Task, classes and thresholds become metadata of the model under the keys `task`, `classes` and
/// `thresholds`, the latter two as JSON. [`import`](super::import) gives back the same graph,
/// weights and description.
///
/// ```no_run
/// use finial_formats::onnx::{Description, export};
/// # fn example(graph: finial_graph::Graph, weights: finial_graph::Weights) -> Result<(), finial_formats::FormatError> {
/// let description = Description {
///     classes: vec!["cat".into(), "dog".into(), "horse".into()],
///     ..Description::default()
/// };
/// export(&graph, &weights, &description, "animals.onnx".as_ref())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// The weights do not fit the graph, the input is not an RGB image where one is to be taken, the
/// file would have more than 2 GiB, it exists already, or it cannot be written.
pub fn export(
    graph: &Graph,
    weights: &Weights,
    description: &Description,
    path: &Path,
) -> Result<(), FormatError> {
    let file = Layout::new(graph, weights, description, path)?;
    let new = NewFile::begin(path)?;
    let mut out = BufWriter::new(new.file());
    let written = file.write(weights, &mut out).and_then(|()| out.flush());
    written.map_err(|error| FormatError::file(path, error))?;
    drop(out);
    new.finish()
}

/// Writes what [`export`] writes to wherever it is wanted: into memory, or a file without a name.
///
/// # Errors
/// As [`export`], or whatever `out` says; it then has the beginning.
pub fn write(
    graph: &Graph,
    weights: &Weights,
    description: &Description,
    out: &mut impl Write,
) -> Result<(), FormatError> {
    let path = Path::new("network.onnx");
    let layout = Layout::new(graph, weights, description, path)?;
    let written = layout.write(weights, out);
    written.map_err(|error| FormatError::file(path, error))
}

/// The parts of a file and their lengths, which come before what they are the length of.
struct Layout {
    /// Before the graph.
    head: Vec<u8>,
    /// The graph before its tensors.
    nodes: Vec<u8>,
    /// Each tensor without its numbers, and how many bytes these have.
    tensors: Vec<(Vec<u8>, Stored, u64)>,
    /// The graph behind its tensors.
    ends: Vec<u8>,
    /// Behind the graph.
    tail: Vec<u8>,
}

impl Layout {
    fn new(
        graph: &Graph,
        weights: &Weights,
        description: &Description,
        path: &Path,
    ) -> Result<Self, FormatError> {
        let weights_error = |error| FormatError::Weights {
            path: path.to_owned(),
            error,
        };
        graph.check_weights(weights).map_err(weights_error)?;
        let plan = plan(graph, description, path)?;
        Layout::of(plan, graph, description, weights, path)
    }

    fn of(
        plan: Plan,
        graph: &Graph,
        description: &Description,
        weights: &Weights,
        path: &Path,
    ) -> Result<Self, FormatError> {
        let head = ModelProto {
            ir_version: Some(IR_VERSION),
            producer_name: Some("finial".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ..ModelProto::default()
        };
        let tail = ModelProto {
            opset_import: vec![OperatorSetIdProto {
                domain: Some(String::new()),
                version: Some(OPSET),
            }],
            metadata_props: metadata(graph, description, path)?,
            ..ModelProto::default()
        };
        let nodes = GraphProto {
            node: plan.nodes,
            name: Some("finial".to_owned()),
            ..GraphProto::default()
        };
        let ends = GraphProto {
            input: vec![plan.input],
            output: vec![plan.output],
            ..GraphProto::default()
        };
        let mut tensors = Vec::new();
        for stored in plan.tensors {
            let message = TensorProto {
                dims: stored.dims.iter().map(|&d| d as i64).collect(),
                data_type: Some(stored.content.data_type()),
                name: Some(stored.name.clone()),
                ..TensorProto::default()
            };
            let len = stored.content.len(weights) as u64;
            tensors.push((message.encode_to_vec(), stored, len));
        }
        let layout = Layout {
            head: head.encode_to_vec(),
            nodes: nodes.encode_to_vec(),
            tensors,
            ends: ends.encode_to_vec(),
            tail: tail.encode_to_vec(),
        };
        let whole = layout.len();
        if whole > MOST_BYTES {
            return Err(FormatError::unsupported(
                path,
                "the model",
                format!("of {whole} bytes"),
                "up to 2 GiB in an ONNX file",
                "write it as safetensors",
            ));
        }
        Ok(layout)
    }

    /// The length of the whole, at the most.
    fn len(&self) -> u64 {
        (self.head.len() + self.tail.len()) as u64 + 16 + self.graph_len()
    }

    fn graph_len(&self) -> u64 {
        let tensors = self.tensors.iter().map(|(message, _, len)| {
            let own = tensor_len(message, *len);
            1 + encoded_len_varint(own) as u64 + own
        });
        (self.nodes.len() + self.ends.len()) as u64 + tensors.sum::<u64>()
    }

    fn write(&self, weights: &Weights, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.head)?;
        // Field 7 of the model: the graph.
        out.write_all(&tag(7, self.graph_len()))?;
        out.write_all(&self.nodes)?;
        for (message, stored, len) in &self.tensors {
            // Field 5 of the graph: a tensor. Field 9 of the tensor: its numbers.
            out.write_all(&tag(5, tensor_len(message, *len)))?;
            out.write_all(message)?;
            out.write_all(&tag(9, *len))?;
            stored.content.write(weights, out)?;
        }
        out.write_all(&self.ends)?;
        out.write_all(&self.tail)
    }
}

/// The length of a tensor's message with its numbers.
fn tensor_len(message: &[u8], numbers: u64) -> u64 {
    (message.len() + 1 + encoded_len_varint(numbers)) as u64 + numbers
}

/// The beginning of a field that has a length.
fn tag(field: u64, len: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_varint(field << 3 | 2, &mut bytes);
    encode_varint(len, &mut bytes);
    bytes
}

/// What the file says of itself.
fn metadata(
    graph: &Graph,
    description: &Description,
    path: &Path,
) -> Result<Vec<StringStringEntryProto>, FormatError> {
    let json = |value: serde_json::Result<String>| {
        value.map_err(|error| FormatError::file(path, error.into()))
    };
    let mut entries = Vec::new();
    let mut add = |key: &str, value: String| {
        entries.push(StringStringEntryProto {
            key: Some(key.to_owned()),
            value: Some(value),
        });
    };
    if let Some(task) = &description.task {
        add(key::TASK, task.clone());
    }
    if !description.classes.is_empty() {
        add(
            key::CLASSES,
            json(serde_json::to_string(&description.classes))?,
        );
    }
    if !description.thresholds.is_empty() {
        add(
            key::THRESHOLDS,
            json(serde_json::to_string(&description.thresholds))?,
        );
    }
    add(key::VERSION, env!("CARGO_PKG_VERSION").to_owned());
    add(key::GRAPH, json(serde_json::to_string(graph))?);
    Ok(entries)
}
