//! Rows of numbers brought to mean 0 and variance 1, or to a sum of 1.

use crate::convolution::check_length;
use crate::lanes::{Lanes, Work, dispatch};
use crate::{Element, Instructions, KernelError, split};

/// `(x − mean) / √(variance + epsilon) × weight + bias` of each row of `input`, a row as long as
/// `weight`.
///
/// # Errors
///
/// If a slice has another length than that, or the machine lacks the instructions.
pub fn layer_norm<T: Element>(
    input: &[T],
    output: &mut [T],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    instructions: Instructions,
) -> Result<(), KernelError> {
    T::layer_norm(input, output, weight, bias, epsilon, instructions)
}

pub(crate) fn compute_layer_norm<T: Element>(
    input: &[T],
    output: &mut [T],
    weight: &[f32],
    bias: &[f32],
    epsilon: f32,
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    let row = weight.len().max(1);
    check_length("bias", weight.len(), bias.len())?;
    check_length("input", output.len(), input.len())?;
    check_length("output", output.len() / row * row, output.len())?;
    split::rows(output, row, row * 4, |first, output| {
        let rows = LayerNorm {
            input: &input[first * row..][..output.len()],
            output,
            weight,
            bias,
            epsilon,
        };
        // SAFETY: the machine has the instructions; lengths are checked.
        unsafe { dispatch(instructions, rows) }
    });
    Ok(())
}

/// `exp(x) / Σ exp(x)` over each row of `row` numbers, in place.
///
/// # Errors
///
/// If `values` are no whole rows, or the machine lacks the instructions.
pub fn softmax<T: Element>(
    values: &mut [T],
    row: usize,
    instructions: Instructions,
) -> Result<(), KernelError> {
    T::softmax(values, row, instructions)
}

pub(crate) fn compute_softmax<T: Element>(
    values: &mut [T],
    row: usize,
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    let row = row.max(1);
    check_length("values", values.len() / row * row, values.len())?;
    split::rows(values, row, row * 20, |_, values| {
        // SAFETY: the machine has the instructions.
        unsafe { dispatch(instructions, Softmax { values, row }) }
    });
    Ok(())
}

struct LayerNorm<'a, T> {
    input: &'a [T],
    output: &'a mut [T],
    weight: &'a [f32],
    bias: &'a [f32],
    epsilon: f32,
}

impl<T: Element> Work for LayerNorm<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let row = self.weight.len().max(1);
        let rows = self.input.chunks_exact(row);
        for (input, output) in rows.zip(self.output.chunks_exact_mut(row)) {
            // SAFETY: vectors lie within rows of as many numbers as there are weights.
            unsafe {
                let mut sum = V::splat(0.0);
                for at in (0..row).step_by(V::COUNT) {
                    sum = sum.add(V::load_some(input.as_ptr().add(at), V::COUNT.min(row - at)));
                }
                let mean = sum.sum() / row as f32;
                let mut squares = V::splat(0.0);
                for at in (0..row).step_by(V::COUNT) {
                    let count = V::COUNT.min(row - at);
                    let off = V::load_some(input.as_ptr().add(at), count).sub(V::splat(mean));
                    squares = squares.add_product(off, off);
                }
                // The empty lanes of the last vector held −mean.
                let empty = row.next_multiple_of(V::COUNT) - row;
                let squares = squares.sum() - empty as f32 * mean * mean;
                let factor = V::splat(1.0 / (squares.max(0.0) / row as f32 + self.epsilon).sqrt());
                for at in (0..row).step_by(V::COUNT) {
                    let count = V::COUNT.min(row - at);
                    let off = V::load_some(input.as_ptr().add(at), count).sub(V::splat(mean));
                    let weight = V::load_some(self.weight.as_ptr().add(at), count);
                    let bias = V::load_some(self.bias.as_ptr().add(at), count);
                    let value = bias.add_product(off.mul(factor), weight);
                    value.store_some(output.as_mut_ptr().add(at), count);
                }
            }
        }
    }
}

struct Softmax<'a, T> {
    values: &'a mut [T],
    row: usize,
}

impl<T: Element> Work for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let mut exponentials = vec![0.0f32; self.row];
        for values in self.values.chunks_exact_mut(self.row) {
            for (to, value) in exponentials.iter_mut().zip(&*values) {
                *to = value.to_f32();
            }
            // SAFETY: as the caller says.
            let factor = unsafe { exponentiate::<V>(&mut exponentials, 1.0) };
            for (value, exponential) in values.iter_mut().zip(&exponentials) {
                *value = T::from_f32(exponential * factor);
            }
        }
    }
}

/// Makes every number `exp(scale × (x − largest))` and gives 1 / Σ of them.
///
/// # Safety
///
/// The processor has the instructions of `V`.
#[inline(always)]
pub(crate) unsafe fn exponentiate<V: Lanes>(values: &mut [f32], scale: f32) -> f32 {
    let whole = values.len() / V::COUNT * V::COUNT;
    let (vectors, rest) = values.split_at_mut(whole);
    // SAFETY: vectors lie within the first part, the rest is shorter than one.
    unsafe {
        let mut largest = V::splat(f32::NEG_INFINITY);
        for at in (0..whole).step_by(V::COUNT) {
            largest = V::load(vectors.as_ptr().add(at)).max(largest);
        }
        let largest = rest.iter().copied().fold(largest.largest(), f32::max);
        let exponential = |x: V| x.sub(V::splat(largest)).mul(V::splat(scale)).exp();
        let mut sum = V::splat(0.0);
        for at in (0..whole).step_by(V::COUNT) {
            let to = vectors.as_mut_ptr().add(at);
            let value = exponential(V::load(to));
            value.store(to);
            sum = sum.add(value);
        }
        let mut sum = sum.sum();
        if !rest.is_empty() {
            let value = exponential(V::load_some(rest.as_ptr(), rest.len()));
            value.store_some(rest.as_mut_ptr(), rest.len());
            sum += rest.iter().sum::<f32>();
        }
        1.0 / sum
    }
}
