//! The gradient of the weights: for each weight, the sum over all places of what it met times
//! the gradient there.
//!
//! It is a matrix product over the places. A task makes a block of it, weights of a run of the
//! filter times some filters, and packs what it needs of a few hundred places at a time.

use rayon::prelude::*;

use super::outer::{Block, Packed};
use super::{PART, Target};
use crate::convolution::copy_bytes;
use crate::vector::{Kernel, Vector, dispatch, extents};
use crate::{ConvolutionShape, Instructions, scratch};

/// Tiles of rows, and panels of filters, in a task, at most: what is packed for it has to stay in
/// the second cache.
const MOST: [usize; 2] = [8, 4];

/// Weights that lie one behind the other in the input, as seen from a place of the output.
#[derive(Clone, Copy)]
struct Run {
    /// Row of the filter.
    down: usize,
    /// Column of the filter at which it begins.
    across: usize,
    group: usize,
    /// How many weights.
    length: usize,
    /// Whether it reaches over pixels, some of which may lie beside the image.
    whole_row: bool,
}

/// Lengths and instructions are checked.
pub(super) fn gradient(
    shape: &ConvolutionShape,
    instructions: Instructions,
    input: &[f32],
    gradient: &[f32],
    result: &mut [f32],
) {
    let runs = runs(shape);
    let filters = shape.filters / shape.groups;
    let [width, panel, rows] = extents(instructions, false);
    let length = runs.iter().map(|run| run.length).max().unwrap_or(1);
    // Smaller blocks where there would be too few for all threads.
    let [mut tiles, mut panels] = MOST;
    let blocks = |tiles, panels| {
        runs.len() * length.div_ceil(tiles * rows) * filters.div_ceil(panels * panel)
    };
    while blocks(tiles, panels) < 3 * rayon::current_num_threads() && (tiles > 1 || panels > 1) {
        [tiles, panels] = if panels > 1 {
            [tiles, panels / 2]
        } else {
            [tiles / 2, panels]
        };
    }
    let mut tasks = Vec::new();
    for &run in &runs {
        for first in (0..run.length).step_by(tiles * rows) {
            for filter in (0..filters).step_by(panels * panel) {
                let rows = first..run.length.min(first + tiles * rows);
                let filters = filter..filters.min(filter + panels * panel);
                tasks.push((run, rows, filters));
            }
        }
    }
    let target = Target(result.as_mut_ptr());
    tasks
        .into_par_iter()
        .with_max_len(1)
        .for_each(|(run, rows_of, filters_of)| {
            let block = Block {
                rows: rows_of.len(),
                columns: filters_of.len(),
                tile: rows,
                width,
                panel,
            };
            scratch::with(block.room(PART), |room| {
                let task = Task {
                    shape,
                    run,
                    first_row: rows_of.start,
                    first_filter: run.group * filters + filters_of.start,
                    input,
                    gradient,
                    block,
                    room,
                    target,
                };
                // SAFETY: the caller has checked the instructions; tasks write different weights.
                unsafe { dispatch(instructions, false, task) };
            });
        });
}

fn runs(shape: &ConvolutionShape) -> Vec<Run> {
    let [height, width] = shape.kernel;
    let channels = shape.input[2] / shape.groups;
    let whole_row = shape.groups == 1 && shape.dilation[1] == 1;
    let of_row = |down: usize, across: usize, group: usize, length: usize| Run {
        down,
        across,
        group,
        length,
        whole_row,
    };
    if whole_row {
        let rows = (0..height).map(|down| of_row(down, 0, 0, width * channels));
        return rows.collect();
    }
    let taps = (0..shape.groups).flat_map(|group| {
        let taps = (0..height).flat_map(move |down| (0..width).map(move |across| (down, across)));
        taps.map(move |(down, across)| of_row(down, across, group, channels))
    });
    taps.collect()
}

/// A block of the product.
struct Task<'a> {
    shape: &'a ConvolutionShape,
    run: Run,
    /// Of the run.
    first_row: usize,
    /// Of all groups.
    first_filter: usize,
    input: &'a [f32],
    gradient: &'a [f32],
    block: Block,
    room: &'a mut [f32],
    target: Target,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let places = self.gradient.len() / self.shape.filters;
        let mut packed = self.block.split(self.room, PART);
        for first in (0..places).step_by(PART) {
            let count = PART.min(places - first);
            // SAFETY: the caller's processor has the instructions; what is packed has room for
            // `PART` places.
            unsafe {
                self.pack_rows::<V>(first, count, &mut packed);
                self.pack_filters::<V>(first, count, &mut packed);
                self.block.add_products::<V>(&mut packed, count);
            }
        }
        self.write(&packed);
    }
}

