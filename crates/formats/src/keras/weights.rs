//! Files of weights, loaded into a graph whose nodes have the names of Keras's layers.
//!
//! Keras has kept weights in three layouts: by the layer's name, with the names of variables as
//! attributes (`…_weights_tf_dim_ordering_tf_kernels.h5`, and `model_weights` in a whole model);
//! by class and place (`.weights.h5`, and inside `.keras`); and so under another name before
//! Keras 2.13. Whole models are in `import`.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use finial_graph::{Graph, Op, Parameter, Tensor, Weights};

use super::file::{WEIGHTS, numbered};
use super::kernel;
use crate::archive::Archive;
use crate::checkpoint::Format;
use crate::fit::{Found, pair};
use crate::hdf5::{Dataset, File, Group, Value};
use crate::{FormatError, Source};

/// Names of the group that lists layers by class and place.
const LISTS: [&str; 2] = ["layers", "_layer_checkpoint_dependencies"];

/// Reads the parameters of `graph` from a file of Keras: weights alone, or those of a whole model.
///
/// Layers are found by name, where a slash is as good as an underscore. Where the file has other
/// names, as it has for layers that were never named, they are taken in order, which is what
/// Keras does: a graph for that has its nodes in the order of Keras's `model.layers`.
///
/// `behind_the_cut` are parameters that the graph lacks since it was cut: the file may have them,
/// and they stay there. So may other layers that the file has behind all of the graph, as many as
/// were cut off: a network that was saved without its top ends differently in some families.
///
/// # Errors
/// The file cannot be read or is damaged. Lists parameters that are missing, shapes that differ
/// and tensors without a place, with near names; or names a tensor whose numbers cannot be.
///
/// ```no_run
/// # fn example(vgg16: finial_graph::Graph) -> Result<(), Box<dyn std::error::Error>> {
/// let (features, top) = vgg16.cut_at("block5_pool")?;
/// let file = "vgg16_weights_tf_dim_ordering_tf_kernels.h5".as_ref();
/// let weights = finial_formats::keras::load_weights(file, &features, &top.parameters())?;
/// # Ok(())
/// # }
/// ```
pub fn load_weights(
    path: &Path,
    graph: &Graph,
    behind_the_cut: &[Parameter],
) -> Result<Weights, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    load_weights_from(source, path, graph, behind_the_cut)
}

/// As [`load_weights`], for bytes from anywhere; `path` is what errors call them.
///
/// # Errors
/// As [`load_weights`].
pub fn load_weights_from(
    source: Source,
    path: &Path,
    graph: &Graph,
    behind_the_cut: &[Parameter],
) -> Result<Weights, FormatError> {
    let root = open(source, path)?;
    let stored = layers(path, &root)?;
    let wanted = graph.parameters();
    let own = by_layer(&wanted);
    let behind = by_layer(behind_the_cut);
    let pairs = Pairs::of(&stored, &own, &behind, graph);

    let mut datasets = Vec::new();
    let mut found = Vec::new();
    for (layer, place) in stored.iter().zip(pairs.0) {
        let place = match place {
            Some(Place::Own(i)) => own.get(i),
            Some(Place::Behind(i)) => behind.get(i),
            None => None,
        };
        for (i, variable) in layer.variables.iter().enumerate() {
            if place.is_some_and(|place| place.is_counted(layer, i)) {
                continue;
            }
            let parameter = place.and_then(|place| place.parameter(layer, i));
            let shape = variable.dataset.shape();
            found.push(Found {
                name: variable.dataset.path().trim_start_matches('/'),
                parameter: match parameter {
                    Some(parameter) => parameter.name.clone(),
                    None => format!("{}.{}", layer.name, variable.name),
                },
                shape: match parameter {
                    Some(parameter) => kernel::shape_in_graph(shape, &parameter.shape),
                    None => shape.to_vec(),
                },
            });
            datasets.push(&variable.dataset);
        }
    }
    let indices = pair(path, &found, &wanted, behind_the_cut)?;
    let wrong = |error| FormatError::Weights {
        path: path.to_owned(),
        error,
    };
    let mut weights = Weights::new();
    for (Parameter { name, shape }, index) in wanted.into_iter().zip(indices) {
        if let Some(dataset) = datasets.get(index) {
            let values = kernel::read(dataset, &shape)?;
            let tensor = Tensor::new(&name, shape, values).map_err(wrong)?;
            weights.insert(name, tensor);
        }
    }
    graph.check_weights(&weights).map_err(wrong)?;
    Ok(weights)
}

