//! Mixup: steps on images that are each a mixture of two.
//!
//! Zhang, Cisse, Dauphin and Lopez-Paz, "mixup: beyond empirical risk minimization", 2018. The
//! loss of a mixture is the mixture of the losses, so it is right for every task.

use finial_task::Targets;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How strongly images are mixed: the shares follow a beta distribution with this number twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mixup {
    /// Above 0 and at most 1; 0.2 mixes lightly, 1 evenly.
    pub alpha: f64,
}

/// What the images of a step were mixed with.
pub(crate) struct Mixed {
    /// The share of the image itself.
    pub share: f32,
    /// The targets of its partner.
    pub targets: Targets,
}

impl Mixup {
    /// Mixes the rows of `numbers` among each other.
    pub(crate) fn mix(&self, numbers: &mut [f32], y: &Targets, rng: &mut impl Rng) -> Mixed {
        let share = self.draw(rng) as f32;
        let mut partners: Vec<usize> = (0..y.rows()).collect();
        partners.shuffle(rng);
        let width = (numbers.len() / y.rows().max(1)).max(1);
        let before = numbers.to_vec();
        for (row, partner) in numbers.chunks_exact_mut(width).zip(&partners) {
            let other = before.get(partner * width..(partner + 1) * width);
            for (value, other) in row.iter_mut().zip(other.unwrap_or_default()) {
                *value = *value * share + other * (1.0 - share);
            }
        }
        Mixed {
            share,
            targets: y.select(&partners),
        }
    }

    /// A share from the beta distribution, by Jöhnk's method, at least a half: which of two
    /// images is called the first does not matter.
    fn draw(&self, rng: &mut impl Rng) -> f64 {
        const TRIES: usize = 64;
        for _ in 0..TRIES {
            let mut power = || rng.random::<f64>().powf(1.0 / self.alpha);
            let (first, second) = (power(), power());
            let sum = first + second;
            if sum > 0.0 && sum <= 1.0 {
                return (first / sum).max(second / sum);
            }
        }
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{Draw, generator};

    #[test]
    fn a_mixture_lies_between_two_images_and_so_do_its_targets() {
        let mut rng = generator(1, Draw::Mixing, [1, 1]);
        let y = Targets::new(1, vec![0.0, 1.0, 2.0]);
        let mut numbers = vec![0.0, 0.0, 1.0, 10.0, 2.0, 20.0];
        let mixed = Mixup { alpha: 0.5 }.mix(&mut numbers, &y, &mut rng);
        assert!((0.5..=1.0).contains(&mixed.share));
        for (row, own) in numbers.chunks_exact(2).zip(0..) {
            let partner = mixed.targets.row(own).unwrap()[0];
            let expected = own as f32 * mixed.share + partner * (1.0 - mixed.share);
            assert!((row[0] - expected).abs() < 1e-6);
            assert!((row[1] - 10.0 * expected).abs() < 1e-5);
        }
    }

    #[test]
    fn shares_follow_the_beta_distribution() {
        let mut rng = generator(2, Draw::Mixing, [1, 1]);
        let mixup = Mixup { alpha: 0.4 };
        let draws = 20_000;
        let mean = |of: &dyn Fn(f64) -> f64, rng: &mut _| {
            (0..draws).map(|_| of(mixup.draw(rng))).sum::<f64>() / f64::from(draws)
        };
        // Var of Beta(a, a) is 1 / (4 (2a + 1)); of the larger share, about a half.
        let variance = mean(&|share| (share - 0.5).powi(2), &mut rng);
        assert!((variance - 1.0 / (4.0 * 1.8)).abs() < 3e-3, "{variance}");
    }
}
