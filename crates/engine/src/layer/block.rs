//! A convolution or a dense layer with what follows it, by finial's own kernels.

use burn::tensor::Tensor;
use finial_graph::Op;
use finial_kernels::Factors;

use super::attention::Linear;
use super::window::Convolution;
use super::{BatchNorm, Layer, Visitor};
use crate::EngineError;
use crate::Value;
use crate::extension::{Options, convolve, scale_filters};

/// A batch norm goes into weights and bias at each step, so that only tensors of their size are
/// touched for it, and gradients reach its parameters through them. Its statistics stand still, so
/// that this is the same function.
#[derive(Clone)]
pub(crate) struct Block {
    product: Product,
    norm: Option<Box<BatchNorm>>,
    /// Whether a second input is added.
    pub(crate) residual: bool,
    limits: Option<[f32; 2]>,
    /// What its factors are rounded to.
    pub(crate) factors: Factors,
}

#[derive(Clone)]
enum Product {
    Convolution(Box<Convolution>),
    Dense(Box<Linear>),
}

impl Block {
    /// A block that begins with this layer, if one can.
    pub(crate) fn begin(layer: &Layer) -> Option<Self> {
        let product = match layer {
            Layer::Conv2d(own) => Product::Convolution(own.clone()),
            Layer::Dense(own) => Product::Dense(own.clone()),
            _ => return None,
        };
        Some(Block {
            product,
            norm: None,
            residual: false,
            limits: None,
            factors: Factors::F32,
        })
    }

    /// A block that begins with a convolution over a map with zeros put around it.
    pub(crate) fn padded(layer: &Layer, zeros: [(usize, usize); 2]) -> Option<Self> {
        match layer {
            Layer::Conv2d(own) => Block::begin(&Layer::Conv2d(Box::new(own.padded(zeros)))),
            _ => None,
        }
    }

    /// Takes in the layer that reads its output and nothing else, or, where `adds`, a second value
    /// of the same shape. Says whether it did.
    pub(crate) fn take_in(&mut self, layer: &Layer, adds: bool) -> bool {
        let is_map = matches!(self.product, Product::Convolution(_));
        let open = self.limits.is_none();
        match layer {
            Layer::BatchNorm(norm) if is_map && open && self.norm.is_none() && !self.residual => {
                self.norm = Some(norm.clone());
                true
            }
            Layer::Plain(Op::Add) if is_map && open && !self.residual && adds => {
                self.residual = true;
                true
            }
            Layer::Plain(op) if open => {
                self.limits = match op {
                    Op::Relu => Some([0.0, f32::INFINITY]),
                    Op::Relu6 => Some([0.0, 6.0]),
                    Op::Clamp { low, high } => Some([*low as f32, *high as f32]),
                    _ => None,
                };
                self.limits.is_some()
            }
            _ => false,
        }
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        match &mut self.product {
            Product::Convolution(own) => own.visit(visitor)?,
            Product::Dense(own) => own.visit(visitor)?,
        }
        let mut norm = self.norm.iter_mut();
        norm.try_for_each(|norm| norm.visit(visitor))
    }

    /// Its output; `residual` where it adds one.
    pub(super) fn apply(&self, x: Value, residual: Option<Value>) -> Result<Value, &'static str> {
        let own = |options: Options| Options {
            limits: self.limits.unwrap_or(options.limits),
            factors: self.factors,
            ..options
        };
        match (&self.product, x) {
            (Product::Convolution(layer), Value::Maps(x)) => {
                let residual = match residual {
                    None => None,
                    Some(Value::Maps(residual)) => Some(residual),
                    Some(_) => return Err(super::MAP),
                };
                let (mut weight, mut bias) = layer.weight_and_bias();
                if let Some(norm) = &self.norm {
                    let (factor, offset) = norm.factor_and_offset();
                    weight = scale_filters(weight, factor.clone());
                    bias = bias * factor + offset;
                }
                let options = own(layer.options());
                Ok(Value::Maps(convolve(x, weight, bias, residual, options)))
            }
            (Product::Dense(layer), Value::Vectors(x)) => {
                Ok(Value::Vectors(dense(layer, x, own(Options::dense()))))
            }
            (Product::Dense(layer), Value::Tokens(x)) => {
                let [n, t, d] = x.dims();
                let flat = dense(layer, x.reshape([n * t, d]), own(Options::dense()));
                let [_, units] = flat.dims();
                Ok(Value::Tokens(flat.reshape([n, t, units])))
            }
            _ => Err("a map [C, H, W], or a vector [F] or tokens [T, D]"),
        }
    }
}

fn dense(layer: &Linear, x: Tensor<2>, options: Options) -> Tensor<2> {
    let [rows, features] = x.dims();
    let (weight, bias) = layer.weight_and_bias();
    let [units, _] = weight.dims();
    let (x, weight) = (
        x.reshape([rows, features, 1, 1]),
        weight.reshape([units, features, 1, 1]),
    );
    convolve(x, weight, bias, None, options).reshape([rows, units])
}
