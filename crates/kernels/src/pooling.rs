//! Windows that slide over maps and keep the largest number or the mean.

use rayon::prelude::*;

use crate::convolution::check_length;
use crate::lanes::{Lanes, Work, dispatch};
use crate::{ConvolutionShape, Element, Instructions, KernelError, Numbers, split};

/// What is kept of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The largest number; padding never wins.
    Largest,
    /// The largest number, padding counted as zeros.
    LargestWithPadding,
    /// The mean of the numbers that are there.
    Mean,
    /// The mean, padding counted as zeros.
    MeanWithPadding,
}

impl Kept {
    fn is_largest(self) -> bool {
        matches!(self, Self::Largest | Self::LargestWithPadding)
    }
}

/// A pool over maps `[height, width, channels]`.
#[derive(Clone, Copy, Debug)]
pub struct Pooling {
    shape: ConvolutionShape,
    kept: Kept,
    output: [usize; 3],
    instructions: Instructions,
}

impl Pooling {
    /// A pool over maps of `input`, with a window of `kernel`; `padding` is top, bottom, left,
    /// right.
    ///
    /// # Errors
    ///
    /// If the shape does not hold together, a window could lie in the padding alone, or the
    /// machine lacks the instructions.
    pub fn new(
        input: [usize; 3],
        kernel: [usize; 2],
        stride: [usize; 2],
        padding: [usize; 4],
        kept: Kept,
        instructions: Instructions,
    ) -> Result<Self, KernelError> {
        let shape = ConvolutionShape {
            input,
            filters: input[2],
            kernel,
            stride,
            padding,
            dilation: [1, 1],
            groups: input[2],
        };
        for (side, &padding) in shape.padding.iter().enumerate() {
            if padding >= kernel[side / 2] {
                return Err(KernelError::WrongShape {
                    what: "padding",
                    expected: "less than the window",
                    found: padding,
                });
            }
        }
        Ok(Self {
            output: shape.output()?,
            shape,
            kept,
            instructions: instructions.checked()?,
        })
    }

    /// Height, width and channels of the output.
    pub fn output(&self) -> [usize; 3] {
        self.output
    }

    /// Runs it over `images` maps, from `input` to `output`.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn run<T: Element>(
        &self,
        input: &[T],
        output: &mut [T],
        images: usize,
    ) -> Result<(), KernelError> {
        T::pooling(self, input, output, images)
    }

    /// The gradient with respect to the input, from the one with respect to the output. Of the
    /// largest numbers of a window it goes to the first.
    ///
    /// # Errors
    ///
    /// If a slice has another length than the shape says.
    pub fn back(
        &self,
        input: &[f32],
        output: &[f32],
        gradient: &[f32],
        images: usize,
    ) -> Result<Numbers<f32>, KernelError> {
        self.check(input.len(), output.len(), images)?;
        check_length("gradient", output.len(), gradient.len())?;
        let mut result = Numbers::zeros(input.len());
        let [one_input, one_output] =
            [self.shape.input, self.output].map(|shape| shape.iter().product::<usize>());
        result
            .par_chunks_mut(one_input)
            .zip(input.par_chunks(one_input))
            .zip(output.par_chunks(one_output))
            .zip(gradient.par_chunks(one_output))
            .for_each(|(((result, input), output), gradient)| {
                let back = Back {
                    pooling: self,
                    input,
                    output,
                    gradient,
                    result,
                };
                // SAFETY: `new` has checked the instructions.
                unsafe { dispatch(self.instructions, back) }
            });
        Ok(result)
    }

    fn check(&self, input: usize, output: usize, images: usize) -> Result<(), KernelError> {
        let length = |shape: [usize; 3]| images.saturating_mul(shape.iter().product());
        check_length("input", length(self.shape.input), input)?;
        check_length("output", length(self.output), output)
    }

    pub(crate) fn compute<T: Element>(
        &self,
        input: &[T],
        output: &mut [T],
        images: usize,
    ) -> Result<(), KernelError> {
        self.check(input.len(), output.len(), images)?;
        let row = self.output[1] * self.output[2];
        split::rows(output, row, row * self.shape.taps(), |first, output| {
            let rows = Rows {
                pooling: self,
                input,
                output,
                first,
            };
            // SAFETY: `new` has checked the instructions.
            unsafe { dispatch(self.instructions, rows) }
        });
        Ok(())
    }
}

/// What is kept of all `places` of each of `images` maps or lists of tokens
/// `[places, channels]`: `[images, channels]`.
///
/// # Errors
///
/// If a slice has another length than that, or the machine lacks the instructions.
pub fn pool_all<T: Element>(
    kept: Kept,
    [places, channels]: [usize; 2],
    input: &[T],
    output: &mut [T],
    images: usize,
    instructions: Instructions,
) -> Result<(), KernelError> {
    let pooling = Pooling::new(
        [places, 1, channels],
        [places, 1],
        [1, 1],
        [0; 4],
        kept,
        instructions,
    )?;
    pooling.run(input, output, images)
}

