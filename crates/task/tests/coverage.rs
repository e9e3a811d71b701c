//! The promise of conformal answers, on made-up images dealt anew a hundred times.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_task::{Conformal, Targets, Task, TaskKind};
use rand::RngExt;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

const DEALS: usize = 100;
const KNOWN: usize = 150;
const ASKED: usize = 250;

/// Answers of a network that is sure of itself without reason, and what is true.
fn images(task: &Task, rng: &mut ChaCha8Rng) -> (Vec<f32>, Vec<f32>) {
    let units = task.units();
    let mut draw = || rng.random_range(0.0f32..1.0);
    let (mut outputs, mut targets) = (Vec::new(), Vec::new());
    for _ in 0..KNOWN + ASKED {
        let logits: Vec<f32> = (0..units).map(|_| 6.0 * (draw() - 0.5)).collect();
        match task.kind() {
            TaskKind::MultiClass => {
                let powers: Vec<f32> = logits.iter().map(|z| (2.0 * z).exp()).collect();
                let sum: f32 = powers.iter().sum();
                outputs.extend(powers.iter().map(|p| p / sum));
                let honest: Vec<f32> = logits.iter().map(|z| z.exp()).collect();
                let mut left = draw() * honest.iter().sum::<f32>();
                let class = honest.iter().position(|p| {
                    left -= p;
                    left <= 0.0
                });
                targets.push(class.unwrap_or(0) as f32);
            }
            TaskKind::Binary | TaskKind::MultiLabel => {
                for z in logits {
                    outputs.push(1.0 / (1.0 + (-2.0 * z).exp()));
                    targets.push(f32::from(u8::from(draw() < 1.0 / (1.0 + (-z).exp()))));
                }
            }
            TaskKind::Regression => {
                for z in logits {
                    outputs.push(z);
                    targets.push(z + draw() * draw() * 3.0 - 0.5);
                }
            }
        }
    }
    (outputs, targets)
}

#[test]
fn sets_and_intervals_hold_the_truth_as_often_as_was_asked_over_a_hundred_deals() {
    let tasks = [
        Task::multi_class(["a", "b", "c", "d"]).unwrap(),
        Task::binary("no", "yes").unwrap(),
        Task::multi_label(["a", "b", "c"]).unwrap(),
        Task::regression(["n"]).unwrap(),
    ];
    for (seed, task) in tasks.iter().enumerate() {
        for asked in [0.8, 0.9] {
            let mut rng = ChaCha8Rng::seed_from_u64(seed as u64);
            let (outputs, targets) = images(task, &mut rng);
            let (units, columns) = (task.units(), task.target_columns());
            let all = Targets::new(columns, targets);
            let mut order: Vec<usize> = (0..KNOWN + ASKED).collect();
            let mut mean = 0.0;
            for _ in 0..DEALS {
                order.shuffle(&mut rng);
                let rows = |rows: &[usize]| -> Vec<f32> {
                    let row = |&row: &usize| &outputs[row * units..][..units];
                    rows.iter().flat_map(row).copied().collect()
                };
                let (known, others) = order.split_at(KNOWN);
                let conformal = Conformal::fit(task, &rows(known), &all.select(known)).unwrap();
                let reach = conformal.reach(asked);
                let seen = task.coverage(&rows(others), &all.select(others), &reach);
                mean += seen.unwrap().seen / DEALS as f64;
            }
            // Of one deal by the choice of those known and of those asked; the deals share images.
            let spread = asked * (1.0 - asked);
            let error =
                (spread / KNOWN as f64 + spread / ASKED as f64).sqrt() / (DEALS as f64).sqrt();
            let least = asked - 3.0 * error;
            let most = asked + 1.0 / (KNOWN + 1) as f64 + 3.0 * error;
            assert!(
                (least..=most).contains(&mean),
                "{} {asked}: {mean}",
                task.kind()
            );
        }
    }
}
