//! A published network under a new head, and what of it is trained.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::Sited;

/// A published network, as a program builds it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Base {
    /// As it is written: `ResNet50`.
    pub name: String,
    /// The whole call.
    pub at: TextRange,
    /// Its number in the interpretation, by which the program speaks of it.
    pub number: usize,
    /// Whether it has published weights; `None`: not known, or loaded from somewhere.
    pub pretrained: Option<bool>,
    /// Whether its old head is kept.
    pub top: Option<bool>,
    /// How its images are to be prepared.
    pub expects: Option<Preparation>,
    /// Whether it has batch norms; only where that is known.
    pub batch_norm: bool,
    /// The numbers of its last map.
    pub map: Option<usize>,
}

/// How the pixels of published networks of Keras are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Preparation {
    /// Not at all: 0 to 255.
    Raw,
    /// From −1 to 1.
    MinusOneToOne,
    /// BGR, the mean taken away.
    Caffe,
    /// From 0 to 1, then standardised.
    Torch,
}

impl Preparation {
    /// As it is written in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "0 to 255",
            Self::MinusOneToOne => "−1 to 1",
            Self::Caffe => "BGR with the mean taken away",
            Self::Torch => "standardised as torchvision does",
        }
    }
}

/// A network at work in another one.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BaseCall {
    pub base: Rc<Base>,
    /// `base(x, training=…)`
    pub training: Option<Sited<bool>>,
    /// A layer with weights came after it.
    pub headed: bool,
}

/// What of a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trainable {
    All,
    Part,
    Nothing,
    Unknown,
}

/// What is trained, and the place that says so last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Freezing {
    pub state: Trainable,
    pub at: Option<TextRange>,
}

impl Default for Freezing {
    fn default() -> Self {
        Self {
            state: Trainable::All,
            at: None,
        }
    }
}

impl Freezing {
    /// What is known after either of two branches.
    pub fn joined(self, other: Self) -> Self {
        match self == other {
            true => self,
            false => Self {
                state: Trainable::Unknown,
                at: None,
            },
        }
    }
}

/// A base in a training.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transfer {
    pub call: BaseCall,
    pub freezing: Freezing,
    /// Neither this model nor its base was fitted before.
    pub first: bool,
}
