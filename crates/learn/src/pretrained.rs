//! A backbone with its weights: what comes before the cut.

use finial_data::ImageFit;
use finial_graph::backbones::{BACKBONES, Backbone};
use finial_graph::{Graph, Weights};

use crate::LearnError;

/// The name of the backbone that is inside the binary.
pub const DEFAULT: &str = "efficientnet-lite0";

/// A pretrained network without its classifier.
#[derive(Clone, Debug)]
pub struct Pretrained {
    /// The name it is known by.
    pub name: String,
    /// From the 8-bit image to the last map.
    pub graph: Graph,
    /// Its parameters.
    pub weights: Weights,
    /// How an image is brought to its input size.
    pub fit: ImageFit,
    /// Where the weights come from, and under which licence.
    pub source: String,
}

impl Pretrained {
    /// The backbone of that name; nothing is fetched, the weights are inside the binary.
    ///
    /// # Errors
    /// There is no such backbone.
    pub fn named(name: &str) -> Result<Self, LearnError> {
        let backbone = Backbone::named(name).ok_or_else(|| LearnError::UnknownBackbone {
            found: name.to_owned(),
            known: BACKBONES
                .iter()
                .map(|b| b.name)
                .collect::<Vec<_>>()
                .join(", "),
        })?;
        let graph = backbone.without_top()?;
        let mut all = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS)?;
        let weights = graph.take_weights(&mut all)?;
        let [height, width] = backbone.input;
        Ok(Pretrained {
            name: backbone.name.to_owned(),
            graph,
            weights,
            fit: ImageFit::stretch(width as u32, height as u32),
            source: format!(
                "{} ({})",
                finial_efficientnet_lite0::SOURCE,
                finial_efficientnet_lite0::LICENCE
            ),
        })
    }
}
