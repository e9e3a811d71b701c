//! Vectors of 32-bit numbers, one type for each set of instructions, and the door into code that
//! is compiled for them.
//!
//! A kernel is written once over [`Vector`] and runs through [`dispatch`], which compiles it for
//! each set and picks by [`Instructions`]. Everything in it is inlined into a function with the
//! processor's features, so its loops over plain numbers become vector instructions too.

use half::bf16;

use crate::{Element, Instructions};

/// A vector of `f32`. Of pairs of bf16 instead, where [`Vector::PAIRS`]: a factor's 32 bits are
/// then two numbers, and a product is the sum of two.
///
/// # Safety
///
/// Methods may be called where the processor has the instructions. Pointers are to as many
/// numbers as are read or written, of any alignment.
pub(crate) unsafe trait Vector: Copy {
    /// Numbers in a vector.
    const WIDTH: usize;
    /// Vectors side by side in a tile of sums.
    const ACROSS: usize;
    /// Rows of a tile of sums: as many as the registers hold.
    const ROWS: usize;
    /// Whether factors are pairs of bf16.
    const PAIRS: bool = false;
    /// Filters in a panel of weights.
    const PANEL: usize = Self::WIDTH * Self::ACROSS;

    /// Zeros.
    unsafe fn zero() -> Self;
    /// [`Self::WIDTH`] numbers.
    unsafe fn load(from: *const f32) -> Self;
    /// Writes them.
    unsafe fn store(self, to: *mut f32);
    /// One number everywhere.
    unsafe fn splat(from: *const f32) -> Self;
    /// `self + a × b`
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self;
    /// `self + other`; not of pairs.
    unsafe fn add(self, other: Self) -> Self;
    /// `self − other`; not of pairs.
    unsafe fn sub(self, other: Self) -> Self;
    /// At least `low`, at most `high`; a NaN stays one. Not of pairs.
    unsafe fn clamp(self, low: Self, high: Self) -> Self;
    /// Rounds `count` numbers to bf16.
    #[inline(always)]
    unsafe fn narrow(from: *const f32, to: *mut bf16, count: usize) {
        for at in 0..count {
            // SAFETY: the caller gives as many on both sides.
            unsafe { *to.add(at) = Element::from_f32(*from.add(at)) };
        }
    }
}

/// Asks for a cache line that will be read; any address is allowed.
#[inline(always)]
pub(crate) fn prefetch(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: a prefetch reads nothing that the program could see, and never faults.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(line.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = line;
}

/// Code to be compiled for each set of instructions. Its `run` must be `#[inline(always)]`.
pub(crate) trait Kernel {
    /// Runs it.
    ///
    /// # Safety
    ///
    /// The processor has the instructions of `V`.
    unsafe fn run<V: Vector>(self);
}

/// Numbers of a vector and vectors of a panel, for `instructions` and pairs of bf16 or not:
/// `[width, panel, rows]`.
pub(crate) fn extents(instructions: Instructions, pairs: bool) -> [usize; 3] {
    struct Extents<'a>(&'a mut [usize; 3]);
    impl Kernel for Extents<'_> {
        #[inline(always)]
        unsafe fn run<V: Vector>(self) {
            *self.0 = [V::WIDTH, V::PANEL, V::ROWS];
        }
    }
    let mut extents = [0; 3];
    // SAFETY: constants are read, no instruction of the vector's is run.
    unsafe { dispatch(instructions, pairs, Extents(&mut extents)) };
    extents
}

/// Whether pairs of bf16 are multiplied by `instructions` themselves.
pub(crate) fn has_pairs(instructions: Instructions) -> bool {
    matches!(instructions, Instructions::Avx512Bf16 | Instructions::Amx)
}

