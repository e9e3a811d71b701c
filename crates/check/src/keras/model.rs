//! Models of Keras: building, compiling, fitting.

use ruff_python_ast::Expr;
use ruff_text_size::{Ranged, TextRange};

use super::losses;
use crate::program::base::{Freezing, Transfer};
use crate::program::loss::Metric;
use crate::program::optimizer::Optimizer;
use crate::program::trail::Trail;
use crate::program::{Framework, Training};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Compiled, Object, Sequential, Value};
use crate::python::word::{is_text, word};

pub(super) fn sequential<'a>(this: &mut Interpreter<'a>, arguments: &Arguments<'a>) -> Value<'a> {
    let layers = match arguments.value(0, &["layers"]) {
        None | Some(Value::None) => Some(Vec::new()),
        Some(value) => this.items(&value),
    };
    this.state.allocate(Object::Sequential(Sequential {
        gap: layers.is_none(),
        layers: layers.unwrap_or_default(),
        keras: true,
        compiled: Compiled::default(),
    }))
}

pub(super) fn functional<'a>(this: &mut Interpreter<'a>, arguments: &Arguments<'a>) -> Value<'a> {
    let output = arguments
        .value(1, &["outputs", "output"])
        .unwrap_or(Value::Unknown);
    let output = match this.items(&output) {
        Some(items) => match <[Value<'a>; 1]>::try_from(items) {
            Ok([only]) => only,
            Err(_) => Value::Unknown,
        },
        None => output,
    };
    this.state.allocate(Object::Functional {
        output,
        compiled: Compiled::default(),
    })
}

/// A method of a Keras model, or of an object that may be one.
pub(crate) fn method<'a>(
    this: &mut Interpreter<'a>,
    id: usize,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    match name {
        "add" => {
            let layer = arguments.value(0, &["layer"]).unwrap_or(Value::Unknown);
            if let Some(Object::Sequential(model)) = this.state.object_mut(id) {
                model.layers.push(layer);
            }
            Value::None
        }
        "pop" => {
            if let Some(Object::Sequential(model)) = this.state.object_mut(id) {
                model.gap |= model.layers.pop().is_none();
            }
            Value::None
        }
        "compile" => {
            compile(this, id, arguments);
            Value::None
        }
        "fit" | "fit_generator" | "train_on_batch" => {
            fit(this, id, name, arguments);
            Value::Unknown
        }
        _ => Value::Unknown,
    }
}

fn compile<'a>(this: &mut Interpreter<'a>, id: usize, arguments: &Arguments<'a>) {
    let Value::Tensor(trail) = this.output_of(&Value::Object(id)) else {
        return;
    };
    if arguments.named(&["class_mode"]).is_some() {
        this.keras = Framework::Keras1;
    }
    let loss =
        arguments
            .find(1, &["loss"])
            .and_then(|loss| match this.items(&loss.value).as_deref() {
                Some([only]) => {
                    let mut argument = loss.clone();
                    argument.value = only.clone();
                    losses::loss(&argument)
                }
                _ => losses::loss(loss),
            });
    let mut metrics = Vec::new();
    if let Some(given) = arguments.named(&["metrics"]) {
        let written: &[_] = match given.expr {
            Expr::List(list) => &list.elts,
            _ => &[],
        };
        let values = this
            .items(&given.value)
            .unwrap_or_else(|| vec![given.value.clone()]);
        for (index, value) in values.iter().enumerate() {
            let expression = written.get(index);
            metrics.push(Metric {
                kind: losses::metric(value),
                at: expression.map_or(given.at, Ranged::range),
                word: expression.filter(|metric| is_text(metric)).and_then(word),
            });
        }
    }
    let optimizer = arguments
        .find(0, &["optimizer"])
        .and_then(|given| match &given.value {
            Value::Optimizer(optimizer) => Some((**optimizer).clone()),
            Value::Str(name) => Some(Optimizer::named(name, given.at)),
            _ => None,
        });
    let mut training = Training::new(Framework::Keras);
    training.transfer = transfer(this, id, &trail);
    training.freezing = this.state.freezing(id);
    training.output = trail.head.is_some().then(|| (*trail).clone());
    training.loss = loss;
    training.metrics = metrics;
    training.optimizer = optimizer;
    this.trainings.push(training);
    // The way from the input counts even where the end is not known, so the trail stays.
    let training = Some(this.trainings.len() - 1);
    match this.state.object_mut(id) {
        Some(
            Object::Sequential(Sequential { compiled, .. }) | Object::Functional { compiled, .. },
        ) => compiled.training = training,
        Some(Object::Instance(instance)) => instance.compiled.training = training,
        _ => {}
    }
}

/// The published network in a model, and what of it is trained by now.
fn transfer(this: &Interpreter<'_>, id: usize, trail: &Trail) -> Option<Transfer> {
    let call = trail.start.base.clone()?;
    let number = call.base.number;
    // What is said of the whole model later counts for the base too, so its own state is enough.
    let freezing = this.state.freezing(number);
    let fitted = this.state.is_fitted(id) || this.state.is_fitted(number);
    Some(Transfer {
        call,
        freezing,
        first: !fitted,
    })
}

/// Where something was frozen or not since a model was compiled.
fn changed(this: &Interpreter<'_>, id: usize, training: &Training) -> Option<TextRange> {
    let differs =
        |before: Freezing, now: Freezing| (before.state != now.state).then_some(now.at).flatten();
    let base = training.transfer.as_ref().and_then(|transfer| {
        let now = this.state.freezing(transfer.call.base.number);
        differs(transfer.freezing, now)
    });
    base.or_else(|| differs(training.freezing, this.state.freezing(id)))
}

fn fit<'a>(this: &mut Interpreter<'a>, id: usize, name: &str, arguments: &Arguments<'a>) {
    if arguments
        .named(&["nb_epoch", "nb_val_samples", "samples_per_epoch"])
        .is_some()
    {
        this.keras = Framework::Keras1;
    }
    let compiled = match this.state.object(id) {
        Some(Object::Sequential(model)) => model.compiled.training,
        Some(Object::Functional { compiled, .. }) => compiled.training,
        Some(Object::Instance(instance)) => instance.compiled.training,
        _ => None,
    };
    let Some(compiled) = compiled else { return };
    let Some(mut training) = this.trainings.get(compiled).cloned() else {
        return;
    };
    training.left_out = false;
    training.fitted = true;
    // Adversaries are trained in turns, batch by batch, and change this on purpose.
    if name != "train_on_batch" {
        training.changed = changed(this, id, &training);
    }
    this.state.fit(id);
    if let Some(transfer) = &training.transfer {
        this.state.fit(transfer.call.base.number);
    }
    let inputs = arguments
        .value(0, &["x", "generator"])
        .unwrap_or(Value::Unknown);
    let labels = arguments.value(1, &["y"]).unwrap_or(Value::Unknown);
    match inputs {
        Value::Dataset(data) => {
            training.inputs.clone_from(&data.inputs);
            training.labels.clone_from(&data.labels);
        }
        inputs => {
            training.inputs = inputs.array().cloned();
            training.labels = crate::data::literal(this, &labels, arguments.at)
                .unwrap_or(labels)
                .array()
                .cloned();
        }
    }
    if let Some(known) = this.trainings.get_mut(compiled) {
        known.left_out = true;
    }
    this.trainings.push(training);
}
