//! Convolutions in which every channel has a filter of its own.
//!
//! One load of the input feeds one product, so what counts is that sums stay in registers and
//! that memory is read along the channels. A tile is a few neighbouring places of a row; its sums
//! are made for a vector of channels at a time.

use std::marker::PhantomData;

use crate::lanes::{Lanes, Work, dispatch};
use crate::{ConvolutionShape, Element, Epilogue, Instructions, split};

/// A depthwise convolution: as many groups and filters as channels.
#[derive(Debug)]
pub(crate) struct Depthwise<T> {
    shape: ConvolutionShape,
    /// `[kernel height, kernel width, channels]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    epilogue: Epilogue,
    instructions: Instructions,
    element: PhantomData<T>,
}

impl<T: Element> Depthwise<T> {
    /// `weights` as `[channels, 1, kernel height, kernel width]`; lengths and the shape are
    /// checked by [`crate::Convolution::new`], and the machine has the instructions.
    pub fn new(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
        instructions: Instructions,
    ) -> Self {
        let [kernel_height, kernel_width] = shape.kernel;
        let area = kernel_height * kernel_width;
        let packed = (0..area * shape.filters)
            .map(|at| weights[(at % shape.filters) * area + at / shape.filters])
            .collect();
        Self {
            shape,
            weights: packed,
            bias: bias.to_vec(),
            epilogue,
            instructions,
            element: PhantomData,
        }
    }

    /// Lengths are checked by [`crate::Convolution::run`].
    pub fn run(&self, input: &[T], residual: Option<&[T]>, output: &mut [T], _images: usize) {
        let [_, width, channels] = self.shape.output_unchecked();
        let row = width * channels;
        split::rows(output, row, row * self.shape.taps(), |first, output| {
            let residual = residual.map(|all| &all[first * row..][..output.len()]);
            let rows = Rows {
                layer: self,
                input,
                residual,
                output,
                first,
            };
            // SAFETY: `Convolution::new` has checked that the machine has the instructions.
            unsafe { dispatch(self.instructions, rows) }
        });
    }
}

/// Some rows of the output, from the `first` of all images on.
struct Rows<'a, T> {
    layer: &'a Depthwise<T>,
    input: &'a [T],
    residual: Option<&'a [T]>,
    output: &'a mut [T],
    first: usize,
}

impl<T: Element> Work for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let shape = &self.layer.shape;
        let [out_height, out_width, channels] = shape.output_unchecked();
        let [height, width, _] = shape.input;
        let row = out_width * channels;
        let wide = if out_width.is_multiple_of(7) { 7 } else { 8 };
        for at in 0..self.output.len() / row {
            let (image, y) = (
                (self.first + at) / out_height,
                (self.first + at) % out_height,
            );
            let image = &self.input[image * shape.input_length()..][..shape.input_length()];
            let (taps, top) = inside(shape, 0, y, height);
            let mut x = 0;
            while x < out_width {
                let left = out_width - x;
                let tile = Tile {
                    layer: self.layer,
                    image: image.as_ptr(),
                    residual: match self.residual {
                        // SAFETY: the residual has as many numbers as the output.
                        Some(all) => unsafe { all.as_ptr().add(at * row + x * channels) },
                        None => std::ptr::null(),
                    },
                    // SAFETY: the tile lies in the row `at` of the output.
                    output: unsafe { self.output.as_mut_ptr().add(at * row + x * channels) },
                    taps,
                    top,
                    x,
                    width,
                };
                // SAFETY: each tile reads its image where it is inside, and writes as many places
                // as it is wide, which are left in the row.
                x += unsafe {
                    match left {
                        7.. if wide == 7 => tile.of::<V, 7>(),
                        8.. => tile.of::<V, 8>(),
                        4.. => tile.of::<V, 4>(),
                        _ => tile.of::<V, 1>(),
                    }
                };
            }
        }
    }
}

/// Which taps along an axis meet the image, from the first to behind the last, at the place `at`
/// of the output, and where in the image the first tap would lie.
#[inline(always)]
fn inside(shape: &ConvolutionShape, axis: usize, at: usize, size: usize) -> ([usize; 2], isize) {
    let start = (at * shape.stride[axis]) as isize - shape.padding[2 * axis] as isize;
    // Taps whose place is below `limit`.
    let below = |limit: isize| (limit - start).max(0) as usize;
    let first = below(0).div_ceil(shape.dilation[axis]);
    let end = below(size as isize).div_ceil(shape.dilation[axis]);
    let taps = shape.kernel[axis];
    ([first.min(taps), end.min(taps)], start)
}

