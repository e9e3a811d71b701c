//! Graphs that nobody in good faith would write: each is refused, and none takes the process down.

#![allow(clippy::unwrap_used)]

use std::time::{Duration, Instant};

use finial_graph::{Graph, GraphError, Node, Op, Order, Padding, Shape, Weights, fold_batch_norms};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// A graph that has every operation.
fn valid() -> Graph {
    let convolution = |groups: usize, padding: Padding| Op::Conv2d {
        filters: 4,
        kernel: [3, 3],
        stride: [2, 1],
        padding,
        dilation: [1, 1],
        groups,
        bias: groups == 1,
    };
    let padding = Padding::Explicit {
        top: 1,
        bottom: 2,
        left: 0,
        right: 1,
    };
    let flatten = Op::Flatten {
        order: Order::ChannelsLast,
    };
    let norm = Op::BatchNorm {
        epsilon: 1e-3,
        scale: true,
    };
    let mut graph = Graph::new(Shape::Map([2, 8, 8]));
    let scale = vec![0.5, 2.0];
    let offset = vec![-1.0, 0.0];
    graph.push("scaled", Op::Rescale { scale, offset }).unwrap();
    graph.push("conv", convolution(1, Padding::Same)).unwrap();
    graph.push("norm", norm).unwrap();
    graph.push("act", Op::Relu6).unwrap();
    graph.push("relu", Op::Relu).unwrap();
    graph.push_after("sum", Op::Add, &["act", "relu"]).unwrap();
    graph.push("depthwise", convolution(4, padding)).unwrap();
    graph.push("flat", flatten).unwrap();
    graph.push("drop", Op::Dropout { rate: 0.5 }).unwrap();
    graph.push("logits", Op::Dense { units: 3 }).unwrap();
    graph.push("output", Op::Softmax).unwrap();
    graph
}

fn read(nodes: Value) -> Result<Graph, GraphError> {
    let nodes: Vec<Node> = serde_json::from_value(nodes).unwrap();
    Graph::try_from(nodes)
}

/// The shape of a small map.
fn map() -> Value {
    json!([2, 8, 8])
}

/// An input of that shape and one node behind it.
fn two(shape: Value, mut node: Value) -> Value {
    node["name"] = json!("node");
    node["inputs"] = json!(["input"]);
    json!([{"name": "input", "op": "input", "shape": shape}, node])
}

fn convolution(changes: Value) -> Value {
    let mut node = json!({
        "op": "conv2d", "filters": 4, "kernel": [3, 3], "stride": [1, 1],
        "padding": "same", "groups": 1, "bias": true,
    });
    for (key, value) in changes.as_object().unwrap() {
        node[key] = value.clone();
    }
    node
}

#[test]
fn settings_out_of_range_are_refused_and_named() {
    let huge = 1u64 << 63;
    let padding =
        |n: u64| json!({"padding": {"explicit": {"top": n, "bottom": n, "left": 0, "right": 0}}});
    let cases = [
        (convolution(json!({"stride": [0, 1]})), "stride"),
        (convolution(json!({"stride": [1, huge]})), "stride"),
        (convolution(json!({"kernel": [3, 0]})), "kernel"),
        (convolution(json!({"kernel": [huge, huge]})), "kernel"),
        (convolution(json!({"filters": 0})), "filter"),
        (convolution(json!({"groups": 0})), "group"),
        (convolution(json!({"filters": 3, "groups": 2})), "groups"),
        (convolution(padding(u64::MAX)), "padding"),
        (convolution(padding(huge)), "padding"),
        (convolution(json!({"kernel": [4096, 4096]})), "kernel"),
        (json!({"op": "batch-norm", "epsilon": -1e-3}), "epsilon"),
        (json!({"op": "batch-norm", "epsilon": 0.0}), "epsilon"),
        // Zero, and infinity, in single precision.
        (json!({"op": "batch-norm", "epsilon": 1e-60}), "epsilon"),
        (json!({"op": "batch-norm", "epsilon": 1e60}), "epsilon"),
        (json!({"op": "dropout", "rate": 1.0}), "rate"),
        (json!({"op": "dropout", "rate": -0.1}), "rate"),
        (
            json!({"op": "rescale", "scale": [1e39, 1.0], "offset": [0.0, 0.0]}),
            "finite",
        ),
        (
            json!({"op": "rescale", "scale": [1.0, 1.0], "offset": [0.0, -1e39]}),
            "finite",
        ),
        (
            json!({"op": "rescale", "scale": [1.0, 1.0], "offset": [0.0]}),
            "as many",
        ),
        (
            json!({"op": "rescale", "scale": [], "offset": []}),
            "channels",
        ),
    ];
    for (node, word) in cases {
        let error = read(two(map(), node.clone())).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`node`") && text.contains(word),
            "{node}: {text}"
        );
        let shape_fault = matches!(error, GraphError::WrongShape { .. });
        assert!(shape_fault || matches!(error, GraphError::Setting { .. }));
    }
    let dense = json!({"op": "dense", "units": 0});
    let error = read(two(json!([4]), dense)).unwrap_err();
    assert!(matches!(error, GraphError::Setting { .. }), "{error}");
}

