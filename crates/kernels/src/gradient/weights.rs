//! The gradient of the weights: for each weight, the sum over all places of what it met times
//! the gradient there.
//!
//! It is a matrix product over the places. A task makes a block of it, weights of a run of the
//! filter times some filters, and packs what it needs of a few hundred places at a time.

use rayon::prelude::*;

use super::outer::{Block, Packed, Sums};
#[cfg(target_arch = "x86_64")]
use super::tiles::{self, Factor};
use super::{PART, Target, add};
use crate::convolution::copy_bytes;
use crate::vector::{Kernel, Vector, dispatch, extents};
use crate::{ConvolutionShape, Factors, Instructions, scratch, zeros};

/// Tiles of rows and panels of filters in a task, at most: what is packed for it has to stay in
/// the second cache.
const TILES: usize = 28;
const PANELS: usize = 4;
/// Shares of the places that are summed up by themselves, at most; and numbers of all their sums.
const SHARES: usize = 16;
const SUMS: usize = 2 << 20;

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

/// Into what pieces the product is cut.
#[derive(Clone, Copy)]
struct Grain {
    /// Whether blocks are made of tiles of bf16.
    tiles: bool,
    /// Places that are packed at once.
    part: usize,
    /// Rows and columns of a block, at most and at least.
    most: [usize; 2],
    least: [usize; 2],
}

impl Grain {
    /// For a checked shape with that many places.
    fn of(
        shape: &ConvolutionShape,
        instructions: Instructions,
        factors: Factors,
        places: usize,
    ) -> Self {
        #[cfg(target_arch = "x86_64")]
        if instructions == Instructions::Amx
            && factors == Factors::Bf16
            && shape.input[2].min(shape.filters) / shape.groups >= tiles::ENOUGH
        {
            return Self {
                tiles: true,
                part: tiles::part(places),
                most: [tiles::MOST; 2],
                least: [tiles::LEAST; 2],
            };
        }
        let [_, panel, tile] = extents(instructions, false);
        Self {
            tiles: false,
            part: PART,
            most: [TILES * tile, PANELS * panel],
            least: [2 * tile, panel],
        }
    }
}

/// Lengths and instructions are checked.
pub(super) fn gradient(
    shape: &ConvolutionShape,
    (instructions, factors): (Instructions, Factors),
    input: &[f32],
    gradient: &[f32],
    result: &mut [f32],
) {
    let places = gradient.len() / shape.filters;
    let grain = Grain::of(shape, instructions, factors, places);
    let add_up = |result: &mut [f32]| add_up(shape, instructions, grain, input, gradient, result);
    // Many places have few weights: shares of them are then tasks, each of which reads its places
    // once. How many there are goes by the shape alone, so that the sums are always the same.
    let most = (SUMS / result.len().max(1)).clamp(1, SHARES);
    let shares = (places / (4 * grain.part)).clamp(1, most);
    if shares == 1 {
        return add_up(result);
    }
    let mut sums = zeros(shares * result.len());
    add_up(&mut sums);
    result
        .par_chunks_mut(1 << 12)
        .enumerate()
        .for_each(|(chunk, result)| {
            result.fill(0.0);
            for share in sums.chunks_exact(sums.len() / shares) {
                add(result, &share[chunk << 12..]);
            }
        });
}

