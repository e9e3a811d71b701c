//! Convolutions beside their definition in double precision, over random shapes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod cases;

use finial_kernels::{
    Activation, Convolution, ConvolutionShape, Element, Epilogue, Instructions, KernelError,
};
use half::bf16;
use proptest::prelude::*;

use cases::{end, numbers};

/// A convolution, its numbers and how many images and threads it is run with.
#[derive(Clone, Debug)]
struct Case {
    shape: ConvolutionShape,
    epilogue: Epilogue,
    images: usize,
    threads: usize,
    seed: u64,
}

fn extents() -> impl Strategy<Value = ConvolutionShape> {
    let sizes = (
        [1..end(20, 5), 1..end(40, 7)],
        [1..end(6, 4), 1..end(6, 4)],
        [1usize..4, 1..4],
        [1usize..3, 1..3],
    );
    let channels = (
        prop_oneof![3 => Just(1usize), 1 => 2usize..5],
        prop_oneof![1usize..9, 1..end(80, 20)],
        prop_oneof![1usize..9, 1..end(120, 40)],
    );
    (sizes, [0usize..4, 0..4, 0..4, 0..4], channels, any::<u8>()).prop_map(
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
                _ => {}
            }
            shape
        },
    )
}

/// Shapes for which products can be saved by transforms.
fn square_filters() -> impl Strategy<Value = ConvolutionShape> {
    let padding = [0usize..3, 0..3, 0..3, 0..3];
    ([12usize..20, 12..24], padding, 2usize..6, 32usize..90).prop_map(
        |(size, padding, chunks, filters)| ConvolutionShape {
            kernel: [3, 3],
            padding,
            ..ConvolutionShape::pointwise([size[0], size[1], chunks * 16], filters)
        },
    )
}

/// Shapes of which a padded copy is read by tiles.
fn wide_maps() -> impl Strategy<Value = ConvolutionShape> {
    let sizes = ([3usize..9, 28..44], [1usize..4, 1..4], [1usize..3, 1..3]);
    let padding = [0usize..3, 0..3, 0..3, 0..3];
    let channels = (prop_oneof![1usize..4, Just(4usize)], 1usize..70);
    (sizes, padding, channels).prop_map(|((size, kernel, dilation), padding, (lines, filters))| {
        ConvolutionShape {
            kernel,
            padding,
            dilation,
            ..ConvolutionShape::pointwise([size[0], size[1], lines * 32], filters)
        }
    })
}

/// Whether sums may be had by a transform, which rounds by the terms of a whole tile.
fn may_be_transformed(shape: &ConvolutionShape) -> bool {
    let plain = (shape.stride, shape.dilation, shape.groups) == ([1, 1], [1, 1], 1);
    plain && shape.kernel == [3, 3] && shape.input[2] >= 32 && shape.filters >= 32
}

fn cases(shapes: impl Strategy<Value = ConvolutionShape>) -> impl Strategy<Value = Case> {
    let activation = prop_oneof![
        Just(Activation::None),
        Just(Activation::Relu),
        Just(Activation::RELU6),
        Just(Activation::Silu),
        Just(Activation::HardSwish),
        Just(Activation::Gelu),
    ];
    (
        shapes,
        activation,
        any::<bool>(),
        1..end(4, 2),
        1..end(4, 3),
        any::<u64>(),
    )
        .prop_filter_map(
            "the filter fits into the image",
            |(shape, activation, residual, images, threads, seed)| {
                shape.output().ok()?;
                let epilogue = Epilogue {
                    activation,
                    residual,
                };
                Some(Case {
                    shape,
                    epilogue,
                    images,
                    threads,
                    seed,
                })
            },
        )
}

fn rounded<T: Element>(values: &[f32]) -> Vec<T> {
    values.iter().map(|&value| T::from_f32(value)).collect()
}

/// The sums before the activation, and the sums of their terms' sizes: what rounding goes by.
fn definition<T: Element>(
    shape: &ConvolutionShape,
    input: &[T],
    weights: &[f32],
    bias: &[f32],
    residual: Option<&[T]>,
    images: usize,
) -> Vec<(f64, f64)> {
    let [height, width, channels] = shape.input;
    let [out_height, out_width, filters] = shape.output().unwrap();
    let (per_group, filters_per_group) = (channels / shape.groups, filters / shape.groups);
    let mut sums = Vec::new();
    for at in 0..images * out_height * out_width * filters {
        let (filter, column) = (at % filters, at / filters % out_width);
        let (row, image) = (
            at / filters / out_width % out_height,
            at / filters / out_width / out_height,
        );
        let added = residual.map_or(0.0, |residual| f64::from(residual[at].to_f32()));
        let mut sum = f64::from(bias[filter]) + added;
        let mut size = f64::from(bias[filter]).abs() + added.abs();
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
                    let value = input[((image * height + y) * width + x) * channels + from];
                    let tap = (filter * per_group + channel) * shape.kernel[0] + down;
                    let term = f64::from(value.to_f32())
                        * f64::from(weights[tap * shape.kernel[1] + across]);
                    sum += term;
                    size += term.abs();
                }
            }
        }
        sums.push((sum, size));
    }
    sums
}

