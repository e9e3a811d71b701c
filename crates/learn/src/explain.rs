//! Where in a picture a model saw what it says: heat maps.
//!
//! The network is cut at its last map that still has places: before the pooling, before the vector
//! of a transformer's class token. How much a place counts for an answer is the sum over its
//! channels of value times gradient, where that is above 0 (HiResCAM). Behind a mean over the map
//! that is Grad-CAM but for a factor, and with a linear head the exact class activation map: the
//! places add up to the logit less its bias. Behind a flattened map, where each place has weights
//! of its own, it stays exact, as Grad-CAM's averaged gradients do not.
//!
//! Where a layer norm reads the tokens of a transformer, values and gradients are those behind it: a
//! norm takes no notice of the size of a token, so that before it the products of each add up to 0.
//!
//! Selvaraju et al., *Grad-CAM*, 2017; Draelos and Carin, *Use HiResCAM instead of Grad-CAM for
//! faithful explanations*, 2020; Zhou et al., *Learning deep features for discriminative
//! localization*, 2016.

use std::path::Path;

use finial_data::{Heat, read_file};
use finial_engine::{Frozen, Network, Precision, device};
use finial_graph::{Graph, Node, Op, Shape};
use finial_task::{Prediction, Task, TaskKind};

use crate::decoder::Decoder;
use crate::engine::{self, soonest};
use crate::head::LOGITS;
use crate::{LearnError, Model};

/// A model that can say where it looked.
pub struct Explainer<'a> {
    model: &'a Model,
    /// From the image to the map.
    to_map: Box<dyn Frozen>,
    /// From the map to what is looked at, where that is a layer norm's.
    norm: Option<Network>,
    /// From the map to the logits; behind a norm from the map and, behind that, the norm's values.
    to_logits: Network,
    /// From the map to the answer.
    to_answer: Network,
    grid: Grid,
    decoder: Decoder,
}

/// What a model says of an image, and where it saw that.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The answer.
    pub prediction: Prediction,
    /// For each class, label or target that was asked about, the map.
    pub maps: Vec<Explanation>,
}

/// Where a model saw something.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The class, label or target.
    pub name: String,
    /// How much each place speaks for it, of numbers how much it raises them; the most is 1. All 0
    /// where no place does.
    pub heat: Heat,
    /// The most that a place adds to the logit, or to the standardised number.
    pub most: f32,
}

/// How a map's numbers lie: places and channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    height: usize,
    width: usize,
    channels: usize,
    /// Tokens before those of the places; `None` for a map, whose channels stand first.
    before: Option<usize>,
}

impl Grid {
    /// The grid of a shape, if it has places: a map of more than one, or tokens of a square image
    /// with at most one token for its class.
    fn of(shape: Shape) -> Option<Self> {
        match shape {
            Shape::Map([channels, height, width]) if height * width > 1 => Some(Grid {
                height,
                width,
                channels,
                before: None,
            }),
            Shape::Tokens([tokens, channels]) => [1, 0].into_iter().find_map(|before| {
                let places = tokens.checked_sub(before)?;
                let side = places.isqrt();
                (side > 1 && side * side == places).then_some(Grid {
                    height: side,
                    width: side,
                    channels,
                    before: Some(before),
                })
            }),
            _ => None,
        }
    }

    fn places(&self) -> usize {
        self.height * self.width
    }

    /// The sum over the channels of each place.
    fn sums(&self, numbers: &[f32]) -> Vec<f32> {
        match self.before {
            None => {
                let mut sums = vec![0.0; self.places()];
                for channel in numbers.chunks_exact(self.places()) {
                    sums.iter_mut().zip(channel).for_each(|(sum, v)| *sum += v);
                }
                sums
            }
            Some(before) => {
                let tokens = numbers.chunks_exact(self.channels).skip(before);
                tokens.map(|token| token.iter().sum()).collect()
            }
        }
    }
}

impl<'a> Explainer<'a> {
    /// The model on the device of that name.
    ///
    /// # Errors
    /// The device is not there, or the network has no map with places to look at.
    pub fn new(model: &'a Model, on: &str) -> Result<Self, LearnError> {
        let whole = model.graph()?;
        let (graph, _) = whole.cut_at(LOGITS)?;
        let device = device::named(on)?;
        let mut found = None;
        for cut in graph.cuts().into_iter().rev() {
            let Some(grid) = Grid::of(graph.shape_of(cut)?) else {
                continue;
            };
            let (_, behind) = graph.cut_at(cut)?;
            let network = |graph: &Graph| Network::new(graph, model.weights(), &device);
            let (norm, to_logits) = match behind_norm(&behind)? {
                Some((norm, behind)) => (Some(network(&norm)?), network(&behind)?),
                None => (None, network(&behind)?),
            };
            if grid.before.is_none() || all_places_count(&to_logits, &grid)? {
                found = Some((cut, grid, norm, to_logits));
                break;
            }
        }
        let Some((cut, grid, norm, to_logits)) = found else {
            return Err(LearnError::NoPlaces {
                backbone: model.provenance().backbone.clone(),
            });
        };
        let (before, behind) = whole.cut_at(cut)?;
        let to_map = engine::Network {
            graph: &before,
            weights: model.weights(),
            device: on,
            fingerprint: &[0; 32],
        };
        // As exactly as it was trained.
        let trained_by = model.provenance().engine.as_ref();
        let precision = trained_by.map_or(Precision::F32, |decision| decision.choice.precision);
        let to_map = soonest(&to_map, precision)?;
        let to_answer = Network::new(&behind, model.weights(), &device)?;
        Ok(Explainer {
            decoder: Decoder::new(model.image()),
            model,
            to_map,
            norm,
            to_logits,
            to_answer,
            grid,
        })
    }

