//! A whole model of Keras as a graph and its weights.
//!
//! Layers are applied in an order in which each reads what is there already; a model inside a
//! model is applied layer by layer, so that the result is one flat graph. Names are those of
//! Keras. Where one layer is several nodes, the others are called `<layer>/<part>`; where a name
//! stands twice, in a model and in one inside it, the inner one is `<model>.<layer>`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use finial_graph::{Graph, Shape, Weights};
use serde_json::Value as Json;

use super::builder::{Builder, Generation, Site, Value};
use super::compile::Compile;
use super::config::{Call, Layer, Model, Reference};
use super::file::ModelFile;
use super::layers;
use super::settings::{DataFormat, Settings, whole};
use crate::{FormatError, Source};

/// What a caller may say about a model that is read.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// Height and width, for a model whose input may have any.
    pub size: Option<[usize; 2]>,
    /// The layer whose value is the output; otherwise the model's own output.
    pub output: Option<String>,
}

/// A model that was read.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The network.
    pub graph: Graph,
    /// Its numbers.
    pub weights: Weights,
    /// What it was trained with, if the file says so.
    pub compile: Option<Compile>,
    /// What [`export`](super::export) was told to keep beside the network.
    pub notes: Option<String>,
    /// For each layer of Keras, the node that holds what it gives.
    layers: BTreeMap<String, String>,
}

impl Imported {
    /// The node that holds what a layer gives: Keras's `get_layer(name).output`. The layer may
    /// be a whole model inside this one. The name itself if there is no such layer.
    pub fn node_of<'a>(&'a self, layer: &'a str) -> &'a str {
        self.layers.get(layer).map_or(layer, String::as_str)
    }
}

/// Reads a model: a `.keras` file, or an HDF5 file of a whole model.
///
/// # Errors
/// The file cannot be read or is damaged, holds weights only, or holds a layer or a setting that
/// finial has no operation for.
pub fn import(path: &Path) -> Result<Imported, FormatError> {
    import_with(path, &ImportOptions::default())
}

/// Reads a model; see [`import`].
///
/// # Errors
/// As [`import`]; also if the input may have any size and none is given, or has one and another
/// is given.
pub fn import_with(path: &Path, options: &ImportOptions) -> Result<Imported, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    import_from(source, path, options)
}

/// As [`import_with`], for bytes from anywhere; `path` is what errors call them.
///
/// # Errors
/// As [`import_with`].
pub fn import_from(
    source: Source,
    path: &Path,
    options: &ImportOptions,
) -> Result<Imported, FormatError> {
    let file = ModelFile::read(source, path)?;
    let model = Model::read(path, &file.config)?;
    let mut names = HashMap::new();
    count_names(path, &model, &mut names)?;

    let format = data_format(&file.config);
    let (input, shape) = input(path, &model, format, options.size)?;
    let builder = Builder {
        path,
        generation: file.generation,
        format,
        graph: Graph::with_input(&valid(input), shape),
        weights: Weights::new(),
    };
    let value = match shape {
        Shape::Map(_) => Value::new(valid(input), &format.axes()),
        other => Value::plain(valid(input), other.dims().len()),
    };
    let mut walk = Walk {
        builder,
        file: &file,
        names,
        layers: BTreeMap::new(),
        wanted: options.output.as_deref(),
    };
    walk.layers.insert(input.to_owned(), value.node.clone());
    let outputs = walk.model(&model, &mut Vec::new(), &[value])?;
    walk.finish(&model, outputs)
}

/// The way from the whole model to a layer: models, then the layer.
type Trail<'a> = Vec<(&'a str, usize)>;

struct Walk<'f, 'a> {
    builder: Builder<'a>,
    file: &'f ModelFile,
    /// How often each name of a layer stands in all models.
    names: HashMap<&'a str, usize>,
    layers: BTreeMap<String, String>,
    /// The layer that is to be the output: nothing behind it is read.
    wanted: Option<&'f str>,
}

