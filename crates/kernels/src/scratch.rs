//! Memory: for results; what a thread keeps for its kernels, on cache lines, and uses again; and what
//! goes back to the system.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::{Deref, DerefMut};

use rayon::prelude::*;

use crate::Element;

/// Bytes from which memory is asked for in large pages, and written by all threads: the system gives
/// it page by page when it is first written, which takes as long as the writing.
const LARGE: usize = 1 << 20;
/// Bytes of a cache line.
const LINE: usize = size_of::<Line>();

/// `length` zeros, written by all threads.
///
/// ```
/// assert_eq!(finial_kernels::zeros::<f32>(3), [0.0; 3]);
/// ```
pub fn zeros<T: Element>(length: usize) -> Vec<T> {
    let mut zeros = Vec::new();
    append(&mut zeros, length, write_zeros);
    zeros
}

fn write_zeros<T: Element>(room: &mut [MaybeUninit<T>]) {
    let pieces = room.par_chunks_mut(LARGE / 8 / size_of::<T>());
    pieces.for_each(|piece| piece.fill(MaybeUninit::new(T::default())));
}

/// Appends `length` numbers, all of which `write` writes.
fn append<T>(memory: &mut Vec<T>, length: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) {
    memory.reserve_exact(length);
    let room = &mut memory.spare_capacity_mut()[..length];
    if size_of_val(room) >= LARGE {
        ask_for_large_pages(room);
    }
    write(room);
    // SAFETY: there is room for them, and they are written, as every caller shows.
    unsafe { memory.set_len(memory.len() + length) };
}

/// Numbers that begin on a cache line, so that none of their vectors lies on two.
#[derive(Clone, Debug)]
pub struct Numbers<T> {
    memory: Vec<T>,
    start: usize,
}

impl<T: Element> Numbers<T> {
    /// `length` zeros, written by all threads.
    pub fn zeros(length: usize) -> Self {
        Self::written_by(length, write_zeros)
    }

    /// `length` numbers, all of which `write` writes.
    pub(crate) fn written_by(length: usize, write: impl FnOnce(&mut [MaybeUninit<T>])) -> Self {
        let mut memory: Vec<T> = Vec::with_capacity(length + LINE / size_of::<T>() - 1);
        // Where this cannot be told, as under Miri, they begin anywhere.
        let start = Some(memory.as_ptr().align_offset(LINE));
        let start = start.filter(|start| *start < LINE / size_of::<T>());
        let start = start.unwrap_or(0);
        memory.resize(start, T::default());
        append(&mut memory, length, write);
        Self { memory, start }
    }

    /// The memory, and where in it they begin.
    pub fn into_parts(self) -> (Vec<T>, usize) {
        (self.memory, self.start)
    }
}

impl<T> Deref for Numbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[self.start..]
    }
}

impl<T> DerefMut for Numbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.start..]
    }
}

/// Asks the system for large pages, so that it is asked for memory less often. It may refuse.
fn ask_for_large_pages<T>(room: &mut [MaybeUninit<T>]) {
    #[cfg(all(target_os = "linux", not(miri)))]
    {
        /// What begins at a multiple of it begins with a page, however large the system's are.
        const PAGE: usize = 1 << 16;
        let bytes = size_of_val(room);
        let start = room.as_mut_ptr().cast::<u8>();
        let before = start.align_offset(PAGE);
        let whole = bytes.saturating_sub(before) / PAGE * PAGE;
        // SAFETY: the pages lie in this memory; what they hold stays as it is.
        unsafe { libc::madvise(start.add(before).cast(), whole, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(all(target_os = "linux", not(miri))))]
    let _ = room;
}

/// Gives the system back the memory that was freed.
///
/// The allocator of glibc keeps what lies below a block that is still in use, which after something
/// large was made in many pieces is as much again. Elsewhere this does nothing.
pub fn trim_heap() {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(miri)))]
    // SAFETY: it touches only memory that nobody has.
    unsafe {
        libc::malloc_trim(0);
    }
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
