//! Networks that finial writes, read by Keras 3 and by ONNX Runtime: the same numbers there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::Path;
use std::process::Command;

use finial_formats::{export_safetensors, keras, load_backbone, onnx};
use finial_graph::backbones::Backbone;
use finial_graph::{Tensor, Weights};
use finial_parity::{Failure, Reference, folder, run};

/// One of each family, and both of those that differ in kind.
const NETWORKS: [&str; 16] = [
    "vgg16",
    "resnet50",
    "resnet18",
    "resnet50v2",
    "inception-v3",
    "xception",
    "mobilenet",
    "mobilenet-v2",
    "mobilenet-v3-small",
    "densenet121",
    "squeezenet1.1-keras",
    "efficientnet-b0",
    "efficientnet-lite1",
    "convnext-tiny",
    "vit-small-16",
    "dinov2-small-14",
];

#[test]
#[ignore = "needs Python: make parity"]
fn keras_and_onnx_runtime_compute_the_same_from_what_finial_writes() {
    let out = folder("exports");
    let _ = std::fs::remove_dir_all(&out);
    for name in NETWORKS {
        write(name, &out.join(name)).unwrap_or_else(|failure| panic!("{name}: {failure}"));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new(root.join("target/python/bin/python"))
        .args([&root.join("parity/exports.py"), &out])
        .status()
        .unwrap();
    assert!(status.success(), "they differ; see above");
    // Two gigabytes that nothing reads again.
    let _ = std::fs::remove_dir_all(&out);
}

/// Both files of a network, and what finial computes with it.
fn write(name: &str, out: &Path) -> Result<(), Failure> {
    let reference = Reference::open(&folder("networks").join(name))?;
    let backbone = Backbone::named(name).ok_or("there is no such backbone")?;
    let graph = backbone.classifier()?.resized(reference.size())?;
    let file = reference.main_file()?;
    let weights = load_backbone(&file, backbone, &graph, &[])?;

    std::fs::create_dir_all(out)?;
    let options = keras::ExportOptions {
        compile: Some(keras::Compile {
            loss: Some("categorical_crossentropy".to_owned()),
            metrics: vec!["accuracy".to_owned()],
            optimizer: Some("adam".to_owned()),
            learning_rate: Some(1e-3),
        }),
        notes: None,
    };
    keras::export(&graph, &weights, &options, &out.join("model.keras"))?;
    let description = onnx::Description::default();
    onnx::export(&graph, &weights, &description, &out.join("model.onnx"))?;

    returns_as_it_was(&weights, &options, out)?;

    let (shape, images) = reference.tensor("images").ok_or("no images")?;
    let output = run(&graph, &weights, images.clone())?;
    let rows = output.len() / graph.output_shape().len();
    let mut computed = Weights::new();
    computed.insert("images", Tensor::new("images", shape, images)?);
    let shape = vec![rows, graph.output_shape().len()];
    computed.insert("output", Tensor::new("output", shape, output)?);
    std::fs::write(out.join("computed.safetensors"), computed.to_safetensors()?)?;
    Ok(())
}

/// What is written, read and written again is the same file.
fn returns_as_it_was(
    weights: &Weights,
    options: &keras::ExportOptions,
    out: &Path,
) -> Result<(), Failure> {
    let again = |format: &str| out.join(format!("again.{format}"));
    let read = keras::import(&out.join("model.keras"))?;
    keras::export(&read.graph, &read.weights, options, &again("keras"))?;
    let read = onnx::import(&out.join("model.onnx"))?;
    onnx::export(
        &read.graph,
        &read.weights,
        &read.description,
        &again("onnx"),
    )?;
    let first = out.join("model.safetensors");
    export_safetensors(weights, &first)?;
    let read = Weights::from_safetensors(&std::fs::read(first)?)?;
    export_safetensors(&read, &again("safetensors"))?;
    for format in ["keras", "onnx", "safetensors"] {
        let first = std::fs::read(out.join(format!("model.{format}")))?;
        if first != std::fs::read(again(format))? {
            return Err(format!("a second export to {format} is another file").into());
        }
        std::fs::remove_file(again(format))?;
    }
    Ok(())
}
