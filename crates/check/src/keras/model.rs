//! Models of Keras: building, compiling, fitting.

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::{activated, losses};
use crate::program::layer::{Activated, Activation, Head, Layer};
use crate::program::loss::Metric;
use crate::program::trail::Trail;
use crate::program::{Framework, Sited, Training};
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

/// A network of `keras.applications`.
pub(super) fn application<'a>(
    this: &mut Interpreter<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    if !name.starts_with(char::is_uppercase) {
        // `preprocess_input`, `decode_predictions`.
        return Value::Unknown;
    }
    let top = arguments
        .value(0, &["include_top"])
        .map_or(Some(true), |top| top.truth());
    let output = match top {
        Some(true) => {
            let units = match arguments.named(&["classes"]) {
                Some(classes) => classes
                    .value
                    .count()
                    .map(|count| Sited::new(count, classes.at)),
                None => (!arguments.open).then(|| Sited::new(1000, arguments.at)),
            };
            let activation = match arguments.named(&["classifier_activation"]) {
                None => Some(Some(Activated {
                    activation: Activation::Softmax,
                    at: arguments.at,
                    word: None,
                    argument: true,
                    axis: None,
                })),
                given => activated(given, false, true),
            };
            let head = Head {
                units,
                activation,
                at: arguments.at,
                insert: None,
                spatial: false,
            };
            Trail::unknown().then(&Layer::Head(Rc::new(head)))
        }
        _ => Trail::unknown(),
    };
    let output = Value::Tensor(Rc::new(output));
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
            fit(this, id, arguments);
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
    this.trainings.push(Training {
        framework: Framework::Keras,
        output: trail.head.is_some().then(|| (*trail).clone()),
        loss,
        metrics,
        labels: None,
        inputs: None,
        data: None,
        superseded: false,
    });
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

fn fit<'a>(this: &mut Interpreter<'a>, id: usize, arguments: &Arguments<'a>) {
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
    training.superseded = false;
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
    if training.inputs.is_some() || training.labels.is_some() {
        if let Some(known) = this.trainings.get_mut(compiled) {
            known.superseded = true;
        }
        this.trainings.push(training);
    }
}