/// A layer of the file that owns variables.
struct StoredLayer {
    name: String,
    /// What its class and place call it, if that is how the file has it.
    place: Option<String>,
    variables: Vec<Variable>,
}

struct Variable {
    /// As the file has it: `conv1/kernel:0`, or a number.
    name: String,
    dataset: Dataset,
}

/// A layer of the graph: one node, or two for a convolution that Keras calls separable.
struct OwnLayer<'p> {
    name: &'p str,
    parameters: Vec<&'p Parameter>,
}

/// Where a layer of the file belongs.
#[derive(Clone, Copy)]
enum Place {
    Own(usize),
    Behind(usize),
}

fn open(source: Source, path: &Path) -> Result<Group, FormatError> {
    let format = Format::of(&source);
    let format = format.map_err(|error| FormatError::reading(path, "its first bytes", error))?;
    if format != Format::Zip {
        return File::read(source, path)?.root();
    }
    let record = Archive::open(&source, path)?.record(WEIGHTS)?;
    let source = record.source();
    let part = format!("entry `{WEIGHTS}`");
    let source = source.map_err(|error| FormatError::reading(path, part, error))?;
    File::read(source, path)?.root()
}

/// The layers of a file, in the order in which it has them.
fn layers(path: &Path, root: &Group) -> Result<Vec<StoredLayer>, FormatError> {
    let inner = root.group("model_weights")?;
    let root = inner.as_ref().unwrap_or(root);
    if let Some(names) = root.texts("layer_names")? {
        return layers_by_name(path, root, &names);
    }
    if root.names().any(|name| LISTS.contains(&name)) {
        return layers_by_class(root);
    }
    Err(FormatError::unsupported(
        path,
        "the file",
        "an HDF5 file without layers of Keras",
        "files that Keras wrote: `.h5`, `.weights.h5` and `.keras`",
        "save the weights with `model.save_weights`",
    ))
}

fn layers_by_name(
    path: &Path,
    root: &Group,
    names: &[String],
) -> Result<Vec<StoredLayer>, FormatError> {
    let mut layers: Vec<StoredLayer> = Vec::new();
    for name in names {
        let part = || format!("layer `{name}`");
        let Some(group) = root.group(name)? else {
            return Err(FormatError::damaged(path, part(), "its group", "none"));
        };
        let variables = group.texts("weight_names")?.unwrap_or_default();
        // The variables of a model inside this one are named after its layers.
        let owner = |variable: &str| variable.rsplit_once('/').map(|(owner, _)| owner.to_owned());
        let owners: HashSet<_> = variables.iter().map(|variable| owner(variable)).collect();
        let mut places: HashMap<String, usize> = HashMap::new();
        for variable in variables {
            let Some(dataset) = group.dataset(&variable)? else {
                let expected = format!("its variable `{variable}`");
                return Err(FormatError::damaged(path, part(), expected, "none"));
            };
            let layer = match owner(&variable) {
                Some(owner) if owners.len() > 1 => {
                    let inner = owner.rsplit('/').next().unwrap_or(name);
                    inner.to_owned()
                }
                _ => name.clone(),
            };
            let place = *places.entry(layer.clone()).or_insert(layers.len());
            if place == layers.len() {
                layers.push(StoredLayer {
                    name: layer,
                    place: None,
                    variables: Vec::new(),
                });
            }
            if let Some(layer) = layers.get_mut(place) {
                layer.variables.push(Variable {
                    name: variable,
                    dataset,
                });
            }
        }
    }
    Ok(layers)
}

fn layers_by_class(root: &Group) -> Result<Vec<StoredLayer>, FormatError> {
    let mut layers = Vec::new();
    let mut seen = HashSet::new();
    let mut models = vec![(root.clone(), String::new())];
    while let Some((model, above)) = models.pop() {
        for list in LISTS {
            let Some(list) = model.group(list)? else {
                continue;
            };
            for place in list.names() {
                let Some(group) = list.group(place)? else {
                    continue;
                };
                if !seen.insert(group.address()) {
                    continue;
                }
                let place = format!("{above}{place}");
                if let Some(variables) = group.group("vars")? {
                    let layer = layer_by_class(&place, &variables)?;
                    layers.extend(layer);
                }
                models.push((group, format!("{place}/")));
            }
        }
    }
    Ok(layers)
}

