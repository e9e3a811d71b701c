//! Values one behind the other.

use crate::convolution::check_length;
use crate::{Element, KernelError, split};

/// Joins rows: row `i` of `output` is row `i` of each input, one behind the other. An input is
/// its numbers and the length of its rows.
///
/// # Errors
///
/// If an input has another number of rows than the output.
pub fn join<T: Element>(inputs: &[(&[T], usize)], output: &mut [T]) -> Result<(), KernelError> {
    T::join(inputs, output)
}

pub(crate) fn compute<T: Element>(
    inputs: &[(&[T], usize)],
    output: &mut [T],
) -> Result<(), KernelError> {
    let row: usize = inputs.iter().map(|(_, length)| length).sum();
    let rows = output.len() / row.max(1);
    check_length("output", rows * row, output.len())?;
    for (numbers, length) in inputs {
        check_length("input", rows * length, numbers.len())?;
    }
    split::rows(output, row, row, |first, output| {
        for (at, mut output) in output.chunks_exact_mut(row.max(1)).enumerate() {
            for (numbers, length) in inputs {
                let (own, rest) = output.split_at_mut(*length);
                own.copy_from_slice(&numbers[(first + at) * length..][..*length]);
                output = rest;
            }
        }
    });
    Ok(())
}
