//! One node on a device: its operation with its parameters, and what it computes.

use burn::tensor::module::{adaptive_avg_pool2d, conv2d};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData, activation};
use finial_graph::{Graph, Node, Op, Shape, Weights, WeightsError};
use rand::{Rng, RngExt};

use crate::{EngineError, Mode, Value};

/// A tensor of weights, with its full name.
#[derive(Clone)]
pub(crate) struct Parameter<const D: usize> {
    pub(crate) name: String,
    pub(crate) tensor: Tensor<D>,
    /// Whether training moves it; running statistics it leaves alone.
    pub(crate) trained: bool,
}

/// What is done to every parameter of a network, whatever its rank.
pub(crate) trait Visitor {
    fn visit<const D: usize>(&mut self, parameter: &mut Parameter<D>) -> Result<(), EngineError>;
}

/// A node ready to run.
#[derive(Clone)]
pub(crate) enum Layer {
    Input,
    Rescale(Box<Rescaling>),
    Conv2d(Box<Convolution>),
    BatchNorm(Box<Normalisation>),
    Relu,
    Relu6,
    Add,
    GlobalAveragePool,
    Flatten,
    Dropout { rate: f64 },
    Dense(Box<Dense>),
    Softmax,
    Sigmoid,
}

#[derive(Clone)]
pub(crate) struct Rescaling {
    scale: Tensor<1>,
    offset: Tensor<1>,
}

#[derive(Clone)]
pub(crate) struct Convolution {
    weight: Parameter<4>,
    bias: Option<Parameter<1>>,
    options: ConvOptions<2>,
}

#[derive(Clone)]
pub(crate) struct Normalisation {
    weight: Parameter<1>,
    bias: Parameter<1>,
    mean: Parameter<1>,
    variance: Parameter<1>,
    epsilon: f64,
}

#[derive(Clone)]
pub(crate) struct Dense {
    weight: Parameter<2>,
    bias: Parameter<1>,
}

impl Layer {
    /// The layer of a node of `graph`, whose weights were checked.
    pub(crate) fn new(
        graph: &Graph,
        node: &Node,
        weights: &Weights,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let own = Own {
            node: &node.name,
            weights,
            device,
        };
        Ok(match &node.op {
            Op::Input { .. } => Layer::Input,
            Op::Rescale { scale, offset } => Layer::Rescale(Box::new(Rescaling {
                scale: Tensor::from_floats(scale.as_slice(), device),
                offset: Tensor::from_floats(offset.as_slice(), device),
            })),
            Op::Conv2d {
                kernel,
                stride,
                padding,
                groups,
                bias,
                ..
            } => {
                let input = node.inputs.first().map(|name| graph.shape_of(name));
                let Some(Shape::Map([_, h, w])) = input.transpose()? else {
                    return Err(own.wrong(MAP));
                };
                let padding = padding.resolve([h, w], *kernel, *stride);
                Layer::Conv2d(Box::new(Convolution {
                    weight: own.parameter("weight")?,
                    bias: bias.then(|| own.parameter("bias")).transpose()?,
                    options: ConvOptions::new_with_padding(*stride, padding, [1, 1], *groups),
                }))
            }
            Op::BatchNorm { epsilon } => Layer::BatchNorm(Box::new(Normalisation {
                weight: own.parameter("weight")?,
                bias: own.parameter("bias")?,
                mean: own.statistic("running_mean")?,
                variance: own.statistic("running_var")?,
                epsilon: *epsilon,
            })),
            Op::Relu => Layer::Relu,
            Op::Relu6 => Layer::Relu6,
            Op::Add => Layer::Add,
            Op::GlobalAveragePool => Layer::GlobalAveragePool,
            Op::Flatten => Layer::Flatten,
            Op::Dropout { rate } => Layer::Dropout { rate: *rate },
            Op::Dense { .. } => Layer::Dense(Box::new(Dense {
                weight: own.parameter("weight")?,
                bias: own.parameter("bias")?,
            })),
            Op::Softmax => Layer::Softmax,
            Op::Sigmoid => Layer::Sigmoid,
        })
    }