/// The layer with these variables; none if there are none.
fn layer_by_class(place: &str, group: &Group) -> Result<Option<StoredLayer>, FormatError> {
    let mut variables = Vec::new();
    while let Some(dataset) = group.dataset(&variables.len().to_string())? {
        let name = variables.len().to_string();
        variables.push(Variable { name, dataset });
    }
    let name = group.attribute("name")?;
    let name = name.as_ref().and_then(Value::text).unwrap_or(place);
    Ok((!variables.is_empty()).then(|| StoredLayer {
        name: name.to_owned(),
        place: Some(place.to_owned()),
        variables,
    }))
}

/// Parameters by layer, in the order of each layer's first.
fn by_layer(parameters: &[Parameter]) -> Vec<OwnLayer<'_>> {
    let mut layers: Vec<OwnLayer<'_>> = Vec::new();
    let mut places = HashMap::new();
    for parameter in parameters {
        let node = parameter.name.rsplit_once('.').map_or("", |(node, _)| node);
        let name = node.strip_suffix(".depthwise").unwrap_or(node);
        let place = *places.entry(name).or_insert(layers.len());
        if place == layers.len() {
            layers.push(OwnLayer {
                name,
                parameters: Vec::new(),
            });
        }
        if let Some(layer) = layers.get_mut(place) {
            layer.parameters.push(parameter);
        }
    }
    layers
}

impl<'p> OwnLayer<'p> {
    /// The parameter that the `i`th variable of a layer is. Keras has variables in the order of
    /// the parameters; of a batch norm, each may be missing, and names tell which.
    fn parameter(&self, layer: &StoredLayer, i: usize) -> Option<&'p Parameter> {
        let is_batch_norm = self
            .parameters
            .iter()
            .any(|p| p.name.ends_with(".running_mean"));
        let role = |variable: &Variable| batch_norm_role(&variable.name);
        if is_batch_norm
            && layer
                .variables
                .iter()
                .all(|variable| role(variable).is_some())
        {
            let role = layer.variables.get(i).and_then(role)?;
            let ends = |p: &&&Parameter| p.name.ends_with(role);
            return self.parameters.iter().find(ends).copied();
        }
        self.parameters.get(i).copied()
    }

    /// Whether the `i`th variable counts the images that a normalisation has seen, which no
    /// graph needs.
    fn is_counted(&self, layer: &StoredLayer, i: usize) -> bool {
        let is_single = |variable: &Variable| variable.dataset.shape().is_empty();
        let is_variance = |parameter: &&Parameter| parameter.name.ends_with(".variance");
        i == self.parameters.len()
            && self.parameters.last().is_some_and(is_variance)
            && layer.variables.get(i).is_some_and(is_single)
    }

    /// Whether the variables of a layer are this layer's parameters, by count and shape.
    fn is(&self, layer: &StoredLayer) -> bool {
        let variables = layer.variables.iter().enumerate();
        let mut variables = variables.filter(|(i, _)| !self.is_counted(layer, *i));
        layer.variables.len() >= self.parameters.len()
            && variables.all(|(i, variable)| {
                self.parameter(layer, i)
                    .is_some_and(|own| kernel::fits(variable.dataset.shape(), &own.shape))
            })
    }
}

/// The parameter of a batch norm that a variable of that name is. Keras 1 calls the variance
/// `running_std`, though that is what it holds.
fn batch_norm_role(variable: &str) -> Option<&'static str> {
    let name = variable.split(':').next().unwrap_or(variable);
    let name = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let name = name.strip_suffix('_').unwrap_or(name);
    let roles = [
        ("gamma", ".weight"),
        ("beta", ".bias"),
        ("moving_mean", ".running_mean"),
        ("running_mean", ".running_mean"),
        ("moving_variance", ".running_var"),
        ("running_variance", ".running_var"),
        ("running_std", ".running_var"),
    ];
    let role = roles.iter().find(|(end, _)| name.ends_with(end));
    role.map(|(_, role)| *role)
}

/// For each layer of the file, where it belongs.
struct Pairs(Vec<Option<Place>>);

