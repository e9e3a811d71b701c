//! One node on a device: its operation with its parameters, and what it computes.

mod attention;
mod axes;
#[cfg(feature = "cpu")]
mod block;
mod channels;
mod dropout;
mod parameter;
mod window;

use burn::tensor::module::adaptive_avg_pool2d;
use burn::tensor::{Device, Tensor, activation};
use finial_graph::{Graph, Node, Op, Order, Shape, Weights};

use attention::{Attention, Linear, Whole};
#[cfg(feature = "cpu")]
pub(crate) use block::Block;
use parameter::Own;
pub(crate) use parameter::{Parameter, Visitor};
use window::{Convolution, Pool};

use crate::{EngineError, Mode, Value};

/// A node ready to run.
#[derive(Clone)]
#[expect(clippy::enum_variant_names, reason = "layer norm is the field's name")]
pub(crate) enum Layer {
    /// Operations without parameters are as the graph has them.
    Plain(Op),
    Rescale(Box<Rescaling>),
    Normalize(Box<Statistics>),
    Conv2d(Box<Convolution>),
    Pool(Box<Pool>),
    Dense(Box<Linear>),
    Attention(Box<Attention>),
    ClassToken(Box<Parameter<1>>),
    PositionEmbedding(Box<Whole>),
    LayerScale(Box<Parameter<1>>),
    BatchNorm(Box<BatchNorm>),
    LayerNorm(Box<LayerNorm>),
    PRelu(Box<Parameter<1>>),
    /// Several nodes in one; only networks that are trained on the processor have it.
    #[cfg(feature = "cpu")]
    Block(Box<Block>),
}

#[derive(Clone)]
pub(crate) struct Rescaling {
    scale: Tensor<1>,
    offset: Tensor<1>,
}

#[derive(Clone)]
pub(crate) struct Statistics {
    mean: Parameter<1>,
    variance: Parameter<1>,
}

#[derive(Clone)]
pub(crate) struct BatchNorm {
    weight: Option<Parameter<1>>,
    bias: Parameter<1>,
    running: Statistics,
    epsilon: f64,
}

#[derive(Clone)]
pub(crate) struct LayerNorm {
    weight: Parameter<1>,
    bias: Parameter<1>,
    epsilon: f64,
}

const MAP: &str = "a map [C, H, W]";
const TOKENS: &str = "tokens [T, D]";
const TWO: &str = "two values, the second of the first one's shape or of its channels";

impl Layer {
    /// The layer of a node of `graph`, whose weights were checked and are taken.
    pub(crate) fn new(
        graph: &Graph,
        node: &Node,
        weights: &mut Weights,
        device: &Device,
    ) -> Result<Self, EngineError> {
        let mut own = Own {
            node: &node.name,
            weights,
            device,
        };
        let input = node.inputs.first().map(|name| graph.shape_of(name));
        let input = input.transpose()?;
        let size = match input {
            Some(Shape::Map([_, h, w])) => Ok([h, w]),
            _ => Err(own.wrong(MAP)),
        };
        Ok(match &node.op {
            Op::Rescale { scale, offset } => Layer::Rescale(Box::new(Rescaling {
                scale: Tensor::from_floats(scale.as_slice(), device),
                offset: Tensor::from_floats(offset.as_slice(), device),
            })),
            Op::Normalize => Layer::Normalize(Box::new(Statistics {
                mean: own.statistic("mean")?,
                variance: own.statistic("variance")?,
            })),
            op @ Op::Conv2d { .. } => {
                Layer::Conv2d(Box::new(Convolution::new(&mut own, op, size?)?))
            }
            op @ (Op::MaxPool { .. } | Op::AveragePool { .. }) => {
                Layer::Pool(Box::new(Pool::new(&own, op, size?)?))
            }
            Op::Dense { .. } => Layer::Dense(Box::new(Linear::new(&mut own, "")?)),
            Op::Attention { heads } => {
                Layer::Attention(Box::new(Attention::new(&mut own, *heads)?))
            }
            Op::ClassToken => Layer::ClassToken(Box::new(own.parameter("token")?)),
            Op::PositionEmbedding => {
                let rank = input.map_or(0, |shape| shape.dims().len());
                Layer::PositionEmbedding(Box::new(Whole::new(&mut own, rank)?))
            }
            Op::LayerScale => Layer::LayerScale(Box::new(own.parameter("gamma")?)),
            Op::BatchNorm { epsilon, scale } => Layer::BatchNorm(Box::new(BatchNorm {
                weight: scale.then(|| own.parameter("weight")).transpose()?,
                bias: own.parameter("bias")?,
                running: Statistics {
                    mean: own.statistic("running_mean")?,
                    variance: own.statistic("running_var")?,
                },
                epsilon: *epsilon,
            })),
            Op::LayerNorm { epsilon } => Layer::LayerNorm(Box::new(LayerNorm {
                weight: own.parameter("weight")?,
                bias: own.parameter("bias")?,
                epsilon: *epsilon,
            })),
            Op::PRelu => Layer::PRelu(Box::new(own.parameter("weight")?)),
            op => Layer::Plain(op.clone()),
        })
    }

