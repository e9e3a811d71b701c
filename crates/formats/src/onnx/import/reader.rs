//! Going through the file: what is known of each value, and which node comes of it.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use finial_graph::{Graph, Op, Shape, Tensor, Weights};

use super::array::Array;
use super::view::View;
use super::{Options, attention, outline, patterns};
use crate::FormatError;
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{GraphProto, NodeProto, TensorProto};

/// Numbers that may come of nothing (shapes, masks, repeated constants), beyond as many as the
/// file has bytes.
const FREE_NUMBERS: usize = 1 << 24;
/// What to do about a node that finial does not take.
pub(super) const STOP_BEFORE: &str =
    "use the network up to a node before it, or export the model without it";

/// The names of a file and the nodes that stand for them.
type Names = BTreeMap<String, String>;

/// Reads the network of a file.
pub(super) fn read(
    file: &OnnxFile,
    options: &Options,
) -> Result<(Graph, Weights, Names), FormatError> {
    let empty = GraphProto::default();
    let proto = file.model.graph.as_ref().unwrap_or(&empty);
    let opset = outline::opset(file)?;
    let nodes = patterns::fuse(file, proto);
    let target = outline::target(file, proto, &nodes, options)?;
    let live = outline::live(&nodes, &target);
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for &i in &live {
        for input in &nodes[i].input {
            readers.entry(input).or_default().push(i);
        }
    }
    // The result is read too, by whoever asks for it.
    readers.entry(&target).or_default().push(nodes.len());

    let mut values = HashMap::new();
    for tensor in &proto.initializer {
        values.insert(tensor.name().to_owned(), Value::Stored(tensor));
    }
    let (name, view, graph) = outline::input(file, proto, options)?;
    values.insert(name.clone(), Value::View(view));
    let mut reader = Reader {
        file,
        opset,
        nodes: &nodes,
        readers,
        graph,
        weights: Weights::new(),
        taken: HashSet::from([name]),
        values,
        types: HashMap::new(),
        arranged: HashMap::new(),
        names: Names::new(),
        done: HashSet::new(),
        numbers: Cell::new(
            FREE_NUMBERS.saturating_add(usize::try_from(file.source.len()).unwrap_or(0)),
        ),
    };
    for i in live {
        if !reader.done.contains(&i) {
            reader.node(i)?;
        }
    }
    reader.finish(&target)
}

/// A node, its atoms, and the atoms of each axis that they were arranged in.
type Arrangement = (String, Vec<usize>, Vec<Vec<usize>>);

/// What is known of a value.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    /// A tensor of the file whose numbers were not read yet.
    Stored(&'a TensorProto),
    /// Numbers.
    Known(Rc<Array>),
    /// What depends on the image.
    View(View),
}

/// The file, half read.
pub(super) struct Reader<'a> {
    pub(super) file: &'a OnnxFile,
    pub(super) opset: i64,
    pub(super) nodes: &'a [NodeProto],
    /// The nodes that read a value.
    pub(super) readers: HashMap<&'a str, Vec<usize>>,
    pub(super) graph: Graph,
    weights: Weights,
    /// The names of the graph's nodes.
    taken: HashSet<String>,
    pub(super) values: HashMap<String, Value<'a>>,
    /// The kinds of numbers of constants that are nodes.
    pub(super) types: HashMap<&'a str, i32>,
    pub(super) arranged: HashMap<Arrangement, String>,
    names: Names,
    /// Nodes that one before them took along.
    pub(super) done: HashSet<usize>,
    /// Numbers that may still be computed.
    pub(super) numbers: Cell<usize>,
}

impl<'a> Reader<'a> {
    /// Takes one node.
    fn node(&mut self, i: usize) -> Result<(), FormatError> {
        let node = &self.nodes[i];
        let known = self.fold(node)?;
        if let Some(array) = known {
            let output = node.output.first().cloned().unwrap_or_default();
            self.values.insert(output, Value::Known(Rc::new(array)));
            return Ok(());
        }
        if !matches!(node.domain(), "" | "ai.onnx" | patterns::DOMAIN) {
            return Err(self.refuse(node, "of a domain of its own", "operators of ONNX itself"));
        }
        let views = self.layer(i, node)?;
        for (output, view) in node.output.iter().zip(views) {
            self.bind(node, output, view);
        }
        Ok(())
    }

    /// What a node of the file becomes: the values that it gives.
    fn layer(&mut self, i: usize, node: &'a NodeProto) -> Result<Vec<View>, FormatError> {
        let one = match node.op_type() {
            "Split" => return self.split(node),
            "Conv" => self.conv(i, node)?,
            "Gemm" => self.gemm(node)?,
            "MatMul" => self.mat_mul(i, node)?,
            "BatchNormalization" => self.batch_norm(node)?,
            "LayerNormalization" => self.layer_norm(node)?,
            "LRN" => self.local_response_norm(node)?,
            "PRelu" => self.p_relu(node)?,
            "MaxPool" | "AveragePool" => self.pool(node)?,
            "GlobalAveragePool" | "GlobalMaxPool" => self.global_pool(node)?,
            "ReduceMean" | "ReduceMax" => self.reduce(node)?,
            "Softmax" => self.softmax(node)?,
            "Add" | "Sub" | "Mul" | "Div" | "Sum" | "Max" | "Min" | "Pow" => {
                self.arithmetic(node)?
            }
            "Identity" | "Cast" | "CastLike" => self.same(node)?,
            "QuantizeLinear" => self.quantize(node)?,
            "DequantizeLinear" => self.dequantize(node)?,
            "Reshape" => self.reshape(node)?,
            "Flatten" => self.flatten(node)?,
            "Squeeze" | "Unsqueeze" => self.squeeze(node)?,
            "Transpose" => self.transpose(node)?,
            "Concat" => self.concat(node)?,
            "Slice" => self.slice(node)?,
            "Gather" => self.gather(node)?,
            "Expand" | "Tile" => self.repeat(node)?,
            "Pad" => self.pad(node)?,
            "Resize" | "Upsample" => self.resize(node)?,
            _ => self.activation(node)?,
        };
        Ok(vec![one])
    }

