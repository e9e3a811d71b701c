//! The operations: what each computes, and the parameters it owns.
//!
//! Which settings and shapes each of them takes is in `rules`.

use serde::{Deserialize, Serialize};

use crate::{Padding, Shape};

/// An operation.
///
/// Shapes are per image; the axes of settings are those of the image's value, without the batch.
/// *Channels* are the first axis of a map and the last one of every other shape, as
/// [`Shape::channels`] counts them. Parameters of a node are tensors named `<node>.<parameter>`;
/// see [`Graph::parameters_of`](crate::Graph::parameters_of).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "op")]
pub enum Op {
    /// Where an image enters: RGB, 0 to 255.
    Input {
        /// Its shape.
        shape: Shape,
    },
    /// The value as it came. Stands for layers that only act in training.
    Identity,

    // Preprocessing.
    /// `x · scale + offset`, one of each per channel: preprocessing, or bringing standardised
    /// targets back to their own unit.
    Rescale {
        /// Factors, `[channels]`.
        scale: Vec<f32>,
        /// Offsets, `[channels]`.
        offset: Vec<f32>,
    },
    /// `(x − mean) / max(√variance, 10⁻⁷)` by stored statistics `mean`, `variance`, each
    /// `[channels]`: Keras's `Normalization`.
    Normalize,
    /// The channels of a map in reverse order: RGB becomes BGR.
    ReverseChannels,

