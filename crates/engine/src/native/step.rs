//! One step of a program: an operation with its packed weights, and the buffers that it uses.

use finial_kernels::{
    Activation, Convolution, Dense, Element, Instructions, Kept, KernelError, Operand, Pooling,
};
use rayon::prelude::*;

use super::memory::{Batch, Buffer};
use super::view::View;

/// An operation on buffers.
#[derive(Debug)]
pub(super) enum Step<T: Element> {
    /// A convolution, or a dense layer over tokens.
    Convolve {
        layer: Box<Convolution<T>>,
        input: Buffer,
        residual: Option<Buffer>,
        output: Buffer,
    },
    /// A dense layer over vectors.
    Dense {
        layer: Box<Dense<T>>,
        input: Buffer,
        output: Buffer,
    },
    Pool {
        layer: Pooling,
        input: Buffer,
        output: Buffer,
    },
    /// Over all places of `[places, channels]`.
    PoolAll {
        kept: Kept,
        extents: [usize; 2],
        input: Buffer,
        output: Buffer,
    },
    /// `activation(x × factor + offset)` in place, over rows of `row`.
    Affine {
        value: Buffer,
        row: usize,
        factor: Option<Met>,
        offset: Option<Met>,
        activation: Activation,
    },
    /// In place, over rows of `row` channels.
    Each {
        value: Buffer,
        row: usize,
        function: Function,
    },
    LayerNorm {
        weight: Vec<f32>,
        bias: Vec<f32>,
        epsilon: f32,
        input: Buffer,
        output: Buffer,
    },
    /// In place, over rows of `row`.
    Softmax { value: Buffer, row: usize },
    /// Tokens, width and heads.
    Attend {
        extents: [usize; 3],
        input: Buffer,
        output: Buffer,
    },
    /// The matrix product of two values.
    Multiply {
        extents: [usize; 3],
        transposed: bool,
        inputs: [Buffer; 2],
        output: Buffer,
    },
    /// Rows one behind the other, each input with the length of its rows.
    Join {
        inputs: Vec<(Buffer, usize)>,
        output: Buffer,
    },
    /// The same numbers before those of every image.
    Prepend {
        numbers: Vec<T>,
        input: Buffer,
        output: Buffer,
    },
    /// A map `[height, width, channels]` with zeros around it: top, bottom, left, right.
    Pad {
        extents: [usize; 3],
        padding: [usize; 4],
        input: Buffer,
        output: Buffer,
    },
    /// The numbers that a view shows, row-major.
    Gather {
        view: View,
        input: Buffer,
        output: Buffer,
    },
}

/// What meets a row of numbers.
#[derive(Debug)]
pub(super) enum Met {
    /// The same for all.
    Shared(Vec<f32>),
    /// A row of the buffer for so many.
    Each(Buffer, usize),
}

/// A function of few networks, computed plainly.
#[derive(Clone, Debug)]
pub(super) enum Function {
    PRelu(Vec<f32>),
    FakeQuantize {
        scale: f32,
        zero_point: f32,
        low: f32,
        high: f32,
    },
    LocalResponseNorm {
        size: usize,
        alpha: f32,
        beta: f32,
        bias: f32,
    },
    Reverse,
}

impl<T: Element> Step<T> {
    /// The buffers that it reads or writes.
    pub(super) fn buffers(&self) -> Vec<Buffer> {
        match self {
            Step::Convolve {
                input,
                residual,
                output,
                ..
            } => [*input, *output].into_iter().chain(*residual).collect(),
            Step::Dense { input, output, .. }
            | Step::Pool { input, output, .. }
            | Step::PoolAll { input, output, .. }
            | Step::LayerNorm { input, output, .. }
            | Step::Attend { input, output, .. }
            | Step::Prepend { input, output, .. }
            | Step::Pad { input, output, .. }
            | Step::Gather { input, output, .. } => vec![*input, *output],
            Step::Affine {
                value,
                factor,
                offset,
                ..
            } => {
                let met = [factor, offset].into_iter().flatten();
                let others = met.filter_map(|met| match met {
                    Met::Shared(_) => None,
                    Met::Each(buffer, _) => Some(*buffer),
                });
                std::iter::once(*value).chain(others).collect()
            }
            Step::Each { value, .. } | Step::Softmax { value, .. } => vec![*value],
            Step::Multiply { inputs, output, .. } => vec![inputs[0], inputs[1], *output],
            Step::Join { inputs, output } => {
                let inputs = inputs.iter().map(|(buffer, _)| *buffer);
                inputs.chain([*output]).collect()
            }
        }
    }

    /// How many weights it has, if buffers are of these lengths; those of few layers count.
    pub(super) fn weights(&self, lengths: &[usize]) -> usize {
        match self {
            Step::Convolve { layer, .. } => layer.shape().weights(),
            Step::Dense { input, output, .. } => lengths[input.0] * lengths[output.0],
            _ => 0,
        }
    }

