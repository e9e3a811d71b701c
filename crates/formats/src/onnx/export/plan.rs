//! What a file of a graph consists of: its nodes, its tensors and their names.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;

use finial_graph::{Graph, Node, Op, Shape, Weights};

use super::{Description, Input};
use crate::FormatError;
use crate::onnx::proto::{
    AttributeProto, Dimension, NodeProto, TensorShapeProto, TensorTypeProto, TypeProto,
    ValueInfoProto, data_type,
};

/// The input of a file that takes images.
const IMAGE: &str = "image";
/// The name of the variable dimension.
const BATCH: &str = "batch";

/// A file without its numbers.
pub(in super::super) struct Plan {
    pub nodes: Vec<NodeProto>,
    pub tensors: Vec<Stored>,
    pub input: ValueInfoProto,
    pub output: ValueInfoProto,
}

/// A tensor of the file.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) struct Stored {
    pub name: String,
    pub dims: Vec<usize>,
    pub content: Content,
}

/// Where its numbers come from.
#[derive(Clone, Debug, PartialEq)]
pub(in super::super) enum Content {
    Floats(Vec<f32>),
    Ints(Vec<i64>),
    /// Unsigned or signed bytes.
    Byte {
        value: u8,
        signed: bool,
    },
    /// A parameter, by its name among the weights; with its two axes exchanged or not.
    Parameter {
        name: String,
        turned: bool,
    },
}

impl Content {
    pub(in super::super) fn data_type(&self) -> i32 {
        match self {
            Content::Floats(_) | Content::Parameter { .. } => data_type::FLOAT,
            Content::Ints(_) => data_type::INT64,
            Content::Byte { signed: true, .. } => data_type::INT8,
            Content::Byte { signed: false, .. } => data_type::UINT8,
        }
    }

    /// Bytes of its numbers.
    pub(super) fn len(&self, weights: &Weights) -> usize {
        match self {
            Content::Floats(values) => 4 * values.len(),
            Content::Ints(values) => 8 * values.len(),
            Content::Byte { .. } => 1,
            Content::Parameter { name, .. } => weights
                .get(name)
                .map_or(0, |tensor| 4 * tensor.values().len()),
        }
    }

    pub(super) fn write(&self, weights: &Weights, out: &mut impl Write) -> io::Result<()> {
        match self {
            Content::Floats(values) => values
                .iter()
                .try_for_each(|v| out.write_all(&v.to_le_bytes())),
            Content::Ints(values) => values
                .iter()
                .try_for_each(|v| out.write_all(&v.to_le_bytes())),
            Content::Byte { value, .. } => out.write_all(&[*value]),
            Content::Parameter { name, turned } => {
                let Some(tensor) = weights.get(name) else {
                    return Ok(());
                };
                let values = tensor.values();
                let columns = match (turned, tensor.shape()) {
                    (true, &[_, columns]) => columns,
                    _ => {
                        return values
                            .iter()
                            .try_for_each(|v| out.write_all(&v.to_le_bytes()));
                    }
                };
                for column in 0..columns {
                    let own = values.iter().skip(column).step_by(columns.max(1));
                    for value in own {
                        out.write_all(&value.to_le_bytes())?;
                    }
                }
                Ok(())
            }
        }
    }
}

