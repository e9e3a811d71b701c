//! ONNX files as exporters write them, and as finial does.
//!
//! The files are made by `fixtures/make_onnx.py`. That networks compute the same numbers as ONNX
//! Runtime is checked by `check_onnx.py`, which also takes the files that are written here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

use finial_formats::FormatError;
use finial_formats::onnx::{Description, Imported, Input, Options};
use finial_formats::onnx::{export, import, import_bytes, import_with, write};
use finial_graph::{Graph, Op, Order, Padding, Shape, Tensor, Weights};

fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/onnx");
    folder.join(format!("{name}.onnx"))
}

fn ops(network: &Imported) -> Vec<&'static str> {
    network
        .graph
        .nodes()
        .iter()
        .map(|node| node.op.name())
        .collect()
}

/// Writes a network into `target/tmp/onnx`, in place of what an earlier run left there.
fn written(name: &str, graph: &Graph, weights: &Weights, description: &Description) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("onnx");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.onnx"));
    let _ = fs::remove_file(&path);
    export(graph, weights, description, &path).unwrap();
    // In memory it is the same file.
    let mut bytes = Vec::new();
    write(graph, weights, description, &mut bytes).unwrap();
    assert!(bytes == fs::read(&path).unwrap(), "{name}");
    path
}

/// Numbers that differ from each other, those of variances above 0.
fn numbers(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    let mut state = 1u32;
    for parameter in graph.parameters() {
        let count = parameter.shape.iter().product();
        let values = (0..count).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32 - 0.5
        });
        let positive = parameter.name.contains("var");
        let values = values.map(|v| if positive { v.abs() + 0.5 } else { v });
        let tensor = Tensor::new("", parameter.shape, values.collect()).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

const VALID: Padding = Padding::Explicit {
    top: 0,
    bottom: 0,
    left: 0,
    right: 0,
};

fn conv(filters: usize, groups: usize, padding: Padding, bias: bool) -> Op {
    Op::Conv2d {
        filters,
        kernel: [3, 2],
        stride: [2, 1],
        padding,
        dilation: [1, 2],
        groups,
        bias,
    }
}

/// Every operation on maps.
fn maps() -> Graph {
    let mut graph = Graph::new(Shape::Map([3, 17, 13]));
    let around = Padding::Explicit {
        top: 1,
        bottom: 0,
        left: 2,
        right: 1,
    };
    let nodes = [
        ("bgr", Op::ReverseChannels),
        (
            "rescale",
            Op::Rescale {
                scale: vec![0.1, 0.2, 0.3],
                offset: vec![-1.0, 0.5, 0.25],
            },
        ),
        ("normalize", Op::Normalize),
        (
            "pad",
            Op::ZeroPad {
                top: 0,
                bottom: 1,
                left: 1,
                right: 2,
            },
        ),
        ("conv", conv(8, 1, Padding::Same, true)),
        (
            "bn",
            Op::BatchNorm {
                epsilon: 1.001e-5,
                scale: false,
            },
        ),
        ("leaky", Op::LeakyRelu { slope: 0.3 }),
        ("grouped", conv(12, 4, around, false)),
        (
            "bn2",
            Op::BatchNorm {
                epsilon: 1e-3,
                scale: true,
            },
        ),
        ("prelu", Op::PRelu),
        (
            "lrn",
            Op::LocalResponseNorm {
                size: 3,
                alpha: 0.5,
                beta: 0.75,
                bias: 1.5,
            },
        ),
        ("ln", Op::LayerNorm { epsilon: 1e-6 }),
        ("elu", Op::Elu { alpha: 0.5 }),
        (
            "max",
            Op::MaxPool {
                kernel: [2, 2],
                stride: [1, 1],
                padding: Padding::Same,
            },
        ),
        (
            "mean",
            Op::AveragePool {
                kernel: [3, 3],
                stride: [1, 2],
                padding: Padding::Same,
                count_padding: false,
            },
        ),
        (
            "mean2",
            Op::AveragePool {
                kernel: [2, 3],
                stride: [1, 1],
                padding: around,
                count_padding: true,
            },
        ),
        ("scale", Op::LayerScale),
        ("position", Op::PositionEmbedding),
        ("hard_swish", Op::HardSwish),
        ("silu", Op::Silu),
        ("gelu", Op::Gelu { approximate: false }),
        ("gelu2", Op::Gelu { approximate: true }),
        (
            "steps",
            Op::FakeQuantize {
                scale: 0.01,
                zero_point: 3.0,
                low: 0.0,
                high: 255.0,
            },
        ),
        (
            "steps2",
            Op::FakeQuantize {
                scale: 0.02,
                zero_point: -4.0,
                low: -128.0,
                high: 127.0,
            },
        ),
        (
            "steps3",
            Op::FakeQuantize {
                scale: 0.03,
                zero_point: 0.5,
                low: -7.0,
                high: 8.0,
            },
        ),
    ];
    for (name, op) in nodes {
        graph.push(name, op).unwrap();
    }
    graph.push("pooled", Op::GlobalAveragePool).unwrap();
    graph
        .push(
            "gate",
            Op::HardSigmoid {
                slope: 0.2,
                offset: 0.5,
            },
        )
        .unwrap();
    graph
        .push_after("gated", Op::Multiply, &["steps3", "gate"])
        .unwrap();
    graph
        .push_after("largest", Op::GlobalMaxPool, &["gated"])
        .unwrap();
    graph
        .push(
            "place",
            Op::Reshape {
                shape: Shape::Map([12, 1, 1]),
            },
        )
        .unwrap();
    graph
        .push_after("sum", Op::Add, &["gated", "place"])
        .unwrap();
    graph
        .push_after("joined", Op::Concat { axis: 0 }, &["sum", "gelu"])
        .unwrap();
    graph
        .push(
            "part",
            Op::Slice {
                axis: 0,
                start: 2,
                end: 9,
            },
        )
        .unwrap();
    graph
        .push(
            "flat",
            Op::Flatten {
                order: Order::ChannelsLast,
            },
        )
        .unwrap();
    graph.push("logits", Op::Dense { units: 5 }).unwrap();
    graph.push("softmax", Op::Softmax).unwrap();
    graph
}

