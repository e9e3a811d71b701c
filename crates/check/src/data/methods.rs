//! Methods, attributes and items of arrays, data sets and tools.

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_text_size::TextRange;

use crate::program::array::{Array, Coding};
use crate::python::Interpreter;
use crate::python::value::{Argument, Arguments, Dataset, Tool, Value};

/// A method of an array, a data set or a tool.
pub(crate) fn method<'a>(
    this: &mut Interpreter<'a>,
    receiver: &Value<'a>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    match receiver {
        Value::Array(array) => of_array(array, name, arguments),
        Value::Dataset(data) => of_dataset(this, data, name, arguments),
        Value::Tool(tool) => of_tool(this, tool, name, arguments),
        _ => Value::Unknown,
    }
}

fn of_array<'a>(array: &Rc<Array>, name: &str, arguments: &Arguments<'a>) -> Value<'a> {
    match name {
        "astype" | "squeeze" | "unsqueeze" | "long" | "float" | "int" | "to" | "cuda" | "cpu"
        | "copy" | "clone" | "to_numpy" | "toarray" | "numpy" | "detach" | "type" | "double"
        | "values" | "tolist" | "type_as" => Value::Array(array.clone()),
        // Pixels stay pixels; labels stay labels if they become a column.
        "reshape" | "view" | "ravel" | "flatten" => {
            let column = match &arguments.all[..] {
                _ if matches!(name, "ravel" | "flatten") => true,
                [
                    Argument {
                        value: Value::Int(-1),
                        ..
                    },
                ] => true,
                [_, last] => last.value == Value::Int(1),
                _ => false,
            };
            // Rows of yes and no are none in a column.
            let rows = matches!(
                array.coding,
                Coding::MultiHot { .. } | Coding::OneHot { .. }
            );
            match (column && !rows) || array.coding == Coding::Unknown {
                true => Value::Array(array.clone()),
                false => Value::Unknown,
            }
        }
        "argmax" => match array.coding {
            Coding::OneHot { classes } => {
                let coding = Coding::Integer {
                    low: Some(0),
                    classes,
                };
                Value::Array(Rc::new(Array::labels(coding, arguments.at)))
            }
            _ => Value::Unknown,
        },
        _ => Value::Unknown,
    }
}

fn of_dataset<'a>(
    this: &mut Interpreter<'a>,
    data: &Rc<Dataset>,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    match name {
        "shuffle" | "batch" | "prefetch" | "cache" | "repeat" | "take" | "skip"
        | "with_options" | "unbatch" | "ignore_errors" => Value::Dataset(data.clone()),
        "next" | "__next__" | "as_numpy_iterator" => Value::Dataset(data.clone()),
        "map" if data.elements => {
            let Some(function) = arguments.value(0, &["map_func"]) else {
                return Value::Unknown;
            };
            let side = |array: &Option<Array>| match array {
                Some(array) => Value::Array(Rc::new(array.clone())),
                None => Value::Unknown,
            };
            let result =
                this.call_with_pair(function, side(&data.inputs), side(&data.labels), arguments);
            match this.pair(&result) {
                Some((inputs, labels)) => Value::Dataset(Rc::new(Dataset {
                    inputs: inputs.array().cloned(),
                    labels: labels.array().cloned(),
                    elements: true,
                })),
                None => Value::Unknown,
            }
        }
        _ => Value::Unknown,
    }
}

