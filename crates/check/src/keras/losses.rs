//! Losses and metrics of Keras.

use std::rc::Rc;

use super::{place, takes};
use crate::program::Framework;
use crate::program::loss::{Loss, LossKind, MetricUse, Spelling, Takes};
use crate::python::Interpreter;
use crate::python::value::{Argument, Arguments, Value};
use crate::python::word::{is_text, word};

/// A loss by its name in any spelling.
fn kind(name: &str) -> Option<LossKind> {
    Some(match name.to_ascii_lowercase().replace('_', "").as_str() {
        "binarycrossentropy" | "binaryfocalcrossentropy" => LossKind::Binary,
        "categoricalcrossentropy" | "categoricalfocalcrossentropy" => LossKind::Categorical,
        "sparsecategoricalcrossentropy" => LossKind::Sparse,
        "mse"
        | "meansquarederror"
        | "mae"
        | "meanabsoluteerror"
        | "mape"
        | "meanabsolutepercentageerror"
        | "msle"
        | "meansquaredlogarithmicerror"
        | "huber"
        | "huberloss"
        | "logcosh" => LossKind::Distance,
        "hinge" | "squaredhinge" => LossKind::Hinge,
        _ => return None,
    })
}

fn usual(kind: LossKind) -> Takes {
    match kind {
        LossKind::Distance | LossKind::Hinge => Takes::Values,
        _ => Takes::Probabilities,
    }
}

/// The loss of an argument of `compile`.
pub(super) fn loss(argument: &Argument<'_>) -> Option<Loss> {
    let (name, spelling) = match &argument.value {
        Value::Loss(loss) => {
            let mut loss = (**loss).clone();
            // The fault is where the loss is chosen, not where it was made.
            loss.at = if argument.expr.is_call_expr() {
                loss.at
            } else {
                argument.at
            };
            return Some(loss);
        }
        Value::Str(name) => (name.to_string(), Spelling::Snake),
        Value::Path(path) if path.starts_with("keras.") => {
            let name = path.rsplit('.').next()?.to_owned();
            let camel = name.starts_with(char::is_uppercase);
            (
                name,
                if camel {
                    Spelling::Camel
                } else {
                    Spelling::Snake
                },
            )
        }
        _ => return None,
    };
    let kind = kind(&name)?;
    let spelling = if is_text(argument.expr) && name.starts_with(char::is_uppercase) {
        Spelling::Camel
    } else {
        spelling
    };
    Some(Loss {
        kind,
        takes: Some(usual(kind)),
        name,
        at: argument.at,
        word: word(argument.expr).map(|word| (word, spelling)),
        from_logits: None,
    })
}

/// A call of a loss or metric: its class makes one, its function is one at work.
pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    module: &str,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let is_module = |part: &str| module.split('.').any(|name| name == part);
    if is_module("metrics") {
        let k = || match arguments.find(0, &["k"]) {
            Some(k) => k.value.count(),
            None => (!arguments.open).then_some(5),
        };
        return Some(Value::Metric(match metric_named(name) {
            MetricUse::TopK(_) => MetricUse::TopK(k()),
            MetricUse::SparseTopK(_) => MetricUse::SparseTopK(k()),
            metric => metric,
        }));
    }
    if !is_module("losses") && !is_module("objectives") && !is_module("backend") {
        return None;
    }
    let Some(kind) = kind(name) else {
        return is_module("losses").then_some(Value::Unknown);
    };
    let camel = name.starts_with(char::is_uppercase);
    let from_logits = arguments.value(if camel { 0 } else { 2 }, &["from_logits"]);
    let loss = Loss {
        kind,
        takes: match kind {
            LossKind::Distance | LossKind::Hinge => Some(Takes::Values),
            _ => takes(from_logits),
        },
        name: name.to_owned(),
        at: arguments.at,
        word: None,
        from_logits: place(arguments, &["from_logits"]),
    };
    if camel {
        return Some(Value::Loss(Rc::new(loss)));
    }
    let labels = arguments
        .value(0, &["y_true", "target"])
        .unwrap_or(Value::Unknown);
    let output = arguments
        .value(1, &["y_pred", "output"])
        .unwrap_or(Value::Unknown);
    this.note_loss(Framework::Keras, &loss, &output, &labels);
    Some(Value::Unknown)
}

/// `tf.nn.softmax_cross_entropy_with_logits` and its kind.
pub(super) fn tensorflow<'a>(
    this: &mut Interpreter<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Option<Value<'a>> {
    let kind = match name {
        "softmax_cross_entropy_with_logits" | "softmax_cross_entropy_with_logits_v2" => {
            LossKind::Categorical
        }
        "sparse_softmax_cross_entropy_with_logits" => LossKind::Sparse,
        "sigmoid_cross_entropy_with_logits" => LossKind::Binary,
        _ => return None,
    };
    let loss = Loss {
        kind,
        takes: Some(Takes::Logits),
        name: name.to_owned(),
        at: arguments.at,
        word: None,
        from_logits: None,
    };
    let output = arguments.value(1, &["logits"]).unwrap_or(Value::Unknown);
    let labels = arguments.value(0, &["labels"]).unwrap_or(Value::Unknown);
    this.note_loss(Framework::Keras, &loss, &output, &labels);
    Some(Value::Unknown)
}

/// A metric of `compile`, by its name or object.
pub(super) fn metric(value: &Value<'_>) -> MetricUse {
    match value {
        Value::Metric(metric) => *metric,
        Value::Str(name) => metric_named(name),
        Value::Path(path) => metric_named(path.rsplit('.').next().unwrap_or("")),
        _ => MetricUse::Other,
    }
}

fn metric_named(name: &str) -> MetricUse {
    match name {
        "accuracy" | "acc" => MetricUse::Accuracy,
        "binary_accuracy" | "BinaryAccuracy" => MetricUse::BinaryAccuracy,
        "categorical_accuracy" | "CategoricalAccuracy" => MetricUse::CategoricalAccuracy,
        "sparse_categorical_accuracy" | "SparseCategoricalAccuracy" => {
            MetricUse::SparseCategoricalAccuracy
        }
        "top_k_categorical_accuracy" | "TopKCategoricalAccuracy" => MetricUse::TopK(Some(5)),
        "sparse_top_k_categorical_accuracy" | "SparseTopKCategoricalAccuracy" => {
            MetricUse::SparseTopK(Some(5))
        }
        "Precision"
        | "Recall"
        | "AUC"
        | "TruePositives"
        | "FalsePositives"
        | "TrueNegatives"
        | "FalseNegatives"
        | "PrecisionAtRecall"
        | "RecallAtPrecision"
        | "SensitivityAtSpecificity"
        | "SpecificityAtSensitivity" => MetricUse::Binary,
        "MeanSquaredError"
        | "MeanAbsoluteError"
        | "RootMeanSquaredError"
        | "MeanAbsolutePercentageError"
        | "R2Score" => MetricUse::Distance,
        _ if kind(name) == Some(LossKind::Distance) => MetricUse::Distance,
        _ => MetricUse::Other,
    }
}
