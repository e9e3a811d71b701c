//! Sums of outer products: of a few hundred pairs of a row and a column, a block of their
//! products' sum at a time.
//!
//! Rows are in tiles and columns in panels, as many as a tile of sums has registers for; for each
//! tile and panel, what a pair needs lies together.

use std::ops::Range;

use crate::vector::Vector;

/// The extents of a block.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub rows: usize,
    pub columns: usize,
    /// Rows of a tile, at most.
    pub tile: usize,
    /// Numbers of a vector.
    pub width: usize,
    /// Columns of a panel, at most.
    pub panel: usize,
}

/// Where a block's factors and sums are.
pub(super) struct Packed {
    pub rows: *mut f32,
    pub columns: *mut f32,
    sums: *mut f32,
}

impl Block {
    /// Numbers that a block needs for `pairs` pairs.
    pub fn room(&self, pairs: usize) -> usize {
        let columns = self.panels() * self.panel;
        pairs * (self.rows + columns) + self.rows * columns + 3 * LINE
    }

    /// Parts of `room`, on cache lines; the sums are zero.
    pub fn split(&self, room: &mut [f32], pairs: usize) -> Packed {
        assert!(room.len() >= self.room(pairs));
        let columns = (pairs * self.rows).next_multiple_of(LINE);
        let sums = columns + (pairs * self.panels() * self.panel).next_multiple_of(LINE);
        room[sums..].fill(0.0);
        let room = room.as_mut_ptr();
        Packed {
            rows: room,
            columns: room.wrapping_add(columns),
            sums: room.wrapping_add(sums),
        }
    }

    pub fn tiles(&self) -> usize {
        self.rows.div_ceil(self.tile)
    }

    /// The rows of a tile: tiles are of nearly one height, so that none is too low to hide
    /// latencies.
    pub fn rows_of(&self, tile: usize) -> Range<usize> {
        let tiles = self.tiles();
        tile * self.rows / tiles..(tile + 1) * self.rows / tiles
    }

    /// Where the rows of a pair are in a tile.
    pub fn rows_at(&self, tile: usize, pair: usize, pairs: usize) -> usize {
        let rows = self.rows_of(tile);
        rows.start * pairs + pair * rows.len()
    }

    pub fn panels(&self) -> usize {
        self.columns.div_ceil(self.panel)
    }

    /// The columns of a panel.
    pub fn columns_of(&self, panel: usize) -> Range<usize> {
        panel * self.panel..self.columns.min((panel + 1) * self.panel)
    }

    /// Numbers from one pair's columns to the next.
    pub fn pitch_of(&self, panel: usize) -> usize {
        self.columns_of(panel).len().next_multiple_of(self.width)
    }

    /// Where the columns of a pair are in a panel.
    pub fn columns_at(&self, panel: usize, pair: usize, pairs: usize) -> usize {
        panel * self.panel * pairs + pair * self.pitch_of(panel)
    }

    /// Adds the products of `count` pairs.
    ///
    /// # Safety
    ///
    /// They are packed for [`super::PART`] pairs; the processor has the instructions.
    #[inline(always)]
    pub unsafe fn add_products<V: Vector>(&self, packed: &mut Packed, count: usize) {
        for tile in 0..self.tiles() {
            let rows = self.rows_of(tile);
            for panel in 0..self.panels() {
                let across = self.pitch_of(panel) / V::WIDTH;
                // SAFETY: as the caller says; the sums have a row of whole panels for each row.
                unsafe {
                    let product = Product {
                        rows: packed.rows.add(self.rows_at(tile, 0, super::PART)),
                        columns: packed.columns.add(self.columns_at(panel, 0, super::PART)),
                        count,
                        sums: packed.sums.add(self.sum_at(rows.start, panel * self.panel)),
                        pitch: self.panels() * self.panel,
                    };
                    match across {
                        1 => product.of_rows::<V, 1>(rows.len()),
                        2 if V::ACROSS >= 2 => product.of_rows::<V, 2>(rows.len()),
                        3 if V::ACROSS >= 3 => product.of_rows::<V, 3>(rows.len()),
                        4 if V::ACROSS >= 4 => product.of_rows::<V, 4>(rows.len()),
                        _ => {}
                    }
                }
            }
        }
    }

    fn sum_at(&self, row: usize, column: usize) -> usize {
        row * self.panels() * self.panel + column
    }
}

impl Packed {
    /// A sum of the block that it was split for.
    pub fn sum(&self, block: &Block, row: usize, column: usize) -> f32 {
        assert!(row < block.rows && column < block.columns);
        // SAFETY: the block's sums are as many.
        unsafe { *self.sums.add(block.sum_at(row, column)) }
    }
}

/// Numbers of a cache line.
const LINE: usize = 16;

/// A tile of rows times a panel of columns.
#[derive(Clone, Copy)]
struct Product {
    rows: *const f32,
    columns: *const f32,
    count: usize,
    sums: *mut f32,
    /// Numbers from one row of the sums to the next.
    pitch: usize,
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
        // SAFETY: the caller gives `[count, ROWS]` rows, `[count, ACROSS × WIDTH]` columns, and
        // sums of as many rows and columns.
        unsafe {
            let mut sums = [[V::zero(); ACROSS]; ROWS];
            for pair in 0..self.count {
                let mut columns = [V::zero(); ACROSS];
                for (across, column) in columns.iter_mut().enumerate() {
                    *column = V::load(self.columns.add((pair * ACROSS + across) * V::WIDTH));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let value = V::splat(self.rows.add(pair * ROWS + row));
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
