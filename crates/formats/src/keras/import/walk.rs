//! The layers of a model applied one after the other, those of models inside it among them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use finial_graph::{Graph, Shape};
use serde_json::Value as Json;

use super::Imported;
use super::order::Order;
use crate::FormatError;
use crate::keras::builder::{Builder, Generation, Site, Value};
use crate::keras::config::{Call, Layer, Model};
use crate::keras::file::ModelFile;
use crate::keras::layers;
use crate::keras::settings::Settings;

/// The way from the whole model to a layer: models, then the layer.
type Trail<'a> = Vec<(&'a str, usize)>;

pub(super) struct Walk<'f, 'a> {
    pub(super) builder: Builder<'a>,
    pub(super) file: &'f ModelFile,
    /// How often each name of a layer stands in all models.
    pub(super) names: HashMap<&'a str, usize>,
    pub(super) layers: BTreeMap<String, String>,
    /// The layer that is to be the output: nothing behind it is read.
    pub(super) wanted: Option<&'f str>,
}

impl<'f, 'a> Walk<'f, 'a> {
    /// A model applied to values. Models inside it are entered, at most as deep as JSON may be.
    pub(super) fn model(
        &mut self,
        model: &Model<'a>,
        trail: &mut Trail<'a>,
        inputs: &[Value],
    ) -> Result<Vec<Value>, FormatError> {
        let Some(ends) = &model.ends else {
            let mut values = inputs.to_vec();
            let call = Call::default();
            for (place, layer) in model.layers.iter().enumerate() {
                if layer.settings.class != "InputLayer" {
                    trail.push((layer.settings.name, place));
                    values = self.layer(layer, (&call, 0), trail, &values)?;
                    trail.pop();
                }
                if self.has_output() {
                    break;
                }
            }
            return Ok(values);
        };
        let order = Order::of(model)?;
        let mut values: HashMap<(usize, usize), Vec<Value>> = HashMap::new();
        for (reference, input) in ends.inputs.iter().zip(inputs) {
            let (layer, _) = order.place(model, *reference)?;
            values.insert((layer, 0), vec![input.clone()]);
        }
        let path = self.builder.path;
        for &(place, number) in &order.calls {
            let Some(layer) = model.layers.get(place) else {
                continue;
            };
            let Some(call) = layer.calls.get(number) else {
                continue;
            };
            let mut read = Vec::new();
            for reference in call.tensors() {
                read.push(order.read(model, &values, reference, path)?);
            }
            trail.push((layer.settings.name, place));
            let given = self.layer(layer, (call, number), trail, &read)?;
            trail.pop();
            values.insert((place, number), given);
            if self.has_output() {
                return Ok(Vec::new());
            }
        }
        let outputs = ends.outputs.iter();
        outputs
            .map(|output| order.read(model, &values, *output, path))
            .collect()
    }