/// Neighbouring places of a row.
struct Tile<'a, T> {
    layer: &'a Depthwise<T>,
    image: *const T,
    /// Null if there is none.
    residual: *const T,
    output: *mut T,
    /// Rows of the filter that meet the image.
    taps: [usize; 2],
    /// Row of the image under the filter's first.
    top: isize,
    x: usize,
    width: usize,
}

impl<T: Element> Tile<'_, T> {
    /// Computes `W` places and says how many that were.
    #[inline(always)]
    unsafe fn of<V: Lanes, const W: usize>(self) -> usize {
        let shape = &self.layer.shape;
        let channels = shape.filters;
        let left = (self.x * shape.stride[1]) as isize - shape.padding[2] as isize;
        let reach = (W - 1) * shape.stride[1] + (shape.kernel[1] - 1) * shape.dilation[1];
        let is_inside = left >= 0 && left as usize + reach < self.width;
        let whole = channels / V::COUNT * V::COUNT;
        // SAFETY: as the caller says; vectors of channels lie within a place's.
        unsafe {
            for channel in (0..whole).step_by(V::COUNT) {
                match is_inside {
                    true => self.vector::<V, W, true, true>(channel, V::COUNT),
                    false => self.vector::<V, W, false, true>(channel, V::COUNT),
                }
            }
            if whole < channels {
                match is_inside {
                    true => self.vector::<V, W, true, false>(whole, channels - whole),
                    false => self.vector::<V, W, false, false>(whole, channels - whole),
                }
            }
        }
        W
    }

    /// `count` channels of each place; `INSIDE` if every column lies in the image, `WHOLE` if the
    /// channels fill a vector.
    #[inline(always)]
    unsafe fn vector<V: Lanes, const W: usize, const INSIDE: bool, const WHOLE: bool>(
        &self,
        channel: usize,
        count: usize,
    ) {
        let shape = &self.layer.shape;
        let channels = shape.filters;
        let stride = shape.stride[1];
        let left = (self.x * stride) as isize - shape.padding[2] as isize;
        // SAFETY: rows are those that meet the image; columns are checked, or inside.
        unsafe {
            let mut sums = [load::<V, f32, WHOLE>(self.layer.bias.as_ptr().add(channel), count); W];
            for row in self.taps[0]..self.taps[1] {
                let y = self.top + (row * shape.dilation[0]) as isize;
                let line = self
                    .image
                    .offset(y * (self.width * channels) as isize)
                    .add(channel);
                for tap in 0..shape.kernel[1] {
                    let at = (row * shape.kernel[1] + tap) * channels + channel;
                    let weight = load::<V, f32, WHOLE>(self.layer.weights.as_ptr().add(at), count);
                    let start = left + (tap * shape.dilation[1]) as isize;
                    for (place, sum) in sums.iter_mut().enumerate() {
                        let x = start + (place * stride) as isize;
                        if INSIDE || (x >= 0 && x < self.width as isize) {
                            let from = line.offset(x * channels as isize);
                            *sum = sum.add_product(load::<V, T, WHOLE>(from, count), weight);
                        }
                    }
                }
            }
            if !self.residual.is_null() {
                for (place, sum) in sums.iter_mut().enumerate() {
                    let from = self.residual.add(place * channels + channel);
                    *sum = sum.add(load::<V, T, WHOLE>(from, count));
                }
            }
            match self.layer.epilogue.activation.limits() {
                Some([low, high]) => {
                    let [low, high] = [V::splat(low), V::splat(high)];
                    for sum in &mut sums {
                        *sum = sum.max(low).min(high);
                    }
                }
                // Through memory, so that the curve is compiled once and not for every place.
                None => {
                    let mut through = sums;
                    for sum in through.iter_mut().take(std::hint::black_box(W)) {
                        *sum = self.layer.epilogue.activation.of(*sum);
                    }
                    sums = through;
                }
            }
            for (place, sum) in sums.into_iter().enumerate() {
                let to = self.output.add(place * channels + channel);
                match WHOLE {
                    true => sum.store(to),
                    false => sum.store_some(to, count),
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn load<V: Lanes, T: Element, const WHOLE: bool>(from: *const T, count: usize) -> V {
    // SAFETY: the caller gives `count` elements; `WHOLE` says that they are a vector.
    unsafe {
        match WHOLE {
            true => V::load(from),
            false => V::load_some(from, count),
        }
    }
}
