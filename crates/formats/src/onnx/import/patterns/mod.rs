//! Operations that exporters write as several: put together again before the file is read.
//!
//! The last node of such a group is replaced by one that does the whole; what led to it is then
//! read by no one and left out. GELU (`gates`) and layer normalisation (`layer_norm`) have to be
//! found, since the error function, powers and roots are no operations of finial; the others are
//! found so that a network looks as its author wrote it. Here is how nodes and stored numbers are
//! looked up.

mod gates;
mod layer_norm;

use std::collections::HashMap;

use super::array;
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};

/// The domain of nodes that are made here.
pub(super) const DOMAIN: &str = "finial";

/// The nodes of a graph with groups put together.
pub(super) fn fuse(file: &OnnxFile, graph: &GraphProto) -> Vec<NodeProto> {
    let finder = Finder::new(file, graph);
    let mut nodes = graph.node.clone();
    for (i, node) in graph.node.iter().enumerate() {
        let found = match node.op_type() {
            "Mul" | "Div" => finder
                .gelu(node)
                .or_else(|| finder.hard_swish(node))
                .or_else(|| finder.swish(node))
                .map(|found| (i, found)),
            _ => None,
        };
        let found = found.or_else(|| finder.layer_norm(i, node));
        if let Some((at, found)) = found
            && let Some(place) = nodes.get_mut(at)
        {
            *place = NodeProto {
                name: place.name.clone(),
                output: place.output.clone(),
                domain: Some(DOMAIN.to_owned()),
                ..found
            };
        }
    }
    nodes
}

struct Finder<'a> {
    file: &'a OnnxFile,
    graph: &'a GraphProto,
    producers: HashMap<&'a str, usize>,
    tensors: HashMap<&'a str, &'a TensorProto>,
    readers: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Finder<'a> {
    fn new(file: &'a OnnxFile, graph: &'a GraphProto) -> Self {
        let mut producers = HashMap::new();
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, node) in graph.node.iter().enumerate() {
            for output in &node.output {
                producers.entry(output.as_str()).or_insert(i);
            }
            for input in &node.input {
                readers.entry(input).or_default().push(i);
            }
        }
        for output in &graph.output {
            readers.entry(output.name()).or_default().push(usize::MAX);
        }
        Finder {
            file,
            graph,
            producers,
            tensors: graph.initializer.iter().map(|t| (t.name(), t)).collect(),
            readers,
        }
    }

    /// The node that gives a value, if it is of this operation.
    fn made_by(&self, value: &str, op: &str) -> Option<&'a NodeProto> {
        let node = self.graph.node.get(*self.producers.get(value)?)?;
        (node.op_type() == op).then_some(node)
    }

    /// A stored number.
    fn number(&self, value: &str) -> Option<f64> {
        let tensor = match self.tensors.get(value) {
            Some(tensor) => tensor,
            None => {
                let mut node = self.graph.node.get(*self.producers.get(value)?)?;
                // Half-precision files cast their numbers.
                for _ in 0..2 {
                    if matches!(node.op_type(), "Cast" | "Identity") {
                        let input = node.input.first()?;
                        if let Some(tensor) = self.tensors.get(input.as_str()) {
                            return array::read(self.file, tensor).ok()?.scalar();
                        }
                        node = self.graph.node.get(*self.producers.get(input.as_str())?)?;
                    }
                }
                if let Some(value) = node.float("value_float") {
                    return Some(f64::from(value));
                }
                node.attribute("value")?.t.as_deref()?
            }
        };
        if tensor.dims.iter().any(|&d| d != 1) {
            return None;
        }
        array::read(self.file, tensor).ok()?.scalar()
    }

    fn is_stored(&self, value: &str) -> bool {
        let constant = || self.made_by(value, "Constant").is_some();
        self.tensors.contains_key(value) || constant()
    }

    /// `(a, b)` of a node of two inputs, of which `b` is a stored number near `expected`.
    fn with_number(&self, node: &'a NodeProto, expected: f64) -> Option<&'a str> {
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        let is = |value: &str| self.number(value).is_some_and(|n| near(n, expected));
        match (is(b), is(a)) {
            (true, _) => Some(a),
            (_, true) if node.op_type() != "Div" && node.op_type() != "Pow" => Some(b),
            _ => None,
        }
    }

    /// The value that a node of two inputs reads, and the stored tensor.
    fn with_stored(&self, node: &'a NodeProto) -> Option<(&'a str, Option<&'a str>)> {
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        match (self.is_stored(a), self.is_stored(b)) {
            (false, true) => Some((a, Some(b))),
            (true, false) => Some((b, Some(a))),
            _ => None,
        }
    }

    fn stored(&self, value: &str) -> Option<&'a TensorProto> {
        let constant = || {
            self.made_by(value, "Constant")?
                .attribute("value")?
                .t
                .as_deref()
        };
        self.tensors.get(value).copied().or_else(constant)
    }
}

/// A node of that operation; its name and output are those of the one it replaces.
fn made(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.to_owned()),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        ..NodeProto::default()
    }
}

/// Whether a number is that one, up to half precision.
fn near(number: f64, expected: f64) -> bool {
    (number - expected).abs() <= 1e-3 * expected.abs()
}
