//! Arithmetic on numbers that are known while a file is read.

use super::array::{Array, Data, offsets, strides};
use crate::onnx::proto::data_type;

/// The numbers as another kind.
pub(super) fn cast(x: &Array, to: i32) -> Array {
    let data = match to {
        data_type::FLOAT | data_type::FLOAT16 | data_type::BFLOAT16 | data_type::DOUBLE => {
            Data::Float(x.floats())
        }
        data_type::BOOL => Data::Int(x.floats().iter().map(|&v| i64::from(v != 0.0)).collect()),
        _ => match &x.data {
            Data::Int(values) => Data::Int(values.clone()),
            Data::Float(values) => Data::Int(values.iter().map(|&v| v as i64).collect()),
        },
    };
    Array {
        dims: x.dims.clone(),
        data,
    }
}

/// Each integer by itself.
pub(super) fn map_ints(x: &Array, each: impl Fn(i64) -> i64) -> Array {
    map(x, |v| Some(each(v)), |v| each(v as i64) as f32)
}

/// Each number by itself; integers that have no result become floating-point numbers.
pub(super) fn map(
    x: &Array,
    int: impl Fn(i64) -> Option<i64>,
    float: impl Fn(f32) -> f32,
) -> Array {
    let whole = x
        .as_ints()
        .and_then(|v| v.iter().map(|&v| int(v)).collect());
    let data = match whole {
        Some(values) => Data::Int(values),
        None => Data::Float(x.floats().into_iter().map(float).collect()),
    };
    Array {
        dims: x.dims.clone(),
        data,
    }
}

/// The shape that several values are repeated to.
pub(super) fn joint(shapes: &[&[usize]]) -> Option<Vec<usize>> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let mut joint = vec![1; rank];
    for shape in shapes {
        for (own, &dim) in joint[rank - shape.len()..].iter_mut().zip(*shape) {
            match (*own, dim) {
                (_, 1) => {}
                (1, _) => *own = dim,
                (a, b) if a == b => {}
                _ => return None,
            }
        }
    }
    Some(joint)
}

/// The strides by which a value of shape `dims` is read as one of shape `to`.
pub(super) fn spread(dims: &[usize], to: &[usize]) -> Vec<usize> {
    let mut own = strides(dims);
    for (stride, &dim) in own.iter_mut().zip(dims) {
        if dim == 1 {
            *stride = 0;
        }
    }
    let mut all = vec![0; to.len().saturating_sub(dims.len())];
    all.extend(own);
    all
}

/// Two arrays, number by number; none where integers have no result.
pub(super) fn combine(op: &str, x: &Array, y: &Array, dims: &[usize]) -> Option<Array> {
    let xs = x.data.pick(offsets(dims, &spread(&x.dims, dims)));
    let ys = y.data.pick(offsets(dims, &spread(&y.dims, dims)));
    let data = match (xs, ys) {
        (Data::Int(xs), Data::Int(ys)) => {
            let each = |(&x, &y): (&i64, &i64)| match op {
                "Add" => x.checked_add(y),
                "Sub" => x.checked_sub(y),
                "Mul" => x.checked_mul(y),
                "Div" => x.checked_div(y),
                "Mod" => x.checked_rem_euclid(y),
                "Pow" => x.checked_pow(u32::try_from(y).ok()?),
                "Equal" => Some(i64::from(x == y)),
                "Greater" => Some(i64::from(x > y)),
                "Less" => Some(i64::from(x < y)),
                "GreaterOrEqual" => Some(i64::from(x >= y)),
                "LessOrEqual" => Some(i64::from(x <= y)),
                "And" => Some(i64::from(x != 0 && y != 0)),
                "Or" => Some(i64::from(x != 0 || y != 0)),
                "Min" => Some(x.min(y)),
                _ => Some(x.max(y)),
            };
            Data::Int(xs.iter().zip(&ys).map(each).collect::<Option<_>>()?)
        }
        (xs, ys) => {
            let (xs, ys) = (floats(xs), floats(ys));
            let pairs = || xs.iter().copied().zip(ys.iter().copied());
            let truth = |holds: fn(f32, f32) -> bool| {
                Data::Int(pairs().map(|(x, y)| i64::from(holds(x, y))).collect())
            };
            let number =
                |each: fn(f32, f32) -> f32| Data::Float(pairs().map(|(x, y)| each(x, y)).collect());
            match op {
                "Add" => number(|x, y| x + y),
                "Sub" => number(|x, y| x - y),
                "Mul" => number(|x, y| x * y),
                "Div" => number(|x, y| x / y),
                "Mod" => number(|x, y| x % y),
                "Pow" => number(f32::powf),
                "Min" => number(f32::min),
                "Max" => number(f32::max),
                "Equal" => truth(|x, y| x == y),
                "Greater" => truth(|x, y| x > y),
                "GreaterOrEqual" => truth(|x, y| x >= y),
                "Less" => truth(|x, y| x < y),
                "LessOrEqual" => truth(|x, y| x <= y),
                _ => return None,
            }
        }
    };
    Some(Array {
        dims: dims.to_vec(),
        data,
    })
}

fn floats(data: Data) -> Vec<f32> {
    let dims = vec![data.len()];
    Array { dims, data }.into_floats()
}

/// From one array or another, as a third says.
pub(super) fn choose(condition: &Array, x: &Array, y: &Array, dims: &[usize]) -> Array {
    let picked = |a: &Array| a.data.pick(offsets(dims, &spread(&a.dims, dims)));
    let holds = floats(picked(condition));
    let data = match (picked(x), picked(y)) {
        (Data::Int(xs), Data::Int(ys)) => {
            let pairs = xs.iter().zip(&ys).zip(&holds);
            Data::Int(
                pairs
                    .map(|((x, y), c)| if *c != 0.0 { *x } else { *y })
                    .collect(),
            )
        }
        (xs, ys) => {
            let (xs, ys) = (floats(xs), floats(ys));
            let pairs = xs.iter().zip(&ys).zip(&holds);
            Data::Float(
                pairs
                    .map(|((x, y), c)| if *c != 0.0 { *x } else { *y })
                    .collect(),
            )
        }
    };
    Array {
        dims: dims.to_vec(),
        data,
    }
}