/// The file of a graph.
///
/// # Errors
/// The graph does not begin with an RGB image, where the file is to take one, or the output has
/// no name of its own.
pub(in super::super) fn plan(
    graph: &Graph,
    description: &Description,
    path: &Path,
) -> Result<Plan, FormatError> {
    let shape = graph.input_shape();
    let first = graph.nodes().first().map_or("", |node| &node.name);
    let (input, dims, kind) = match (description.input, shape) {
        (Input::Rgb8, Shape::Map([3, h, w])) => (IMAGE, vec![h, w, 3], data_type::UINT8),
        (Input::Rgb8, other) => {
            return Err(FormatError::unsupported(
                path,
                format!("the input `{first}`"),
                format!("of shape {other}"),
                "[3, H, W] for a file that takes images",
                "write it as a file that takes floating-point numbers",
            ));
        }
        (Input::Float, shape) => (first, shape.dims().to_vec(), data_type::FLOAT),
    };
    if description.output.is_empty() || description.output == input {
        return Err(FormatError::unsupported(
            path,
            "the output",
            format!("named `{}`", description.output),
            "a name that is not that of the input",
            "name it `probabilities`, or `values`",
        ));
    }
    let mut planner = Planner {
        graph,
        nodes: Vec::new(),
        tensors: Vec::new(),
        taken: HashSet::from([input.to_owned(), description.output.clone()]),
        values: HashMap::new(),
        scalars: HashMap::new(),
    };
    planner.name_values(input, &description.output, description.input);
    if description.input == Input::Rgb8 {
        planner.enter_image(input, first);
    }
    for node in graph.nodes() {
        planner.node(node);
    }
    if graph.nodes().len() == 1 {
        let value = planner.value(first);
        let output = description.output.clone();
        planner.emit("Identity", "result", vec![value], output, vec![]);
    }
    let output = graph.output_shape().dims().to_vec();
    Ok(Plan {
        nodes: planner.nodes,
        tensors: planner.tensors,
        input: value_info(input, &dims, kind),
        output: value_info(&description.output, &output, data_type::FLOAT),
    })
}

/// A value of a variable batch.
fn value_info(name: &str, dims: &[usize], elem_type: i32) -> ValueInfoProto {
    let batch = Dimension {
        dim_value: None,
        dim_param: Some(BATCH.to_owned()),
    };
    let own = dims.iter().map(|&d| Dimension {
        dim_value: Some(d as i64),
        dim_param: None,
    });
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TensorTypeProto {
                elem_type: Some(elem_type),
                shape: Some(TensorShapeProto {
                    dim: std::iter::once(batch).chain(own).collect(),
                }),
            }),
        }),
    }
}

/// A plan, half made.
pub(super) struct Planner<'a> {
    pub graph: &'a Graph,
    nodes: Vec<NodeProto>,
    tensors: Vec<Stored>,
    /// Names of values, tensors and nodes.
    taken: HashSet<String>,
    /// The value of each node of the graph.
    values: HashMap<String, String>,
    /// Numbers that several nodes read.
    scalars: HashMap<u32, String>,
}

