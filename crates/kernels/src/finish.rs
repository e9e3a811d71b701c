//! From sums to outputs: bias, residual, activation, rounding.

use std::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use half::bf16;

use crate::vector::{Kernel, Vector};
use crate::{Activation, Element};

/// Numbers handled together.
const CHUNK: usize = 16;

/// Where a block of sums goes: rows of some filters, in an output of all.
#[derive(Clone, Copy)]
pub(crate) struct Place<T> {
    /// The first row's first number.
    pub output: *mut T,
    /// The residual's number that belongs to it; null if there is none.
    pub residual: *const T,
    /// Numbers from one row to the next, of both.
    pub pitch: usize,
}

impl<T> Place<T> {
    /// The place `count` numbers further.
    ///
    /// # Safety
    ///
    /// Both tensors are as long.
    pub unsafe fn at(self, count: usize) -> Self {
        // SAFETY: the caller says so; a null stays one.
        unsafe {
            let residual = if self.residual.is_null() {
                self.residual
            } else {
                self.residual.add(count)
            };
            Self {
                output: self.output.add(count),
                residual,
                pitch: self.pitch,
            }
        }
    }
}

impl<T: Element> Place<T> {
    /// The same place, if its numbers are `f32`.
    pub fn as_f32(self) -> Option<Place<f32>> {
        (T::NAME == "f32").then(|| Place {
            output: self.output.cast(),
            residual: self.residual.cast(),
            pitch: self.pitch,
        })
    }

    /// The same place, if its numbers are bf16.
    #[cfg(target_arch = "x86_64")]
    pub fn as_bf16(self) -> Option<Place<bf16>> {
        (T::NAME == "bf16").then(|| Place {
            output: self.output.cast(),
            residual: self.residual.cast(),
            pitch: self.pitch,
        })
    }
}

/// A place that tasks share, each of which writes other numbers.
pub(crate) struct Shared<T>(Place<T>);

// SAFETY: the pointers are to numbers, and those who use them write different ones.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// A whole output of rows of so many filters, and its residual.
    pub fn whole(output: &mut [MaybeUninit<T>], residual: Option<&[T]>, filters: usize) -> Self {
        Self(Place {
            output: output.as_mut_ptr().cast(),
            residual: residual.map_or(std::ptr::null(), <[T]>::as_ptr),
            pitch: filters,
        })
    }
}

impl<T: Copy> Shared<T> {
    /// The place.
    pub fn get(&self) -> Place<T> {
        self.0
    }
}

/// Sums of some rows and filters, `[rows, pitch]`.
#[derive(Clone, Copy)]
pub(crate) struct Sums<'a> {
    pub numbers: *const f32,
    pub pitch: usize,
    pub rows: usize,
    /// One for each filter; says how many filters.
    pub bias: &'a [f32],
}

/// Writes `activation(sum + bias + residual)`. The sums, the output and the residual, if any, have
/// the rows and filters that are said.
pub(crate) struct Finish<'a, T> {
    pub sums: Sums<'a>,
    pub activation: Activation,
    pub place: Place<T>,
}

impl<T: Element> Kernel for Finish<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        // SAFETY: as the type says.
        unsafe { finish(self.sums, self.activation, self.place) }
    }
}

/// What [`Finish`] does, inside another kernel.
///
/// # Safety
///
/// The sums, the output and the residual, if any, have the rows and filters that are said.
#[inline(always)]
pub(crate) unsafe fn finish<T: Element>(sums: Sums, activation: Activation, place: Place<T>) {
    // The commonest are compiled for themselves; for all others the choice stays in the loop.
    // SAFETY: as the caller says.
    unsafe {
        match activation {
            Activation::None => rows(sums, place, |x| x),
            Activation::Relu => rows(sums, place, |x| Activation::Relu.apply(x)),
            Activation::Clamp { low, high } => {
                rows(sums, place, |x| Activation::Clamp { low, high }.apply(x));
            }
            Activation::Silu => rows(sums, place, |x| Activation::Silu.apply(x)),
            Activation::HardSwish => rows(sums, place, |x| Activation::HardSwish.apply(x)),
            Activation::Gelu => rows(sums, place, |x| Activation::Gelu.apply(x)),
            other => rows(sums, place, |x| other.apply(x)),
        }
    }
}

#[inline(always)]
unsafe fn rows<T: Element>(sums: Sums, place: Place<T>, apply: impl Fn(f32) -> f32 + Copy) {
    for row in 0..sums.rows {
        // SAFETY: within the rows and filters that the caller gives; arrays are read and written
        // unaligned.
        unsafe {
            let from = sums.numbers.add(row * sums.pitch);
            let to = place.output.add(row * place.pitch);
            let added = if place.residual.is_null() {
                place.residual
            } else {
                place.residual.add(row * place.pitch)
            };
            let mut at = 0;
            while at + CHUNK <= sums.bias.len() {
                let mut values = from.add(at).cast::<[f32; CHUNK]>().read_unaligned();
                let bias = sums
                    .bias
                    .as_ptr()
                    .add(at)
                    .cast::<[f32; CHUNK]>()
                    .read_unaligned();
                for (value, bias) in values.iter_mut().zip(bias) {
                    *value += bias;
                }
                if !added.is_null() {
                    let added = added.add(at).cast::<[T; CHUNK]>().read_unaligned();
                    for (value, added) in values.iter_mut().zip(added) {
                        *value += added.to_f32();
                    }
                }
                let mut written = [T::default(); CHUNK];
                for (written, value) in written.iter_mut().zip(values) {
                    *written = T::from_f32(apply(value));
                }
                to.add(at).cast::<[T; CHUNK]>().write_unaligned(written);
                at += CHUNK;
            }
            for at in at..sums.bias.len() {
                let mut value = *from.add(at) + *sums.bias.as_ptr().add(at);
                if !added.is_null() {
                    value += (*added.add(at)).to_f32();
                }
                *to.add(at) = T::from_f32(apply(value));
            }
        }
    }
}