    /// Shows every parameter to `visitor`.
    pub(crate) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        match self {
            Layer::Plain(_) | Layer::Rescale(_) | Layer::Pool(_) => Ok(()),
            Layer::Normalize(own) => {
                visitor.visit(&mut own.mean)?;
                visitor.visit(&mut own.variance)
            }
            Layer::Conv2d(own) => own.visit(visitor),
            Layer::Dense(own) => own.visit(visitor),
            Layer::Attention(own) => own.visit(visitor),
            Layer::PositionEmbedding(own) => own.visit(visitor),
            Layer::ClassToken(own) | Layer::LayerScale(own) | Layer::PRelu(own) => {
                visitor.visit(own)
            }
            Layer::BatchNorm(own) => own.visit(visitor),
            #[cfg(feature = "cpu")]
            Layer::Block(own) => own.visit(visitor),
            Layer::LayerNorm(own) => {
                visitor.visit(&mut own.weight)?;
                visitor.visit(&mut own.bias)
            }
        }
    }

    /// What it makes of its inputs; `Err` says what it can take instead, which a graph that holds
    /// together never gets to see.
    pub(crate) fn apply(
        &self,
        mut inputs: Vec<Value>,
        mode: &mut Mode,
    ) -> Result<Value, &'static str> {
        if let Layer::Plain(Op::Concat { axis }) = self {
            return axes::concat(inputs, *axis);
        }
        let mut inputs = inputs.drain(..);
        let x = inputs.next().ok_or("an input")?;
        let second = inputs.next();
        Ok(match (self, x) {
            (Layer::Plain(op), x) => return plain(op, x, second, mode),
            (Layer::Rescale(own), x) => channels::scale(x, &own.scale, &own.offset),
            (Layer::Normalize(own), x) => {
                let deviation = own.variance.tensor.clone().sqrt().clamp_min(1e-7);
                let factor = deviation.recip();
                let offset = own.mean.tensor.clone().neg() * factor.clone();
                channels::scale(x, &factor, &offset)
            }
            (Layer::Conv2d(own), Value::Maps(x)) => Value::Maps(own.apply(x)),
            (Layer::Pool(own), Value::Maps(x)) => Value::Maps(own.apply(x)),
            (Layer::Conv2d(_) | Layer::Pool(_), _) => return Err(MAP),
            (Layer::Dense(own), Value::Vectors(x)) => Value::Vectors(own.apply(x)),
            (Layer::Dense(own), Value::Tokens(x)) => Value::Tokens(own.apply_to_tokens(x)),
            (Layer::Dense(_), _) => return Err("a vector [F] or tokens [T, D]"),
            (Layer::Attention(own), Value::Tokens(x)) => Value::Tokens(own.apply(x)),
            (Layer::ClassToken(own), Value::Tokens(x)) => {
                Value::Tokens(attention::prepend(&own.tensor, x))
            }
            (Layer::Attention(_) | Layer::ClassToken(_), _) => return Err(TOKENS),
            (Layer::PositionEmbedding(own), x) => own.add_to(x),
            (Layer::LayerScale(own), x) => channels::multiply(x, &own.tensor),
            (Layer::BatchNorm(own), x) => {
                let (factor, offset) = own.factor_and_offset();
                channels::scale(x, &factor, &offset)
            }
            (Layer::LayerNorm(own), x) => {
                channels::normalise(x, &own.weight.tensor, &own.bias.tensor, own.epsilon)
            }
            (Layer::PRelu(own), x) => channels::prelu(x, &own.tensor),
            #[cfg(feature = "cpu")]
            (Layer::Block(own), x) => return own.apply(x, second),
        })
    }
}

