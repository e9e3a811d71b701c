//! Precision, recall and F1 from counts, shared by every kind of classification.
//!
//! A ratio without a denominator is 0, scikit-learn's `zero_division=0`.

use crate::Task;

/// Whether a probability is a yes; the task decides from where.
pub(super) fn is_positive(probability: f32) -> bool {
    probability >= Task::THRESHOLD
}

/// Right and wrong decisions about one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) true_positives: u64,
    pub(super) false_positives: u64,
    pub(super) false_negatives: u64,
}

impl Counts {
    /// Adds one decision.
    pub(super) fn add(&mut self, predicted: bool, actual: bool) {
        match (predicted, actual) {
            (true, true) => self.true_positives += 1,
            (true, false) => self.false_positives += 1,
            (false, true) => self.false_negatives += 1,
            (false, false) => {}
        }
    }

    /// Adds the decisions about another class (micro averaging).
    pub(super) fn merge(&mut self, other: Self) {
        self.true_positives += other.true_positives;
        self.false_positives += other.false_positives;
        self.false_negatives += other.false_negatives;
    }

    /// `TP / (TP + FP)`, 0 where nothing was predicted.
    pub(super) fn precision(self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// `TP / (TP + FN)`, 0 where nothing was there to find.
    pub(super) fn recall(self) -> f64 {
        ratio(self.true_positives, self.support())
    }

    /// `2 TP / (2 TP + FP + FN)`, 0 where the class neither occurs nor is predicted.
    pub(super) fn f1(self) -> f64 {
        let twice = 2 * self.true_positives;
        ratio(twice, twice + self.false_positives + self.false_negatives)
    }

    /// `TP + FN`: rows that truly are of the class.
    pub(super) fn support(self) -> u64 {
        self.true_positives + self.false_negatives
    }
}

/// `part / whole`, 0 where `whole` is 0.
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

/// The mean of a non-empty series; 0 for an empty one, which the input checks rule out.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0u64), |(sum, count), value| (sum + value, count + 1));
    if count == 0 { 0.0 } else { sum / count as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_give_the_textbook_ratios() {
        let counts = Counts {
            true_positives: 6,
            false_positives: 2,
            false_negatives: 4,
        };
        assert_eq!(counts.precision(), 0.75);
        assert_eq!(counts.recall(), 0.6);
        assert_eq!(counts.f1(), 12.0 / 18.0);
        assert_eq!(counts.support(), 10);
    }

    #[test]
    fn ratios_without_a_denominator_are_zero() {
        let none = Counts::default();
        assert_eq!(
            (none.precision(), none.recall(), none.f1()),
            (0.0, 0.0, 0.0)
        );
        assert_eq!(mean(std::iter::empty()), 0.0);
    }

    #[test]
    fn every_decision_lands_in_its_own_count() {
        let mut counts = Counts::default();
        for (predicted, actual) in [(true, true), (true, false), (false, true), (false, false)] {
            counts.add(predicted, actual);
        }
        let mut twice = counts;
        twice.merge(counts);
        assert_eq!(
            twice,
            Counts {
                true_positives: 2,
                false_positives: 2,
                false_negatives: 2
            }
        );
    }
}
