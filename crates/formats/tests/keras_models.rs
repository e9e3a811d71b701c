//! Whole models of Keras, read and written. That they predict what Keras does is checked by
//! Keras itself, in `golden/check_keras.py`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::io::Write;
use std::path::{Path, PathBuf};

use finial_formats::FormatError;
use finial_formats::keras::{
    Compile, ExportOptions, ImportOptions, Imported, export, import, import_with,
};
use finial_graph::{Graph, Op, Order, Padding, Shape, Tensor, Weights};
use serde_json::{Value as Json, json};

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/keras");
    folder.join(name)
}

fn op<'a>(model: &'a Imported, name: &str) -> &'a Op {
    let nodes = model.graph.nodes();
    let node = nodes.iter().find(|node| node.name == name);
    &node
        .unwrap_or_else(|| panic!("no node {name} among {nodes:#?}"))
        .op
}

fn written(graph: &Graph, weights: &Weights, options: &ExportOptions) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.keras");
    export(graph, weights, options, &path).unwrap();
    std::fs::read(&path).unwrap()
}

/// Writes a model, reads it and writes it again: the bytes of both files.
fn there_and_back(graph: &Graph, weights: &Weights, options: &ExportOptions) -> [Vec<u8>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.keras");
    export(graph, weights, options, &path).unwrap();
    let again = import(&path).unwrap();
    let options = ExportOptions {
        compile: again.compile,
        notes: again.notes,
    };
    let second = written(&again.graph, &again.weights, &options);
    [std::fs::read(&path).unwrap(), second]
}

#[test]
fn a_chain_of_every_generation_and_container_is_the_same_network() {
    let model = import(&fixture("chain.keras")).unwrap();
    assert_eq!(model.graph.input_shape(), Shape::Map([3, 12, 10]));
    assert_eq!(model.graph.output_shape(), Shape::Vector([3]));
    assert_eq!(model.graph.output(), "predictions/activation");
    assert_eq!(model.node_of("conv"), "conv/activation");
    assert_eq!(model.graph.end_of_layer("conv"), Some("conv/activation"));
    // Permute, reshape and permute leave Flatten no order of Keras's to restore.
    assert_eq!(
        *op(&model, "flatten"),
        Op::Flatten {
            order: Order::ChannelsFirst
        }
    );
    for other in ["chain.h5", "chain_keras2.h5", "chain_keras2.keras"] {
        let other = import(&fixture(other)).unwrap();
        let ops = |model: &Imported| -> Vec<Op> {
            let nodes = model.graph.nodes().iter();
            // Keras 2 keeps this setting in single precision.
            let same = |op: &Op| match *op {
                Op::LeakyRelu { slope } => Op::LeakyRelu {
                    slope: f64::from(slope as f32),
                },
                _ => op.clone(),
            };
            nodes.map(|node| same(&node.op)).collect()
        };
        assert_eq!(ops(&other), ops(&model));
    }
    assert_eq!(import(&fixture("chain.h5")).unwrap().weights, model.weights);
}

#[test]
fn a_model_inside_a_model_is_flat_and_its_names_stay_apart() {
    let model = import(&fixture("nested.keras")).unwrap();
    // Both models have a layer `conv`.
    assert!(matches!(
        op(&model, "base.conv"),
        Op::Conv2d { filters: 4, .. }
    ));
    assert_eq!(*op(&model, "conv"), Op::Dense { units: 2 });
    assert_eq!(model.node_of("base"), "out");
    assert_eq!(model.node_of("base/conv"), "base.conv");
    assert_eq!(model.graph.default_cut(), "out");
    let compile = model.compile.unwrap();
    assert_eq!(compile.loss.as_deref(), Some("binary_crossentropy"));
    assert_eq!(compile.optimizer.as_deref(), Some("adam"));
}

#[test]
fn preprocessing_of_either_generation_turns_rgb_round() {
    for name in ["nested.keras", "nested_keras2.h5"] {
        let model = import(&fixture(name)).unwrap();
        let reversed = |node: &&finial_graph::Node| node.op == Op::ReverseChannels;
        assert_eq!(
            model.graph.nodes().iter().filter(reversed).count(),
            1,
            "{name}"
        );
    }
}

#[test]
fn a_hard_sigmoid_is_that_of_the_keras_that_wrote_it() {
    let slope = |name: &str| match op(&import(&fixture(name)).unwrap(), "gate/activation") {
        Op::HardSigmoid { slope, .. } => *slope,
        other => panic!("{other:?}"),
    };
    assert_eq!(slope("nested.keras"), 1.0 / 6.0);
    assert_eq!(slope("nested_keras2.h5"), 0.2);
}