/// Writes the sums of as many shares of the places as `result` has room for.
fn add_up(
    shape: &ConvolutionShape,
    instructions: Instructions,
    grain: Grain,
    input: &[f32],
    gradient: &[f32],
    result: &mut [f32],
) {
    let runs = runs(shape);
    let filters = shape.filters / shape.groups;
    let weights = shape.weights();
    let shares = result.len() / weights;
    let parts = (gradient.len() / shape.filters).div_ceil(grain.part);
    let length = runs.iter().map(|run| run.length).max().unwrap_or(1);
    // Smaller blocks where there would be too few for all threads.
    let [mut rows, mut columns] = grain.most;
    let blocks = |rows, columns| runs.len() * length.div_ceil(rows) * filters.div_ceil(columns);
    while shares * blocks(rows, columns) < 2 * rayon::current_num_threads() {
        let (can_rows, can_columns) = (rows > grain.least[0], columns > grain.least[1]);
        match (can_rows, can_columns) {
            (true, _) if rows.min(length) >= columns.min(filters) || !can_columns => rows /= 2,
            (_, true) => columns /= 2,
            _ => break,
        }
    }
    let mut tasks = Vec::new();
    for share in 0..shares {
        for &run in &runs {
            for first in (0..run.length).step_by(rows) {
                for filter in (0..filters).step_by(columns) {
                    let block = Block {
                        rows: rows.min(run.length - first),
                        columns: columns.min(filters - filter),
                    };
                    tasks.push((share, run, first, filter, block));
                }
            }
        }
    }
    let target = Target(result.as_mut_ptr());
    tasks.into_par_iter().with_max_len(1).for_each(
        |(share, run, first_row, first_filter, block)| {
            let room = match grain.tiles {
                #[cfg(target_arch = "x86_64")]
                true => tiles::room(block, grain.part),
                _ => block.room(grain.part),
            };
            scratch::with(room, |room| {
                let task = Task {
                    shape,
                    grain,
                    run,
                    parts: [share, share + 1].map(|at| at * parts / shares),
                    first_row,
                    first_filter: run.group * filters + first_filter,
                    input,
                    gradient,
                    block,
                    room,
                    target,
                    at: share * weights,
                };
                // SAFETY: the caller has checked the instructions; tasks write different sums.
                unsafe { dispatch(instructions, grain.tiles, task) };
            });
        },
    );
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
    grain: Grain,
    run: Run,
    /// The first part of the places, and the one behind the last.
    parts: [usize; 2],
    /// Of the run.
    first_row: usize,
    /// Of all groups.
    first_filter: usize,
    input: &'a [f32],
    gradient: &'a [f32],
    block: Block,
    room: &'a mut [f32],
    target: Target,
    /// Where the share's sums begin.
    at: usize,
}

impl Kernel for Task<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(mut self) {
        let room = std::mem::take(&mut self.room);
        // SAFETY: the processor has the instructions.
        let sums = unsafe {
            match self.grain.tiles {
                #[cfg(target_arch = "x86_64")]
                true => self.by_tiles::<V>(room),
                _ => self.by_vectors::<V>(room),
            }
        };
        self.write(sums);
    }
}