    /// Says which value of the file is which of ours.
    pub(super) fn bind(&mut self, node: &NodeProto, output: &str, view: View) {
        if output.is_empty() {
            return;
        }
        self.names.insert(output.to_owned(), view.node.clone());
        let name = self.names.entry(node.called().to_owned());
        name.or_insert_with(|| view.node.clone());
        self.values.insert(output.to_owned(), Value::View(view));
    }

    /// The node by which the result is read, and what leads to it.
    fn finish(mut self, target: &str) -> Result<(Graph, Weights, Names), FormatError> {
        let Some(Value::View(view)) = self.values.get(target).cloned() else {
            let part = format!("the output `{target}`");
            let accepted = "what is computed from the image";
            return Err(FormatError::unsupported(
                &self.file.path,
                part,
                "not computed from the input",
                accepted,
                "name another place to stop at",
            ));
        };
        let own: Vec<Vec<usize>> = view
            .axes
            .iter()
            .filter(|a| !a.is_empty())
            .cloned()
            .collect();
        let node = match own.as_slice() {
            // A vector has its numbers in the file's order.
            [_] => self.arrange(&view, &own)?.node,
            _ => view.node.clone(),
        };
        self.names.insert(target.to_owned(), node.clone());
        let error = |error| FormatError::Graph {
            path: self.file.path.clone(),
            error: Box::new(error),
        };
        let graph = prefix(&self.graph, &node).map_err(error)?;
        let graph = attention::fuse(graph, &mut self.weights).map_err(error)?;
        let kept: HashSet<&str> = graph.nodes().iter().map(|n| n.name.as_str()).collect();
        self.names.retain(|_, node| kept.contains(node.as_str()));
        let mut weights = Weights::new();
        for parameter in graph.parameters() {
            if let Some(tensor) = self.weights.remove(&parameter.name) {
                weights.insert(parameter.name, tensor);
            }
        }
        Ok((graph, weights, self.names))
    }

    /// A name like `label` that no node has, and whose parameters would not be those of another.
    fn unique(&self, label: &str) -> String {
        let label = if label.is_empty() { "node" } else { label };
        let taken = |name: &str| self.taken.contains(name);
        let parts: &[&str] = &[
            "weight",
            "bias",
            "gamma",
            "token",
            "running_mean",
            "running_var",
        ];
        let owned = |name: &str| {
            let owned = |part: &&str| self.weights.get(&format!("{name}.{part}")).is_some();
            parts.iter().any(owned)
        };
        if !taken(label) && !owned(label) {
            return label.to_owned();
        }
        let mut number = self.graph.nodes().len();
        loop {
            let name = format!("{label}_{number}");
            if !taken(&name) && !owned(&name) {
                return name;
            }
            number += 1;
        }
    }

    /// Appends a node; the name it got.
    pub(super) fn push(
        &mut self,
        label: &str,
        op: Op,
        inputs: &[&str],
    ) -> Result<String, FormatError> {
        let name = self.unique(label);
        let pushed = self.graph.push_after(name.clone(), op, inputs);
        pushed.map_err(|error| FormatError::Graph {
            path: self.file.path.clone(),
            error: Box::new(error),
        })?;
        self.taken.insert(name.clone());
        Ok(name)
    }

    /// Appends a node and its parameters: for each its name and numbers. Their shapes are those
    /// that the operation calls for.
    pub(super) fn push_layer(
        &mut self,
        label: &str,
        op: Op,
        input: &str,
        parameters: Vec<(&str, Vec<f32>)>,
    ) -> Result<String, FormatError> {
        let name = self.push(label, op, &[input])?;
        let Some(node) = self.graph.nodes().last() else {
            return Ok(name);
        };
        let mut values: HashMap<String, Vec<f32>> = parameters
            .into_iter()
            .map(|(suffix, values)| (format!("{name}.{suffix}"), values))
            .collect();
        for parameter in self.graph.parameters_of(node) {
            let values = values.remove(&parameter.name).unwrap_or_default();
            let tensor = Tensor::new(&parameter.name, parameter.shape, values);
            let tensor = tensor.map_err(|error| FormatError::Weights {
                path: self.file.path.clone(),
                error,
            })?;
            self.weights.insert(parameter.name, tensor);
        }
        Ok(name)
    }

    /// The shape of a node's value.
    pub(super) fn shape_of(&self, node: &str) -> Shape {
        self.graph.shape_of(node).unwrap_or(Shape::Vector([1]))
    }
}

/// What leads to a node.
fn prefix(graph: &Graph, node: &str) -> Result<Graph, finial_graph::GraphError> {
    let nodes = graph.nodes();
    let mut needed: HashSet<&str> = HashSet::from([node]);
    let mut kept = Vec::new();
    for own in nodes.iter().rev() {
        if needed.contains(own.name.as_str()) || matches!(own.op, Op::Input { .. }) {
            needed.extend(own.inputs.iter().map(String::as_str));
            kept.push(own.clone());
        }
    }
    kept.reverse();
    Graph::try_from(kept)
}