    /// Shows every parameter to `visitor`.
    pub(crate) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        match self {
            Layer::Conv2d(own) => {
                visitor.visit(&mut own.weight)?;
                own.bias.iter_mut().try_for_each(|bias| visitor.visit(bias))
            }
            Layer::BatchNorm(own) => {
                visitor.visit(&mut own.weight)?;
                visitor.visit(&mut own.bias)?;
                visitor.visit(&mut own.mean)?;
                visitor.visit(&mut own.variance)
            }
            Layer::Dense(own) => {
                visitor.visit(&mut own.weight)?;
                visitor.visit(&mut own.bias)
            }
            Layer::Input
            | Layer::Rescale(_)
            | Layer::Relu
            | Layer::Relu6
            | Layer::Add
            | Layer::GlobalAveragePool
            | Layer::Flatten
            | Layer::Dropout { .. }
            | Layer::Softmax
            | Layer::Sigmoid => Ok(()),
        }
    }

    /// What it makes of its inputs; `Err` says what it can take instead, which a graph that holds
    /// together never gets to see.
    pub(crate) fn apply(
        &self,
        x: Value,
        other: Option<Value>,
        mode: &mut Mode,
    ) -> Result<Value, &'static str> {
        Ok(match (self, x) {
            (Layer::Input, x) => x,
            (Layer::Rescale(own), Value::Maps(x)) => {
                Value::Maps(x * along_channels(&own.scale) + along_channels(&own.offset))
            }
            (Layer::Rescale(own), Value::Vectors(x)) => {
                Value::Vectors(x * own.scale.clone().unsqueeze() + own.offset.clone().unsqueeze())
            }
            (Layer::Conv2d(own), Value::Maps(x)) => {
                let weight = own.weight.tensor.clone();
                let bias = own.bias.as_ref().map(|bias| bias.tensor.clone());
                Value::Maps(conv2d(x, weight, bias, own.options.clone()))
            }
            (Layer::BatchNorm(own), Value::Maps(x)) => {
                let deviation = (own.variance.tensor.clone() + own.epsilon).sqrt();
                let scale = own.weight.tensor.clone() / deviation;
                let offset = own.bias.tensor.clone() - own.mean.tensor.clone() * scale.clone();
                Value::Maps(x * along_channels(&scale) + along_channels(&offset))
            }
            (Layer::Relu, Value::Maps(x)) => Value::Maps(activation::relu(x)),
            (Layer::Relu, Value::Vectors(x)) => Value::Vectors(activation::relu(x)),
            (Layer::Relu6, Value::Maps(x)) => Value::Maps(x.clamp(0.0, 6.0)),
            (Layer::Relu6, Value::Vectors(x)) => Value::Vectors(x.clamp(0.0, 6.0)),
            (Layer::Add, x) => match (x, other) {
                (Value::Maps(x), Some(Value::Maps(y))) => Value::Maps(x + y),
                (Value::Vectors(x), Some(Value::Vectors(y))) => Value::Vectors(x + y),
                _ => return Err("two values of one shape"),
            },
            (Layer::GlobalAveragePool, Value::Maps(x)) => {
                let [n, c, _, _] = x.dims();
                Value::Vectors(adaptive_avg_pool2d(x, [1, 1]).reshape([n, c]))
            }
            (Layer::Flatten, Value::Maps(x)) => {
                let [n, c, h, w] = x.dims();
                Value::Vectors(x.reshape([n, c * h * w]))
            }
            (Layer::Dropout { rate }, x) => match mode {
                Mode::Training(rng) if *rate > 0.0 => drop_out(x, *rate, *rng),
                _ => x,
            },
            (Layer::Dense(own), Value::Vectors(x)) => {
                let product = x.matmul(own.weight.tensor.clone().transpose());
                Value::Vectors(product + own.bias.tensor.clone().unsqueeze())
            }
            (Layer::Softmax, Value::Vectors(x)) => Value::Vectors(activation::softmax(x, 1)),
            (Layer::Sigmoid, Value::Maps(x)) => Value::Maps(activation::sigmoid(x)),
            (Layer::Sigmoid, Value::Vectors(x)) => Value::Vectors(activation::sigmoid(x)),
            (
                Layer::Conv2d(_) | Layer::BatchNorm(_) | Layer::GlobalAveragePool | Layer::Flatten,
                Value::Vectors(_),
            ) => return Err(MAP),
            (Layer::Dense(_) | Layer::Softmax, Value::Maps(_)) => return Err("a vector [F]"),
        })
    }
}

const MAP: &str = "a map [C, H, W]";

/// Where the parameters of one node come from.
struct Own<'a> {
    node: &'a str,
    weights: &'a Weights,
    device: &'a Device,
}

impl Own<'_> {
    fn parameter<const D: usize>(&self, suffix: &str) -> Result<Parameter<D>, EngineError> {
        self.load(suffix, true)
    }

    fn statistic<const D: usize>(&self, suffix: &str) -> Result<Parameter<D>, EngineError> {
        self.load(suffix, false)
    }

    fn load<const D: usize>(
        &self,
        suffix: &str,
        trained: bool,
    ) -> Result<Parameter<D>, EngineError> {
        let name = format!("{}.{suffix}", self.node);
        let stored = self.weights.get(&name);
        let shape = stored.and_then(|tensor| <[usize; D]>::try_from(tensor.shape()).ok());
        let (Some(stored), Some(shape)) = (stored, shape) else {
            let fault = format!("`{name}` should have {D} dimensions");
            return Err(WeightsError::Mismatch(fault).into());
        };
        let data = TensorData::new(stored.values().to_vec(), shape);
        Ok(Parameter {
            name,
            tensor: Tensor::from_data(data, self.device),
            trained,
        })
    }

    fn wrong(&self, expected: &'static str) -> EngineError {
        EngineError::WrongValue {
            node: self.node.to_owned(),
            expected,
        }
    }
}

/// `[C]` as it meets `[N, C, H, W]`.
fn along_channels(of_each: &Tensor<1>) -> Tensor<4> {
    let [channels] = of_each.dims();
    of_each.clone().reshape([1, channels, 1, 1])
}

/// Zeroes a share of the numbers and scales the others so that the mean stays.
///
/// The mask is drawn on the host, so the same seed drops the same numbers on every device.
fn drop_out(x: Value, rate: f64, rng: &mut dyn Rng) -> Value {
    let keep = (1.0 / (1.0 - rate)) as f32;
    let mut mask = |count: usize| -> Vec<f32> {
        (0..count)
            .map(|_| if rng.random_bool(rate) { 0.0 } else { keep })
            .collect()
    };
    match x {
        Value::Maps(x) => {
            let dims = x.dims();
            let data = TensorData::new(mask(dims.iter().product()), dims);
            let mask = Tensor::from_data(data, &x.device());
            Value::Maps(x * mask)
        }
        Value::Vectors(x) => {
            let dims = x.dims();
            let data = TensorData::new(mask(dims.iter().product()), dims);
            let mask = Tensor::from_data(data, &x.device());
            Value::Vectors(x * mask)
        }
    }
}
