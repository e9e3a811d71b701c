//! The graph: nodes in the order in which they run.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::{GraphError, Op, Parameter, Shape, Weights, WeightsError};

/// A node: an operation, its name, and whom it reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique in its graph; its parameters are named after it.
    pub name: String,
    /// What it computes.
    #[serde(flatten)]
    pub op: Op,
    /// The nodes it reads, in the operation's order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
}

/// A network: nodes in running order, the first an input, the last the output.
///
/// A graph holds together by construction: names are unique, nodes read only earlier ones, every
/// shape fits, every setting is one that its operation is defined for, and no node holds more
/// than 2²⁸ numbers. Reading one from JSON checks all of it, so a graph that is there can be run.
///
/// ```
/// use finial_graph::{Graph, Op, Shape};
///
/// let mut graph = Graph::new(Shape::Map([3, 224, 224]));
/// graph.push("pool", Op::GlobalAveragePool)?;
/// graph.push("logits", Op::Dense { units: 10 })?;
/// assert_eq!(graph.output_shape(), Shape::Vector([10]));
/// assert_eq!(graph.parameters()[0].shape, [10, 3]);
/// # Ok::<(), finial_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Node>", into = "Vec<Node>")]
pub struct Graph {
    nodes: Vec<Node>,
    shapes: Vec<Shape>,
    index: HashMap<String, usize>,
}

impl TryFrom<Vec<Node>> for Graph {
    type Error = GraphError;

    fn try_from(nodes: Vec<Node>) -> Result<Self, GraphError> {
        let is_input = |node: &&Node| matches!(node.op, Op::Input { .. });
        let inputs = nodes.iter().filter(is_input).count();
        if inputs != 1 || !nodes.first().is_some_and(|node| is_input(&node)) {
            return Err(GraphError::NotOneInput(inputs));
        }
        let mut graph = Graph {
            nodes: Vec::new(),
            shapes: Vec::new(),
            index: HashMap::new(),
        };
        for node in nodes {
            graph.append(node)?;
        }
        Ok(graph)
    }
}

impl From<Graph> for Vec<Node> {
    fn from(graph: Graph) -> Self {
        graph.nodes
    }
}

impl Graph {
    /// The name of the input node of a graph made by [`Graph::new`].
    pub const INPUT: &'static str = "input";

    /// A graph that returns its input, of the given shape.
    pub fn new(shape: Shape) -> Self {
        Graph::with_input(Self::INPUT, shape)
    }

    /// A graph that returns its input, whose node has that name. The shape is checked with the
    /// first node that is appended.
    pub fn with_input(name: &str, shape: Shape) -> Self {
        Graph {
            nodes: vec![Node {
                name: name.to_owned(),
                op: Op::Input { shape },
                inputs: Vec::new(),
            }],
            shapes: vec![shape],
            index: HashMap::from([(name.to_owned(), 0)]),
        }
    }

    /// Appends a node that reads the last one.
    ///
    /// # Errors
    /// As [`push_after`](Self::push_after).
    pub fn push(&mut self, name: impl Into<String>, op: Op) -> Result<(), GraphError> {
        let last = self.output().to_owned();
        self.push_after(name, op, &[&last])
    }

    /// Appends a node that reads `inputs`.
    ///
    /// # Errors
    /// The name is taken, an input is not there, a shape does not fit, a setting is out of range,
    /// or the node would hold too many numbers.
    pub fn push_after(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[&str],
    ) -> Result<(), GraphError> {
        self.append(Node {
            name: name.into(),
            op,
            inputs: inputs.iter().map(|&input| input.to_owned()).collect(),
        })
    }

