//! Convolutions in which every channel has a filter of its own.
//!
//! One number of the input feeds few products, so what counts is that it is brought in once. A
//! vector of channels goes down the rows of a map: each row is put into a line of `f32` with zeros
//! for the padding, the lines under a filter stay in the first cache, and sums of neighbouring
//! places stay in registers.

use std::marker::PhantomData;

use crate::lanes::{Lanes, Work, dispatch};
use crate::{ConvolutionShape, Element, Epilogue, Instructions, scratch, split};

/// Channels whose weights lie together: a multiple of every vector.
const CHANNELS: usize = 16;
/// Bytes of the input under a band of rows, at most: each vector of channels reads parts of the same
/// cache lines, which have to stay in the second cache.
const BAND: usize = 512 << 10;
/// Places of a tile, where it fits into the output's rows, and elsewhere.
const WIDE: usize = 14;
const NARROW: usize = 8;

/// A depthwise convolution: as many groups and filters as channels.
#[derive(Debug)]
pub(crate) struct Depthwise<T> {
    shape: ConvolutionShape,
    /// `[channels / 16, kernel height, kernel width, 16]`, filled up with zeros.
    weights: Vec<f32>,
    /// Filled up with zeros.
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
        let taps = shape.taps();
        let channels = shape.filters.next_multiple_of(CHANNELS);
        let mut packed = vec![0.0; channels * taps];
        for (channel, filter) in weights.chunks_exact(taps).enumerate() {
            let first = channel / CHANNELS * taps * CHANNELS + channel % CHANNELS;
            for (to, weight) in packed[first..].iter_mut().step_by(CHANNELS).zip(filter) {
                *to = *weight;
            }
        }
        let mut bias = bias.to_vec();
        bias.resize(channels, 0.0);
        Self {
            shape,
            weights: packed,
            bias,
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
            scratch::with(self.reach() * self.line() * CHANNELS, |lines| {
                lines.fill(0.0);
                let rows = Rows {
                    layer: self,
                    input,
                    residual,
                    output,
                    first,
                    lines,
                };
                // SAFETY: `Convolution::new` has checked that the machine has the instructions.
                unsafe { dispatch(self.instructions, rows) }
            });
        });
    }

    /// Rows of the input from a filter's first to its last.
    fn reach(&self) -> usize {
        (self.shape.kernel[0] - 1) * self.shape.dilation[0] + 1
    }

    /// Places of a line: those under the filter at every place of the output's tiles.
    fn line(&self) -> usize {
        let shape = &self.shape;
        let places = shape.output_unchecked()[1].next_multiple_of(self.tile());
        (places - 1) * shape.stride[1] + (shape.kernel[1] - 1) * shape.dilation[1] + 1
    }

    /// Places of a tile.
    fn tile(&self) -> usize {
        match self.shape.output_unchecked()[1].is_multiple_of(WIDE) {
            true => WIDE,
            false => NARROW,
        }
    }
}

/// Some rows of the output, from the `first` of all images on.
struct Rows<'a, T> {
    layer: &'a Depthwise<T>,
    input: &'a [T],
    residual: Option<&'a [T]>,
    output: &'a mut [T],
    first: usize,
    /// Zeros, as many as lines under a filter have.
    lines: &'a mut [f32],
}

impl<T: Element> Work for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let shape = &self.layer.shape;
        let [out_height, out_width, channels] = shape.output_unchecked();
        let (row, input_row) = (out_width * channels, shape.input[1] * channels);
        let band = (BAND / (input_row * shape.stride[0] * size_of::<T>())).max(1);
        let rows = self.output.len() / row;
        let mut at = 0;
        while at < rows {
            let (image, y) = (
                (self.first + at) / out_height,
                (self.first + at) % out_height,
            );
            let count = (rows - at).min(out_height - y).min(band);
            let image = &self.input[image * shape.input_length()..][..shape.input_length()];
            for channel in (0..channels).step_by(V::COUNT) {
                let column = Column {
                    layer: self.layer,
                    image,
                    channel,
                    count: (channels - channel).min(V::COUNT),
                    lines: self.lines.as_mut_ptr(),
                    line: self.layer.line() * V::COUNT,
                };
                let start = at * row + channel;
                let residual = match self.residual {
                    Some(all) => all[start..].as_ptr(),
                    None => std::ptr::null(),
                };
                let output = self.output[start..].as_mut_ptr();
                // SAFETY: the lines have room for as many as a filter reaches over; output and
                // residual have `count` rows from the one at `at` on.
                unsafe {
                    match (self.layer.tile(), shape.stride[1]) {
                        (WIDE, 1) => column.rows::<V, WIDE, 1>(y, count, output, residual),
                        (WIDE, 2) => column.rows::<V, WIDE, 2>(y, count, output, residual),
                        (WIDE, _) => column.rows::<V, WIDE, 0>(y, count, output, residual),
                        (_, 1) => column.rows::<V, NARROW, 1>(y, count, output, residual),
                        (_, 2) => column.rows::<V, NARROW, 2>(y, count, output, residual),
                        (_, _) => column.rows::<V, NARROW, 0>(y, count, output, residual),
                    }
                }
            }
            at += count;
        }
    }
}

/// Which taps along the rows meet the image, from the first to behind the last, for row `y` of the
/// output, and where in the image the first tap would lie.
#[inline(always)]
fn inside(shape: &ConvolutionShape, y: usize) -> ([usize; 2], isize) {
    let start = (y * shape.stride[0]) as isize - shape.padding[0] as isize;
    // Taps whose place is below `limit`.
    let below = |limit: usize| {
        let count = (limit as isize - start).max(0) as usize;
        count.div_ceil(shape.dilation[0]).min(shape.kernel[0])
    };
    ([below(0), below(shape.input[0])], start)
}