/// Runs a case on every set of instructions that the machine has. Errors may be `precision` times
/// the sizes of a sum's terms; of all sums', if a transform spreads errors over neighbours.
fn check<T: Element>(
    case: &Case,
    weights: &[f32],
    precision: f64,
    spread: bool,
) -> Result<(), TestCaseError> {
    let Case {
        shape,
        epilogue,
        images,
        threads,
        seed,
    } = case;
    let output = shape.output().unwrap().iter().product::<usize>();
    let input = rounded::<T>(&numbers(
        images * shape.input.iter().product::<usize>(),
        seed ^ 2,
    ));
    let bias = numbers(shape.filters, seed ^ 3);
    let residual = rounded::<T>(&numbers(images * output, seed ^ 4));
    let residual = epilogue.residual.then_some(&residual[..]);
    let mut expected = definition(shape, &input, weights, &bias, residual, *images);
    if spread {
        let largest = expected.iter().map(|(_, size)| *size).fold(0.0, f64::max);
        expected.iter_mut().for_each(|(_, size)| *size = largest);
    }
    for instructions in Instructions::available() {
        let convolution =
            Convolution::<T>::new(*shape, weights, Some(&bias), *epilogue, instructions).unwrap();
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut found = vec![T::from_f32(f32::NAN); images * output];
            pool.install(|| convolution.run(&input, residual, &mut found, *images))
                .unwrap();
            found
        };
        let found = run(*threads);
        for (at, (&(sum, size), found)) in expected.iter().zip(&found).enumerate() {
            let expected = f64::from(epilogue.activation.apply(sum as f32));
            let error = (f64::from(found.to_f32()) - expected).abs();
            let allowed =
                precision * size + expected.abs() * if T::NAME == "bf16" { 0.004 } else { 0.0 };
            prop_assert!(
                error <= allowed,
                "{instructions}: number {at} is {found:?}, expected {expected} within {allowed:e}"
            );
        }
        let bits = |of: &[T]| {
            of.iter()
                .map(|value| value.to_f32().to_bits())
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(
            bits(&found),
            bits(&run(1)),
            "{}: another number of threads",
            instructions
        );
        let mut alone = vec![T::default(); output];
        let last = images - 1;
        let one = &input[last * input.len() / images..];
        let residual = residual.map(|residual| &residual[last * output..]);
        convolution.run(one, residual, &mut alone, 1).unwrap();
        prop_assert_eq!(
            bits(&alone),
            bits(&found[last * output..]),
            "{}: alone",
            instructions
        );
    }
    Ok(())
}

fn weights(shape: &ConvolutionShape, seed: u64) -> Vec<f32> {
    let per_filter = shape.input[2] / shape.groups * shape.kernel[0] * shape.kernel[1];
    numbers(shape.filters * per_filter, seed)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 192 })
    })]

    #[test]
    fn single_precision_is_what_the_definition_says(case in cases(extents())) {
        let spread = may_be_transformed(&case.shape);
        check::<f32>(&case, &weights(&case.shape, case.seed), 4e-6, spread)?;
    }

    #[test]
    fn bf16_is_what_the_definition_says(case in cases(extents())) {
        // Weights that bf16 can hold: instructions may keep them in it.
        let weights = rounded::<bf16>(&weights(&case.shape, case.seed));
        let weights = weights.iter().map(|weight| weight.to_f32()).collect::<Vec<_>>();
        check::<bf16>(&case, &weights, 4e-6, false)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(24)
    })]

    #[test]
    #[cfg_attr(miri, ignore = "takes hours; Winograd's own test is smaller")]
    fn transformed_filters_give_what_the_definition_says(case in cases(square_filters())) {
        check::<f32>(&case, &weights(&case.shape, case.seed), 4e-6, true)?;
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri has no tiles")]
    fn padded_copies_give_what_the_definition_says(case in cases(wide_maps())) {
        let weights = rounded::<bf16>(&weights(&case.shape, case.seed));
        let weights = weights.iter().map(|weight| weight.to_f32()).collect::<Vec<_>>();
        check::<bf16>(&case, &weights, 4e-6, false)?;
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let shape = ConvolutionShape::pointwise([2, 2, 3], 4);
    let make = |shape, weights: usize, bias: usize| {
        Convolution::<f32>::new(
            shape,
            &vec![0.0; weights],
            Some(&vec![0.0; bias]),
            Epilogue::default(),
            Instructions::Portable,
        )
    };
    assert!(matches!(
        make(shape, 11, 4),
        Err(KernelError::WrongLength {
            what: "weights",
            ..
        })
    ));
    assert!(matches!(
        make(shape, 12, 3),
        Err(KernelError::WrongLength { what: "bias", .. })
    ));
    let wide = ConvolutionShape {
        kernel: [1, 3],
        ..shape
    };
    assert!(matches!(
        make(wide, 36, 4),
        Err(KernelError::WrongShape { .. })
    ));
    let huge = ConvolutionShape {
        input: [usize::MAX / 2, 4, 3],
        ..shape
    };
    assert!(matches!(
        make(huge, 12, 4),
        Err(KernelError::TooLarge { .. })
    ));
    let none = ConvolutionShape {
        stride: [0, 1],
        ..shape
    };
    assert!(matches!(
        make(none, 12, 4),
        Err(KernelError::WrongShape { .. })
    ));

    let right = make(shape, 12, 4).unwrap();
    let run = |input: usize, residual: Option<usize>, output: usize, images| {
        let residual = residual.map(|length| vec![0.0; length]);
        right.run(
            &vec![0.0; input],
            residual.as_deref(),
            &mut vec![0.0; output],
            images,
        )
    };
    assert_eq!(run(12, None, 16, 1), Ok(()));
    assert_eq!(run(0, None, 0, 0), Ok(()));
    assert!(run(11, None, 16, 1).is_err());
    assert!(run(12, None, 15, 1).is_err());
    assert!(run(12, None, 16, usize::MAX).is_err());
    assert_eq!(
        run(12, Some(16), 16, 1),
        Err(KernelError::Residual { expected: false })
    );
}
