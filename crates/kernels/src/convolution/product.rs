//! Convolutions that are matrix products, and dense layers: in vectors, or in tiles of bf16.

use std::mem::MaybeUninit;

use super::ConvolutionShape;
use super::implicit::Implicit;
#[cfg(target_arch = "x86_64")]
use super::padded::Padded;
#[cfg(target_arch = "x86_64")]
use super::tiled::Tiled;
use crate::{Element, Epilogue, Instructions};

/// A matrix product from `T`, in whatever the instructions have for it.
#[derive(Debug)]
pub(crate) enum Product {
    Implicit(Implicit),
    #[cfg(target_arch = "x86_64")]
    Tiled(Tiled),
    #[cfg(target_arch = "x86_64")]
    Padded(Padded),
}

impl Product {
    /// For a shape, lengths and instructions that are checked; with factors that are pairs of bf16 or
    /// not.
    pub fn new<T: Element>(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
        instructions: Instructions,
        pairs: bool,
    ) -> Self {
        match instructions {
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx if pairs && Padded::suits(&shape) => {
                Self::Padded(Padded::new(shape, weights, bias, epilogue))
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Amx if pairs => {
                Self::Tiled(Tiled::new::<T>(shape, weights, bias, epilogue))
            }
            _ => Self::Implicit(Implicit::new(
                shape,
                weights,
                bias,
                epilogue,
                instructions,
                pairs,
            )),
        }
    }

    /// With an input of the `T` it was made for; lengths are checked.
    pub fn run<T: Element, O: Element>(
        &self,
        input: &[T],
        residual: Option<&[O]>,
        output: &mut [MaybeUninit<O>],
    ) {
        match self {
            Self::Implicit(plan) => plan.run(input, residual, output),
            #[cfg(target_arch = "x86_64")]
            Self::Tiled(plan) => plan.run(input, residual, output),
            #[cfg(target_arch = "x86_64")]
            Self::Padded(plan) => plan.run(input, residual, output),
        }
    }
}
