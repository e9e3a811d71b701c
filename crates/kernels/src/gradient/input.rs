//! The gradient of the input: a convolution of the output's gradient with the filters turned
//! round.
//!
//! Where the filter moved by more than one pixel, pixels of the input that lie as far apart met
//! the same weights. Each such set of pixels is a convolution of its own, by a part of the filter.

use std::borrow::Cow;

use rayon::prelude::*;

use super::LINE;
use crate::{
    Convolution, ConvolutionShape, Epilogue, Factors, Instructions, KernelError, Numbers, zeros,
};

/// Pixels along an axis that met the same weights.
#[derive(Clone, Copy)]
struct Phase {
    /// The first of them.
    first: usize,
    /// How many they are.
    pixels: usize,
    /// The first weight that they met, and how many.
    tap: usize,
    taps: usize,
    /// Zeros around the gradient, or pixels of it that they did not meet.
    padding: [isize; 2],
}

/// Lengths, weights and instructions are checked.
pub(super) fn gradient(
    shape: &ConvolutionShape,
    how: (Instructions, Factors),
    weights: &[f32],
    gradient: &[f32],
    images: usize,
) -> Result<Numbers<f32>, KernelError> {
    let (shape, weights) = without_gaps(shape, weights);
    let [phases_down, phases_across] = [0, 1].map(|axis| phases(&shape, axis));
    let nothing = || Numbers::zeros(images * shape.input_length());
    if shape.stride == [1, 1] {
        // One phase each way, which are all pixels.
        let whole = match (&phases_down[..], &phases_across[..]) {
            (&[down], &[across]) => of(&shape, [down, across], how, &weights, gradient, images)?,
            _ => None,
        };
        return Ok(whole.unwrap_or_else(nothing));
    }
    let mut result = nothing();
    for &down in &phases_down {
        for &across in &phases_across {
            let phases = [down, across];
            if let Some(part) = of(&shape, phases, how, &weights, gradient, images)? {
                scatter(&part, &shape, phases, &mut result);
            }
        }
    }
    Ok(result)
}

/// The gradient of two phases' pixels; `None` if none of them met the filter.
fn of(
    shape: &ConvolutionShape,
    phases: [Phase; 2],
    (instructions, factors): (Instructions, Factors),
    weights: &[f32],
    gradient: &[f32],
    images: usize,
) -> Result<Option<Numbers<f32>>, KernelError> {
    let [height, width, filters] = shape.output_unchecked();
    let [[top, bottom], [left, right]] = phases.map(|phase| phase.padding);
    let padding = [top, bottom, left, right];
    let Some((cropped, [height, width])) = crop(gradient, [height, width, filters], padding) else {
        return Ok(None);
    };
    let back = ConvolutionShape {
        input: [height, width, filters],
        filters: shape.input[2],
        kernel: phases.map(|phase| phase.taps),
        stride: [1, 1],
        padding: padding.map(|pixels| pixels.max(0) as usize),
        dilation: shape.dilation,
        groups: shape.groups,
    };
    let back = Convolution::<f32>::once(
        back,
        &turned(shape, weights, phases),
        None,
        Epilogue::default(),
        instructions,
        images,
        factors,
    )?;
    back.apply(&cropped, None, images).map(Some)
}

/// A filter whose weights lie apart, and which moves by more than one pixel, with zeros between
/// its weights: rare, and so simpler.
fn without_gaps<'a>(
    shape: &ConvolutionShape,
    weights: &'a [f32],
) -> (ConvolutionShape, Cow<'a, [f32]>) {
    let has_gaps = |axis: usize| shape.stride[axis] > 1 && shape.dilation[axis] > 1;
    if !has_gaps(0) && !has_gaps(1) {
        return (*shape, Cow::Borrowed(weights));
    }
    let [height, width] = shape.kernel;
    let [wide_height, wide_width] =
        [0, 1].map(|axis| (shape.kernel[axis] - 1) * shape.dilation[axis] + 1);
    let mut wide = vec![0.0; weights.len() / shape.taps() * wide_height * wide_width];
    let filters = weights.chunks_exact(height * width);
    for (from, to) in filters.zip(wide.chunks_exact_mut(wide_height * wide_width)) {
        for (at, weight) in from.iter().enumerate() {
            let [down, across] = [at / width, at % width];
            to[down * shape.dilation[0] * wide_width + across * shape.dilation[1]] = *weight;
        }
    }
    let shape = ConvolutionShape {
        kernel: [wide_height, wide_width],
        dilation: [1, 1],
        ..*shape
    };
    (shape, Cow::Owned(wide))
}