#[test]
fn what_is_written_and_read_is_written_the_same() {
    for name in [
        "chain.keras",
        "nested.keras",
        "chain_keras2.h5",
        "nested_keras2.h5",
    ] {
        let model = import(&fixture(name)).unwrap();
        let options = ExportOptions {
            compile: model.compile.clone(),
            notes: Some(r#"{"classes":["a","b"]}"#.to_owned()),
        };
        let [first, second] = there_and_back(&model.graph, &model.weights, &options);
        assert!(first == second, "{name}");
    }
}

#[test]
fn a_cut_leaves_out_what_is_behind_it() {
    let options = ImportOptions {
        output: Some("base".to_owned()),
        ..ImportOptions::default()
    };
    let model = import_with(&fixture("nested.keras"), &options).unwrap();
    assert_eq!(model.graph.output(), "out");
    assert_eq!(model.graph.output_shape(), Shape::Map([4, 8, 8]));
}

/// Weights that are not all alike.
fn weights(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let count = parameter.shape.iter().product();
        let values = (0..count)
            .map(|n: usize| (n as f32).sin().abs() + 0.1)
            .collect();
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

#[test]
fn a_transformer_is_written_and_read() {
    let mut graph = Graph::new(Shape::Map([3, 8, 8]));
    let patches = Op::Conv2d {
        filters: 12,
        kernel: [2, 2],
        stride: [2, 2],
        padding: Padding::Explicit {
            top: 0,
            bottom: 0,
            left: 0,
            right: 0,
        },
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    graph.push("bgr", Op::ReverseChannels).unwrap();
    graph.push("patch_embed.proj", patches).unwrap();
    graph
        .push(
            "rows",
            Op::Reshape {
                shape: Shape::Tokens([12, 16]),
            },
        )
        .unwrap();
    graph
        .push("tokens", Op::Permute { axes: vec![1, 0] })
        .unwrap();
    graph.push("cls_token", Op::ClassToken).unwrap();
    graph.push("pos_embed", Op::PositionEmbedding).unwrap();
    graph
        .push("norm1", Op::LayerNorm { epsilon: 1e-6 })
        .unwrap();
    graph.push("attn", Op::Attention { heads: 3 }).unwrap();
    graph.push("ls1", Op::LayerScale).unwrap();
    graph
        .push_after("add1", Op::Add, &["ls1", "pos_embed"])
        .unwrap();
    graph
        .push(
            "class",
            Op::Slice {
                axis: 0,
                start: 0,
                end: 1,
            },
        )
        .unwrap();
    graph
        .push(
            "vector",
            Op::Reshape {
                shape: Shape::Vector([12]),
            },
        )
        .unwrap();
    graph.push("logits", Op::Dense { units: 4 }).unwrap();
    graph.push("output", Op::Softmax).unwrap();
    let compile = Compile {
        loss: Some("categorical_crossentropy".to_owned()),
        metrics: vec!["accuracy".to_owned()],
        optimizer: Some("adam".to_owned()),
        learning_rate: Some(1e-3),
    };
    let options = ExportOptions {
        compile: Some(compile),
        notes: None,
    };
    let [first, second] = there_and_back(&graph, &weights(&graph), &options);
    assert!(first == second);
}

#[test]
fn an_operation_that_is_no_layer_of_keras_is_refused_by_name() {
    let mut graph = Graph::new(Shape::Map([4, 4, 4]));
    let op = Op::LocalResponseNorm {
        size: 3,
        alpha: 1e-4,
        beta: 0.75,
        bias: 1.0,
    };
    graph.push("norm", op).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.keras");
    let error = export(&graph, &Weights::new(), &ExportOptions::default(), &path).unwrap_err();
    assert!(
        error.to_string().contains("`norm` is a LocalResponseNorm"),
        "{error}"
    );
    assert!(!path.exists());
}

/// What reading a `.keras` file with that configuration fails with.
fn refusal(config: &Json) -> FormatError {
    refusal_of(config.to_string().as_bytes())
}

fn refusal_of(config: &[u8]) -> FormatError {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.keras");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
    let entry = zip::write::SimpleFileOptions::default();
    let mut weights = Vec::new();
    finial_formats::hdf5::Writer::new()
        .write(&mut weights)
        .unwrap();
    for (name, bytes) in [("config.json", config), ("model.weights.h5", &weights)] {
        zip.start_file(name, entry).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
    import(&path).unwrap_err()
}

fn layer(class: &str, name: &str, reads: &[&str], settings: Json) -> Json {
    let mut config = json!({ "name": name, "trainable": true });
    config
        .as_object_mut()
        .unwrap()
        .extend(settings.as_object().unwrap().clone());
    let calls: Vec<Json> = reads.iter().map(|read| json!([read, 0, 0, {}])).collect();
    let nodes = if reads.is_empty() {
        json!([])
    } else {
        json!([calls])
    };
    json!({ "class_name": class, "name": name, "config": config, "inbound_nodes": nodes })
}

fn functional(layers: &[Json], outputs: &[&str]) -> Json {
    let mut all = vec![layer(
        "InputLayer",
        "image",
        &[],
        json!({ "batch_input_shape": [null, 8, 8, 3] }),
    )];
    all.extend_from_slice(layers);
    let outputs: Vec<Json> = outputs.iter().map(|name| json!([name, 0, 0])).collect();
    json!({
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": all,
            "input_layers": [["image", 0, 0]],
            "output_layers": outputs,
        },
    })
}

#[track_caller]
fn assert_says(error: &FormatError, words: &[&str]) {
    let text = error.to_string();
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn layers_without_an_operation_are_refused_by_name() {
    for (class, words) in [
        ("Lambda", "code"),
        ("LSTM", "sequences"),
        ("Custom>MyLayer", "no operation"),
    ] {
        let config = functional(&[layer(class, "odd", &["image"], json!({}))], &["odd"]);
        let class = class.trim_start_matches("Custom>");
        assert_says(&refusal(&config), &["`odd`", class, words]);
    }
    let written = json!({ "class_name": "MyModel", "config": { "name": "mine" } });
    assert_says(
        &refusal(&written),
        &["MyModel", "Sequential and Functional"],
    );
}

#[test]
fn layers_that_read_each_other_in_a_circle_are_refused() {
    let relu = |name, reads: &[&str]| layer("ReLU", name, reads, json!({}));
    let config = functional(&[relu("a", &["b"]), relu("b", &["a"])], &["b"]);
    assert_says(&refusal(&config), &["`a`", "reads layers before it"]);
    let config = functional(&[relu("a", &["nobody"])], &["a"]);
    assert_says(&refusal(&config), &["`nobody`", "no such value"]);
    let config = functional(&[relu("a", &["image"]), relu("a", &["image"])], &["a"]);
    assert_says(&refusal(&config), &["`a`", "a name of its own"]);
}

#[test]
fn several_outputs_are_named() {
    let relu = |name| layer("ReLU", name, &["image"], json!({}));
    let config = functional(&[relu("left"), relu("right")], &["left", "right"]);
    assert_says(&refusal(&config), &["2 outputs", "left, right"]);
}

#[test]
fn shapes_that_lie_are_refused_with_the_layer() {
    let huge = json!({ "filters": u64::MAX, "kernel_size": [3, 3] });
    let config = functional(&[layer("Conv2D", "conv", &["image"], huge)], &["conv"]);
    assert_says(&refusal(&config), &["`conv`"]);
    let wrong = json!({ "target_shape": [7, 7] });
    let config = functional(
        &[layer("Reshape", "reshape", &["image"], wrong)],
        &["reshape"],
    );
    assert_says(&refusal(&config), &["`reshape`"]);
    let no_numbers = json!({ "filters": 4, "kernel_size": [3, 3] });
    let config = functional(
        &[layer("Conv2D", "conv", &["image"], no_numbers)],
        &["conv"],
    );
    assert_says(
        &refusal(&config),
        &["`conv`", "its kernel", "no such variable"],
    );
}

#[test]
fn models_inside_each_other_without_end_are_refused() {
    let deep = [
        r#"{"class_name":"Sequential","config":{"layers":["#.repeat(5000),
        "]}}".repeat(5000),
    ];
    assert_says(
        &refusal_of(deep.concat().as_bytes()),
        &["config.json", "recursion"],
    );
    // A model that is applied twice would double at each depth.
    let inner = functional(&[layer("ReLU", "a", &["image"], json!({}))], &["a"]);
    let mut twice = layer("Functional", "inner", &["image"], inner["config"].clone());
    twice["config"]["name"] = json!("inner");
    twice["inbound_nodes"] = json!([[["image", 0, 0, {}]], [["image", 0, 0, {}]]]);
    let config = functional(&[twice], &["inner"]);
    assert_says(&refusal(&config), &["`inner`", "applied more than once"]);
}

#[test]
fn an_input_of_any_size_needs_one() {
    let mut config = functional(&[layer("ReLU", "relu", &["image"], json!({}))], &["relu"]);
    config["config"]["layers"][0]["config"]["batch_input_shape"] = json!([null, null, null, 3]);
    assert_says(&refusal(&config), &["any size", "an image size"]);
}

#[test]
fn a_file_called_keras_that_is_none_is_not_taken_for_a_damaged_onnx_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["model.keras", "model.h5"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "neither").unwrap();
        let error = finial_formats::import(&path, &finial_formats::ImportOptions::default());
        let text = error.unwrap_err().to_string();
        assert!(text.contains("an HDF5 file or a zip archive"), "{text}");
    }
}
