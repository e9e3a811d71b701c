//! Transformers: self-attention, the class token, positions.

use burn::tensor::Tensor;
use burn::tensor::module::attention;

use super::parameter::{Own, Parameter, Visitor};
use crate::{EngineError, Value};

#[derive(Clone)]
pub(crate) struct Attention {
    qkv: Linear,
    proj: Linear,
    heads: usize,
}

/// A fully connected layer over the last axis.
#[derive(Clone)]
pub(crate) struct Linear {
    weight: Parameter<2>,
    bias: Parameter<1>,
}

impl Linear {
    pub(super) fn new(own: &mut Own, prefix: &str) -> Result<Self, EngineError> {
        Ok(Linear {
            weight: own.parameter(&format!("{prefix}weight"))?,
            bias: own.parameter(&format!("{prefix}bias"))?,
        })
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        visitor.visit(&mut self.weight)?;
        visitor.visit(&mut self.bias)
    }

    /// As they are now.
    #[cfg(feature = "cpu")]
    pub(super) fn weight_and_bias(&self) -> (Tensor<2>, Tensor<1>) {
        (self.weight.tensor.clone(), self.bias.tensor.clone())
    }

    /// `[N, features]` to `[N, units]`.
    pub(super) fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        let product = x.matmul(self.weight.tensor.clone().transpose());
        product + self.bias.tensor.clone().unsqueeze()
    }

    /// `[N, T, features]` to `[N, T, units]`.
    pub(super) fn apply_to_tokens(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, t, d] = x.dims();
        let units = self.bias.tensor.dims()[0];
        self.apply(x.reshape([n * t, d])).reshape([n, t, units])
    }
}

impl Attention {
    pub(super) fn new(own: &mut Own, heads: usize) -> Result<Self, EngineError> {
        Ok(Attention {
            qkv: Linear::new(own, "qkv.")?,
            proj: Linear::new(own, "proj.")?,
            heads,
        })
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        self.qkv.visit(visitor)?;
        self.proj.visit(visitor)
    }

    /// `[N, T, D]` to `[N, T, D]`.
    pub(super) fn apply(&self, x: Tensor<3>) -> Tensor<3> {
        let [n, t, d] = x.dims();
        let heads = self.heads;
        // [N, T, 3·D] → [N, 3·heads, T, D / heads]
        let all = self
            .qkv
            .apply_to_tokens(x)
            .reshape([n, t, 3 * heads, d / heads])
            .permute([0, 2, 1, 3]);
        let part = |i: usize| all.clone().narrow(1, i * heads, heads);
        let mixed = attention(part(0), part(1), part(2), None, None, Default::default());
        let joined = mixed.permute([0, 2, 1, 3]).reshape([n, t, d]);
        self.proj.apply_to_tokens(joined)
    }
}

/// Puts a learned token before the others.
pub(super) fn prepend(token: &Tensor<1>, x: Tensor<3>) -> Tensor<3> {
    let [n, _, d] = x.dims();
    let token = token.clone().reshape([1, 1, d]).expand([n, 1, d]);
    Tensor::cat(vec![token, x], 1)
}

/// A parameter of a value's own shape.
#[derive(Clone)]
pub(crate) enum Whole {
    Vector(Parameter<1>),
    Tokens(Parameter<2>),
    Map(Parameter<3>),
    Stack(Parameter<4>),
}

impl Whole {
    pub(super) fn new(own: &mut Own, rank: usize) -> Result<Self, EngineError> {
        Ok(match rank {
            1 => Whole::Vector(own.parameter("weight")?),
            2 => Whole::Tokens(own.parameter("weight")?),
            3 => Whole::Map(own.parameter("weight")?),
            _ => Whole::Stack(own.parameter("weight")?),
        })
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        match self {
            Whole::Vector(own) => visitor.visit(own),
            Whole::Tokens(own) => visitor.visit(own),
            Whole::Map(own) => visitor.visit(own),
            Whole::Stack(own) => visitor.visit(own),
        }
    }

    /// Adds it to every value of a batch.
    pub(super) fn add_to(&self, x: Value) -> Value {
        let len = x.shape().len();
        let one = match self {
            Whole::Vector(own) => own.tensor.clone().reshape([1, len]),
            Whole::Tokens(own) => own.tensor.clone().reshape([1, len]),
            Whole::Map(own) => own.tensor.clone().reshape([1, len]),
            Whole::Stack(own) => own.tensor.clone().reshape([1, len]),
        };
        x.each(|x| x + one)
    }
}
