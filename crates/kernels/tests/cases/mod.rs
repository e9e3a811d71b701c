//! Numbers and sizes of random cases, for all tests.

use finial_kernels::Element;

/// Numbers between −1 and 1.
pub fn numbers<T: Element>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| T::from_f32(next())).collect()
}

/// The end of a range of sizes. Miri takes a minute for what is else done in a millisecond.
pub const fn end(usual: usize, under_miri: usize) -> usize {
    if cfg!(miri) { under_miri } else { usual }
}
