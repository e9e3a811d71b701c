//! The gradients of a small network beside PyTorch's, in double precision.
//!
//! `golden/make_gradients.py` made the reference: on the processor the network runs on finial's own
//! kernels, as far as they go.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeMap;

use finial_engine::{Gradients, Mode, Network, Precision, Value, device};
use finial_graph::{Graph, Node, Tensor, Weights};
use finial_kernels::Instructions;
use serde::Deserialize;

/// Of the largest number of a tensor.
const TOLERANCE: f32 = 2e-5;
/// Of a gradient's length, in bf16, whose numbers are off by up to 0.4 %.
const TOLERANCE_BF16: f32 = 0.02;

#[derive(Deserialize)]
struct Golden {
    nodes: Vec<Node>,
    parameters: BTreeMap<String, Numbers>,
    input: Numbers,
    logits: Numbers,
    gradients: BTreeMap<String, Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn golden(precision: Precision) -> (Golden, Network) {
    let golden: Golden = serde_json::from_str(include_str!("golden/gradients.json")).unwrap();
    let graph = Graph::try_from(golden.nodes.clone()).unwrap();
    let mut weights = Weights::new();
    for (name, numbers) in &golden.parameters {
        let tensor = Tensor::new(name, numbers.shape.clone(), numbers.values.clone());
        weights.insert(name.clone(), tensor.unwrap());
    }
    let network = Network::new(&graph, &weights, &device::named("cpu").unwrap()).unwrap();
    (golden, network.trainable(precision))
}

fn assert_near(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f32, |most, n| most.max(n.abs()));
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        let error = (found - expected).abs();
        assert!(
            error <= TOLERANCE * largest,
            "{what}[{at}] is {found}, expected {expected}"
        );
    }
}

/// For the sum of the squares of the answers.
fn gradients(golden: &Golden, network: &mut Network) -> Gradients {
    let batch = network.batch(golden.input.values.clone()).unwrap();
    let Value::Vectors(logits) = network.forward(batch, Mode::Inference).unwrap() else {
        panic!("logits are vectors");
    };
    let loss = (logits.clone() * logits).sum();
    Gradients::of(network, &loss).unwrap()
}

#[test]
fn gradients_are_those_of_pytorch() {
    let (golden, mut network) = golden(Precision::F32);
    let gradients = gradients(&golden, &mut network);
    for (name, expected) in &golden.gradients {
        let found = gradients.values(name).unwrap().unwrap();
        assert_near(name, &found, &expected.values);
    }
}

#[test]
fn in_bf16_gradients_are_nearly_the_same() {
    let (golden, mut network) = golden(Precision::Bf16);
    let gradients = gradients(&golden, &mut network);
    let mut largest: f32 = 0.0;
    for (name, expected) in &golden.gradients {
        let found = gradients.values(name).unwrap().unwrap();
        assert_eq!(found.len(), expected.values.len(), "{name}");
        let pairs = found.iter().zip(&expected.values);
        let off: f32 = pairs.map(|(a, b)| (a - b).powi(2)).sum();
        let length: f32 = expected.values.iter().map(|n| n * n).sum();
        let off = (off / length).sqrt();
        assert!(off < TOLERANCE_BF16, "{name} is off by {off} of its length");
        largest = largest.max(off);
    }
    let rounds = matches!(
        Instructions::detect(),
        Ok(Instructions::Amx | Instructions::Avx512Bf16)
    );
    assert_eq!(largest > 1e-4, rounds, "{largest}");
}

#[test]
fn a_network_that_is_trained_gives_the_same_answers() {
    let (golden, network) = golden(Precision::F32);
    for network in [network.frozen(), network] {
        let found = network.run(golden.input.values.clone()).unwrap();
        assert_near("logits", &found, &golden.logits.values);
    }
}
