//! Vectors for everything but matrix products: either element in memory, `f32` in registers, and
//! ends of rows that fill no whole vector.
//!
//! A kernel is written once, as [`Work`] over [`Lanes`], and [`dispatch`] compiles it for each set
//! of instructions.

use half::bf16;

use crate::{Element, Instructions};

/// A vector of `f32`.
///
/// # Safety
///
/// Methods may be called where the processor has the instructions of the implementing type.
/// Pointers are to as many elements as are read or written, of any alignment.
pub(crate) trait Lanes: Copy {
    /// Numbers in a vector.
    const COUNT: usize;

    /// One number everywhere.
    unsafe fn splat(value: f32) -> Self;
    /// [`Self::COUNT`] elements.
    unsafe fn load<T: Element>(from: *const T) -> Self;
    /// The first `count` elements, at most [`Self::COUNT`]; zeros behind them.
    unsafe fn load_some<T: Element>(from: *const T, count: usize) -> Self;
    /// Writes all.
    unsafe fn store<T: Element>(self, to: *mut T);
    /// Writes the first `count`, at most [`Self::COUNT`].
    unsafe fn store_some<T: Element>(self, to: *mut T, count: usize);
    /// `self + other`
    unsafe fn add(self, other: Self) -> Self;
    /// `self − other`
    unsafe fn sub(self, other: Self) -> Self;
    /// `self × other`
    unsafe fn mul(self, other: Self) -> Self;
    /// `self / other`
    unsafe fn div(self, other: Self) -> Self;
    /// `self + a × b`
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// The larger one; a NaN of `self` stays.
    unsafe fn max(self, other: Self) -> Self;
    /// The smaller one; a NaN of `self` stays.
    unsafe fn min(self, other: Self) -> Self;
    /// The nearest whole number, halves to even.
    unsafe fn round(self) -> Self;
    /// 2 to the power of whole numbers from −126 to 127.
    unsafe fn power_of_two(self) -> Self;
    /// `below` where `self` is below 0, else `otherwise`.
    unsafe fn if_below_zero(self, below: Self, otherwise: Self) -> Self;
    /// All numbers added up, always in the same order.
    unsafe fn sum(self) -> f32;
    /// The largest of all numbers.
    unsafe fn largest(self) -> f32;

    /// e to the power of each, within 2 units in the last place; 0 far below, a huge finite
    /// number or infinity far above.
    #[inline(always)]
    unsafe fn exp(self) -> Self {
        // SAFETY: the caller's processor has the instructions.
        unsafe {
            // Beyond these the result leaves the normal numbers.
            let x = self.max(Self::splat(-87.0)).min(Self::splat(88.0));
            let whole = x.mul(Self::splat(std::f32::consts::LOG2_E)).round();
            // ln 2 in two parts, so that the rest is exact.
            let rest = x
                .add_product(whole, Self::splat(-0.693_359_4))
                .add_product(whole, Self::splat(2.121_944_4e-4));
            let mut sum = Self::splat(1.987_569_1e-4);
            for coefficient in [
                1.398_199_9e-3,
                8.333_452e-3,
                4.166_579_6e-2,
                1.666_666_5e-1,
                0.5,
                1.0,
                1.0,
            ] {
                sum = Self::splat(coefficient).add_product(sum, rest);
            }
            sum.mul(whole.power_of_two())
        }
    }
}

/// Code to be compiled for each set of instructions. Its `run` must be `#[inline(always)]`, and so
/// must be what it calls.
pub(crate) trait Work {
    /// What it gives.
    type Output;

    /// Runs it.
    ///
    /// # Safety
    ///
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Lanes>(self) -> Self::Output;
}

/// Runs `work` compiled for `instructions`.
///
/// # Safety
///
/// The machine has them.
pub(crate) unsafe fn dispatch<W: Work>(instructions: Instructions, work: W) -> W::Output {
    match instructions {
        #[cfg(target_arch = "x86_64")]
        Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx => {
            // SAFETY: the caller says that the machine has them.
            unsafe { x86::avx512(work) }
        }
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Instructions::Avx2 => unsafe { x86::avx2(work) },
        // SAFETY: arrays need no instructions of their own; NEON is always there on aarch64, and
        // the compiler makes its vectors of them.
        _ => unsafe { work.run::<[f32; 8]>() },
    }
}

/// Whether elements are `f32`; the only others are bf16.
#[inline(always)]
const fn is_single<T: Element>() -> bool {
    size_of::<T>() == size_of::<f32>()
}

