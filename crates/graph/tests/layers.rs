//! Each backbone against the library that publishes it, layer by layer.
//!
//! The lists in `golden/layers` are written by `golden/make_layers.py`, which says how to read
//! them. Numbers are compared elsewhere; here it is names, order, operations, shapes, epsilons
//! and parameters.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use finial_graph::backbones::{BACKBONES, Backbone, Checksum};
use finial_graph::{Graph, Node, Op, Shape};

/// What the library builds.
struct Golden {
    /// Numbers in all parameters and running statistics.
    total: usize,
    /// Whether the lines are parameters, not layers.
    is_parameters: bool,
    lines: Vec<String>,
}

impl Golden {
    fn of(backbone: &Backbone) -> Result<Self, String> {
        let path = folder().join(format!("{}.txt", backbone.name));
        let text = fs::read_to_string(&path).map_err(|error| {
            let name = backbone.name;
            format!("{name}: no list, which golden/make_layers.py writes: {error}")
        })?;
        let mut lines = text.lines();
        lines.next().unwrap();
        let total = lines.next().unwrap().split(' ').nth(1).unwrap();
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        let is_parameters = lines[0] == "parameters";
        if is_parameters {
            lines.remove(0);
        }
        Ok(Golden {
            total: total.parse().unwrap(),
            is_parameters,
            lines,
        })
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/layers")
}

#[test]
fn layers_are_those_of_the_library_in_its_order() {
    let faults: Vec<String> = BACKBONES.iter().filter_map(difference).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn parameters_are_as_many_as_the_library_counts() {
    let fault = |backbone: &Backbone| {
        let golden = Golden::of(backbone).ok()?;
        let graph = backbone.classifier().unwrap();
        let sizes = graph.parameters().into_iter();
        let count: usize = sizes.map(|p| p.shape.iter().product::<usize>()).sum();
        (count != golden.total).then(|| format!("{}: {count}, {}", backbone.name, golden.total))
    };
    let faults: Vec<String> = BACKBONES.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The first line in which a backbone is not the library's.
fn difference(backbone: &Backbone) -> Option<String> {
    let golden = match Golden::of(backbone) {
        Ok(golden) => golden,
        Err(fault) => return Some(fault),
    };
    let graph = backbone.classifier().unwrap();
    let (ours, theirs) = if golden.is_parameters {
        // Modules name their tensors in another order than they run.
        (sorted(parameters(&graph)), sorted(golden.lines))
    } else {
        (layers(&graph), golden.lines)
    };
    let length = ours.len().max(theirs.len());
    let first = (0..length).find(|&i| ours.get(i) != theirs.get(i))?;
    let show = |lines: &[String]| {
        lines
            .get(first)
            .cloned()
            .unwrap_or("nothing more".to_owned())
    };
    Some(format!(
        "{}:\n    finial:      {}\n    the library: {}",
        backbone.name,
        show(&ours),
        show(&theirs)
    ))
}

#[test]
fn a_head_reads_the_last_map_of_the_paper() {
    let features = [
        ("densenet121", [1024, 7, 7]),
        ("densenet169", [1664, 7, 7]),
        ("densenet201", [1920, 7, 7]),
        ("mobilenet", [1024, 7, 7]),
        ("mobilenet-v2", [1280, 7, 7]),
        ("mobilenet-v3-large", [960, 7, 7]),
        ("mobilenet-v3-small", [576, 7, 7]),
        ("resnet18", [512, 7, 7]),
        ("resnet34", [512, 7, 7]),
        ("resnet50", [2048, 7, 7]),
        ("resnet101", [2048, 7, 7]),
        ("resnet152", [2048, 7, 7]),
        ("resnet50v2", [2048, 7, 7]),
        ("squeezenet1.1", [512, 13, 13]),
        ("vgg16", [512, 7, 7]),
        ("vgg19", [512, 7, 7]),
    ];
    for (name, shape) in features {
        for variant in ["", "-torchvision", "-keras"] {
            if let Some(backbone) = Backbone::named(&format!("{name}{variant}")) {
                let graph = backbone.without_top().unwrap();
                assert_eq!(graph.output_shape(), Shape::Map(shape), "{}", backbone.name);
            }
        }
        assert!(Backbone::named(name).is_some(), "{name}");
    }
}

#[test]
fn every_list_is_of_a_backbone() {
    let known: BTreeSet<String> = BACKBONES
        .iter()
        .map(|b| format!("{}.txt", b.name))
        .collect();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is of no backbone");
    }
}

#[test]
fn checksums_are_whole_and_stand_in_torchvisions_names() {
    let is_hexadecimal = |digits: &str| {
        let lower = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        digits.chars().all(lower)
    };
    for backbone in BACKBONES {
        let files = [backbone.weights.with_top, backbone.weights.without_top];
        for file in files.into_iter().flatten() {
            let (digits, length) = match file.checksum {
                Checksum::Md5(digits) => (digits, 32),
                Checksum::Sha256(digits) => (digits, 64),
                Checksum::Sha256Prefix(digits) => {
                    assert!(file.url.contains(&format!("-{digits}.")), "{}", file.url);
                    (digits, 8)
                }
                Checksum::FromServer => continue,
            };
            assert_eq!(digits.len(), length, "{}", file.url);
            assert!(is_hexadecimal(digits), "{}", file.url);
            assert!(file.url.starts_with("https://"), "{}", file.url);
        }
    }
}

/// A line for each node, but for what finial puts before the library's network.
fn layers(graph: &Graph) -> Vec<String> {
    let own = [Graph::INPUT, "bgr", "preprocessing"];
    let nodes = graph.nodes().iter();
    let published = nodes.filter(|node| !own.contains(&node.name.as_str()));
    published.map(|node| layer(graph, node)).collect()
}

fn layer(graph: &Graph, node: &Node) -> String {
    let shape = graph.shape_of(&node.name).unwrap();
    let kind = node.op.name().split(' ').next().unwrap();
    let mut line = format!("{} {kind} {}", node.name, dims(shape.dims()));
    if let Op::BatchNorm { epsilon, .. } | Op::LayerNorm { epsilon } = node.op {
        line += &format!(" epsilon={}", as_python_writes(epsilon));
    }
    for parameter in graph.parameters_of(node) {
        let own = parameter.name.strip_prefix(&node.name).unwrap();
        let own = own.strip_prefix('.').unwrap();
        line += &format!(" {own}={}", dims(&parameter.shape));
    }
    line
}

fn parameters(graph: &Graph) -> Vec<String> {
    let all = graph.parameters().into_iter();
    all.map(|p| format!("{} {}", p.name, dims(&p.shape)))
        .collect()
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

fn dims(dims: &[usize]) -> String {
    let dims: Vec<String> = dims.iter().map(usize::to_string).collect();
    dims.join("x")
}

/// Python's `g` format: two digits in an exponent, none above 10⁻⁴.
fn as_python_writes(number: f64) -> String {
    if number >= 1e-4 {
        return number.to_string();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once("e-").unwrap();
    format!("{digits}e-{exponent:0>2}")
}
