//! Convolution of 3 × 3 at stride 1 by Winograd's F(4 × 4, 3 × 3): 36 products for 16 sums of 9.
//!
//! Tiles of 6 × 6 input pixels that overlap by two are transformed, multiplied with transformed
//! weights as 36 matrix products over channels, and transformed back into 4 × 4 output pixels.
//! Sums differ from the definition's by rounding of about 10⁻⁶ of the terms' sizes.
//! (Lavin and Gray, *Fast algorithms for convolutional neural networks*, 2016.)

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::ConvolutionShape;
use crate::finish::{Place, Shared, Sums, finish};
use crate::gemm::Panels;
use crate::vector::{Kernel, Vector, dispatch, extents};
use crate::{Element, Epilogue, Instructions, scratch, split};

/// Output pixels along a tile.
const OUT: usize = 4;
/// Input pixels along a tile.
const IN: usize = 6;
/// Products of a tile.
const POINTS: usize = IN * IN;
/// Bytes of a block's transformed tiles, at most: they have to stay in the second cache.
const BLOCK: usize = 1 << 20;
/// Channels times filters, at most.
const WEIGHTS: usize = 1 << 17;
/// Channels come in chunks that are whole vectors of all instructions.
const CHUNK: usize = 16;

/// A convolution by Winograd's transform.
#[derive(Debug)]
pub(super) struct Winograd {
    shape: ConvolutionShape,
    instructions: Instructions,
    /// One for each point.
    panels: Vec<Panels>,
    bias: Vec<f32>,
    epilogue: Epilogue,
    /// Tiles of a block, at most.
    tiles: usize,
}

impl Winograd {
    /// Whether it is defined for a shape, and faster: small images have too few tiles for the
    /// four times larger weights, and the largest weights take longer to read than to multiply.
    pub fn suits(shape: &ConvolutionShape) -> bool {
        let [height, width, _] = shape.output_unchecked();
        shape.kernel == [3, 3]
            && shape.stride == [1, 1]
            && shape.dilation == [1, 1]
            && shape.groups == 1
            && shape.input[2].is_multiple_of(CHUNK)
            && shape.input[2] >= 32
            && shape.filters >= 32
            && shape.filters * shape.input[2] <= WEIGHTS
            && height.div_ceil(OUT) * width.div_ceil(OUT) >= 12
    }

    /// For a shape that suits.
    pub fn new(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
        instructions: Instructions,
    ) -> Self {
        let channels = shape.input[2];
        let transformed = weights
            .par_chunks_exact(9)
            .with_min_len(1 << 10)
            .map(transform_weights)
            .collect::<Vec<_>>();
        let panels = (0..POINTS).map(|point| {
            Panels::new(
                [shape.filters, channels],
                instructions,
                false,
                |filter, depths, to| {
                    let from = &transformed[filter * channels..][depths];
                    for (to, from) in to.iter_mut().zip(from) {
                        *to = from[point];
                    }
                },
            )
        });
        let panels = panels.collect();
        let row = extents(instructions, false)[2];
        let tiles = (BLOCK / (POINTS * channels * 4) / row).clamp(1, 56 / row) * row;
        Self {
            shape,
            instructions,
            panels,
            bias: bias.to_vec(),
            epilogue,
            tiles,
        }
    }

