//! Convolution as a matrix product whose rows are gathered block by block.

use std::mem::MaybeUninit;

use super::ConvolutionShape;
use super::gather::Gather;
use crate::finish::{Finish, Shared, Sums};
use crate::gemm::{Outputs, Panels};
use crate::vector::{dispatch, extents};
use crate::{Element, Epilogue, Instructions, scratch, split};

/// `f32` of a gathered block, at most: it has to stay in the second cache.
const BLOCK: usize = 160 << 10;
/// Tiles in a block, at most: its sums with a panel have to stay in the first cache.
const TILES: usize = 4;

/// A convolution as a matrix product.
#[derive(Debug)]
pub(crate) struct Implicit {
    shape: ConvolutionShape,
    instructions: Instructions,
    pairs: bool,
    /// One for each group.
    panels: Vec<Panels>,
    bias: Vec<f32>,
    epilogue: Epilogue,
    /// Rows of a block, at most.
    rows: usize,
    /// Whether a row is a pixel of the input, in the same order.
    in_order: bool,
}

impl Implicit {
    /// With factors that are pairs of bf16 or not.
    pub fn new(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
        instructions: Instructions,
        pairs: bool,
    ) -> Self {
        let (taps, channels) = (shape.taps(), shape.input[2] / shape.groups);
        let filters = shape.filters / shape.groups;
        let in_order = shape.is_pointwise();
        let panels = (0..shape.groups).map(|group| {
            Panels::new(
                [filters, taps * channels],
                instructions,
                pairs,
                |filter, depths, to| {
                    let all = channels * taps;
                    let from = &weights[(group * filters + filter) * all..][..all];
                    if taps == 1 {
                        return to.copy_from_slice(&from[depths]);
                    }
                    let mut channel = depths.start % channels;
                    let mut tap = depths.start / channels;
                    for to in to {
                        *to = from[channel * taps + tap];
                        channel += 1;
                        if channel == channels {
                            (channel, tap) = (0, tap + 1);
                        }
                    }
                },
            )
        });
        let panels = panels.collect::<Vec<_>>();
        let tile = extents(instructions, pairs)[2];
        let row = panels.first().map_or(1, |panels| panels.block(1));
        let rows = (BLOCK / row / tile).clamp(1, TILES) * tile;
        Self {
            shape,
            instructions,
            pairs,
            panels,
            bias: bias.to_vec(),
            epilogue,
            rows,
            in_order,
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
        let blocks = pixels.div_ceil(self.rows);
        let groups = self.panels.len();
        let Some(count) = self.panels.first().map(Panels::count) else {
            return;
        };
        // Few pixels: the filters are split too, though each part gathers again.
        let enough = 4 * rayon::current_num_threads();
        let activation = self.epilogue.activation;
        let place = Shared::whole(output, residual, filters);
        split::blocks(blocks * groups, count, enough, |task, of_task| {
            let (group, block) = (task % groups, task / groups);
            let panels = &self.panels[group];
            let [first, end] = [block, block + 1].map(|at| at * pixels / blocks);
            let (length, rows) = (panels.block(end - first), end - first);
            scratch::with(length + rows * panels.panel(), |room| {
                let (block, sums) = room.split_at_mut(length);
                let shape = &self.shape;
                let layout = panels.layout();
                let gather = Gather {
                    shape,
                    layout,
                    input,
                    group,
                    first,
                    rows,
                    block,
                };
                // SAFETY: the constructor's caller has checked the instructions.
                unsafe { dispatch(self.instructions, self.pairs, gather) };
                for panel in of_task.clone() {
                    let of_group = panels.filters(panel);
                    let at = group * (filters / groups) + of_group.start;
                    let bias = &self.bias[at..][..of_group.len()];
                    let pitch = panels.pitch(panel);
                    // SAFETY: the output has `pixels` rows of `filters` numbers, and so has
                    // the residual; no other task writes these rows' filters.
                    unsafe {
                        let place = place.get().at(first * filters + at);
                        if let Some(place) = place.as_f32()
                            && let Some(limits) = activation.limits()
                            && pitch == bias.len()
                        {
                            // The pixels of the next block, where they lie in a row.
                            let ahead = (panel == of_task.start && self.in_order).then(|| {
                                let at = end * self.shape.input[2];
                                input.as_ptr().wrapping_add(at).cast()
                            });
                            let outputs = Outputs {
                                place,
                                bias,
                                limits,
                                ahead,
                            };
                            panels.multiply_into(panel, block, rows, outputs);
                            continue;
                        }
                        panels.multiply(panel, block, rows, sums, None);
                        let sums = Sums {
                            numbers: sums.as_ptr(),
                            pitch,
                            rows,
                            bias,
                        };
                        dispatch(
                            self.instructions,
                            false,
                            Finish {
                                sums,
                                activation,
                                place,
                            },
                        );
                    }
                }
            });
        });
    }
}