impl<'f, 'a> Walk<'f, 'a> {
    /// A model applied to values. Models inside it are entered, at most as deep as JSON may be.
    fn model(
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
    fn finish(mut self, model: &Model<'a>, outputs: Vec<Value>) -> Result<Imported, FormatError> {
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

/// The calls of a graph's layers in an order in which each reads earlier ones.
struct Order<'m> {
    index: HashMap<&'m str, usize>,
    calls: Vec<(usize, usize)>,
}

impl<'m> Order<'m> {
    fn of(model: &Model<'m>) -> Result<Self, FormatError> {
        let mut index = HashMap::new();
        for (place, layer) in model.layers.iter().enumerate() {
            if index.insert(layer.settings.name, place).is_some() {
                return Err(layer
                    .settings
                    .damaged("a name of its own", "a second layer of it"));
            }
        }
        let mut order = Order {
            index,
            calls: Vec::new(),
        };
        let calls = || {
            let layers = model.layers.iter().enumerate();
            layers.flat_map(|(place, layer)| (0..layer.calls.len()).map(move |n| (place, n)))
        };
        let mut readers: HashMap<(usize, usize), Vec<(usize, usize)>> = HashMap::new();
        let mut open: HashMap<(usize, usize), usize> = HashMap::new();
        let mut ready = BTreeSet::new();
        for (place, number) in calls() {
            let Some(layer) = model.layers.get(place) else {
                continue;
            };
            let tensors = layer
                .calls
                .get(number)
                .map(Call::tensors)
                .unwrap_or_default();
            let mut reads = BTreeSet::new();
            for reference in tensors {
                let source = order.place(model, reference)?;
                let has_calls = model
                    .layers
                    .get(source.0)
                    .is_some_and(|l| !l.calls.is_empty());
                if has_calls {
                    reads.insert(source);
                }
            }
            match reads.is_empty() {
                true => drop(ready.insert((place, number))),
                false => drop(open.insert((place, number), reads.len())),
            }
            for source in reads {
                readers.entry(source).or_default().push((place, number));
            }
        }
        while let Some(next) = ready.pop_first() {
            order.calls.push(next);
            for reader in readers.remove(&next).unwrap_or_default() {
                if let Some(left) = open.get_mut(&reader) {
                    *left -= 1;
                    if *left == 0 {
                        open.remove(&reader);
                        ready.insert(reader);
                    }
                }
            }
        }
        match open
            .keys()
            .min()
            .and_then(|(place, _)| model.layers.get(*place))
        {
            None => Ok(order),
            Some(layer) => Err(layer.settings.damaged(
                "a layer that reads layers before it",
                "one that reads, over others, what it gives itself",
            )),
        }
    }

    /// The layer and the call that a reference means.
    fn place(
        &self,
        model: &Model<'_>,
        reference: Reference<'_>,
    ) -> Result<(usize, usize), FormatError> {
        let place = self.index.get(reference.layer);
        let layer = place.and_then(|&place| Some((place, model.layers.get(place)?)));
        let Some((place, layer)) = layer else {
            let settings = model.layers.first().map(|layer| &layer.settings);
            let path = settings.map_or(Path::new(""), |settings| settings.path());
            return Err(no_value(path, None, &reference));
        };
        // The first node of a graph that stands as a layer is the graph itself.
        let first = match layer.settings.class {
            "Functional" | "Model" if layer.calls.len() > 1 => 1,
            _ => 0,
        };
        let number = match layer.calls.len() {
            0 | 1 => 0,
            _ => reference.call.saturating_sub(first),
        };
        Ok((place, number))
    }

    fn read(
        &self,
        model: &Model<'_>,
        values: &HashMap<(usize, usize), Vec<Value>>,
        reference: Reference<'_>,
        path: &Path,
    ) -> Result<Value, FormatError> {
        let place = self.place(model, reference)?;
        let value = values
            .get(&place)
            .and_then(|given| given.get(reference.tensor));
        value.cloned().ok_or_else(|| {
            let settings = model.layers.get(place.0).map(|layer| &layer.settings);
            no_value(path, settings, &reference)
        })
    }
}

/// A reference to a value that is not there.
fn no_value(path: &Path, layer: Option<&Settings<'_>>, reference: &Reference<'_>) -> FormatError {
    let part = match layer {
        Some(settings) => settings.described(),
        None => format!("layer `{}`", super::settings::shortened(reference.layer)),
    };
    let expected = format!("its value {} of call {}", reference.tensor, reference.call);
    FormatError::damaged(path, part, expected, "no such value")
}

/// Keras 2 allows slashes in the names of layers; in a graph they divide a layer's own nodes.
fn valid(name: &str) -> String {
    name.replace('/', "_")
}

/// How often each name of a layer stands in a model and in those inside it.
fn count_names<'a>(
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

/// The first data format that a layer names.
fn data_format(config: &Json) -> DataFormat {
    fn first(json: &Json) -> Option<&str> {
        match json {
            Json::Object(map) => match map.get("data_format") {
                Some(Json::String(text)) => Some(text),
                _ => map.values().find_map(first),
            },
            Json::Array(list) => list.iter().find_map(first),
            _ => None,
        }
    }
    match first(config) {
        Some("channels_first") => DataFormat::First,
        _ => DataFormat::Last,
    }
}

/// The name and the shape of the only input.
fn input<'a>(
    path: &'a Path,
    model: &Model<'a>,
    format: DataFormat,
    size: Option<[usize; 2]>,
) -> Result<(&'a str, Shape), FormatError> {
    let part = || format!("model `{}`", model.name);
    let entry = match &model.ends {
        Some(ends) => match ends.inputs.as_slice() {
            [only] => model
                .layers
                .iter()
                .find(|layer| layer.settings.name == only.layer),
            several => {
                let names: Vec<&str> = several.iter().map(|input| input.layer).collect();
                return Err(FormatError::unsupported(
                    path,
                    part(),
                    format!("a model of {} inputs: {}", several.len(), names.join(", ")),
                    "models of one input, an image",
                    "save the part of the model that reads the image",
                ));
            }
        },
        None => model.layers.first(),
    };
    let name = entry.filter(|layer| layer.settings.class == "InputLayer");
    let name = name.map_or(Graph::INPUT, |layer| layer.settings.name);
    let json = input_shape(path, model, entry)?;
    let Some(json) = json else {
        return Err(FormatError::unsupported(
            path,
            part(),
            "a model that was never built",
            "models whose input has a shape",
            "call the model once, or give its first layer an input shape, and save it again",
        ));
    };
    let damaged = || FormatError::damaged(path, part(), "an input shape", json.to_string());
    let Some([_, dims @ ..]) = json.as_array().map(Vec::as_slice) else {
        return Err(damaged());
    };
    let mut dims: Vec<Option<usize>> = dims.iter().map(whole).collect();
    let spatial = match (dims.as_mut_slice(), format) {
        ([h, w, _], DataFormat::Last) | ([_, h, w], DataFormat::First) => Some([h, w]),
        _ => None,
    };
    if let (Some(sides), Some(size)) = (spatial, size) {
        for (side, size) in sides.into_iter().zip(size) {
            if side.is_some_and(|side| side != size) {
                return Err(FormatError::unsupported(
                    path,
                    part(),
                    format!("a model for images of the input shape {json}"),
                    "that size",
                    "leave the size out",
                ));
            }
            *side = Some(size);
        }
    }
    let known: Option<Vec<usize>> = dims.iter().copied().collect();
    let Some(known) = known else {
        return Err(FormatError::unsupported(
            path,
            part(),
            format!("a model for images of any size, {json}"),
            "an image size",
            "say which height and width the images are to have",
        ));
    };
    let held = match (known.as_slice(), format) {
        (&[h, w, c], DataFormat::Last) => vec![c, h, w],
        (dims, _) => dims.to_vec(),
    };
    Ok((name, Shape::of(&held).ok_or_else(damaged)?))
}

/// The input shape that the first layer was given, that of the model inside it, or the one that
/// the model was built for.
fn input_shape<'a>(
    path: &'a Path,
    model: &Model<'a>,
    entry: Option<&Layer<'a>>,
) -> Result<Option<&'a Json>, FormatError> {
    let Some(entry) = entry else {
        return Ok(model.built_for);
    };
    let settings = &entry.settings;
    let given = settings
        .get("batch_shape")
        .or(settings.get("batch_input_shape"));
    if given.is_some() || !Model::is(settings.class) {
        return Ok(given.or(model.built_for).or(settings.built_for));
    }
    if model.built_for.is_some() {
        return Ok(model.built_for);
    }
    let inner = Model::of(path, settings)?;
    let first = match &inner.ends {
        Some(ends) => {
            let name = ends.inputs.first().map(|input| input.layer);
            inner
                .layers
                .iter()
                .find(|layer| Some(layer.settings.name) == name)
        }
        None => inner.layers.first(),
    };
    input_shape(path, &inner, first)
}