/// A vector of channels of one image.
struct Column<'a, T> {
    layer: &'a Depthwise<T>,
    image: &'a [T],
    channel: usize,
    /// Channels that there are.
    count: usize,
    /// As many as a filter reaches over, in turn: row `y` is in line `y` modulo their number.
    lines: *mut f32,
    /// Numbers of a line.
    line: usize,
}

impl<T: Element> Column<'_, T> {
    /// Computes `count` rows from `first` on, in tiles of `W` places; `STRIDE` is 0 if it is another
    /// than 1 or 2.
    #[inline(always)]
    unsafe fn rows<V: Lanes, const W: usize, const STRIDE: usize>(
        &self,
        first: usize,
        count: usize,
        output: *mut T,
        residual: *const T,
    ) {
        let shape = &self.layer.shape;
        let [_, width, channels] = shape.output_unchecked();
        let reach = self.layer.reach();
        let mut next = 0;
        for at in 0..count {
            let ([from, to], start) = inside(shape, first + at);
            let row = |tap: usize| (start + (tap * shape.dilation[0]) as isize) as usize;
            // SAFETY: rows under taps that meet the image lie in it, and each has a line; tiles
            // write the places that the output's row has.
            unsafe {
                if from < to {
                    // Rows between those under taps too: other places have taps there.
                    for y in (start.max(0) as usize).max(next)..=row(to - 1) {
                        self.bring::<V>(y, y % reach);
                    }
                    next = row(to - 1) + 1;
                }
                for x in (0..width).step_by(W) {
                    let place = (at * width + x) * channels;
                    let residual = match residual.is_null() {
                        true => residual,
                        false => residual.add(place),
                    };
                    let places = (width - x).min(W);
                    let mut sums = self.sums::<V, W, STRIDE>(x, [from, to], |tap| row(tap) % reach);
                    self.finish(&mut sums, places, residual, output.add(place));
                }
            }
        }
    }

    /// Puts a row of the image into a line.
    #[inline(always)]
    unsafe fn bring<V: Lanes>(&self, y: usize, line: usize) {
        let [_, width, channels] = self.layer.shape.input;
        let before = self.layer.shape.padding[2];
        let room = (self.line / V::COUNT).saturating_sub(before);
        // SAFETY: the image has the row; the line has `room` vectors behind the padding.
        unsafe {
            let from = self.image.as_ptr().add(y * width * channels + self.channel);
            let to = self.lines.add(line * self.line + before * V::COUNT);
            for x in 0..width.min(room) {
                let from = from.add(x * channels);
                let value = match self.count == V::COUNT {
                    true => V::load(from),
                    false => V::load_some(from, self.count),
                };
                value.store(to.add(x * V::COUNT));
            }
        }
    }

    /// The sums of `W` places from `x` on, over taps in rows `from` to `to`; `line` says where the
    /// row under a tap is.
    #[inline(always)]
    unsafe fn sums<V: Lanes, const W: usize, const STRIDE: usize>(
        &self,
        x: usize,
        [from, to]: [usize; 2],
        line: impl Fn(usize) -> usize,
    ) -> [V; W] {
        let shape = &self.layer.shape;
        let stride = if STRIDE > 0 { STRIDE } else { shape.stride[1] };
        let area = shape.taps() * CHANNELS;
        // SAFETY: weights and bias are filled up to whole vectors; a line has the columns under all
        // taps of a tile.
        unsafe {
            let bias = V::load(self.layer.bias.as_ptr().add(self.channel));
            let block = self.channel / CHANNELS * area + self.channel % CHANNELS;
            let weights = self.layer.weights.as_ptr().add(block);
            let mut sums = [bias; W];
            for row in from..to {
                let line = self
                    .lines
                    .add(line(row) * self.line + x * stride * V::COUNT);
                for tap in 0..shape.kernel[1] {
                    let weight = V::load(weights.add((row * shape.kernel[1] + tap) * CHANNELS));
                    let line = line.add(tap * shape.dilation[1] * V::COUNT);
                    for (place, sum) in sums.iter_mut().enumerate() {
                        let value = V::load(line.add(place * stride * V::COUNT));
                        *sum = sum.add_product(value, weight);
                    }
                }
            }
            sums
        }
    }

    /// Writes the outputs of `places` sums.
    #[inline(always)]
    unsafe fn finish<V: Lanes, const W: usize>(
        &self,
        sums: &mut [V; W],
        places: usize,
        residual: *const T,
        output: *mut T,
    ) {
        let channels = self.layer.shape.filters;
        let activation = self.layer.epilogue.activation;
        // SAFETY: the output, and the residual if there is one, have so many places.
        unsafe {
            if !residual.is_null() {
                for (place, sum) in sums.iter_mut().enumerate().take(places) {
                    *sum = sum.add(V::load_some(residual.add(place * channels), self.count));
                }
            }
            match activation.limits() {
                Some([low, high]) => {
                    let [low, high] = [V::splat(low), V::splat(high)];
                    for sum in sums.iter_mut() {
                        *sum = sum.max(low).min(high);
                    }
                }
                // Through memory, so that the curve is compiled once and not for every place.
                None => {
                    let mut through = *sums;
                    for sum in through.iter_mut().take(std::hint::black_box(places)) {
                        *sum = activation.of(*sum);
                    }
                    *sums = through;
                }
            }
            for (place, sum) in sums.iter().enumerate() {
                if place < places {
                    let to = output.add(place * channels);
                    match self.count == V::COUNT {
                        true => sum.store(to),
                        false => sum.store_some(to, self.count),
                    }
                }
            }
        }
    }
}
