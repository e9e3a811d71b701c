//! The dense layer: a matrix product with a bias and an activation.

use rayon::prelude::*;

use crate::convolution::check_length;
use crate::{Activation, Element, Instructions, KernelError};

/// A dense layer with packed weights, from rows of `T` to rows of `f32` or `T`.
#[derive(Debug)]
pub struct Dense<T: Element> {
    inputs: usize,
    units: usize,
    /// `[inputs, units]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
    element: std::marker::PhantomData<T>,
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
        for (what, found) in [("inputs", inputs), ("units", units)] {
            if found == 0 {
                return Err(KernelError::WrongShape {
                    what,
                    expected: "at least 1",
                    found,
                });
            }
        }
        instructions.checked()?;
        let count = inputs
            .checked_mul(units)
            .ok_or(KernelError::TooLarge { what: "weights" })?;
        check_length("weights", count, weights.len())?;
        let bias = bias.map_or_else(|| vec![0.0; units], <[f32]>::to_vec);
        check_length("bias", units, bias.len())?;
        let packed = (0..count)
            .map(|at| weights[(at % units) * inputs + at / units])
            .collect();
        let element = std::marker::PhantomData;
        Ok(Self {
            inputs,
            units,
            weights: packed,
            bias,
            activation,
            element,
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
        let count = |one: usize| rows.saturating_mul(one);
        check_length("input", count(self.inputs), input.len())?;
        check_length("output", count(self.units), output.len())?;
        output
            .par_chunks_exact_mut(self.units)
            .enumerate()
            .for_each(|(row, output)| {
                let mut sums = self.bias.clone();
                let input = &input[row * self.inputs..][..self.inputs];
                for (value, weights) in input.iter().zip(self.weights.chunks_exact(self.units)) {
                    let value = value.to_f32();
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum += value * weight;
                    }
                }
                for (out, sum) in output.iter_mut().zip(sums) {
                    *out = O::from_f32(self.activation.apply(sum));
                }
            });
        Ok(())
    }
}
