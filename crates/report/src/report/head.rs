//! The network as the report tells it: the frozen backbone, the layers trained on it, the last one.

use serde::{Deserialize, Serialize};

/// The layers from image to answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Head {
    /// The layers in order; a backbone is one of them, however deep it is.
    pub layers: Vec<Layer>,
    /// Why the final layer is what it is.
    pub final_layer: Option<FinalLayer>,
}

/// One line of the list of layers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Name of the layer, such as "EfficientNet-Lite0" or "output".
    pub name: String,
    /// Kind of the layer, such as "dense" or "dropout 0.2".
    pub kind: String,
    /// Shape of what it puts out, without the batch axis: `[1280]` for `[N, 1280]`.
    pub output_shape: Vec<usize>,
    /// How many parameters it has.
    pub parameters: usize,
    /// Whether it was trained, and whether it is the last.
    pub role: LayerRole,
}

/// The part a layer plays in transfer learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LayerRole {
    /// Taken over as it was, its parameters kept.
    Frozen,
    /// Trained on the user's images.
    Trained,
    /// Trained, and the layer that gives the answer.
    Final,
}

/// The three choices that make a final layer right, each with its reason.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FinalLayer {
    /// Number of units.
    pub units: usize,
    /// Why that many, a sentence.
    pub units_why: String,
    /// Name of the activation, such as "softmax"; "none" where there is none.
    pub activation: String,
    /// Why that one, a sentence.
    pub activation_why: String,
    /// Name of the loss, such as "cross-entropy".
    pub loss: String,
    /// Why that one, a sentence.
    pub loss_why: String,
}