    fn append(&mut self, node: Node) -> Result<(), GraphError> {
        if self.index.contains_key(&node.name) {
            return Err(GraphError::DuplicateName(node.name));
        }
        let arity = node.op.arity();
        if !arity.admits(node.inputs.len()) {
            return Err(GraphError::WrongArity {
                op: node.op.name(),
                expected: arity,
                found: node.inputs.len(),
                node: node.name,
            });
        }
        let shapes = node
            .inputs
            .iter()
            .map(|input| {
                self.index
                    .get(input)
                    .map(|&i| self.shapes[i])
                    .ok_or_else(|| GraphError::UnknownInput {
                        node: node.name.clone(),
                        input: input.clone(),
                    })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let shape = node
            .op
            .check_settings()
            .and_then(|()| node.op.output_shape(&shapes))
            .map_err(|fault| fault.of(&node.name, &node.op))?;
        self.index.insert(node.name.clone(), self.nodes.len());
        self.nodes.push(node);
        self.shapes.push(shape);
        Ok(())
    }

    /// The nodes in running order.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The name of the last node.
    pub fn output(&self) -> &str {
        self.nodes.last().map_or("", |node| &node.name)
    }

    /// The shape of the input.
    pub fn input_shape(&self) -> Shape {
        self.shapes.first().copied().unwrap_or(Shape::Vector([0]))
    }

    /// The shape of the last node's value.
    pub fn output_shape(&self) -> Shape {
        self.shapes.last().copied().unwrap_or(Shape::Vector([0]))
    }

    /// The shape of a node's value.
    ///
    /// # Errors
    /// There is no such node.
    pub fn shape_of(&self, name: &str) -> Result<Shape, GraphError> {
        Ok(self.shapes[self.position(name)?])
    }

    /// Where a node stands.
    fn position(&self, name: &str) -> Result<usize, GraphError> {
        self.index.get(name).copied().ok_or_else(|| {
            let mut near: Vec<&str> = self
                .nodes
                .iter()
                .map(|node| node.name.as_str())
                .filter(|known| known.contains(name) || name.contains(known))
                .collect();
            if near.is_empty() {
                near = vec![self.output()];
            }
            near.truncate(5);
            GraphError::UnknownNode {
                name: name.to_owned(),
                near: near.join(", "),
            }
        })
    }

    /// The parameters of each node, in running order.
    pub fn parameters(&self) -> Vec<Parameter> {
        self.nodes
            .iter()
            .flat_map(|node| self.parameters_of(node))
            .collect()
    }

    /// The parameters of one node of this graph; none for a node that reads nothing in it.
    pub fn parameters_of(&self, node: &Node) -> Vec<Parameter> {
        let input = node.inputs.first().and_then(|name| self.index.get(name));
        match input {
            Some(&input) => node.op.parameters(&node.name, self.shapes[input]),
            None => Vec::new(),
        }
    }

    /// Divides the graph behind node `name`: the part that ends in it, and the part that
    /// follows, whose input has that node's name and shape.
    ///
    /// Nodes before the cut that do not lead to it are dropped.
    ///
    /// # Errors
    /// There is no such node, or the part behind it also reads a node before it.
    pub fn cut_at(&self, name: &str) -> Result<(Graph, Graph), GraphError> {
        let cut = self.position(name)?;
        let mut before = Vec::new();
        let mut needed = vec![false; self.nodes.len()];
        needed[cut] = true;
        for (i, node) in self.nodes.iter().enumerate().take(cut + 1).rev() {
            if needed[i] {
                for input in &node.inputs {
                    needed[self.position(input)?] = true;
                }
                before.push(node.clone());
            }
        }
        before.reverse();

        let mut after = Graph::with_input(name, self.shapes[cut]);
        for node in &self.nodes[cut + 1..] {
            let outside = node.inputs.iter().find(|i| !after.index.contains_key(*i));
            if let Some(input) = outside {
                return Err(GraphError::NotACut {
                    cut: name.to_owned(),
                    node: node.name.clone(),
                    input: input.clone(),
                });
            }
            after.append(node.clone())?;
        }
        Ok((Graph::try_from(before)?, after))
    }

    /// The same network for images of `[height, width]`.
    ///
    /// # Errors
    /// A layer fits only the size that the graph was made for, as a position embedding does.
    pub fn resized(&self, [height, width]: [usize; 2]) -> Result<Graph, GraphError> {
        let mut nodes = self.nodes.clone();
        if let Some(Op::Input { shape }) = nodes.first_mut().map(|node| &mut node.op) {
            *shape = Shape::Map([shape.channels(), height, width]);
        }
        Graph::try_from(nodes)
    }

    /// Appends the nodes of `next` behind this graph; what reads `next`'s input reads this
    /// graph's output.
    ///
    /// # Errors
    /// A name is taken, or a shape does not fit.
    pub fn join(&mut self, next: Graph) -> Result<(), GraphError> {
        let output = self.output().to_owned();
        let entry = next.nodes.first().map(|n| n.name.clone());
        for mut node in next.nodes.into_iter().skip(1) {
            for input in &mut node.inputs {
                if Some(&*input) == entry.as_ref() {
                    input.clone_from(&output);
                }
            }
            self.append(node)?;
        }
        Ok(())
    }

    /// Takes the tensors of this graph's parameters out of `weights`, which may hold more.
    ///
    /// # Errors
    /// As [`check_weights`](Self::check_weights).
    pub fn take_weights(&self, weights: &mut Weights) -> Result<Weights, WeightsError> {
        self.check_weights(weights)?;
        let mut own = Weights::new();
        for Parameter { name, .. } in self.parameters() {
            let tensor = weights
                .remove(&name)
                .ok_or_else(|| WeightsError::missing(&name))?;
            own.insert(name, tensor);
        }
        Ok(own)
    }

    /// Checks that `weights`, which may hold more, has every parameter of this graph, that all
    /// are finite, and that no running variance is negative.
    ///
    /// # Errors
    /// Lists the parameters that are missing or have another shape, or names the first tensor
    /// whose numbers cannot be.
    pub fn check_weights(&self, weights: &Weights) -> Result<(), WeightsError> {
        let parameters = self.parameters();
        weights.check(&parameters)?;
        for Parameter { name, .. } in parameters {
            let Some(tensor) = weights.get(&name) else {
                continue;
            };
            if !tensor.is_finite() {
                return Err(WeightsError::NotFinite { name });
            }
            // No other operation has a parameter of this name.
            if name.ends_with(".running_var")
                && let Some(&found) = tensor.values().iter().find(|v| **v < 0.0)
            {
                return Err(WeightsError::NegativeVariance { name, found });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn residual() -> Graph {
        let mut graph = Graph::new(Shape::Map([4, 8, 8]));
        graph.push("a", Op::Relu).unwrap();
        graph.push("b", Op::Relu6).unwrap();
        graph.push_after("sum", Op::Add, &["a", "b"]).unwrap();
        graph.push("pool", Op::GlobalAveragePool).unwrap();
        graph.push("logits", Op::Dense { units: 3 }).unwrap();
        graph
    }

    #[test]
    fn a_cut_and_its_halves_joined_are_the_whole() {
        let graph = residual();
        let (mut frozen, head) = graph.cut_at("sum").unwrap();
        assert_eq!(frozen.output(), "sum");
        assert_eq!(head.input_shape(), Shape::Map([4, 8, 8]));
        frozen.join(head).unwrap();
        assert_eq!(frozen, graph);
    }

    #[test]
    fn a_cut_inside_a_residual_block_is_refused() {
        assert!(matches!(
            residual().cut_at("b"),
            Err(GraphError::NotACut { .. })
        ));
    }

    #[test]
    fn a_graph_read_from_json_is_checked() {
        let graph = residual();
        let json = serde_json::to_string(&graph).unwrap();
        assert_eq!(serde_json::from_str::<Graph>(&json).unwrap(), graph);

        let unknown = json.replace(r#""inputs":["pool"]"#, r#""inputs":["pol"]"#);
        assert!(serde_json::from_str::<Graph>(&unknown).is_err());
        let twice = json.replace(r#""name":"b""#, r#""name":"a""#);
        assert!(serde_json::from_str::<Graph>(&twice).is_err());
        assert!(serde_json::from_str::<Graph>("[]").is_err());
    }

    #[test]
    fn a_network_is_made_for_another_size() {
        let larger = residual().resized([16, 12]).unwrap();
        assert_eq!(larger.shape_of("sum").unwrap(), Shape::Map([4, 16, 12]));
        assert_eq!(larger.output_shape(), residual().output_shape());
        // One that counts its places cannot be.
        let mut places = Graph::new(Shape::Map([1, 2, 2]));
        let shape = Shape::Vector([4]);
        places.push("row", Op::Reshape { shape }).unwrap();
        assert!(places.resized([3, 3]).is_err());
    }

    #[test]
    fn a_node_that_misfits_is_refused_by_name() {
        let mut graph = Graph::new(Shape::Map([3, 8, 8]));
        let error = graph.push("logits", Op::Dense { units: 2 }).unwrap_err();
        assert!(error.to_string().contains("logits"));
    }

    #[test]
    fn an_input_of_no_numbers_is_refused_with_the_first_node() {
        let mut graph = Graph::new(Shape::Vector([0]));
        let error = graph.push("logits", Op::Dense { units: 2 }).unwrap_err();
        assert!(matches!(error, GraphError::WrongShape { .. }), "{error}");
    }

    #[test]
    fn weights_that_cannot_be_are_refused_by_name() {
        let mut graph = Graph::new(Shape::Map([1, 2, 2]));
        let batch_norm = Op::BatchNorm {
            epsilon: 1e-3,
            scale: true,
        };
        graph.push("norm", batch_norm).unwrap();
        let with = |suffix: &str, value: f32| {
            let mut weights = Weights::new();
            for Parameter { name, shape } in graph.parameters() {
                let value = if name.ends_with(suffix) { value } else { 1.0 };
                let tensor = Tensor::new(&name, shape, vec![value]).unwrap();
                weights.insert(name, tensor);
            }
            graph.take_weights(&mut weights)
        };
        assert!(with("running_var", 0.0).is_ok());
        assert!(with("running_mean", -1.0).is_ok());
        assert!(matches!(
            with("running_var", -1e-3),
            Err(WeightsError::NegativeVariance { name, .. }) if name == "norm.running_var"
        ));
        assert!(matches!(
            with("bias", f32::NAN),
            Err(WeightsError::NotFinite { name }) if name == "norm.bias"
        ));
    }
}
