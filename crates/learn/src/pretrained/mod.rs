//! A backbone with its weights: what comes before the cut.
//!
//! It is one that finial knows by name, with weights from inside the binary, from the hub or from
//! a file (`named`), or a whole model from a file (`imported`).

mod imported;
mod named;

use std::fs::File;
use std::path::{Path, PathBuf};

use finial_data::ImageFit;
use finial_formats::FormatError;
use finial_graph::{Graph, GraphError, Node, Shape, Weights};

use crate::{LearnError, Progress, head};

pub use finial_graph::Preprocessing;
pub use imported::is_model_file;
pub use named::backbone;

/// The name of the backbone that is inside the binary.
pub const DEFAULT: &str = "efficientnet-lite0";

/// Which pretrained network, and where its weights are.
///
/// ```
/// use finial_learn::pretrained::BackboneOptions;
///
/// let file = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5";
/// let backbone = BackboneOptions::from("resnet50").weights(Some(file));
/// assert_eq!(backbone.cut, None);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BackboneOptions {
    /// A name of [`BACKBONES`](finial_graph::backbones::BACKBONES), or the path of a whole model:
    /// Keras (.keras, .h5) or ONNX.
    pub name: String,
    /// The file of its weights; none to fetch those that its publisher gives. For a name only.
    pub weights: Option<PathBuf>,
    /// The node behind which the network is cut; none for the last one before its classifier.
    pub cut: Option<String>,
    /// What is done to the pixels before; for a model that brings no scaling of its own.
    pub preprocessing: Option<Preprocessing>,
    /// Height and width of the images it reads; none for the size it was made for.
    pub image_size: Option<[usize; 2]>,
}

impl Default for BackboneOptions {
    fn default() -> Self {
        BackboneOptions::from(DEFAULT)
    }
}

impl From<&str> for BackboneOptions {
    fn from(name: &str) -> Self {
        BackboneOptions {
            name: name.to_owned(),
            weights: None,
            cut: None,
            preprocessing: None,
            image_size: None,
        }
    }
}

impl BackboneOptions {
    /// The same with the weights of this file, if one is given.
    #[must_use]
    pub fn weights(mut self, file: Option<impl Into<PathBuf>>) -> Self {
        self.weights = file.map(Into::into);
        self
    }
}

/// A pretrained network without its classifier.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// The name it is known by.
    pub name: String,
    /// From the 8-bit image to the last value that is used.
    pub graph: Graph,
    /// Its parameters.
    pub weights: Weights,
    /// How an image is brought to its input size.
    pub fit: ImageFit,
    /// Where the weights come from, and under which licence.
    pub source: String,
}

impl BackboneOptions {
    /// Whether there is such a backbone, before any work is done for it.
    ///
    /// # Errors
    /// There is none, or a file that was given cannot be opened.
    pub(crate) fn check(&self) -> Result<(), LearnError> {
        let model = Path::new(&self.name);
        let model = is_model_file(model).then_some(model);
        if model.is_none() {
            backbone(&self.name)?;
        }
        for path in model.into_iter().chain(self.weights.as_deref()) {
            File::open(path).map_err(|error| FormatError::File {
                path: path.to_owned(),
                error,
            })?;
        }
        Ok(())
    }
}

impl Pretrained {
    /// The backbone that the options call for. Weights that are neither inside the binary nor
    /// given are fetched, if they have not been before.
    ///
    /// # Errors
    /// There is no such backbone, its weights cannot be fetched or do not fit, or the file is not
    /// a model that finial takes.
    pub fn open(options: &BackboneOptions, progress: &dyn Progress) -> Result<Self, LearnError> {
        let path = Path::new(&options.name);
        match is_model_file(path) {
            true => imported::open(path, options, progress),
            false => named::open(options, progress),
        }
    }

    /// A network that ends where the head begins.
    fn new(
        name: String,
        graph: Graph,
        mut weights: Weights,
        source: String,
    ) -> Result<Self, LearnError> {
        let Shape::Map([3, height, width]) = graph.input_shape() else {
            return Err(LearnError::NotForImages {
                name,
                found: graph.input_shape(),
            });
        };
        let graph = apart_from_head(graph, &mut weights)?;
        let weights = graph.take_weights(&mut weights)?;
        Ok(Pretrained {
            name,
            graph,
            weights,
            fit: ImageFit::stretch(width as u32, height as u32),
            source,
        })
    }
}

/// The graph without a node that is called as one of the head's: each of them, and its weights,
/// gets `backbone.` before its name.
fn apart_from_head(graph: Graph, weights: &mut Weights) -> Result<Graph, GraphError> {
    if !graph
        .nodes()
        .iter()
        .any(|node| head::is_reserved(&node.name))
    {
        return Ok(graph);
    }
    let renamed = |name: &str| match head::is_reserved(name) {
        true => format!("backbone.{name}"),
        false => name.to_owned(),
    };
    for node in graph.nodes().iter().filter(|n| head::is_reserved(&n.name)) {
        for parameter in graph.parameters_of(node) {
            if let Some(tensor) = weights.remove(&parameter.name) {
                weights.insert(format!("backbone.{}", parameter.name), tensor);
            }
        }
    }
    let mut nodes: Vec<Node> = graph.into();
    for node in &mut nodes {
        node.name = renamed(&node.name);
        for input in &mut node.inputs {
            *input = renamed(input);
        }
    }
    Graph::try_from(nodes)
}

#[cfg(test)]
mod tests {
    use finial_graph::{Op, Tensor};

    use super::*;

    #[test]
    fn a_layer_called_as_one_of_the_heads_is_renamed_with_its_weights() {
        let mut graph = Graph::new(Shape::Map([3, 2, 2]));
        graph.push("pool", Op::GlobalAveragePool).unwrap();
        graph.push("hidden", Op::Dense { units: 1 }).unwrap();
        graph.push("last", Op::Relu).unwrap();
        let mut weights = Weights::new();
        for parameter in graph.parameters() {
            let count = parameter.shape.iter().product();
            let tensor = Tensor::new("", parameter.shape, vec![1.0; count]).unwrap();
            weights.insert(parameter.name, tensor);
        }
        let made = Pretrained::new("m".into(), graph, weights, "s".into()).unwrap();
        let names: Vec<&str> = made.graph.nodes().iter().map(|n| n.name.as_str()).collect();
        assert_eq!(names, ["input", "backbone.pool", "backbone.hidden", "last"]);
        assert!(made.weights.get("backbone.hidden.weight").is_some());
    }

    #[test]
    fn a_network_for_other_than_rgb_images_is_refused() {
        let graph = Graph::new(Shape::Map([1, 28, 28]));
        let made = Pretrained::new("digits".into(), graph, Weights::new(), "s".into());
        assert!(matches!(made, Err(LearnError::NotForImages { .. })));
    }
}