impl Task<'_> {
    /// The places of each part: the first, and how many.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let places = self.gradient.len() / self.shape.filters;
        let part = self.grain.part;
        (self.parts[0]..self.parts[1]).map(move |at| (at * part, part.min(places - at * part)))
    }

    #[inline(always)]
    unsafe fn by_vectors<V: Vector>(&self, room: &mut [f32]) -> Sums {
        let mut packed = self.block.split(room, self.grain.part);
        for (first, count) in self.places() {
            // SAFETY: the caller's processor has the instructions; what is packed has room for
            // the places of a part.
            unsafe {
                self.pack_rows::<V>(first, count, packed.rows, packed.row_pitch);
                self.pack_filters::<V>(first, count, &mut packed);
                self.block.add_products::<V>(&mut packed, count);
            }
        }
        packed.sums()
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    unsafe fn by_tiles<V: Vector>(&self, room: &mut [f32]) -> Sums {
        let (mut product, rows) = tiles::Product::new(self.block, self.grain.part, room);
        let [filters, channels] = [self.shape.filters, self.shape.input[2]];
        for (first, count) in self.places() {
            for step in 0..self.grain.part.div_ceil(tiles::STEP) {
                let first = first + step * tiles::STEP;
                let count = count.saturating_sub(step * tiles::STEP).min(tiles::STEP);
                // SAFETY: the caller's processor has the instructions; there is room for a step's
                // rows; inputs and gradients have these places, since their lengths were checked.
                unsafe {
                    let mut met = rows;
                    if count > 0 && self.shape.is_pointwise() {
                        let at = first * channels + self.first_row;
                        met = Factor {
                            numbers: self.input[at..].as_ptr(),
                            pitch: channels,
                        };
                    } else {
                        self.pack_rows::<V>(first, count, rows.numbers.cast_mut(), rows.pitch);
                    }
                    let at = first * filters + self.first_filter;
                    let slopes = self.gradient.as_ptr().wrapping_add(at);
                    let slopes = Factor {
                        numbers: slopes,
                        pitch: filters,
                    };
                    product.pack(step, [met, slopes], count);
                }
            }
            // SAFETY: as above.
            unsafe { product.add() };
        }
        product.sums()
    }

    /// What the run's weights met at `count` places, `pitch` numbers from one to the next.
    #[inline(always)]
    unsafe fn pack_rows<V: Vector>(
        &self,
        first: usize,
        count: usize,
        room: *mut f32,
        pitch: usize,
    ) {
        let shape = self.shape;
        let [height, width, channels] = shape.input;
        let [out_height, out_width, _] = shape.output_unchecked();
        let mut column = first % out_width;
        let mut line = first / out_width % out_height;
        let mut image = first / out_width / out_height;
        let rows = self.first_row..self.first_row + self.block.rows;
        for place in 0..count {
            let y = (line * shape.stride[0] + self.run.down * shape.dilation[0])
                .wrapping_sub(shape.padding[0]);
            let x = (column * shape.stride[1] + self.run.across * shape.dilation[1]) as isize
                - shape.padding[2] as isize;
            // Where in the image's row the run's first number would lie, and which of the run lie
            // in the row.
            let within = |at: isize| at.clamp(rows.start as isize, rows.end as isize) as usize;
            let (start, [from, to]) = if y >= height {
                (0, [rows.start; 2])
            } else if self.run.whole_row {
                let start = x * channels as isize;
                let end = (width * channels) as isize - start;
                (start, [within(-start), within(end)])
            } else {
                let start = x * channels as isize + (self.run.group * self.run.length) as isize;
                let end = if (x as usize) < width {
                    rows.end
                } else {
                    rows.start
                };
                (start, [rows.start, end])
            };
            // SAFETY: there is room for the rows at each place, and what is inside lies in the
            // input, whose length was checked.
            unsafe {
                let packed = room.add(place * pitch);
                if to - from < rows.len() {
                    packed.write_bytes(0, rows.len());
                }
                if from < to {
                    let line = (image * height + y) * width * channels;
                    let met = self.input.as_ptr().add(line).offset(start + from as isize);
                    let packed = packed.add(from - rows.start);
                    copy_bytes::<V>(met.cast(), packed.cast(), 4 * (to - from));
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
        for place in 0..count {
            let from = (first + place) * self.shape.filters + self.first_filter;
            let from = &self.gradient[from..][..self.block.columns];
            // SAFETY: there is room for the columns at each place.
            unsafe {
                let packed = packed.columns.add(place * packed.column_pitch);
                copy_bytes::<V>(from.as_ptr().cast(), packed.cast(), 4 * from.len());
            }
        }
    }

    /// Writes the block's sums where weights are kept.
    fn write(&self, sums: Sums) {
        let channels = self.shape.input[2] / self.shape.groups;
        let [taps, width] = [self.shape.taps(), self.shape.kernel[1]];
        let first_tap = self.run.down * width + self.run.across;
        for column in 0..self.block.columns {
            let filter = self.first_filter + column;
            let at = self.at + filter * channels * taps + first_tap;
            let mut channel = self.first_row % channels;
            let mut pixel = self.first_row / channels;
            for sum in sums.of(&self.block, column) {
                // SAFETY: a share has a number for each filter, channel and tap, and this block's
                // are written by no other task.
                unsafe { *self.target.get().add(at + channel * taps + pixel) = sum };
                channel += 1;
                if channel == channels {
                    (channel, pixel) = (0, pixel + 1);
                }
            }
        }
    }
}
