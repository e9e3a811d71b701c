//! The dense layer: a matrix product with a bias and an activation.

use std::marker::PhantomData;

use crate::convolution::{ConvolutionShape, Product, check_length, unwritten};
use crate::{Activation, Element, Epilogue, Factors, Instructions, KernelError};

/// A dense layer with packed weights, from rows of `T` to rows of `f32` or bf16.
#[derive(Debug)]
pub struct Dense<T: Element> {
    inputs: usize,
    units: usize,
    product: Product,
    element: PhantomData<T>,
}

impl<T: Element> Dense<T> {
    /// Packs `weights`, `[units, inputs]` as PyTorch keeps them, and `bias`, one number a unit.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says, or the machine lacks the instructions.
    pub fn new(
        [inputs, units]: [usize; 2],
        weights: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        T::new_dense([inputs, units], weights, bias, activation, instructions)
    }

    pub(crate) fn make(
        [inputs, units]: [usize; 2],
        weights: &[f32],
        bias: Option<&[f32]>,
        activation: Activation,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        for (what, found) in [("inputs", inputs), ("units", units)] {
            if found == 0 {
                return Err(KernelError::WrongShape {
                    what,
                    expected: "at least 1",
                    found,
                });
            }
        }
        // A row is an image of one pixel.
        let shape = ConvolutionShape::pointwise([1, 1, inputs], units);
        shape.output()?;
        let instructions = instructions.checked()?;
        check_length("weights", inputs * units, weights.len())?;
        let no_bias = if bias.is_none() {
            vec![0.0; units]
        } else {
            Vec::new()
        };
        let bias = bias.unwrap_or(&no_bias);
        check_length("bias", units, bias.len())?;
        let epilogue = Epilogue {
            activation,
            residual: false,
        };
        let pairs = Factors::F32.are_pairs::<T>(instructions);
        let product = Product::new::<T>(shape, weights, bias, epilogue, instructions, pairs);
        Ok(Self {
            inputs,
            units,
            product,
            element: PhantomData,
        })
    }

    /// Numbers in a row of the input and of the output.
    pub fn shape(&self) -> [usize; 2] {
        [self.inputs, self.units]
    }

    /// Runs it over `rows` rows: `input` as `[rows, inputs]`, `output` as `[rows, units]`.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn run<O: Element>(
        &self,
        input: &[T],
        output: &mut [O],
        rows: usize,
    ) -> Result<(), KernelError> {
        T::dense(self, input, output, rows)
    }

    pub(crate) fn compute<O: Element>(
        &self,
        input: &[T],
        output: &mut [O],
        rows: usize,
    ) -> Result<(), KernelError> {
        let count = |one: usize| rows.saturating_mul(one);
        check_length("input", count(self.inputs), input.len())?;
        check_length("output", count(self.units), output.len())?;
        self.product.run(input, None, unwritten(output));
        Ok(())
    }
}
