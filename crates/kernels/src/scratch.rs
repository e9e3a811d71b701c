//! Memory: for results, and what a thread keeps for its kernels, on cache lines, and uses again.

use std::cell::Cell;

use rayon::prelude::*;

use crate::Element;

/// `length` zeros, written by all threads: large memory comes from the system page by page when it
/// is first written, and one thread would keep the others waiting.
///
/// ```
/// assert_eq!(finial_kernels::zeros::<f32>(3), [0.0; 3]);
/// ```
pub fn zeros<T: Element>(length: usize) -> Vec<T> {
    /// Numbers of a page or half of one.
    const PAGE: usize = 1 << 10;
    /// Pages that are worth another thread.
    const LEAST: usize = 64;
    if length < 2 * LEAST * PAGE {
        return vec![T::default(); length];
    }
    let pages = (0..length.div_ceil(PAGE)).into_par_iter();
    let pages = pages.with_min_len(LEAST).map(|_| [T::default(); PAGE]);
    let mut numbers = pages.collect::<Vec<_>>().into_flattened();
    numbers.truncate(length);
    numbers
}

/// A cache line of `f32`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Line([f32; 16]);

/// Numbers that begin on a cache line.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: Vec<Line>,
    length: usize,
}

impl Lines {
    /// `length` zeros, and zeros to the end of the last line.
    pub fn zeros(length: usize) -> Self {
        Self {
            lines: vec![Line([0.0; 16]); length.div_ceil(16)],
            length,
        }
    }

    /// The first number.
    pub fn as_ptr(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }

    /// All numbers.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: the lines are `repr(C)` arrays of `f32`, one after the other, at least `length`.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.length) }
    }
}

thread_local! {
    static KEPT: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Calls `work` with room for `length` numbers, which hold anything. Only the first calls on a
/// thread allocate.
pub(crate) fn with<R>(length: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    let mut lines = KEPT.take();
    if lines.len() < length.div_ceil(16) {
        lines.resize(length.div_ceil(16), Line([0.0; 16]));
    }
    // SAFETY: as in `Lines::as_mut_slice`; the lines are at least that many.
    let room = unsafe { std::slice::from_raw_parts_mut(lines.as_mut_ptr().cast(), length) };
    let result = work(room);
    KEPT.set(lines);
    result
}
