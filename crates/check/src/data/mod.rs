//! What NumPy, pandas and scikit-learn tell about labels and inputs.
//!
//! - [`numpy`]: arrays, random numbers, literals. [`sklearn`]: encoders, scalers, data sets, splits.
//! - [`methods`]: methods, attributes and items of arrays and data sets.

mod methods;
mod numpy;
mod sklearn;

use std::rc::Rc;

use ruff_python_ast::Expr;

use crate::program::array::{Array, Coding};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Value};

pub(crate) use methods::{array_attribute, array_item, dataset_attribute, dataset_key, method};
pub(crate) use numpy::literal;

/// A call of NumPy, pandas, SciPy or scikit-learn.
pub(crate) fn call<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let (library, rest) = path.split_once('.').unwrap_or((path, ""));
    match library {
        "numpy" => numpy::call(this, rest, arguments),
        "jax" => rest
            .strip_prefix("numpy.")
            .map_or(Value::Unknown, |rest| numpy::call(this, rest, arguments)),
        "sklearn" => sklearn::call(rest, arguments),
        "pandas"
            if rest == "get_dummies" && arguments.all.len() == 1 && is_one_column(arguments) =>
        {
            let labels = arguments
                .all
                .first()
                .and_then(|argument| argument.value.array());
            let classes = labels.and_then(Array::classes);
            Value::Array(Rc::new(Array::labels(
                Coding::OneHot { classes },
                arguments.at,
            )))
        }
        "pandas" if matches!(rest, "Series" | "Categorical") => {
            let value = arguments.value(0, &["data"]).unwrap_or(Value::Unknown);
            literal(this, &value, arguments.at).unwrap_or(Value::Unknown)
        }
        _ => Value::Unknown,
    }
}

/// What the scaler at a path of scikit-learn makes.
pub(crate) fn scaler<'a>(path: &str) -> Value<'a> {
    let name = path.rsplit('.').next().unwrap_or(path);
    match sklearn::scaler(name).filter(|_| path.starts_with("sklearn.")) {
        Some(tool) => Value::Tool(Rc::new(tool)),
        None => Value::Unknown,
    }
}

/// Whether the first argument is one column: labels, `frame["species"]`, `y.reshape(-1, 1)`. Of
/// several columns each has a 1 of its own, which is not one-hot.
fn is_one_column(arguments: &Arguments<'_>) -> bool {
    let Some(first) = arguments.all.first().filter(|_| !arguments.open) else {
        return false;
    };
    match first.expr {
        _ if first.value.array().is_some() => true,
        Expr::Subscript(subscript) => subscript.slice.is_string_literal_expr(),
        Expr::Attribute(_) => true,
        Expr::Call(call) => {
            let reshape = matches!(&*call.func, Expr::Attribute(method) if method.attr.id.as_str() == "reshape");
            reshape && call.arguments.args.len() == 2
        }
        _ => false,
    }
}
