//! finial's kernels as operations of Burn: a convolution or a dense layer with all that follows
//! it, forward on the processor ([`flex`]) and backward ([`autodiff`]).
//!
//! Between these operations maps lie channels-last in memory, though their axes are those of
//! Burn's maps, `[N, C, H, W]`; Burn's own operations read them all the same.

mod autodiff;
mod flex;

use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, backend_extension};
use burn::tensor::Tensor;
use finial_kernels::{Factors, Kept};

/// A convolution, what is done to its sums, and what comes of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    pub stride: [usize; 2],
    /// `[(top, bottom), (left, right)]`.
    pub padding: [(usize, usize); 2],
    pub dilation: [usize; 2],
    pub groups: usize,
    /// The least and the largest output; infinite where there is no activation.
    pub limits: [f32; 2],
    /// What factors are rounded to, forward and back.
    pub factors: Factors,
}

impl Options {
    /// A dense layer: a convolution at one pixel.
    pub const fn dense() -> Self {
        Options {
            stride: [1; 2],
            padding: [(0, 0); 2],
            dilation: [1; 2],
            groups: 1,
            limits: [f32::NEG_INFINITY, f32::INFINITY],
            factors: Factors::F32,
        }
    }
}

/// Windows that slide over a map, and what is kept of each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    /// `[(top, bottom), (left, right)]`, less than the window.
    pub padding: [(usize, usize); 2],
    pub kept: Kept,
}

/// The operations. What does not fit together gives NaN, which stops training and says where; the
/// layers have ruled it out.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Kernels: Backend {
    /// `x` `[N, C, H, W]`, `weight` `[F, C / groups, h, w]`, `bias` `[F]`.
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self>;

    /// The same with `residual`, of the output's shape, added before the limits.
    fn convolve_onto(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self>;

    /// `x` `[N, C, H, W]`.
    fn pool(x: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self>;

    /// `weight` `[F, …]` with each filter times its own `factor` `[F]`.
    fn scale_filters(weight: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self>;
}

/// [`Kernels`] on tensors of the processor.
pub(crate) fn convolve(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Tensor<1>,
    residual: Option<Tensor<4>>,
    options: Options,
) -> Tensor<4> {
    let [x, weight] = [x, weight].map(Tensor::into_dispatch);
    let bias = bias.into_dispatch();
    Tensor::from_dispatch(match residual {
        None => <Dispatch as Kernels>::convolve(x, weight, bias, options),
        Some(residual) => {
            let residual = residual.into_dispatch();
            <Dispatch as Kernels>::convolve_onto(x, weight, bias, residual, options)
        }
    })
}

/// [`Kernels::pool`] on tensors of the processor.
pub(crate) fn pool(x: Tensor<4>, windows: Windows) -> Tensor<4> {
    Tensor::from_dispatch(<Dispatch as Kernels>::pool(x.into_dispatch(), windows))
}

/// [`Kernels::scale_filters`] on tensors of the processor.
pub(crate) fn scale_filters(weight: Tensor<4>, factor: Tensor<1>) -> Tensor<4> {
    let (weight, factor) = (weight.into_dispatch(), factor.into_dispatch());
    Tensor::from_dispatch(<Dispatch as Kernels>::scale_filters(weight, factor))
}
