//! Convolution by tiles of bf16 whose rows are pixels of a padded copy of the input.
//!
//! At stride 1 neighbouring outputs read neighbouring pixels. A band of rows is copied once, with
//! zeros around it; every tap is then the same tile a few pixels further on, and nothing is gathered
//! for each tap anew. Tiles run on over the ends of rows, and what they give there is left out.

use std::mem::MaybeUninit;

use half::bf16;

use super::ConvolutionShape;
use super::gather::copy_numbers;
use super::tiled::finish;
use crate::amx::{SIDE, STEP, TilePanels, TileSums};
use crate::finish::{Place, Shared};
use crate::vector::{Kernel, Vector, dispatch};
use crate::{Element, Epilogue, Instructions, scratch, split};

/// Bytes of a band, at most: it has to stay in the second cache.
const BAND: usize = 1280 << 10;
/// Places of a row from which few tiles run over its end.
const WIDE: usize = 28;

/// A convolution by tiles over padded bands.
#[derive(Debug)]
pub(crate) struct Padded {
    shape: ConvolutionShape,
    panels: TilePanels,
    /// Filled up to whole panels.
    bias: Vec<f32>,
    epilogue: Epilogue,
    /// Numbers from one pixel of a band to the next.
    pitch: usize,
    /// Pixels of a band's row.
    width: usize,
    /// Rows of the output from a band, at most.
    rows: usize,
}

impl Padded {
    /// Whether it is defined for a shape, and faster.
    pub fn suits(shape: &ConvolutionShape) -> bool {
        shape.taps() > 1
            && shape.stride == [1, 1]
            && shape.groups == 1
            && shape.input[2].is_multiple_of(STEP)
            && shape.output_unchecked()[1] >= WIDE
    }

    /// For a shape that suits.
    pub fn new(shape: ConvolutionShape, weights: &[f32], bias: &[f32], epilogue: Epilogue) -> Self {
        let (taps, channels) = (shape.taps(), shape.input[2]);
        // An odd number of cache lines, so that pixels are spread over the cache's sets.
        let lines = channels / STEP;
        let pitch = match lines >= 4 && lines.is_multiple_of(2) {
            true => channels + STEP,
            false => channels,
        };
        let width = shape.input[1] + shape.padding[2] + shape.padding[3];
        let offsets = (0..taps * lines).map(|at| {
            let (tap, line) = (at / lines, at % lines);
            let down = tap / shape.kernel[1] * shape.dilation[0];
            let across = tap % shape.kernel[1] * shape.dilation[1];
            2 * ((down * width + across) * pitch + line * STEP)
        });
        let panels = TilePanels::new(shape.filters, offsets.collect(), STEP, |filter, of, to| {
            let first = (filter * channels + of % lines * STEP) * taps + of / lines;
            for (to, from) in to.iter_mut().zip(weights[first..].iter().step_by(taps)) {
                *to = *from;
            }
        });
        let mut bias = bias.to_vec();
        bias.resize(shape.filters.next_multiple_of(SIDE), 0.0);
        let below = (shape.kernel[0] - 1) * shape.dilation[0];
        let rows = (BAND / (2 * width * pitch)).saturating_sub(below).max(1);
        Self {
            shape,
            panels,
            bias,
            epilogue,
            pitch,
            width,
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
        let [height, _, filters] = self.shape.output_unchecked();
        let images = input.len() / self.shape.input_length();
        let enough = 2 * rayon::current_num_threads();
        let bands = enough
            .div_ceil(images.max(1))
            .max(height.div_ceil(self.rows));
        let rows = height.div_ceil(bands);
        let bands = height.div_ceil(rows);
        let count = self.panels.count();
        let place = Shared::whole(output, residual, filters);
        split::blocks(images * bands, count, enough, |task, panels| {
            let (band, image) = (task % bands, task / bands);
            let first = band * rows;
            let band = Band {
                plan: self,
                image,
                first,
                rows: rows.min(height - first),
                panels,
            };
            band.run(input, place.get());
        });
    }
}

/// What one task does: some rows of an image's output, for some panels.
struct Band<'a> {
    plan: &'a Padded,
    image: usize,
    first: usize,
    rows: usize,
    panels: std::ops::Range<usize>,
}

