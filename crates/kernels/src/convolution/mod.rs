//! The convolution: made once from its shape and weights, run on many images.
//!
//! This file checks and chooses; how sums are made is in the files beside it.

mod gather;
mod implicit;
#[cfg(target_arch = "x86_64")]
mod padded;
mod product;
mod shape;
#[cfg(target_arch = "x86_64")]
mod tiled;
mod winograd;

use std::mem::MaybeUninit;

pub(crate) use gather::{Layout, copy_bytes};
pub(crate) use product::Product;
pub use shape::ConvolutionShape;

use crate::depthwise::Depthwise;
use crate::{Element, Epilogue, Factors, Instructions, KernelError, Numbers};
use winograd::Winograd;

/// A convolution with packed weights, a bias and an epilogue.
///
/// ```
/// use finial_kernels::{Convolution, ConvolutionShape, Epilogue, Instructions};
///
/// let shape = ConvolutionShape::pointwise([1, 2, 2], 1);
/// let sum = Convolution::<f32>::new(
///     shape, &[1.0, 1.0], Some(&[0.5]), Epilogue::default(), Instructions::detect()?,
/// )?;
/// let mut output = [0.0; 2];
/// sum.run(&[1.0, 2.0, 3.0, 4.0], None, &mut output, 1)?;
/// assert_eq!(output, [3.5, 7.5]);
/// # Ok::<(), finial_kernels::KernelError>(())
/// ```
#[derive(Debug)]
pub struct Convolution<T: Element> {
    shape: ConvolutionShape,
    output: [usize; 3],
    epilogue: Epilogue,
    plan: Plan<T>,
}

/// The ways to the same numbers.
#[derive(Debug)]
enum Plan<T: Element> {
    Product(Product),
    Winograd(Winograd),
    Depthwise(Depthwise<T>),
}

/// How long weights stay as they are.
#[derive(Clone, Copy, Debug)]
pub enum Use {
    /// For many runs.
    Often,
    /// For one.
    Once {
        /// How many images it has.
        images: usize,
        /// What factors are rounded to.
        factors: Factors,
    },
}

impl Use {
    /// What factors are rounded to.
    fn factors(self) -> Factors {
        match self {
            Use::Often => Factors::F32,
            Use::Once { factors, .. } => factors,
        }
    }

    /// Whether it pays to transform the filters: a filter's transform takes as long as what it
    /// saves at a few pixels.
    fn pays(self, shape: &ConvolutionShape) -> bool {
        match self {
            Use::Often => true,
            Use::Once { images, .. } => {
                let [height, width, filters] = shape.output_unchecked();
                images.saturating_mul(height * width) >= shape.input[2] * filters / 4
            }
        }
    }
}

impl<T: Element> Convolution<T> {
    /// Packs `weights`, `[filters, channels / groups, kernel height, kernel width]` as PyTorch
    /// keeps them, and `bias`, one number a filter.
    ///
    /// # Errors
    ///
    /// If the shape does not hold together, a slice has another length than it says, or the
    /// machine lacks the instructions.
    pub fn new(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: Option<&[f32]>,
        epilogue: Epilogue,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        let kept = Use::Often;
        T::new_convolution(shape, weights, bias, epilogue, instructions, kept)
    }

