//! What stands between layers with weights, beside plain definitions in double precision.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;

use finial_kernels::{
    Activation, Element, Instructions, Kept, KernelError, Operand, Pooling, affine, attend,
    from_bytes, join, layer_norm, multiply, pool_all, softmax,
};
use half::bf16;
use proptest::prelude::*;

use cases::{end, numbers};

fn wide<T: Element>(values: &[T]) -> Vec<f64> {
    values
        .iter()
        .map(|value| f64::from(value.to_f32()))
        .collect()
}

/// As close as the element's rounding lets it be.
fn check<T: Element>(found: &[T], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let step = if T::NAME == "bf16" { 1.0 / 128.0 } else { 4e-6 };
    for (at, (found, expected)) in wide(found).into_iter().zip(expected).enumerate() {
        let off = (found - expected).abs();
        let most = step * (1.0 + expected.abs());
        assert!(off <= most, "{what} at {at}: {found}, not {expected}");
    }
}

/// Runs `work` with every set of instructions, with one thread and with three, which must agree.
fn everywhere<T: Element>(
    work: impl Fn(Instructions) -> Vec<T> + Sync,
    expected: &[f64],
    what: &str,
) {
    for instructions in Instructions::available() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
            pool.build().unwrap().install(|| work(instructions))
        };
        let one = with(1);
        assert_eq!(one, with(3), "{what}, {instructions}");
        check(
            &one,
            expected,
            &format!("{what}, {instructions}, {}", T::NAME),
        );
    }
}

fn pools<T: Element>(
    input: [usize; 3],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: [usize; 4],
    images: usize,
) -> Result<(), KernelError> {
    let [height, width, channels] = input;
    let values: Vec<T> = numbers(images * height * width * channels, 3);
    for kept in [
        Kept::Largest,
        Kept::LargestWithPadding,
        Kept::Mean,
        Kept::MeanWithPadding,
    ] {
        let shape = Pooling::new(input, kernel, stride, padding, kept, Instructions::Portable)?;
        let [rows, columns, _] = shape.output();
        let mut expected = Vec::new();
        for at in 0..images * rows * columns * channels {
            let (channel, place) = (at % channels, at / channels);
            let (x, y) = (place % columns, place / columns % rows);
            let image = place / columns / rows;
            let mut seen = Vec::new();
            for tap in 0..kernel[0] * kernel[1] {
                let row = (y * stride[0] + tap / kernel[1]).checked_sub(padding[0]);
                let column = (x * stride[1] + tap % kernel[1]).checked_sub(padding[2]);
                if let (Some(row), Some(column)) = (row, column)
                    && row < height
                    && column < width
                {
                    let from = ((image * height + row) * width + column) * channels + channel;
                    seen.push(f64::from(values[from].to_f32()));
                }
            }
            let sum: f64 = seen.iter().sum();
            expected.push(match kept {
                Kept::Largest => seen.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Kept::LargestWithPadding => {
                    let outside = (seen.len() < kernel[0] * kernel[1]).then_some(0.0);
                    let all = seen.iter().copied().chain(outside);
                    all.fold(f64::NEG_INFINITY, f64::max)
                }
                Kept::Mean => sum / seen.len() as f64,
                Kept::MeanWithPadding => sum / (kernel[0] * kernel[1]) as f64,
            });
        }
        let run = |instructions| {
            let pool = Pooling::new(input, kernel, stride, padding, kept, instructions).unwrap();
            let mut output = vec![T::default(); expected.len()];
            pool.run(&values, &mut output, images).unwrap();
            output
        };
        everywhere(run, &expected, &format!("{kept:?}"));
    }
    Ok(())
}

/// What is kept of a window is a sum of shares of its numbers. So a gradient's product with the output
/// is that of the gradient before the pool with the input.
#[test]
fn gradients_of_pools_go_where_the_numbers_came_from() {
    let (input, images) = ([9, 7, 19], 2);
    let values: Vec<f32> = numbers(images * 9 * 7 * 19, 3);
    for kept in [
        Kept::Largest,
        Kept::LargestWithPadding,
        Kept::Mean,
        Kept::MeanWithPadding,
    ] {
        for instructions in Instructions::available() {
            let new = |kernel, stride| {
                Pooling::new(input, kernel, stride, [1, 0, 1, 1], kept, instructions).unwrap()
            };
            for pool in [new([3, 2], [2, 1]), new([2, 3], [3, 3])] {
                let mut output = vec![0.0; images * pool.output().iter().product::<usize>()];
                pool.run(&values, &mut output, images).unwrap();
                let gradient: Vec<f32> = numbers(output.len(), 5);
                let before = pool.back(&values, &output, &gradient, images).unwrap();
                let product = |a: &[f32], b: &[f32]| -> f64 {
                    let pairs = a.iter().zip(b);
                    pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                };
                let (found, expected) = (product(&before, &values), product(&gradient, &output));
                let what = format!("{kept:?}, {instructions}: {found}, expected {expected}");
                assert!((found - expected).abs() < 1e-4, "{what}");
                let (found, all): (f32, f32) = (before.iter().sum(), gradient.iter().sum());
                if matches!(kept, Kept::Largest | Kept::Mean) {
                    assert!(
                        (found - all).abs() < 1e-3,
                        "{kept:?}: {found}, expected {all}"
                    );
                }
            }
        }
    }
}

