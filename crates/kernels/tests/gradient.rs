//! Gradients of convolutions beside their definition in double precision, over random shapes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;

use finial_kernels::{ConvolutionGradient, ConvolutionShape, Factors, Instructions, KernelError};
use half::bf16;
use proptest::prelude::*;

use cases::{end, numbers};

fn shapes() -> impl Strategy<Value = ConvolutionShape> {
    let sizes = (
        [1..end(16, 5), 1..end(24, 7)],
        [1..end(6, 4), 1..end(6, 4)],
        [1usize..4, 1..4],
        [1usize..3, 1..3],
    );
    let channels = (
        prop_oneof![3 => Just(1usize), 1 => 2..end(5, 3)],
        prop_oneof![1..end(9, 5), 1..end(70, 18)],
        prop_oneof![1..end(9, 5), 1..end(90, 18)],
    );
    let all = (sizes, [0usize..4, 0..4, 0..4, 0..4], channels, any::<u8>());
    let shapes = all.prop_map(
        |((size, kernel, stride, dilation), padding, (groups, channels, filters), kind)| {
            let mut shape = ConvolutionShape {
                input: [size[0], size[1], channels * groups],
                filters: filters * groups,
                kernel,
                stride,
                padding,
                dilation,
                groups,
            };
            match kind % 8 {
                0 => (shape.kernel, shape.padding) = ([1, 1], [0; 4]),
                1 | 2 => {
                    (shape.kernel, shape.stride, shape.dilation) = ([3, 3], [1, 1], [1, 1]);
                }
                3 => (shape.input[2], shape.filters, shape.groups) = (3, filters, 1),
                4 => (shape.filters, shape.groups) = (shape.input[2], shape.input[2]),
                5 => shape = ConvolutionShape::pointwise([1, 1, channels], filters),
                _ => {}
            }
            shape
        },
    );
    shapes.prop_filter("the filter fits into the image", |shape| {
        shape.output().is_ok()
    })
}

/// The same, rounded to bf16.
fn short(numbers: &[f32]) -> Vec<f32> {
    let numbers = numbers.iter();
    let short = numbers.map(|number| bf16::from_f32(*number).to_f32());
    short.collect()
}

/// What writes a gradient.
type Run<'a> = &'a (dyn Fn(&mut [f32]) -> Result<(), KernelError> + Sync);

/// Sums, and the sums of their terms' sizes.
type Sums = Vec<(f64, f64)>;

/// The gradients of input, weights and bias, from what each product of the convolution adds to
/// them.
fn definition(
    shape: &ConvolutionShape,
    input: &[f32],
    weights: &[f32],
    gradient: &[f32],
) -> [Sums; 3] {
    let [height, width, channels] = shape.input;
    let [out_height, out_width, filters] = shape.output().unwrap();
    let (per_group, filters_per_group) = (channels / shape.groups, filters / shape.groups);
    let mut of_input = vec![(0.0, 0.0); input.len()];
    let mut of_weights = vec![(0.0, 0.0); weights.len()];
    let mut of_bias = vec![(0.0, 0.0); filters];
    let add = |sum: &mut (f64, f64), term: f64| *sum = (sum.0 + term, sum.1 + term.abs());
    for (at, &slope) in gradient.iter().enumerate() {
        let (filter, column) = (at % filters, at / filters % out_width);
        let row = at / filters / out_width % out_height;
        let image = at / filters / out_width / out_height;
        add(&mut of_bias[filter], f64::from(slope));
        for down in 0..shape.kernel[0] {
            for across in 0..shape.kernel[1] {
                let y = (row * shape.stride[0] + down * shape.dilation[0])
                    .wrapping_sub(shape.padding[0]);
                let x = (column * shape.stride[1] + across * shape.dilation[1])
                    .wrapping_sub(shape.padding[2]);
                if y >= height || x >= width {
                    continue;
                }
                for channel in 0..per_group {
                    let from = filter / filters_per_group * per_group + channel;
                    let met = ((image * height + y) * width + x) * channels + from;
                    let tap = (filter * per_group + channel) * shape.kernel[0] + down;
                    let weight = tap * shape.kernel[1] + across;
                    let times = |other: f32| f64::from(slope) * f64::from(other);
                    add(&mut of_input[met], times(weights[weight]));
                    add(&mut of_weights[weight], times(input[met]));
                }
            }
        }
    }
    [of_input, of_weights, of_bias]
}

fn on_threads(
    threads: usize,
    run: impl Fn(&mut [f32]) -> Result<(), KernelError> + Sync,
    length: usize,
) -> Vec<f32> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let mut found = vec![f32::NAN; length];
    pool.unwrap().install(|| run(&mut found)).unwrap();
    found
}

/// Runs it on every set of instructions that the machine has: as the definition says, and the
/// same bits on any number of threads.
fn check(shape: ConvolutionShape, images: usize, seed: u64) -> Result<(), TestCaseError> {
    let one: usize = shape.input.iter().product();
    let output: usize = shape.output().unwrap().iter().product();
    let [rows, columns] = shape.kernel;
    let per_filter = shape.input[2] / shape.groups * rows * columns;
    let input = numbers(images * one, seed ^ 1);
    let weights = numbers(shape.filters * per_filter, seed ^ 2);
    let gradient = numbers(images * output, seed ^ 3);
    check_with(Factors::F32, &shape, images, [&input, &weights, &gradient])?;
    // Numbers that bf16 can hold, so that rounding to it changes nothing.
    let [input, weights, gradient] = [input, weights, gradient].map(|numbers| short(&numbers));
    check_with(Factors::Bf16, &shape, images, [&input, &weights, &gradient])
}