/// Every operation on tokens and vectors.
fn tokens() -> Graph {
    let mut graph = Graph::new(Shape::Map([3, 8, 8]));
    graph
        .push(
            "patches",
            Op::Conv2d {
                filters: 12,
                kernel: [4, 4],
                stride: [4, 4],
                padding: VALID,
                dilation: [1, 1],
                groups: 1,
                bias: true,
            },
        )
        .unwrap();
    let nodes = [
        (
            "rows",
            Op::Reshape {
                shape: Shape::Tokens([12, 4]),
            },
        ),
        ("tokens", Op::Permute { axes: vec![1, 0] }),
        ("class", Op::ClassToken),
        ("position", Op::PositionEmbedding),
        (
            "bn",
            Op::BatchNorm {
                epsilon: 1e-3,
                scale: true,
            },
        ),
        ("attention", Op::Attention { heads: 3 }),
        ("scale", Op::LayerScale),
        ("norm", Op::LayerNorm { epsilon: 1e-6 }),
        ("mlp", Op::Dense { units: 6 }),
        ("tanh", Op::Tanh),
        ("softplus", Op::Softplus),
        (
            "clamp",
            Op::Clamp {
                low: -0.5,
                high: 0.9,
            },
        ),
        ("relu6", Op::Relu6),
        ("prelu", Op::PRelu),
        ("dropout", Op::Dropout { rate: 0.25 }),
        ("same", Op::Identity),
    ];
    for (name, op) in nodes {
        graph.push(name, op).unwrap();
    }
    graph.push("mean", Op::GlobalAveragePool).unwrap();
    graph
        .push_after("moved", Op::Add, &["same", "mean"])
        .unwrap();
    graph
        .push_after(
            "scores",
            Op::MatMul { transposed: true },
            &["moved", "same"],
        )
        .unwrap();
    graph.push("shares", Op::Softmax).unwrap();
    graph
        .push_after(
            "mixed",
            Op::MatMul { transposed: false },
            &["shares", "same"],
        )
        .unwrap();
    graph
        .push(
            "stack",
            Op::Reshape {
                shape: Shape::Stack([5, 1, 2, 3]),
            },
        )
        .unwrap();
    graph
        .push(
            "turned",
            Op::Permute {
                axes: vec![3, 0, 2, 1],
            },
        )
        .unwrap();
    graph
        .push("norm2", Op::LayerNorm { epsilon: 1e-3 })
        .unwrap();
    graph
        .push(
            "flat",
            Op::Flatten {
                order: Order::ChannelsFirst,
            },
        )
        .unwrap();
    graph
        .push(
            "bn3",
            Op::BatchNorm {
                epsilon: 1e-3,
                scale: false,
            },
        )
        .unwrap();
    graph.push("relu", Op::Relu).unwrap();
    graph.push("logits", Op::Dense { units: 2 }).unwrap();
    graph.push("sigmoid", Op::Sigmoid).unwrap();
    graph
}

