//! The operations: what each computes, and the parameters it owns.
//!
//! Which settings and shapes each of them takes is in `rules`.

use serde::{Deserialize, Serialize};

use crate::{Padding, Shape};

/// An operation.
///
/// Parameters of a node are tensors named `<node>.<parameter>`; see
/// [`Graph::parameters_of`](crate::Graph::parameters_of).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum Op {
    /// Where an image enters: RGB, 0 to 255.
    Input {
        /// Its shape.
        shape: Shape,
    },
    /// `x · scale + offset`, one of each per channel: preprocessing, or bringing standardised
    /// targets back to their own unit.
    Rescale {
        /// Factors, `[channels]`.
        scale: Vec<f32>,
        /// Offsets, `[channels]`.
        offset: Vec<f32>,
    },
    /// Convolution. `weight [filters, channels / groups, kh, kw]`, `bias [filters]` if any.
    Conv2d {
        /// Output channels.
        filters: usize,
        /// Height and width.
        kernel: [usize; 2],
        /// Down and right.
        stride: [usize; 2],
        /// Around the map.
        padding: Padding,
        /// Channels are divided into so many groups; as many as channels: depthwise.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Batch normalisation by running statistics: `weight`, `bias`, `running_mean`,
    /// `running_var`, each `[channels]`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// The sum of two values of one shape.
    Add,
    /// The mean over height and width: a map becomes a vector.
    GlobalAveragePool,
    /// All numbers of a map in a row, channels first.
    Flatten,
    /// In training, zeroes a share of the numbers and scales the others up; else nothing.
    Dropout {
        /// The share, in [0, 1).
        rate: f64,
    },
    /// A fully connected layer: `weight [units, features]`, `bias [units]`.
    Dense {
        /// Outputs.
        units: usize,
    },
    /// Probabilities that sum to one.
    Softmax,
    /// `1 / (1 + e^−x)`, each by itself.
    Sigmoid,
}

/// A tensor that a node owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Full name, `<node>.<parameter>`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

impl Op {
    /// Its name as people know it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "Input",
            Op::Rescale { .. } => "Rescale",
            Op::Conv2d { groups: 1, .. } => "Conv2d",
            Op::Conv2d { .. } => "Conv2d (grouped)",
            Op::BatchNorm { .. } => "BatchNorm",
            Op::Relu => "ReLU",
            Op::Relu6 => "ReLU6",
            Op::Add => "Add",
            Op::GlobalAveragePool => "GlobalAveragePool",
            Op::Flatten => "Flatten",
            Op::Dropout { .. } => "Dropout",
            Op::Dense { .. } => "Dense",
            Op::Softmax => "Softmax",
            Op::Sigmoid => "Sigmoid",
        }
    }

    /// How many inputs it takes.
    pub fn arity(&self) -> usize {
        match self {
            Op::Input { .. } => 0,
            Op::Add => 2,
            _ => 1,
        }
    }

    /// The tensors that a node `name` with this operation owns, for an input of that shape.
    pub(crate) fn parameters(&self, name: &str, input: Shape) -> Vec<Parameter> {
        let parameter = |suffix: &str, shape: Vec<usize>| Parameter {
            name: format!("{name}.{suffix}"),
            shape,
        };
        match self {
            Op::Conv2d {
                filters,
                kernel,
                groups,
                bias,
                ..
            } => {
                let depth = input.channels() / (*groups).max(1);
                let mut owned = vec![parameter(
                    "weight",
                    vec![*filters, depth, kernel[0], kernel[1]],
                )];
                if *bias {
                    owned.push(parameter("bias", vec![*filters]));
                }
                owned
            }
            Op::BatchNorm { .. } => ["weight", "bias", "running_mean", "running_var"]
                .map(|suffix| parameter(suffix, vec![input.channels()]))
                .to_vec(),
            Op::Dense { units } => vec![
                parameter("weight", vec![*units, input.len()]),
                parameter("bias", vec![*units]),
            ],
            _ => Vec::new(),
        }
    }
}
