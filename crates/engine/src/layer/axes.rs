//! What moves numbers without changing them: joining, slicing, reordering.

use burn::tensor::Tensor;

use crate::Value;

const ALIKE: &str = "values of one shape but for one axis";

/// Values one behind the other along `axis`, counted without the batch.
pub(super) fn concat(values: Vec<Value>, axis: usize) -> Result<Value, &'static str> {
    fn all<const D: usize>(
        values: Vec<Value>,
        axis: usize,
        one: fn(Value) -> Option<Tensor<D>>,
    ) -> Result<Tensor<D>, &'static str> {
        let tensors: Option<Vec<_>> = values.into_iter().map(one).collect();
        Ok(Tensor::cat(tensors.ok_or(ALIKE)?, axis + 1))
    }
    match values.first() {
        Some(Value::Maps(_)) => all(values, axis, maps).map(Value::Maps),
        Some(Value::Vectors(_)) => all(values, axis, vectors).map(Value::Vectors),
        Some(Value::Tokens(_)) => all(values, axis, tokens).map(Value::Tokens),
        Some(Value::Stacks(_)) => all(values, axis, stacks).map(Value::Stacks),
        None => Err(ALIKE),
    }
}

fn maps(value: Value) -> Option<Tensor<4>> {
    match value {
        Value::Maps(x) => Some(x),
        _ => None,
    }
}

fn vectors(value: Value) -> Option<Tensor<2>> {
    match value {
        Value::Vectors(x) => Some(x),
        _ => None,
    }
}

fn tokens(value: Value) -> Option<Tensor<3>> {
    match value {
        Value::Tokens(x) => Some(x),
        _ => None,
    }
}

fn stacks(value: Value) -> Option<Tensor<5>> {
    match value {
        Value::Stacks(x) => Some(x),
        _ => None,
    }
}

/// Places `start` to `end` along `axis`, counted without the batch.
pub(super) fn slice(value: Value, axis: usize, start: usize, end: usize) -> Value {
    let (axis, length) = (axis + 1, end.saturating_sub(start));
    match value {
        Value::Maps(x) => Value::Maps(x.narrow(axis, start, length)),
        Value::Vectors(x) => Value::Vectors(x.narrow(axis, start, length)),
        Value::Tokens(x) => Value::Tokens(x.narrow(axis, start, length)),
        Value::Stacks(x) => Value::Stacks(x.narrow(axis, start, length)),
    }
}

/// The axes in another order, counted without the batch, which stays in front.
pub(super) fn permute(value: Value, axes: &[usize]) -> Value {
    fn moved<const D: usize>(x: Tensor<D>, axes: &[usize]) -> Tensor<D> {
        let mut all = [0; D];
        for (to, from) in all.iter_mut().skip(1).zip(axes) {
            *to = from + 1;
        }
        x.permute(all)
    }
    match value {
        Value::Maps(x) => Value::Maps(moved(x, axes)),
        Value::Vectors(x) => Value::Vectors(x),
        Value::Tokens(x) => Value::Tokens(moved(x, axes)),
        Value::Stacks(x) => Value::Stacks(moved(x, axes)),
    }
}

/// The matrix product over the last two axes.
pub(super) fn matmul(x: Value, y: Value, transposed: bool) -> Result<Value, &'static str> {
    fn product<const D: usize>(x: Tensor<D>, y: Tensor<D>, transposed: bool) -> Tensor<D> {
        match transposed {
            true => x.matmul(y.swap_dims(D - 2, D - 1)),
            false => x.matmul(y),
        }
    }
    Ok(match (x, y) {
        (Value::Tokens(x), Value::Tokens(y)) => Value::Tokens(product(x, y, transposed)),
        (Value::Maps(x), Value::Maps(y)) => Value::Maps(product(x, y, transposed)),
        (Value::Stacks(x), Value::Stacks(y)) => Value::Stacks(product(x, y, transposed)),
        _ => return Err("two values of as many axes, at least two"),
    })
}