    /// Lengths are checked by [`super::Convolution::run`].
    pub fn run<T: Element>(
        &self,
        input: &[T],
        residual: Option<&[T]>,
        output: &mut [MaybeUninit<T>],
    ) {
        let [height, width, filters] = self.shape.output_unchecked();
        let images = output.len() / (height * width * filters);
        let tiles = images * height.div_ceil(OUT) * width.div_ceil(OUT);
        let Some(first) = self.panels.first() else {
            return;
        };
        let enough = 2 * rayon::current_num_threads();
        let blocks = tiles.div_ceil(self.tiles).max(enough.min(tiles / 12));
        let place = Shared::whole(output, residual, filters);
        split::blocks(blocks, first.count(), enough, |block, of_task| {
            let [begin, end] = [block, block + 1].map(|at| at * tiles / blocks);
            let rows = end - begin;
            let (length, sums_length) = (first.block(rows), rows * first.panel());
            scratch::with(POINTS * (length + sums_length), |room| {
                let (block, sums) = room.split_at_mut(POINTS * length);
                let transform = TransformInput {
                    plan: self,
                    input,
                    begin,
                    rows,
                    block,
                };
                // SAFETY: the constructor's caller has checked the instructions.
                unsafe { dispatch(self.instructions, false, transform) };
                for panel in of_task.clone() {
                    let points = block
                        .chunks_exact(length)
                        .zip(sums.chunks_exact_mut(sums_length));
                    let next = self
                        .panels
                        .iter()
                        .skip(1)
                        .map(|panels| panels.weights(panel));
                    let next = next.chain([first.weights(panel + 1)]);
                    let panels = self.panels.iter().zip(next);
                    for ((panels, next), (block, sums)) in panels.zip(points) {
                        panels.multiply(panel, block, rows, sums, Some(next));
                    }
                    let place = place.get();
                    let transform = TransformOutput {
                        plan: self,
                        panel,
                        begin,
                        rows,
                        sums,
                        place,
                    };
                    // SAFETY: as above; no other task writes these tiles' filters.
                    unsafe { dispatch(self.instructions, false, transform) };
                }
            });
        });
    }

    /// The image, and the output's row and column, at which a tile begins.
    #[inline(always)]
    fn corner(&self, tile: usize) -> [usize; 3] {
        let [height, width, _] = self.shape.output_unchecked();
        let [down, across] = [height.div_ceil(OUT), width.div_ceil(OUT)];
        [
            tile / across / down,
            tile / across % down * OUT,
            tile % across * OUT,
        ]
    }
}

/// A filter's 3 × 3 weights for one channel: G g Gᵀ, in double precision.
fn transform_weights(weights: &[f32]) -> [f32; POINTS] {
    const G: [[f64; 3]; IN] = [
        [1.0 / 4.0, 0.0, 0.0],
        [-1.0 / 6.0, -1.0 / 6.0, -1.0 / 6.0],
        [-1.0 / 6.0, 1.0 / 6.0, -1.0 / 6.0],
        [1.0 / 24.0, 1.0 / 12.0, 1.0 / 6.0],
        [1.0 / 24.0, -1.0 / 12.0, 1.0 / 6.0],
        [0.0, 0.0, 1.0],
    ];
    std::array::from_fn(|point| {
        let (down, across) = (G[point / IN], G[point % IN]);
        let terms = weights.iter().enumerate();
        terms
            .map(|(at, &weight)| down[at / 3] * across[at % 3] * f64::from(weight))
            .sum::<f64>() as f32
    })
}

/// Bᵀ d B of each tile, `[points]` of blocks as [`Panels::multiply`] takes them.
struct TransformInput<'a, T> {
    plan: &'a Winograd,
    input: &'a [T],
    begin: usize,
    rows: usize,
    block: &'a mut [f32],
}

