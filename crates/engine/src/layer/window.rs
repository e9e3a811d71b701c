//! What slides over a map: convolutions and pools.

use burn::tensor::Tensor;
use burn::tensor::module::{avg_pool2d, conv2d, max_pool2d};
use burn::tensor::ops::{AvgPoolOptions, ConvOptions, MaxPoolOptions};
use finial_graph::{Op, reach};
#[cfg(feature = "cpu")]
use finial_kernels::Kept;

use super::parameter::{Own, Parameter, Visitor};
use crate::EngineError;
#[cfg(feature = "cpu")]
use crate::extension::{Options, Windows, pool};

#[derive(Clone)]
pub(crate) struct Convolution {
    weight: Parameter<4>,
    bias: Option<Parameter<1>>,
    options: ConvOptions<2>,
}

impl Convolution {
    /// The convolution `op` over maps of `size` (height, width).
    pub(super) fn new(own: &mut Own, op: &Op, size: [usize; 2]) -> Result<Self, EngineError> {
        let Op::Conv2d {
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
            ..
        } = op
        else {
            return Err(own.wrong("a convolution"));
        };
        let padding = padding.resolve(size, reach(*kernel, *dilation), *stride);
        Ok(Convolution {
            weight: own.parameter("weight")?,
            bias: bias.then(|| own.parameter("bias")).transpose()?,
            options: ConvOptions::new_with_padding(*stride, padding, *dilation, *groups),
        })
    }

    pub(super) fn visit(&mut self, visitor: &mut impl Visitor) -> Result<(), EngineError> {
        visitor.visit(&mut self.weight)?;
        let mut bias = self.bias.iter_mut();
        bias.try_for_each(|bias| visitor.visit(bias))
    }

    /// As they are now; zeros where it has no bias.
    #[cfg(feature = "cpu")]
    pub(super) fn weight_and_bias(&self) -> (Tensor<4>, Tensor<1>) {
        let weight = self.weight.tensor.clone();
        let bias = match &self.bias {
            Some(bias) => bias.tensor.clone(),
            None => Tensor::zeros([weight.dims()[0]], &weight.device()),
        };
        (weight, bias)
    }

    /// The same over maps that have no zeros around them yet: (top, bottom), (left, right).
    #[cfg(feature = "cpu")]
    pub(super) fn padded(&self, zeros: [(usize, usize); 2]) -> Self {
        let mut padded = self.clone();
        padded.options.padding = with_zeros(padded.options.padding, zeros);
        padded
    }

    /// For finial's own kernels, in `f32` and without limits.
    #[cfg(feature = "cpu")]
    pub(super) fn options(&self) -> Options {
        Options {
            stride: self.options.stride,
            padding: self.options.padding,
            dilation: self.options.dilation,
            groups: self.options.groups,
            ..Options::dense()
        }
    }

    pub(super) fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let weight = self.weight.tensor.clone();
        let bias = self.bias.as_ref().map(|bias| bias.tensor.clone());
        conv2d(x, weight, bias, self.options.clone())
    }
}

/// A pool over a map.
#[derive(Clone)]
pub(crate) enum Pool {
    Largest(MaxPoolOptions<2>),
    Mean(AvgPoolOptions<2>),
    /// By finial's own kernels.
    #[cfg(feature = "cpu")]
    Own(Windows),
}

impl Pool {
    /// The pool `op` over maps of `size` (height, width).
    pub(super) fn new(own: &Own, op: &Op, size: [usize; 2]) -> Result<Self, EngineError> {
        match op {
            Op::MaxPool {
                kernel,
                stride,
                padding,
            } => {
                let mut options = MaxPoolOptions::new(*kernel).with_stride(*stride);
                options.padding = padding.resolve(size, *kernel, *stride);
                Ok(Pool::Largest(options))
            }
            Op::AveragePool {
                kernel,
                stride,
                padding,
                count_padding,
            } => {
                let mut options = AvgPoolOptions::new(*kernel).with_stride(*stride);
                options.padding = padding.resolve(size, *kernel, *stride);
                options.count_include_pad = *count_padding;
                Ok(Pool::Mean(options))
            }
            _ => Err(own.wrong("a pool")),
        }
    }

    pub(super) fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Pool::Largest(options) => max_pool2d(x, options.clone()),
            Pool::Mean(options) => avg_pool2d(x, options.clone()),
            #[cfg(feature = "cpu")]
            Pool::Own(windows) => pool(x, *windows),
        }
    }

    /// The same by finial's own kernels, over maps that have no zeros around them yet: (top,
    /// bottom), (left, right). None if they cannot.
    #[cfg(feature = "cpu")]
    pub(crate) fn own(&self, zeros: [(usize, usize); 2]) -> Option<Self> {
        let any = |padding: [(usize, usize); 2]| padding != [(0, 0); 2];
        let (kernel, stride, padding, kept) = match self {
            // Padding never wins, zeros do.
            Pool::Largest(o) if !o.ceil_mode && (!any(zeros) || !any(o.padding)) => {
                let kept = match any(zeros) {
                    true => Kept::LargestWithPadding,
                    false => Kept::Largest,
                };
                (o.kernel_size, o.stride, o.padding, kept)
            }
            Pool::Mean(o) if !o.ceil_mode && !any(zeros) => {
                let kept = match o.count_include_pad {
                    true => Kept::MeanWithPadding,
                    false => Kept::Mean,
                };
                (o.kernel_size, o.stride, o.padding, kept)
            }
            _ => return None,
        };
        let padding = with_zeros(padding, zeros);
        let mut sides = padding.iter().zip(kernel);
        let fits = sides.all(|((before, after), kernel)| *before < kernel && *after < kernel);
        fits.then_some(Pool::Own(Windows {
            kernel,
            stride,
            padding,
            kept,
        }))
    }
}

/// Zeros around a map, and more zeros around that: (top, bottom), (left, right).
#[cfg(feature = "cpu")]
fn with_zeros(padding: [(usize, usize); 2], zeros: [(usize, usize); 2]) -> [(usize, usize); 2] {
    [0, 1].map(|axis| {
        let ((before, after), (more, behind)) = (padding[axis], zeros[axis]);
        (before + more, after + behind)
    })
}