fn affines<T: Element>(row: usize, every: usize, images: usize) {
    let rows = every * images;
    let values: Vec<T> = numbers(rows * row, 5);
    let shared: Vec<f32> = numbers(row, 7);
    let each: Vec<T> = numbers(images * row, 9);
    for activation in [
        Activation::None,
        Activation::RELU6,
        Activation::Silu,
        Activation::Gelu,
    ] {
        let expected: Vec<f64> = (0..rows * row)
            .map(|at| {
                let x = f64::from(values[at].to_f32());
                let factor = f64::from(each[at / row / every * row + at % row].to_f32());
                let sum = x * factor + f64::from(shared[at % row]);
                f64::from(activation.apply(sum as f32))
            })
            .collect();
        let run = |instructions| {
            let mut output = values.clone();
            let factor = Some(Operand::Each(&each[..], every));
            let offset = Some(Operand::Shared(&shared[..]));
            affine(&mut output, row, factor, offset, activation, instructions).unwrap();
            output
        };
        everywhere(run, &expected, &format!("{activation:?}"));
    }
}

fn rows<T: Element>(row: usize, count: usize) {
    let values: Vec<T> = numbers(count * row, 11);
    let (weight, bias): (Vec<f32>, Vec<f32>) = (numbers(row, 13), numbers(row, 15));
    let mut normal = Vec::new();
    let mut shares = Vec::new();
    for values in wide(&values).chunks(row) {
        let mean = values.iter().sum::<f64>() / row as f64;
        let squares = values.iter().map(|x| (x - mean).powi(2));
        let factor = 1.0 / (squares.sum::<f64>() / row as f64 + 1e-3).sqrt();
        normal.extend(
            (0..row).map(|at| {
                (values[at] - mean) * factor * f64::from(weight[at]) + f64::from(bias[at])
            }),
        );
        let sum: f64 = values.iter().map(|x| x.exp()).sum();
        shares.extend(values.iter().map(|x| x.exp() / sum));
    }
    let run = |instructions| {
        let mut output = vec![T::default(); values.len()];
        layer_norm(&values, &mut output, &weight, &bias, 1e-3, instructions).unwrap();
        output
    };
    // Numbers far larger than the step that they differ by are rounded more.
    everywhere(run, &normal, "layer norm");
    let run = |instructions| {
        let mut output = values.clone();
        softmax(&mut output, row, instructions).unwrap();
        output
    };
    everywhere(run, &shares, "softmax");
}

fn products<T: Element>([m, k, n]: [usize; 3], pairs: usize) {
    let first: Vec<T> = numbers(pairs * m * k, 17);
    let second: Vec<T> = numbers(pairs * k * n, 19);
    for transposed in [false, true] {
        let expected: Vec<f64> = (0..pairs * m * n)
            .map(|at| {
                let (pair, row, column) = (at / (m * n), at / n % m, at % n);
                let term = |depth: usize| {
                    let other = match transposed {
                        true => column * k + depth,
                        false => depth * n + column,
                    };
                    let a = f64::from(first[(pair * m + row) * k + depth].to_f32());
                    a * f64::from(second[pair * k * n + other].to_f32())
                };
                (0..k).map(term).sum()
            })
            .collect();
        let run = |instructions| {
            let mut output = vec![T::default(); pairs * m * n];
            multiply(
                [m, k, n],
                transposed,
                &first,
                &second,
                &mut output,
                instructions,
            )
            .unwrap();
            output
        };
        everywhere(run, &expected, "product");
    }
}

