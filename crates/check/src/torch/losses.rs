//! Losses of PyTorch, wherever they are called.

use std::rc::Rc;

use crate::program::loss::{Loss, LossKind, Spelling, Takes};
use crate::program::{Framework, Training};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Value};
use crate::python::word::word;

/// A loss by the name of its class or function.
pub(super) fn named(name: &str) -> Option<(LossKind, Takes)> {
    Some(match name {
        "CrossEntropyLoss" | "cross_entropy" => (LossKind::CrossEntropy, Takes::Logits),
        "NLLLoss" | "nll_loss" => (LossKind::NegativeLogLikelihood, Takes::LogProbabilities),
        "BCELoss" | "binary_cross_entropy" => (LossKind::Binary, Takes::Probabilities),
        "BCEWithLogitsLoss" | "binary_cross_entropy_with_logits" | "MultiLabelSoftMarginLoss" => {
            (LossKind::Binary, Takes::Logits)
        }
        "MSELoss" | "mse_loss" | "L1Loss" | "l1_loss" | "SmoothL1Loss" | "smooth_l1_loss"
        | "HuberLoss" | "huber_loss" => (LossKind::Distance, Takes::Values),
        "SoftMarginLoss" | "soft_margin_loss" | "HingeEmbeddingLoss" => {
            (LossKind::Hinge, Takes::Values)
        }
        _ => return None,
    })
}

/// A class of a loss makes one, its function is one at work.
pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let class = name.starts_with(char::is_uppercase);
    if !(module.starts_with("torch.nn")) {
        return None;
    }
    let (kind, takes) = named(name)?;
    let loss = Loss {
        kind,
        takes: Some(takes),
        name: name.to_owned(),
        at: arguments.at,
        word: this
            .callee
            .and_then(word)
            .map(|word| (word, Spelling::Torch)),
        from_logits: None,
    };
    if class {
        return Some(Value::Loss(Rc::new(loss)));
    }
    Some(loss_call(this, &loss, arguments))
}

/// `criterion(output, target)`, and Keras's `loss_object(labels, predictions)`.
pub(crate) fn loss_call<'a>(
    this: &mut Interpreter<'a>,
    loss: &Loss,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let torch = named(&loss.name).is_some();
    let (output_at, labels_at) = if torch { (0, 1) } else { (1, 0) };
    let output = arguments
        .value(output_at, &["input", "y_pred"])
        .unwrap_or(Value::Unknown);
    let labels = arguments
        .value(labels_at, &["target", "y_true"])
        .unwrap_or(Value::Unknown);
    let framework = if torch {
        Framework::Torch
    } else {
        Framework::Keras
    };
    this.note_loss(framework, loss, &output, &labels);
    Value::Unknown
}

impl<'a> Interpreter<'a> {
    /// Notes that a loss is computed of a network's output and labels.
    pub(crate) fn note_loss(
        &mut self,
        framework: Framework,
        loss: &Loss,
        output: &Value<'a>,
        labels: &Value<'a>,
    ) {
        let output = match output {
            Value::Tensor(trail) if trail.head.is_some() => Some((**trail).clone()),
            _ => None,
        };
        let mut training = Training::new(framework);
        training.transfer = output.as_ref().and_then(|trail| self.transfer_of(trail));
        training.freezing = self.frozen_whole(&training);
        training.output = output;
        training.loss = Some(loss.clone());
        training.labels = labels.array().cloned();
        self.trainings.push(training);
    }
}