/// Some rows of the output, from the `first` of all images on.
struct Rows<'a, T> {
    pooling: &'a Pooling,
    input: &'a [T],
    output: &'a mut [T],
    first: usize,
}

impl<T: Element> Work for Rows<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let shape = &self.pooling.shape;
        let [out_height, out_width, channels] = self.pooling.output;
        let width = shape.input[1];
        let places = self.output.chunks_exact_mut(channels).enumerate();
        for (place, output) in places {
            let row = self.first + place / out_width;
            let (image, y) = (row / out_height, row % out_height);
            let image = &self.input[image * shape.input_length()..][..shape.input_length()];
            let Window {
                rows: [top, bottom],
                columns: [left, right],
                inside,
                count,
            } = self.pooling.window(y, place % out_width);
            for channel in (0..channels).step_by(V::COUNT) {
                let some = (channels - channel).min(V::COUNT);
                // SAFETY: rows and columns lie in the image, vectors within a place's channels.
                unsafe {
                    let is_largest = self.pooling.kept.is_largest();
                    let first = match self.pooling.kept {
                        Kept::Largest => f32::NEG_INFINITY,
                        Kept::LargestWithPadding if inside == shape.taps() => f32::NEG_INFINITY,
                        _ => 0.0,
                    };
                    let mut sum = V::splat(first);
                    for y in top..bottom {
                        let line = image.as_ptr().add(y * width * channels + channel);
                        for x in left..right {
                            let value = V::load_some(line.add(x * channels), some);
                            sum = match is_largest {
                                true => value.max(sum),
                                false => sum.add(value),
                            };
                        }
                    }
                    if !is_largest {
                        sum = sum.div(V::splat(count as f32));
                    }
                    sum.store_some(output.as_mut_ptr().add(channel), some);
                }
            }
        }
    }
}

/// The way back through an image.
struct Back<'a> {
    pooling: &'a Pooling,
    input: &'a [f32],
    output: &'a [f32],
    gradient: &'a [f32],
    result: &'a mut [f32],
}

impl Work for Back<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let [_, out_width, channels] = self.pooling.output;
        let width = self.pooling.shape.input[1];
        let mut left_over = vec![0.0; channels];
        let outputs = self.output.chunks_exact(channels);
        let places = outputs
            .zip(self.gradient.chunks_exact(channels))
            .enumerate();
        for (place, (output, gradient)) in places {
            let Window {
                rows: [top, bottom],
                columns: [left, right],
                count,
                ..
            } = self.pooling.window(place / out_width, place % out_width);
            left_over.copy_from_slice(gradient);
            for at in (top..bottom).flat_map(|y| (left..right).map(move |x| y * width + x)) {
                let result = &mut self.result[at * channels..][..channels];
                if !self.pooling.kept.is_largest() {
                    for (result, gradient) in result.iter_mut().zip(gradient) {
                        *result += gradient / count as f32;
                    }
                    continue;
                }
                let input = &self.input[at * channels..][..channels];
                let numbers = result.iter_mut().zip(input).zip(output);
                for (((result, input), output), left_over) in numbers.zip(&mut left_over) {
                    let is_largest = input == output;
                    *result += if is_largest { *left_over } else { 0.0 };
                    *left_over = if is_largest { 0.0 } else { *left_over };
                }
            }
        }
    }
}

/// The part of a window that lies in the image.
struct Window {
    /// The first, and the one behind the last.
    rows: [usize; 2],
    columns: [usize; 2],
    /// Numbers of it, in a channel.
    inside: usize,
    /// Numbers that a mean is of.
    count: usize,
}

impl Pooling {
    /// The window of the output's place in that row and column.
    #[inline(always)]
    fn window(&self, row: usize, column: usize) -> Window {
        let shape = &self.shape;
        let covered = |axis: usize, at: usize| {
            let start = at * shape.stride[axis];
            let end = start + shape.kernel[axis];
            let before = shape.padding[2 * axis];
            [
                start.saturating_sub(before),
                end.saturating_sub(before).min(shape.input[axis]),
            ]
        };
        let (rows, columns) = (covered(0, row), covered(1, column));
        let inside = (rows[1] - rows[0]) * (columns[1] - columns[0]);
        Window {
            rows,
            columns,
            inside,
            count: match self.kept {
                Kept::MeanWithPadding => shape.taps(),
                _ => inside,
            },
        }
    }
}
