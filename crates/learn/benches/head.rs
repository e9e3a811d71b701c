//! Training a head on features that are there: 1,000 photos until it stops, and 50,000 rows for
//! 20 epochs, both of 1,280 features with a hidden layer of 128. Prints seconds; all cores.
//!
//! `cargo bench -p finial-learn --bench head`, with `-- 1000` or `-- 50000` for one of them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench may fail")]

use std::time::Instant;

use finial_engine::device;
use finial_learn::fit::{Examples, FitOptions, fit};
use finial_learn::head::Scale;
use finial_learn::loss::LossShape;
use finial_learn::{Head, HeadOptions, Quiet};
use finial_store::{DEFAULT_MEMORY_BUDGET_BYTES, FeatureMatrix, FeatureMatrixBuilder};
use finial_task::{Targets, Task};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const FEATURES: usize = 1280;
const CLASSES: usize = 10;

fn main() {
    let wanted: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    for (rows, epochs) in [(1_000, 100), (50_000, 20)] {
        if !wanted.is_empty() && !wanted.contains(&rows) {
            continue;
        }
        let (matrix, classes) = features(rows + rows / 5);
        let mut seconds: Vec<f64> = (0..3)
            .map(|_| train(&matrix, &classes, rows, epochs))
            .collect();
        seconds.sort_unstable_by(f64::total_cmp);
        println!("{rows} rows, up to {epochs} epochs: {:.2} s", seconds[1]);
    }
}

/// Rows as of a pooled network, half of them zeros, around a centre for each class.
fn features(rows: usize) -> (FeatureMatrix, Vec<f32>) {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let centres: Vec<f32> = (0..CLASSES * FEATURES)
        .map(|_| rng.random_range(-1.0..1.0))
        .collect();
    let mut builder = FeatureMatrixBuilder::new(FEATURES, DEFAULT_MEMORY_BUDGET_BYTES).unwrap();
    let mut classes = Vec::new();
    for row in 0..rows {
        let class = row % CLASSES;
        let centre = &centres[class * FEATURES..][..FEATURES];
        let values = centre
            .iter()
            .map(|&c| (0.2 * c + rng.random_range(-2.0..2.0_f32)).max(0.0));
        builder.push_rows(&values.collect::<Vec<f32>>()).unwrap();
        classes.push(class as f32);
    }
    (builder.finish().unwrap(), classes)
}

fn train(matrix: &FeatureMatrix, classes: &[f32], rows: usize, epochs: usize) -> f64 {
    let names: Vec<String> = (0..CLASSES).map(|class| format!("class {class}")).collect();
    let task = Task::multi_class(names).unwrap();
    let targets = Targets::new(1, classes.to_vec());
    let all: Vec<usize> = (0..classes.len()).collect();
    let (train, validation) = all.split_at(rows);
    let scale = Scale::of(&task, &targets);
    let head = Head::new(FEATURES, &task, &HeadOptions::default(), &scale).unwrap();
    let options = FitOptions {
        epochs,
        // The large run is timed over all its epochs.
        patience: if rows > 10_000 {
            epochs
        } else {
            FitOptions::default().patience
        },
        ..FitOptions::default()
    };
    let examples = |rows: &[usize]| targets.select(rows);
    let [train_targets, validation_targets] = [train, validation].map(examples);
    let initial = head.initial_weights(&train_targets, 0).unwrap();
    let even = LossShape::default();
    let started = Instant::now();
    let fitted = fit(
        &head,
        &initial,
        &Examples {
            features: matrix,
            loss: &even,
            rows: train,
            targets: &train_targets,
        },
        &Examples {
            features: matrix,
            loss: &even,
            rows: validation,
            targets: &validation_targets,
        },
        &options,
        &device::named("cpu").unwrap(),
        &Quiet,
    );
    let fitted = fitted.unwrap();
    let seconds = started.elapsed().as_secs_f64();
    let loss = fitted.curve[fitted.best_epoch - 1].validation_loss;
    println!(
        "  {seconds:.2} s, {} epochs, batch {}, loss {loss:.5}",
        fitted.curve.len(),
        fitted.batch
    );
    seconds
}
