//! Forward and backward on tensors of Burn's processor backend.

use std::borrow::Cow;
use std::ops::Deref;

use burn::backend::Flex;
use burn::backend::tensor::FloatTensor;
use burn::tensor::{Bytes, DType, Shape};
use burn_flex::{FlexTensor, Layout};
use finial_kernels::{
    Activation, Convolution, ConvolutionGradient, ConvolutionShape, Epilogue, Instructions,
    KernelError, Numbers, Pooling, zeros,
};
use rayon::prelude::*;

use super::{Kernels, Options, Windows};

impl Kernels for Flex {
    fn convolve(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self> {
        forward(&x, &weight, &bias, None, &options)
    }

    fn convolve_onto(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        options: Options,
    ) -> FloatTensor<Self> {
        forward(&x, &weight, &bias, Some(&residual), &options)
    }

    fn pool(x: FloatTensor<Self>, windows: Windows) -> FloatTensor<Self> {
        pooled(&x, &windows)
    }

    fn scale_filters(weight: FloatTensor<Self>, factor: FloatTensor<Self>) -> FloatTensor<Self> {
        scaled(&weight, &factor)
    }
}

/// Numbers that one thread goes through at a time.
const PIECE: usize = 1 << 14;

/// What is known of a convolution from its tensors.
struct Known {
    shape: ConvolutionShape,
    images: usize,
    /// Height, width, filters.
    output: [usize; 3],
    instructions: Instructions,
}

fn known(x: [usize; 4], weight: [usize; 4], options: &Options) -> Result<Known, KernelError> {
    let [images, channels, height, width] = x;
    let [filters, _, down, across] = weight;
    let [(top, bottom), (left, right)] = options.padding;
    let shape = ConvolutionShape {
        input: [height, width, channels],
        filters,
        kernel: [down, across],
        stride: options.stride,
        padding: [top, bottom, left, right],
        dilation: options.dilation,
        groups: options.groups,
    };
    Ok(Known {
        output: shape.output()?,
        shape,
        images,
        instructions: Instructions::detect()?,
    })
}

fn back(known: &Known, options: &Options) -> Result<ConvolutionGradient, KernelError> {
    let back = ConvolutionGradient::new(known.shape, known.instructions)?;
    Ok(back.with_factors(options.factors))
}

fn forward(
    x: &FlexTensor,
    weight: &FlexTensor,
    bias: &FlexTensor,
    residual: Option<&FlexTensor>,
    options: &Options,
) -> FlexTensor {
    let run = || {
        let known = known(axes(x), axes(weight), options)?;
        let [low, high] = options.limits;
        let epilogue = Epilogue {
            activation: match [low.is_finite(), high.is_finite()] {
                [false, false] => Activation::None,
                [true, false] if low == 0.0 => Activation::Relu,
                _ => Activation::Clamp { low, high },
            },
            residual: residual.is_some(),
        };
        let layer = Convolution::<f32>::once(
            known.shape,
            &row_major(weight),
            Some(&row_major(bias)),
            epilogue,
            known.instructions,
            known.images,
            options.factors,
        )?;
        let residual = residual.map(channels_last);
        let output = layer.apply(&channels_last(x), residual.as_deref(), known.images)?;
        let [height, width, filters] = known.output;
        Ok(maps(output, [known.images, filters, height, width]))
    };
    run().unwrap_or_else(|_: KernelError| not_a_number([1; 4]))
}

/// The gradient with respect to the sums, from the one with respect to the output: nothing passes
/// where the output is at a limit.
pub(super) fn before_limits(
    gradient: FlexTensor,
    output: Option<&FlexTensor>,
    options: &Options,
) -> FlexTensor {
    let Some(output) = output else {
        return gradient;
    };
    let [low, high] = options.limits;
    let mut gradient = unshared(gradient);
    let output = channels_last(output);
    let passed = numbers_mut(&mut gradient);
    if passed.len() != output.len() {
        return not_a_number(axes(&gradient));
    }
    passed
        .par_chunks_mut(PIECE)
        .zip(output.par_chunks(PIECE))
        .for_each(|(passed, output)| {
            for (passed, output) in passed.iter_mut().zip(output) {
                // A NaN is at no limit. No branch, so that it is done for several at once.
                let at_limit = (*output <= low) | (*output >= high);
                *passed = if at_limit { 0.0 } else { *passed };
            }
        });
    gradient
}

/// The sum of two maps.
pub(super) fn sum(one: FlexTensor, other: &FlexTensor) -> FlexTensor {
    let mut one = unshared(one);
    let other = channels_last(other);
    let sum = numbers_mut(&mut one);
    if sum.len() != other.len() {
        return not_a_number(axes(&one));
    }
    sum.par_chunks_mut(PIECE)
        .zip(other.par_chunks(PIECE))
        .for_each(|(sum, other)| {
            for (sum, other) in sum.iter_mut().zip(other) {
                *sum += other;
            }
        });
    one
}

fn pooling(
    [_, channels, height, width]: [usize; 4],
    windows: &Windows,
) -> Result<Pooling, KernelError> {
    let [(top, bottom), (left, right)] = windows.padding;
    Pooling::new(
        [height, width, channels],
        windows.kernel,
        windows.stride,
        [top, bottom, left, right],
        windows.kept,
        Instructions::detect()?,
    )
}

fn pooled(x: &FlexTensor, windows: &Windows) -> FlexTensor {
    let run = || {
        let shape = axes(x);
        let pooling = pooling(shape, windows)?;
        let [height, width, channels] = pooling.output();
        let mut output = Numbers::zeros(shape[0] * height * width * channels);
        pooling.run(&channels_last(x), &mut output, shape[0])?;
        Ok(maps(output, [shape[0], channels, height, width]))
    };
    run().unwrap_or_else(|_: KernelError| not_a_number([1; 4]))
}

/// The gradient with respect to what was pooled.
pub(super) fn before_pool(
    x: &FlexTensor,
    output: &FlexTensor,
    gradient: &FlexTensor,
    windows: &Windows,
) -> FlexTensor {
    let shape = axes(x);
    let run = || {
        let pooling = pooling(shape, windows)?;
        let [x, output, gradient] = [x, output, gradient].map(channels_last);
        Ok(maps(pooling.back(&x, &output, &gradient, shape[0])?, shape))
    };
    run().unwrap_or_else(|_: KernelError| not_a_number(shape))
}

/// Each filter of `weight` times its factor.
pub(super) fn scaled(weight: &FlexTensor, factor: &FlexTensor) -> FlexTensor {
    let shape = axes(weight);
    let (weight, factor) = (row_major(weight), row_major(factor));
    let filter = weight.len() / factor.len().max(1);
    if filter * factor.len() != weight.len() || filter == 0 {
        return not_a_number(shape);
    }
    let mut result = zeros(weight.len());
    result
        .par_chunks_mut(filter)
        .zip(weight.par_chunks(filter).zip(&*factor))
        .with_min_len((PIECE / filter).max(1))
        .for_each(|(result, (weight, factor))| {
            for (result, weight) in result.iter_mut().zip(weight) {
                *result = weight * factor;
            }
        });
    tensor(result, &shape)
}

/// For each filter, the sum of the products of two tensors of weights.
pub(super) fn filter_products(one: &FlexTensor, other: &FlexTensor) -> FlexTensor {
    let [filters, ..] = axes(one);
    let (one, other) = (row_major(one), row_major(other));
    let filter = one.len() / filters.max(1);
    if one.len() != other.len() || filter == 0 {
        return tensor(vec![f32::NAN; filters], &[filters]);
    }
    let sums = one
        .par_chunks(filter)
        .zip(other.par_chunks(filter))
        .with_min_len((PIECE / filter).max(1))
        .map(|(one, other)| {
            // Sixteen sums side by side, which a processor adds at once.
            let mut sums = [0f32; 16];
            let (ones, one) = one.as_chunks::<16>();
            let (others, other) = other.as_chunks::<16>();
            for (one, other) in ones.iter().zip(others) {
                for ((sum, one), other) in sums.iter_mut().zip(one).zip(other) {
                    *sum += one * other;
                }
            }
            let rest: f32 = one.iter().zip(other).map(|(one, other)| one * other).sum();
            sums.iter().sum::<f32>() + rest
        });
    tensor(sums.collect(), &[filters])
}

/// With respect to an `x` of that shape.
pub(super) fn of_input(
    x: [usize; 4],
    weight: &FlexTensor,
    gradient: &FlexTensor,
    options: &Options,
) -> FlexTensor {
    let run = || {
        let known = known(x, axes(weight), options)?;
        let back = back(&known, options)?;
        let gradient = channels_last(gradient);
        let result = back.of_input(&row_major(weight), &gradient, known.images)?;
        Ok(maps(result, x))
    };
    run().unwrap_or_else(|_: KernelError| not_a_number(x))
}

/// With respect to a `weight` of that shape.
pub(super) fn of_weight(
    x: &FlexTensor,
    weight: [usize; 4],
    gradient: &FlexTensor,
    options: &Options,
) -> FlexTensor {
    let run = || {
        let known = known(axes(x), weight, options)?;
        let back = back(&known, options)?;
        let mut result = zeros(weight.iter().product());
        let gradient = channels_last(gradient);
        back.of_weights(&channels_last(x), &gradient, &mut result, known.images)?;
        Ok(tensor(result, &weight))
    };
    run().unwrap_or_else(|_: KernelError| not_a_number(weight))
}

/// With respect to the bias.
pub(super) fn of_bias(
    x: [usize; 4],
    weight: [usize; 4],
    gradient: &FlexTensor,
    options: &Options,
) -> FlexTensor {
    let filters = weight[0];
    let run = || {
        let known = known(x, weight, options)?;
        let back = back(&known, options)?;
        let mut result = vec![0.0; filters];
        back.of_bias(&channels_last(gradient), &mut result, known.images)?;
        Ok(result)
    };
    let result = run().unwrap_or_else(|_: KernelError| vec![f32::NAN; filters]);
    tensor(result, &[filters])
}

/// The four axes of a map or of weights.
pub(super) fn axes(tensor: &FlexTensor) -> [usize; 4] {
    let shape = tensor.layout().shape();
    std::array::from_fn(|axis| {
        if axis < shape.num_dims() {
            shape[axis]
        } else {
            1
        }
    })
}

fn tensor(numbers: Vec<f32>, shape: &[usize]) -> FlexTensor {
    let layout = Layout::contiguous(Shape::from(shape.to_vec()));
    FlexTensor::new(Bytes::from_elems(numbers), layout, DType::F32)
}

/// Numbers that lie channels-last, as maps of that shape.
fn maps(numbers: Numbers<f32>, [images, channels, height, width]: [usize; 4]) -> FlexTensor {
    let (memory, start) = numbers.into_parts();
    let shape = Shape::from(vec![images, height, width, channels]);
    let strides = [height * width * channels, width * channels, channels, 1];
    let strides = strides.map(|stride| stride as isize).to_vec();
    let layout = Layout::new(shape, strides, start).permute(&[0, 3, 1, 2]);
    FlexTensor::new(Bytes::from_elems(memory), layout, DType::F32)
}

/// The same map with its channels last, in memory that nothing else reads.
fn unshared(map: FlexTensor) -> FlexTensor {
    let layout = map.layout().permute(&[0, 2, 3, 1]);
    match layout.contiguous_offsets() {
        Some(_) if map.is_unique() => map,
        _ => maps(channels_last(&map).into_numbers(), axes(&map)),
    }
}

/// The numbers of an [`unshared`] map.
fn numbers_mut(map: &mut FlexTensor) -> &mut [f32] {
    let layout = map.layout().permute(&[0, 2, 3, 1]);
    match layout.contiguous_offsets() {
        Some((start, end)) => &mut map.storage_mut()[start..end],
        None => &mut [],
    }
}

fn not_a_number(shape: [usize; 4]) -> FlexTensor {
    tensor(vec![f32::NAN; shape.iter().product()], &shape)
}

/// A tensor's numbers in the order of its axes.
fn row_major(tensor: &FlexTensor) -> Cow<'_, [f32]> {
    match tensor.layout().contiguous_offsets() {
        Some((start, end)) => Cow::Borrowed(&tensor.storage::<f32>()[start..end]),
        None => {
            let whole = tensor.to_contiguous();
            Cow::Owned(whole.storage::<f32>()[..whole.layout().num_elements()].to_vec())
        }
    }
}