    /// One call of a layer, or of a model that stands as one.
    fn layer(
        &mut self,
        layer: &Layer<'a>,
        (call, number): (&Call<'a>, usize),
        trail: &mut Trail<'a>,
        inputs: &[Value],
    ) -> Result<Vec<Value>, FormatError> {
        let settings = &layer.settings;
        // Keras 3 lets the training of the whole model decide.
        if self.builder.generation == Generation::Second
            && !settings.class.starts_with("Random")
            && call
                .constant(usize::MAX, "training")
                .and_then(Json::as_bool)
                == Some(true)
        {
            return Err(settings.unsupported(
                "called with `training=True`",
                "layers that act as they do outside training",
            ));
        }
        let given = if Model::is(settings.class) {
            if number > 0 {
                return Err(settings.unsupported(
                    "a model that is applied more than once",
                    "models that are applied once",
                ));
            }
            let inner = Model::of(self.builder.path, settings)?;
            if inner
                .ends
                .as_ref()
                .is_some_and(|ends| ends.inputs.len() != inputs.len())
            {
                let found = format!("{} values", inputs.len());
                return Err(settings.damaged("as many values as the model has inputs", &found));
            }
            self.model(&inner, trail, inputs)?
        } else {
            let name = self.node_name(settings, trail, number);
            let variables = self.file.variables(trail, settings)?;
            let mut site = Site {
                builder: &mut self.builder,
                settings,
                name,
                variables: variables.into(),
            };
            vec![layers::apply(&mut site, call, inputs)?]
        };
        if let (Some(value), 0) = (given.first(), number) {
            let names: Vec<&str> = trail.iter().map(|(name, _)| *name).collect();
            for from in 0..names.len() {
                // The inner names of a model are short forms; an outer layer of that name wins.
                let name = names.get(from..).unwrap_or_default().join("/");
                match from {
                    0 => self.layers.insert(name, value.node.clone()),
                    _ => Some(
                        self.layers
                            .entry(name)
                            .or_insert_with(|| value.node.clone())
                            .clone(),
                    ),
                };
            }
        }
        Ok(given)
    }

    /// Whether the layer that is to be the output is there.
    fn has_output(&self) -> bool {
        let there = |wanted| self.layers.contains_key(wanted) || self.builder.has(wanted);
        self.wanted.is_some_and(there)
    }

    /// The layer's own name, unless it is taken or stands in several models.
    fn node_name(&self, settings: &Settings<'a>, trail: &Trail<'a>, number: usize) -> String {
        let own = settings.name;
        let mut name = match self.names.get(own) {
            Some(2..) if trail.len() > 1 => {
                let names: Vec<&str> = trail.iter().map(|(name, _)| *name).collect();
                valid(&names.join("."))
            }
            _ => valid(own),
        };
        if number > 0 {
            name = format!("{name}_call{}", number + 1);
        }
        let numbered = (1..).map(|n: usize| format!("{name}_{n}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        names.find(|name| !self.builder.has(name)).unwrap_or(name)
    }

    /// The graph up to its output, with the weights of that part.
    pub(super) fn finish(
        mut self,
        model: &Model<'a>,
        outputs: Vec<Value>,
    ) -> Result<Imported, FormatError> {
        let path = self.builder.path;
        let part = format!("model `{}`", model.name);
        let output = match (outputs.as_slice(), self.wanted) {
            (_, Some(layer)) => {
                let node = self.layers.get(layer).map_or(layer, String::as_str);
                node.to_owned()
            }
            ([only], None) => self.as_graphs_are(model, only)?,
            (several, None) => {
                let names: Vec<&str> = several.iter().map(|value| value.node.as_str()).collect();
                return Err(FormatError::unsupported(
                    path,
                    part,
                    format!("a model of {} outputs: {}", several.len(), names.join(", ")),
                    "models of one output",
                    "name the layer that is to be the output with --cut",
                ));
            }
        };
        let cut = self.builder.graph.cut_at(&output);
        let (graph, _) = match cut {
            // A part behind the output that also reads before it is of no interest.
            Err(finial_graph::GraphError::NotACut { .. }) => (
                up_to(&self.builder.graph, &output),
                Graph::new(Shape::Vector([1])),
            ),
            Ok(parts) => parts,
            Err(_) => {
                let known = self.layers.keys().map(String::as_str);
                return Err(FormatError::no_layer(path, &output, known));
            }
        };
        let weights = graph.take_weights(&mut self.builder.weights);
        let weights = weights.map_err(|error| FormatError::Weights {
            path: path.to_owned(),
            error,
        })?;
        self.layers.retain(|_, node| graph.shape_of(node).is_ok());
        Ok(Imported {
            graph,
            weights,
            compile: self.file.compile(),
            notes: self.file.notes.clone(),
            layers: self.layers,
        })
    }

    /// The output with its axes as a graph has them.
    fn as_graphs_are(&mut self, model: &Model<'a>, output: &Value) -> Result<String, FormatError> {
        let standard = match output.axes.len() {
            3 => self.builder.format.axes().to_vec(),
            rank => (0..rank).collect(),
        };
        let Some(last) = model.layers.last() else {
            return Ok(output.node.clone());
        };
        let name = output.node.clone();
        let mut site = Site {
            builder: &mut self.builder,
            settings: &last.settings,
            name,
            variables: Vec::new().into(),
        };
        site.hold(output, &standard)
    }
}

/// The nodes that lead to one of them.
fn up_to(graph: &Graph, output: &str) -> Graph {
    let mut needed = BTreeSet::from([output.to_owned()]);
    let mut nodes: Vec<_> = graph
        .nodes()
        .iter()
        .rev()
        .filter(|node| {
            let is_needed = needed.contains(&node.name);
            if is_needed {
                needed.extend(node.inputs.iter().cloned());
            }
            is_needed
        })
        .cloned()
        .collect();
    nodes.reverse();
    Graph::try_from(nodes).unwrap_or_else(|_| graph.clone())
}

/// Keras 2 allows slashes in the names of layers; in a graph they divide a layer's own nodes.
pub(super) fn valid(name: &str) -> String {
    name.replace('/', "_")
}

/// How often each name of a layer stands in a model and in those inside it.
pub(super) fn count_names<'a>(
    path: &'a Path,
    model: &Model<'a>,
    names: &mut HashMap<&'a str, usize>,
) -> Result<(), FormatError> {
    for layer in &model.layers {
        *names.entry(layer.settings.name).or_default() += 1;
        if Model::is(layer.settings.class) {
            count_names(path, &Model::of(path, &layer.settings)?, names)?;
        }
    }
    Ok(())
}