    /// The model.
    pub fn model(&self) -> &'a Model {
        self.model
    }

    /// What the model says of an image file, and where it saw that: for `names`, or without any for
    /// what it answers. A model of labels that sees none of them is asked about the most probable.
    ///
    /// # Errors
    /// The file cannot be read, there is no class, label or target of a name, or the device failed.
    pub fn explain(&self, path: &Path, names: &[String]) -> Result<Explained, LearnError> {
        let bytes = read_file(path).map_err(|error| unreadable(path, &error.to_string()))?;
        self.explain_bytes(&bytes, path, names)
    }

    /// As [`explain`](Self::explain) of a file that was read already; `path` is for messages.
    ///
    /// # Errors
    /// As [`explain`](Self::explain).
    pub fn explain_bytes(
        &self,
        bytes: &[u8],
        path: &Path,
        names: &[String],
    ) -> Result<Explained, LearnError> {
        let pixels = self.decoder.decode(bytes);
        let pixels = pixels.map_err(|error| unreadable(path, &error.to_string()))?;
        let map = self.to_map.run(&[&pixels.rgb])?;
        let outputs = self.to_answer.run(map.clone())?;
        let task = self.model.task();
        let prediction = task.decode_at(&outputs, &self.model.certainty().thresholds);
        let asked = match names {
            [] => answered(task, &prediction, &outputs),
            names => names
                .iter()
                .map(|name| named(task, name))
                .collect::<Result<_, _>>()?,
        };
        let maps = asked.into_iter().map(|name| self.map(&map, name));
        Ok(Explained {
            prediction,
            maps: maps.collect::<Result<_, _>>()?,
        })
    }

    /// The heat of one of the task's names.
    fn map(&self, map: &[f32], name: usize) -> Result<Explanation, LearnError> {
        let task = self.model.task();
        // The only logit of a binary task speaks for its second class, and against its first.
        let (unit, sign) = match (task.kind(), name) {
            (TaskKind::Binary, 0) => (0, -1.0),
            (TaskKind::Binary, _) => (0, 1.0),
            _ => (name, 1.0),
        };
        let values = match &self.norm {
            Some(norm) => norm.run(map.to_vec())?,
            None => Vec::new(),
        };
        // Where there is a norm its values stand last, and so do their gradients.
        let numbers = [map, &values].concat();
        let looked_at = numbers.len() - map.len();
        let gradient = self.to_logits.input_gradient(numbers.clone(), unit)?;
        let products = numbers.iter().zip(gradient).skip(looked_at);
        let products: Vec<f32> = products.map(|(v, g)| sign * v * g).collect();
        let mut values = self.grid.sums(&products);
        values.iter_mut().for_each(|value| *value = value.max(0.0));
        let most = values.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            values.iter_mut().for_each(|value| *value /= most);
        }
        Ok(Explanation {
            name: task.names().get(name).cloned().unwrap_or_default(),
            heat: Heat {
                width: self.grid.width,
                height: self.grid.height,
                values,
            },
            most,
        })
    }
}

/// Where a layer norm reads the tokens that a graph begins with: the norm alone, and the graph with the
/// norm's values as a part of its input, behind the tokens. `None` where no norm does.
fn behind_norm(graph: &Graph) -> Result<Option<(Graph, Graph)>, LearnError> {
    let Shape::Tokens([tokens, channels]) = graph.input_shape() else {
        return Ok(None);
    };
    let [input, others @ ..] = graph.nodes() else {
        return Ok(None);
    };
    let reads = |node: &&Node| {
        matches!(node.op, Op::LayerNorm { .. }) && node.inputs == [input.name.as_str()]
    };
    let Some(norm) = others.iter().find(reads) else {
        return Ok(None);
    };
    let mut alone = Graph::with_input(&input.name, graph.input_shape());
    alone.push(norm.name.clone(), norm.op.clone())?;
    const BOTH: &str = "tokens and their norm";
    let mut behind = Graph::with_input(BOTH, Shape::Tokens([2 * tokens, channels]));
    for (name, start) in [(&input.name, 0), (&norm.name, tokens)] {
        let part = Op::Slice {
            axis: 0,
            start,
            end: start + tokens,
        };
        behind.push_after(name.clone(), part, &[BOTH])?;
    }
    for node in others.iter().filter(|node| node.name != norm.name) {
        let inputs: Vec<&str> = node.inputs.iter().map(String::as_str).collect();
        behind.push_after(node.name.clone(), node.op.clone(), &inputs)?;
    }
    Ok(Some((alone, behind)))
}