/// Maps with each place's channels side by side, which is how they lie between these operations.
enum ChannelsLast<'a> {
    There(&'a [f32]),
    Turned(Numbers<f32>),
}

impl ChannelsLast<'_> {
    fn into_numbers(self) -> Numbers<f32> {
        match self {
            ChannelsLast::Turned(numbers) => numbers,
            ChannelsLast::There(numbers) => {
                let mut copy = Numbers::zeros(numbers.len());
                copy.copy_from_slice(numbers);
                copy
            }
        }
    }
}

impl Deref for ChannelsLast<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match self {
            ChannelsLast::There(numbers) => numbers,
            ChannelsLast::Turned(numbers) => numbers,
        }
    }
}

/// A batch of maps with its channels last.
fn channels_last(tensor: &FlexTensor) -> ChannelsLast<'_> {
    let layout = tensor.layout().permute(&[0, 2, 3, 1]);
    if let Some((start, end)) = layout.contiguous_offsets() {
        return ChannelsLast::There(&tensor.storage::<f32>()[start..end]);
    }
    let [images, channels, height, width] = axes(tensor);
    let (planes, places) = (row_major(tensor), height * width);
    let mut turned = Numbers::zeros(images * places * channels);
    /// Places that are turned together, so that both sides stay in the cache.
    const PLACES: usize = 64;
    turned
        .par_chunks_mut((places * channels).max(1))
        .zip(planes.par_chunks((places * channels).max(1)))
        .for_each(|(to, from)| {
            let blocks = to.par_chunks_mut(PLACES * channels).enumerate();
            blocks.for_each(|(block, to)| {
                for channel in 0..channels {
                    let from = &from[channel * places + block * PLACES..(channel + 1) * places];
                    let column = to.iter_mut().skip(channel).step_by(channels);
                    for (to, from) in column.zip(from) {
                        *to = *from;
                    }
                }
            });
        });
    ChannelsLast::Turned(turned)
}
