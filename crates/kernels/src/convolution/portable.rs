//! The plain definition, on any processor, for any shape: rows of the output side by side.

use rayon::prelude::*;

use super::ConvolutionShape;
use crate::{Element, Epilogue};

/// A convolution by its definition.
#[derive(Debug)]
pub(super) struct Portable {
    shape: ConvolutionShape,
    /// `[groups, kernel height, kernel width, channels of a group, filters of a group]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    epilogue: Epilogue,
}

impl Portable {
    pub fn new(shape: ConvolutionShape, weights: &[f32], bias: &[f32], epilogue: Epilogue) -> Self {
        let (taps, groups) = (shape.taps(), shape.groups);
        let (channels, filters) = (shape.input[2] / groups, shape.filters / groups);
        let mut packed = Vec::with_capacity(weights.len());
        for group in 0..groups {
            for tap in 0..taps {
                for channel in 0..channels {
                    for filter in group * filters..(group + 1) * filters {
                        packed.push(weights[(filter * channels + channel) * taps + tap]);
                    }
                }
            }
        }
        Self {
            shape,
            weights: packed,
            bias: bias.to_vec(),
            epilogue,
        }
    }

    pub fn run<T: Element>(&self, input: &[T], residual: Option<&[T]>, output: &mut [T]) {
        let [_, out_width, filters] = self.shape.output_unchecked();
        let row = out_width * filters;
        output.par_chunks_exact_mut(row).enumerate().for_each_init(
            || vec![0.0; filters],
            |sums, (at, output)| {
                let residual = residual.map(|residual| &residual[at * row..][..row]);
                self.row(at, input, residual, output, sums);
            },
        );
    }

    /// The output's row `at`, counted over all images.
    fn row<T: Element>(
        &self,
        at: usize,
        input: &[T],
        residual: Option<&[T]>,
        output: &mut [T],
        sums: &mut [f32],
    ) {
        let shape = &self.shape;
        let [height, width, all_channels] = shape.input;
        let out_height = shape.output_unchecked()[0];
        let (channels, filters) = (all_channels / shape.groups, shape.filters / shape.groups);
        let (image, row) = (at / out_height, at % out_height);
        for (column, output) in output.chunks_exact_mut(shape.filters).enumerate() {
            sums.copy_from_slice(&self.bias);
            for tap in 0..shape.taps() {
                let (down, across) = (tap / shape.kernel[1], tap % shape.kernel[1]);
                let y = (row * shape.stride[0] + down * shape.dilation[0])
                    .checked_sub(shape.padding[0]);
                let x = (column * shape.stride[1] + across * shape.dilation[1])
                    .checked_sub(shape.padding[2]);
                let (Some(y), Some(x)) = (y, x) else { continue };
                if y >= height || x >= width {
                    continue;
                }
                let pixel = &input[((image * height + y) * width + x) * all_channels..];
                for group in 0..shape.groups {
                    let sums = &mut sums[group * filters..][..filters];
                    let weights =
                        &self.weights[(group * shape.taps() + tap) * channels * filters..];
                    let values = &pixel[group * channels..][..channels];
                    for (value, weights) in values.iter().zip(weights.chunks_exact(filters)) {
                        let value = value.to_f32();
                        for (sum, weight) in sums.iter_mut().zip(weights) {
                            *sum += value * weight;
                        }
                    }
                }
            }
            for (filter, (out, sum)) in output.iter_mut().zip(&*sums).enumerate() {
                let added = residual.map_or(0.0, |residual| {
                    residual[column * shape.filters + filter].to_f32()
                });
                *out = T::from_f32(self.epilogue.activation.apply(sum + added));
            }
        }
    }
}
