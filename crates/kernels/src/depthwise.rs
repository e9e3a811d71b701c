//! Convolutions in which every channel has a filter of its own.

use crate::{ConvolutionShape, Element, Epilogue, Instructions};

/// A depthwise convolution: as many groups and filters as channels.
#[derive(Debug)]
pub(crate) struct Depthwise<T> {
    shape: ConvolutionShape,
    /// `[kernel height, kernel width, channels]`
    weights: Vec<f32>,
    bias: Vec<f32>,
    epilogue: Epilogue,
    element: std::marker::PhantomData<T>,
}

impl<T: Element> Depthwise<T> {
    /// `weights` as `[channels, 1, kernel height, kernel width]`; lengths and the shape are
    /// checked by [`crate::Convolution::new`], and the machine has the instructions.
    pub fn new(
        shape: ConvolutionShape,
        weights: &[f32],
        bias: &[f32],
        epilogue: Epilogue,
        _instructions: Instructions,
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
            element: std::marker::PhantomData,
        }
    }

    /// Lengths are checked by [`crate::Convolution::run`].
    pub fn run(&self, input: &[T], residual: Option<&[T]>, output: &mut [T], _images: usize) {
        let [height, width, channels] = self.shape.input;
        let [out_height, out_width, _] = self.shape.output_unchecked();
        let [kernel_height, kernel_width] = self.shape.kernel;
        let [top, _, left, _] = self.shape.padding;
        let mut sums = vec![0.0f32; channels];
        for (pixel, out) in output.chunks_exact_mut(channels).enumerate() {
            let (column, row) = (pixel % out_width, pixel / out_width % out_height);
            let image = pixel / out_width / out_height;
            sums.copy_from_slice(&self.bias);
            for tap in 0..kernel_height * kernel_width {
                let y = row * self.shape.stride[0] + tap / kernel_width * self.shape.dilation[0];
                let x = column * self.shape.stride[1] + tap % kernel_width * self.shape.dilation[1];
                let (Some(y), Some(x)) = (y.checked_sub(top), x.checked_sub(left)) else {
                    continue;
                };
                if y >= height || x >= width {
                    continue;
                }
                let from = &input[((image * height + y) * width + x) * channels..][..channels];
                let weights = &self.weights[tap * channels..][..channels];
                for ((sum, from), weight) in sums.iter_mut().zip(from).zip(weights) {
                    *sum += from.to_f32() * weight;
                }
            }
            for (at, (out, sum)) in out.iter_mut().zip(&sums).enumerate() {
                let added =
                    residual.map_or(0.0, |residual| residual[pixel * channels + at].to_f32());
                *out = T::from_f32(self.epilogue.activation.apply(sum + added));
            }
        }
    }
}
