//! scikit-learn: encoders, scalers, data sets, splits.

use std::rc::Rc;

use crate::program::array::{Array, Coding};
use crate::python::value::{Arguments, Dataset, Tool, Value};

pub(super) fn call<'a>(path: &str, arguments: &Arguments<'a>) -> Value<'a> {
    let name = path.rsplit('.').next().unwrap_or(path);
    let tool = match name {
        "LabelEncoder" | "OrdinalEncoder" => Tool::LabelEncoder,
        "LabelBinarizer" if arguments.all.is_empty() => Tool::LabelBinarizer,
        "MultiLabelBinarizer" => Tool::MultiLabelBinarizer,
        "OneHotEncoder" if arguments.named(&["drop"]).is_none() && !arguments.open => {
            Tool::OneHotEncoder
        }
        "MinMaxScaler" if arguments.all.is_empty() => Tool::MinMaxScaler,
        "StandardScaler" | "RobustScaler" | "MaxAbsScaler" => Tool::Scaler,
        "train_test_split" => return split(arguments),
        _ => return data_set(name, arguments),
    };
    Value::Tool(Rc::new(tool))
}

/// The scaler of a name, in whatever way it is made.
pub(super) fn scaler(name: &str) -> Option<Tool> {
    Some(match name {
        "MinMaxScaler" => Tool::MinMaxScaler,
        "StandardScaler" | "RobustScaler" | "MaxAbsScaler" => Tool::Scaler,
        _ => return None,
    })
}

fn split<'a>(arguments: &Arguments<'a>) -> Value<'a> {
    if arguments.open {
        return Value::Unknown;
    }
    let arrays = arguments
        .all
        .iter()
        .filter(|argument| argument.name.is_none());
    Value::Tuple(
        arrays
            .flat_map(|argument| [argument.value.clone(), argument.value.clone()])
            .collect(),
    )
}

fn data_set<'a>(name: &str, arguments: &Arguments<'a>) -> Value<'a> {
    let integers = |classes| Coding::Integer {
        low: Some(0),
        classes: Some(classes),
    };
    let count = |key: &str, usual: usize| match arguments.named(&[key]) {
        Some(given) => given.value.count(),
        None => (!arguments.open).then_some(usual),
    };
    let unbounded = Coding::Continuous {
        low: Some(f64::NEG_INFINITY),
        high: Some(f64::INFINITY),
    };
    let (coding, bunch) = match name {
        "load_iris" | "load_wine" => (integers(3), true),
        "load_digits" if arguments.all.is_empty() || arguments.named(&["return_X_y"]).is_some() => {
            (integers(10), true)
        }
        "load_breast_cancer" => (integers(2), true),
        "load_diabetes" => (
            Coding::Continuous {
                low: Some(25.0),
                high: Some(346.0),
            },
            true,
        ),
        "load_boston" => (
            Coding::Continuous {
                low: Some(5.0),
                high: Some(50.0),
            },
            true,
        ),
        "fetch_california_housing" => (
            Coding::Continuous {
                low: Some(0.15),
                high: Some(5.0),
            },
            true,
        ),
        "make_classification" => (
            Coding::Integer {
                low: Some(0),
                classes: count("n_classes", 2),
            },
            false,
        ),
        "make_moons" | "make_circles" => (integers(2), false),
        "make_blobs" => (
            Coding::Integer {
                low: Some(0),
                classes: count("centers", 3),
            },
            false,
        ),
        "make_regression" => (unbounded, false),
        "make_multilabel_classification" => (
            Coding::MultiHot {
                labels: count("n_classes", 5),
            },
            false,
        ),
        _ => return Value::Unknown,
    };
    let labels = Array::labels(coding, arguments.at);
    let pair = arguments
        .named(&["return_X_y"])
        .map(|given| given.value.truth());
    match (bunch, pair) {
        (true, None) => Value::Dataset(Rc::new(Dataset {
            inputs: None,
            labels: Some(labels),
            elements: false,
        })),
        (true, Some(Some(true))) | (false, _) => {
            Value::Tuple([Value::Unknown, Value::Array(Rc::new(labels))].into())
        }
        _ => Value::Unknown,
    }
}