    /// Runs it over a batch.
    pub(super) fn run(
        &self,
        batch: &mut Batch<'_, T>,
        instructions: Instructions,
    ) -> Result<(), KernelError> {
        let images = batch.images;
        match self {
            Step::Convolve {
                layer,
                input,
                residual,
                output,
            } => batch.write(*output, |batch, output| {
                let residual = residual.map(|residual| batch.read(residual));
                let input = batch.read(*input);
                layer.run(input, residual, output, images)
            }),
            Step::Dense {
                layer,
                input,
                output,
            } => batch.write(*output, |batch, output| {
                layer.run(batch.read(*input), output, images)
            }),
            Step::Pool {
                layer,
                input,
                output,
            } => batch.write(*output, |batch, output| {
                layer.run(batch.read(*input), output, images)
            }),
            Step::PoolAll {
                kept,
                extents,
                input,
                output,
            } => batch.write(*output, |batch, output| {
                let input = batch.read(*input);
                finial_kernels::pool_all(*kept, *extents, input, output, images, instructions)
            }),
            Step::Affine {
                value,
                row,
                factor,
                offset,
                activation,
            } => batch.write(*value, |batch, value| {
                let [factor, offset] =
                    [factor, offset].map(|met| met.as_ref().map(|met| met.of(batch)));
                finial_kernels::affine(value, *row, factor, offset, *activation, instructions)
            }),
            Step::Each {
                value,
                row,
                function,
            } => {
                batch.write(*value, |_, value| {
                    value
                        .par_chunks_exact_mut(*row)
                        .for_each(|row| function.apply(row));
                });
                Ok(())
            }
            Step::LayerNorm {
                weight,
                bias,
                epsilon,
                input,
                output,
            } => batch.write(*output, |batch, output| {
                let input = batch.read(*input);
                finial_kernels::layer_norm(input, output, weight, bias, *epsilon, instructions)
            }),
            Step::Softmax { value, row } => batch.write(*value, |_, value| {
                finial_kernels::softmax(value, *row, instructions)
            }),
            Step::Attend {
                extents,
                input,
                output,
            } => batch.write(*output, |batch, output| {
                finial_kernels::attend(*extents, batch.read(*input), output, instructions)
            }),
            Step::Multiply {
                extents,
                transposed,
                inputs: [first, second],
                output,
            } => batch.write(*output, |batch, output| {
                let (first, second) = (batch.read(*first), batch.read(*second));
                finial_kernels::multiply(*extents, *transposed, first, second, output, instructions)
            }),
            Step::Join { inputs, output } => batch.write(*output, |batch, output| {
                let rows = inputs
                    .iter()
                    .map(|(buffer, row)| (batch.read(*buffer), *row));
                finial_kernels::join(&rows.collect::<Vec<_>>(), output)
            }),
            Step::Prepend {
                numbers,
                input,
                output,
            } => {
                let lengths = [batch.length(*input), batch.length(*output)];
                batch.write(*output, |batch, output| {
                    let inputs = batch.read(*input).chunks_exact(lengths[0]);
                    for (input, output) in inputs.zip(output.chunks_exact_mut(lengths[1])) {
                        let (first, rest) = output.split_at_mut(numbers.len());
                        first.copy_from_slice(numbers);
                        rest.copy_from_slice(input);
                    }
                });
                Ok(())
            }
            Step::Pad {
                extents,
                padding,
                input,
                output,
            } => {
                let lengths = [batch.length(*input), batch.length(*output)];
                batch.write(*output, |batch, output| {
                    let inputs = batch.read(*input).par_chunks_exact(lengths[0]);
                    let both = inputs.zip(output.par_chunks_exact_mut(lengths[1]));
                    both.for_each(|(input, output)| pad(*extents, *padding, input, output));
                });
                Ok(())
            }
            Step::Gather {
                view,
                input,
                output,
            } => {
                let lengths = [batch.length(*input), batch.length(*output)];
                batch.write(*output, |batch, output| {
                    let inputs = batch.read(*input).par_chunks_exact(lengths[0]);
                    let both = inputs.zip(output.par_chunks_exact_mut(lengths[1]));
                    both.for_each(|(input, output)| view.gather(input, output));
                });
                Ok(())
            }
        }
    }
}

impl Met {
    fn of<'a, T: Element>(&'a self, batch: &'a Batch<'_, T>) -> Operand<'a, T> {
        match self {
            Met::Shared(numbers) => Operand::Shared(numbers),
            Met::Each(buffer, every) => Operand::Each(batch.read(*buffer), *every),
        }
    }
}

fn pad<T: Element>(
    [_, width, channels]: [usize; 3],
    [top, _, left, right]: [usize; 4],
    input: &[T],
    output: &mut [T],
) {
    output.fill(T::default());
    let row = (left + width + right) * channels;
    let inputs = input.chunks_exact(width * channels);
    for (input, output) in inputs.zip(output.chunks_exact_mut(row).skip(top)) {
        output[left * channels..][..input.len()].copy_from_slice(input);
    }
}

impl Function {
    /// Applies it to the channels of one place.
    fn apply<T: Element>(&self, row: &mut [T]) {
        match self {
            Function::PRelu(slopes) => {
                for (value, slope) in row.iter_mut().zip(slopes) {
                    let x = value.to_f32();
                    *value = T::from_f32(if x < 0.0 { x * slope } else { x });
                }
            }
            Function::FakeQuantize {
                scale,
                zero_point,
                low,
                high,
            } => {
                for value in row {
                    let steps = (value.to_f32() / scale).round_ties_even() + zero_point;
                    let steps = steps.max(*low).min(*high);
                    *value = T::from_f32((steps - zero_point) * scale);
                }
            }
            Function::LocalResponseNorm {
                size,
                alpha,
                beta,
                bias,
            } => {
                let values: Vec<f32> = row.iter().map(|value| value.to_f32()).collect();
                let (before, after) = ((size - 1) / 2, size / 2);
                for (at, to) in row.iter_mut().enumerate() {
                    let end = (at + after + 1).min(values.len());
                    let near = &values[at.saturating_sub(before)..end];
                    let squares: f32 = near.iter().map(|x| x * x).sum();
                    let divisor = (bias + alpha / *size as f32 * squares).powf(*beta);
                    *to = T::from_f32(values[at] / divisor);
                }
            }
            Function::Reverse => row.reverse(),
        }
    }
}