    /// As [`Self::new`], for weights that are used once, on so many images: nothing is prepared
    /// that would take longer than it saves. Depthwise, factors are not rounded.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn once(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: Option<&[f32]>,
        epilogue: Epilogue,
        instructions: Instructions,
        images: usize,
        factors: Factors,
    ) -> Result<Self, KernelError> {
        let once = Use::Once { images, factors };
        T::new_convolution(shape, weights, bias, epilogue, instructions, once)
    }

    pub(crate) fn make(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: Option<&[f32]>,
        epilogue: Epilogue,
        instructions: Instructions,
        to_be_used: Use,
    ) -> Result<Self, KernelError> {
        let output = shape.output()?;
        let instructions = instructions.checked()?;
        let count = shape.weights();
        check_length("weights", count, weights.len())?;
        let no_bias = if bias.is_none() {
            vec![0.0; shape.filters]
        } else {
            Vec::new()
        };
        let bias = bias.unwrap_or(&no_bias);
        check_length("bias", shape.filters, bias.len())?;
        let pairs = to_be_used.factors().are_pairs::<T>(instructions);
        let exact = T::NAME == "f32" && !pairs;
        let plan = if shape.is_depthwise() {
            Plan::Depthwise(Depthwise::new(shape, weights, bias, epilogue, instructions))
        } else if exact && Winograd::suits(&shape) && to_be_used.pays(&shape) {
            Plan::Winograd(Winograd::new(shape, weights, bias, epilogue, instructions))
        } else {
            Plan::Product(Product::new::<T>(
                shape,
                weights,
                bias,
                epilogue,
                instructions,
                pairs,
            ))
        };
        Ok(Self {
            shape,
            output,
            epilogue,
            plan,
        })
    }

    /// Height, width and channels of the output.
    pub fn output(&self) -> [usize; 3] {
        self.output
    }

    /// The shape it was made with.
    pub fn shape(&self) -> &ConvolutionShape {
        &self.shape
    }

    /// Runs it over `images` images: `input` as `[images, height, width, channels]`, `output` and
    /// `residual` as `[images, output height, output width, filters]`. Uses the threads of the
    /// rayon pool that it is called in.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says, or a residual is missing or too much.
    pub fn run(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        output: &mut [T],
        images: usize,
    ) -> Result<(), KernelError> {
        T::convolution(self, input, residual, output, images)
    }

    /// As [`Self::run`], with the output in memory of its own.
    ///
    /// # Errors
    ///
    /// As [`Self::run`].
    pub fn apply(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        images: usize,
    ) -> Result<Numbers<T>, KernelError> {
        T::convolved(self, input, residual, images)
    }

    pub(crate) fn convolved(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        images: usize,
    ) -> Result<Numbers<T>, KernelError> {
        let length = images.saturating_mul(self.output.iter().product());
        self.check(input, residual, length, images)?;
        // Each plan writes a number for each filter at each place of the output.
        let output = match &self.plan {
            Plan::Product(plan) => {
                Numbers::written_by(length, |room| plan.run(input, residual, room))
            }
            Plan::Winograd(plan) => {
                Numbers::written_by(length, |room| plan.run(input, residual, room))
            }
            Plan::Depthwise(plan) => {
                let mut output = Numbers::zeros(length);
                plan.run(input, residual, &mut output, images);
                output
            }
        };
        Ok(output)
    }

    pub(crate) fn compute(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        output: &mut [T],
        images: usize,
    ) -> Result<(), KernelError> {
        self.check(input, residual, output.len(), images)?;
        match &self.plan {
            Plan::Product(plan) => plan.run(input, residual, unwritten(output)),
            Plan::Winograd(plan) => plan.run(input, residual, unwritten(output)),
            Plan::Depthwise(plan) => plan.run(input, residual, output, images),
        }
        Ok(())
    }

    fn check(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        output: usize,
        images: usize,
    ) -> Result<(), KernelError> {
        let count = |one: usize| images.saturating_mul(one);
        check_length("input", count(self.shape.input_length()), input.len())?;
        check_length("output", count(self.output.iter().product()), output)?;
        if residual.is_some() != self.epilogue.residual {
            return Err(KernelError::Residual {
                expected: self.epilogue.residual,
            });
        }
        if let Some(residual) = residual {
            check_length("residual", output, residual.len())?;
        }
        Ok(())
    }
}

/// An output that is about to be written.
pub(crate) fn unwritten<T>(output: &mut [T]) -> &mut [MaybeUninit<T>] {
    let (start, length) = (output.as_mut_ptr().cast(), output.len());
    // SAFETY: the same numbers; kernels write numbers to it, and nothing else.
    unsafe { std::slice::from_raw_parts_mut(start, length) }
}

pub(crate) fn check_length(
    what: &'static str,
    expected: usize,
    found: usize,
) -> Result<(), KernelError> {
    if expected == found {
        Ok(())
    } else {
        Err(KernelError::WrongLength {
            what,
            expected,
            found,
        })
    }
}
