//! Sums of outer products by tiles of bf16.
//!
//! The depth of the product is the places. A tile of weights wants them in pairs, which is how two
//! rows of numbers are easily packed; a tile of rows wants them side by side, so that factor has to
//! be turned. It is the one with fewer columns.

use super::outer::{Block, Sums, pitch};
pub(super) use crate::amx::STEP;
use crate::amx::{SIDE, TilePanels, pair, pair_turned};

/// Channels and filters from which tiles are full enough.
pub(super) const ENOUGH: usize = 16;
/// Places that are packed at once, at most.
const PLACES: usize = 512;
/// Rows and columns of a block, at most: what is packed of them, and their sums, have to stay in
/// the second cache.
pub(super) const MOST: usize = 256;
/// And at least.
pub(super) const LEAST: usize = SIDE;

/// How many of so many places are packed at once.
pub(super) fn part(places: usize) -> usize {
    let parts = places.div_ceil(PLACES).max(1);
    places.div_ceil(parts).next_multiple_of(STEP).max(STEP)
}

/// Numbers for each place, `pitch` from one place to the next.
#[derive(Clone, Copy)]
pub(super) struct Factor {
    pub numbers: *const f32,
    pub pitch: usize,
}

/// A block of sums, and its factors for some places.
pub(super) struct Product<'a> {
    /// Whether the columns are turned.
    swapped: bool,
    /// Columns of the factor that is turned, and of the other.
    counts: [usize; 2],
    /// The turned factor, a row of pairs of places for each of its columns.
    turned: &'a mut [f32],
    pitch: usize,
    panels: TilePanels,
    /// A row for each column of the turned factor.
    sums: &'a mut [f32],
}

/// Numbers that a block needs for parts of so many places.
pub(super) fn room(block: Block, part: usize) -> usize {
    let [turned, other] = counts(block).map(whole);
    STEP * pitch(block.rows) + turned * (pitch(part / 2) + other)
}

/// The smaller extent of a block, and the larger.
fn counts(block: Block) -> [usize; 2] {
    [block.rows.min(block.columns), block.rows.max(block.columns)]
}

fn whole(count: usize) -> usize {
    count.next_multiple_of(SIDE)
}

impl<'a> Product<'a> {
    /// In `room`, which begins on a cache line. The second is room for the rows' factor at one step.
    pub fn new(block: Block, part: usize, room: &'a mut [f32]) -> (Self, Factor) {
        let counts = counts(block);
        let [turned, other] = counts.map(whole);
        let (rows, room) = room.split_at_mut(STEP * pitch(block.rows));
        let (turned, room) = room.split_at_mut(turned * pitch(part / 2));
        let sums = &mut room[..whole(counts[0]) * other];
        sums.fill(0.0);
        let offsets = (0..part / STEP).map(|step| step * 2 * STEP).collect();
        let product = Self {
            swapped: block.columns < block.rows,
            counts,
            turned,
            pitch: pitch(part / 2),
            panels: TilePanels::zeros(counts[1], offsets, STEP),
            sums,
        };
        let rows = Factor {
            numbers: rows.as_mut_ptr(),
            pitch: pitch(block.rows),
        };
        (product, rows)
    }

    /// Packs the factors of rows and columns at a step of `count` places, at most [`STEP`].
    ///
    /// # Safety
    ///
    /// The machine has [`crate::Instructions::Amx`]; the factors have as many places, and the
    /// block's rows and columns.
    pub unsafe fn pack(&mut self, step: usize, factors: [Factor; 2], count: usize) {
        let [mut turned, mut other] = factors;
        if self.swapped {
            std::mem::swap(&mut turned, &mut other);
        }
        for column in (0..self.counts[0]).step_by(16) {
            let to = &mut self.turned[column * self.pitch + step * STEP / 2..];
            assert!(to.len() >= 15 * self.pitch + STEP / 2);
            let left = self.counts[0] - column;
            // SAFETY: as the caller says; there is room for sixteen rows of pairs.
            unsafe {
                let from = turned.numbers.wrapping_add(column);
                pair_turned(from, turned.pitch, count, left, to.as_mut_ptr(), self.pitch);
            }
        }
        for column in (0..self.counts[1]).step_by(16) {
            let to = self.panels.tile(column, step);
            let left = self.counts[1] - column;
            // SAFETY: as the caller says.
            unsafe {
                let from = other.numbers.wrapping_add(column);
                pair(from, other.pitch, count, left, to);
            }
        }
    }

    /// Adds the products of what is packed.
    ///
    /// # Safety
    ///
    /// The machine has [`crate::Instructions::Amx`].
    #[inline(always)]
    pub unsafe fn add(&mut self) {
        let (from, pitch) = (self.turned.as_ptr(), self.pitch);
        let (sums, row_of_sums) = (self.sums.as_mut_ptr(), whole(self.counts[1]));
        let all = self.panels.count();
        // SAFETY: as the caller says; whole pairs of tiles of rows have room.
        unsafe {
            self.panels.multiply(
                0..all,
                self.counts[0],
                |row| (from.wrapping_add(row * pitch).cast(), 4 * pitch),
                |panel, row, more| {
                    let to = sums.add(row * row_of_sums + panel * SIDE);
                    for (at, more) in more.0.chunks_exact(SIDE).enumerate() {
                        let to = std::slice::from_raw_parts_mut(to.add(at * row_of_sums), SIDE);
                        for (sum, more) in to.iter_mut().zip(more) {
                            *sum += more;
                        }
                    }
                },
            );
        }
    }

    /// The sums.
    pub fn sums(&self) -> Sums {
        let [row, column] = match self.swapped {
            true => [1, whole(self.counts[1])],
            false => [whole(self.counts[1]), 1],
        };
        Sums {
            numbers: self.sums.as_ptr(),
            row,
            column,
        }
    }
}