impl BatchNorm {
    fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        let mut weight = self.weight.iter_mut();
        weight.try_for_each(|weight| visitor.visit(weight))?;
        visitor.visit(&mut self.bias)?;
        visitor.visit(&mut self.running.mean)?;
        visitor.visit(&mut self.running.variance)
    }

    /// What each channel is multiplied by, and what is added to it then.
    fn factor_and_offset(&self) -> (Tensor<1>, Tensor<1>) {
        let running = &self.running;
        let deviation = (running.variance.tensor.clone() + self.epsilon).sqrt();
        let factor = match &self.weight {
            Some(weight) => weight.tensor.clone() / deviation,
            None => deviation.recip(),
        };
        let offset = self.bias.tensor.clone() - running.mean.tensor.clone() * factor.clone();
        (factor, offset)
    }
}

/// An operation without parameters.
fn plain(op: &Op, x: Value, second: Option<Value>, mode: &mut Mode) -> Result<Value, &'static str> {
    Ok(match op {
        Op::Input { .. } | Op::Identity => x,
        Op::ReverseChannels => match x {
            Value::Maps(x) => Value::Maps(x.flip([1])),
            _ => return Err(MAP),
        },
        Op::LocalResponseNorm {
            size,
            alpha,
            beta,
            bias,
        } => match x {
            Value::Maps(x) => Value::Maps(channels::normalise_locally(
                x,
                *size,
                [*alpha, *beta, *bias],
            )),
            _ => return Err(MAP),
        },
        Op::Relu => x.each(activation::relu),
        Op::Relu6 => x.each(|x| x.clamp(0.0, 6.0)),
        Op::Clamp { low, high } => x.each(|x| x.clamp(*low, *high)),
        Op::LeakyRelu { slope } => x.each(|x| activation::leaky_relu(x, *slope)),
        // Of large numbers only the side above 0 counts, and the other one must stay finite.
        Op::Elu { alpha } => x.each(|x| {
            let below = (x.clone().clamp_max(0.0).exp() - 1.0) * *alpha;
            activation::relu(x) + below
        }),
        Op::Sigmoid => x.each(activation::sigmoid),
        Op::HardSigmoid { slope, offset } => x.each(|x| (x * *slope + *offset).clamp(0.0, 1.0)),
        Op::Silu => x.each(|x| x.clone() * activation::sigmoid(x)),
        Op::HardSwish => x.each(|x| x.clone() * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        Op::Gelu { approximate: false } => x.each(activation::gelu),
        Op::Gelu { approximate: true } => x.each(activation::gelu_approximate),
        Op::Tanh => x.each(activation::tanh),
        Op::Softplus => x.each(|x| activation::softplus(x, 1.0)),
        Op::FakeQuantize {
            scale,
            zero_point,
            low,
            high,
        } => x.each(|x| {
            let steps = (x.clone() / *scale).round() + *zero_point;
            let rounded = (steps.clamp(*low, *high) - *zero_point) * *scale;
            match mode {
                Mode::Inference => rounded,
                // Steps have no slope: the gradient passes as if nothing were rounded.
                Mode::Training(_) => x.clone() + (rounded - x).detach(),
            }
        }),
        Op::Softmax => match x {
            Value::Maps(x) => Value::Maps(activation::softmax(x, 3)),
            Value::Vectors(x) => Value::Vectors(activation::softmax(x, 1)),
            Value::Tokens(x) => Value::Tokens(activation::softmax(x, 2)),
            Value::Stacks(x) => Value::Stacks(activation::softmax(x, 4)),
        },
        Op::Add => combine(x, second, |x, y| x + y, |x, y| x + y)?,
        Op::Multiply => combine(x, second, |x, y| x * y, |x, y| x * y)?,
        Op::MatMul { transposed } => axes::matmul(x, second.ok_or("two values")?, *transposed)?,
        Op::GlobalAveragePool => match x {
            Value::Maps(x) => {
                let [n, c, _, _] = x.dims();
                Value::Vectors(adaptive_avg_pool2d(x, [1, 1]).reshape([n, c]))
            }
            Value::Tokens(x) => Value::Vectors(x.mean_dim(1).squeeze_dim(1)),
            _ => return Err(MAP),
        },
        Op::GlobalMaxPool => match x {
            Value::Maps(x) => {
                let [n, c, h, w] = x.dims();
                let largest = x.reshape([n, c, h * w]).max_dim(2);
                Value::Vectors(largest.reshape([n, c]))
            }
            Value::Tokens(x) => Value::Vectors(x.max_dim(1).squeeze_dim(1)),
            _ => return Err(MAP),
        },
        Op::ZeroPad {
            top,
            bottom,
            left,
            right,
        } => match x {
            Value::Maps(x) => Value::Maps(x.pad((*left, *right, *top, *bottom), 0.0)),
            _ => return Err(MAP),
        },
        Op::Flatten { order } => match (order, x) {
            (Order::ChannelsLast, Value::Maps(x)) => {
                let places = Value::Maps(x.permute([0, 2, 3, 1]));
                Value::Vectors(places.into_rows())
            }
            (_, x) => Value::Vectors(x.into_rows()),
        },
        Op::Reshape { shape } => Value::from_rows(x.into_rows(), *shape),
        Op::Permute { axes } => axes::permute(x, axes),
        Op::Slice { axis, start, end } => axes::slice(x, *axis, *start, *end),
        Op::Dropout { rate } => match mode {
            Mode::Training(rng) if *rate > 0.0 => dropout::drop_out(x, *rate, *rng),
            _ => x,
        },
        // Made into layers of their own.
        Op::Rescale { .. }
        | Op::Normalize
        | Op::Conv2d { .. }
        | Op::Dense { .. }
        | Op::Attention { .. }
        | Op::ClassToken
        | Op::PositionEmbedding
        | Op::LayerScale
        | Op::BatchNorm { .. }
        | Op::LayerNorm { .. }
        | Op::PRelu
        | Op::MaxPool { .. }
        | Op::AveragePool { .. }
        | Op::Concat { .. } => return Err("parameters"),
    })
}

/// Two values of one shape, or the second with one number per channel of the first.
fn combine(
    x: Value,
    second: Option<Value>,
    whole: impl FnOnce(Tensor<2>, Tensor<2>) -> Tensor<2>,
    per_channel: impl FnOnce(Tensor<4>, Tensor<4>) -> Tensor<4>,
) -> Result<Value, &'static str> {
    let y = second.ok_or(TWO)?;
    if x.shape() == y.shape() {
        return Ok(x.each(|x| whole(x, y.into_rows())));
    }
    if y.shape().len() != x.shape().channels() {
        return Err(TWO);
    }
    let of_channels = y.into_rows();
    Ok(channels::across(x, |x, axis| {
        per_channel(x, axis.of_rows(of_channels))
    }))
}
