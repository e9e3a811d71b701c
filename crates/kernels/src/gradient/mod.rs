//! The way back through a convolution: gradients with respect to its input, weights and bias.
//!
//! A dense layer is a convolution of one pixel: [`ConvolutionShape::pointwise`] with an input of
//! `[1, 1, inputs]`, and a row for each image.

mod depthwise;
mod input;
mod outer;
#[cfg(target_arch = "x86_64")]
mod tiles;
mod weights;

use rayon::prelude::*;

use crate::convolution::check_length;
use crate::{ConvolutionShape, Factors, Instructions, KernelError, Numbers};

/// Rows of a gradient whose sum is made at once: parts are added up in order, so that the sum is
/// the same for any number of threads, and more exact than one long chain.
const PART: usize = 192;
/// Numbers of a cache line.
const LINE: usize = 16;

/// A convolution's gradients. Each is computed from `gradient`, the one of a loss with respect to
/// the convolution's output, `[images, output height, output width, filters]`.
///
/// ```
/// use finial_kernels::{ConvolutionGradient, ConvolutionShape, Instructions};
///
/// // y = 2 a + 3 b, at one pixel.
/// let shape = ConvolutionShape::pointwise([1, 1, 2], 1);
/// let back = ConvolutionGradient::new(shape, Instructions::detect()?)?;
/// assert_eq!(*back.of_input(&[2.0, 3.0], &[1.0], 1)?, [2.0, 3.0]);
/// let mut of_weights = [0.0; 2];
/// back.of_weights(&[5.0, 7.0], &[1.0], &mut of_weights, 1)?;
/// assert_eq!(of_weights, [5.0, 7.0]);
/// # Ok::<(), finial_kernels::KernelError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ConvolutionGradient {
    shape: ConvolutionShape,
    /// Numbers of an image's output.
    output: usize,
    instructions: Instructions,
    factors: Factors,
}

impl ConvolutionGradient {
    /// The way back through a convolution of `shape`.
    ///
    /// # Errors
    ///
    /// If the shape does not hold together, or the machine lacks the instructions.
    pub fn new(shape: ConvolutionShape, instructions: Instructions) -> Result<Self, KernelError> {
        Ok(Self {
            output: shape.output()?.iter().product(),
            shape,
            instructions: instructions.checked()?,
            factors: Factors::F32,
        })
    }

    /// The same with what factors are rounded to; depthwise they are not.
    #[must_use]
    pub fn with_factors(self, factors: Factors) -> Self {
        Self { factors, ..self }
    }

    /// With respect to the input, `[images, height, width, channels]`; `weights` as [`Convolution::new`](crate::Convolution::new) takes them.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn of_input(
        &self,
        weights: &[f32],
        gradient: &[f32],
        images: usize,
    ) -> Result<Numbers<f32>, KernelError> {
        check_length("weights", self.shape.weights(), weights.len())?;
        self.check_gradient(gradient, images)?;
        let how = (self.instructions, self.factors);
        input::gradient(&self.shape, how, weights, gradient, images)
    }

    /// With respect to the weights: writes `result` as
    /// [`Convolution::new`](crate::Convolution::new) takes weights; `input` is the convolution's.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn of_weights(
        &self,
        input: &[f32],
        gradient: &[f32],
        result: &mut [f32],
        images: usize,
    ) -> Result<(), KernelError> {
        let length = images.saturating_mul(self.shape.input_length());
        check_length("input", length, input.len())?;
        self.check_gradient(gradient, images)?;
        check_length(
            "gradient of the weights",
            self.shape.weights(),
            result.len(),
        )?;
        if self.shape.is_depthwise() {
            depthwise::gradient(&self.shape, self.instructions, input, gradient, result);
        } else {
            let how = (self.instructions, self.factors);
            weights::gradient(&self.shape, how, input, gradient, result);
        }
        Ok(())
    }

    /// With respect to the bias: writes one number a filter to `result`.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn of_bias(
        &self,
        gradient: &[f32],
        result: &mut [f32],
        images: usize,
    ) -> Result<(), KernelError> {
        self.check_gradient(gradient, images)?;
        let filters = self.shape.filters;
        check_length("gradient of the bias", filters, result.len())?;
        let parts = gradient.par_chunks(PART * filters).map(|part| {
            let mut sums = vec![0.0; filters];
            for row in part.chunks_exact(filters) {
                add(&mut sums, row);
            }
            sums
        });
        result.fill(0.0);
        for part in parts.collect::<Vec<_>>() {
            add(result, &part);
        }
        Ok(())
    }

    fn check_gradient(&self, gradient: &[f32], images: usize) -> Result<(), KernelError> {
        let length = images.saturating_mul(self.output);
        check_length("gradient", length, gradient.len())
    }
}

fn add(sums: &mut [f32], row: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += value;
    }
}

/// A pointer that tasks share, each of which writes other numbers.
#[derive(Clone, Copy)]
struct Target(*mut f32);

// SAFETY: a pointer to numbers; those who use it write different ones.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    fn get(self) -> *mut f32 {
        self.0
    }
}