impl<T: Element> Kernel for TransformInput<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let [height, width, channels] = self.plan.shape.input;
        let [top, _, left, _] = self.plan.shape.padding;
        let Some(panels) = self.plan.panels.first() else {
            return;
        };
        let (layout, length) = (panels.layout(), panels.block(self.rows));
        assert!(self.block.len() >= POINTS * length);
        for row in 0..self.rows {
            let [image, y, x] = self.plan.corner(self.begin + row);
            // Where each of the tile's pixels is, if it is in the image.
            let mut pixels = [None; POINTS];
            for (at, pixel) in pixels.iter_mut().enumerate() {
                let y = (y + at / IN).wrapping_sub(top);
                let x = (x + at % IN).wrapping_sub(left);
                if y < height && x < width {
                    let begin = ((image * height + y) * width + x) * channels;
                    *pixel = self.input.get(begin..begin + channels).map(<[T]>::as_ptr);
                }
            }
            for channel in (0..channels).step_by(V::WIDTH) {
                // SAFETY: channels are a multiple of the width, and so are the parts of a block;
                // pixels have as many channels, blocks as many numbers.
                unsafe {
                    let mut half = [[V::zero(); IN]; IN];
                    for (across, half) in half.iter_mut().enumerate() {
                        let mut column = [V::zero(); IN];
                        for (down, value) in column.iter_mut().enumerate() {
                            if let Some(pixel) = pixels[down * IN + across] {
                                *value = load(pixel.add(channel));
                            }
                        }
                        *half = input_transform(column);
                    }
                    let part = channel / layout.part * self.rows * layout.pitch;
                    let to = self.block.as_mut_ptr();
                    let to = to.add(part + row * layout.pitch + channel % layout.part);
                    for down in 0..IN {
                        let line = half.map(|column| column[down]);
                        for (across, value) in input_transform(line).into_iter().enumerate() {
                            value.store(to.add((down * IN + across) * length));
                        }
                    }
                }
            }
        }
    }
}

/// Numbers of a vector as `f32`.
#[inline(always)]
unsafe fn load<V: Vector, T: Element>(from: *const T) -> V {
    // SAFETY: the caller gives as many numbers as a vector has, which is a chunk's at most.
    unsafe {
        if T::NAME == "f32" {
            return V::load(from.cast());
        }
        let mut values = [0.0; CHUNK];
        for (at, value) in values.iter_mut().take(V::WIDTH).enumerate() {
            *value = (*from.add(at)).to_f32();
        }
        V::load(values.as_ptr())
    }
}

/// Bᵀ d
#[inline(always)]
unsafe fn input_transform<V: Vector>(d: [V; IN]) -> [V; IN] {
    // SAFETY: the caller's processor has the instructions; constants are numbers to be read.
    unsafe {
        let [two, minus_two] = [V::splat(&2.0), V::splat(&-2.0)];
        let [four, minus_four, minus_five] = [V::splat(&4.0), V::splat(&-4.0), V::splat(&-5.0)];
        let even = d[4].multiply_add(minus_four, d[2]);
        let odd = d[3].multiply_add(minus_four, d[1]);
        let near = d[4].sub(d[2]);
        let far = d[3].sub(d[1]);
        [
            d[4].multiply_add(minus_five, d[2]).multiply_add(four, d[0]),
            even.add(odd),
            even.sub(odd),
            near.multiply_add(two, far),
            near.multiply_add(minus_two, far),
            d[5].multiply_add(minus_five, d[3]).multiply_add(four, d[1]),
        ]
    }
}

/// Aᵀ m
#[inline(always)]
unsafe fn output_transform<V: Vector>(m: [V; IN]) -> [V; OUT] {
    // SAFETY: as above.
    unsafe {
        let [two, four, eight] = [V::splat(&2.0), V::splat(&4.0), V::splat(&8.0)];
        let (sum, difference) = (m[1].add(m[2]), m[1].sub(m[2]));
        let (far_sum, far_difference) = (m[3].add(m[4]), m[3].sub(m[4]));
        [
            m[0].add(sum).add(far_sum),
            difference.multiply_add(two, far_difference),
            sum.multiply_add(four, far_sum),
            m[5].add(difference).multiply_add(eight, far_difference),
        ]
    }
}

/// Aᵀ m A of each tile with a panel's filters, and the epilogue.
struct TransformOutput<'a, T> {
    plan: &'a Winograd,
    panel: usize,
    begin: usize,
    rows: usize,
    sums: &'a [f32],
    place: Place<T>,
}

