//! An ONNX file becomes a network or is refused; one that becomes a network can be written, and
//! is then read as the same.

#![no_main]

use std::path::Path;

use finial_formats::onnx::{Options, import_bytes};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options {
        size: None,
        until: None,
    };
    let path = Path::new("fuzzed.onnx");
    let Ok(network) = import_bytes(path, bytes.to_vec(), &options) else {
        return;
    };
    assert!(network.graph.check_weights(&network.weights).is_ok());
    // Shapes alone may stand for many numbers; those stay few here.
    if network.weights.count() > 1 << 20 {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("written.onnx");
    let (graph, weights) = (&network.graph, &network.weights);
    if finial_formats::onnx::export(graph, weights, &network.description, &out).is_ok() {
        let again = finial_formats::onnx::import(&out).unwrap();
        assert_eq!(&again.graph, graph);
        assert_eq!(&again.weights, weights);
    }
});
