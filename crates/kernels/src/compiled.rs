//! The doors to the kernels, compiled in this crate for each element.
//!
//! What is generic is compiled by the crate that calls it, again in each, and with that crate's
//! settings. So a generic function of this crate's surface only calls one of these.

use half::bf16;

use crate::convolution::Use;
use crate::{
    Activation, Convolution, ConvolutionShape, Dense, Element, Epilogue, Instructions, KernelError,
    Numbers, Operand, Pooling, affine, join, norm, pixels, product,
};

type Done = Result<(), KernelError>;

/// Declares the doors, and opens each for both elements.
macro_rules! doors {
    ($(fn $door:ident($($name:ident: $type:ty),* $(,)?) -> $result:ty = $kernel:expr;)*) => {
        /// Kernels are compiled for these types and no others.
        pub trait Compiled: Sized {
            $(fn $door($($name: $type),*) -> $result
            where
                Self: Element;)*
            fn dense<O: Element>(layer: &Dense<Self>, input: &[Self], output: &mut [O], rows: usize) -> Done
            where
                Self: Element;
        }

        impl Compiled for f32 {
            $(fn $door($($name: $type),*) -> $result { $kernel($($name),*) })*

            fn dense<O: Element>(layer: &Dense<f32>, input: &[f32], output: &mut [O], rows: usize) -> Done {
                O::of_dense_f32(layer, input, output, rows)
            }
        }

        impl Compiled for bf16 {
            $(fn $door($($name: $type),*) -> $result { $kernel($($name),*) })*

            fn dense<O: Element>(layer: &Dense<bf16>, input: &[bf16], output: &mut [O], rows: usize) -> Done {
                O::of_dense_bf16(layer, input, output, rows)
            }
        }
    };
}

doors! {
    fn new_convolution(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: Option<&[f32]>,
        epilogue: Epilogue,
        instructions: Instructions,
        to_be_used: Use,
    ) -> Result<Convolution<Self>, KernelError> = Convolution::make;
    fn convolution(
        layer: &Convolution<Self>,
        input: &[Self],
        residual: Option<&[Self]>,
        output: &mut [Self],
        images: usize,
    ) -> Done = Convolution::compute;
    fn convolved(
        layer: &Convolution<Self>,
        input: &[Self],
        residual: Option<&[Self]>,
        images: usize,
    ) -> Result<Numbers<Self>, KernelError> = Convolution::convolved;
    fn new_dense(
        shape: [usize; 2],
        weights: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
        instructions: Instructions,
    ) -> Result<Dense<Self>, KernelError> = Dense::make;
    fn of_dense_f32(
        layer: &Dense<f32>,
        input: &[f32],
        output: &mut [Self],
        rows: usize,
    ) -> Done = Dense::compute;
    fn of_dense_bf16(
        layer: &Dense<bf16>,
        input: &[bf16],
        output: &mut [Self],
        rows: usize,
    ) -> Done = Dense::compute;
    fn pooling(
        pooling: &Pooling,
        input: &[Self],
        output: &mut [Self],
        images: usize,
    ) -> Done = Pooling::compute;
    fn affine(
        values: &mut [Self],
        row: usize,
        factor: Option<Operand<'_, Self>>,
        offset: Option<Operand<'_, Self>>,
        activation: Activation,
        instructions: Instructions,
    ) -> Done = affine::compute;
    fn layer_norm(
        input: &[Self],
        output: &mut [Self],
        weight: &[f32],
        bias: &[f32],
        epsilon: f32,
        instructions: Instructions,
    ) -> Done = norm::compute_layer_norm;
    fn softmax(
        values: &mut [Self],
        row: usize,
        instructions: Instructions,
    ) -> Done = norm::compute_softmax;
    fn multiply(
        extents: [usize; 3],
        transposed: bool,
        first: &[Self],
        second: &[Self],
        output: &mut [Self],
        instructions: Instructions,
    ) -> Done = product::compute_product;
    fn attend(
        extents: [usize; 3],
        input: &[Self],
        output: &mut [Self],
        instructions: Instructions,
    ) -> Done = product::compute_attention;
    fn join(
        inputs: &[(&[Self], usize)],
        output: &mut [Self],
    ) -> Done = join::compute;
    fn from_bytes(
        input: &[u8],
        output: &mut [Self],
        factors: &[f32],
        offsets: &[f32],
        instructions: Instructions,
    ) -> Done = pixels::compute;
}
