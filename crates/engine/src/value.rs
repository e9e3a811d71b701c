//! What flows between nodes: a batch of maps, of vectors, of tokens, or of four-axed stacks.

use burn::tensor::{Device, Tensor, TensorData};
use finial_graph::Shape;

/// A batch.
#[derive(Clone, Debug)]
pub enum Value {
    /// `[N, C, H, W]`.
    Maps(Tensor<4>),
    /// `[N, F]`.
    Vectors(Tensor<2>),
    /// `[N, T, D]`.
    Tokens(Tensor<3>),
    /// `[N, …]` with four more axes.
    Stacks(Tensor<5>),
}

impl Value {
    /// A batch of `numbers.len() / shape.len()` values of that shape, row-major. Numbers at the
    /// end that do not make a whole value are left away; [`Network::batch`](crate::Network::batch)
    /// refuses them.
    pub fn from_numbers(mut numbers: Vec<f32>, shape: Shape, device: &Device) -> Self {
        let rows = numbers.len() / shape.len().max(1);
        numbers.truncate(rows * shape.len());
        let data = TensorData::new(numbers, [rows, shape.len()]);
        Value::from_rows(Tensor::from_data(data, device), shape)
    }

    /// Rows of numbers `[N, shape.len()]` as values of that shape.
    pub(crate) fn from_rows(rows: Tensor<2>, shape: Shape) -> Self {
        let [n, _] = rows.dims();
        match shape {
            Shape::Map([c, h, w]) => Value::Maps(rows.reshape([n, c, h, w])),
            Shape::Vector(_) => Value::Vectors(rows),
            Shape::Tokens([t, d]) => Value::Tokens(rows.reshape([n, t, d])),
            Shape::Stack([a, b, c, d]) => Value::Stacks(rows.reshape([n, a, b, c, d])),
        }
    }

    /// All numbers of each value in a row: `[N, shape.len()]`.
    pub(crate) fn into_rows(self) -> Tensor<2> {
        let rows = [self.rows(), self.shape().len()];
        match self {
            Value::Maps(x) => x.reshape(rows),
            Value::Vectors(x) => x,
            Value::Tokens(x) => x.reshape(rows),
            Value::Stacks(x) => x.reshape(rows),
        }
    }

    /// The same operation on each number by itself.
    pub(crate) fn each(self, operation: impl FnOnce(Tensor<2>) -> Tensor<2>) -> Self {
        let shape = self.shape();
        Value::from_rows(operation(self.into_rows()), shape)
    }

    /// The shape of one image's value.
    pub fn shape(&self) -> Shape {
        match self {
            Value::Maps(x) => {
                let [_, c, h, w] = x.dims();
                Shape::Map([c, h, w])
            }
            Value::Vectors(x) => Shape::Vector([x.dims()[1]]),
            Value::Tokens(x) => {
                let [_, t, d] = x.dims();
                Shape::Tokens([t, d])
            }
            Value::Stacks(x) => {
                let [_, a, b, c, d] = x.dims();
                Shape::Stack([a, b, c, d])
            }
        }
    }

    /// How many images the batch holds.
    pub fn rows(&self) -> usize {
        match self {
            Value::Maps(x) => x.dims()[0],
            Value::Vectors(x) => x.dims()[0],
            Value::Tokens(x) => x.dims()[0],
            Value::Stacks(x) => x.dims()[0],
        }
    }
}
