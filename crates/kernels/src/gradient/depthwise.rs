//! The gradient of a depthwise convolution's weights: channel by channel, what each weight met
//! times the gradient there. A task takes a vector of channels.

use rayon::prelude::*;

use super::Target;
use crate::lanes::{Lanes, Work, dispatch};
use crate::{ConvolutionShape, Instructions};

/// Rows of the output whose sum is made at once.
const ROWS: usize = 4;
/// Channels of a task.
const CHANNELS: usize = 16;

/// Lengths and instructions are checked.
pub(super) fn gradient(
    shape: &ConvolutionShape,
    instructions: Instructions,
    input: &[f32],
    gradient: &[f32],
    result: &mut [f32],
) {
    let target = Target(result.as_mut_ptr());
    let channels = shape.filters;
    (0..channels.div_ceil(CHANNELS))
        .into_par_iter()
        .for_each(|task| {
            let first = task * CHANNELS;
            let task = Task {
                shape,
                input,
                gradient,
                channels: [first, channels.min(first + CHANNELS)],
                target,
            };
            // SAFETY: the caller has checked the instructions; tasks write different channels.
            unsafe { dispatch(instructions, task) };
        });
}

struct Task<'a> {
    shape: &'a ConvolutionShape,
    input: &'a [f32],
    gradient: &'a [f32],
    channels: [usize; 2],
    target: Target,
}

impl Work for Task<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        for channel in (self.channels[0]..self.channels[1]).step_by(V::COUNT) {
            let count = V::COUNT.min(self.channels[1] - channel);
            for down in 0..self.shape.kernel[0] {
                let mut across = 0;
                while across < self.shape.kernel[1] {
                    let left = self.shape.kernel[1] - across;
                    // SAFETY: as many columns of the filter are left, and the channels exist.
                    across += unsafe {
                        match (left, count == V::COUNT) {
                            (3.., true) => self.columns::<V, 3, true>(channel, count, down, across),
                            (_, true) => self.columns::<V, 1, true>(channel, count, down, across),
                            (3.., _) => self.columns::<V, 3, false>(channel, count, down, across),
                            (_, _) => self.columns::<V, 1, false>(channel, count, down, across),
                        }
                    };
                }
            }
        }
    }
}

impl Task<'_> {
    /// `N` columns of the filter's row `down` for `count` channels; says how many that were.
    #[inline(always)]
    unsafe fn columns<V: Lanes, const N: usize, const WHOLE: bool>(
        &self,
        channel: usize,
        count: usize,
        down: usize,
        across: usize,
    ) -> usize {
        let shape = self.shape;
        let [height, width, channels] = shape.input;
        let [out_height, out_width, _] = shape.output_unchecked();
        let images = self.input.len() / shape.input_length();
        // SAFETY: places are within the input and the gradient, whose lengths were checked.
        unsafe {
            let mut totals = [V::splat(0.0); N];
            let mut sums = totals;
            for image in 0..images {
                for line in 0..out_height {
                    let y = (line * shape.stride[0] + down * shape.dilation[0])
                        .wrapping_sub(shape.padding[0]);
                    if y < height {
                        let from = (image * height + y) * width * channels + channel;
                        let from = self.input.as_ptr().add(from);
                        let of_line = (image * out_height + line) * out_width * channels + channel;
                        let of_line = self.gradient.as_ptr().add(of_line);
                        for column in 0..out_width {
                            let slope = load::<V, WHOLE>(of_line.add(column * channels), count);
                            for (at, sum) in sums.iter_mut().enumerate() {
                                let x = (column * shape.stride[1]
                                    + (across + at) * shape.dilation[1])
                                    .wrapping_sub(shape.padding[2]);
                                if x < width {
                                    let met = load::<V, WHOLE>(from.add(x * channels), count);
                                    *sum = sum.add_product(met, slope);
                                }
                            }
                        }
                    }
                    if line % ROWS == ROWS - 1 || line + 1 == out_height {
                        for (total, sum) in totals.iter_mut().zip(&mut sums) {
                            *total = total.add(*sum);
                            *sum = V::splat(0.0);
                        }
                    }
                }
            }
            for (at, total) in totals.into_iter().enumerate() {
                let mut numbers = [0.0; CHANNELS];
                total.store_some(numbers.as_mut_ptr(), count);
                let tap = down * shape.kernel[1] + across + at;
                for (of, number) in numbers.into_iter().enumerate().take(count) {
                    *self.target.get().add((channel + of) * shape.taps() + tap) = number;
                }
            }
        }
        N
    }
}

#[inline(always)]
unsafe fn load<V: Lanes, const WHOLE: bool>(from: *const f32, count: usize) -> V {
    // SAFETY: the caller gives `count` numbers; `WHOLE` says that they are a vector.
    unsafe {
        match WHOLE {
            true => V::load(from),
            false => V::load_some(from, count),
        }
    }
}