fn described() -> Description {
    Description {
        input: Input::Rgb8,
        output: "probabilities".to_owned(),
        task: Some("multi-label".to_owned()),
        classes: vec!["a \"b\"".to_owned(), "ü".to_owned()],
        thresholds: vec![0.5, 0.1],
    }
}

#[test]
fn what_is_written_is_read_as_it_was_and_written_as_it_was() {
    for (name, graph) in [("maps", maps()), ("tokens", tokens())] {
        let weights = numbers(&graph);
        let path = written(name, &graph, &weights, &described());
        let network = import(&path).unwrap();
        assert_eq!(network.graph, graph);
        assert_eq!(network.weights, weights);
        assert_eq!(network.description, described());
        let (graph, weights) = (&network.graph, &network.weights);
        let again = written(
            &format!("{name}_again"),
            graph,
            weights,
            &network.description,
        );
        assert_eq!(fs::read(path).unwrap(), fs::read(again).unwrap());
    }
}

#[test]
fn a_file_of_floating_point_numbers_is_read_as_it_was() {
    let graph = tokens();
    let weights = numbers(&graph);
    let description = Description {
        input: Input::Float,
        ..described()
    };
    let path = written("floats", &graph, &weights, &description);
    let network = import(&path).unwrap();
    assert_eq!((network.graph, network.description), (graph, description));
}

#[test]
fn a_written_file_that_another_tool_changed_is_read_like_any_other() {
    for (name, graph) in [("maps", maps()), ("tokens", tokens())] {
        let weights = numbers(&graph);
        let path = written(&format!("{name}_whole"), &graph, &weights, &described());
        let mut bytes = fs::read(path).unwrap();
        let key = b"finial.graph";
        let at = bytes
            .windows(key.len())
            .rposition(|window| window == key)
            .unwrap();
        bytes[at] = b'F';
        let stripped =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("onnx/{name}_stripped.onnx"));
        fs::write(&stripped, &bytes).unwrap();
        let network = import(&stripped).unwrap();
        assert_eq!(network.graph.output_shape(), graph.output_shape());
        assert!(!network.weights.iter().any(|(name, _)| name.is_empty()));
        let found = ops(&network);
        for op in [
            "GELU",
            "LayerNorm",
            "SiLU",
            "HardSwish",
            "FakeQuantize",
            "Attention",
        ] {
            let count = |ops: &[&str]| ops.iter().filter(|o| **o == op).count();
            let own: Vec<&str> = graph.nodes().iter().map(|n| n.op.name()).collect();
            assert_eq!(count(&found), count(&own), "{op}");
        }
    }
}

#[test]
fn layers_that_exporters_take_apart_are_put_together() {
    let of = |name: &str| import(&fixture(name)).unwrap();
    assert_eq!(ops(&of("gelu_erf")), ["Input", "GELU", "GELU", "GELU"]);
    let tanh = of("gelu_tanh");
    assert_eq!(tanh.graph.nodes()[1].op, Op::Gelu { approximate: true });
    assert_eq!(
        ops(&of("swishes")),
        ["Input", "SiLU", "HardSwish", "HardSwish"]
    );
    assert_eq!(
        of("layer_norm").graph.nodes()[1].op,
        Op::LayerNorm { epsilon: 1e-6 }
    );
    let of_tensorflow = of("layer_norm_tf");
    assert_eq!(of_tensorflow.graph.nodes().len(), 5);
    assert_eq!(
        of_tensorflow.graph.nodes()[4].op,
        Op::LayerNorm { epsilon: 1e-6 }
    );
    // The first has a scale only, the second both.
    let biases: Vec<bool> = [2, 4]
        .into_iter()
        .map(|at: usize| {
            let node = &of_tensorflow.graph.nodes()[at];
            let bias = of_tensorflow.weights.get(&format!("{}.bias", node.name));
            bias.unwrap().values().iter().any(|&n| n != 0.0)
        })
        .collect();
    assert_eq!(biases, [false, true]);
    let transformer = of("transformer");
    assert!(ops(&transformer).contains(&"Attention"));
    assert!(!ops(&transformer).contains(&"MatMul"));
}