impl Band<'_> {
    fn run<T: Element, O: Element>(self, input: &[T], place: Place<O>) {
        let Padded {
            shape,
            pitch,
            width,
            ..
        } = self.plan;
        let below = (shape.kernel[0] - 1) * shape.dilation[0];
        let across = (shape.kernel[1] - 1) * shape.dilation[1];
        // The last tile may begin at the last pixel that has an output.
        let pixels = (self.rows + below) * width + across + SIDE;
        scratch::with((pixels * pitch).div_ceil(2), |room| {
            // SAFETY: two numbers of bf16 have the size of one `f32`, whose alignment is larger, and
            // any bits are a number.
            let band = unsafe {
                std::slice::from_raw_parts_mut(room.as_mut_ptr().cast::<bf16>(), room.len() * 2)
            };
            let band = Fill {
                of: &self,
                input,
                band,
            };
            // SAFETY: the plan exists only where the machine has the instructions.
            unsafe { dispatch(Instructions::Amx, true, band) };
            self.multiply(room.as_ptr().cast(), place);
        });
    }

    fn multiply<T: Element>(&self, band: *const u8, place: Place<T>) {
        let plan = self.plan;
        let across = plan.shape.output_unchecked()[1];
        // From the first output to the last, with what lies between rows.
        let pixels = self.rows * plan.width - (plan.width - across);
        let source = |pixel: usize| (band.wrapping_add(2 * pixel * plan.pitch), 2 * plan.pitch);
        // SAFETY: the plan exists only where the machine has the instructions. The band has 32 pixels
        // from the last output's on, at every tap. The place is that of the whole output.
        unsafe {
            plan.panels
                .multiply(self.panels.clone(), pixels, source, |panel, pixel, sums| {
                    self.finish(panel, pixel, pixels, sums, place);
                });
        }
    }

    /// Writes the outputs among 32 pixels from `first` on, of `pixels`.
    ///
    /// # Safety
    ///
    /// The place is that of the whole output.
    unsafe fn finish<T: Element>(
        &self,
        panel: usize,
        first: usize,
        pixels: usize,
        sums: &TileSums,
        place: Place<T>,
    ) {
        let plan = self.plan;
        let [height, across, _] = plan.shape.output_unchecked();
        let filters = plan.panels.filters(panel);
        let end = (first + SIDE).min(pixels);
        let mut pixel = first;
        while pixel < end {
            let (y, x) = (pixel / plan.width, pixel % plan.width);
            if x < across {
                let count = (across - x).min(end - pixel);
                let row = (self.image * height + self.first + y) * across + x;
                // SAFETY: the output has these rows and filters, and no other task writes them; the
                // sums have as many rows from this one on.
                unsafe {
                    let place = place.at(row * place.pitch + filters.start);
                    let sums = sums.0.as_ptr().add((pixel - first) * SIDE);
                    let bias = &plan.bias[filters.start..];
                    finish(
                        sums,
                        count,
                        filters.len(),
                        bias,
                        plan.epilogue.activation,
                        place,
                    );
                }
            }
            pixel += plan.width - x;
        }
    }
}

/// Copies the rows under a band's outputs, with zeros around the image.
struct Fill<'a, T> {
    of: &'a Band<'a>,
    input: &'a [T],
    band: &'a mut [bf16],
}

impl<T: Element> Kernel for Fill<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Band {
            plan,
            image,
            first,
            rows,
            ..
        } = self.of;
        let shape = &plan.shape;
        let [height, width, channels] = shape.input;
        let image = &self.input[image * shape.input_length()..][..shape.input_length()];
        let below = (shape.kernel[0] - 1) * shape.dilation[0];
        let [top, _, left, _] = shape.padding;
        let lines = self.band.chunks_exact_mut(plan.width * plan.pitch);
        for (at, line) in lines.enumerate().take(rows + below) {
            let y = (first + at).wrapping_sub(top);
            if y >= height {
                line.fill(bf16::ZERO);
                continue;
            }
            let (before, rest) = line.split_at_mut(left * plan.pitch);
            let (inside, behind) = rest.split_at_mut(width * plan.pitch);
            before.fill(bf16::ZERO);
            behind.fill(bf16::ZERO);
            let from = &image[y * width * channels..][..width * channels];
            // SAFETY: the processor has the instructions; both sides have as many numbers.
            unsafe {
                if plan.pitch == channels {
                    copy_numbers::<V, T>(from.as_ptr(), inside.as_mut_ptr().cast(), from.len());
                    continue;
                }
                let pixels = inside.chunks_exact_mut(plan.pitch);
                for (to, from) in pixels.zip(from.chunks_exact(channels)) {
                    copy_numbers::<V, T>(from.as_ptr(), to.as_mut_ptr().cast(), channels);
                }
            }
        }
    }
}
