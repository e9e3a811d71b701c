//! Layers on the processor: what a network's time goes into, written for the instructions that a
//! machine has.
//!
//! An operation is made once from its shape and weights, which it packs, and is then run on many
//! inputs. Activations are channels-last, `[images, height, width, channels]`, contiguous and
//! without padding; what an operation needs beyond that it keeps for each thread and uses again.
//!
//! - [`Instructions`]: which instructions there are, and which are used
//! - [`Element`]: the number types of activations, `f32` and [`half::bf16`]
//! - [`Activation`], [`Epilogue`]: what is done to a sum before it is written
//! - [`Convolution`], [`Dense`]: the layers
//!
//! Sums are in 32-bit floating point whatever the element. The same input gives the same bits
//! whatever the number of threads and whatever other images are in the batch. This crate knows
//! nothing of graphs, files or training loops.

mod activation;
#[cfg(target_arch = "x86_64")]
mod amx;
mod convolution;
mod dense;
mod depthwise;
mod element;
mod error;
mod finish;
mod gemm;
mod instructions;
mod scratch;
mod vector;

pub use activation::{Activation, Epilogue};
pub use convolution::{Convolution, ConvolutionShape};
pub use dense::Dense;
pub use element::Element;
pub use error::KernelError;
pub use instructions::Instructions;
