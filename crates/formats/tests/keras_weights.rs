//! Weights as Keras has written them over its releases, loaded into graphs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::{Path, PathBuf};

use finial_formats::hdf5::{File, Group, Object, Writer};
use finial_formats::{FormatError, Source, keras};
use finial_graph::{Graph, Op, Padding, Shape, Weights};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/hdf5")
        .join(name)
}

/// The `i`th of `count` numbers that the script of the fixtures gives a tensor.
fn number(count: usize, i: usize) -> f32 {
    ((i + count) as f64).sin() as f32
}

fn conv(filters: usize, kernel: usize, groups: usize, bias: bool) -> Op {
    Op::Conv2d {
        filters,
        kernel: [kernel; 2],
        stride: [1, 1],
        padding: Padding::Same,
        dilation: [1, 1],
        groups,
        bias,
    }
}

fn norm(scale: bool) -> Op {
    Op::BatchNorm {
        epsilon: 1e-3,
        scale,
    }
}

/// The model `small` of the script.
fn small() -> Graph {
    let mut graph = Graph::new(Shape::Map([3, 8, 8]));
    graph.push("conv", conv(4, 3, 1, true)).unwrap();
    graph.push("bn", norm(true)).unwrap();
    graph.push("depthwise", conv(8, 3, 4, true)).unwrap();
    graph
        .push("separable.depthwise", conv(8, 3, 8, false))
        .unwrap();
    graph.push("separable", conv(6, 1, 1, false)).unwrap();
    graph.push("bn_no_scale", norm(false)).unwrap();
    graph.push("prelu", Op::PRelu).unwrap();
    graph
        .push("layer_norm", Op::LayerNorm { epsilon: 1e-3 })
        .unwrap();
    graph.push("avg_pool", Op::GlobalAveragePool).unwrap();
    graph.push("predictions", Op::Dense { units: 5 }).unwrap();
    graph
}

#[track_caller]
fn assert_small(weights: &Weights) {
    let value = |name: &str, at: usize| weights.get(name).unwrap().values()[at];
    let near = |name: &str, at: usize, expected: f32| {
        let found = value(name, at);
        assert!(
            (found - expected).abs() < 1e-6,
            "{name}: {found} is not {expected}"
        );
    };
    // Of Keras's [3, 3, 3, 4]: row 2, column 1, channel 0, filter 3.
    near(
        "conv.weight",
        3 * 27 + 2 * 3 + 1,
        number(108, ((2 * 3 + 1) * 3) * 4 + 3),
    );
    near("conv.bias", 2, number(4, 2));
    near("bn.weight", 1, number(4, 1));
    near("bn.running_var", 3, number(4, 3).abs() + 0.5);
    // Of [3, 3, 4, 2]: row 1, column 2, channel 3, multiplier 0.
    near(
        "depthwise.weight",
        6 * 9 + 3 + 2,
        number(72, (5 * 4 + 3) * 2),
    );
    // Of [3, 3, 8, 1]: row 0, column 2, channel 5.
    near(
        "separable.depthwise.weight",
        5 * 9 + 2,
        number(72, 2 * 8 + 5),
    );
    // Of [1, 1, 8, 6]: channel 7, filter 1.
    near("separable.weight", 8 + 7, number(48, 7 * 6 + 1));
    near("bn_no_scale.bias", 4, number(6, 4));
    near("bn_no_scale.running_mean", 5, number(6, 5));
    near("bn_no_scale.running_var", 0, number(6, 0).abs() + 0.5);
    near("prelu.weight", 3, number(6, 3));
    near("layer_norm.bias", 1, number(6, 1));
}

const SMALL: [&str; 4] = [
    "small_legacy.h5",
    "small_model.h5",
    "small.weights.h5",
    "small.keras",
];

#[test]
fn every_layout_fills_the_same_graph() {
    for name in SMALL {
        let weights = keras::load_weights(&fixture(name), &small(), &[]).unwrap();
        assert_small(&weights);
        // Of [6, 5]: input 2, unit 4.
        let dense = weights.get("predictions.weight").unwrap();
        assert_eq!(dense.shape(), [5, 6]);
        assert!((dense.values()[4 * 6 + 2] - number(30, 2 * 5 + 4)).abs() < 1e-6);
    }
}

#[test]
fn a_cut_graph_takes_files_with_and_without_the_top() {
    let (features, top) = small().cut_at("layer_norm").unwrap();
    let without = ["small_legacy_notop.h5", "small_notop.weights.h5"];
    for name in SMALL.into_iter().chain(without) {
        let weights = keras::load_weights(&fixture(name), &features, &top.parameters()).unwrap();
        assert_small(&weights);
    }
    let error = keras::load_weights(&fixture(SMALL[0]), &features, &[]).unwrap_err();
    assert!(matches!(error, FormatError::Misfit { .. }), "{error}");
    assert!(error.to_string().contains("predictions/kernel"), "{error}");
}

