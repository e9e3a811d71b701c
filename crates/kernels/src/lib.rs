//! Layers on the processor: what a network's time goes into, written for the instructions that a
//! machine has.
//!
//! An operation is made once from its shape and weights, which it packs, and is then run on many
//! inputs. Activations are channels-last, `[images, height, width, channels]`, contiguous and
//! without padding; what an operation needs beyond that it keeps for each thread and uses again.
//!
//! - [`Instructions`]: which instructions there are, and which are used
//! - [`Element`]: the number types of activations, `f32` and [`half::bf16`]; [`Factors`]: what
//!   activations of `f32` may be rounded to inside a product
//! - [`Activation`], [`Epilogue`]: what is done to a sum before it is written
//! - [`Convolution`], [`Dense`]: the layers; [`ConvolutionGradient`]: the way back through them
//! - [`Pooling`], [`pool_all`], [`affine`], [`layer_norm`], [`softmax`], [`attend`], [`multiply`],
//!   [`join`], [`from_bytes`]: what stands between them
//!
//! Sums are in 32-bit floating point whatever the element. The same input gives the same bits
//! whatever the number of threads and whatever other images are in the batch. This crate knows
//! nothing of graphs, files or training loops.

mod activation;
mod affine;
#[cfg(target_arch = "x86_64")]
mod amx;
mod compiled;
mod convolution;
mod curve;
mod dense;
mod depthwise;
mod element;
mod error;
mod finish;
mod gemm;
mod gradient;
mod instructions;
mod join;
mod lanes;
mod norm;
mod pixels;
mod pooling;
mod product;
mod scratch;
mod split;
mod vector;

pub use activation::{Activation, Epilogue};
pub use affine::{Operand, affine};
pub use convolution::{Convolution, ConvolutionShape};
pub use dense::Dense;
pub use element::{Element, Factors};
pub use error::KernelError;
pub use gradient::ConvolutionGradient;
pub use instructions::Instructions;
pub use join::join;
pub use norm::{layer_norm, softmax};
pub use pixels::from_bytes;
pub use pooling::{Kept, Pooling, pool_all};
pub use product::{attend, multiply};
pub use scratch::{Numbers, trim_heap, zeros};