#[test]
fn what_an_operation_cannot_take_is_said() {
    let window = |op: &str, changes: Value| {
        let mut node = json!({"op": op, "kernel": [2, 2], "stride": [2, 2], "padding": "same"});
        if op == "average-pool" {
            node["count_padding"] = json!(true);
        }
        for (key, value) in changes.as_object().unwrap() {
            node[key] = value.clone();
        }
        node
    };
    let wide = json!({"explicit": {"top": 0, "bottom": 2, "left": 0, "right": 0}});
    let cases = [
        (
            map(),
            window("max-pool", json!({"kernel": [0, 2]})),
            "kernel",
        ),
        (
            map(),
            window("max-pool", json!({"padding": wide})),
            "smaller than the window",
        ),
        (
            map(),
            window("average-pool", json!({"stride": [0, 1]})),
            "stride",
        ),
        (json!([8]), window("max-pool", json!({})), "a map"),
        (
            map(),
            json!({"op": "clamp", "low": 1.0, "high": 0.0}),
            "low end",
        ),
        (map(), json!({"op": "leaky-relu", "slope": 1e39}), "slope"),
        (map(), json!({"op": "concat", "axis": 3}), "axis"),
        (map(), json!({"op": "permute", "axes": [0, 1, 1]}), "axes"),
        (map(), json!({"op": "permute", "axes": [0, 1]}), "axes"),
        (map(), json!({"op": "reshape", "shape": [2, 65]}), "numbers"),
        (
            map(),
            json!({"op": "slice", "axis": 0, "start": 1, "end": 1}),
            "start",
        ),
        (
            map(),
            json!({"op": "slice", "axis": 0, "start": 1, "end": 3}),
            "places",
        ),
        (
            map(),
            json!({"op": "slice", "axis": 3, "start": 0, "end": 1}),
            "places",
        ),
        (map(), json!({"op": "mat-mul", "transposed": false}), "rows"),
        (json!([4]), json!({"op": "mat-mul"}), "two axes"),
        (map(), json!({"op": "attention", "heads": 1}), "tokens"),
        (
            json!([4, 6]),
            json!({"op": "attention", "heads": 0}),
            "head",
        ),
        (
            json!([4, 6]),
            json!({"op": "attention", "heads": 4}),
            "heads",
        ),
        (map(), json!({"op": "class-token"}), "tokens"),
        (map(), json!({"op": "dense", "units": 3}), "pool or flatten"),
        (json!([4, 6]), json!({"op": "reverse-channels"}), "a map"),
        (
            map(),
            json!({"op": "local-response-norm", "size": 0, "alpha": 1.0, "beta": 1.0, "bias": 1.0}),
            "size",
        ),
        (
            map(),
            json!({"op": "local-response-norm", "size": 3, "alpha": 1.0, "beta": 1.0, "bias": 0.0}),
            "bias",
        ),
        (
            map(),
            json!({"op": "fake-quantize", "scale": 0.0, "zero_point": 0.0, "low": 0.0, "high": 1.0}),
            "scale",
        ),
    ];
    for (shape, mut node, word) in cases {
        node["name"] = json!("node");
        let twice = matches!(node["op"].as_str(), Some("concat" | "mat-mul"));
        node["inputs"] = match twice {
            true => json!(["input", "transposed"]),
            false => json!(["input"]),
        };
        // A second value whose last axes differ from the first one's.
        let other = match shape.as_array().map(Vec::len) {
            Some(3) => {
                json!({"name": "transposed", "op": "slice", "axis": 1, "start": 0, "end": 3, "inputs": ["input"]})
            }
            _ => json!({"name": "transposed", "op": "relu", "inputs": ["input"]}),
        };
        let input = json!({"name": "input", "op": "input", "shape": shape});
        let error = read(json!([input, other, node.clone()])).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("`node`") && text.contains(word),
            "{node}: {text}"
        );
    }
}

