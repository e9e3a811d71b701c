//! One network of each family and publisher beside the library that publishes it: some features,
//! with weights that follow from the names of the parameters.
//!
//! `golden/make_families.py` wrote them, and draws the same weights and the same image. All
//! networks, with weights nearer to trained ones, are compared by `make parity`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;

use finial_engine::{Network, device};
use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Tensor, Weights};
use serde::Deserialize;

/// A difference is told as a share of the largest feature.
const TOLERANCE: f32 = 1e-4;

#[derive(Deserialize)]
struct Golden {
    /// Of the image, in both directions.
    size: usize,
    /// Features in all.
    count: usize,
    /// Which ones are kept.
    places: Vec<usize>,
    features: Vec<f32>,
}

#[test]
fn features_are_those_of_the_library() {
    let golden: BTreeMap<String, Golden> =
        serde_json::from_str(include_str!("golden/families.json")).unwrap();
    let faults: Vec<String> = golden
        .iter()
        .filter_map(|(name, golden)| {
            let apart = deviation(name, golden);
            let differs = apart.is_nan() || apart > TOLERANCE;
            differs.then(|| format!("{name} by {apart:.1e}"))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join(", "));
}

fn deviation(name: &str, golden: &Golden) -> f32 {
    let graph = Backbone::named(name).unwrap().without_top().unwrap();
    let size = [golden.size; 2];
    let graph = match graph.input_shape().dims() == [3, size[0], size[1]] {
        true => graph,
        false => graph.resized(size).unwrap(),
    };
    let device = device::named("cpu").unwrap();
    let network = Network::new(&graph, &weights(&graph), &device).unwrap();
    let found = network.run(image(golden.size)).unwrap();
    assert_eq!(found.len(), golden.count, "{name}");
    let largest = golden
        .features
        .iter()
        .fold(0.0f32, |most, f| most.max(f.abs()));
    let pairs = golden
        .places
        .iter()
        .map(|&at| found[at])
        .zip(&golden.features);
    let apart = pairs.map(|(found, expected)| (found - expected).abs());
    // `max` would pass over a NaN.
    let worse = |most: f32, d: f32| if most.is_nan() || d <= most { most } else { d };
    apart.fold(0.0, worse) / largest
}

/// Channels first.
fn image(size: usize) -> Vec<f32> {
    let mut values = Vec::new();
    for c in 0..3 {
        for y in 0..size {
            let row = (0..size).map(|x| (x * x * (c + 1) + y * 7 * (c + 2) + x * y) % 256);
            values.extend(row.map(|value| value as f32));
        }
    }
    values
}

fn weights(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let values = drawn(&parameter.name, &parameter.shape);
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

/// A hash of the name and of each place, in a range that keeps what passes through a network
/// neither dead nor huge.
fn drawn(name: &str, shape: &[usize]) -> Vec<f32> {
    let seed = name.bytes().fold(0x811C_9DC5_u32, |seed, byte| {
        (seed ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    let (low, high) = reach(name, shape);
    let hashed = |place: u32| {
        let mut x = place.wrapping_mul(0x9E37_79B9).wrapping_add(seed);
        x = (x ^ (x >> 16)).wrapping_mul(0x85EB_CA6B);
        x = (x ^ (x >> 13)).wrapping_mul(0xC2B2_AE35);
        x ^ (x >> 16)
    };
    let count = shape.iter().product::<usize>() as u32;
    let number = |place| (low + (high - low) * (f64::from(hashed(place)) / 2f64.powi(32))) as f32;
    (0..count).map(number).collect()
}

fn reach(name: &str, shape: &[usize]) -> (f64, f64) {
    let is = |suffix: &str| name.ends_with(suffix);
    if is("running_var") || is("variance") || is("gamma") {
        (0.5, 1.5)
    } else if is("weight") && shape.len() == 1 {
        (0.4, 0.7)
    } else if is("weight") {
        let fan: usize = shape.iter().skip(1).product();
        let reach = 1.3 * (3.0 / fan as f64).sqrt();
        (-reach, reach)
    } else {
        (-0.2, 0.2)
    }
}