/// Keras names the last normalisation of ConvNeXt only in the network with its classifier.
#[test]
fn a_last_normalisation_of_another_name_in_a_file_without_its_top_is_found() {
    let graph = renamed(small(), |name| match name {
        "layer_norm" => "head_layernorm".to_owned(),
        other => other.to_owned(),
    });
    let (features, top) = graph.cut_at("head_layernorm").unwrap();
    for name in ["small_legacy_notop.h5", "small_notop.weights.h5"] {
        let weights = keras::load_weights(&fixture(name), &features, &top.parameters()).unwrap();
        let own = weights.into_iter().map(|(name, tensor)| {
            let name = name.replace("head_layernorm", "layer_norm");
            (name, tensor)
        });
        let mut weights = Weights::new();
        weights.extend(own);
        assert_small(&weights);
    }
}

#[test]
fn a_whole_graph_refuses_a_file_without_its_top() {
    for name in ["small_legacy_notop.h5", "small_notop.weights.h5"] {
        let error = keras::load_weights(&fixture(name), &small(), &[]).unwrap_err();
        assert!(
            error
                .to_string()
                .contains("`predictions.weight` [5, 6] is missing"),
            "{error}"
        );
    }
}

fn renamed(graph: Graph, rename: impl Fn(&str) -> String) -> Graph {
    let mut nodes: Vec<finial_graph::Node> = graph.into();
    for node in &mut nodes {
        node.name = rename(&node.name);
        node.inputs = node.inputs.iter().map(|name| rename(name)).collect();
    }
    Graph::try_from(nodes).unwrap()
}

#[test]
fn layers_of_other_names_are_taken_in_order() {
    let graph = renamed(small(), |name| format!("my_{name}"));
    for name in SMALL {
        let weights = keras::load_weights(&fixture(name), &graph, &[]).unwrap();
        let own = weights
            .into_iter()
            .map(|(name, tensor)| (name[3..].to_owned(), tensor));
        let mut weights = Weights::new();
        weights.extend(own);
        assert_small(&weights);
    }
    let (features, top) = graph.cut_at("my_layer_norm").unwrap();
    for name in SMALL {
        assert!(keras::load_weights(&fixture(name), &features, &top.parameters()).is_ok());
        assert!(keras::load_weights(&fixture(name), &features, &[]).is_err());
    }
}

#[test]
fn another_network_is_refused_with_both_sides() {
    let mut graph = small();
    graph.push("more", Op::Dense { units: 2 }).unwrap();
    let graph = renamed(graph, |name| name.replace("conv", "convolution"));
    for name in SMALL {
        let error = keras::load_weights(&fixture(name), &graph, &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`convolution.weight` [4, 3, 3, 3] is missing"),
            "{error}"
        );
        assert!(error.contains("`more.weight` [2, 5] is missing"), "{error}");
        assert!(error.contains("has no place"), "{error}");
    }
    let mut wider = Graph::new(Shape::Map([3, 8, 8]));
    wider.push("conv", conv(4, 5, 1, true)).unwrap();
    let (_, top) = small().cut_at("conv").unwrap();
    let error = keras::load_weights(&fixture(SMALL[0]), &wider, &top.parameters()).unwrap_err();
    let error = error.to_string();
    assert!(
        error.contains("`conv.weight` should be [4, 3, 5, 5], is [4, 3, 3, 3]"),
        "{error}"
    );
}

#[test]
fn names_of_keras_1_are_understood() {
    let mut graph = Graph::new(Shape::Map([3, 4, 4]));
    graph.push("conv1", conv(4, 3, 1, true)).unwrap();
    graph.push("bn_conv1", norm(true)).unwrap();
    graph.push("fire2_squeeze", conv(2, 1, 1, true)).unwrap();
    graph.push("pool", Op::GlobalAveragePool).unwrap();
    let reshape = Op::Reshape {
        shape: Shape::Vector([2]),
    };
    graph.push("flatten", reshape).unwrap();
    let error = keras::load_weights(&fixture("keras1.h5"), &graph, &[]).unwrap_err();
    assert!(error.to_string().contains("fc/fc_W_1:0"), "{error}");
    let fc = |name: &str, shape: &[usize]| finial_graph::Parameter {
        name: format!("fc.{name}"),
        shape: shape.to_vec(),
    };
    let top = [fc("weight", &[3, 8]), fc("bias", &[3])];
    // The running deviations of the script are below zero for once.
    let error = keras::load_weights(&fixture("keras1.h5"), &graph, &top).unwrap_err();
    assert!(
        error.to_string().contains("bn_conv1.running_var"),
        "{error}"
    );
}

