//! A factor, an offset and an activation for each number: scales of channels, sums and products
//! of two values, activations by themselves.

use crate::convolution::check_length;
use crate::lanes::{Lanes, Work, dispatch};
use crate::{Activation, Element, Instructions, KernelError, split};

/// Numbers that meet rows of others, one for each number of a row.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a, T> {
    /// One row, which meets every row.
    Shared(&'a [f32]),
    /// Rows of which each meets so many: as many as an image has places, or 1.
    Each(&'a [T], usize),
}

/// `activation(x × factor + offset)` of each number, in place. `values` is rows of `row` numbers.
///
/// # Errors
///
/// If a slice has another length than `values` calls for, or the machine lacks the instructions.
pub fn affine<T: Element>(
    values: &mut [T],
    row: usize,
    factor: Option<Operand<'_, T>>,
    offset: Option<Operand<'_, T>>,
    activation: Activation,
    instructions: Instructions,
) -> Result<(), KernelError> {
    T::affine(values, row, factor, offset, activation, instructions)
}

pub(crate) fn compute<T: Element>(
    values: &mut [T],
    row: usize,
    factor: Option<Operand<'_, T>>,
    offset: Option<Operand<'_, T>>,
    activation: Activation,
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    let row = row.max(1);
    let rows = values.len() / row;
    check_length("values", rows * row, values.len())?;
    for operand in [factor, offset].into_iter().flatten() {
        match operand {
            Operand::Shared(numbers) => check_length("operand", row, numbers.len())?,
            Operand::Each(numbers, every) => {
                let expected = rows.div_ceil(every.max(1)) * row;
                check_length("operand", expected, numbers.len())?;
            }
        }
    }
    // Curves take some twenty operations.
    let cost = row * if activation.limits().is_some() { 1 } else { 20 };
    split::rows(values, row, cost, |first, values| {
        let some = Rows {
            values,
            row,
            first,
            factor,
            offset,
            activation,
        };
        // SAFETY: the machine has the instructions; operands have as many numbers as rows need.
        unsafe { dispatch(instructions, some) }
    });
    Ok(())
}

/// Some rows, from the `first` of all on.
struct Rows<'a, T> {
    values: &'a mut [T],
    row: usize,
    first: usize,
    factor: Option<Operand<'a, T>>,
    offset: Option<Operand<'a, T>>,
    activation: Activation,
}

/// Where the numbers are that meet one row.
#[derive(Clone, Copy)]
enum Row<T> {
    Absent,
    Single(*const f32),
    Element(*const T),
}

impl<T: Element> Row<T> {
    /// The numbers that meet row `at`, from `from` on.
    #[inline(always)]
    fn of(operand: Option<Operand<'_, T>>, at: usize, row: usize) -> Self {
        match operand {
            None => Self::Absent,
            Some(Operand::Shared(numbers)) => Self::Single(numbers.as_ptr()),
            Some(Operand::Each(numbers, every)) => {
                Self::Element(numbers[at / every.max(1) * row..][..row].as_ptr())
            }
        }
    }

    #[inline(always)]
    unsafe fn load<V: Lanes>(self, at: usize, count: usize) -> Option<V> {
        // SAFETY: the caller stays within the row.
        unsafe {
            match self {
                Self::Absent => None,
                Self::Single(from) => Some(V::load_some(from.add(at), count)),
                Self::Element(from) => Some(V::load_some(from.add(at), count)),
            }
        }
    }
}

impl<T: Element> Work for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for (at, values) in self.values.chunks_exact_mut(self.row).enumerate() {
            let factor = Row::of(self.factor, self.first + at, self.row);
            let offset = Row::of(self.offset, self.first + at, self.row);
            for at in (0..self.row).step_by(V::COUNT) {
                let count = (self.row - at).min(V::COUNT);
                // SAFETY: all reads and writes are within the row.
                unsafe {
                    let to = values.as_mut_ptr().add(at);
                    let x = V::load_some(to, count);
                    let x = match (factor.load::<V>(at, count), offset.load::<V>(at, count)) {
                        (None, None) => x,
                        (None, Some(offset)) => x.add(offset),
                        (Some(factor), None) => x.mul(factor),
                        (Some(factor), Some(offset)) => offset.add_product(x, factor),
                    };
                    self.activation.of(x).store_some(to, count);
                }
            }
        }
    }
}