impl<T: Element> Kernel for TransformOutput<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        /// Filters in the widest panel.
        const WIDEST: usize = 32;
        let [height, width, filters] = self.plan.shape.output_unchecked();
        let Some(panels) = self.plan.panels.first() else {
            return;
        };
        let of_panel = panels.filters(self.panel);
        let pitch = panels.pitch(self.panel);
        let length = self.rows * panels.panel();
        assert!(self.sums.len() >= POINTS * length && pitch <= WIDEST);
        let bias = &self.plan.bias[of_panel.clone()];
        let mut pixels = [0.0f32; OUT * OUT * WIDEST];
        for row in 0..self.rows {
            for at in (0..pitch).step_by(V::WIDTH) {
                // SAFETY: each point has `rows × pitch` sums, and there is room for 16 pixels of
                // `pitch` numbers.
                unsafe {
                    let from = self.sums.as_ptr().add(row * pitch + at);
                    let mut half = [[V::zero(); OUT]; IN];
                    for (across, half) in half.iter_mut().enumerate() {
                        let mut column = [V::zero(); IN];
                        for (down, value) in column.iter_mut().enumerate() {
                            *value = V::load(from.add((down * IN + across) * length));
                        }
                        *half = output_transform(column);
                    }
                    for down in 0..OUT {
                        let line = half.map(|column| column[down]);
                        for (across, value) in output_transform(line).into_iter().enumerate() {
                            let at = (down * OUT + across) * pitch + at;
                            value.store(pixels.as_mut_ptr().add(at));
                        }
                    }
                }
            }
            let [image, y, x] = self.plan.corner(self.begin + row);
            for down in 0..OUT.min(height - y) {
                let at = ((image * height + y + down) * width + x) * filters + of_panel.start;
                let numbers = pixels[down * OUT * pitch..].as_ptr();
                let sums = Sums {
                    numbers,
                    pitch,
                    rows: OUT.min(width - x),
                    bias,
                };
                // SAFETY: these pixels are in the output, and in the residual if there is one.
                unsafe { finish(sums, self.plan.epilogue.activation, self.place.at(at)) };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::convolution::unwritten;

    /// Fewer tiles than a convolution is transformed for, so that Miri can follow.
    #[test]
    fn a_few_tiles_are_what_the_definition_says() {
        let [height, width, channels, filters] = [6, 5, CHUNK, 20];
        let shape = ConvolutionShape {
            kernel: [3, 3],
            padding: [1; 4],
            ..ConvolutionShape::pointwise([height, width, channels], filters)
        };
        let numbers = |count: usize, step: usize| -> Vec<f32> {
            let number = |at: usize| (at * step % 97) as f32 / 48.0 - 1.0;
            (0..count).map(number).collect()
        };
        let input = numbers(height * width * channels, 31);
        let weights = numbers(filters * channels * 9, 37);
        let bias = numbers(filters, 41);
        for instructions in Instructions::available() {
            let epilogue = Epilogue::default();
            let plan = Winograd::new(shape, &weights, &bias, epilogue, instructions);
            let mut output = vec![0.0; height * width * filters];
            plan.run(&input, None, unwritten(&mut output));
            for (at, found) in output.iter().enumerate() {
                let (filter, x, y) = (at % filters, at / filters % width, at / filters / width);
                let mut expected = bias[filter];
                for tap in 0..9 {
                    let (y, x) = (y + tap / 3, x + tap % 3);
                    if !(1..=height).contains(&y) || !(1..=width).contains(&x) {
                        continue;
                    }
                    let pixel = &input[((y - 1) * width + x - 1) * channels..][..channels];
                    for (channel, value) in pixel.iter().enumerate() {
                        expected += value * weights[(filter * channels + channel) * 9 + tap];
                    }
                }
                assert!(
                    (found - expected).abs() < 1e-3,
                    "{instructions}: number {at} is {found}, expected {expected}"
                );
            }
        }
    }
}
