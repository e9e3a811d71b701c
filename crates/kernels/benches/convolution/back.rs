//! The way back through a convolution, for a batch, on all threads: what a step of training does
//! besides the way forward, packing included, since weights change with every step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use finial_kernels::{Convolution, ConvolutionGradient, Epilogue, Instructions};

use crate::layers::{self, BACKBONES, Layer, shape};
use crate::{numbers, pool};

/// Images of a batch.
const IMAGES: usize = 8;

/// Times forward, and back to the input and to the weights.
pub fn backbones(criterion: &mut Criterion, threads: usize) {
    let pool = pool(threads);
    for (name, layers) in BACKBONES {
        let mut group = criterion.benchmark_group(format!("{name} back {threads}"));
        group.sample_size(10);
        group.measurement_time(Duration::from_millis(500));
        group.warm_up_time(Duration::from_millis(100));
        for layer in layers {
            let mut case = Case::new(layer);
            for (what, run) in [
                ("forward", Case::forward as fn(&mut Case)),
                ("to the input", Case::back_to_input),
                ("to the weights", Case::back_to_weights),
            ] {
                let mut least = Duration::MAX;
                group.bench_function(format!("{}, {what}", layers::name(layer)), |bencher| {
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
                    let operations = (IMAGES * shape(layer).operations()) as f64;
                    println!("{:.0} GFLOP/s", operations / least.as_secs_f64() / 1e9);
                }
            }
        }
    }
}

/// A layer's tensors.
struct Case {
    layer: Layer,
    instructions: Instructions,
    input: Vec<f32>,
    weights: Vec<f32>,
    gradient: Vec<f32>,
    of_input: Vec<f32>,
    of_weights: Vec<f32>,
}

impl Case {
    fn new(layer: &Layer) -> Self {
        let shape = shape(layer);
        let output: usize = shape.output().unwrap().iter().product();
        let input: usize = shape.input.iter().product();
        Self {
            layer: *layer,
            instructions: Instructions::detect().unwrap(),
            input: numbers(IMAGES * input),
            weights: numbers(layers::weights(layer)),
            gradient: numbers(IMAGES * output),
            of_input: vec![0.0; IMAGES * input],
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
        );
        let output = &mut self.gradient;
        forward
            .unwrap()
            .run(&self.input, None, output, IMAGES)
            .unwrap();
    }

    fn back_to_input(&mut self) {
        let to = &mut self.of_input;
        let back = ConvolutionGradient::new(shape(&self.layer), self.instructions).unwrap();
        back.of_input(&self.weights, &self.gradient, to, IMAGES)
            .unwrap();
    }

    fn back_to_weights(&mut self) {
        let to = &mut self.of_weights;
        let back = ConvolutionGradient::new(shape(&self.layer), self.instructions).unwrap();
        back.of_weights(&self.input, &self.gradient, to, IMAGES)
            .unwrap();
    }
}