/// Runs `kernel` compiled for `instructions`.
///
/// # Safety
///
/// The machine has the instructions; `pairs` only where [`has_pairs`].
pub(crate) unsafe fn dispatch<K: Kernel>(instructions: Instructions, pairs: bool, kernel: K) {
    // SAFETY: the caller says that the machine has them.
    unsafe {
        match (instructions, pairs) {
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512Bf16 | Instructions::Amx, true) => x86::avx512_bf16(kernel),
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx512 | Instructions::Avx512Bf16 | Instructions::Amx, _) => {
                x86::avx512(kernel);
            }
            #[cfg(target_arch = "x86_64")]
            (Instructions::Avx2, _) => x86::avx2(kernel),
            #[cfg(target_arch = "aarch64")]
            (Instructions::Neon, _) => neon::neon(kernel),
            _ => kernel.run::<[f32; 8]>(),
        }
    }
}

// SAFETY: plain arithmetic, which every processor has.
unsafe impl Vector for [f32; 8] {
    const WIDTH: usize = 8;
    const ACROSS: usize = 1;
    const ROWS: usize = 4;

    #[inline(always)]
    unsafe fn zero() -> Self {
        [0.0; 8]
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller gives eight numbers; the read asks for no alignment.
        unsafe { from.cast::<Self>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: the caller gives room for eight numbers; the write asks for no alignment.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }

    #[inline(always)]
    unsafe fn splat(from: *const f32) -> Self {
        // SAFETY: the caller gives one number.
        [unsafe { from.read_unaligned() }; 8]
    }

    #[inline(always)]
    unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + a[lane] * b[lane])
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
    unsafe fn clamp(self, low: Self, high: Self) -> Self {
        let least = |a: f32, b: f32| if a < b { a } else { b };
        let most = |a: f32, b: f32| if a > b { a } else { b };
        std::array::from_fn(|lane| least(high[lane], most(low[lane], self[lane])))
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    //! AVX2, AVX-512, and AVX-512 with pairs of bf16.

    use std::arch::x86_64::*;

    use half::bf16;

    use super::{Kernel, Vector};

    #[target_feature(enable = "avx2,fma")]
    pub fn avx2<K: Kernel>(kernel: K) {
        // SAFETY: this function is called where the processor has the instructions.
        unsafe { kernel.run::<__m256>() }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]
    pub fn avx512<K: Kernel>(kernel: K) {
        // SAFETY: as above.
        unsafe { kernel.run::<__m512>() }
    }

    #[target_feature(enable = "avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")]
    pub fn avx512_bf16<K: Kernel>(kernel: K) {
        // SAFETY: as above.
        unsafe { kernel.run::<Pairs>() }
    }

    /// Sixteen sums of pairs of bf16.
    #[derive(Clone, Copy)]
    pub struct Pairs(__m512);

    // SAFETY: each method runs instructions that AVX2 or FMA has.
    unsafe impl Vector for __m256 {
        const WIDTH: usize = 8;
        const ACROSS: usize = 2;
        const ROWS: usize = 6;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller's processor has the instruction, here and below; so it is with
            // pointers.
            unsafe { _mm256_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm256_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see `zero`.
            unsafe { _mm256_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm256_set1_ps(from.read_unaligned()) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm256_fmadd_ps(a, b, self) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm256_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm256_sub_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn clamp(self, low: Self, high: Self) -> Self {
            // SAFETY: see `zero`. The instructions give the second where one is a NaN.
            unsafe { _mm256_min_ps(high, _mm256_max_ps(low, self)) }
        }
    }

    // SAFETY: each method runs instructions that AVX-512 F has.
    unsafe impl Vector for __m512 {
        const WIDTH: usize = 16;
        const ACROSS: usize = 2;
        const ROWS: usize = 14;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: as with `__m256`, here and below.
            unsafe { _mm512_setzero_ps() }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm512_loadu_ps(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see `zero`.
            unsafe { _mm512_storeu_ps(to, self) }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm512_set1_ps(from.read_unaligned()) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm512_add_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { _mm512_sub_ps(self, other) }
        }

        #[inline(always)]
        unsafe fn clamp(self, low: Self, high: Self) -> Self {
            // SAFETY: see `zero`. The instructions give the second where one is a NaN.
            unsafe { _mm512_min_ps(high, _mm512_max_ps(low, self)) }
        }
    }

    // SAFETY: each method runs instructions that AVX-512 F or BF16 has.
    unsafe impl Vector for Pairs {
        const WIDTH: usize = 16;
        const ACROSS: usize = 2;
        const ROWS: usize = 14;
        const PAIRS: bool = true;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: as with `__m256`, here and below.
            Self(unsafe { _mm512_setzero_ps() })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            Self(unsafe { _mm512_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see `zero`.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn narrow(from: *const f32, to: *mut bf16, count: usize) {
            // SAFETY: see `zero`; what is masked out is neither read nor written.
            unsafe {
                let mut at = 0;
                while at + 32 <= count {
                    let low = _mm512_loadu_ps(from.add(at));
                    let high = _mm512_loadu_ps(from.add(at + 16));
                    let both = _mm512_cvtne2ps_pbh(high, low);
                    let both = std::mem::transmute::<__m512bh, __m512i>(both);
                    _mm512_storeu_si512(to.add(at).cast(), both);
                    at += 32;
                }
                while at < count {
                    let mask = u16::MAX >> (16 - (count - at).min(16));
                    let some = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(mask, from.add(at)));
                    let some = std::mem::transmute::<__m256bh, __m256i>(some);
                    _mm256_mask_storeu_epi16(to.add(at).cast(), mask, some);
                    at += 16;
                }
            }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            Self(unsafe {
                _mm512_castsi512_ps(_mm512_set1_epi32(from.cast::<i32>().read_unaligned()))
            })
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see `zero`; both types are 64 bytes in which every pattern is a value.
            unsafe {
                let pairs = |of: Self| std::mem::transmute::<__m512, __m512bh>(of.0);
                Self(_mm512_dpbf16_ps(self.0, pairs(a), pairs(b)))
            }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            Self(unsafe { _mm512_sub_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn clamp(self, low: Self, high: Self) -> Self {
            // SAFETY: see `zero`. The instructions give the second where one is a NaN.
            Self(unsafe { _mm512_min_ps(high.0, _mm512_max_ps(low.0, self.0)) })
        }
    }
}

#[cfg(target_arch = "aarch64")]
mod neon {
    //! NEON.

    use std::arch::aarch64::*;

    use super::{Kernel, Vector};

    #[target_feature(enable = "neon")]
    pub fn neon<K: Kernel>(kernel: K) {
        // SAFETY: this function is called where the processor has the instructions.
        unsafe { kernel.run::<float32x4_t>() }
    }

    // SAFETY: each method runs instructions that NEON has.
    unsafe impl Vector for float32x4_t {
        const WIDTH: usize = 4;
        const ACROSS: usize = 4;
        const ROWS: usize = 6;

        #[inline(always)]
        unsafe fn zero() -> Self {
            // SAFETY: the caller's processor has the instruction, here and below; so it is with
            // pointers.
            unsafe { vdupq_n_f32(0.0) }
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { vld1q_f32(from) }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: see `zero`.
            unsafe { vst1q_f32(to, self) }
        }

        #[inline(always)]
        unsafe fn splat(from: *const f32) -> Self {
            // SAFETY: see `zero`.
            unsafe { vdupq_n_f32(from.read_unaligned()) }
        }

        #[inline(always)]
        unsafe fn multiply_add(self, a: Self, b: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { vfmaq_f32(self, a, b) }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { vaddq_f32(self, other) }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: see `zero`.
            unsafe { vsubq_f32(self, other) }
        }

        #[inline(always)]
        unsafe fn clamp(self, low: Self, high: Self) -> Self {
            // SAFETY: see `zero`. These instructions give a NaN where one is.
            unsafe { vminq_f32(high, vmaxq_f32(low, self)) }
        }
    }
}
