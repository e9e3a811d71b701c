//! Convolution by tiles of bf16.
//!
//! The rows of a matrix product are read where they lie in the input if the filter is 1 × 1, and
//! gathered block by block otherwise.

use std::mem::MaybeUninit;

use super::ConvolutionShape;
use super::gather::{Gather, Layout};
use crate::amx::{SIDE, STEP, TilePanels, TileSums, finish_clamped};
use crate::finish::{Finish, Place, Shared, Sums};
use crate::vector::dispatch;
use crate::{Activation, Element, Epilogue, Instructions, scratch, split};

/// Bytes of a block's rows, at most: they have to stay in the second cache, which has 2 MiB in every
/// processor with tiles.
const BLOCK: usize = 1280 << 10;
/// A convolution by tiles.
#[derive(Debug)]
pub(crate) struct Tiled {
    shape: ConvolutionShape,
    /// One for each group.
    panels: Vec<TilePanels>,
    /// Filled up to whole panels, group by group.
    bias: Vec<f32>,
    epilogue: Epilogue,
    layout: Layout,
    /// Whether rows are read where they lie.
    in_place: bool,
    /// Rows of a block, at most.
    rows: usize,
}

impl Tiled {
    /// For an input of `T`, which is rounded to bf16 where it is not.
    pub fn new<T: Element>(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
    ) -> Self {
        let (taps, channels) = (shape.taps(), shape.input[2] / shape.groups);
        let filters = shape.filters / shape.groups;
        let depth = taps * channels;
        let in_place = T::NAME == "bf16" && shape.is_pointwise() && channels.is_multiple_of(2);
        let step = if in_place { channels.min(STEP) } else { STEP };
        let padded = if in_place {
            depth
        } else {
            depth.next_multiple_of(STEP)
        };
        // A last step that would pass the row's end begins earlier, and the numbers that it reads
        // a second time have no weight.
        let begins = (0..padded)
            .step_by(step)
            .map(|at| (at.min(padded - step), at));
        let begins = begins.collect::<Vec<_>>();
        let offsets = begins
            .iter()
            .map(|(begin, _)| 2 * begin)
            .collect::<Vec<_>>();
        let panels = (0..shape.groups).map(|group| {
            TilePanels::new(filters, offsets.clone(), step, |filter, of, to| {
                let from = &weights[(group * filters + filter) * depth..][..depth];
                let (begin, fresh) = begins[of];
                let end = depth.min(begin + step);
                let to = &mut to[fresh - begin..end - begin];
                if taps == 1 {
                    return to.copy_from_slice(&from[fresh..end]);
                }
                for (to, at) in to.iter_mut().zip(fresh..end) {
                    *to = from[at % channels * taps + at / channels];
                }
            })
        });
        let panels = panels.collect::<Vec<_>>();
        let whole = filters.next_multiple_of(SIDE);
        let bias = (0..shape.groups * whole)
            .map(|at| {
                if at % whole < filters {
                    bias[at / whole * filters + at % whole]
                } else {
                    0.0
                }
            })
            .collect();
        // An odd number of cache lines, so that rows are spread over the cache's sets.
        let pitch = (padded / 2).div_ceil(16) * 16;
        let pitch = if (pitch / 16).is_multiple_of(2) {
            pitch + 16
        } else {
            pitch
        };
        let layout = Layout {
            part: padded,
            pitch,
            depth: padded,
        };
        let rows = (BLOCK / (2 * padded) / SIDE).clamp(1, 16) * SIDE;
        Self {
            shape,
            panels,
            bias,
            epilogue,
            layout,
            in_place,
            rows,
        }
    }

    /// Lengths are checked by [`super::Convolution::run`].
    pub fn run<T: Element, O: Element>(
        &self,
        input: &[T],
        residual: Option<&[O]>,
        output: &mut [MaybeUninit<O>],
    ) {
        let filters = self.shape.filters;
        let pixels = output.len() / filters;
        let groups = self.panels.len();
        let Some(count) = self.panels.first().map(TilePanels::count) else {
            return;
        };
        let enough = 2 * rayon::current_num_threads();
        // Every block reads all weights: where these outweigh its rows, blocks are as large as they
        // can be, and the filters are split.
        let blocks = match filters / groups.max(1) > pixels {
            true => 1,
            false => enough,
        };
        let blocks = blocks.max(pixels.div_ceil(self.rows));
        let rows = pixels.div_ceil(blocks).next_multiple_of(SIDE).max(SIDE);
        let blocks = pixels.div_ceil(rows);
        let place = Shared::whole(output, residual, filters);
        split::blocks(blocks * groups, count, enough, |task, panels| {
            let (group, block) = (task % groups, task / groups);
            let first = block * rows;
            let block = Block {
                plan: self,
                group,
                first,
                rows: rows.min(pixels - first),
                panels,
            };
            block.run(input, place.get());
        });
    }
}

