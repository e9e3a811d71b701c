//! The losses against their definitions in double precision: values, and gradients against
//! finite differences, from logits of 0 to ±10⁴.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_engine::{Tensor, device};
use finial_learn::loss::mean_loss;
use finial_task::{Loss, Targets, Task};

/// The definition, in double precision, of the mean loss of a batch.
fn definition(loss: Loss, logits: &[Vec<f64>], targets: &Targets) -> f64 {
    let rows = logits.iter().zip(targets.iter());
    let losses: Vec<f64> = match loss {
        Loss::CategoricalCrossEntropy => rows
            .map(|(x, y)| {
                let most = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = x.iter().map(|v| (v - most).exp()).sum();
                most + sum.ln() - x[y[0] as usize]
            })
            .collect(),
        Loss::BinaryCrossEntropy => rows
            .flat_map(|(x, y)| {
                x.iter()
                    .zip(y)
                    .map(|(x, y)| x.max(0.0) - x * f64::from(*y) + (-x.abs()).exp().ln_1p())
            })
            .collect(),
        Loss::MeanSquaredError => rows
            .flat_map(|(x, y)| x.iter().zip(y).map(|(x, y)| (x - f64::from(*y)).powi(2)))
            .collect(),
    };
    losses.iter().sum::<f64>() / losses.len() as f64
}

/// A task with that loss and that many units.
fn task(loss: Loss, units: usize) -> Task {
    let names = (0..units).map(|i| i.to_string());
    match loss {
        Loss::CategoricalCrossEntropy => Task::multi_class(names).unwrap(),
        Loss::BinaryCrossEntropy => Task::multi_label(names).unwrap(),
        Loss::MeanSquaredError => Task::regression(names).unwrap(),
    }
}

/// Value and gradient that training sees.
fn measured(loss: Loss, logits: &[Vec<f64>], targets: &Targets) -> (f32, Vec<f32>) {
    let columns = logits[0].len();
    let numbers: Vec<f32> = logits.iter().flatten().map(|&v| v as f32).collect();
    let device = device::named("cpu").unwrap();
    let x = Tensor::<1>::from_floats(numbers.as_slice(), &device)
        .reshape([logits.len(), columns])
        .autodiff()
        .require_grad();
    let mean = mean_loss(&task(loss, columns), x.clone(), targets).unwrap();
    let gradients = mean.backward();
    let gradient = x.grad(&gradients).unwrap();
    (
        mean.into_scalar::<f32>(),
        gradient.try_into_vec_as::<f32>().unwrap(),
    )
}

fn check(loss: Loss, logits: &[Vec<f64>], targets: &Targets) {
    let (value, gradient) = measured(loss, logits, targets);
    let expected = definition(loss, logits, targets);
    let close = |a: f64, b: f64| (a - b).abs() <= 1e-5 * b.abs().max(1.0);
    assert!(
        close(f64::from(value), expected),
        "{loss}: {value} {expected}"
    );
    let columns = logits[0].len();
    for (i, &gradient) in gradient.iter().enumerate() {
        let (row, column) = (i / columns, i % columns);
        let moved = |step: f64| {
            let mut moved = logits.to_vec();
            moved[row][column] += step;
            definition(loss, &moved, targets)
        };
        let step = 1e-3;
        let slope = (moved(step) - moved(-step)) / (2.0 * step);
        // Central differences of a loss of 10⁴ in double precision are good to about 1e-8.
        let tolerance = 1e-4 * slope.abs().max(1.0);
        assert!(
            (f64::from(gradient) - slope).abs() < tolerance,
            "{loss} at {:?}: gradient {gradient}, slope {slope}",
            logits[row]
        );
    }
}

#[test]
fn categorical_cross_entropy_agrees_with_its_definition() {
    let logits = vec![
        vec![0.0, 0.0, 0.0],
        vec![1.5, -2.0, 0.25],
        vec![20.0, -20.0, 0.0],
        vec![1e4, 0.0, -1e4],
        vec![-1e4, 1e4, 0.0],
    ];
    for class in 0..3 {
        let targets = Targets::new(1, vec![class as f32; 5]);
        check(Loss::CategoricalCrossEntropy, &logits, &targets);
    }
}

#[test]
fn binary_cross_entropy_agrees_with_its_definition() {
    let logits = vec![
        vec![0.0, 0.0],
        vec![1.5, -2.0],
        vec![20.0, -20.0],
        vec![1e4, -1e4],
        vec![-1e4, 1e4],
        vec![90.0, -90.0],
    ];
    for target in [0.0, 1.0] {
        let targets = Targets::new(2, vec![target; 12]);
        check(Loss::BinaryCrossEntropy, &logits, &targets);
    }
}

#[test]
fn mean_squared_error_agrees_with_its_definition() {
    let logits = vec![vec![0.0, 1.0], vec![-3.5, 100.0]];
    let targets = Targets::new(2, vec![0.5, 1.0, 2.0, -4.0]);
    check(Loss::MeanSquaredError, &logits, &targets);
    let (value, gradient) = measured(
        Loss::MeanSquaredError,
        &[vec![1e4], vec![-1e4]],
        &Targets::new(1, vec![0.0, 0.0]),
    );
    assert_eq!(value, 1e8);
    assert_eq!(gradient, [1e4, -1e4]);
}

#[test]
fn logits_of_ten_thousand_leave_loss_and_gradient_finite() {
    for loss in [Loss::CategoricalCrossEntropy, Loss::BinaryCrossEntropy] {
        for right in [0.0, 1.0] {
            let columns = match loss {
                Loss::CategoricalCrossEntropy => 1,
                _ => 2,
            };
            let targets = Targets::new(columns, vec![right; columns]);
            let logits = match loss {
                Loss::CategoricalCrossEntropy => vec![1e4, -1e4, 0.0],
                _ => vec![1e4, -1e4],
            };
            let (value, gradient) = measured(loss, &[logits], &targets);
            assert!(value.is_finite());
            assert!(
                gradient.iter().all(|g| g.is_finite()),
                "{loss}: {gradient:?}"
            );
        }
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let device = device::named("cpu").unwrap();
    let logits = |rows: usize, columns: usize| Tensor::<2>::zeros([rows, columns], &device);
    let classes = task(Loss::CategoricalCrossEntropy, 3);
    let refused = |task: &Task, logits: Tensor<2>, targets: Targets| {
        mean_loss(task, logits, &targets).is_err()
    };
    let of = |columns: usize, values: &[f32]| Targets::new(columns, values.to_vec());
    assert!(!refused(&classes, logits(2, 3), of(1, &[0.0, 2.0])));
    assert!(refused(&classes, logits(0, 3), of(1, &[])));
    assert!(refused(&classes, logits(2, 3), of(1, &[0.0])));
    assert!(refused(&classes, logits(1, 4), of(1, &[0.0])));
    assert!(refused(&classes, logits(1, 3), of(1, &[3.0])));
    assert!(refused(&classes, logits(1, 3), of(1, &[-1.0])));
    assert!(refused(&classes, logits(1, 3), of(1, &[f32::NAN])));
    let labels = task(Loss::BinaryCrossEntropy, 2);
    assert!(refused(&labels, logits(1, 2), of(2, &[0.0, 0.5])));
    assert!(refused(&labels, logits(1, 2), of(1, &[0.0])));
    let number = task(Loss::MeanSquaredError, 1);
    assert!(refused(&number, logits(1, 1), of(1, &[f32::INFINITY])));
}
