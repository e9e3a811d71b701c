//! The matrix product that dense layers and most convolutions are made of.
//!
//! Weights are packed into panels of a few vectors of filters. A block of rows, which the caller
//! has gathered, is multiplied with one panel at a time: tiles of as many sums as the registers
//! hold, over parts of the depth so short that a panel's part stays in the first cache. Each sum
//! is one chain over the depth in order, so it does not depend on how rows are cut into tiles.

use std::ops::Range;

use half::bf16;
use rayon::prelude::*;

use crate::Instructions;
use crate::convolution::Layout;
use crate::finish::Place;
use crate::scratch::Lines;
use crate::vector::{Kernel, Vector, dispatch, extents, prefetch};

/// Units of depth that a panel is multiplied by at once, at most.
const DEPTH: usize = 192;
/// Units from one row of a part to the next: an odd number of cache lines, so that rows are
/// spread over the cache's sets.
const PITCH: usize = DEPTH + 16;

/// Weights that are packed by one thread, at least.
const LEAST: usize = 1 << 14;
/// Units of depth that are packed together.
const RUN: usize = 16;
/// Bytes of a cache line.
const LINE: usize = 64;

/// Weights in panels. A unit of depth is one `f32`, or a pair of bf16.
#[derive(Debug)]
pub(crate) struct Panels {
    instructions: Instructions,
    pairs: bool,
    width: usize,
    /// Filters in a panel.
    panel: usize,
    filters: usize,
    /// Units of depth of all parts.
    depth: usize,
    /// Units of depth of a part; the last may be shorter.
    part: usize,
    data: Lines,
}

impl Panels {
    /// Packs weights: `fill(filter, depths, to)` writes those of a filter at some depths.
    pub fn new(
        [filters, depth]: [usize; 2],
        instructions: Instructions,
        pairs: bool,
        fill: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) -> Self {
        let [width, panel, _] = extents(instructions, pairs);
        let numbers = if pairs { 2 } else { 1 };
        let units = depth.div_ceil(numbers);
        let part = units
            .div_ceil(units.div_ceil(DEPTH))
            .next_multiple_of(16)
            .min(DEPTH);
        let mut data = Lines::zeros(filters.next_multiple_of(width) * units);
        let run = RUN * numbers;
        let pack = |(number, to): (usize, &mut [f32])| {
            let first = number * panel;
            let count = (filters - first).min(panel);
            let across = count.next_multiple_of(width);
            // A cache line or two of each filter are turned at a time.
            let mut rows = vec![0.0; count * run];
            for (at, to) in to.chunks_mut(across * RUN).enumerate() {
                let depths = at * run..depth.min((at + 1) * run);
                for (filter, row) in (first..).zip(rows.chunks_exact_mut(run)) {
                    let (row, rest) = row.split_at_mut(depths.len());
                    fill(filter, depths.clone(), row);
                    rest.fill(0.0);
                }
                for (unit, to) in to.chunks_exact_mut(across).enumerate() {
                    for (to, row) in to.iter_mut().zip(rows.chunks_exact(run)) {
                        *to = if pairs {
                            let bits = |value| u32::from(bf16::from_f32(value).to_bits());
                            f32::from_bits(bits(row[2 * unit]) | bits(row[2 * unit + 1]) << 16)
                        } else {
                            row[unit]
                        };
                    }
                }
            }
        };
        let panels = data.as_mut_slice().par_chunks_mut((panel * units).max(1));
        let least = (LEAST / (panel * units).max(1)).max(1);
        panels.enumerate().with_min_len(least).for_each(pack);
        Self {
            instructions,
            pairs,
            width,
            panel,
            filters,
            depth: units,
            part,
            data,
        }
    }

    /// Where a panel's weights begin.
    pub fn weights(&self, panel: usize) -> *const u8 {
        self.data
            .as_ptr()
            .wrapping_add(panel * self.panel * self.depth)
            .cast()
    }

    /// Filters in a panel; a panel's sums have this pitch at most.
    pub fn panel(&self) -> usize {
        self.panel
    }

    /// How many panels there are.
    pub fn count(&self) -> usize {
        self.filters.div_ceil(self.panel)
    }

    /// The filters of a panel.
    pub fn filters(&self, panel: usize) -> Range<usize> {
        panel * self.panel..self.filters.min((panel + 1) * self.panel)
    }

    /// Numbers from one row of a panel's sums to the next.
    pub fn pitch(&self, panel: usize) -> usize {
        self.filters(panel).len().next_multiple_of(self.width)
    }

    /// How a block lies.
    pub fn layout(&self) -> Layout {
        let numbers = if self.pairs { 2 } else { 1 };
        Layout {
            part: self.part * numbers,
            pitch: PITCH,
            depth: self.depth * numbers,
        }
    }

