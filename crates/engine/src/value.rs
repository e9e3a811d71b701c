//! What flows between nodes: a batch of maps or of vectors.

use burn::tensor::{Device, Tensor, TensorData};
use finial_graph::Shape;

/// A batch.
#[derive(Clone, Debug)]
pub enum Value {
    /// `[N, C, H, W]`.
    Maps(Tensor<4>),
    /// `[N, F]`.
    Vectors(Tensor<2>),
}

impl Value {
    /// A batch of `numbers.len() / shape.len()` values of that shape, row-major. Numbers at the
    /// end that do not make a whole value are left away; [`Network::batch`](crate::Network::batch)
    /// refuses them.
    pub fn from_numbers(mut numbers: Vec<f32>, shape: Shape, device: &Device) -> Self {
        let rows = numbers.len() / shape.len().max(1);
        numbers.truncate(rows * shape.len());
        match shape {
            Shape::Map([c, h, w]) => {
                let data = TensorData::new(numbers, [rows, c, h, w]);
                Value::Maps(Tensor::from_data(data, device))
            }
            Shape::Vector([f]) => {
                let data = TensorData::new(numbers, [rows, f]);
                Value::Vectors(Tensor::from_data(data, device))
            }
        }
    }

    /// The shape of one image's value.
    pub fn shape(&self) -> Shape {
        match self {
            Value::Maps(x) => {
                let [_, c, h, w] = x.dims();
                Shape::Map([c, h, w])
            }
            Value::Vectors(x) => Shape::Vector([x.dims()[1]]),
        }
    }

    /// How many images the batch holds.
    pub fn rows(&self) -> usize {
        match self {
            Value::Maps(x) => x.dims()[0],
            Value::Vectors(x) => x.dims()[0],
        }
    }
}