impl Pairs {
    fn of(
        stored: &[StoredLayer],
        own: &[OwnLayer<'_>],
        behind: &[OwnLayer<'_>],
        graph: &Graph,
    ) -> Self {
        let by_name = Self::by(stored, own, behind, |layer| Some(plain(&layer.name)));
        let by_name = by_name.with_a_single_one(stored, own);
        if by_name.has_all(own) {
            return by_name.with_the_rest(stored, behind);
        }
        let classes = classes(graph);
        let place = |layer: &StoredLayer| {
            let place = layer.place.as_ref()?;
            classes.get(place).map(|name| plain(name))
        };
        let by_class = Self::by(stored, own, &[], place);
        if by_class.has_all(own) {
            return by_class.with_the_rest(stored, behind);
        }
        let in_order = stored.len() >= own.len()
            && stored.iter().zip(own).all(|(layer, own)| own.is(layer))
            && stored.iter().all(|layer| layer.place.is_none());
        if in_order {
            let places = (0..stored.len()).map(|i| (i < own.len()).then_some(Place::Own(i)));
            return Pairs(places.collect()).with_the_rest(stored, behind);
        }
        // What does not fit is said in the terms of names.
        by_name
    }

    fn by(
        stored: &[StoredLayer],
        own: &[OwnLayer<'_>],
        behind: &[OwnLayer<'_>],
        name: impl Fn(&StoredLayer) -> Option<String>,
    ) -> Self {
        let mut places = HashMap::new();
        for (i, layer) in behind.iter().enumerate() {
            places.insert(plain(layer.name), Place::Behind(i));
        }
        for (i, layer) in own.iter().enumerate() {
            places.insert(plain(layer.name), Place::Own(i));
        }
        let place = |layer| name(layer).and_then(|name| places.get(&name).copied());
        Pairs(stored.iter().map(place).collect())
    }

    fn has_all(&self, own: &[OwnLayer<'_>]) -> bool {
        let found = self.0.iter().filter_map(|place| match place {
            Some(Place::Own(i)) => Some(*i),
            _ => None,
        });
        found.collect::<HashSet<_>>().len() == own.len()
    }

    /// If one layer is left on either side and they fit, they are the same: ConvNeXt's last
    /// normalisation has a name only in the network with its classifier.
    fn with_a_single_one(mut self, stored: &[StoredLayer], own: &[OwnLayer<'_>]) -> Self {
        let is_found = |i: usize| {
            let mut places = self.0.iter().flatten();
            places.any(|place| matches!(place, Place::Own(found) if *found == i))
        };
        let missing: Vec<usize> = (0..own.len()).filter(|&i| !is_found(i)).collect();
        let left: Vec<usize> = (0..self.0.len())
            .filter(|&i| self.0.get(i).is_some_and(Option::is_none))
            .collect();
        if let ([missing], [left]) = (missing.as_slice(), left.as_slice())
            && let (Some(layer), Some(own)) = (stored.get(*left), own.get(*missing))
            && own.is(layer)
            && let Some(place) = self.0.get_mut(*left)
        {
            *place = Some(Place::Own(*missing));
        }
        self
    }

    /// Layers without a place are those behind the cut that are not found by name, as many as
    /// there are; where the file has an order, only behind all others.
    fn with_the_rest(mut self, stored: &[StoredLayer], behind: &[OwnLayer<'_>]) -> Self {
        let is_own = |place: &Option<Place>| matches!(place, Some(Place::Own(_)));
        let last = self.0.iter().rposition(is_own).unwrap_or(0);
        let is_taken = |i: &usize| {
            let mut places = self.0.iter().flatten();
            places.any(|place| matches!(place, Place::Behind(taken) if taken == i))
        };
        let free: Vec<usize> = (0..behind.len()).filter(|i| !is_taken(i)).collect();
        let mut free = free.into_iter();
        for (i, (place, layer)) in self.0.iter_mut().zip(stored).enumerate() {
            if place.is_none() && (i > last || layer.place.is_some()) {
                *place = free.next().map(Place::Behind);
            }
        }
        self
    }
}

/// Keras 2 allows slashes in names, Keras 3 has underscores for them.
fn plain(name: &str) -> String {
    name.replace('/', "_")
}

/// The layers of a graph by what their class and place call them.
fn classes(graph: &Graph) -> HashMap<String, &str> {
    let mut counts = HashMap::new();
    let mut classes = HashMap::new();
    let nodes: HashSet<&str> = graph
        .nodes()
        .iter()
        .map(|node| node.name.as_str())
        .collect();
    for node in graph.nodes() {
        let is_separable = nodes.contains(format!("{}.depthwise", node.name).as_str());
        let class = match node.op {
            _ if node.name.ends_with(".depthwise") => continue,
            Op::Conv2d { .. } if is_separable => "separable_conv2d",
            Op::Conv2d { groups: 1, .. } => "conv2d",
            Op::Conv2d { .. } => "depthwise_conv2d",
            Op::Dense { .. } => "dense",
            Op::BatchNorm { .. } => "batch_normalization",
            Op::LayerNorm { .. } => "layer_normalization",
            Op::PRelu => "p_re_lu",
            Op::Normalize => "normalization",
            Op::LayerScale => "layer_scale",
            _ => continue,
        };
        classes.insert(numbered(&mut counts, class.to_owned()), node.name.as_str());
    }
    classes
}