    /// How many parts the depth is in.
    fn parts(&self) -> usize {
        self.depth.div_ceil(self.part)
    }

    /// `f32` that a block of `rows` rows takes: its parts one after the other, each
    /// `[rows, PITCH]`.
    pub fn block(&self, rows: usize) -> usize {
        self.parts() * rows * PITCH
    }

    /// Writes the products of `rows` rows of `block` with a panel's filters to `sums`, as
    /// `[rows, pitch]`. Meanwhile what lies `ahead` is brought into the cache, or else the next panel.
    ///
    /// # Panics
    ///
    /// If a slice is shorter than that.
    pub fn multiply(
        &self,
        panel: usize,
        block: &[f32],
        rows: usize,
        sums: &mut [f32],
        ahead: Option<*const u8>,
    ) {
        let pitch = self.pitch(panel);
        assert!(sums.len() >= rows * pitch);
        // SAFETY: the sums are as long as the kernel writes.
        unsafe { self.dispatch(panel, block, rows, (sums.as_mut_ptr(), pitch), None, ahead) };
    }

    /// Writes the outputs of `rows` rows of `block` for a panel of whole vectors. Meanwhile what
    /// lies `ahead` is brought into the cache, or else the next panel.
    ///
    /// # Safety
    ///
    /// The place has `rows` rows of the panel's filters.
    ///
    /// # Panics
    ///
    /// If the block is shorter than its rows.
    pub unsafe fn multiply_into(&self, panel: usize, block: &[f32], rows: usize, outputs: Outputs) {
        let Outputs {
            place,
            bias,
            limits,
            ahead,
        } = outputs;
        assert!(bias.len() >= self.pitch(panel));
        let end = End {
            bias: bias.as_ptr(),
            residual: place.residual,
            limits,
        };
        let to = (place.output, place.pitch);
        // SAFETY: as the caller says.
        unsafe { self.dispatch(panel, block, rows, to, Some(end), ahead) };
    }

    /// # Safety
    ///
    /// `sums` has `rows` rows of the panel's pitch, `pitch` apart; so has the end's residual.
    unsafe fn dispatch(
        &self,
        panel: usize,
        block: &[f32],
        rows: usize,
        (sums, pitch): (*mut f32, usize),
        end: Option<End>,
        ahead: Option<*const u8>,
    ) {
        assert!(block.len() >= self.block(rows));
        // SAFETY: the constructor's caller has checked the instructions; the block is as long as
        // the kernel reads.
        unsafe {
            let weights = self.data.as_ptr().add(panel * self.panel * self.depth);
            let across = self.pitch(panel) / self.width;
            let block = block.as_ptr();
            let next = weights
                .wrapping_add(across * self.width * self.depth)
                .cast();
            let ahead = ahead.unwrap_or(next);
            let multiply = Multiply {
                panels: self,
                weights,
                across,
                block,
                rows,
                sums,
                pitch,
                end,
                ahead,
            };
            dispatch(self.instructions, self.pairs, multiply);
        }
    }
}

/// Where a panel's outputs go, and how they are made from sums.
pub(crate) struct Outputs<'a> {
    pub place: Place<f32>,
    /// One for each filter.
    pub bias: &'a [f32],
    /// The least and the largest output.
    pub limits: [f32; 2],
    /// What will be read next; the next panel if nothing is said.
    pub ahead: Option<*const u8>,
}

/// What is done to sums that are outputs.
#[derive(Clone, Copy)]
struct End {
    bias: *const f32,
    /// As the sums lie; null if there is none.
    residual: *const f32,
    limits: [f32; 2],
}

struct Multiply<'a> {
    panels: &'a Panels,
    weights: *const f32,
    /// Vectors in the panel.
    across: usize,
    block: *const f32,
    rows: usize,
    sums: *mut f32,
    /// Numbers from one row of the sums to the next.
    pitch: usize,
    end: Option<End>,
    /// What will be read next.
    ahead: *const u8,
}

impl Kernel for Multiply<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let tiles = self.rows.div_ceil(V::ROWS);
        let parts = self.panels.parts();
        for part in 0..parts {
            let start = part * self.panels.part;
            let mut first = 0;
            for tile in 0..tiles {
                // Tiles of nearly one height, so that none is too low to hide latencies.
                let end = (tile + 1) * self.rows / tiles;
                // SAFETY: the block has `parts × rows × PITCH` numbers, the panel
                // `depth × across × WIDTH`, the sums and the residual `rows × pitch`.
                unsafe {
                    let at = first * self.pitch;
                    let done = tiles * start + tile * self.panels.part;
                    let tile = Tile {
                        ahead: self.ahead.wrapping_add(LINE * done),
                        depth: self.panels.part.min(self.panels.depth - start),
                        rows: self.block.add((part * self.rows + first) * PITCH),
                        weights: self.weights.add(start * self.across * V::WIDTH),
                        sums: self.sums.add(at),
                        pitch: self.pitch,
                        begins: part == 0,
                        end: self.end.filter(|_| part + 1 == parts).map(|end| {
                            let none = end.residual.is_null();
                            let residual = if none {
                                end.residual
                            } else {
                                end.residual.add(at)
                            };
                            End { residual, ..end }
                        }),
                    };
                    match self.across {
                        1 => tile.of_rows::<V, 1>(end - first),
                        2 if V::ACROSS >= 2 => tile.of_rows::<V, 2>(end - first),
                        3 if V::ACROSS >= 3 => tile.of_rows::<V, 3>(end - first),
                        4 if V::ACROSS >= 4 => tile.of_rows::<V, 4>(end - first),
                        _ => {}
                    }
                }
                first = end;
            }
        }
    }
}