fn attention<T: Element>(tokens: usize, heads: usize, depth: usize, images: usize) {
    let width = heads * depth;
    let input: Vec<T> = numbers(images * tokens * 3 * width, 21);
    let at = |image: usize, token: usize, part: usize, number: usize| {
        let from = ((image * tokens + token) * 3 + part) * width + number;
        f64::from(input[from].to_f32())
    };
    let mut expected = Vec::new();
    for row in 0..images * tokens {
        let (image, query) = (row / tokens, row % tokens);
        for number in 0..width {
            let head = number / depth * depth;
            let score = |key: usize| {
                let terms = head..head + depth;
                let dot: f64 = terms
                    .map(|n| at(image, query, 0, n) * at(image, key, 1, n))
                    .sum();
                (dot / (depth as f64).sqrt()).exp()
            };
            let sum: f64 = (0..tokens).map(score).sum();
            let mixed: f64 = (0..tokens)
                .map(|key| score(key) * at(image, key, 2, number))
                .sum();
            expected.push(mixed / sum);
        }
    }
    let run = |instructions| {
        let mut output = vec![T::default(); images * tokens * width];
        attend([tokens, width, heads], &input, &mut output, instructions).unwrap();
        output
    };
    everywhere(run, &expected, "attention");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if cfg!(miri) { 1 } else { 24 })
    })]

    #[test]
    fn pools_are_what_the_definition_says(
        input in [1..end(12, 5), 1..end(14, 6), 1..end(40, 20)],
        kernel in [1usize..4, 1..4],
        stride in [1usize..3, 1..3],
        padding in [0usize..3, 0..3, 0..3, 0..3],
        images in 1usize..3,
    ) {
        // Shapes that do not hold together are refused alike.
        let single = pools::<f32>(input, kernel, stride, padding, images);
        prop_assert_eq!(single, pools::<bf16>(input, kernel, stride, padding, images));
    }

    #[test]
    fn scales_offsets_and_activations_are(row in 1usize..70, every in 1usize..9, images in 1usize..4) {
        affines::<f32>(row, every, images);
        affines::<bf16>(row, every, images);
    }

    // Shorter rows may hold numbers so alike that bringing them apart magnifies their rounding.
    #[test]
    fn norms_over_rows_are(row in 8usize..90, count in 1usize..9) {
        rows::<f32>(row, count);
        rows::<bf16>(row, count);
    }

    #[test]
    fn products_of_two_inputs_are(extents in [1usize..12, 1..40, 1..70], pairs in 1usize..4) {
        products::<f32>(extents, pairs);
        products::<bf16>(extents, pairs);
    }

    #[test]
    fn attention_is(tokens in 1..end(50, 4), heads in 1usize..4, depth in 1usize..40, images in 1usize..3) {
        attention::<f32>(tokens, heads, depth, images);
        attention::<bf16>(tokens, heads, depth, images);
    }

    #[test]
    fn bytes_are_scaled_and_rows_are_joined(pixels in 1usize..300, channels in 1usize..5) {
        let bytes: Vec<u8> = (0..pixels * channels).map(|at| (at * 37 % 256) as u8).collect();
        let (factors, offsets): (Vec<f32>, Vec<f32>) = (numbers(channels, 1), numbers(channels, 2));
        let expected: Vec<f64> = bytes.iter().enumerate().map(|(at, &byte)| {
            f64::from(byte) * f64::from(factors[at % channels]) + f64::from(offsets[at % channels])
        }).collect();
        everywhere(|instructions| {
            let mut output = vec![0.0f32; bytes.len()];
            from_bytes(&bytes, &mut output, &factors, &offsets, instructions).unwrap();
            output
        }, &expected, "bytes");

        let (a, b): (Vec<f32>, Vec<f32>) = (numbers(pixels * channels, 3), numbers(pixels * 2, 4));
        let mut joined = vec![0.0f32; pixels * (channels + 2)];
        join(&[(&a, channels), (&b, 2)], &mut joined).unwrap();
        for (at, row) in joined.chunks(channels + 2).enumerate() {
            prop_assert_eq!(&row[..channels], &a[at * channels..][..channels]);
            prop_assert_eq!(&row[channels..], &b[at * 2..][..2]);
        }
    }
}

#[test]
fn the_largest_and_the_mean_of_all_places_are_kept() {
    let input: Vec<f32> = (0..12).map(|at| at as f32).collect();
    for instructions in Instructions::available() {
        let mut output = [0.0; 4];
        pool_all(Kept::Mean, [3, 2], &input, &mut output, 2, instructions).unwrap();
        assert_eq!(output, [2.0, 3.0, 8.0, 9.0]);
        pool_all(Kept::Largest, [3, 2], &input, &mut output, 2, instructions).unwrap();
        assert_eq!(output, [4.0, 5.0, 10.0, 11.0]);
    }
}

#[test]
fn slices_that_do_not_fit_are_refused() {
    let portable = Instructions::Portable;
    let short = layer_norm(
        &[0.0; 4],
        &mut [0.0f32; 3],
        &[1.0; 2],
        &[0.0; 2],
        1e-3,
        portable,
    );
    assert!(matches!(short, Err(KernelError::WrongLength { .. })));
    let odd = attend([2, 5, 2], &[0.0; 30], &mut [0.0f32; 10], portable);
    assert!(matches!(odd, Err(KernelError::WrongShape { .. })));
    let operand = Some(Operand::Shared(&[1.0; 3][..]));
    let activation = Activation::None;
    let misfit = affine(&mut [0.0f32; 4], 2, operand, None, activation, portable);
    assert!(matches!(misfit, Err(KernelError::WrongLength { .. })));
    let outside = Pooling::new(
        [4, 4, 1],
        [2, 2],
        [1, 1],
        [2, 0, 0, 0],
        Kept::Mean,
        portable,
    );
    assert!(matches!(outside, Err(KernelError::WrongShape { .. })));
}
