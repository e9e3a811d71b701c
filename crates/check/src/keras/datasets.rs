//! Built-in data sets, folders of images, generators.

use std::rc::Rc;

use ruff_text_size::TextRange;

use crate::program::array::{Array, Coding, Pixels};
use crate::program::base::Preparation;
use crate::python::Interpreter;
use crate::python::value::{Arguments, Dataset, Tool, Value};

/// `keras.datasets.NAME.load_data()`.
pub(super) fn load_data<'a>(module: &str, at: TextRange) -> Value<'a> {
    let integers = |classes| Coding::Integer {
        low: Some(0),
        classes: Some(classes),
    };
    let (images, coding) = match module.rsplit('.').next().unwrap_or("") {
        "mnist" | "fashion_mnist" | "cifar10" => (true, integers(10)),
        "cifar100" => (
            true,
            Coding::Integer {
                low: Some(0),
                classes: None,
            },
        ),
        "imdb" => (false, integers(2)),
        "reuters" => (false, integers(46)),
        // Prices in thousands of dollars, from 5 to 50.
        "boston_housing" => (
            false,
            Coding::Continuous {
                low: Some(5.0),
                high: Some(50.0),
            },
        ),
        // Prices in dollars.
        "california_housing" => (
            false,
            Coding::Continuous {
                low: Some(15_000.0),
                high: Some(500_001.0),
            },
        ),
        _ => return Value::Unknown,
    };
    let inputs = if images {
        Value::Array(Rc::new(Array::images(Pixels::Bytes, at)))
    } else {
        Value::Unknown
    };
    let labels = Value::Array(Rc::new(Array::labels(coding, at)));
    let half = Value::Tuple([inputs, labels].into());
    Value::Tuple([half.clone(), half].into())
}

/// What `rescale` and its neighbours make of bytes.
pub(super) fn image_generator<'a>(arguments: &Arguments<'a>) -> Value<'a> {
    const OTHER: &[&str] = &[
        "featurewise_center",
        "samplewise_center",
        "featurewise_std_normalization",
        "samplewise_std_normalization",
        "zca_whitening",
    ];
    let pixels = match arguments.named(&["rescale"]) {
        _ if arguments.open || arguments.named(OTHER).is_some() => Pixels::Unknown,
        None => match arguments.named(&["preprocessing_function"]) {
            Some(function) => super::applications::generated(&function.value),
            None => Pixels::Bytes,
        },
        Some(scale) => {
            let small = scale.value.number().is_some_and(|by| by > 0.0 && by < 0.02);
            let prepared = arguments.named(&["preprocessing_function"]);
            // The function comes first, whatever the order here.
            match prepared.map(|function| super::applications::generated(&function.value)) {
                None if small => Pixels::Scaled,
                Some(Pixels::Prepared(to)) if small && to != Preparation::Raw => {
                    Pixels::PreparedThenScaled
                }
                _ => Pixels::Unknown,
            }
        }
    };
    Value::Tool(Rc::new(Tool::ImageGenerator { pixels }))
}

/// `flow_from_directory`, `flow_from_dataframe` and `flow` of an image generator.
pub(crate) fn flow<'a>(
    this: &mut Interpreter<'a>,
    pixels: Pixels,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    if name == "flow" {
        let images = arguments
            .value(0, &["x"])
            .and_then(|value| value.array().cloned());
        let labels = arguments
            .value(1, &["y"])
            .and_then(|value| value.array().cloned());
        let inputs = images.map(|images| match pixels {
            Pixels::Scaled => images.scaled(1.0 / 255.0),
            Pixels::Bytes => images,
            _ => Array::images(Pixels::Unknown, arguments.at),
        });
        return Value::Dataset(Rc::new(Dataset {
            inputs,
            labels,
            elements: true,
        }));
    }
    let mode = arguments
        .value(usize::MAX, &["class_mode"])
        .unwrap_or_else(|| Value::str("categorical"));
    let classes = arguments
        .named(&["classes"])
        .and_then(|classes| this.items(&classes.value));
    let coding = match mode.text() {
        Some("categorical") => Coding::OneHot {
            classes: classes.map(|classes| classes.len()),
        },
        Some("sparse") => Coding::Integer {
            low: Some(0),
            classes: classes.map(|classes| classes.len()),
        },
        Some("binary") => Coding::Integer {
            low: Some(0),
            classes: Some(2),
        },
        _ => Coding::Unknown,
    };
    let at = arguments
        .named(&["class_mode"])
        .map_or(arguments.at, |mode| mode.at);
    Value::Dataset(Rc::new(Dataset {
        inputs: Some(Array::images(pixels, arguments.at)),
        labels: Some(Array::labels(coding, at)),
        elements: true,
    }))
}

/// `keras.utils.image_dataset_from_directory`.
pub(super) fn from_directory<'a>(
    this: &mut Interpreter<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let mode = arguments
        .value(2, &["label_mode"])
        .unwrap_or_else(|| Value::str("int"));
    let classes = arguments
        .named(&["class_names"])
        .and_then(|names| this.items(&names.value));
    let classes = classes.map(|classes| classes.len());
    let coding = match mode.text() {
        Some("int") => Coding::Integer {
            low: Some(0),
            classes,
        },
        Some("categorical") => Coding::OneHot { classes },
        Some("binary") => Coding::Integer {
            low: Some(0),
            classes: Some(2),
        },
        _ => Coding::Unknown,
    };
    let at = arguments
        .named(&["label_mode"])
        .map_or(arguments.at, |mode| mode.at);
    let pixels = if name.starts_with("image") {
        Pixels::Bytes
    } else {
        Pixels::Unknown
    };
    let data = Value::Dataset(Rc::new(Dataset {
        inputs: Some(Array::images(pixels, arguments.at)),
        labels: Some(Array::labels(coding, at)),
        elements: true,
    }));
    match arguments
        .named(&["subset"])
        .map(|subset| subset.value.text() == Some("both"))
    {
        Some(true) => Value::Tuple([data.clone(), data].into()),
        _ => data,
    }
}