/// What one task does.
struct Block<'a> {
    plan: &'a Tiled,
    group: usize,
    first: usize,
    rows: usize,
    panels: std::ops::Range<usize>,
}

impl Block<'_> {
    fn run<T: Element, O: Element>(self, input: &[T], place: Place<O>) {
        let Layout { pitch, .. } = self.plan.layout;
        // In place, only rows that do not fill a pair of tiles are gathered: to read 32 of them
        // would be to read past the input.
        let gathered = if self.plan.in_place {
            self.rows % SIDE
        } else {
            self.rows
        };
        let begin = self.rows - gathered;
        scratch::with(gathered.next_multiple_of(SIDE) * pitch, |room| {
            if gathered > 0 {
                let gather = Gather {
                    shape: &self.plan.shape,
                    layout: self.plan.layout,
                    input,
                    group: self.group,
                    first: self.first + begin,
                    rows: gathered,
                    block: room,
                };
                // SAFETY: the plan exists only where the machine has the instructions.
                unsafe { dispatch(Instructions::Amx, true, gather) };
            }
            let channels = self.plan.shape.input[2];
            self.multiply(place, |row| {
                if row < begin {
                    (
                        input[(self.first + row) * channels..].as_ptr().cast(),
                        2 * channels,
                    )
                } else {
                    (room[(row - begin) * pitch..].as_ptr().cast(), 4 * pitch)
                }
            });
        });
    }

    /// `source` says where a row begins, and how many bytes it is to the next.
    fn multiply<T: Element>(&self, place: Place<T>, source: impl Fn(usize) -> (*const u8, usize)) {
        let Some(panels) = self.plan.panels.get(self.group) else {
            return;
        };
        // SAFETY: the plan exists only where the machine has the instructions. Sources have 32
        // rows: in place because the block has as many there, gathered because there is room for
        // them. The place is that of the whole output.
        unsafe {
            panels.multiply(
                self.panels.clone(),
                self.rows,
                source,
                |panel, row, sums| {
                    self.finish(panel, row, sums, place);
                },
            );
        }
    }

    /// # Safety
    ///
    /// The place is that of the whole output.
    unsafe fn finish<T: Element>(
        &self,
        panel: usize,
        row: usize,
        sums: &TileSums,
        place: Place<T>,
    ) {
        let plan = self.plan;
        let filters = plan.shape.filters / plan.shape.groups;
        let of_group = plan.panels[self.group].filters(panel);
        let bias = &plan.bias[self.group * filters.next_multiple_of(SIDE) + of_group.start..];
        let rows = SIDE.min(self.rows - row);
        // SAFETY: the place has these rows and filters; no other task writes them.
        unsafe {
            let at = (self.first + row) * place.pitch + self.group * filters + of_group.start;
            let activation = plan.epilogue.activation;
            finish(
                sums.0.as_ptr(),
                rows,
                of_group.len(),
                bias,
                activation,
                place.at(at),
            );
        }
    }
}

/// Writes the outputs of `rows` rows of sums, 32 apart and on a cache line, for `filters` filters.
///
/// # Safety
///
/// The machine has tiles, the place those rows and filters, and `bias` 32 numbers.
pub(super) unsafe fn finish<T: Element>(
    sums: *const f32,
    rows: usize,
    filters: usize,
    bias: &[f32],
    activation: Activation,
    place: Place<T>,
) {
    // SAFETY: as the caller says.
    unsafe {
        if let Some(place) = place.as_bf16()
            && filters == SIDE
            && let Some(bias) = bias.first_chunk()
            && let Some(limits) = activation.limits()
        {
            return finish_clamped(sums, rows, bias, limits, place);
        }
        let sums = Sums {
            numbers: sums,
            pitch: SIDE,
            rows,
            bias: &bias[..filters],
        };
        dispatch(
            Instructions::Amx,
            true,
            Finish {
                sums,
                activation,
                place,
            },
        );
    }
}