impl Planner<'_> {
    /// Gives each node's value its name, before any other name is given.
    fn name_values(&mut self, input: &str, output: &str, kind: Input) {
        let last = self.graph.nodes().len() - 1;
        for (i, node) in self.graph.nodes().iter().enumerate() {
            let name = match i {
                0 if kind == Input::Float => input.to_owned(),
                i if i == last && i > 0 => output.to_owned(),
                _ => self.fresh(&node.name),
            };
            self.values.insert(node.name.clone(), name);
        }
        let names = self.graph.nodes().iter().map(|node| node.name.clone());
        self.taken.extend(names);
    }

    /// 8-bit pixels, channels last, to the graph's input.
    fn enter_image(&mut self, input: &str, first: &str) {
        let cast = self.fresh(&format!("{first}/cast"));
        let to = AttributeProto::of_int("to", i64::from(data_type::FLOAT));
        self.emit(
            "Cast",
            &cast,
            vec![input.to_owned()],
            cast.clone(),
            vec![to],
        );
        let perm = AttributeProto::of_ints("perm", [0, 3, 1, 2]);
        let output = self.value(first);
        self.emit("Transpose", first, vec![cast], output, vec![perm]);
    }

    /// A name like `wanted` that nothing has yet.
    pub(super) fn fresh(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        let mut number = 2;
        while !self.taken.insert(name.clone()) {
            name = format!("{wanted}_{number}");
            number += 1;
        }
        name
    }

    /// The value of a node of the graph.
    pub(super) fn value(&self, node: &str) -> String {
        self.values.get(node).cloned().unwrap_or_default()
    }

    /// The values that a node reads.
    pub(super) fn inputs(&self, node: &Node) -> Vec<String> {
        node.inputs.iter().map(|input| self.value(input)).collect()
    }

    /// The shape of what a node reads.
    pub(super) fn input_shape(&self, node: &Node, k: usize) -> Shape {
        let input = node.inputs.get(k).map_or("", String::as_str);
        self.graph.shape_of(input).unwrap_or(Shape::Vector([1]))
    }

    /// Adds a node of the file.
    pub(super) fn emit(
        &mut self,
        op: &str,
        name: &str,
        inputs: Vec<String>,
        output: String,
        attribute: Vec<AttributeProto>,
    ) {
        self.nodes.push(NodeProto {
            input: inputs,
            output: vec![output],
            name: Some(name.to_owned()),
            op_type: Some(op.to_owned()),
            attribute,
            domain: None,
        });
    }

    /// Adds a node on the way to that of the graph; what it gives.
    pub(super) fn step(
        &mut self,
        node: &Node,
        suffix: &str,
        op: &str,
        inputs: Vec<String>,
        attributes: Vec<AttributeProto>,
    ) -> String {
        let name = self.fresh(&format!("{}/{suffix}", node.name));
        self.emit(op, &name, inputs, name.clone(), attributes);
        name
    }

    /// Adds the node that gives the value of the graph's.
    pub(super) fn result(
        &mut self,
        node: &Node,
        op: &str,
        inputs: Vec<String>,
        attributes: Vec<AttributeProto>,
    ) {
        let output = self.value(&node.name);
        self.emit(op, &node.name, inputs, output, attributes);
    }

    /// Adds several nodes of which the last gives the value.
    fn stored(&mut self, wanted: &str, dims: Vec<usize>, content: Content) -> String {
        let name = self.fresh(wanted);
        self.tensors.push(Stored {
            name: name.clone(),
            dims,
            content,
        });
        name
    }

    /// Stored integers that belong to a node.
    pub(super) fn ints(&mut self, node: &Node, suffix: &str, values: Vec<i64>) -> String {
        let wanted = format!("{}/{suffix}", node.name);
        self.stored(&wanted, vec![values.len()], Content::Ints(values))
    }

    /// Stored numbers that belong to a node.
    pub(super) fn floats(
        &mut self,
        node: &Node,
        suffix: &str,
        dims: Vec<usize>,
        values: Vec<f32>,
    ) -> String {
        let wanted = format!("{}/{suffix}", node.name);
        self.stored(&wanted, dims, Content::Floats(values))
    }

    /// A stored byte that belongs to a node.
    pub(super) fn byte(&mut self, node: &Node, suffix: &str, value: u8, signed: bool) -> String {
        let wanted = format!("{}/{suffix}", node.name);
        self.stored(&wanted, Vec::new(), Content::Byte { value, signed })
    }

    /// A number that any node may read.
    pub(super) fn scalar(&mut self, value: f64) -> String {
        let value = value as f32;
        if let Some(name) = self.scalars.get(&value.to_bits()) {
            return name.clone();
        }
        let wanted = format!("number/{value}");
        let name = self.stored(&wanted, Vec::new(), Content::Floats(vec![value]));
        self.scalars.insert(value.to_bits(), name.clone());
        name
    }

    /// A parameter of a node, in the shape that the file needs.
    pub(super) fn parameter(&mut self, node: &Node, suffix: &str, dims: Vec<usize>) -> String {
        self.own(node, suffix, dims, false)
    }

    /// A matrix of a node, `[units, channels]`, stored as `[channels, units]`.
    pub(super) fn turned(&mut self, node: &Node, suffix: &str, dims: [usize; 2]) -> String {
        let [units, channels] = dims;
        self.own(node, suffix, vec![channels, units], true)
    }

    fn own(&mut self, node: &Node, suffix: &str, dims: Vec<usize>, turned: bool) -> String {
        let name = format!("{}.{suffix}", node.name);
        let content = Content::Parameter {
            name: name.clone(),
            turned,
        };
        self.stored(&name, dims, content)
    }

    /// The shape of one number per channel of a value.
    pub(super) fn per_channel(&self, shape: Shape) -> Vec<usize> {
        match shape {
            Shape::Map([c, _, _]) => vec![c, 1, 1],
            other => vec![other.channels()],
        }
    }

    fn node(&mut self, node: &Node) {
        if !matches!(node.op, Op::Input { .. }) {
            super::nodes::write(self, node);
        }
    }
}
