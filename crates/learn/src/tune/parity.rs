//! A fine-tuning beside PyTorch's, step by step.

use std::collections::HashMap;

use finial_engine::{AdamWOptions, Precision, device};
use finial_graph::{Graph, Op, Padding, Shape, Tensor, Weights};
use finial_store::{FeatureMatrix, FeatureMatrixBuilder};
use finial_task::{Targets, Task};
use serde::Deserialize;

use super::joint::{HEAD, rates};
use crate::Quiet;
use crate::checkpoint::Keeper;
use crate::course::{Course, Lessons, Phase};
use crate::feed::Feed;
use crate::loss::LossShape;
use crate::schedule::Schedule;

/// What `tests/golden/make_fine_tuning.py` writes.
#[derive(Deserialize)]
struct Golden {
    settings: Settings,
    before: HashMap<String, Vec<f32>>,
    after: HashMap<String, Vec<f32>>,
    train: Examples,
    validation: Examples,
    /// The loss of each step, and that of the validation images after it.
    losses: Vec<[f64; 2]>,
}

#[derive(Deserialize)]
struct Settings {
    steps: usize,
    rate: f64,
    warmup: f64,
    weight_decay: f64,
    clip: f64,
}

#[derive(Deserialize)]
struct Examples {
    images: Vec<f32>,
    classes: Vec<f32>,
}

impl Examples {
    fn matrix(&self) -> FeatureMatrix {
        let mut matrix = FeatureMatrixBuilder::new(3 * 5 * 5, 1 << 20).unwrap();
        matrix.push_rows(&self.images).unwrap();
        matrix.finish().unwrap()
    }
}

/// The network of the script.
fn network() -> Graph {
    let wide = 6;
    let convolution = |groups| Op::Conv2d {
        filters: wide,
        kernel: [3; 2],
        stride: [1; 2],
        padding: Padding::Same,
        dilation: [1; 2],
        groups,
        bias: false,
    };
    let norm = Op::BatchNorm {
        epsilon: 1e-3,
        scale: true,
    };
    let mut graph = Graph::new(Shape::Map([3, 5, 5]));
    graph.push("stem", convolution(1)).unwrap();
    graph.push("stem_norm", norm.clone()).unwrap();
    graph.push("stem_relu", Op::Relu6).unwrap();
    for (block, groups) in [("block1", 1), ("block2", wide)] {
        let from = graph.output().to_owned();
        let conv = format!("{block}_conv");
        graph.push(conv, convolution(groups)).unwrap();
        graph.push(format!("{block}_norm"), norm.clone()).unwrap();
        graph.push(format!("{block}_relu"), Op::Relu).unwrap();
        let last = graph.output().to_owned();
        let add = format!("{block}_add");
        graph.push_after(add, Op::Add, &[&last, &from]).unwrap();
    }
    graph.push("pool", Op::GlobalAveragePool).unwrap();
    graph
}

fn with_head(mut graph: Graph) -> Graph {
    graph.push("hidden", Op::Dense { units: 5 }).unwrap();
    graph.push("hidden_relu", Op::Relu).unwrap();
    graph.push("logits", Op::Dense { units: 3 }).unwrap();
    graph
}

#[test]
fn fine_tuning_goes_the_way_of_pytorch() {
    let golden = include_str!("../../tests/golden/fine_tuning.json");
    let golden: Golden = serde_json::from_str(golden).unwrap();
    let settings = &golden.settings;
    let rates = rates(&network(), settings.rate);
    let graph = with_head(network());
    let mut initial = Weights::new();
    for parameter in graph.parameters() {
        let values = golden.before[&parameter.name].clone();
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        initial.insert(parameter.name, tensor);
    }
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let (train, validation) = (golden.train.matrix(), golden.validation.matrix());
    let rows: Vec<usize> = (0..train.rows()).collect();
    let targets = |examples: &Examples| Targets::new(1, examples.classes.clone());
    let (train_targets, validation_targets) = (targets(&golden.train), targets(&golden.validation));
    let loss = LossShape::default();
    let lessons = |matrix, rows, targets| Lessons {
        feed: Feed::Stored(matrix),
        rows,
        targets,
        loss: &loss,
    };
    let fit = Course {
        phase: Phase::FineTuning,
        task: &task,
        graph: &graph,
        train: lessons(&train, &rows, &train_targets),
        validation: lessons(&validation, &rows[..validation.rows()], &validation_targets),
        seed: 0,
        // All images are one step, so that their order does not matter.
        epochs: settings.steps,
        patience: settings.steps,
        batch: rows.len(),
        part: 5,
        optimiser: AdamWOptions {
            weight_decay: settings.weight_decay,
            clip: Some(settings.clip),
            ..AdamWOptions::default()
        },
        rate: &|name| rates.get(name).copied().unwrap_or(HEAD * settings.rate),
        schedule: Schedule::WarmupCosine {
            warmup: settings.warmup,
        },
        mixup: None,
        counts_start: true,
        calibrates: false,
        device: &device::named("cpu").unwrap(),
        precision: Precision::F32,
    }
    .run(&initial, &mut Keeper::none(), &Quiet)
    .unwrap();

    assert_eq!(fit.curve.len(), golden.losses.len());
    for (step, (ours, theirs)) in fit.curve.iter().zip(&golden.losses).enumerate() {
        let apart = [
            ours.train_loss - theirs[0],
            ours.validation_loss - theirs[1],
        ];
        assert!(
            apart.iter().all(|apart| apart.abs() < 1e-5),
            "step {step}: {ours:?}, {theirs:?}"
        );
    }
    for (name, tensor) in fit.weights.iter() {
        let (before, theirs) = (&golden.before[name], &golden.after[name]);
        let ours = tensor.values().iter();
        let apart = ours.zip(theirs).map(|(a, b)| (a - b).abs());
        let most = apart.fold(0f32, f32::max);
        assert!(most < 1e-4, "{name}: {most}");
        let running = name.contains(".running_");
        assert_eq!(before == theirs, running, "{name}");
        if running {
            assert_eq!(tensor.values(), before.as_slice(), "{name}");
        }
    }
}