impl Lanes for [f32; 8] {
    const COUNT: usize = 8;

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        [value; 8]
    }

    #[inline(always)]
    unsafe fn load<T: Element>(from: *const T) -> Self {
        // SAFETY: the caller gives eight elements.
        std::array::from_fn(|lane| unsafe { from.add(lane).read_unaligned() }.to_f32())
    }

    #[inline(always)]
    unsafe fn load_some<T: Element>(from: *const T, count: usize) -> Self {
        std::array::from_fn(|lane| match lane < count {
            // SAFETY: the caller gives `count` elements.
            true => unsafe { from.add(lane).read_unaligned() }.to_f32(),
            false => 0.0,
        })
    }

    #[inline(always)]
    unsafe fn store<T: Element>(self, to: *mut T) {
        for (lane, value) in self.into_iter().enumerate() {
            // SAFETY: the caller gives room for eight elements.
            unsafe { to.add(lane).write_unaligned(T::from_f32(value)) };
        }
    }

    #[inline(always)]
    unsafe fn store_some<T: Element>(self, to: *mut T, count: usize) {
        for (lane, value) in self.into_iter().enumerate().take(count) {
            // SAFETY: the caller gives room for `count` elements.
            unsafe { to.add(lane).write_unaligned(T::from_f32(value)) };
        }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + other[lane])
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] - other[lane])
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] * other[lane])
    }

    #[inline(always)]
    unsafe fn div(self, other: Self) -> Self {
        std::array::from_fn(|lane| self[lane] / other[lane])
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + a[lane] * b[lane])
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        std::array::from_fn(|lane| match self[lane] < other[lane] {
            true => other[lane],
            false => self[lane],
        })
    }

    #[inline(always)]
    unsafe fn min(self, other: Self) -> Self {
        std::array::from_fn(|lane| match self[lane] > other[lane] {
            true => other[lane],
            false => self[lane],
        })
    }

    #[inline(always)]
    unsafe fn round(self) -> Self {
        // Adding and taking away 1.5 × 2²³ leaves no bits for a fraction.
        const MAGIC: f32 = 12_582_912.0;
        std::array::from_fn(|lane| match self[lane].abs() < 4_194_304.0 {
            true => (self[lane] + MAGIC) - MAGIC,
            false => self[lane],
        })
    }

    #[inline(always)]
    unsafe fn power_of_two(self) -> Self {
        std::array::from_fn(|lane| f32::from_bits(((self[lane] as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    unsafe fn if_below_zero(self, below: Self, otherwise: Self) -> Self {
        std::array::from_fn(|lane| match self[lane] < 0.0 {
            true => below[lane],
            false => otherwise[lane],
        })
    }

    #[inline(always)]
    unsafe fn sum(self) -> f32 {
        self.into_iter().sum()
    }

    #[inline(always)]
    unsafe fn largest(self) -> f32 {
        self.into_iter().fold(f32::NEG_INFINITY, f32::max)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! AVX2 and AVX-512.

    use std::arch::x86_64::*;

    use super::{Element, Lanes, Work, bf16, is_single};

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<W: Work>(work: W) -> W::Output {
        // SAFETY: this function is called where the processor has the instructions.
        unsafe { work.run::<__m256>() }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn avx512<W: Work>(work: W) -> W::Output {
        // SAFETY: as above.
        unsafe { work.run::<__m512>() }
    }

    // Every method below is called where the processor has the type's instructions, with pointers
    // to as many elements as it reads or writes: the trait's conditions.

    impl Lanes for __m256 {
        const COUNT: usize = 8;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the trait's conditions, here and below.
            unsafe { _mm256_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load<T: Element>(from: *const T) -> Self {
            // SAFETY: see `splat`.
            unsafe {
                if is_single::<T>() {
                    _mm256_loadu_ps(from.cast())
                } else {
                    let wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(from.cast()));
                    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(wide))
                }
            }
        }

        #[inline(always)]
        unsafe fn load_some<T: Element>(from: *const T, count: usize) -> Self {
            // SAFETY: see `splat`; the array has eight elements.
            unsafe {
                if count == Self::COUNT {
                    return Self::load(from);
                }
                let mut all = [T::default(); 8];
                std::ptr::copy_nonoverlapping(from, all.as_mut_ptr(), count);
                Self::load(all.as_ptr())
            }
        }

        #[inline(always)]
        unsafe fn store<T: Element>(self, to: *mut T) {
            // SAFETY: see `splat`.
            unsafe {
                if is_single::<T>() {
                    _mm256_storeu_ps(to.cast(), self);
                    return;
                }
                let mut values = [0.0f32; 8];
                _mm256_storeu_ps(values.as_mut_ptr(), self);
                let rounded = values.map(<bf16 as Element>::from_f32);
                to.cast::<[bf16; 8]>().write_unaligned(rounded);
            }
        }

        #[inline(always)]
        unsafe fn store_some<T: Element>(self, to: *mut T, count: usize) {
            // SAFETY: see `splat`; the array has eight elements.
            unsafe {
                if count == Self::COUNT {
                    return self.store(to);
                }
                let mut all = [T::default(); 8];
                self.store(all.as_mut_ptr());
                std::ptr::copy_nonoverlapping(all.as_ptr(), to, count);
            }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_sub_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_mul_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn div(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_div_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_fmadd_ps(a, b, self) }
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            // SAFETY: see `splat`. The second operand is what a NaN of either gives.
            unsafe { _mm256_max_ps(other, self) }
        }

        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_min_ps(other, self) }
        }

        #[inline(always)]
        unsafe fn round(self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm256_round_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self) }
        }

        #[inline(always)]
        unsafe fn power_of_two(self) -> Self {
            // SAFETY: see `splat`.
            unsafe {
                let biased = _mm256_add_epi32(_mm256_cvtps_epi32(self), _mm256_set1_epi32(127));
                _mm256_castsi256_ps(_mm256_slli_epi32::<23>(biased))
            }
        }

        #[inline(always)]
        unsafe fn if_below_zero(self, below: Self, otherwise: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe {
                let is_below = _mm256_cmp_ps::<_CMP_LT_OQ>(self, _mm256_setzero_ps());
                _mm256_blendv_ps(otherwise, below, is_below)
            }
        }

        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            let mut values = [0.0f32; 8];
            // SAFETY: see `splat`.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self) };
            values.into_iter().sum()
        }

        #[inline(always)]
        unsafe fn largest(self) -> f32 {
            let mut values = [0.0f32; 8];
            // SAFETY: see `splat`.
            unsafe { _mm256_storeu_ps(values.as_mut_ptr(), self) };
            values.into_iter().fold(f32::NEG_INFINITY, f32::max)
        }
    }

    /// The first `count` of sixteen lanes.
    #[inline(always)]
    fn first(count: usize) -> __mmask16 {
        if count >= 16 {
            u16::MAX
        } else {
            (1 << count) - 1
        }
    }

    /// Rounded to bf16, to nearest even.
    #[inline(always)]
    unsafe fn rounded(values: __m512) -> __m256i {
        // SAFETY: the trait's conditions.
        unsafe {
            let bits = _mm512_castps_si512(values);
            let high = _mm512_srli_epi32::<16>(bits);
            let odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
            let up = _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff)));
            let nearest = _mm512_srli_epi32::<16>(up);
            let is_nan = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(values, values);
            let quiet = _mm512_or_si512(high, _mm512_set1_epi32(0x40));
            _mm512_cvtepi32_epi16(_mm512_mask_mov_epi32(nearest, is_nan, quiet))
        }
    }

    #[inline(always)]
    unsafe fn widened(values: __m256i) -> __m512 {
        // SAFETY: the trait's conditions.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<16>(_mm512_cvtepu16_epi32(values))) }
    }

    impl Lanes for __m512 {
        const COUNT: usize = 16;

        #[inline(always)]
        unsafe fn splat(value: f32) -> Self {
            // SAFETY: the trait's conditions, here and below.
            unsafe { _mm512_set1_ps(value) }
        }

        #[inline(always)]
        unsafe fn load<T: Element>(from: *const T) -> Self {
            // SAFETY: see `splat`.
            unsafe {
                if is_single::<T>() {
                    _mm512_loadu_ps(from.cast())
                } else {
                    widened(_mm256_loadu_si256(from.cast()))
                }
            }
        }

        #[inline(always)]
        unsafe fn load_some<T: Element>(from: *const T, count: usize) -> Self {
            // SAFETY: see `splat`; lanes that are masked out are not read.
            unsafe {
                if is_single::<T>() {
                    _mm512_maskz_loadu_ps(first(count), from.cast())
                } else {
                    widened(_mm256_maskz_loadu_epi16(first(count), from.cast()))
                }
            }
        }

        #[inline(always)]
        unsafe fn store<T: Element>(self, to: *mut T) {
            // SAFETY: see `splat`.
            unsafe {
                if is_single::<T>() {
                    _mm512_storeu_ps(to.cast(), self);
                } else {
                    _mm256_storeu_si256(to.cast(), rounded(self));
                }
            }
        }

        #[inline(always)]
        unsafe fn store_some<T: Element>(self, to: *mut T, count: usize) {
            // SAFETY: see `splat`; lanes that are masked out are not written.
            unsafe {
                if is_single::<T>() {
                    _mm512_mask_storeu_ps(to.cast(), first(count), self);
                } else {
                    _mm256_mask_storeu_epi16(to.cast(), first(count), rounded(self));
                }
            }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_sub_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_mul_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn div(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_div_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            // SAFETY: see `splat`. The second operand is what a NaN of either gives.
            unsafe { _mm512_max_ps(other, self) }
        }

        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_min_ps(other, self) }
        }

        #[inline(always)]
        unsafe fn round(self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_roundscale_ps::<0>(self) }
        }

        #[inline(always)]
        unsafe fn power_of_two(self) -> Self {
            // SAFETY: see `splat`.
            unsafe { _mm512_scalef_ps(_mm512_set1_ps(1.0), self) }
        }

        #[inline(always)]
        unsafe fn if_below_zero(self, below: Self, otherwise: Self) -> Self {
            // SAFETY: see `splat`.
            unsafe {
                let is_below = _mm512_cmp_ps_mask::<_CMP_LT_OQ>(self, _mm512_setzero_ps());
                _mm512_mask_mov_ps(otherwise, is_below, below)
            }
        }

        #[inline(always)]
        unsafe fn sum(self) -> f32 {
            // SAFETY: see `splat`.
            unsafe { _mm512_reduce_add_ps(self) }
        }

        #[inline(always)]
        unsafe fn largest(self) -> f32 {
            // SAFETY: see `splat`.
            unsafe { _mm512_reduce_max_ps(self) }
        }
    }
}
