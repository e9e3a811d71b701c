//! The distinct convolutions of four backbones: time and operations a second of each on one
//! thread and on all, and their share of what this machine's arithmetic can do.
//!
//! `cargo bench -p finial-kernels --bench convolution -- resnet50`

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail")]
#![allow(missing_docs, reason = "criterion's macro makes public items")]

mod peak;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use finial_kernels::{Activation, Convolution, ConvolutionShape, Element, Epilogue, Instructions};
use half::bf16;

/// Side, channels, filters, kernel, stride, padding.
type Layer = [usize; 6];

const RESNET50: &[Layer] = &[
    [224, 3, 64, 7, 2, 3],
    [56, 64, 64, 1, 1, 0],
    [56, 64, 64, 3, 1, 1],
    [56, 64, 256, 1, 1, 0],
    [56, 256, 64, 1, 1, 0],
    [56, 256, 128, 1, 1, 0],
    [56, 128, 128, 3, 2, 1],
    [28, 128, 128, 3, 1, 1],
    [28, 128, 512, 1, 1, 0],
    [28, 512, 128, 1, 1, 0],
    [56, 256, 512, 1, 2, 0],
    [28, 512, 256, 1, 1, 0],
    [28, 256, 256, 3, 2, 1],
    [14, 256, 256, 3, 1, 1],
    [14, 256, 1024, 1, 1, 0],
    [14, 1024, 256, 1, 1, 0],
    [28, 512, 1024, 1, 2, 0],
    [14, 1024, 512, 1, 1, 0],
    [14, 512, 512, 3, 2, 1],
    [7, 512, 512, 3, 1, 1],
    [7, 512, 2048, 1, 1, 0],
    [7, 2048, 512, 1, 1, 0],
    [14, 1024, 2048, 1, 2, 0],
];

const VGG16: &[Layer] = &[
    [224, 3, 64, 3, 1, 1],
    [224, 64, 64, 3, 1, 1],
    [112, 64, 128, 3, 1, 1],
    [112, 128, 128, 3, 1, 1],
    [56, 128, 256, 3, 1, 1],
    [56, 256, 256, 3, 1, 1],
    [28, 256, 512, 3, 1, 1],
    [28, 512, 512, 3, 1, 1],
    [14, 512, 512, 3, 1, 1],
];

/// Square filters only; the others of a block have as many operations.
const INCEPTION_V3: &[Layer] = &[
    [299, 3, 32, 3, 2, 0],
    [149, 32, 32, 3, 1, 0],
    [147, 32, 64, 3, 1, 1],
    [73, 64, 80, 1, 1, 0],
    [73, 80, 192, 3, 1, 0],
    [35, 192, 64, 1, 1, 0],
    [35, 48, 64, 5, 1, 2],
    [35, 64, 96, 3, 1, 1],
    [35, 288, 384, 3, 2, 0],
    [17, 768, 192, 1, 1, 0],
    [8, 1280, 320, 1, 1, 0],
    [8, 2048, 448, 1, 1, 0],
    [8, 448, 384, 3, 1, 1],
];

const MOBILENET_V2: &[Layer] = &[
    [224, 3, 32, 3, 2, 1],
    [112, 32, 16, 1, 1, 0],
    [112, 16, 96, 1, 1, 0],
    [56, 96, 24, 1, 1, 0],
    [56, 24, 144, 1, 1, 0],
    [28, 144, 32, 1, 1, 0],
    [28, 32, 192, 1, 1, 0],
    [14, 192, 64, 1, 1, 0],
    [14, 64, 384, 1, 1, 0],
    [14, 384, 96, 1, 1, 0],
    [14, 96, 576, 1, 1, 0],
    [7, 576, 160, 1, 1, 0],
    [7, 160, 960, 1, 1, 0],
    [7, 960, 320, 1, 1, 0],
    [7, 320, 1280, 1, 1, 0],
];

/// A convolution with what it is run on.
struct Case<T: Element> {
    layer: Convolution<T>,
    input: Vec<T>,
    output: Vec<T>,
}

impl<T: Element> Case<T> {
    fn new(&[side, channels, filters, kernel, stride, padding]: &Layer) -> Self {
        let shape = ConvolutionShape {
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 4],
            ..ConvolutionShape::pointwise([side, side, channels], filters)
        };
        let number = |at: usize| (at * 7 % 23) as f32 / 16.0 - 0.7;
        let weights = (0..filters * channels * kernel * kernel)
            .map(number)
            .collect::<Vec<_>>();
        let epilogue = Epilogue {
            activation: Activation::Relu,
            residual: false,
        };
        let instructions = Instructions::detect().unwrap();
        let layer = Convolution::new(shape, &weights, None, epilogue, instructions).unwrap();
        let input = (0..side * side * channels)
            .map(|at| T::from_f32(number(at)))
            .collect();
        let output = vec![T::default(); layer.output().iter().product()];
        Self {
            layer,
            input,
            output,
        }
    }

    fn run(&mut self) -> Duration {
        let start = Instant::now();
        self.layer
            .run(black_box(&self.input), None, &mut self.output, 1)
            .unwrap();
        start.elapsed()
    }
}

fn backbones<T: Element>(criterion: &mut Criterion, threads: usize) {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    for (name, layers) in [
        ("resnet50", RESNET50),
        ("vgg16", VGG16),
        ("inception_v3", INCEPTION_V3),
        ("mobilenet_v2", MOBILENET_V2),
    ] {
        let mut group = criterion.benchmark_group(format!("{name} {} {threads}", T::NAME));
        group
            .sample_size(20)
            .measurement_time(Duration::from_millis(500));
        group.warm_up_time(Duration::from_millis(100));
        for layer in layers {
            let [side, channels, filters, kernel, stride, _] = layer;
            let id = format!("{kernel}x{kernel} by {stride}, {channels} to {filters} at {side}");
            let mut least = Duration::MAX;
            let mut operations = 0;
            group.bench_function(id, |bencher| {
                let mut case = Case::<T>::new(layer);
                operations = case.layer.shape().operations();
                bencher.iter_custom(|times| {
                    let runs = (0..times).map(|_| pool.install(|| case.run()));
                    let runs = runs.inspect(|took| least = least.min(*took));
                    runs.sum()
                });
            });
            // The peak is measured beside each layer, since it moves with the clock and with what
            // else the machine does. Winograd's transform may pass it.
            if operations > 0
                && let Some(peak) = peak::measured(T::NAME == "bf16", threads)
            {
                let rate = operations as f64 / least.as_secs_f64();
                let share = 100.0 * rate / peak;
                println!(
                    "{:.0} GFLOP/s, {share:.0} % of {:.0}",
                    rate / 1e9,
                    peak / 1e9
                );
            }
        }
    }
}

fn convolutions(criterion: &mut Criterion) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, threads] {
        backbones::<f32>(criterion, threads);
        backbones::<bf16>(criterion, threads);
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
