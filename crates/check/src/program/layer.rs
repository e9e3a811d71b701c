//! Layers and activations, as far as rules ask for them.

use std::rc::Rc;

use ruff_text_size::{TextRange, TextSize};

use super::Sited;
use super::base::BaseCall;
use super::trail::Trail;

/// A function that is applied to each number, or over the classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Activation {
    Sigmoid,
    Softmax,
    LogSoftmax,
    LogSigmoid,
    Tanh,
    Relu,
    /// ELU, GELU, Swish and their kind: not a probability, without an upper bound.
    OtherRectifier,
    /// A function that this program does not know.
    Unknown,
}

impl Activation {
    /// As it is written in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Softmax => "softmax",
            Self::LogSoftmax => "log-softmax",
            Self::LogSigmoid => "log-sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::OtherRectifier => "rectifier",
            Self::Unknown => "activation",
        }
    }

    /// Whether it gives numbers between 0 and 1 that a loss may take as probabilities.
    pub fn is_probability(self) -> bool {
        matches!(self, Self::Sigmoid | Self::Softmax)
    }

    /// Reads the name that Keras and PyTorch share, in any capitals. `linear` is no activation:
    /// the outer `Some` says that the name is known.
    pub fn from_name(name: &str) -> Option<Option<Self>> {
        let name = name.to_ascii_lowercase().replace('_', "");
        Some(match name.as_str() {
            "linear" | "identity" => None,
            "sigmoid" | "hardsigmoid" => Some(Self::Sigmoid),
            "softmax" | "softmax2d" => Some(Self::Softmax),
            "logsoftmax" => Some(Self::LogSoftmax),
            "logsigmoid" => Some(Self::LogSigmoid),
            "tanh" | "hardtanh" | "hardtanhshrink" | "softsign" => Some(Self::Tanh),
            "relu" | "relu6" => Some(Self::Relu),
            "elu" | "selu" | "gelu" | "swish" | "silu" | "hardswish" | "hardsilu" | "mish"
            | "leakyrelu" | "prelu" | "softplus" | "celu" | "rrelu" | "thresholdedrelu" => {
                Some(Self::OtherRectifier)
            }
            _ => return None,
        })
    }
}

/// An activation that a program applies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Activated {
    pub activation: Activation,
    /// The argument or the call that applies it.
    pub at: TextRange,
    /// The word alone, where putting another word in its place gives another activation.
    pub word: Option<TextRange>,
    /// Whether it is an argument of the final layer itself.
    pub argument: bool,
    /// The axis, where the program says one.
    pub axis: Option<i64>,
}

/// A layer with weights: the last of them is the final layer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Head {
    pub units: Option<Sited<usize>>,
    /// `None`: the program gives one that is not understood.
    pub activation: Option<Option<Activated>>,
    /// The whole call.
    pub at: TextRange,
    /// Where a further argument can be written, if the call is a plain one.
    pub insert: Option<TextSize>,
    /// A convolution: one prediction for each pixel.
    pub spatial: bool,
}

/// What a layer does to what is known of a tensor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Layer {
    Head(Rc<Head>),
    Activation(Activated),
    Dropout(TextRange),
    /// Batch or layer normalisation: the network copes with unscaled inputs.
    Normalization,
    /// Keeps the units: pooling over space, padding, noise, augmentation.
    Keep,
    /// Other units: reshape, permute.
    Reshape,
    /// A map becomes a row.
    Flatten,
    /// A published network, of which the rest is not known.
    Base(Rc<BaseCall>),
    /// Multiplies the pixels.
    Rescaling {
        scale: Option<f64>,
        at: TextRange,
    },
    /// Attention, merges and their kind: nobody's final layer.
    Plain,
    /// Recurrent and embedding layers, and whether they give several steps for each example.
    Steps(bool),
    /// The mean or maximum over all steps or places.
    Pool,
    /// Several layers, in order. Unknown ones may come before them.
    Chain {
        layers: Rc<[Layer]>,
        gap: bool,
    },
    /// A network as a layer, by what it gives.
    Network(Rc<Trail>),
    /// A layer that is not understood.
    Opaque,
}
