//! What is done to each channel: the first axis of a map, the last one of every other value.

use burn::tensor::module::layer_norm;
use burn::tensor::{Tensor, activation};

use crate::Value;

/// `x · factor + offset`, each `[C]`.
pub(super) fn scale(x: Value, factor: &Tensor<1>, offset: &Tensor<1>) -> Value {
    across(x, |x, axis| x * axis.of_each(factor) + axis.of_each(offset))
}

/// `x · factor`.
pub(super) fn multiply(x: Value, factor: &Tensor<1>) -> Value {
    across(x, |x, axis| x * axis.of_each(factor))
}

/// `x` above 0, `weight · x` below.
pub(super) fn prelu(x: Value, weight: &Tensor<1>) -> Value {
    across(x, |x, axis| {
        let below = activation::relu(x.clone().neg());
        activation::relu(x) - below * axis.of_each(weight)
    })
}

/// Each image's channels at each place brought to mean 0 and variance 1, then scaled and moved.
pub(super) fn normalise(x: Value, weight: &Tensor<1>, bias: &Tensor<1>, epsilon: f64) -> Value {
    let (weight, bias) = (weight.clone(), Some(bias.clone()));
    match x {
        Value::Maps(x) => {
            let places = x.permute([0, 2, 3, 1]);
            Value::Maps(layer_norm(places, weight, bias, epsilon).permute([0, 3, 1, 2]))
        }
        Value::Vectors(x) => Value::Vectors(layer_norm(x, weight, bias, epsilon)),
        Value::Tokens(x) => Value::Tokens(layer_norm(x, weight, bias, epsilon)),
        Value::Stacks(x) => Value::Stacks(layer_norm(x, weight, bias, epsilon)),
    }
}

/// `x / (bias + alpha · mean)^beta`, the mean of squares over `size` neighbouring channels, with
/// zeros beyond the first and the last.
pub(super) fn normalise_locally(
    x: Tensor<4>,
    size: usize,
    [alpha, beta, bias]: [f64; 3],
) -> Tensor<4> {
    use burn::tensor::module::avg_pool2d;
    use burn::tensor::ops::{AvgPoolOptions, PadMode};

    let dims @ [n, c, h, w] = x.dims();
    let squares = (x.clone() * x.clone()).reshape([n, 1, c, h * w]);
    // As many before as ONNX has them; one more behind where the size is even.
    let around = ((size - 1) / 2, size / 2);
    let padded = squares.pad([around, (0, 0)], PadMode::Constant(0.0));
    let means = avg_pool2d(padded, AvgPoolOptions::new([size, 1]).with_stride([1, 1]));
    x / (means.reshape(dims) * alpha + bias).powf_scalar(beta)
}

/// Where the channels stand in a tensor of four axes.
#[derive(Clone, Copy)]
pub(super) enum Axis {
    Second,
    Last,
}

impl Axis {
    /// One number per channel `[C]`, as it meets every value of a batch.
    fn of_each(self, numbers: &Tensor<1>) -> Tensor<4> {
        self.of_rows(numbers.clone().unsqueeze())
    }

    /// One number per channel of each value `[N, C]`, as it meets the batch.
    pub(super) fn of_rows(self, numbers: Tensor<2>) -> Tensor<4> {
        let [rows, channels] = numbers.dims();
        match self {
            Axis::Second => numbers.reshape([rows, channels, 1, 1]),
            Axis::Last => numbers.reshape([rows, 1, 1, channels]),
        }
    }
}

/// An operation on a batch as a tensor of four axes, which is told where the channels stand.
pub(super) fn across(x: Value, operation: impl FnOnce(Tensor<4>, Axis) -> Tensor<4>) -> Value {
    match x {
        Value::Maps(x) => Value::Maps(operation(x, Axis::Second)),
        other => {
            let shape = other.shape();
            let rows = other.rows();
            let channels = shape.channels().max(1);
            let places = shape.len() / channels;
            let flat = other.into_rows().reshape([rows, places, 1, channels]);
            let done = operation(flat, Axis::Last);
            Value::from_rows(done.reshape([rows, shape.len()]), shape)
        }
    }
}
