//! The layers that a `.keras` file is made of, and the order in which Keras has them.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use finial_graph::{Graph, Node, Shape, Tensor, Weights};
use serde_json::{Map, Value as Json, json};

use crate::FormatError;
use crate::keras::builder::Value;
use crate::keras::settings::DataFormat;

/// A network on its way into a file.
pub(super) struct Network<'a> {
    pub(super) path: &'a Path,
    pub(super) graph: &'a Graph,
    pub(super) weights: &'a Weights,
    /// In the order of the graph.
    pub(super) layers: Vec<Layer<'a>>,
    /// For each node, the layer that holds its value, and how the axes lie.
    pub(super) values: HashMap<&'a str, Value>,
    names: HashMap<String, usize>,
}

/// A layer, or a function of Keras that is applied like one.
pub(super) struct Layer<'a> {
    pub(super) name: String,
    pub(super) module: &'static str,
    pub(super) class: &'static str,
    pub(super) config: Map<String, Json>,
    /// The layers it reads.
    pub(super) inputs: Vec<Input>,
    /// How Keras calls it.
    pub(super) call: Arguments,
    pub(super) variables: Vec<Variable<'a>>,
}

/// A layer that is read, and the shape of what it gives, without the batch.
#[derive(Clone, Debug)]
pub(super) struct Input {
    pub(super) layer: usize,
    pub(super) shape: Vec<usize>,
}

/// How values are handed over.
pub(super) enum Arguments {
    /// One after the other.
    Plain,
    /// As one list.
    List,
    /// One after the other, then a constant.
    With(Json),
}

/// A variable of a layer.
pub(super) struct Variable<'a> {
    /// The part of the layer that owns it; empty for the layer itself.
    pub(super) part: &'static str,
    /// As Keras has it.
    pub(super) shape: Vec<usize>,
    pub(super) numbers: Numbers<'a>,
}

