//! AdamW beside PyTorch's, and its state across a restart.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_engine::{
    AdamW, AdamWOptions, EngineError, Gradients, Mode, Network, Precision, Tensor, Value, device,
};
use finial_graph::{Graph, Op, Shape, Tensor as Stored, Weights};

/// One dense layer with a weight of `[2, 3]`.
fn dense(weight: &[f32], bias: &[f32]) -> (Graph, Weights) {
    let mut graph = Graph::new(Shape::Vector([3]));
    graph.push("dense", Op::Dense { units: 2 }).unwrap();
    let mut weights = Weights::new();
    let mut insert = |name: &str, shape: Vec<usize>, values: &[f32]| {
        let tensor = Stored::new(name, shape, values.to_vec()).unwrap();
        weights.insert(name, tensor);
    };
    insert("dense.weight", vec![2, 3], weight);
    insert("dense.bias", vec![2], bias);
    (graph, weights)
}

fn network(graph: &Graph, weights: &Weights) -> Network {
    Network::new(graph, weights, &device::named("cpu").unwrap()).unwrap()
}

/// Gradients that are these numbers: of a loss that is linear in the layer's answers to the three
/// unit vectors, which give the weight's columns, and to zero, which gives the rest of the bias's.
fn gradients(network: &Network, weight: &[f32], bias: &[f32]) -> Gradients {
    let mut recorded = network.clone().trainable(Precision::F32);
    let inputs = [1., 0., 0., 0., 1., 0., 0., 0., 1., 0., 0., 0.];
    let batch = recorded.batch(inputs.to_vec()).unwrap();
    let Value::Vectors(answers) = recorded.forward(batch, Mode::Inference).unwrap() else {
        panic!("a dense layer gives vectors");
    };
    let column = |at: usize| [weight[at], weight[3 + at]];
    let rest = |unit: usize| bias[unit] - (0..3).map(|at| column(at)[unit]).sum::<f32>();
    let slopes = [column(0), column(1), column(2), [rest(0), rest(1)]];
    let slopes = Tensor::<2>::from_floats(slopes, &device::named("cpu").unwrap());
    Gradients::of(&mut recorded, &(answers * slopes).sum()).unwrap()
}

#[derive(serde::Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

/// What `torch.optim.AdamW` made of it, by `tests/golden/make_adamw.py`.
#[derive(serde::Deserialize)]
struct Case {
    name: String,
    beta1: f64,
    beta2: f64,
    epsilon: f64,
    weight_decay: f64,
    clip: Option<f64>,
    /// Of the weight and of the bias.
    rates: [f64; 2],
    start: [Vec<f32>; 2],
    gradients: Vec<[Vec<f32>; 2]>,
    norms: Vec<f64>,
    after: Vec<[Vec<f32>; 2]>,
}

#[test]
fn steps_are_those_of_pytorch() {
    let golden = include_str!("golden/adamw.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    assert!(golden.cases.len() >= 4);
    for case in golden.cases {
        let options = AdamWOptions {
            beta1: case.beta1,
            beta2: case.beta2,
            epsilon: case.epsilon,
            weight_decay: case.weight_decay,
            clip: case.clip,
        };
        let (graph, weights) = dense(&case.start[0], &case.start[1]);
        let mut network = network(&graph, &weights);
        let mut adam = AdamW::new(&graph, options);
        let rate = |name: &str| case.rates[usize::from(name.ends_with("bias"))];
        for ((given, norm), after) in case.gradients.iter().zip(&case.norms).zip(&case.after) {
            let given = gradients(&network, &given[0], &given[1]);
            let found = adam.step(&mut network, given, &rate).unwrap();
            assert!(
                (found - norm).abs() <= 1e-6 * norm,
                "{}: {found} {norm}",
                case.name
            );
            let moved = network.weights().unwrap();
            for (name, expected) in [("dense.weight", &after[0]), ("dense.bias", &after[1])] {
                let moved = moved.get(name).unwrap().values();
                for (found, expected) in moved.iter().zip(expected) {
                    let apart = (found - expected).abs();
                    assert!(
                        apart <= 1e-6 * expected.abs().max(1.0),
                        "{}: {name}",
                        case.name
                    );
                }
            }
        }
    }
}

#[test]
fn a_state_that_was_saved_goes_on_with_the_same_bits() {
    let (graph, start) = dense(&[0.5, -0.2, 0.1, 0.9, -1.0, 0.3], &[0.1, -0.4]);
    let options = AdamWOptions {
        weight_decay: 0.1,
        clip: Some(0.5),
        ..AdamWOptions::default()
    };
    let step = |network: &mut Network, adam: &mut AdamW| {
        let now = network.weights().unwrap();
        let of = |name| now.get(name).unwrap().values().to_vec();
        let gradients = gradients(network, &of("dense.weight"), &of("dense.bias"));
        adam.step(network, gradients, &|_| 1e-2).unwrap();
    };
    let mut one = network(&graph, &start);
    let mut adam = AdamW::new(&graph, options);
    for _ in 0..3 {
        step(&mut one, &mut adam);
    }
    let mut two = network(&graph, &one.weights().unwrap());
    let state = adam.state().unwrap();
    assert_eq!(state.steps, 3);
    let mut resumed = AdamW::resumed(&two, options, state).unwrap();
    for _ in 0..3 {
        step(&mut one, &mut adam);
        step(&mut two, &mut resumed);
    }
    assert_eq!(one.weights().unwrap(), two.weights().unwrap());
    assert_eq!(adam.state().unwrap(), resumed.state().unwrap());
}

#[test]
fn a_gradient_that_is_no_number_moves_nothing() {
    let (graph, weights) = dense(&[1.0; 6], &[1.0; 2]);
    let mut network = network(&graph, &weights);
    let mut adam = AdamW::new(&graph, AdamWOptions::default());
    let wrong = gradients(&network, &[0.0, 1.0, f32::NAN, 0.0, 0.0, 0.0], &[0.0; 2]);
    let error = adam.step(&mut network, wrong, &|_| 1.0).unwrap_err();
    assert!(
        matches!(error, EngineError::GradientNotFinite { .. }),
        "{error}"
    );
    assert_eq!(network.weights().unwrap(), weights);
    assert_eq!(adam.steps(), 0);
}
