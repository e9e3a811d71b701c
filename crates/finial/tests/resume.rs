//! A training that is killed and goes on ends with the same bits as one that was never stopped.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use finial::graph::{Graph, Op, Padding, Shape, Tensor, Weights};
use support::{BLUE, GREEN, RED, Scratch, read};

const SETTINGS: [&str; 15] = [
    "--epochs",
    "6",
    "--batch",
    "8",
    "--fine-tune",
    "last-block",
    "--tune-epochs",
    "3",
    "--tune-batch",
    "4",
    "--tune-rate",
    "0.001",
    "--checkpoint-every",
    "0",
    "--resume",
];

fn command<'a>(model: &'a str, backbone: &[&'a str]) -> Vec<&'a str> {
    let named = ["train", "photos", "--out", model];
    [&named[..], &SETTINGS, backbone].concat()
}

/// A residual network in a file of Keras: a step of it takes milliseconds.
fn small_network(path: &Path) {
    let convolution = Op::Conv2d {
        filters: 8,
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let inner = Op::Conv2d {
        filters: 8,
        kernel: [3, 3],
        stride: [1, 1],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    let mut graph = Graph::new(Shape::Map([3, 32, 32]));
    let scale = Op::Rescale {
        scale: vec![1.0 / 255.0; 3],
        offset: vec![0.0; 3],
    };
    graph.push("rescaling", scale).unwrap();
    graph.push("stem", convolution).unwrap();
    graph.push("conv", inner).unwrap();
    graph.push("relu", Op::Relu).unwrap();
    graph.push_after("add", Op::Add, &["relu", "stem"]).unwrap();
    graph.push("pooling", Op::GlobalAveragePool).unwrap();
    graph.push("classes", Op::Dense { units: 2 }).unwrap();
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let count: usize = parameter.shape.iter().product();
        let value = |i: usize| ((i * 7919) % 1000) as f32 / 2000.0 - 0.25;
        let values = (0..count).map(value).collect();
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        weights.insert(parameter.name, tensor);
    }
    let options = finial::formats::keras::ExportOptions::default();
    finial::formats::keras::export(&graph, &weights, &options, path).unwrap();
}

/// The bits of a model and of its scores.
fn bits(scratch: &Scratch, model: &str) -> [Vec<u8>; 2] {
    ["model.safetensors", "metrics.json"].map(|file| read(&scratch.path(model).join(file)))
}

/// Waits until a run has kept something, or has ended.
fn until_checkpoint(child: &mut Child, checkpoint: &Path) {
    while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Kills `runs` trainings up to three times each, at moments that differ, and lets them end; gives
/// how many of them went on from a checkpoint.
///
/// One kill in four falls anywhere in the run, the start included; the others fall once there is
/// something to go on from.
fn kill_and_resume(runs: u32, backbone: &[&str]) -> u32 {
    let scratch = Scratch::new();
    small_network(&scratch.path("small.keras"));
    scratch.class_folders(
        "photos",
        &[("blue", BLUE), ("green", GREEN), ("red", RED)],
        12,
    );
    // Once for the feature store, as each run would otherwise be mostly that.
    assert_eq!(scratch.run(&command("first", backbone)).status, 0);
    let started = Instant::now();
    let ran = scratch.run(&command("whole", backbone));
    assert_eq!(ran.status, 0, "{ran:?}");
    let whole = started.elapsed();
    let expected = bits(&scratch, "whole");
    assert!(expected == bits(&scratch, "first"));

    let (mut killed, mut resumed) = (0, 0);
    // Multiples of the golden ratio fall evenly between 0 and 1.
    let mut moments = (1..).map(|n: u32| (f64::from(n) * 0.618_033_988_749_895).fract());
    for run in 0..runs {
        let model = format!("model{run}");
        let checkpoint = scratch.path(&format!("{model}.checkpoint"));
        // Whoever finds a checkpoint goes on from it, or is killed and leaves it to the next.
        let mut found = false;
        for attempt in 0..1 + run % 3 {
            found |= checkpoint.exists();
            let mut child = scratch
                .command(&command(&model, backbone))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap();
            let mut left = whole;
            if (run + attempt) % 4 != 0 {
                let begun = Instant::now();
                until_checkpoint(&mut child, &checkpoint);
                left = whole.saturating_sub(begun.elapsed());
            }
            let moment = left.mul_f64(moments.next().unwrap());
            std::thread::sleep(moment.max(Duration::from_millis(1)));
            // It may have ended before.
            let _ = child.kill();
            killed += u32::from(!child.wait().unwrap().success());
        }
        if !scratch.path(&model).exists() {
            let ran = scratch.run(&command(&model, backbone));
            assert_eq!(ran.status, 0, "{ran:?}");
            found |= ran.stderr.contains("going on with");
        }
        resumed += u32::from(found);
        assert!(bits(&scratch, &model) == expected, "run {run}");
        assert!(!checkpoint.exists());
    }
    println!("{runs} runs, killed {killed} times, {resumed} went on from a checkpoint");
    assert!(killed > 0);
    resumed
}

#[test]
fn killed_runs_end_with_the_same_bits() {
    assert!(kill_and_resume(4, &["--backbone", "small.keras"]) > 0);
}

/// `cargo test --workspace --test resume -- --ignored --nocapture`
#[test]
#[ignore = "takes minutes"]
fn fifty_killed_runs_end_with_the_same_bits() {
    assert!(kill_and_resume(50, &["--image-size", "64"]) >= 30);
}
