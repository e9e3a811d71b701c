//! What calls of Keras mean, in each of its eras.
//!
//! - [`layers`]: constructors of layers. [`model`]: building, `compile`, `fit`.
//! - [`applications`]: published networks. [`losses`]: losses and metrics. [`datasets`]: built-in data, folders and generators.
//!
//! Keras 1 (`output_dim`, `nb_epoch`), Keras 2, `tf.keras` and Keras 3 share these rooms: their
//! names differ, their meaning does not.

mod applications;
pub(crate) mod datasets;
mod layers;
mod losses;
mod model;

use std::rc::Rc;

use ruff_text_size::TextRange;

use crate::program::array::{Array, Coding};
use crate::program::layer::{Activated, Activation, Layer};
use crate::program::loss::Takes;
use crate::program::optimizer::Optimizer;
use crate::program::trail::Trail;
use crate::python::Interpreter;
use crate::python::value::{Arguments, Dataset, Value};

pub(crate) use model::method;

/// Whether `from keras… import *` may bring a name.
pub(crate) fn knows(name: &str) -> bool {
    layers::is_layer(name)
        || matches!(
            name,
            "Sequential"
                | "Model"
                | "Input"
                | "to_categorical"
                | "mnist"
                | "cifar10"
                | "ImageDataGenerator"
        )
}

/// A call of `keras.PATH(…)`.
pub(crate) fn call<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let (module, name) = path.rsplit_once('.').unwrap_or(("", path));
    if module.contains("applications") {
        return applications::call(this, path, arguments);
    }
    match name {
        "Sequential" => return model::sequential(this, arguments),
        "Model" | "Functional" => return model::functional(this, arguments),
        "Input" => return Value::Tensor(Rc::new(Trail::input())),
        "to_categorical" | "one_hot" => return one_hot(arguments, 1),
        "load_data" => return datasets::load_data(module, arguments.at),
        "ImageDataGenerator" => return datasets::image_generator(arguments),
        "image_dataset_from_directory" | "text_dataset_from_directory" => {
            return datasets::from_directory(this, name, arguments);
        }
        "plot_model" | "clear_session" | "set_random_seed" => return Value::None,
        _ => {}
    }
    if module.contains("optimizers") {
        return optimizer(name, arguments);
    }
    if let Some(value) = losses::call(this, module, name, arguments) {
        return value;
    }
    if module.contains("activations") || module.ends_with("ops") || module == "backend" {
        if let Some(activation) = Activation::from_name(name) {
            return crate::torch::activate(this, activation, arguments);
        }
        if module.contains("activations") && name == "get" {
            return arguments
                .value(0, &["identifier"])
                .unwrap_or(Value::Unknown);
        }
        return Value::Unknown;
    }
    // After `from keras.models import *` a layer comes under the name of another module.
    if module.ends_with("layers") || module.contains("layers.") || layers::is_layer(name) {
        return layers::layer(this, name, arguments);
    }
    // `keras.models.load_model`, optimisers, callbacks.
    Value::Unknown
}

/// `keras.optimizers.Adam(learning_rate=…)`; the argument was `lr` once.
fn optimizer<'a>(name: &str, arguments: &Arguments<'a>) -> Value<'a> {
    let mut optimizer = Optimizer::named(name, arguments.at);
    if let Some(rate) = arguments.find(0, &["learning_rate", "lr"]) {
        optimizer.rate = rate.value.number();
        optimizer.at = rate.at;
    } else if arguments.open {
        optimizer.rate = None;
    }
    Value::Optimizer(Rc::new(optimizer))
}

/// A call of `tensorflow.PATH(…)`.
pub(crate) fn call_tensorflow<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    match path {
        "one_hot" => one_hot(arguments, 1),
        "constant" | "convert_to_tensor" | "Variable" | "cast" | "reshape" | "expand_dims"
        | "squeeze" => match arguments.value(0, &["value", "x", "tensor", "input"]) {
            Some(Value::Tensor(trail)) => {
                let layer = if path == "reshape" {
                    Layer::Reshape
                } else {
                    Layer::Keep
                };
                Value::Tensor(Rc::new(trail.then(&layer)))
            }
            Some(value) => crate::data::literal(this, &value, arguments.at).unwrap_or(value),
            None => Value::Unknown,
        },
        "data.Dataset.from_tensor_slices" | "data.Dataset.from_tensors" => {
            let data = arguments.value(0, &["tensors"]).unwrap_or(Value::Unknown);
            match this.pair(&data) {
                Some((inputs, labels)) => Value::Dataset(Rc::new(Dataset {
                    inputs: inputs.array().cloned(),
                    labels: labels.array().cloned(),
                    elements: true,
                })),
                None => Value::Unknown,
            }
        }
        "random.uniform" | "random.normal" | "zeros" | "ones" | "identity" => Value::Unknown,
        _ => {
            let (module, name) = path.rsplit_once('.').unwrap_or(("", path));
            if matches!(module, "nn" | "" | "math") {
                if let Some(value) = losses::tensorflow(this, name, arguments) {
                    return value;
                }
                if let Some(activation) = Activation::from_name(name) {
                    return crate::torch::activate(this, activation, arguments);
                }
            }
            this.escape(arguments);
            Value::Unknown
        }
    }
}

/// `to_categorical(y, num_classes)` and its kind.
fn one_hot<'a>(arguments: &Arguments<'a>, position: usize) -> Value<'a> {
    let given = arguments.value(position, &["num_classes", "nb_classes", "depth"]);
    let labels = arguments
        .all
        .first()
        .and_then(|argument| argument.value.array().cloned());
    let classes = match given {
        Some(Value::None) | None => match labels.map(|labels| labels.coding) {
            Some(Coding::Integer {
                low: Some(0),
                classes,
            }) => classes,
            _ => None,
        },
        Some(value) => value.count(),
    };
    Value::Array(Rc::new(Array::labels(
        Coding::OneHot { classes },
        arguments.at,
    )))
}

/// What an `activation` argument says: `None` if it is not understood, `Some(None)` if it is
/// linear.
pub(crate) fn activated(
    value: Option<&crate::python::value::Argument<'_>>,
    open: bool,
    argument: bool,
) -> Option<Option<Activated>> {
    let Some(given) = value else {
        return if open { None } else { Some(None) };
    };
    let activation = match &given.value {
        Value::None => None,
        Value::Str(name) => Activation::from_name(name)?,
        Value::Path(path) => Activation::from_name(path.rsplit('.').next()?)?,
        Value::Layer(layer) => match &**layer {
            Layer::Activation(activated) => Some(activated.activation),
            _ => return None,
        },
        _ => return None,
    };
    let Some(activation) = activation else {
        return Some(None);
    };
    let plain = !given.expr.is_call_expr();
    Some(Some(Activated {
        activation,
        at: given.at,
        word: crate::python::word::word(given.expr).filter(|_| plain),
        argument,
        axis: None,
    }))
}

/// The takes of a loss whose `from_logits` is a value.
fn takes(from_logits: Option<Value<'_>>) -> Option<Takes> {
    match from_logits {
        None => Some(Takes::Probabilities),
        Some(value) => value.truth().map(|logits| {
            if logits {
                Takes::Logits
            } else {
                Takes::Probabilities
            }
        }),
    }
}

/// The place of an argument's value.
fn place(arguments: &Arguments<'_>, names: &[&str]) -> Option<TextRange> {
    arguments.named(names).map(|argument| argument.at)
}
