//! The last operations of a file, whatever the others are: for whoever looks at a final layer of a
//! network that cannot be read as a whole.

use std::collections::HashMap;
use std::path::Path;

use super::export::key;
use super::file::OnnxFile;
use super::proto::{GraphProto, NodeProto};
use crate::FormatError;

/// Steps that are followed back from an output; the way from a final layer to it is short.
const MOST_STEPS: usize = 32;

/// How a network ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Ends {
    /// Each output.
    pub outputs: Vec<End>,
    /// The task, where the file says one, as a word.
    pub task: Option<String>,
    /// The names of the classes, where the file says them.
    pub classes: Vec<String>,
}

/// How one output comes about.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// The name of the output.
    pub name: String,
    /// The operations from the last one with weights on, in the order in which they run. Without
    /// such an operation, those that are known.
    pub steps: Vec<Step>,
}

/// An operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// As ONNX names it: `Gemm`, `Softmax`.
    pub operator: String,
    /// The node's own name, or that of its value.
    pub name: String,
    /// The axis of a softmax; counted from the end if it is negative.
    pub axis: Option<i64>,
    /// What an operation with weights gives for one place.
    pub units: Option<usize>,
}

/// Reads how a network ends.
///
/// # Errors
/// The file cannot be read, or is not ONNX.
pub fn ends(path: &Path) -> Result<Ends, FormatError> {
    let file = OnnxFile::open(path)?;
    let metadata = |key: &str| {
        let entry = file.model.metadata_props.iter().find(|e| e.key() == key);
        entry.map(|entry| entry.value())
    };
    let classes = metadata(key::CLASSES);
    let classes = classes.and_then(|text| serde_json::from_str(text).ok());
    let version = file.model.opset_import.iter();
    let version = version.filter(|import| matches!(import.domain(), "" | "ai.onnx"));
    let opset = version.map(|import| import.version()).max().unwrap_or(0);
    let Some(graph) = &file.model.graph else {
        return Err(FormatError::damaged(path, "the message", "a graph", "none"));
    };
    let makers: HashMap<&str, &NodeProto> = graph
        .node
        .iter()
        .flat_map(|node| node.output.iter().map(move |value| (value.as_str(), node)))
        .collect();
    let outputs = graph.output.iter().map(|output| End {
        name: output.name().to_owned(),
        steps: steps(graph, &makers, output.name(), opset),
    });
    Ok(Ends {
        outputs: outputs.collect(),
        task: metadata(key::TASK).map(str::to_owned),
        classes: classes.unwrap_or_default(),
    })
}

fn steps(
    graph: &GraphProto,
    makers: &HashMap<&str, &NodeProto>,
    output: &str,
    opset: i64,
) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut value = output;
    let mut bias = None;
    while let Some(node) = makers.get(value)
        && steps.len() < MOST_STEPS
    {
        let operator = node.op_type();
        let units = match operator {
            "Gemm" | "MatMul" | "Conv" | "ConvTranspose" | "QLinearMatMul" | "QLinearConv" => {
                Some(units(graph, node))
            }
            _ => None,
        };
        let name = match node.name() {
            "" => value,
            name => name,
        };
        // A bias beside its product is no operation of its own.
        let is_bias = operator == "Add" && node.input.iter().any(|input| is_stored(graph, input));
        let default_axis = if opset < 13 { 1 } else { -1 };
        if is_bias {
            bias = node.input.iter().find_map(|input| dims(graph, input));
        } else {
            steps.push(Step {
                operator: operator.to_owned(),
                name: name.to_owned(),
                axis: operator
                    .ends_with("oftmax")
                    .then(|| attribute(node, "axis").unwrap_or(default_axis)),
                units: units.and_then(|units| {
                    let from_bias = bias.and_then(|dims| usize::try_from(*dims.last()?).ok());
                    units.or(from_bias)
                }),
            });
        }
        if units.is_some() {
            break;
        }
        let Some(next) = node.input.iter().find(|input| !is_stored(graph, input)) else {
            break;
        };
        value = next;
    }
    steps.reverse();
    steps
}

/// What an operation with weights gives, by the shape of its weights.
fn units(graph: &GraphProto, node: &NodeProto) -> Option<usize> {
    let weights = node.input.iter().find_map(|input| dims(graph, input))?;
    let axis = match node.op_type() {
        "Conv" => 0,
        "ConvTranspose" => 1,
        "Gemm" if attribute(node, "transB") == Some(1) => 0,
        "Gemm" | "MatMul" => weights.len().checked_sub(1)?,
        _ => return None,
    };
    usize::try_from(*weights.get(axis)?).ok()
}

fn is_stored(graph: &GraphProto, value: &str) -> bool {
    dims(graph, value).is_some()
}

/// The shape of a tensor that is in the file.
fn dims<'a>(graph: &'a GraphProto, value: &str) -> Option<&'a [i64]> {
    let stored = graph.initializer.iter().find(|t| t.name() == value);
    if let Some(stored) = stored {
        return Some(&stored.dims);
    }
    let constant = graph.node.iter().find(|node| {
        node.op_type() == "Constant" && node.output.first().is_some_and(|name| name == value)
    })?;
    let tensor = constant.attribute.iter().find_map(|a| a.t.as_deref());
    Some(tensor.map_or(&[][..], |tensor| &tensor.dims))
}

fn attribute(node: &NodeProto, name: &str) -> Option<i64> {
    let attribute = node.attribute.iter().find(|a| a.name() == name)?;
    attribute.i
}