#[test]
fn a_network_that_ends_in_log_probabilities_is_read_up_to_its_logits() {
    let network = import(&fixture("log_softmax")).unwrap();
    assert_eq!(ops(&network), ["Input", "Dense"]);
    assert_eq!(network.graph.output_shape(), Shape::Vector([3]));
}

#[test]
fn transposes_around_layers_of_a_channels_last_file_are_no_nodes() {
    let network = import(&fixture("channels_last")).unwrap();
    assert_eq!(network.graph.input_shape(), Shape::Map([3, 8, 8]));
    assert!(!ops(&network).contains(&"Permute"));
    let flatten = network
        .graph
        .nodes()
        .iter()
        .find(|n| n.op.name() == "Flatten")
        .unwrap();
    assert_eq!(
        flatten.op,
        Op::Flatten {
            order: Order::ChannelsLast
        }
    );
}

#[test]
fn nodes_keep_their_names_and_others_lead_to_the_node_they_read() {
    let network = import(&fixture("conv")).unwrap();
    assert_eq!(network.node_of("conv2"), Some("conv2"));
    assert_eq!(network.node_of("flatten7"), Some("globalaveragepool6"));
    assert_eq!(network.node_of("nothing"), None);
    assert_eq!(network.description.classes, ["ant", "bee", "cat"]);
}

#[test]
fn a_network_is_read_up_to_a_node_and_no_further() {
    let error = import(&fixture("refused_operator"))
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("node `convtranspose1` (ConvTranspose)"),
        "{error}"
    );
    let until = |name: &str| {
        let options = Options {
            until: Some(name.to_owned()),
            ..Options::default()
        };
        import_with(&fixture("refused_operator"), &options)
    };
    assert_eq!(ops(&until("relu0").unwrap()), ["Input", "ReLU"]);
    assert!(until("relu1").unwrap_err().to_string().contains("`relu1`"));
}

#[test]
fn an_open_size_is_asked_for() {
    let error = import(&fixture("refused_size")).unwrap_err();
    assert!(matches!(error, FormatError::Unsupported { .. }), "{error}");
    let options = Options {
        size: Some([9, 7]),
        ..Options::default()
    };
    let network = import_with(&fixture("refused_size"), &options).unwrap();
    assert_eq!(network.graph.input_shape(), Shape::Map([3, 9, 7]));
    let options = Options {
        size: Some([9, 7]),
        ..Options::default()
    };
    assert!(import_with(&fixture("conv"), &options).is_err());
}

#[test]
fn weights_in_steps_are_multiplied_out() {
    let network = import(&fixture("quantised")).unwrap();
    assert_eq!(ops(&network)[1..3], ["FakeQuantize", "Conv2d"]);
    let weight = network.weights.get("conv4.weight").unwrap();
    assert_eq!(weight.shape(), [4, 3, 3, 3]);
    assert!(weight.values().iter().all(|v| v.abs() <= 1.27));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for name in ["pools", "transformer", "quantised"] {
        let bytes = fs::read(fixture(name)).unwrap();
        for cut in (0..bytes.len()).step_by(7) {
            let cut = bytes[..cut].to_vec();
            let read = import_bytes(Path::new("cut.onnx"), cut, &Options::default());
            assert!(read.is_err());
        }
    }
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let graph = tokens();
    let weights = numbers(&graph);
    let path = written("there", &graph, &weights, &described());
    assert!(export(&graph, &weights, &described(), &path).is_err());
}