#[test]
fn empty_and_immense_values_are_refused() {
    let huge = 1u64 << 63;
    let relu = || json!({"op": "relu"});
    for shape in [json!([0]), json!([0, 8, 8]), json!([3, 0, huge])] {
        let error = read(two(shape, relu())).unwrap_err();
        assert!(matches!(error, GraphError::WrongShape { .. }), "{error}");
    }
    let cases = [
        two(json!([huge]), relu()),
        two(json!([1 << 29]), relu()),
        // Products that wrap to 0 and to 1.
        two(json!([1u64 << 32, 1u64 << 32, 1]), relu()),
        two(json!([u64::MAX, u64::MAX, 1]), relu()),
        two(json!([1 << 27]), json!({"op": "dense", "units": 1 << 20})),
        two(json!([2]), json!({"op": "dense", "units": huge})),
        two(json!([2, 8, 8]), convolution(json!({"filters": huge}))),
        two(json!([2, 4096, 4096]), convolution(json!({"filters": 64}))),
        two(
            json!([65536, 2, 2]),
            convolution(json!({"kernel": [1, 1], "filters": 8192})),
        ),
        // Small before and after, but not on the way.
        two(
            json!([65536, 2, 2]),
            convolution(json!({
                "stride": [4096, 4096], "groups": 65536, "filters": 65536,
                "padding": {"explicit": {"top": 4096, "bottom": 0, "left": 4096, "right": 0}},
            })),
        ),
    ];
    for nodes in cases {
        let error = read(nodes.clone()).unwrap_err();
        assert!(
            matches!(error, GraphError::TooLarge { .. }),
            "{nodes}: {error}"
        );
    }
}

#[test]
fn what_is_no_graph_is_refused() {
    let input = json!({"name": "input", "op": "input", "shape": [3, 8, 8]});
    let relu = json!({"name": "a", "op": "relu", "inputs": ["input"]});
    let cases = [
        json!({}),
        json!([]),
        json!([relu.clone()]),
        json!([relu.clone(), input.clone()]),
        json!([input.clone(), input.clone()]),
        json!([input.clone(), {"name": "a", "op": "mystery", "inputs": ["input"]}]),
        json!([input.clone(), {"name": "a", "op": "relu", "inputs": ["a"]}]),
        json!([input.clone(), {"name": "a", "op": "relu"}]),
        json!([input.clone(), {"name": "a", "op": "add", "inputs": ["input"]}]),
        json!([input.clone(), {"name": "a", "op": "dense", "units": -1, "inputs": ["input"]}]),
        json!([{"name": "input", "op": "input", "shape": []}]),
        json!([{"name": "input", "op": "input", "shape": [3, 8, 8, 8, 8]}]),
        json!([{"name": "input", "op": "input", "shape": [3, 8, 8], "inputs": ["input"]}]),
        json!([input, relu.clone(), relu]),
    ];
    for nodes in cases {
        assert!(
            serde_json::from_value::<Graph>(nodes.clone()).is_err(),
            "{nodes}"
        );
    }
}

