//! Backbones written in every format, read and written again: the same bytes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use finial_formats::{Checkpoint, Loading, export_safetensors, keras, load, onnx};
use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Tensor, Weights};

/// Small ones, of Keras and of torchvision: fire modules, squeeze-and-excitation, inverted
/// residuals.
const NETWORKS: [&str; 3] = ["squeezenet1.1", "mobilenet-v3-small", "efficientnet-lite0"];

fn network(name: &str) -> (Graph, Weights) {
    let graph = Backbone::named(name).unwrap().classifier().unwrap();
    let graph = graph.resized([64, 64]).unwrap();
    let mut weights = Weights::new();
    for (number, parameter) in graph.parameters().into_iter().enumerate() {
        let count = parameter.shape.iter().product();
        // Above zero, as variances have to be.
        let values = (0..count).map(|i: usize| ((i + number) % 97 + 1) as f32 / 97.0);
        let tensor = Tensor::new("", parameter.shape, values.collect()).unwrap();
        weights.insert(parameter.name, tensor);
    }
    (graph, weights)
}

/// What is written to a new file.
fn bytes(write: impl FnOnce(&Path)) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("model");
    write(&file);
    let bytes = fs::read(file).unwrap();
    (folder, bytes)
}

#[test]
fn a_network_that_went_through_keras_is_written_to_it_the_same() {
    let options = keras::ExportOptions {
        compile: Some(keras::Compile {
            loss: Some("categorical_crossentropy".to_owned()),
            metrics: vec!["accuracy".to_owned()],
            optimizer: Some("adam".to_owned()),
            learning_rate: Some(1e-3),
        }),
        notes: None,
    };
    for name in NETWORKS {
        let (graph, weights) = network(name);
        let (folder, first) =
            bytes(|path| keras::export(&graph, &weights, &options, path).unwrap());
        let read = keras::import(&folder.path().join("model")).unwrap();
        assert_eq!(read.compile, options.compile, "{name}");
        let (_, second) =
            bytes(|path| keras::export(&read.graph, &read.weights, &options, path).unwrap());
        assert!(first == second, "{name}");
    }
}

#[test]
fn a_network_that_went_through_onnx_is_the_same() {
    for name in NETWORKS {
        let (graph, weights) = network(name);
        let description = onnx::Description::default();
        let (folder, first) =
            bytes(|path| onnx::export(&graph, &weights, &description, path).unwrap());
        let read = onnx::import(&folder.path().join("model")).unwrap();
        assert_eq!(read.graph, graph, "{name}");
        let (_, second) = bytes(|path| {
            onnx::export(&read.graph, &read.weights, &read.description, path).unwrap();
        });
        assert!(first == second, "{name}");
    }
}

#[test]
fn weights_that_went_through_safetensors_are_the_same() {
    for name in NETWORKS {
        let (graph, weights) = network(name);
        let (folder, first) = bytes(|path| export_safetensors(&weights, path).unwrap());
        let file = Checkpoint::open(&folder.path().join("model")).unwrap();
        let read = load(&file, &graph, &Loading::default()).unwrap();
        assert_eq!(read, weights, "{name}");
        let (_, second) = bytes(|path| export_safetensors(&read, path).unwrap());
        assert!(first == second, "{name}");
    }
}