    // Layers with weights.
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
        /// From one row or column that the kernel reads to the next: 1 for neighbours.
        #[serde(default = "neighbours", skip_serializing_if = "are_neighbours")]
        dilation: [usize; 2],
        /// Channels are divided into so many groups; as many as channels: depthwise.
        groups: usize,
        /// Whether a bias is added.
        bias: bool,
    },
    /// A fully connected layer over the channels of a vector, or of each token:
    /// `weight [units, channels]`, `bias [units]`.
    Dense {
        /// Outputs.
        units: usize,
    },
    /// Self-attention between tokens `[T, D]`: `qkv.weight [3·D, D]`, `qkv.bias [3·D]`,
    /// `proj.weight [D, D]`, `proj.bias [D]`. Queries, keys and values stand in this order in
    /// `qkv`, each divided into heads; scores are scaled by `1/√(D / heads)`.
    Attention {
        /// Heads.
        heads: usize,
    },
    /// Puts a learned token before the others: `token [D]`.
    ClassToken,
    /// Adds a learned tensor of the value's own shape: `weight`.
    PositionEmbedding,
    /// Multiplies each channel by a learned factor: `gamma [channels]`.
    LayerScale,

    // Normalisation.
    /// Batch normalisation by running statistics: `weight` if it scales, `bias`, `running_mean`,
    /// `running_var`, each `[channels]`.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
        /// Whether it multiplies by a learned factor; Keras's InceptionV3 does not.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        scale: bool,
    },
    /// Each image's channels at each place brought to mean 0 and variance 1, then
    /// `x · weight + bias`, each `[channels]`.
    LayerNorm {
        /// Added to the variance.
        epsilon: f64,
    },
    /// `x / (bias + alpha / size · Σ x²)^beta`, the sum over `size` neighbouring channels.
    LocalResponseNorm {
        /// Channels that are summed.
        size: usize,
        /// Weight of the sum.
        alpha: f64,
        /// The power.
        beta: f64,
        /// Added to the sum.
        bias: f64,
    },

    // Activations, each number by itself.
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `min(max(x, low), high)`.
    Clamp {
        /// The smallest result.
        low: f64,
        /// The largest result.
        high: f64,
    },
    /// `x` above 0, `slope · x` below.
    LeakyRelu {
        /// Below 0.
        slope: f64,
    },
    /// `x` above 0, `weight · x` below: `weight [channels]`, learned.
    PRelu,
    /// `x` above 0, `alpha · (eˣ − 1)` below.
    Elu {
        /// The limit below, as a positive number.
        alpha: f64,
    },
    /// `1 / (1 + e^−x)`, each by itself.
    Sigmoid,
    /// `min(max(slope · x + offset, 0), 1)`.
    HardSigmoid {
        /// 1/6 in Keras 3 and PyTorch, 0.2 in Keras 2 and by default in ONNX.
        slope: f64,
        /// At 0.
        offset: f64,
    },
    /// `x · sigmoid(x)`, also known as swish.
    Silu,
    /// `x · min(max(x / 6 + 1/2, 0), 1)`.
    HardSwish,
    /// `x · Φ(x)`, Φ the normal distribution.
    Gelu {
        /// By `tanh` instead of by the error function.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        approximate: bool,
    },
    /// Hyperbolic tangent.
    Tanh,
    /// `ln(1 + eˣ)`.
    Softplus,
    /// Rounds to the steps of an 8-bit value and back: what a quantised network does between
    /// its layers. `(clamp(round(x / scale) + zero_point, low, high) − zero_point) · scale`,
    /// halves rounded to even.
    FakeQuantize {
        /// One step.
        scale: f64,
        /// The step that stands for 0.
        zero_point: f64,
        /// The first step.
        low: f64,
        /// The last step.
        high: f64,
    },
    /// Numbers along the last axis as probabilities that sum to one.
    Softmax,

    // Several values.
    /// The sum of two values. The second may also hold one number per channel of the first, as
    /// `[C]` or `[C, 1, 1]`.
    Add,
    /// The product of two values, under the same rule as [`Op::Add`].
    Multiply,
    /// Values of one shape but for `axis`, one behind the other.
    Concat {
        /// The axis along which they are joined.
        axis: usize,
    },
    /// The matrix product over the last two axes, for each place in the axes before them.
    MatMul {
        /// Whether the second is transposed first.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        transposed: bool,
    },

    // Pooling, shape.
    /// The largest number under a window; padding never wins.
    MaxPool {
        /// Height and width of the window.
        kernel: [usize; 2],
        /// Down and right.
        stride: [usize; 2],
        /// Around the map.
        padding: Padding,
    },
    /// The mean under a window.
    AveragePool {
        /// Height and width of the window.
        kernel: [usize; 2],
        /// Down and right.
        stride: [usize; 2],
        /// Around the map.
        padding: Padding,
        /// Whether padding counts as zeros; otherwise the mean is over what is there.
        count_padding: bool,
    },
    /// The mean over height and width of a map, or over the tokens: a vector.
    GlobalAveragePool,
    /// The largest number over height and width of a map, or over the tokens: a vector.
    GlobalMaxPool,
    /// Zeros around a map.
    ZeroPad {
        /// Above.
        top: usize,
        /// Below.
        bottom: usize,
        /// Left.
        left: usize,
        /// Right.
        right: usize,
    },
    /// All numbers in a row: a vector.
    Flatten {
        /// Which axis of a map runs fastest.
        #[serde(default, skip_serializing_if = "is_channels_first")]
        order: Order,
    },
    /// The same numbers, row-major, in another shape.
    Reshape {
        /// The shape.
        shape: Shape,
    },
    /// The axes in another order: axis `i` of the result is axis `axes[i]` of the value.
    Permute {
        /// Each axis once.
        axes: Vec<usize>,
    },
    /// Places `start` to `end`, without `end`, of one axis.
    Slice {
        /// The axis.
        axis: usize,
        /// The first place.
        start: usize,
        /// Behind the last place.
        end: usize,
    },

    // Training.
    /// In training, zeroes a share of the numbers and scales the others up; else nothing.
    Dropout {
        /// The share, in [0, 1).
        rate: f64,
    },
}

/// In which order the numbers of a map stand in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Channel by channel: PyTorch, ONNX.
    #[default]
    ChannelsFirst,
    /// Place by place, all channels of each: Keras.
    ChannelsLast,
}

fn is_channels_first(order: &Order) -> bool {
    *order == Order::ChannelsFirst
}

fn neighbours() -> [usize; 2] {
    [1, 1]
}

fn are_neighbours(dilation: &[usize; 2]) -> bool {
    *dilation == [1, 1]
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// A tensor that a node owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Full name, `<node>.<parameter>`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
}

/// How many values an operation reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arity {
    /// So many.
    Exactly(usize),
    /// So many or more.
    AtLeast(usize),
}

impl Arity {
    /// Whether `count` values are as many as it takes.
    pub fn admits(self, count: usize) -> bool {
        match self {
            Arity::Exactly(n) => count == n,
            Arity::AtLeast(n) => count >= n,
        }
    }
}

impl std::fmt::Display for Arity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Arity::Exactly(n) => write!(f, "{n}"),
            Arity::AtLeast(n) => write!(f, "at least {n}"),
        }
    }
}

