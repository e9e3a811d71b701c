//! What a tensor went through since the last layer with weights.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::Sited;
use super::layer::{Activated, Activation, Head, Layer};

/// The end of a network, step by step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trail {
    /// The final layer; `None` as long as nothing is known.
    pub head: Option<Rc<Head>>,
    /// The numbers for one prediction.
    pub units: Option<Sited<usize>>,
    /// Activations after the head, in order; `linear` is left out.
    pub activations: Vec<Activated>,
    /// Dropout after the head.
    pub dropout: Option<TextRange>,
    pub start: Start,
}

/// What is known of the way from the input on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Start {
    /// Every layer from the input on is known, and none of them scales its input.
    pub plain: bool,
    /// Whether the first layers are convolutions.
    pub convolution: bool,
    /// A layer that multiplies the pixels.
    pub rescaling: Option<Sited<f64>>,
}

impl Trail {
    /// A tensor of which nothing is known.
    pub fn unknown() -> Self {
        Self::from_start(false)
    }

    /// What the user feeds.
    pub fn input() -> Self {
        Self::from_start(true)
    }

    fn from_start(plain: bool) -> Self {
        Self {
            head: None,
            units: None,
            activations: Vec::new(),
            dropout: None,
            start: Start {
                plain,
                convolution: false,
                rescaling: None,
            },
        }
    }

    /// The same tensor after one more layer.
    pub fn then(&self, layer: &Layer) -> Self {
        let mut next = self.clone();
        match layer {
            Layer::Head(head) => {
                next.start.convolution |= head.spatial;
                next.units = head.units;
                next.activations.clear();
                next.dropout = None;
                next.head = Some(head.clone());
                match head.activation {
                    Some(Some(activated)) => next.activations.push(activated),
                    Some(None) => {}
                    None => next.activations.push(Activated {
                        activation: Activation::Unknown,
                        at: head.at,
                        word: None,
                        argument: true,
                        axis: None,
                    }),
                }
            }
            Layer::Activation(activated) => next.activations.push(*activated),
            Layer::Dropout(at) => {
                if next.head.is_some() {
                    next.dropout = Some(*at);
                }
            }
            Layer::Normalization => {
                next.start.plain = false;
                next.forget();
            }
            Layer::Keep => {}
            Layer::Reshape => next.units = None,
            Layer::Rescaling { scale, at } => {
                next.start.plain = false;
                if let Some(scale) = scale {
                    next.start.rescaling = Some(Sited::new(*scale, *at));
                }
                next.forget();
            }
            Layer::Plain => next.forget(),
            Layer::Chain { layers, gap } => {
                if *gap {
                    next.start.plain = false;
                    next.forget();
                }
                for layer in layers.iter() {
                    next = next.then(layer);
                }
            }
            Layer::Network(inner) => {
                let start = Start {
                    plain: next.start.plain && inner.start.plain,
                    convolution: next.start.convolution || inner.start.convolution,
                    rescaling: next.start.rescaling.or(inner.start.rescaling),
                };
                next = (**inner).clone();
                next.start = start;
            }
            Layer::Opaque => {
                next.start.plain = false;
                next.forget();
            }
        }
        next
    }

    /// Two tensors become one: only the way from the input is kept.
    pub fn merged(&self, other: &Self) -> Self {
        let mut merged = self.then(&Layer::Plain);
        merged.start.plain &= other.start.plain;
        merged.start.convolution |= other.start.convolution;
        merged.start.rescaling = merged.start.rescaling.or(other.start.rescaling);
        merged
    }

    /// The activation that the loss sees: the last one. `None` for a linear output.
    pub fn last(&self) -> Option<&Activated> {
        self.activations.last()
    }

    /// Whether each activation after the head is understood.
    pub fn is_understood(&self) -> bool {
        self.head.is_some()
            && self
                .activations
                .iter()
                .all(|a| a.activation != Activation::Unknown)
    }

    /// The number of outputs, if it is known.
    pub fn unit_count(&self) -> Option<usize> {
        self.units.map(|units| units.value)
    }

    fn forget(&mut self) {
        self.head = None;
        self.units = None;
        self.activations.clear();
        self.dropout = None;
    }
}
