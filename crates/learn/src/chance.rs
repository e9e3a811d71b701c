//! Chance by place: what is drawn at a step follows from the seed and from where the step stands,
//! not from what was drawn before. A run that goes on in the middle draws as one that never
//! stopped.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Draw {
    /// The order of the images in an epoch.
    Order,
    /// What dropout drops in a part of a step.
    Dropout,
    /// How an image is changed in an epoch.
    Augmentation,
    /// Which images of a step are mixed, and how much of each.
    Mixing,
}

/// The generator of one draw: `place` is an epoch and what is counted within it.
pub(crate) fn generator(seed: u64, draw: Draw, place: [u64; 2]) -> ChaCha8Rng {
    let draw = match draw {
        Draw::Order => 1u64,
        Draw::Dropout => 2,
        Draw::Augmentation => 3,
        Draw::Mixing => 4,
    };
    let mut key = [0; 32];
    let words = [seed, draw, place[0], place[1]];
    for (bytes, word) in key.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *bytes = word.to_le_bytes();
    }
    ChaCha8Rng::from_seed(key)
}

#[cfg(test)]
mod tests {
    use rand::RngExt;

    use super::*;

    #[test]
    fn each_place_has_numbers_of_its_own_and_always_the_same() {
        let draw = |seed, draw, place| generator(seed, draw, place).random::<u64>();
        let first = draw(1, Draw::Order, [1, 0]);
        assert_eq!(first, draw(1, Draw::Order, [1, 0]));
        for other in [
            draw(2, Draw::Order, [1, 0]),
            draw(1, Draw::Dropout, [1, 0]),
            draw(1, Draw::Order, [2, 0]),
            draw(1, Draw::Order, [1, 1]),
        ] {
            assert_ne!(first, other);
        }
    }
}