impl Op {
    /// Its name as people know it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "Input",
            Op::Identity => "Identity",
            Op::Rescale { .. } => "Rescale",
            Op::Normalize => "Normalize",
            Op::ReverseChannels => "ReverseChannels",
            Op::Conv2d { groups: 1, .. } => "Conv2d",
            Op::Conv2d { .. } => "Conv2d (grouped)",
            Op::Dense { .. } => "Dense",
            Op::Attention { .. } => "Attention",
            Op::ClassToken => "ClassToken",
            Op::PositionEmbedding => "PositionEmbedding",
            Op::LayerScale => "LayerScale",
            Op::BatchNorm { .. } => "BatchNorm",
            Op::LayerNorm { .. } => "LayerNorm",
            Op::LocalResponseNorm { .. } => "LocalResponseNorm",
            Op::Relu => "ReLU",
            Op::Relu6 => "ReLU6",
            Op::Clamp { .. } => "Clamp",
            Op::LeakyRelu { .. } => "LeakyReLU",
            Op::PRelu => "PReLU",
            Op::Elu { .. } => "ELU",
            Op::Sigmoid => "Sigmoid",
            Op::HardSigmoid { .. } => "HardSigmoid",
            Op::Silu => "SiLU",
            Op::HardSwish => "HardSwish",
            Op::Gelu { .. } => "GELU",
            Op::Tanh => "Tanh",
            Op::Softplus => "Softplus",
            Op::FakeQuantize { .. } => "FakeQuantize",
            Op::Softmax => "Softmax",
            Op::Add => "Add",
            Op::Multiply => "Multiply",
            Op::Concat { .. } => "Concat",
            Op::MatMul { .. } => "MatMul",
            Op::MaxPool { .. } => "MaxPool",
            Op::AveragePool { .. } => "AveragePool",
            Op::GlobalAveragePool => "GlobalAveragePool",
            Op::GlobalMaxPool => "GlobalMaxPool",
            Op::ZeroPad { .. } => "ZeroPad",
            Op::Flatten { .. } => "Flatten",
            Op::Reshape { .. } => "Reshape",
            Op::Permute { .. } => "Permute",
            Op::Slice { .. } => "Slice",
            Op::Dropout { .. } => "Dropout",
        }
    }

    /// How many inputs it takes.
    pub fn arity(&self) -> Arity {
        match self {
            Op::Input { .. } => Arity::Exactly(0),
            Op::Add | Op::Multiply | Op::MatMul { .. } => Arity::Exactly(2),
            Op::Concat { .. } => Arity::AtLeast(2),
            _ => Arity::Exactly(1),
        }
    }

    /// The tensors that a node `name` with this operation owns, for an input of that shape.
    pub(crate) fn parameters(&self, name: &str, input: Shape) -> Vec<Parameter> {
        let parameter = |suffix: &str, shape: Vec<usize>| Parameter {
            name: format!("{name}.{suffix}"),
            shape,
        };
        let channels = input.channels();
        let per_channel = |suffix: &str| parameter(suffix, vec![channels]);
        match self {
            Op::Conv2d {
                filters,
                kernel,
                groups,
                bias,
                ..
            } => {
                let depth = channels / (*groups).max(1);
                let mut owned = vec![parameter(
                    "weight",
                    vec![*filters, depth, kernel[0], kernel[1]],
                )];
                if *bias {
                    owned.push(parameter("bias", vec![*filters]));
                }
                owned
            }
            Op::Dense { units } => vec![
                parameter("weight", vec![*units, channels]),
                parameter("bias", vec![*units]),
            ],
            Op::Attention { .. } => {
                let all = channels.saturating_mul(3);
                vec![
                    parameter("qkv.weight", vec![all, channels]),
                    parameter("qkv.bias", vec![all]),
                    parameter("proj.weight", vec![channels, channels]),
                    parameter("proj.bias", vec![channels]),
                ]
            }
            Op::ClassToken => vec![per_channel("token")],
            Op::PositionEmbedding => vec![parameter("weight", input.dims().to_vec())],
            Op::LayerScale => vec![per_channel("gamma")],
            Op::PRelu => vec![per_channel("weight")],
            Op::Normalize => ["mean", "variance"].map(per_channel).to_vec(),
            Op::BatchNorm { scale, .. } => {
                let suffixes = ["weight", "bias", "running_mean", "running_var"];
                let own = suffixes.iter().skip(usize::from(!scale));
                own.map(|suffix| per_channel(suffix)).collect()
            }
            Op::LayerNorm { .. } => ["weight", "bias"].map(per_channel).to_vec(),
            _ => Vec::new(),
        }
    }
}