/// Sums that stay in registers over a part of the depth.
#[derive(Clone, Copy)]
struct Tile {
    depth: usize,
    rows: *const f32,
    weights: *const f32,
    sums: *mut f32,
    pitch: usize,
    begins: bool,
    end: Option<End>,
    /// As many cache lines as the depth, which will be read next.
    ahead: *const u8,
}

impl Tile {
    #[inline(always)]
    unsafe fn of_rows<V: Vector, const ACROSS: usize>(self, rows: usize) {
        // SAFETY: as the caller says, for as many rows.
        unsafe {
            match rows {
                1 => self.multiply::<V, 1, ACROSS>(),
                2 => self.multiply::<V, 2, ACROSS>(),
                3 => self.multiply::<V, 3, ACROSS>(),
                4 => self.multiply::<V, 4, ACROSS>(),
                5 if V::ROWS >= 5 => self.multiply::<V, 5, ACROSS>(),
                6 if V::ROWS >= 6 => self.multiply::<V, 6, ACROSS>(),
                7 if V::ROWS >= 7 => self.multiply::<V, 7, ACROSS>(),
                8 if V::ROWS >= 8 => self.multiply::<V, 8, ACROSS>(),
                9 if V::ROWS >= 9 => self.multiply::<V, 9, ACROSS>(),
                10 if V::ROWS >= 10 => self.multiply::<V, 10, ACROSS>(),
                11 if V::ROWS >= 11 => self.multiply::<V, 11, ACROSS>(),
                12 if V::ROWS >= 12 => self.multiply::<V, 12, ACROSS>(),
                13 if V::ROWS >= 13 => self.multiply::<V, 13, ACROSS>(),
                14 if V::ROWS >= 14 => self.multiply::<V, 14, ACROSS>(),
                _ => {}
            }
        }
    }

    #[inline(always)]
    unsafe fn multiply<V: Vector, const ROWS: usize, const ACROSS: usize>(self) {
        // SAFETY: the caller gives `[ROWS, PITCH]` rows, `[depth, ACROSS × WIDTH]` weights, and
        // sums, and a residual if any, of as many rows and vectors.
        unsafe {
            let mut sums = [[V::zero(); ACROSS]; ROWS];
            if !self.begins {
                for (row, sums) in sums.iter_mut().enumerate() {
                    for (across, sum) in sums.iter_mut().enumerate() {
                        *sum = V::load(self.sums.add(row * self.pitch + across * V::WIDTH));
                    }
                }
            }
            for at in 0..self.depth {
                prefetch(self.ahead.wrapping_add(LINE * at));
                let mut weights = [V::zero(); ACROSS];
                for (across, weight) in weights.iter_mut().enumerate() {
                    *weight = V::load(self.weights.add((at * ACROSS + across) * V::WIDTH));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(self.rows.add(row * PITCH + at));
                    for (sum, weight) in sums.iter_mut().zip(weights) {
                        *sum = sum.multiply_add(value, weight);
                    }
                }
            }
            // Short loops, each of which the compiler unrolls: otherwise the sums would not stay
            // in registers.
            if let Some(end) = self.end {
                for sums in &mut sums {
                    for (across, sum) in sums.iter_mut().enumerate() {
                        *sum = sum.add(V::load(end.bias.add(across * V::WIDTH)));
                    }
                }
                if !end.residual.is_null() {
                    for (row, sums) in sums.iter_mut().enumerate() {
                        for (across, sum) in sums.iter_mut().enumerate() {
                            let at = row * self.pitch + across * V::WIDTH;
                            *sum = sum.add(V::load(end.residual.add(at)));
                        }
                    }
                }
                let [low, high] = [V::splat(&end.limits[0]), V::splat(&end.limits[1])];
                for sums in &mut sums {
                    for sum in sums {
                        *sum = sum.clamp(low, high);
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (across, sum) in sums.iter().enumerate() {
                    sum.store(self.sums.add(row * self.pitch + across * V::WIDTH));
                }
            }
        }
    }
}
