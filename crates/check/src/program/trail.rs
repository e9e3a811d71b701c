//! What a tensor went through since the last layer with weights.

use std::rc::Rc;

use ruff_text_size::TextRange;

use super::Sited;
use super::base::{BaseCall, Preparation};
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
    /// Each example has several steps, and as many predictions.
    pub steps: bool,
    /// The numbers of a map, where they are known.
    pub map: Option<Map>,
    pub start: Start,
}

/// The numbers that a map has, and whether they are a row by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub numbers: usize,
    pub flat: bool,
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
    /// What was done to the pixels for a published network.
    pub prepared: Option<Sited<Preparation>>,
    /// The published network in it.
    pub base: Option<BaseCall>,
    /// The weights of the first dense layer behind a flattened map.
    pub wide: Option<Sited<usize>>,
}

impl Start {
    /// Of two ways that meet: what one of them knows.
    fn met(&mut self, other: &Self) {
        self.convolution |= other.convolution;
        self.rescaling = self.rescaling.or(other.rescaling);
        self.prepared = self.prepared.or(other.prepared);
        self.wide = self.wide.or(other.wide);
        if self.base.is_none() {
            self.base.clone_from(&other.base);
        }
    }
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
            steps: false,
            map: None,
            start: Start {
                plain,
                convolution: false,
                rescaling: None,
                prepared: None,
                base: None,
                wide: None,
            },
        }
    }

    /// The same tensor after one more layer.
    pub fn then(&self, layer: &Layer) -> Self {
        let mut next = self.clone();
        match layer {
            Layer::Head(head) => {
                next.start.convolution |= head.spatial;
                if let Some(call) = &mut next.start.base {
                    call.headed = true;
                }
                if let (Some(map), Some(units)) = (next.map.filter(|map| map.flat), head.units) {
                    let weights = map.numbers.saturating_mul(units.value);
                    next.start.wide = next.start.wide.or(Some(Sited::new(weights, head.at)));
                }
                next.map = None;
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
                let map = next.map;
                next.forget();
                next.map = map;
            }
            Layer::Keep => next.map = next.map.filter(|map| map.flat),
            Layer::Pool => {
                next = next.then(&Layer::Keep);
                next.steps = false;
            }
            Layer::Reshape => {
                next.units = None;
                next.map = None;
                next.steps = false;
            }
            Layer::Flatten => {
                next.units = None;
                next.steps = false;
                if let Some(map) = &mut next.map {
                    map.flat = true;
                }
            }
            Layer::Base(call) => next.start.base = Some((**call).clone()),
            Layer::Rescaling { scale, at } => {
                next.start.plain = false;
                if let Some(scale) = scale {
                    next.start.rescaling = Some(Sited::new(*scale, *at));
                }
                next.forget();
            }
            Layer::Plain => next.forget(),
            Layer::Steps(several) => {
                next.forget();
                next.steps = *several;
            }
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
                let (before, steps) = (next.start, next.steps);
                next = (**inner).clone();
                next.steps |= steps;
                next.start.plain &= before.plain;
                next.start.met(&before);
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
        merged.start.met(&other.start);
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
        self.map = None;
    }
}
