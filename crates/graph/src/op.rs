//! The operations: what each computes, the shape it gives, and the parameters it owns.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The shape of one image's value: `[C, H, W]` for a map, `[F]` for a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shape {
    /// Channels, height, width.
    Map([usize; 3]),
    /// Features.
    Vector([usize; 1]),
}

impl Shape {
    /// How many numbers it holds.
    pub fn len(self) -> usize {
        match self {
            Shape::Map([c, h, w]) => c * h * w,
            Shape::Vector([f]) => f,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Channels of a map, features of a vector.
    pub fn channels(self) -> usize {
        match self {
            Shape::Map([c, _, _]) => c,
            Shape::Vector([f]) => f,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Shape::Map(dims) => write!(f, "{dims:?}"),
            Shape::Vector(dims) => write!(f, "{dims:?}"),
        }
    }
}

/// What surrounds a map before a kernel slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// As TensorFlow pads: the output is `ceil(input / stride)`, and an odd number of rows or
    /// columns puts the larger half at the bottom and right.
    Same,
    /// These rows and columns of zeros.
    Explicit {
        /// Above.
        top: usize,
        /// Below.
        bottom: usize,
        /// Left.
        left: usize,
        /// Right.
        right: usize,
    },
}

impl Padding {
    /// `[(top, bottom), (left, right)]` for a map of `size` (height, width).
    pub fn resolve(
        self,
        size: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
    ) -> [(usize, usize); 2] {
        match self {
            Padding::Same => [0, 1].map(|axis| {
                let output = size[axis].div_ceil(stride[axis].max(1));
                let reach = (output.saturating_sub(1)) * stride[axis] + kernel[axis];
                let total = reach.saturating_sub(size[axis]);
                (total / 2, total - total / 2)
            }),
            Padding::Explicit {
                top,
                bottom,
                left,
                right,
            } => [(top, bottom), (left, right)],
        }
    }
}

/// An operation.
///
/// Parameters of a node are tensors named `<node>.<parameter>`; see [`Op::parameters`].
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

    /// The shape it gives for the shapes it gets; on a misfit, what it expects instead.
    pub(crate) fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, (String, Shape)> {
        let input = inputs.first().copied();
        match (self, input) {
            (Op::Input { shape }, _) => Ok(*shape),
            (_, None) => Err(("an input".to_owned(), Shape::Vector([0]))),
            (Op::Rescale { scale, offset }, Some(x)) => {
                if scale.len() == x.channels() && offset.len() == x.channels() {
                    Ok(x)
                } else {
                    Err((format!("{} channels", scale.len()), x))
                }
            }
            (
                Op::Conv2d {
                    filters,
                    kernel,
                    stride,
                    padding,
                    groups,
                    ..
                },
                Some(x),
            ) => {
                let Shape::Map([c, h, w]) = x else {
                    return Err(("a map [C, H, W]".to_owned(), x));
                };
                let groups = *groups;
                if groups == 0 || c % groups != 0 || filters % groups != 0 {
                    return Err((format!("channels that divide into {groups} groups"), x));
                }
                let padded = padding.resolve([h, w], *kernel, *stride);
                let output = |size: usize, axis: usize| {
                    let (before, after) = padded[axis];
                    (size + before + after)
                        .checked_sub(kernel[axis])
                        .zip((stride[axis] > 0).then_some(stride[axis]))
                        .map(|(room, stride)| room / stride + 1)
                };
                match (output(h, 0), output(w, 1)) {
                    (Some(h), Some(w)) => Ok(Shape::Map([*filters, h, w])),
                    _ => Err((format!("a map larger than the kernel {kernel:?}"), x)),
                }
            }
            (Op::Add, Some(x)) => match inputs {
                [_, y] if *y != x => Err((format!("two inputs of shape {x}"), *y)),
                _ => Ok(x),
            },
            (Op::GlobalAveragePool, Some(Shape::Map([c, _, _]))) => Ok(Shape::Vector([c])),
            (Op::Flatten, Some(x @ Shape::Map(_))) => Ok(Shape::Vector([x.len()])),
            (Op::BatchNorm { .. }, Some(x @ Shape::Map(_))) => Ok(x),
            (Op::Dense { units }, Some(Shape::Vector(_))) => Ok(Shape::Vector([*units])),
            (Op::Softmax, Some(x @ Shape::Vector(_))) => Ok(x),
            (Op::GlobalAveragePool | Op::Flatten | Op::BatchNorm { .. }, Some(x)) => {
                Err(("a map [C, H, W]".to_owned(), x))
            }
            (Op::Dense { .. } | Op::Softmax, Some(x)) => {
                Err(("a vector [F]; pool or flatten the map first".to_owned(), x))
            }
            (Op::Relu | Op::Relu6 | Op::Sigmoid | Op::Dropout { .. }, Some(x)) => Ok(x),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_larger_half_at_the_bottom_and_right() {
        // TensorFlow: 224 with kernel 3, stride 2 gives 112 and pads one row, at the bottom.
        let padded = Padding::Same.resolve([224, 224], [3, 3], [2, 2]);
        assert_eq!(padded, [(0, 1), (0, 1)]);
        let padded = Padding::Same.resolve([7, 7], [5, 5], [1, 1]);
        assert_eq!(padded, [(2, 2), (2, 2)]);
    }

    #[test]
    fn a_dense_layer_refuses_a_map() {
        let map = Shape::Map([3, 4, 4]);
        assert!(Op::Dense { units: 2 }.output_shape(&[map]).is_err());
    }

    #[test]
    fn a_kernel_larger_than_the_padded_map_is_refused() {
        let op = Op::Conv2d {
            filters: 1,
            kernel: [5, 5],
            stride: [1, 1],
            padding: Padding::Explicit {
                top: 0,
                bottom: 0,
                left: 0,
                right: 0,
            },
            groups: 1,
            bias: false,
        };
        assert!(op.output_shape(&[Shape::Map([1, 4, 4])]).is_err());
    }
}