/// Where the numbers of a variable come from.
pub(super) enum Numbers<'a> {
    /// A parameter, whose axes are turned on the way.
    Of(&'a Tensor),
    /// Rows of a square matrix from the first on, each as a column.
    Columns {
        of: &'a Tensor,
        first: usize,
        rows: usize,
    },
    /// Part of a vector.
    Part { of: &'a Tensor, first: usize },
    /// The negative of each.
    Negative(&'a Tensor),
    /// The same number everywhere.
    All(f32),
    /// Zeros for the tokens that are there, behind the negative of one.
    Before(&'a Tensor),
}

impl<'a> Network<'a> {
    pub(super) fn new(path: &'a Path, graph: &'a Graph, weights: &'a Weights) -> Self {
        Network {
            path,
            graph,
            weights,
            layers: Vec::new(),
            values: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// A name that Keras takes with each of its backends, and that no layer has yet.
    pub(super) fn name(&mut self, node: &str) -> String {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let name: String = node
            .chars()
            .map(|c| if allowed(c) { c } else { '_' })
            .collect();
        let mut free = name.clone();
        while self.names.contains_key(&free) {
            let count = self.names.entry(name.clone()).or_default();
            *count += 1;
            free = format!("{name}_{count}");
        }
        self.names.insert(free.clone(), 0);
        free
    }

    /// Adds a layer, and returns where it stands.
    pub(super) fn add(&mut self, mut layer: Layer<'a>) -> usize {
        layer.name = self.name(&layer.name);
        layer.config.insert("name".to_owned(), json!(layer.name));
        self.layers.push(layer);
        self.layers.len() - 1
    }

    /// The shape of a node's value in the graph.
    pub(super) fn shape(&self, node: &str) -> Vec<usize> {
        let shape = self.graph.shape_of(node);
        shape
            .as_ref()
            .map_or_else(|_| Vec::new(), |shape| shape.dims().to_vec())
    }

    /// The value of a node that was added.
    pub(super) fn value(&self, node: &str) -> Result<Value, FormatError> {
        let value = self.values.get(node).cloned();
        value.ok_or_else(|| self.unsupported(node, "an unknown node", "nodes of the graph"))
    }

    /// How the axes of a value of that shape lie in Keras if nothing else is asked for.
    pub(super) fn usual(shape: &[usize]) -> Vec<usize> {
        match shape.len() {
            3 => DataFormat::Last.axes().to_vec(),
            rank => (0..rank).collect(),
        }
    }

    /// The layer that holds a node's value with its axes in that order; `reader` is who asks.
    pub(super) fn hold(
        &mut self,
        node: &str,
        axes: &[usize],
        reader: &str,
    ) -> Result<Input, FormatError> {
        let value = self.value(node)?;
        let layer = value.node.parse::<usize>().unwrap_or_default();
        let shape = self.shape(node);
        let placed = |axes: &[usize]| -> Vec<usize> {
            axes.iter()
                .filter_map(|&axis| shape.get(axis).copied())
                .collect()
        };
        let (now, wanted) = (placed(&value.axes), placed(axes));
        let input = Input { layer, shape: now };
        if value.axes == axes {
            return Ok(input);
        }
        let long = |axes: &[usize]| -> Vec<usize> {
            let long = |axis: &&usize| shape.get(**axis).is_some_and(|&dim| dim != 1);
            axes.iter().filter(long).copied().collect()
        };
        let (class, key, setting) = if long(&value.axes) == long(axes) {
            ("Reshape", "target_shape", json!(wanted))
        } else {
            let from = |axis: &usize| value.axes.iter().position(|known| known == axis);
            let dims: Vec<usize> = axes.iter().filter_map(from).map(|at| at + 1).collect();
            ("Permute", "dims", json!(dims))
        };
        let mut layer = Layer::new(&format!("{reader}/order"), class, vec![input]);
        layer.config.insert(key.to_owned(), setting);
        let layer = self.add(layer);
        Ok(Input {
            layer,
            shape: wanted,
        })
    }

    pub(super) fn tensor(&self, node: &Node, parameter: &str) -> Result<&'a Tensor, FormatError> {
        let tensor = self.weights.get(&format!("{}.{parameter}", node.name));
        tensor.ok_or_else(|| self.unsupported(&node.name, "without its weights", "whole networks"))
    }

    pub(super) fn unsupported(&self, node: &str, found: &str, accepted: &str) -> FormatError {
        FormatError::unsupported(
            self.path,
            format!("node `{node}`"),
            found,
            accepted,
            "export the model with `--to onnx`, which takes every operation",
        )
    }

    /// Which layers lead to the output, in the order of Keras's `model.layers`: by the longest
    /// way to the output, then by the first visit from there.
    pub(super) fn in_keras_order(&self, output: usize) -> Vec<usize> {
        let inputs = |at: usize| {
            let layer = self.layers.get(at);
            layer
                .into_iter()
                .flat_map(|layer| layer.inputs.iter().map(|input| input.layer))
        };
        let mut visit: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = vec![output];
        while let Some(at) = open.pop() {
            if !visit.contains_key(&at) {
                visit.insert(at, visit.len());
                let mut next: Vec<usize> = inputs(at).collect();
                next.reverse();
                open.extend(next);
            }
        }
        let mut depth = vec![0_usize; self.layers.len()];
        for at in (0..self.layers.len())
            .rev()
            .filter(|at| visit.contains_key(at))
        {
            let below = depth.get(at).copied().unwrap_or_default() + 1;
            for input in inputs(at) {
                if let Some(depth) = depth.get_mut(input) {
                    *depth = below.max(*depth);
                }
            }
        }
        let mut order: Vec<usize> = visit.keys().copied().collect();
        order.sort_by_key(|at| (std::cmp::Reverse(depth.get(*at)), visit.get(at)));
        order
    }
}

impl<'a> Layer<'a> {
    pub(super) fn new(name: &str, class: &'static str, inputs: Vec<Input>) -> Self {
        let mut config = Map::new();
        config.insert("name".to_owned(), json!(name));
        config.insert("trainable".to_owned(), json!(true));
        config.insert("dtype".to_owned(), json!("float32"));
        Layer {
            name: name.to_owned(),
            module: "keras.layers",
            class,
            config,
            inputs,
            call: Arguments::Plain,
            variables: Vec::new(),
        }
    }

    /// A function of Keras: it has no settings but those given.
    pub(super) fn function(
        name: &str,
        (module, class): (&'static str, &'static str),
        inputs: Vec<Input>,
    ) -> Self {
        let mut layer = Layer::new(name, class, inputs);
        layer.module = module;
        layer.config.remove("trainable");
        layer.config.remove("dtype");
        layer
    }

    pub(super) fn with(mut self, settings: Json) -> Self {
        if let Json::Object(settings) = settings {
            self.config.extend(settings);
        }
        self
    }

    pub(super) fn called(mut self, call: Arguments) -> Self {
        self.call = call;
        self
    }

    pub(super) fn variable(&mut self, shape: Vec<usize>, numbers: Numbers<'a>) {
        self.variables.push(Variable {
            part: "",
            shape,
            numbers,
        });
    }

    /// Those of its variables that training changes, in Keras's order.
    pub(super) fn trained(&self) -> &[Variable<'a>] {
        let statistics = match self.class {
            "BatchNormalization" => 2,
            "Normalization" => self.variables.len(),
            _ => 0,
        };
        let trained = self.variables.len().saturating_sub(statistics);
        self.variables.get(..trained).unwrap_or_default()
    }

    /// Whether Keras counts it among the layers, which functions are not.
    pub(super) fn is_layer(&self) -> bool {
        !self.module.contains(".ops")
    }
}

/// Channels of a shape, as [`Shape::channels`] counts them.
pub(super) fn channels(dims: &[usize]) -> usize {
    Shape::of(dims).map_or(0, Shape::channels)
}
