//! NumPy: arrays, random numbers, literals.

use std::rc::Rc;

use ruff_text_size::TextRange;

use crate::program::array::{Array, Coding, Shape};
use crate::python::Interpreter;
use crate::python::value::{Arguments, Value};

/// Numbers of a literal that are looked at.
const NUMBERS: usize = 256;

pub(super) fn call<'a>(
    this: &mut Interpreter<'a>,
    path: &str,
    arguments: &Arguments<'a>,
) -> Value<'a> {
    let at = arguments.at;
    let labels = |coding| Value::Array(Rc::new(Array::labels(coding, at)));
    let first = arguments
        .all
        .first()
        .map_or(Value::Unknown, |argument| argument.value.clone());
    match path {
        "array" | "asarray" | "float32" | "int32" | "int64" | "ascontiguousarray" => {
            literal(this, &first, at).unwrap_or(Value::Unknown)
        }
        "random.randint" => {
            let low = arguments.value(0, &["low"]);
            let high = arguments.value(1, &["high"]);
            let (low, high) = match (low, high) {
                (Some(Value::Int(low)), Some(Value::Int(high))) => (low, high),
                (Some(Value::Int(high)), None | Some(Value::None)) => (0, high),
                _ => return Value::Unknown,
            };
            let shape = match arguments.value(2, &["size"]) {
                Some(shape) => this.shape(&shape),
                None => Shape::Unknown,
            };
            labels(Coding::random(low, high, shape))
        }
        "random.rand" | "random.random" | "random.random_sample" => labels(Coding::Continuous {
            low: Some(0.0),
            high: Some(1.0),
        }),
        "random.randn" | "random.normal" | "random.standard_normal" => labels(Coding::Continuous {
            low: Some(f64::NEG_INFINITY),
            high: Some(f64::INFINITY),
        }),
        "eye" | "identity" => labels(Coding::OneHot {
            classes: first.count(),
        }),
        "argmax" => match first.array().map(|array| array.coding) {
            Some(Coding::OneHot { classes }) => labels(Coding::Integer {
                low: Some(0),
                classes,
            }),
            _ => Value::Unknown,
        },
        "squeeze" | "ravel" | "copy" => match first {
            Value::Array(_) => first,
            _ => Value::Unknown,
        },
        // Pixels stay pixels, labels may become rows.
        "expand_dims" | "reshape" | "atleast_2d" => match &first {
            Value::Array(array) if array.coding == Coding::Unknown => first,
            _ => Value::Unknown,
        },
        "concatenate" | "vstack" | "hstack" | "append" => match this.items(&first).as_deref() {
            Some([one, rest @ ..]) if path != "hstack" => {
                let alike = rest.iter().all(|other| match (one.array(), other.array()) {
                    (Some(one), Some(other)) => {
                        one.coding == other.coding && one.pixels == other.pixels
                    }
                    _ => false,
                });
                if alike { one.clone() } else { Value::Unknown }
            }
            _ => Value::Unknown,
        },
        _ => Value::Unknown,
    }
}

impl<'a> Interpreter<'a> {
    /// What a `size` or `shape` argument says.
    pub(crate) fn shape(&self, value: &Value<'a>) -> Shape {
        if let Value::Int(_) = value {
            return Shape::Column;
        }
        match self.items(value).as_deref() {
            Some([_] | [_, Value::Int(1)]) => Shape::Column,
            Some([_, Value::Int(count)]) => {
                usize::try_from(*count).map_or(Shape::Unknown, Shape::Rows)
            }
            _ => Shape::Unknown,
        }
    }
}

/// The array that a value is, or that a literal of numbers makes.
pub(crate) fn literal<'a>(
    this: &Interpreter<'a>,
    value: &Value<'a>,
    at: TextRange,
) -> Option<Value<'a>> {
    if let Value::Array(_) = value {
        return Some(value.clone());
    }
    let rows = this.items(value)?;
    if rows.is_empty() || rows.len() > NUMBERS {
        return None;
    }
    let mut numbers: Vec<Vec<f64>> = Vec::new();
    for row in &rows {
        match row.number() {
            Some(number) => numbers.push(vec![number]),
            None => numbers.push(
                this.items(row)?
                    .iter()
                    .map(Value::number)
                    .collect::<Option<_>>()?,
            ),
        }
    }
    let columns = numbers.first()?.len();
    if columns == 0 || numbers.iter().any(|row| row.len() != columns) {
        return None;
    }
    let array = Array::labels(coding(&numbers, columns), at);
    Some(Value::Array(Rc::new(array)))
}

fn coding(rows: &[Vec<f64>], columns: usize) -> Coding {
    let all = || rows.iter().flatten().copied();
    let low = all().fold(f64::INFINITY, f64::min);
    let high = all().fold(f64::NEG_INFINITY, f64::max);
    let whole = all().all(|number| number.fract() == 0.0 && number.abs() < 1e6);
    let bits = all().all(|number| number == 0.0 || number == 1.0);
    if columns > 1 {
        let single = |row: &Vec<f64>| row.iter().sum::<f64>() == 1.0;
        return match bits {
            true if rows.iter().all(single) => Coding::OneHot {
                classes: Some(columns),
            },
            true => Coding::MultiHot {
                labels: Some(columns),
            },
            // A class for each word or pixel, or counts: nobody knows.
            false if whole => Coding::Unknown,
            false => Coding::Continuous {
                low: Some(low),
                high: Some(high),
            },
        };
    }
    let classes = high - low + 1.0;
    // Each number between the smallest and the largest occurs: they may be classes.
    let dense = whole && classes <= 64.0 && {
        let mut number = low;
        let mut every = true;
        while number <= high {
            every &= all().any(|other| other == number);
            number += 1.0;
        }
        every
    };
    match (dense, whole) {
        (true, _) => Coding::Integer {
            low: Some(low as i64),
            classes: Some(classes as usize),
        },
        // Classes of which some are missing, or numbers to be predicted.
        (false, true) => Coding::Unknown,
        (false, false) => Coding::Continuous {
            low: Some(low),
            high: Some(high),
        },
    }
}
