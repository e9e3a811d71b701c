//! A small data set on disk, and options that train on it in a moment.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

use finial_graph::{Graph, Op, Padding, Shape, Tensor, Weights};
use finial_learn::TrainOptions;
use image::{Rgb, RgbImage};

/// `folder/<class>/<n>.png`: discs of another colour for each class, `count` of each.
pub fn class_folders(folder: &Path, classes: &[&str], count: u32) {
    for (hue, class) in classes.iter().enumerate() {
        for number in 0..count {
            picture(
                &folder.join(class).join(format!("{number}.png")),
                hue,
                number,
            );
        }
    }
}

/// A disc of one of three colours, at a place of its own.
pub fn picture(path: &Path, hue: usize, number: u32) {
    let mut colour = [40u8; 3];
    colour[hue % 3] = 220;
    let (x0, y0) = (16 + number * 7 % 32, 16 + number * 13 % 32);
    let picture = RgbImage::from_fn(64, 64, |x, y| {
        match x.abs_diff(x0).pow(2) + y.abs_diff(y0).pow(2) < 150 {
            true => Rgb(colour),
            false => Rgb([(90 + (number * 31 + x + y) % 50) as u8; 3]),
        }
    });
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture.save(path).unwrap();
}

/// Options for a quick training.
pub fn options(data: impl Into<PathBuf>) -> TrainOptions {
    let mut options = TrainOptions::new(data);
    options.fit.epochs = 5;
    options
}

/// A small residual network with batch norms and dropout inside, and weights for it: what may be
/// imported from a file.
pub fn residual_network() -> (Graph, Weights) {
    let mut graph = Graph::new(Shape::Map([3, 24, 24]));
    let scale = Op::Rescale {
        scale: vec![1.0 / 255.0; 3],
        offset: vec![0.0; 3],
    };
    let convolution = |filters: usize, stride: usize| Op::Conv2d {
        filters,
        kernel: [3, 3],
        stride: [stride; 2],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: false,
    };
    let norm = Op::BatchNorm {
        epsilon: 1e-3,
        scale: true,
    };
    graph.push("rescaling", scale).unwrap();
    graph.push("stem", convolution(8, 2)).unwrap();
    for block in ["block1", "block2"] {
        let from = graph.output().to_owned();
        graph
            .push(format!("{block}_conv"), convolution(8, 1))
            .unwrap();
        graph.push(format!("{block}_norm"), norm.clone()).unwrap();
        graph.push(format!("{block}_relu"), Op::Relu).unwrap();
        let last = graph.output().to_owned();
        graph
            .push_after(format!("{block}_add"), Op::Add, &[&last, &from])
            .unwrap();
    }
    graph.push("pooling", Op::GlobalAveragePool).unwrap();
    graph.push("classes", Op::Dense { units: 2 }).unwrap();
    graph.push("classes/activation", Op::Softmax).unwrap();
    let weights = filled(&graph);
    (graph, weights)
}

/// Small numbers that differ from place to place, variances around one.
pub fn filled(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for (seed, parameter) in graph.parameters().into_iter().enumerate() {
        let count: usize = parameter.shape.iter().product();
        let value = |i: usize| {
            let spread = ((i * 7919 + seed * 104_729) % 1000) as f32 / 1000.0 - 0.5;
            match parameter.name.rsplit('.').next() {
                Some("running_var") => 1.0 + spread,
                Some("weight") if parameter.shape.len() == 1 => 1.0 + 0.2 * spread,
                _ => 0.5 * spread,
            }
        };
        let values = (0..count).map(value).collect();
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}