/// The phases along an axis that met any weight.
fn phases(shape: &ConvolutionShape, axis: usize) -> Vec<Phase> {
    let [stride, before, dilation] = [
        shape.stride[axis],
        shape.padding[2 * axis],
        shape.dilation[axis],
    ];
    let outputs = shape.output_unchecked()[axis] as isize;
    let of = |first: usize| {
        let tap = (first + before) % stride;
        let taps = shape.kernel[axis].saturating_sub(tap).div_ceil(stride);
        let pixels = shape.input[axis].saturating_sub(first).div_ceil(stride);
        let reach = taps.saturating_sub(1) * dilation;
        // The place of the output whose first weight of this phase met the first pixel.
        let place = (first + before) / stride;
        let zeros = reach as isize - place as isize;
        let behind = (pixels + reach) as isize - outputs - zeros;
        (taps > 0 && pixels > 0).then_some(Phase {
            first,
            pixels,
            tap,
            taps,
            padding: [zeros, behind],
        })
    };
    (0..stride).filter_map(of).collect()
}

/// The weights of two phases as filters of the way back, `[channels, filters / groups, …]`, in
/// the opposite order.
fn turned(shape: &ConvolutionShape, weights: &[f32], [down, across]: [Phase; 2]) -> Vec<f32> {
    let (channels, filters) = (shape.input[2] / shape.groups, shape.filters / shape.groups);
    let [kernel_height, kernel_width] = shape.kernel;
    let of_phase = |phase: Phase, stride: usize| {
        let backwards = (0..phase.taps).rev();
        backwards.map(move |tap| phase.tap + stride * tap)
    };
    let per_channel = filters * down.taps * across.taps;
    let taps: Vec<usize> = of_phase(down, shape.stride[0])
        .flat_map(|row| {
            of_phase(across, shape.stride[1]).map(move |column| row * kernel_width + column)
        })
        .collect();
    let all_taps = kernel_height * kernel_width;
    // Channels that are turned together, so that a cache line that was read is used up.
    let together = if channels.is_multiple_of(LINE) {
        LINE
    } else {
        1
    };
    let mut turned = zeros(shape.input[2] * per_channel);
    turned
        .par_chunks_mut((together * per_channel).max(1))
        .enumerate()
        .with_min_len(LINE / together)
        .for_each(|(chunk, turned)| {
            let (group, first) = (chunk * together / channels, chunk * together % channels);
            for filter in 0..filters {
                let from = ((group * filters + filter) * channels + first) * all_taps;
                let from = weights[from..].chunks_exact(all_taps);
                for (to, from) in turned.chunks_exact_mut(per_channel).zip(from) {
                    let to = &mut to[filter * taps.len()..][..taps.len()];
                    for (to, &tap) in to.iter_mut().zip(&taps) {
                        *to = from[tap];
                    }
                }
            }
        });
    turned
}

/// The gradient without the rows and columns that negative padding takes away, and its height
/// and width; `None` if nothing is left.
fn crop(
    gradient: &[f32],
    [height, width, filters]: [usize; 3],
    [top, bottom, left, right]: [isize; 4],
) -> Option<(Cow<'_, [f32]>, [usize; 2])> {
    let away = |padding: isize| padding.min(0).unsigned_abs();
    let [top, bottom, left, right] = [top, bottom, left, right].map(away);
    let kept_height = height.checked_sub(top + bottom).filter(|&n| n > 0)?;
    let kept_width = width.checked_sub(left + right).filter(|&n| n > 0)?;
    if [kept_height, kept_width] == [height, width] {
        return Some((Cow::Borrowed(gradient), [height, width]));
    }
    let mut kept = Vec::new();
    for image in gradient.chunks_exact(height * width * filters) {
        for row in image
            .chunks_exact(width * filters)
            .skip(top)
            .take(kept_height)
        {
            kept.extend_from_slice(&row[left * filters..][..kept_width * filters]);
        }
    }
    Some((Cow::Owned(kept), [kept_height, kept_width]))
}

/// Writes a phase's pixels to where they belong.
fn scatter(part: &[f32], shape: &ConvolutionShape, [down, across]: [Phase; 2], result: &mut [f32]) {
    let [height, width, channels] = shape.input;
    let row = across.pixels * channels;
    result
        .par_chunks_mut(width * channels)
        .enumerate()
        .with_min_len(16)
        .for_each(|(line, to)| {
            let (image, y) = (line / height, line % height);
            let Some(y) = y.checked_sub(down.first) else {
                return;
            };
            if !y.is_multiple_of(shape.stride[0]) {
                return;
            }
            let from = (image * down.pixels + y / shape.stride[0]) * row;
            let pixels = part[from..][..row].chunks_exact(channels);
            let places = to.chunks_exact_mut(channels);
            let places = places.skip(across.first).step_by(shape.stride[1]);
            for (from, to) in pixels.zip(places) {
                to.copy_from_slice(from);
            }
        });
}
