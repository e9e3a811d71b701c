//! finial's own engine beside Burn, over every backbone.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_engine::{Frozen, Native, Network, Precision, device};
use finial_graph::backbones::{BACKBONES, Backbone};
use finial_graph::{Graph, Op, Shape, Tensor, Weights};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// Weights that keep values of about one size through many layers.
fn weights(graph: &Graph, seed: u64) -> Weights {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let name = &parameter.name;
        let is = |suffix: &str| name.ends_with(suffix);
        let fan: usize = parameter.shape.iter().skip(1).product();
        let reach = (3.0 / fan as f32).sqrt();
        let range = if is("running_var") || is("variance") || is("gamma") {
            0.5..1.5
        } else if is("weight") && parameter.shape.len() == 1 {
            // Small, so that a hundred blocks that add to their input do not multiply an error.
            0.4..0.7
        } else if is("weight") {
            -reach * 1.3..reach * 1.3
        } else {
            -0.2..0.2
        };
        let count = parameter.shape.iter().product();
        let values = (0..count).map(|_| rng.random_range(range.clone()));
        let tensor = Tensor::new(name, parameter.shape.clone(), values.collect()).unwrap();
        weights.insert(name.clone(), tensor);
    }
    weights
}

/// Up to the logits, at a small size if the network has others than its own.
fn small(backbone: &Backbone) -> Graph {
    let graph = backbone.classifier().unwrap();
    let graph = graph.resized([96, 83]).unwrap_or(graph);
    let nodes = graph.nodes();
    let last = match nodes.last().map(|node| &node.op) {
        Some(Op::Softmax) => nodes.len() - 2,
        _ => nodes.len() - 1,
    };
    graph.cut_at(&nodes[last].name).unwrap().0
}

fn image(shape: Shape, seed: u64) -> Vec<u8> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..shape.len())
        .map(|_| rng.random_range(0..=255))
        .collect()
}

/// `[H, W, 3]` as a network reads it.
fn planes(image: &[u8]) -> Vec<f32> {
    let plane = |channel| image.iter().skip(channel).step_by(3);
    (0..3)
        .flat_map(|channel| plane(channel).map(|&value| f32::from(value)))
        .collect()
}

fn apart(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    let pairs = found.iter().zip(expected);
    pairs.fold(0.0f32, |most, (a, b)| most.max((a - b).abs())) / largest
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Backbones of which `of` tests run one part each, so that they run side by side.
fn every_backbone_agrees(part: usize, of: usize) {
    let device = device::named("cpu").unwrap();
    let only = std::env::var("FINIAL_BACKBONE").ok();
    let all = BACKBONES.iter().enumerate();
    for (_, backbone) in all.filter(|(at, _)| at % of == part) {
        if only.as_ref().is_some_and(|only| only != backbone.name) {
            continue;
        }
        let graph = small(backbone);
        let weights = weights(&graph, 5);
        let image = image(graph.input_shape(), 1);
        let network = Network::new(&graph, &weights, &device).unwrap();
        let expected = network.run(planes(&image)).unwrap();
        drop(network);
        let single = Native::new(&graph, &weights, Precision::F32).unwrap();
        let found = single.run(&[&image]).unwrap();
        let off = apart(&found, &expected);
        drop(single);
        let half = Native::new(&graph, &weights, Precision::Bf16).unwrap();
        let alike = cosine(&half.run(&[&image]).unwrap(), &expected);
        println!("{}: f32 {off:.1e}, bf16 cosine {alike:.6}", backbone.name);
        assert!(off < 1e-4, "{}: {off}", backbone.name);
        assert!(alike > 0.999, "{}: {alike}", backbone.name);
    }
}

#[test]
fn every_backbone_agrees_with_burn_first_half() {
    every_backbone_agrees(0, 2);
}

#[test]
fn every_backbone_agrees_with_burn_second_half() {
    every_backbone_agrees(1, 2);
}
