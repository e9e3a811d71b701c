//! Arithmetic and comparison.

use std::rc::Rc;

use ruff_python_ast::{CmpOp, Expr, Operator};
use ruff_text_size::{Ranged, TextRange};

use super::Interpreter;
use super::value::{Object, Value};
use crate::program::array::{Array, Coding};
use crate::program::layer::Layer;

impl<'a> Interpreter<'a> {
    pub(super) fn binary(
        &mut self,
        operator: Operator,
        left: Value<'a>,
        right: Value<'a>,
        expression: &'a Expr,
    ) -> Value<'a> {
        match (&left, &right) {
            (Value::Int(a), Value::Int(b)) => whole(operator, *a, *b),
            (Value::Str(a), Value::Str(b))
                if operator == Operator::Add && a.len() + b.len() < 4096 =>
            {
                Value::str(&format!("{a}{b}"))
            }
            (Value::Tuple(a), Value::Tuple(b))
                if operator == Operator::Add && a.len() + b.len() < 256 =>
            {
                Value::Tuple(a.iter().chain(b.iter()).cloned().collect())
            }
            (Value::Object(a), Value::Object(b)) if operator == Operator::Add => {
                let (Some(Object::List(a)), Some(Object::List(b))) =
                    (self.state.object(*a), self.state.object(*b))
                else {
                    return Value::Unknown;
                };
                if a.len() + b.len() > 256 {
                    return Value::Unknown;
                }
                let items = a.iter().chain(b).cloned().collect();
                self.state.allocate(Object::List(items))
            }
            (Value::Array(array), number) => match number.number() {
                Some(number) => array_and_number(array, operator, number, expression.range()),
                None => Value::Unknown,
            },
            (number, Value::Array(array)) if operator == Operator::Mult => match number.number() {
                Some(number) => array_and_number(array, operator, number, expression.range()),
                None => Value::Unknown,
            },
            (Value::Tensor(a), Value::Tensor(b)) => Value::Tensor(Rc::new(a.merged(b))),
            (Value::Tensor(trail), _) | (_, Value::Tensor(trail)) => {
                let mut after = trail.then(&Layer::Plain);
                after.start.plain = false;
                Value::Tensor(Rc::new(after))
            }
            _ => match (left.number(), right.number()) {
                (Some(a), Some(b)) => fraction(operator, a, b),
                _ => Value::Unknown,
            },
        }
    }

    pub(super) fn compare(
        &self,
        operator: CmpOp,
        left: &Value<'a>,
        right: &Value<'a>,
    ) -> Option<bool> {
        match operator {
            CmpOp::Eq => same(left, right),
            CmpOp::NotEq => same(left, right).map(|same| !same),
            CmpOp::Is => (is_constant(left) && is_constant(right)).then(|| left == right),
            CmpOp::IsNot => (is_constant(left) && is_constant(right)).then(|| left != right),
            CmpOp::Lt => Some(left.number()? < right.number()?),
            CmpOp::LtE => Some(left.number()? <= right.number()?),
            CmpOp::Gt => Some(left.number()? > right.number()?),
            CmpOp::GtE => Some(left.number()? >= right.number()?),
            CmpOp::In | CmpOp::NotIn => {
                let items = self.items(right)?;
                if !is_constant(left) || !items.iter().all(is_constant) {
                    return None;
                }
                Some(items.contains(left) == (operator == CmpOp::In))
            }
        }
    }
}

fn is_constant(value: &Value<'_>) -> bool {
    matches!(
        value,
        Value::None | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::Str(_)
    )
}

fn same(left: &Value<'_>, right: &Value<'_>) -> Option<bool> {
    if let (Some(a), Some(b)) = (left.number(), right.number()) {
        return Some(a == b);
    }
    (is_constant(left) && is_constant(right)).then(|| left == right)
}

fn whole<'a>(operator: Operator, a: i64, b: i64) -> Value<'a> {
    let result = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Sub => a.checked_sub(b),
        Operator::Mult => a.checked_mul(b),
        Operator::FloorDiv => a.checked_div_euclid(b),
        Operator::Mod => a.checked_rem_euclid(b),
        Operator::Pow => u32::try_from(b).ok().and_then(|b| a.checked_pow(b)),
        _ => return fraction(operator, a as f64, b as f64),
    };
    result.map_or(Value::Unknown, Value::Int)
}

fn fraction<'a>(operator: Operator, a: f64, b: f64) -> Value<'a> {
    let result = match operator {
        Operator::Add => a + b,
        Operator::Sub => a - b,
        Operator::Mult => a * b,
        Operator::Div if b != 0.0 => a / b,
        Operator::Pow => a.powf(b),
        _ => return Value::Unknown,
    };
    if result.is_finite() {
        Value::Float(result)
    } else {
        Value::Unknown
    }
}

fn array_and_number<'a>(
    array: &Array,
    operator: Operator,
    number: f64,
    at: TextRange,
) -> Value<'a> {
    let whole = (number.fract() == 0.0 && number.abs() < 1e9).then_some(number as i64);
    let mut result = match (operator, whole) {
        (Operator::Div, _) if number != 0.0 => array.scaled(1.0 / number),
        (Operator::Mult, _) => array.scaled(number),
        (Operator::Add, Some(by)) => array.moved(by),
        (Operator::Sub, Some(by)) => array.moved(-by),
        _ => return Value::Unknown,
    };
    result.at = at;
    Value::Array(Rc::new(result))
}

/// `y == 3`: labels 0 and 1 where `y` was labels.
pub(super) fn compared<'a>(
    array: &Array,
    operator: CmpOp,
    right: &Value<'a>,
    at: TextRange,
) -> Value<'a> {
    let comparison = !matches!(
        operator,
        CmpOp::In | CmpOp::NotIn | CmpOp::Is | CmpOp::IsNot
    );
    let scalar = right.number().is_some() || right.text().is_some();
    match array.coding {
        Coding::Integer { .. } if comparison && scalar => {
            let coding = Coding::Integer {
                low: Some(0),
                classes: Some(2),
            };
            Value::Array(Rc::new(Array::labels(coding, at)))
        }
        _ => Value::Unknown,
    }
}
