//! How many samples of each stratum go to train, validation and test.

use super::largest_by;

const TRAIN: usize = 0;
const VALIDATION: usize = 1;
const TEST: usize = 2;

/// Counts for `[train, validation, test]` of each stratum, given its size; each row adds up to
/// the size.
///
/// A count is the exact share rounded up or down. What rounding takes from a split in one stratum
/// it gets back in a later one, so that the sums come out as well. Small strata bend this rule:
/// two samples or more are in train and in test, and where validation falls behind, train gives.
pub(super) fn allot(sizes: &[usize], fractions: [f64; 3]) -> Vec<[usize; 3]> {
    let mut owed = [0.0; 3];
    let row = |&size: &usize| row(size, fractions, &mut owed);
    let mut rows: Vec<[usize; 3]> = sizes.iter().map(row).collect();
    for split in [TEST, VALIDATION] {
        let is_empty = rows.iter().all(|row| row[split] == 0);
        let all: Vec<usize> = (0..rows.len()).collect();
        if is_empty
            && fractions[split] > 0.0
            && let Some(giver) = largest_by(&all, |index| rows[index][TRAIN])
            && rows[giver][TRAIN] >= 2
        {
            rows[giver][TRAIN] -= 1;
            rows[giver][split] += 1;
        }
    }
    rows
}

/// One stratum; `owed` is what each split should have had so far beyond what it got.
fn row(size: usize, fractions: [f64; 3], owed: &mut [f64; 3]) -> [usize; 3] {
    // 10 × 0.7 is a 7 even where it is stored as 6.999…
    let exact = fractions.map(|fraction| size as f64 * fraction + 1e-9);
    let floor = exact.map(|exact| exact.floor() as usize);
    let mut row = floor;
    for split in 0..3 {
        owed[split] += exact[split] - row[split] as f64;
    }
    let mut left = size.saturating_sub(row.iter().sum());

    let wanted = |split: &usize| fractions[*split] > 0.0;
    for split in [TRAIN, TEST].into_iter().filter(wanted) {
        if row[split] > 0 {
            continue;
        }
        if left > 0 {
            left -= 1;
        } else if let Some(giver) = largest_by(&[0, 1, 2], |giver| row[giver])
            && row[giver] >= 2
        {
            row[giver] -= 1;
            owed[giver] += 1.0;
        } else {
            continue;
        }
        row[split] += 1;
        owed[split] -= 1.0;
    }
    while left > 0 {
        let open = |split: &usize| wanted(split) && row[*split] <= floor[*split];
        let open: Vec<usize> = [TRAIN, VALIDATION, TEST].into_iter().filter(open).collect();
        let split = largest_by(&open, |split| owed[split]).unwrap_or(TRAIN);
        row[split] += 1;
        owed[split] -= 1.0;
        left -= 1;
    }
    if wanted(&VALIDATION) && row[VALIDATION] == 0 && owed[VALIDATION] >= 0.5 && row[TRAIN] >= 2 {
        row[TRAIN] -= 1;
        owed[TRAIN] += 1.0;
        row[VALIDATION] += 1;
        owed[VALIDATION] -= 1.0;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: [f64; 3] = [0.70, 0.15, 0.15];

    #[test]
    fn two_samples_are_one_for_train_and_one_for_test() {
        assert_eq!(allot(&[2, 100], DEFAULT)[0], [1, 0, 1]);
        assert_eq!(allot(&[2, 2], [0.85, 0.0, 0.15]), [[1, 0, 1], [1, 0, 1]]);
    }

    #[test]
    fn a_hundred_samples_are_divided_exactly() {
        assert_eq!(allot(&[100], DEFAULT), [[70, 15, 15]]);
        assert_eq!(allot(&[10], [0.8, 0.1, 0.1]), [[8, 1, 1]]);
    }

    #[test]
    fn rounding_evens_out_over_many_classes() {
        for size in [3, 4, 5, 7, 10, 13] {
            let rows = allot(&vec![size; 200], DEFAULT);
            let sum: usize = rows.iter().map(|row| row[VALIDATION]).sum();
            let exact = 200.0 * size as f64 * 0.15;
            assert!(
                (sum as f64 - exact).abs() <= 2.0,
                "{sum} of {exact} at {size}"
            );
        }
    }

    #[test]
    fn validation_is_not_empty_if_a_class_can_spare_a_sample() {
        assert_eq!(allot(&[3], DEFAULT), [[1, 1, 1]]);
        let rows = allot(&[3, 3], DEFAULT);
        assert_eq!(rows.iter().map(|row| row[VALIDATION]).sum::<usize>(), 1);
    }

    #[test]
    fn a_split_of_fraction_zero_gets_nothing() {
        for row in allot(&[1, 2, 3, 10, 99], [0.85, 0.0, 0.15]) {
            assert_eq!(row[VALIDATION], 0);
        }
        for row in allot(&[1, 2, 3, 10, 99], [0.85, 0.15, 0.0]) {
            assert_eq!(row[TEST], 0);
        }
    }
}