fn of_tool<'a>(
    this: &mut Interpreter<'a>,
    tool: &Tool,
    name: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    if let Tool::ImageGenerator { pixels } = tool {
        return match name {
            "flow" | "flow_from_directory" | "flow_from_dataframe" => {
                crate::keras::datasets::flow(this, *pixels, name, arguments)
            }
            _ => Value::None,
        };
    }
    if name == "fit" {
        return Value::Tool(Rc::new(tool.clone()));
    }
    if !matches!(name, "fit_transform" | "transform") {
        return Value::Unknown;
    }
    let given = arguments.value(0, &["y", "X"]).unwrap_or(Value::Unknown);
    let classes = given.array().and_then(Array::classes);
    let coding = match tool {
        Tool::LabelEncoder => Coding::Integer {
            low: Some(0),
            classes,
        },
        // Two classes stay one column.
        Tool::LabelBinarizer => match classes {
            Some(2) => Coding::Integer {
                low: Some(0),
                classes,
            },
            Some(_) => Coding::OneHot { classes },
            None => return Value::Unknown,
        },
        Tool::MultiLabelBinarizer => Coding::MultiHot { labels: None },
        Tool::OneHotEncoder if !super::is_one_column(arguments) => return Value::Unknown,
        Tool::OneHotEncoder => Coding::OneHot { classes },
        Tool::MinMaxScaler => Coding::Continuous {
            low: Some(0.0),
            high: Some(1.0),
        },
        Tool::Scaler => Coding::Continuous {
            low: Some(f64::NEG_INFINITY),
            high: Some(f64::INFINITY),
        },
        Tool::ImageGenerator { .. } => Coding::Unknown,
    };
    Value::Array(Rc::new(Array::labels(coding, arguments.at)))
}

/// An attribute that is an array again.
pub(crate) fn array_attribute<'a>(array: &Rc<Array>, name: &str) -> Option<Value<'a>> {
    match name {
        "values" | "data" => Some(Value::Array(array.clone())),
        "shape" | "size" | "ndim" | "dtype" | "T" | "iloc" | "loc" | "columns" | "index" => {
            Some(Value::Unknown)
        }
        _ => None,
    }
}

/// An attribute of a data set: `iris.target`.
pub(crate) fn dataset_attribute<'a>(data: &Rc<Dataset>, name: &str) -> Option<Value<'a>> {
    match name {
        "data" | "target" | "images" if !data.elements => Some(dataset_key(data, name)),
        "classes" | "class_indices" | "class_names" | "samples" | "n" | "targets"
        | "num_classes" | "dataset" | "target_names" | "feature_names" => Some(Value::Unknown),
        _ => None,
    }
}

/// An item of a data set: `iris['target']`.
pub(crate) fn dataset_key<'a>(data: &Dataset, key: &str) -> Value<'a> {
    let array = match key {
        "data" | "images" => &data.inputs,
        "target" => &data.labels,
        _ => &None,
    };
    match array {
        Some(array) if !data.elements => Value::Array(Rc::new(array.clone())),
        _ => Value::Unknown,
    }
}

/// `y[index]`: rows of it, as far as that is clear.
pub(crate) fn array_item<'a>(
    array: &Rc<Array>,
    index: Option<&Value<'a>>,
    written: &'a Expr,
    at: TextRange,
) -> Value<'a> {
    match (index, written) {
        // A slice of rows.
        (None, _) => Value::Array(array.clone()),
        // `x[..., np.newaxis]`, `x[:, :, :, None]`: the same numbers, if it is an image.
        (Some(_), Expr::Tuple(_)) => match array.coding {
            Coding::Unknown => Value::Array(array.clone()),
            _ => Value::Unknown,
        },
        (Some(Value::Int(_) | Value::Str(_)), _) => Value::Unknown,
        // Rows by their numbers: `np.eye(10)[y]`. A mask may leave classes out.
        (Some(Value::Array(rows)), _) => match (array.coding, rows.coding) {
            (Coding::OneHot { .. }, _) => Value::Array(Rc::new(Array {
                at,
                ..(**array).clone()
            })),
            (Coding::Integer { .. }, _) => Value::Array(Rc::new(Array {
                coding: Coding::Integer {
                    low: None,
                    classes: None,
                },
                ..(**array).clone()
            })),
            _ => Value::Unknown,
        },
        (Some(_), _) => match array.coding {
            Coding::OneHot { .. } => Value::Array(Rc::new(Array {
                at,
                ..(**array).clone()
            })),
            Coding::Integer { .. } => Value::Array(Rc::new(Array {
                coding: Coding::Integer {
                    low: None,
                    classes: None,
                },
                ..(**array).clone()
            })),
            Coding::Continuous { .. } => Value::Unknown,
            _ => Value::Array(array.clone()),
        },
    }
}