#[test]
fn layers_of_a_model_inside_a_model_are_found() {
    let mut base = Graph::new(Shape::Map([3, 8, 8]));
    base.push("base_conv", conv(4, 3, 1, true)).unwrap();
    base.push("base_bn", norm(true)).unwrap();
    let mut whole = base.clone();
    whole.push("pool", Op::GlobalAveragePool).unwrap();
    whole.push("head", Op::Dense { units: 3 }).unwrap();
    for name in ["nested_model.h5", "nested.keras"] {
        let weights = keras::load_weights(&fixture(name), &whole, &[]).unwrap();
        let mean = weights.get("base_bn.running_mean").unwrap();
        assert!((mean.values()[2] - number(4, 2)).abs() < 1e-6);
        assert!(keras::load_weights(&fixture(name), &base, &[]).is_err());
    }
}

#[test]
fn an_optimizer_beside_the_layers_and_a_deflated_archive_do_not_matter() {
    let mut graph = Graph::new(Shape::Map([3, 6, 6]));
    let valid = |filters, kernel| match conv(filters, kernel, 1, true) {
        Op::Conv2d {
            filters,
            kernel,
            stride,
            dilation,
            groups,
            bias,
            ..
        } => Op::Conv2d {
            padding: Padding::Explicit {
                top: 0,
                bottom: 0,
                left: 0,
                right: 0,
            },
            filters,
            kernel,
            stride,
            dilation,
            groups,
            bias,
        },
        other => other,
    };
    graph.push("first", valid(4, 3)).unwrap();
    graph.push("second", valid(5, 2)).unwrap();
    let order = finial_graph::Order::ChannelsLast;
    graph.push("flatten", Op::Flatten { order }).unwrap();
    graph.push("last", Op::Dense { units: 3 }).unwrap();
    for name in [
        "plain.weights.h5",
        "plain_trained.keras",
        "plain_deflated.keras",
    ] {
        let weights = keras::load_weights(&fixture(name), &graph, &[]).unwrap();
        // Of [2, 2, 4, 5]: row 1, column 0, channel 3, filter 2.
        let second = weights.get("second.weight").unwrap().values();
        assert!((second[(2 * 4 + 3) * 4 + 2] - number(80, (2 * 4 + 3) * 5 + 2)).abs() < 1e-6);
    }
}

#[test]
fn names_that_are_divided_over_attributes_are_joined() {
    let mut graph = Graph::new(Shape::Vector([2]));
    let name = format!("{}199", "a_layer_of_a_very_long_name_".repeat(12));
    graph.push(&name, Op::Dense { units: 2 }).unwrap();
    let error = keras::load_weights(&fixture("split.h5"), &graph, &[])
        .unwrap_err()
        .to_string();
    assert!(error.contains(".bias` [2] is missing"), "{error}");
    assert!(!error.contains("weight` [2, 2] is missing"), "{error}");
}

#[test]
fn what_is_no_file_of_keras_is_refused() {
    let error = keras::load_weights(&fixture("oldest.h5"), &small(), &[]).unwrap_err();
    assert!(
        error.to_string().contains("without layers of Keras"),
        "{error}"
    );
    let text = Source::from(b"PK\x03\x04 and no more".to_vec());
    let error = keras::load_weights_from(text, Path::new("a.keras"), &small(), &[]).unwrap_err();
    assert!(error.to_string().contains("a.keras"), "{error}");
}

#[test]
fn a_file_of_weights_cut_short_anywhere_is_an_error() {
    for name in ["small.weights.h5", "small_legacy.h5", "small.keras"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for cut in (0..whole.len() - 8).step_by(61) {
            let source = Source::from(whole[..cut].to_vec());
            let result = keras::load_weights_from(source, Path::new(name), &small(), &[]);
            assert!(result.is_err(), "{name} cut at {cut}");
        }
    }
}

/// Copies what Keras wrote into what we write.
fn copy<'a>(from: &Group, into: &mut finial_formats::hdf5::GroupWriter<'a>) {
    if let Some(name) = from.attribute("name").unwrap() {
        into.text("name", name.text().unwrap());
    }
    for name in from.names() {
        match from.get(name).unwrap().unwrap() {
            Object::Group(group) => copy(&group, into.group(name)),
            Object::Dataset(dataset) => {
                let values = dataset.read().unwrap();
                into.dataset(name, dataset.shape(), move |take| take(&values));
            }
        }
    }
}

/// Leaves the files in the target folder, where `open_written.py` has h5py and Keras open them.
#[test]
fn what_keras_wrote_is_the_same_when_we_wrote_it() {
    let root = File::open(&fixture("small.weights.h5"))
        .unwrap()
        .root()
        .unwrap();
    let mut writer = Writer::new();
    copy(&root, writer.root());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("written.weights.h5");
    writer
        .write(&mut std::fs::File::create(&path).unwrap())
        .unwrap();
    let weights = keras::load_weights(&path, &small(), &[]).unwrap();
    assert_small(&weights);
}
