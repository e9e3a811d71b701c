//! Files that finial wrote: taken as they were written.
//!
//! Such a file carries its graph. It is believed only if the file is node for node what finial
//! writes for that graph, so a file that another tool changed is read like any other.

use std::collections::HashMap;

use finial_graph::{Graph, Node, Op, Tensor, Weights};

use super::array::{self, Array, Data};
use crate::FormatError;
use crate::onnx::export::{Content, Plan, Stored, key};
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{TensorProto, ValueInfoProto, data_type};
use crate::onnx::{Description, Input};

/// What a file says of itself.
pub(super) fn description(file: &OnnxFile) -> Description {
    let entry = |key: &str| {
        let found = file.model.metadata_props.iter().find(|e| e.key() == key);
        found.map(|e| e.value())
    };
    let graph = file.model.graph.as_ref();
    let output = graph
        .and_then(|g| g.output.first())
        .map(ValueInfoProto::name);
    let input = graph
        .and_then(|g| g.input.first())
        .and_then(ValueInfoProto::tensor);
    let of_bytes = match input {
        Some((data_type::UINT8, [_, _, _, last])) => last.dim_value == Some(3),
        _ => false,
    };
    let classes = ["classes", "class_names", "labels", "names"]
        .into_iter()
        .find_map(|key| serde_json::from_str::<Vec<String>>(entry(key)?).ok());
    let thresholds = entry(key::THRESHOLDS).and_then(|json| serde_json::from_str(json).ok());
    Description {
        input: if of_bytes { Input::Rgb8 } else { Input::Float },
        output: output.unwrap_or_default().to_owned(),
        task: entry(key::TASK).map(str::to_owned),
        classes: classes.unwrap_or_default(),
        thresholds: thresholds.unwrap_or_default(),
    }
}

/// The graph and the weights of a file that is as finial writes it.
///
/// # Errors
/// The file is one, but its numbers cannot be read.
pub(super) fn recognise(
    file: &OnnxFile,
    description: &Description,
) -> Result<Option<(Graph, Weights)>, FormatError> {
    let entries = &file.model.metadata_props;
    let Some(json) = entries.iter().find(|e| e.key() == key::GRAPH) else {
        return Ok(None);
    };
    let Ok(graph) = serde_json::from_str::<Graph>(json.value()) else {
        return Ok(None);
    };
    // The plan holds numbers for each channel of some nodes, which the file then holds too.
    let len = usize::try_from(file.source.len()).unwrap_or(usize::MAX);
    let wide = |node: &Node| {
        let of_channels = matches!(node.op, Op::ReverseChannels | Op::BatchNorm { .. });
        let shape = graph.shape_of(&node.name);
        of_channels && shape.is_ok_and(|shape| shape.channels() > len)
    };
    if graph.nodes().iter().any(wide) {
        return Ok(None);
    }
    let Ok(plan) = crate::onnx::export::plan(&graph, description, &file.path) else {
        return Ok(None);
    };
    let Some(weights) = weights(file, &graph, plan)? else {
        return Ok(None);
    };
    Ok(graph
        .check_weights(&weights)
        .is_ok()
        .then_some((graph, weights)))
}

/// The weights, if the file is as planned.
fn weights(file: &OnnxFile, graph: &Graph, plan: Plan) -> Result<Option<Weights>, FormatError> {
    let Some(proto) = &file.model.graph else {
        return Ok(None);
    };
    let alike = proto.node == plan.nodes
        && proto.input == [plan.input]
        && proto.output == [plan.output]
        && proto.initializer.len() == plan.tensors.len();
    if !alike {
        return Ok(None);
    }
    let shapes: HashMap<String, Vec<usize>> = graph
        .parameters()
        .into_iter()
        .map(|p| (p.name, p.shape))
        .collect();
    let mut weights = Weights::new();
    for (tensor, stored) in proto.initializer.iter().zip(plan.tensors) {
        if !same_place(tensor, &stored) {
            return Ok(None);
        }
        let found = array::read(file, tensor)?;
        let same = match &stored.content {
            Content::Floats(values) => found.data == Data::Float(values.clone()),
            Content::Ints(values) => found.data == Data::Int(values.clone()),
            Content::Byte {
                value,
                signed: true,
            } => found.data == Data::Int(vec![i64::from(*value as i8)]),
            Content::Byte { value, .. } => found.data == Data::Int(vec![i64::from(*value)]),
            Content::Parameter { name, turned } => {
                let Some(parameter) = parameter(found, *turned, name, &shapes) else {
                    return Ok(None);
                };
                weights.insert(name, parameter);
                true
            }
        };
        if !same {
            return Ok(None);
        }
    }
    Ok(Some(weights))
}

/// Whether a tensor has the name, the kind and the shape of a planned one.
fn same_place(tensor: &TensorProto, stored: &Stored) -> bool {
    let dims = tensor.dims.iter().map(|&d| usize::try_from(d).ok());
    tensor.name() == stored.name
        && tensor.data_type() == stored.content.data_type()
        && dims.eq(stored.dims.iter().map(|&d| Some(d)))
}

/// The parameter in a tensor of the file.
fn parameter(
    found: Array,
    turned: bool,
    name: &str,
    shapes: &HashMap<String, Vec<usize>>,
) -> Option<Tensor> {
    let found = match turned {
        true => found.transposed(&[1, 0]),
        false => found,
    };
    Tensor::new(name, shapes.get(name)?.clone(), found.into_floats()).ok()
}
