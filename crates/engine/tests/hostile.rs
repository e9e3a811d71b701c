//! What a network refuses, and that it runs whatever graph it does not refuse.

#![allow(clippy::unwrap_used, clippy::panic)]

use finial_engine::{EngineError, Mode, Network, Value, device};
use finial_graph::{Graph, Op, Order, Padding, Shape, Tensor, Weights, WeightsError};
use proptest::prelude::*;

fn filled(graph: &Graph, value: f32) -> Weights {
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let count = parameter.shape.iter().product();
        let tensor = Tensor::new("", parameter.shape, vec![value; count]).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

fn network(graph: &Graph, weights: &Weights) -> Result<Network, EngineError> {
    Network::new(graph, weights, &device::named("cpu").unwrap())
}

fn dense() -> Graph {
    let mut graph = Graph::new(Shape::Vector([3]));
    graph.push("hidden", Op::Dense { units: 2 }).unwrap();
    graph.push("logits", Op::Dense { units: 2 }).unwrap();
    graph.push("output", Op::Softmax).unwrap();
    graph
}

#[test]
fn numbers_that_do_not_make_whole_rows_are_refused() {
    let network = network(&dense(), &filled(&dense(), 1.0)).unwrap();
    for count in [1, 2, 4, 5] {
        let error = network.run(vec![0.0; count]).unwrap_err();
        assert!(matches!(error, EngineError::WrongInput { .. }), "{count}");
    }
    assert_eq!(network.run(vec![0.0; 6]).unwrap().len(), 4);
}

#[test]
fn no_rows_give_no_rows() {
    let network = network(&dense(), &filled(&dense(), 1.0)).unwrap();
    assert!(network.run(Vec::new()).unwrap().is_empty());
    let empty = network.batch(Vec::new()).unwrap();
    let output = network.forward(empty, Mode::Inference).unwrap();
    assert_eq!((output.rows(), output.shape()), (0, Shape::Vector([2])));
}

#[test]
fn numbers_past_the_last_whole_value_are_left_away() {
    let device = device::named("cpu").unwrap();
    for (numbers, rows) in [(0, 0), (2, 0), (3, 1), (5, 1), (6, 2)] {
        let value = Value::from_numbers(vec![0.0; numbers], Shape::Vector([3]), &device);
        assert_eq!(value.rows(), rows);
    }
}

#[test]
fn an_output_that_is_not_finite_is_an_error_that_names_node_and_row() {
    let network = network(&dense(), &filled(&dense(), 1e30)).unwrap();
    let error = network.run(vec![0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).unwrap_err();
    let EngineError::NotFinite { node, row, found } = error else {
        panic!("{error}");
    };
    assert_eq!((node.as_str(), row), ("output", 0));
    assert!(found.is_nan());
}

#[test]
fn weights_that_cannot_be_are_refused_when_the_network_is_made() {
    let mut graph = Graph::new(Shape::Map([2, 1, 1]));
    let norm = Op::BatchNorm {
        epsilon: 1e-3,
        scale: true,
    };
    graph.push("norm", norm).unwrap();
    let device = device::named("cpu").unwrap();
    let with = |name: &str, value: f32| {
        let mut weights = filled(&graph, 1.0);
        weights.insert(name, Tensor::new(name, vec![2], vec![1.0, value]).unwrap());
        let plain = Network::new(&graph, &weights, &device).err();
        let folded = Network::folded(&graph, &weights, &device).err();
        [plain.unwrap(), folded.unwrap()]
    };
    for error in with("norm.running_var", -1.0) {
        let EngineError::Weights(WeightsError::NegativeVariance { name, .. }) = error else {
            panic!("{error}");
        };
        assert_eq!(name, "norm.running_var");
    }
    for error in with("norm.bias", f32::INFINITY) {
        assert!(matches!(
            error,
            EngineError::Weights(WeightsError::NotFinite { .. })
        ));
    }
    let none = Network::new(&graph, &Weights::new(), &device)
        .err()
        .unwrap();
    assert!(matches!(
        none,
        EngineError::Weights(WeightsError::Mismatch(_))
    ));
}

#[test]
fn a_value_that_several_nodes_read_is_kept_for_the_last() {
    let mut graph = Graph::new(Shape::Vector([2]));
    let twice = Op::Rescale {
        scale: vec![2.0; 2],
        offset: vec![0.0; 2],
    };
    graph.push("twice", twice).unwrap();
    graph
        .push_after("four", Op::Add, &["twice", "twice"])
        .unwrap();
    // Nothing reads it.
    graph.push_after("aside", Op::Sigmoid, &["input"]).unwrap();
    graph
        .push_after("six", Op::Add, &["four", "twice"])
        .unwrap();
    graph
        .push_after("seven", Op::Add, &["six", "input"])
        .unwrap();
    let network = network(&graph, &Weights::new()).unwrap();
    assert_eq!(network.run(vec![1.0, -3.0]).unwrap(), [7.0, -21.0]);
}

#[test]
fn a_chain_of_a_hundred_thousand_nodes_runs() {
    let mut graph = Graph::new(Shape::Vector([2]));
    for i in 0..100_000 {
        graph.push(format!("n{i}"), Op::Relu).unwrap();
    }
    let network = network(&graph, &Weights::new()).unwrap();
    assert_eq!(network.run(vec![1.0, -3.0]).unwrap(), [1.0, 0.0]);
}

/// Operations with small settings, many of which cannot stand where they are put.
fn operation() -> impl Strategy<Value = Op> {
    let small = || 0usize..9;
    let sides = (small(), small(), small(), small());
    let padding = prop_oneof![
        Just(Padding::Same),
        sides.prop_map(|(top, bottom, left, right)| Padding::Explicit {
            top,
            bottom,
            left,
            right
        }),
    ];
    let pair = || [0usize..5, 0usize..5];
    let groups = prop_oneof![Just(1), 0usize..5];
    let numbers = (small(), pair(), pair(), groups, any::<bool>());
    let pool = (
        pair(),
        pair(),
        padding.clone(),
        any::<bool>(),
        any::<bool>(),
    );
    let pool = pool.prop_map(|(kernel, stride, padding, largest, count_padding)| {
        if largest {
            Op::MaxPool {
                kernel,
                stride,
                padding,
            }
        } else {
            Op::AveragePool {
                kernel,
                stride,
                padding,
                count_padding,
            }
        }
    });
    let convolution = (numbers, padding, [1usize..3, 1usize..3]).prop_map(
        |((filters, kernel, stride, groups, bias), padding, dilation)| Op::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
        },
    );
    let moving = prop_oneof![
        Just(Op::Flatten {
            order: Order::ChannelsFirst
        }),
        Just(Op::Flatten {
            order: Order::ChannelsLast
        }),
        Just(Op::GlobalAveragePool),
        Just(Op::GlobalMaxPool),
        Just(Op::ReverseChannels),
        Just(Op::Permute {
            axes: vec![1, 2, 0]
        }),
        Just(Op::Permute { axes: vec![1, 0] }),
        (0usize..4, 0usize..2, 1usize..5).prop_map(|(axis, start, end)| Op::Slice {
            axis,
            start,
            end
        }),
        prop::collection::vec(1usize..5, 1..5)
            .prop_filter_map("axes", |dims| Shape::of(&dims))
            .prop_map(|shape| Op::Reshape { shape }),
        (0usize..3, 0usize..3, 0usize..3, 0usize..3).prop_map(|(top, bottom, left, right)| {
            Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            }
        }),
    ];
    let activation = prop_oneof![
        Just(Op::Identity),
        Just(Op::Relu),
        Just(Op::Relu6),
        Just(Op::Clamp {
            low: -1.0,
            high: 0.5
        }),
        Just(Op::LeakyRelu { slope: 0.1 }),
        Just(Op::PRelu),
        Just(Op::Elu { alpha: 1.0 }),
        Just(Op::Sigmoid),
        Just(Op::HardSigmoid {
            slope: 0.2,
            offset: 0.5
        }),
        Just(Op::Silu),
        Just(Op::HardSwish),
        Just(Op::Gelu { approximate: false }),
        Just(Op::Gelu { approximate: true }),
        Just(Op::Tanh),
        Just(Op::Softplus),
        Just(Op::Softmax),
    ];
    let several = prop_oneof![
        Just(Op::Add),
        Just(Op::Multiply),
        (0usize..3).prop_map(|axis| Op::Concat { axis }),
        any::<bool>().prop_map(|transposed| Op::MatMul { transposed }),
    ];
    let normalisation = prop_oneof![
        Just(Op::Normalize),
        Just(Op::LayerScale),
        Just(Op::PositionEmbedding),
        Just(Op::ClassToken),
        Just(Op::LayerNorm { epsilon: 1e-3 }),
        (0usize..4).prop_map(|heads| Op::Attention { heads }),
        (0usize..5).prop_map(|size| Op::LocalResponseNorm {
            size,
            alpha: 1e-2,
            beta: 0.75,
            bias: 1.0
        }),
        (-1e-3..1.0, any::<bool>()).prop_map(|(epsilon, scale)| Op::BatchNorm { epsilon, scale }),
    ];
    prop_oneof![
        4 => convolution,
        2 => pool,
        4 => moving,
        3 => activation,
        3 => several,
        3 => normalisation,
        1 => (-0.1..1.1).prop_map(|rate| Op::Dropout { rate }),
        1 => small().prop_map(|units| Op::Dense { units }),
        1 => small().prop_map(|n| Op::Rescale { scale: vec![2.0; n], offset: vec![1.0; n] }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn whatever_graph_is_not_refused_can_be_run(
        size in (1usize..5, 1usize..12, 1usize..12),
        operations in prop::collection::vec((operation(), any::<prop::sample::Index>()), 1..12),
        rows in 1usize..3,
    ) {
        let mut graph = Graph::new(Shape::Map([size.0, size.1, size.2]));
        for (i, (op, other)) in operations.into_iter().enumerate() {
            let last = graph.output().to_owned();
            let nodes = graph.nodes();
            let other = nodes[other.index(nodes.len())].name.clone();
            let inputs = [last.as_str(), other.as_str()];
            let count = if op.arity().admits(2) { 2 } else { 1 };
            let _ = graph.push_after(format!("n{i}"), op, &inputs[..count]);
        }
        let weights = filled(&graph, 0.01);
        let device = device::named("cpu").unwrap();
        let numbers = vec![0.5; rows * graph.input_shape().len()];
        let plain = Network::new(&graph, &weights, &device).unwrap().run(numbers.clone()).unwrap();
        prop_assert_eq!(plain.len(), rows * graph.output_shape().len());
        let folded = Network::folded(&graph, &weights, &device).unwrap().run(numbers).unwrap();
        for (a, b) in plain.iter().zip(&folded) {
            prop_assert!((a - b).abs() <= 1e-4 * a.abs().max(1.0), "{} {}", a, b);
        }
    }
}