fn check_with(
    factors: Factors,
    shape: &ConvolutionShape,
    images: usize,
    [input, weights, gradient]: [&[f32]; 3],
) -> Result<(), TestCaseError> {
    let expected = definition(shape, input, weights, gradient);
    for instructions in Instructions::available() {
        let back = ConvolutionGradient::new(*shape, instructions).unwrap();
        let back = back.with_factors(factors);
        let all: [(&str, Run); 3] = [
            ("input", &|to| {
                to.copy_from_slice(&back.of_input(weights, gradient, images)?);
                Ok(())
            }),
            ("weights", &|to| {
                back.of_weights(input, gradient, to, images)
            }),
            ("bias", &|to| back.of_bias(gradient, to, images)),
        ];
        for ((what, run), expected) in all.into_iter().zip(&expected) {
            let found = on_threads(1, run, expected.len());
            // Of input gradients, sums may be had by a transform, which rounds by the terms of a
            // whole tile.
            let largest = expected.iter().map(|(_, size)| *size).fold(0.0, f64::max);
            for (at, (&(sum, size), &found)) in expected.iter().zip(&found).enumerate() {
                let size = if what == "input" { largest } else { size };
                prop_assert!(
                    (f64::from(found) - sum).abs() <= 4e-6 * size,
                    "{instructions}, {factors:?}: {what} {at} is {found}, expected {sum} within {size:e}"
                );
            }
            for threads in [2, 3] {
                let other = on_threads(threads, run, expected.len());
                let bits = |of: &[f32]| of.iter().map(|n| n.to_bits()).collect::<Vec<_>>();
                prop_assert_eq!(bits(&found), bits(&other), "{}: {}", instructions, what);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 128 })
    })]

    #[test]
    fn gradients_are_what_the_definition_says(
        shape in shapes(),
        images in 1..end(4, 3),
        seed in any::<u64>(),
    ) {
        check(shape, images, seed)?;
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn many_places_are_added_up_in_parts() {
    let plain = ConvolutionShape::pointwise([31, 29, 5], 40);
    check(plain, 2, 7).unwrap();
    let stem = ConvolutionShape {
        kernel: [7, 7],
        stride: [2, 2],
        padding: [3; 4],
        ..ConvolutionShape::pointwise([48, 40, 3], 64)
    };
    check(stem, 2, 8).unwrap();
    let wide = ConvolutionShape::pointwise([13, 11, 300], 290);
    check(wide, 5, 9).unwrap();
    let strided = ConvolutionShape {
        kernel: [3, 3],
        stride: [2, 2],
        padding: [1; 4],
        ..ConvolutionShape::pointwise([30, 34, 40], 72)
    };
    check(strided, 3, 10).unwrap();
}

#[test]
#[cfg_attr(miri, ignore = "takes hours")]
fn factors_are_rounded_to_the_nearest() {
    let shape = ConvolutionShape {
        kernel: [3, 3],
        padding: [1; 4],
        ..ConvolutionShape::pointwise([12, 36, 32], 64)
    };
    let (input, output) = (12 * 36 * 32, 12 * 36 * 64);
    let (input, weights) = (numbers(input, 1), numbers(32 * 64 * 9, 2));
    let gradient = numbers(output, 3);
    for instructions in Instructions::available() {
        let back = ConvolutionGradient::new(shape, instructions).unwrap();
        let back = back.with_factors(Factors::Bf16);
        let of_weights = |input: &[f32], gradient: &[f32]| {
            let mut to = vec![0.0; weights.len()];
            back.of_weights(input, gradient, &mut to, 1).unwrap();
            to
        };
        let of_input = |gradient: &[f32]| {
            back.of_input(&short(&weights), gradient, 1)
                .unwrap()
                .to_vec()
        };
        let rounds = matches!(instructions, Instructions::Amx | Instructions::Avx512Bf16);
        let same = of_input(&gradient) == of_input(&short(&gradient));
        assert_eq!(same, rounds, "{instructions}");
        let same = of_weights(&input, &gradient) == of_weights(&short(&input), &short(&gradient));
        assert_eq!(same, instructions == Instructions::Amx, "{instructions}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = ConvolutionShape::pointwise([2, 2, 3], 4);
    let back = ConvolutionGradient::new(shape, Instructions::Portable).unwrap();
    let numbers = |count| vec![0.0_f32; count];
    let refused = |result: Result<(), KernelError>, expected: &str| {
        let what = match result {
            Err(KernelError::WrongLength { what, .. }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(what, expected);
    };
    let of_input = |weights, gradient, images| {
        let made = back.of_input(&numbers(weights), &numbers(gradient), images);
        made.map(|made| assert_eq!(*made, numbers(12)))
    };
    let mut to = numbers(12);
    assert_eq!(of_input(12, 16, 1), Ok(()));
    refused(of_input(11, 16, 1), "weights");
    refused(of_input(12, 15, 1), "gradient");
    refused(of_input(12, 16, 2), "gradient");
    refused(
        back.of_weights(&numbers(13), &numbers(16), &mut to, 1),
        "input",
    );
    refused(
        back.of_bias(&numbers(16), &mut to, 1),
        "gradient of the bias",
    );
    let none = ConvolutionShape { groups: 0, ..shape };
    assert!(ConvolutionGradient::new(none, Instructions::Portable).is_err());
}
