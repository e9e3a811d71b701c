//! The way back through a convolution, for a batch, on all threads: what a step of training does
//! besides the way forward, packing included, since weights change with every step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use finial_kernels::{Convolution, ConvolutionGradient, Epilogue, Factors, Instructions};

use crate::layers::{self, BACKBONES, Layer, shape};
use crate::{numbers, pool, say};

/// Images of a batch.
const IMAGES: usize = 8;

/// Times forward, and back to the input and to the weights.
pub fn backbones(criterion: &mut Criterion, factors: Factors, threads: usize) {
    let pool = pool(threads);
    let is_bf16 = factors == Factors::Bf16;
    for (name, layers) in BACKBONES {
        let title = format!(
            "{name} back {} {threads}",
            if is_bf16 { "bf16" } else { "f32" }
        );
        let mut group = criterion.benchmark_group(&title);
        group.sample_size(10);
        group.measurement_time(Duration::from_millis(500));
        group.warm_up_time(Duration::from_millis(100));
        for layer in layers {
            let mut case = Case::new(layer, factors);
            for (what, run) in [
                ("forward", Case::forward as fn(&mut Case)),
                ("to the input", Case::back_to_input),
                ("to the weights", Case::back_to_weights),
            ] {
                let mut least = Duration::MAX;
                let id = format!("{}, {what}", layers::name(layer));
                group.bench_function(&id, |bencher| {
                    bencher.iter_custom(|times| {
                        let runs = (0..times).map(|_| {
                            let start = Instant::now();
                            pool.install(|| run(black_box(&mut case)));
                            start.elapsed()
                        });
                        runs.inspect(|took| least = least.min(*took)).sum()
                    });
                });
                if least < Duration::MAX {
                    let operations = IMAGES * shape(layer).operations();
                    say(
                        &format!("{title}/{id}"),
                        operations,
                        least,
                        is_bf16,
                        threads,
                    );
                }
            }
        }
    }
}

/// A layer's tensors.
struct Case {
    layer: Layer,
    instructions: Instructions,
    factors: Factors,
    input: Vec<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    of_weights: Vec<f32>,
}

impl Case {
    fn new(layer: &Layer, factors: Factors) -> Self {
        let shape = shape(layer);
        let output: usize = shape.output().unwrap().iter().product();
        let input: usize = shape.input.iter().product();
        Self {
            layer: *layer,
            instructions: Instructions::detect().unwrap(),
            factors,
            input: numbers(IMAGES * input),
            weights: numbers(layers::weights(layer)),
            gradient: numbers(IMAGES * output),
            of_weights: vec![0.0; layers::weights(layer)],
        }
    }

    fn forward(&mut self) {
        let shape = shape(&self.layer);
        let epilogue = Epilogue::default();
        let forward = Convolution::<f32>::once(
            shape,
            &self.weights,
            None,
            epilogue,
            self.instructions,
            IMAGES,
            self.factors,
        );
        let output = &mut self.gradient;
        forward
            .unwrap()
            .run(&self.input, None, output, IMAGES)
            .unwrap();
    }

    fn back(&self) -> ConvolutionGradient {
        let back = ConvolutionGradient::new(shape(&self.layer), self.instructions);
        back.unwrap().with_factors(self.factors)
    }

    fn back_to_input(&mut self) {
        let of_input = self.back().of_input(&self.weights, &self.gradient, IMAGES);
        black_box(of_input.unwrap());
    }

    fn back_to_weights(&mut self) {
        let back = self.back();
        let to = &mut self.of_weights;
        back.of_weights(&self.input, &self.gradient, to, IMAGES)
            .unwrap();
    }
}
