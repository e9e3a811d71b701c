//! The losses against their definitions in double precision: values, and gradients against
//! finite differences, from logits of 0 to ±10⁴.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_engine::{Tensor, device};
use finial_learn::loss::{ClassWeights, LossOptions, mean_loss, weighted_loss};
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

/// What `options` make of the loss of these logits, whose labels are the training labels, too.
fn weighted(task: &Task, options: &LossOptions, logits: &[f32], targets: &Targets) -> f32 {
    let device = device::named("cpu").unwrap();
    let x = Tensor::<1>::from_floats(logits, &device).reshape([targets.rows(), task.units()]);
    let shape = options.of(task, targets).unwrap();
    let mean = weighted_loss(task, &shape, x, targets).unwrap();
    mean.into_scalar::<f32>()
}

fn options(weights: ClassWeights, focus: f64) -> LossOptions {
    LossOptions { weights, focus }
}

/// `−ln` of the softmax.
fn surprise(logits: [f64; 3], class: usize) -> f64 {
    let sum: f64 = logits.iter().map(|x| x.exp()).sum();
    sum.ln() - logits[class]
}

#[test]
fn class_weights_give_the_weighted_mean_of_pytorch() {
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let targets = Targets::new(1, vec![0.0, 0.0, 0.0, 1.0, 2.0, 2.0]);
    let row = [0.5, -1.0, 2.0];
    let logits = row.map(|x| x as f32).repeat(6);
    let of = |class| surprise(row, class);
    let given = ClassWeights::Given(vec![("b".into(), 4.0), ("c".into(), 0.5)]);
    let found = weighted(&task, &options(given, 0.0), &logits, &targets);
    // CrossEntropyLoss(weight): divided by the weights of the batch.
    let expected = (3.0 * of(0) + 4.0 * of(1) + 2.0 * 0.5 * of(2)) / (3.0 + 4.0 + 1.0);
    assert!(
        (f64::from(found) - expected).abs() < 1e-5,
        "{found} {expected}"
    );
    // All classes alike: 6 / (3 · 3), 6 / (3 · 1), 6 / (3 · 2).
    let found = weighted(&task, &options(ClassWeights::Auto, 0.0), &logits, &targets);
    let expected = (of(0) + of(1) + of(2)) / 3.0;
    assert!(
        (f64::from(found) - expected).abs() < 1e-5,
        "{found} {expected}"
    );
}

#[test]
fn a_label_that_holds_weighs_as_pytorch_s_pos_weight() {
    let task = Task::multi_label(["a"]).unwrap();
    let targets = Targets::new(1, vec![1.0, 0.0, 0.0, 0.0]);
    let found = weighted(
        &task,
        &options(ClassWeights::Auto, 0.0),
        &[0.3; 4],
        &targets,
    );
    let (yes, no) = ((-0.3_f64).exp().ln_1p(), 0.3_f64.exp().ln_1p());
    let expected = (3.0 * yes + 3.0 * no) / 4.0;
    assert!(
        (f64::from(found) - expected).abs() < 1e-6,
        "{found} {expected}"
    );
}

#[test]
fn the_focal_loss_turns_to_what_is_hard() {
    let task = Task::multi_label(["a", "b"]).unwrap();
    let targets = Targets::new(2, vec![1.0, 0.0]);
    let found = weighted(
        &task,
        &options(ClassWeights::Off, 2.0),
        &[2.0, 1.0],
        &targets,
    );
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let term = |p: f64| (1.0 - p).powi(2) * -p.ln();
    let expected = (term(sigmoid(2.0)) + term(1.0 - sigmoid(1.0))) / 2.0;
    assert!(
        (f64::from(found) - expected).abs() < 1e-6,
        "{found} {expected}"
    );
    // What is surely right costs nothing, and its slope stays finite.
    let sure = weighted(
        &task,
        &options(ClassWeights::Off, 0.5),
        &[1e4, -1e4],
        &targets,
    );
    assert_eq!(sure, 0.0);
}

#[test]
fn a_weight_for_a_name_that_is_not_there_is_refused() {
    let task = Task::multi_class(["a", "b", "c"]).unwrap();
    let given = options(ClassWeights::Given(vec![("d".into(), 2.0)]), 0.0);
    assert!(given.of(&task, &Targets::new(1, vec![0.0])).is_err());
    let number = Task::regression(["a"]).unwrap();
    let given = options(ClassWeights::Given(vec![("a".into(), 2.0)]), 0.0);
    assert!(given.of(&number, &Targets::new(1, vec![0.0])).is_err());
    assert!(options(ClassWeights::Off, -1.0).check().is_err());
}