impl Task<'_> {
    /// What the run's weights met at `count` places.
    #[inline(always)]
    unsafe fn pack_rows<V: Vector>(&self, first: usize, count: usize, packed: &mut Packed) {
        let shape = self.shape;
        let [height, width, channels] = shape.input;
        let [out_height, out_width, _] = shape.output_unchecked();
        let mut column = first % out_width;
        let mut line = first / out_width % out_height;
        let mut image = first / out_width / out_height;
        for place in 0..count {
            let y = (line * shape.stride[0] + self.run.down * shape.dilation[0])
                .wrapping_sub(shape.padding[0]);
            let x = (column * shape.stride[1] + self.run.across * shape.dilation[1]) as isize
                - shape.padding[2] as isize;
            // Numbers of the image's row at which the run's first would lie, and which of the run
            // lie in the row.
            let (start, inside) = if y >= height {
                (0, [0, 0])
            } else if self.run.whole_row {
                let start = x * channels as isize;
                let within = |at: isize| at.clamp(0, self.run.length as isize) as usize;
                (
                    start,
                    [within(-start), within((width * channels) as isize - start)],
                )
            } else {
                let start = x * channels as isize + (self.run.group * self.run.length) as isize;
                let is_inside = (x as usize) < width;
                (start, [0, if is_inside { self.run.length } else { 0 }])
            };
            let row = (image * height + y.min(height)) * width * channels;
            for tile in 0..self.block.tiles() {
                let rows = self.block.rows_of(tile);
                let of_run = self.first_row + rows.start..self.first_row + rows.end;
                let [from, to] = inside.map(|at| at.clamp(of_run.start, of_run.end));
                // SAFETY: a tile has room for its rows at each place, and what is inside lies in
                // the input, whose length was checked.
                unsafe {
                    let line = packed.rows.add(self.block.rows_at(tile, place, PART));
                    if to - from < rows.len() {
                        line.write_bytes(0, rows.len());
                    }
                    if from < to {
                        let met = self.input.as_ptr().add(row).offset(start + from as isize);
                        let line = line.add(from - of_run.start);
                        copy_bytes::<V>(met.cast(), line.cast(), 4 * (to - from));
                    }
                }
            }
            column += 1;
            if column == out_width {
                (column, line) = (0, line + 1);
                if line == out_height {
                    (line, image) = (0, image + 1);
                }
            }
        }
    }

    /// The gradient of the filters at `count` places.
    #[inline(always)]
    unsafe fn pack_filters<V: Vector>(&self, first: usize, count: usize, packed: &mut Packed) {
        for panel in 0..self.block.panels() {
            let columns = self.block.columns_of(panel);
            let across = self.block.pitch_of(panel);
            for place in 0..count {
                let from = (first + place) * self.shape.filters + self.first_filter;
                let from = &self.gradient[from + columns.start..][..columns.len()];
                // SAFETY: a panel has room for its columns, to whole vectors, at each place.
                unsafe {
                    let at = self.block.columns_at(panel, place, PART);
                    let line = packed.columns.add(at);
                    if columns.len() < across {
                        line.write_bytes(0, across);
                    }
                    copy_bytes::<V>(from.as_ptr().cast(), line.cast(), 4 * columns.len());
                }
            }
        }
    }

    /// Writes the block's sums where weights are kept.
    fn write(&self, packed: &Packed) {
        let channels = self.shape.input[2] / self.shape.groups;
        let [_, kernel_width] = self.shape.kernel;
        for row in 0..self.block.rows {
            let of_run = self.first_row + row;
            let (pixel, channel) = (of_run / channels, of_run % channels);
            let tap = self.run.down * kernel_width + self.run.across + pixel;
            for column in 0..self.block.columns {
                let filter = self.first_filter + column;
                let at = (filter * channels + channel) * self.shape.taps() + tap;
                // SAFETY: the result has a number for each filter, channel and tap, and this
                // block's are written by no other task.
                unsafe { *self.target.get().add(at) = packed.sum(&self.block, row, column) };
            }
        }
    }
}
