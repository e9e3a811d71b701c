//! Sums of outer products: of a few hundred pairs of a row and a column, a block of their
//! products' sum at a time.

use super::LINE;
use crate::vector::Vector;

/// The extents of a block.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub rows: usize,
    pub columns: usize,
}

/// Where a block's factors and sums are, each row of numbers on a cache line.
pub(super) struct Packed {
    /// `[pairs, row_pitch]`
    pub rows: *mut f32,
    pub row_pitch: usize,
    /// `[pairs, column_pitch]`, zeros behind a block's columns.
    pub columns: *mut f32,
    pub column_pitch: usize,
    /// `[rows, column_pitch]`
    sums: *mut f32,
}

/// At least as many numbers, in an odd number of cache lines, so that what lies as far apart is
/// spread over the cache's sets.
pub(super) fn pitch(numbers: usize) -> usize {
    (numbers.div_ceil(LINE) | 1) * LINE
}

impl Block {
    /// Numbers that a block needs for `pairs` pairs.
    pub fn room(&self, pairs: usize) -> usize {
        let column_pitch = pitch(self.columns);
        pairs * (pitch(self.rows) + column_pitch) + self.rows * column_pitch
    }

    /// Parts of `room`, which begins on a cache line; columns and sums are zero.
    pub fn split(&self, room: &mut [f32], pairs: usize) -> Packed {
        assert!(room.len() >= self.room(pairs));
        let [row_pitch, column_pitch] = [pitch(self.rows), pitch(self.columns)];
        let (rows, others) = room.split_at_mut(pairs * row_pitch);
        others.fill(0.0);
        let (columns, sums) = others.split_at_mut(pairs * column_pitch);
        Packed {
            rows: rows.as_mut_ptr(),
            row_pitch,
            columns: columns.as_mut_ptr(),
            column_pitch,
            sums: sums.as_mut_ptr(),
        }
    }

    /// Adds the products of `count` pairs.
    ///
    /// # Safety
    ///
    /// As many are packed; the processor has the instructions.
    #[inline(always)]
    pub unsafe fn add_products<V: Vector>(&self, packed: &mut Packed, count: usize) {
        let tiles = self.rows.div_ceil(V::ROWS);
        for tile in 0..tiles {
            // Tiles of nearly one height, so that none is too low to hide latencies.
            let [first, end] = [tile, tile + 1].map(|at| at * self.rows / tiles);
            for column in (0..self.columns).step_by(V::PANEL) {
                let across = (self.columns - column).min(V::PANEL).div_ceil(V::WIDTH);
                // SAFETY: as the caller says; a pitch is whole vectors.
                unsafe {
                    let product = Product {
                        rows: packed.rows.add(first),
                        row_pitch: packed.row_pitch,
                        columns: packed.columns.add(column),
                        pitch: packed.column_pitch,
                        count,
                        sums: packed.sums.add(first * packed.column_pitch + column),
                    };
                    match across {
                        1 => product.of_rows::<V, 1>(end - first),
                        2 if V::ACROSS >= 2 => product.of_rows::<V, 2>(end - first),
                        3 if V::ACROSS >= 3 => product.of_rows::<V, 3>(end - first),
                        4 if V::ACROSS >= 4 => product.of_rows::<V, 4>(end - first),
                        _ => {}
                    }
                }
            }
        }
    }
}

impl Packed {
    /// The sums.
    pub fn sums(&self) -> Sums {
        Sums {
            numbers: self.sums,
            row: self.column_pitch,
            column: 1,
        }
    }
}

/// Where a block's sums are.
#[derive(Clone, Copy)]
pub(super) struct Sums {
    pub numbers: *const f32,
    /// Numbers from one row to the next, and from one column to the next.
    pub row: usize,
    pub column: usize,
}

impl Sums {
    /// Those of a column, of the block whose they are.
    pub fn of(self, block: &Block, column: usize) -> impl Iterator<Item = f32> {
        assert!(column < block.columns);
        // SAFETY: the block has a sum for each of its rows and columns.
        (0..block.rows)
            .map(move |row| unsafe { *self.numbers.add(row * self.row + column * self.column) })
    }
}

/// A tile of rows times a panel of columns.
#[derive(Clone, Copy)]
struct Product {
    rows: *const f32,
    row_pitch: usize,
    columns: *const f32,
    /// Numbers from one pair's columns to the next, and from one row of the sums to the next.
    pitch: usize,
    count: usize,
    sums: *mut f32,
}

impl Product {
    #[inline(always)]
    unsafe fn of_rows<V: Vector, const ACROSS: usize>(self, rows: usize) {
        // SAFETY: as the caller says, for as many rows.
        unsafe {
            match rows {
                1 => self.add::<V, 1, ACROSS>(),
                2 => self.add::<V, 2, ACROSS>(),
                3 => self.add::<V, 3, ACROSS>(),
                4 => self.add::<V, 4, ACROSS>(),
                5 if V::ROWS >= 5 => self.add::<V, 5, ACROSS>(),
                6 if V::ROWS >= 6 => self.add::<V, 6, ACROSS>(),
                7 if V::ROWS >= 7 => self.add::<V, 7, ACROSS>(),
                8 if V::ROWS >= 8 => self.add::<V, 8, ACROSS>(),
                9 if V::ROWS >= 9 => self.add::<V, 9, ACROSS>(),
                10 if V::ROWS >= 10 => self.add::<V, 10, ACROSS>(),
                11 if V::ROWS >= 11 => self.add::<V, 11, ACROSS>(),
                12 if V::ROWS >= 12 => self.add::<V, 12, ACROSS>(),
                13 if V::ROWS >= 13 => self.add::<V, 13, ACROSS>(),
                14 if V::ROWS >= 14 => self.add::<V, 14, ACROSS>(),
                _ => {}
            }
        }
    }

    #[inline(always)]
    unsafe fn add<V: Vector, const ROWS: usize, const ACROSS: usize>(self) {
        // SAFETY: the caller gives `ROWS` rows and `ACROSS` vectors of columns for each pair, and
        // sums of as many rows and columns.
        unsafe {
            let mut sums = [[V::zero(); ACROSS]; ROWS];
            for pair in 0..self.count {
                let from = self.columns.add(pair * self.pitch);
                let mut columns = [V::zero(); ACROSS];
                for (across, column) in columns.iter_mut().enumerate() {
                    *column = V::load(from.add(across * V::WIDTH));
                }
                let from = self.rows.add(pair * self.row_pitch);
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(from.add(row));
                    for (sum, column) in sums.iter_mut().zip(columns) {
                        *sum = sum.multiply_add(value, column);
                    }
                }
            }
            for (row, sums) in sums.iter().enumerate() {
                for (across, sum) in sums.iter().enumerate() {
                    let to = self.sums.add(row * self.pitch + across * V::WIDTH);
                    V::load(to).add(*sum).store(to);
                }
            }
        }
    }
}
