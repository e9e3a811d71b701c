//! The distinct convolutions of four backbones, and the way back through them: time and operations
//! a second of each on one thread and on all, and their share of what this machine's arithmetic can
//! do.
//!
//! `cargo bench -p finial-kernels --bench convolution -- resnet50`; `make bench-kernels` runs it all
//! and writes a page.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench may fail")]
#![allow(missing_docs, reason = "criterion's macro makes public items")]

mod back;
mod layers;
mod peak;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use finial_kernels::{Activation, Convolution, Element, Epilogue, Factors, Instructions};
use half::bf16;

use layers::{BACKBONES, Layer, shape};

/// Some numbers around zero.
fn numbers(count: usize) -> Vec<f32> {
    let number = |at: usize| (at * 7 % 23) as f32 / 16.0 - 0.7;
    (0..count).map(number).collect()
}

fn pool(threads: usize) -> rayon::ThreadPool {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap()
}

/// A convolution with what it is run on.
struct Case<T: Element> {
    layer: Convolution<T>,
    input: Vec<T>,
    output: Vec<T>,
}

impl<T: Element> Case<T> {
    fn new(layer: &Layer) -> Self {
        let shape = shape(layer);
        let weights = numbers(layers::weights(layer));
        let epilogue = Epilogue {
            activation: Activation::Relu,
            residual: false,
        };
        let instructions = Instructions::detect().unwrap();
        let layer = Convolution::new(shape, &weights, None, epilogue, instructions).unwrap();
        let input = numbers(shape.input.iter().product());
        let input = input.into_iter().map(T::from_f32).collect();
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
    let pool = pool(threads);
    for (name, layers) in BACKBONES {
        let title = format!("{name} {} {threads}", T::NAME);
        let mut group = criterion.benchmark_group(&title);
        group
            .sample_size(20)
            .measurement_time(Duration::from_millis(500));
        group.warm_up_time(Duration::from_millis(100));
        for layer in layers {
            let id = layers::name(layer);
            let mut least = Duration::MAX;
            let mut operations = 0;
            group.bench_function(&id, |bencher| {
                let mut case = Case::<T>::new(layer);
                operations = case.layer.shape().operations();
                bencher.iter_custom(|times| {
                    let runs = (0..times).map(|_| pool.install(|| case.run()));
                    let runs = runs.inspect(|took| least = least.min(*took));
                    runs.sum()
                });
            });
            if operations > 0 {
                say(
                    &format!("{title}/{id}"),
                    operations,
                    least,
                    T::NAME == "bf16",
                    threads,
                );
            }
        }
    }
}

/// Prints the operations a second of a layer's fastest run, and their share of the peak. The peak is
/// measured beside each layer, since it moves with the clock and with what else the machine does.
/// Winograd's transform may pass it.
fn say(what: &str, operations: usize, least: Duration, is_bf16: bool, threads: usize) {
    let rate = operations as f64 / least.as_secs_f64();
    let share = peak::measured(is_bf16, threads).map_or(String::new(), |peak| {
        let share = 100.0 * rate / peak;
        format!(", {share:.0} % of {:.0}", peak / 1e9)
    });
    println!("{what}: {:.0} GFLOP/s{share}", rate / 1e9);
}

fn convolutions(criterion: &mut Criterion) {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, threads] {
        backbones::<f32>(criterion, threads);
        backbones::<bf16>(criterion, threads);
    }
    for factors in [Factors::F32, Factors::Bf16] {
        back::backbones(criterion, factors, threads);
    }
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