/// Whether the first logit depends on more than one place. Behind its last block a transformer only
/// reads the token of the class, and no place counts any more.
fn all_places_count(behind: &Network, grid: &Grid) -> Result<bool, LearnError> {
    let count = behind.graph().input_shape().len();
    // Any numbers will do that are not alike.
    let numbers = (0..count).map(|at| ((at * 2_654_435_761) % 1000) as f32 / 500.0 - 1.0);
    let gradient = behind.input_gradient(numbers.collect(), 0)?;
    // What is looked at stands last.
    let looked_at = count - (grid.places() + grid.before.unwrap_or(0)) * grid.channels;
    let sizes = gradient.iter().skip(looked_at).map(|g| g.abs());
    let sizes: Vec<f32> = sizes.collect();
    let counting = grid.sums(&sizes).into_iter().filter(|size| *size > 0.0);
    Ok(counting.count() > 1)
}

/// What is explained unless something is asked for: the places in the task's names.
fn answered(task: &Task, prediction: &Prediction, outputs: &[f32]) -> Vec<usize> {
    let place = |name: &String| task.names().iter().position(|other| other == name);
    match prediction {
        Prediction::Class { class, .. } => place(class).into_iter().collect(),
        Prediction::Labels { labels, .. } if labels.is_empty() => {
            let most = (0..outputs.len()).max_by(|&a, &b| outputs[a].total_cmp(&outputs[b]));
            most.into_iter().collect()
        }
        Prediction::Labels { labels, .. } => labels.iter().filter_map(place).collect(),
        Prediction::Numbers { .. } => (0..task.names().len()).collect(),
    }
}

fn named(task: &Task, name: &str) -> Result<usize, LearnError> {
    let names = task.names();
    let found = names.iter().position(|other| other == name);
    found.ok_or_else(|| LearnError::NoSuchName {
        found: name.to_owned(),
        nearest: finial_task::near_names(name, names.iter().map(String::as_str))
            .into_iter()
            .map(str::to_owned)
            .collect(),
    })
}

fn unreadable(path: &Path, reason: &str) -> LearnError {
    LearnError::Image {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_maps_and_of_square_images_tokens() {
        let grid = |shape| Grid::of(shape).map(|grid| (grid.height, grid.width, grid.before));
        assert_eq!(grid(Shape::Map([8, 7, 5])), Some((7, 5, None)));
        assert_eq!(grid(Shape::Map([8, 1, 1])), None);
        assert_eq!(grid(Shape::Tokens([197, 8])), Some((14, 14, Some(1))));
        assert_eq!(grid(Shape::Tokens([196, 8])), Some((14, 14, Some(0))));
        assert_eq!(grid(Shape::Tokens([7, 8])), None);
        assert_eq!(grid(Shape::Vector([49])), None);
    }

    #[test]
    fn every_backbone_ends_in_places_that_can_be_shown() {
        for backbone in finial_graph::backbones::BACKBONES {
            let graph = backbone.without_top().unwrap();
            let cuts = graph.cuts().into_iter().rev();
            let mut grids =
                cuts.filter_map(|cut| Some((cut, Grid::of(graph.shape_of(cut).ok()?)?)));
            let shown = grids.find(|(cut, grid)| {
                let (_, behind) = graph.cut_at(cut).unwrap();
                // Of tokens that a norm reads, those before the last block of attention.
                let attends = |node: &Node| matches!(node.op, Op::Attention { .. });
                grid.before.is_none()
                    || behind_norm(&behind).unwrap().is_some() && behind.nodes().iter().any(attends)
            });
            let (_, grid) = shown.unwrap_or_else(|| panic!("{} has no places", backbone.name));
            assert!(grid.places() >= 9, "{}: {grid:?}", backbone.name);
        }
    }

    #[test]
    fn channels_are_added_up_place_by_place() {
        let map = Grid::of(Shape::Map([2, 1, 2])).unwrap();
        assert_eq!(map.sums(&[1.0, 2.0, 10.0, 20.0]), [11.0, 22.0]);
        let tokens = Grid::of(Shape::Tokens([5, 2])).unwrap();
        let numbers = [9.0, 9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        assert_eq!(tokens.sums(&numbers), [3.0, 7.0, 11.0, 15.0]);
    }
}
