//! The neutral program model: what a program says about its final layer, whatever the framework.
//!
//! - [`Training`]: one model under one loss, the subject of every rule.
//! - [`trail`]: what a tensor went through since the last layer with weights.
//! - [`layer`]: layers and activations. [`loss`]: losses and metrics. [`mod@array`]: labels and inputs.
//!
//! Nothing here knows a call of Keras or PyTorch by name; `keras/` and `torch/` translate. What is
//! not known is `None`, and no rule may guess it.

pub(crate) mod array;
pub(crate) mod base;
pub(crate) mod data;
pub(crate) mod layer;
pub(crate) mod loss;
pub(crate) mod optimizer;
pub(crate) mod trail;

use std::sync::Arc;

use ruff_text_size::TextRange;

use array::{Array, Coding};
use base::{Freezing, Transfer};
use data::Data;
use layer::Activation;
use loss::{Loss, Metric, Takes};
use optimizer::Optimizer;
use trail::Trail;

/// A fact and the place in the source that says it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sited<T> {
    pub value: T,
    pub at: TextRange,
}

impl<T> Sited<T> {
    pub fn new(value: T, at: TextRange) -> Self {
        Self { value, at }
    }
}

/// Whose conventions a program follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    /// Keras 1: `output_dim`, `nb_epoch`, `Convolution2D`.
    Keras1,
    /// Keras 2 and later, `tf.keras` too.
    Keras,
    Torch,
}

/// One model under one loss, as far as the program says.
#[derive(Clone, Debug)]
pub(crate) struct Training {
    pub framework: Framework,
    /// What the network ends in. Without a known final layer there is no such fact.
    pub output: Option<Trail>,
    pub loss: Option<Loss>,
    pub metrics: Vec<Metric>,
    pub labels: Option<Array>,
    pub inputs: Option<Array>,
    /// The labels that the program or model is checked beside.
    pub data: Option<Arc<Data>>,
    pub optimizer: Option<Optimizer>,
    /// The published network that it builds upon.
    pub transfer: Option<Transfer>,
    /// What of the model as a whole was trained when it was compiled.
    pub freezing: Freezing,
    /// `fit` was called.
    pub fitted: bool,
    /// Where layers were frozen or not after `compile`, before `fit`.
    pub changed: Option<TextRange>,
    /// Where an optimizer steps in a loop, in a program that never clears gradients.
    pub unzeroed: Option<TextRange>,
    /// Where a model with dropout or batch norm is asked without gradients, in a program that
    /// never switches it to inference.
    pub unswitched: Option<TextRange>,
    /// Where a scaler is made, or numbers are scaled, that nothing uses.
    pub unused_scaler: Option<TextRange>,
    /// No rule looks at it: a later one says the same and more, as the model was fitted with known
    /// labels, or the program expects it to fail.
    pub left_out: bool,
}

impl Training {
    /// A training of which nothing is known.
    pub fn new(framework: Framework) -> Self {
        Self {
            framework,
            output: None,
            loss: None,
            metrics: Vec::new(),
            labels: None,
            inputs: None,
            data: None,
            optimizer: None,
            transfer: None,
            freezing: Freezing::default(),
            fitted: false,
            changed: None,
            unzeroed: None,
            unswitched: None,
            unused_scaler: None,
            left_out: false,
        }
    }

    /// The end of the network, if each step of it is understood.
    pub fn end(&self) -> Option<&Trail> {
        self.output.as_ref().filter(|output| output.is_understood())
    }

    /// The activation that the loss sees: `Some(None)` for a linear output, `None` if it is not
    /// known.
    pub fn last(&self) -> Option<Option<Activation>> {
        self.end().map(|end| end.last().map(|last| last.activation))
    }

    /// The activation with what the loss adds to it: softmax or sigmoid over logits.
    pub fn effective(&self) -> Option<Option<Activation>> {
        let last = self.last()?;
        let Some(loss) = self.loss.as_ref().filter(|_| last.is_none()) else {
            return Some(last);
        };
        match loss.takes? {
            Takes::Logits if loss.kind.is_exclusive() => Some(Some(Activation::Softmax)),
            Takes::Logits => Some(Some(Activation::Sigmoid)),
            _ => Some(last),
        }
    }

    /// The number of outputs, if it is known.
    pub fn units(&self) -> Option<usize> {
        self.end()?.unit_count()
    }

    /// Where the final layer is written, even if what follows it is not understood.
    pub fn head_at(&self) -> Option<TextRange> {
        let head = self.output.as_ref()?.head.as_ref()?;
        Some(head.at)
    }

    /// How the labels are written down.
    pub fn coding(&self) -> Coding {
        let coding = self.labels.as_ref().map(|labels| labels.coding);
        let steps = self.output.as_ref().is_some_and(|output| output.steps);
        match coding {
            // A row may be one label for each step.
            Some(Coding::MultiHot { .. }) if steps => Coding::Unknown,
            coding => coding.unwrap_or(Coding::Unknown),
        }
    }

    pub fn is_keras(&self) -> bool {
        self.framework != Framework::Torch
    }
}
