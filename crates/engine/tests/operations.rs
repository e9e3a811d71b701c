//! Every operation against PyTorch, on its own.
//!
//! `golden/make_operations.py` made the reference. Single precision agrees to 1e-5 of the largest
//! number, or of 1.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeSet;

use finial_engine::{Native, Network, Precision, device};
use finial_graph::{Graph, Node, Op, Shape, Tensor, Weights};
use serde_json::{Value, json};

const TOLERANCE: f32 = 1e-5;

fn shape(tensor: &Value) -> Vec<usize> {
    serde_json::from_value(tensor["shape"].clone()).unwrap()
}

fn values(tensor: &Value) -> Vec<f32> {
    serde_json::from_value(tensor["values"].clone()).unwrap()
}

/// A graph of the operation alone. Where it reads several values they come as slices of one
/// vector, since a graph has one input.
fn graph(case: &Value) -> (Graph, Vec<f32>) {
    let inputs = case["inputs"].as_array().unwrap();
    let numbers: Vec<f32> = inputs.iter().flat_map(values).collect();
    let mut nodes = vec![json!({"name": "all", "op": "input", "shape": [numbers.len()]})];
    let mut start = 0;
    for (i, input) in inputs.iter().enumerate() {
        let end = start + values(input).len();
        nodes.push(json!({
            "name": format!("row{i}"), "op": "slice", "axis": 0, "start": start, "end": end,
            "inputs": ["all"],
        }));
        nodes.push(json!({
            "name": format!("input{i}"), "op": "reshape", "shape": shape(input),
            "inputs": [format!("row{i}")],
        }));
        start = end;
    }
    let mut node = case["op"].clone();
    node["name"] = json!("op");
    let names: Vec<String> = (0..inputs.len()).map(|i| format!("input{i}")).collect();
    node["inputs"] = json!(names);
    nodes.push(node);
    let nodes: Vec<Node> = serde_json::from_value(json!(nodes)).unwrap();
    (Graph::try_from(nodes).unwrap(), numbers)
}

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!("golden/operations.json")).unwrap()
}

#[test]
fn every_operation_agrees_with_pytorch() {
    let device = device::named("cpu").unwrap();
    for case in cases() {
        let name = case["name"].as_str().unwrap();
        let (graph, numbers) = graph(&case);
        let result = &case["result"];
        let expected_shape = Shape::of(&shape(result)).unwrap();
        assert_eq!(graph.output_shape(), expected_shape, "{name}");
        let mut weights = Weights::new();
        for (parameter, tensor) in case["parameters"].as_object().unwrap() {
            let name = format!("op.{parameter}");
            let tensor = Tensor::new(&name, shape(tensor), values(tensor)).unwrap();
            weights.insert(name, tensor);
        }
        let network = Network::new(&graph, &weights, &device).unwrap();
        let native = Native::new(&graph, &weights, Precision::F32).unwrap();
        // Twice, so that nothing may mix the images of a batch.
        let batch = [numbers.clone(), numbers].concat();
        let found = [native.rows(&batch).unwrap(), network.run(batch).unwrap()].concat();
        let expected = values(result);
        let largest = expected.iter().fold(1.0f32, |most, v| most.max(v.abs()));
        for found in found.chunks(expected.len()) {
            for (i, (a, b)) in found.iter().zip(&expected).enumerate() {
                let off = (a - b).abs();
                assert!(
                    off <= TOLERANCE * largest,
                    "{name}, number {i}: {a}, not {b}"
                );
            }
        }
    }
}

#[test]
fn no_operation_is_without_a_reference() {
    let name = |case: &Value| case["op"]["op"].as_str().unwrap().to_owned();
    let covered: BTreeSet<String> = cases().iter().map(name).collect();
    // Covered by every network of the other tests, or only acting in training.
    let elsewhere = ["input", "identity", "dropout"];
    // Whoever reads an operation of no such name is told all names there are.
    let error = serde_json::from_value::<Op>(json!({"op": "?"})).unwrap_err();
    let error = error.to_string();
    let (_, all) = error.split_once("expected one of ").unwrap();
    let all: Vec<&str> = all.split('`').skip(1).step_by(2).collect();
    assert!(all.len() > 40, "{all:?}");
    for name in all {
        let known = covered.contains(name) || elsewhere.contains(&name);
        assert!(known, "{name} has no reference");
    }
}