#[test]
fn a_chain_of_a_hundred_thousand_nodes_is_handled_in_seconds() {
    const NODES: usize = 100_000;
    let mut nodes = vec![json!({"name": "n0", "op": "input", "shape": [2, 1, 1]})];
    let one_by_one = convolution(json!({"kernel": [1, 1], "filters": 2}));
    for i in 1..NODES {
        let mut node = if i % 2 == 1 {
            one_by_one.clone()
        } else {
            json!({"op": "batch-norm", "epsilon": 1e-3})
        };
        node["name"] = json!(format!("n{i}"));
        node["inputs"] = json!([format!("n{}", i - 1)]);
        nodes.push(node);
    }
    let text = Value::from(nodes).to_string();

    let start = Instant::now();
    let graph: Graph = serde_json::from_str(&text).unwrap();
    let (before, after) = graph.cut_at("n50000").unwrap();
    assert_eq!(before.nodes().len() + after.nodes().len(), NODES + 1);
    let (folded, _) = fold_batch_norms(&graph, &ones(&graph)).unwrap();
    assert_eq!(folded.nodes().len(), NODES / 2 + 1);
    // A few hundred milliseconds when optimised; a quadratic walk takes minutes.
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

fn ones(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let count = parameter.shape.iter().product();
        let tensor = finial_graph::Tensor::new("", parameter.shape, vec![1.0; count]).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

/// Values that look like trouble.
fn trouble() -> impl Strategy<Value = Value> {
    prop_oneof![
        prop::sample::select(vec![
            json!(null),
            json!(true),
            json!(-1),
            json!(0),
            json!(-0.0),
            json!(1.5),
            json!(1e39),
            json!(1e-300),
            json!(f64::MAX),
            json!(i64::MIN),
            json!(1u64 << 28),
            json!(1u64 << 32),
            json!(1u64 << 63),
            json!(u64::MAX),
            json!(""),
            json!("input"),
            json!("act"),
            json!("conv2d"),
            json!("flatten"),
            json!("same"),
            json!([]),
            json!({}),
            json!(["input"]),
            json!([1, 1, 1]),
            json!([u64::MAX, u64::MAX, 2]),
            json!({"explicit": {"top": u64::MAX, "bottom": 1, "left": 0, "right": 0}}),
        ]),
        (0u64..20).prop_map(|n| json!(n)),
    ]
}

/// Every place of a document, by JSON pointer.
fn places(document: &Value, at: &str, into: &mut Vec<String>) {
    into.push(at.to_owned());
    match document {
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{i}"), into);
            }
        }
        Value::Object(fields) => {
            for (key, item) in fields {
                places(item, &format!("{at}/{key}"), into);
            }
        }
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_graph_with_values_exchanged_is_refused_or_holds_together(
        changes in prop::collection::vec((any::<Index>(), trouble()), 1..4),
    ) {
        let mut document = serde_json::to_value(valid()).unwrap();
        for (place, value) in changes {
            let mut all = Vec::new();
            places(&document, "", &mut all);
            if let Some(spot) = document.pointer_mut(&all[place.index(all.len())]) {
                *spot = value;
            }
        }
        let Ok(graph) = serde_json::from_value::<Graph>(document) else {
            return Ok(());
        };
        for node in graph.nodes() {
            let shape = graph.shape_of(&node.name).unwrap();
            prop_assert!((1..=1 << 28).contains(&shape.len()));
            let owned = graph.parameters_of(node);
            let count = owned.iter().map(|p| p.shape.iter().product::<usize>()).sum::<usize>();
            prop_assert!(count <= 1 << 28);
            if let Ok((mut before, after)) = graph.cut_at(&node.name) {
                prop_assert_eq!(before.output_shape(), after.input_shape());
                before.join(after).unwrap();
            }
        }
        let text = serde_json::to_string(&graph).unwrap();
        prop_assert_eq!(serde_json::from_str::<Graph>(&text).unwrap(), graph);
    }

    #[test]
    fn a_graph_with_bytes_exchanged_takes_nothing_down(
        changes in prop::collection::vec((any::<Index>(), prop::sample::select(b"09-e.[]{},:\"a".to_vec())), 1..4),
    ) {
        let mut bytes = serde_json::to_vec(&valid()).unwrap();
        for (place, byte) in changes {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(graph) = serde_json::from_slice::<Graph>(&bytes) {
            prop_assert!(graph.nodes().iter().all(|node| graph.shape_of(&node.name).is_ok()));
        }
    }
}
