//! The number types that activations are kept in.

use half::bf16;

use crate::Instructions;
use crate::compiled::Compiled;
use crate::vector::has_pairs;

/// What the factors of products of `f32` are rounded to; sums are in `f32` for both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Factors {
    /// Nothing.
    #[default]
    F32,
    /// bf16, where the instructions multiply it.
    Bf16,
}

impl Factors {
    /// Whether products with an input of `T` are of pairs of bf16.
    pub(crate) fn are_pairs<T: Element>(self, instructions: Instructions) -> bool {
        (T::NAME == "bf16" || self == Self::Bf16) && has_pairs(instructions)
    }
}

/// A number of an activation: `f32` or [`half::bf16`]. Sums are in `f32` for both.
pub trait Element:
    Copy + Default + PartialEq + std::fmt::Debug + Send + Sync + Compiled + 'static
{
    /// The type's name, as in `f32`.
    const NAME: &'static str;

    /// The number nearest to `value`, ties to even.
    fn from_f32(value: f32) -> Self;

    /// The same number in 32 bits.
    fn to_f32(self) -> f32;
}

impl Element for f32 {
    const NAME: &'static str = "f32";

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        self
    }
}

impl Element for bf16 {
    const NAME: &'static str = "bf16";

    /// Written out, so that a loop of it becomes vector instructions.
    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        let bits = value.to_bits();
        let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) >> 16;
        let nan = (bits >> 16) | 0x40;
        Self::from_bits(if value.is_nan() { nan } else { rounded } as u16)
    }

    #[inline(always)]
    fn to_f32(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_to_bf16_is_to_nearest_even() {
        let step = if cfg!(miri) { 7_654_321 } else { 65_521 };
        for bits in (0..=u32::MAX).step_by(step) {
            let value = f32::from_bits(bits);
            let (ours, theirs) = (<bf16 as Element>::from_f32(value), bf16::from_f32(value));
            assert!(
                ours == theirs || value.is_nan() && ours.is_nan(),
                "{value:e}"
            );
        }
    }
}
