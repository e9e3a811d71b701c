//! Images of bytes on their way into a network.

use crate::convolution::check_length;
use crate::lanes::{Lanes, Work, dispatch};
use crate::{Element, Instructions, KernelError, split};

/// `byte × factor + offset`, for pixels of as many channels as there are factors.
///
/// # Errors
///
/// If slices differ in length, or the machine lacks the instructions.
pub fn from_bytes<T: Element>(
    input: &[u8],
    output: &mut [T],
    factors: &[f32],
    offsets: &[f32],
    instructions: Instructions,
) -> Result<(), KernelError> {
    T::from_bytes(input, output, factors, offsets, instructions)
}

pub(crate) fn compute<T: Element>(
    input: &[u8],
    output: &mut [T],
    factors: &[f32],
    offsets: &[f32],
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    check_length("offsets", factors.len(), offsets.len())?;
    check_length("output", input.len(), output.len())?;
    // So many pixels that they fill vectors of every width.
    let row = factors.len().max(1) * 16;
    let repeated = |of: &[f32]| of.iter().copied().cycle().take(row).collect::<Vec<f32>>();
    let (factors, offsets) = (repeated(factors), repeated(offsets));
    split::rows(output, row, row * 2, |first, output| {
        let pixels = Pixels {
            input: &input[first * row..][..output.len()],
            output,
            factors: &factors,
            offsets: &offsets,
        };
        // SAFETY: the machine has the instructions.
        unsafe { dispatch(instructions, pixels) }
    });
    Ok(())
}

struct Pixels<'a, T> {
    input: &'a [u8],
    output: &'a mut [T],
    factors: &'a [f32],
    offsets: &'a [f32],
}

impl<T: Element> Work for Pixels<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let row = self.factors.len();
        let rows = self.input.chunks(row).zip(self.output.chunks_mut(row));
        for (input, output) in rows {
            let numbers = input.iter().zip(self.factors).zip(self.offsets);
            for (to, ((&byte, factor), offset)) in output.iter_mut().zip(numbers) {
                *to = T::from_f32(f32::from(byte) * factor + offset);
            }
        }
    }
}
