//! Facts about metrics that hold for any data.

use crate::metrics::{binary, multi_class, regression};

/// A small deterministic generator, so that a failing case comes back.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    /// Rows with many ties: probabilities are eighths.
    fn binary(&mut self, rows: usize) -> (Vec<f32>, Vec<u8>) {
        (0..rows)
            .map(|_| (self.below(9) as f32 / 8.0, self.below(2) as u8))
            .unzip()
    }
}

#[test]
fn roc_auc_is_the_share_of_ordered_pairs() {
    let mut random = Random(1);
    for rows in 2..40 {
        let (p, y) = random.binary(rows);
        let (mut won, mut pairs) = (0.0, 0.0);
        for (i, j) in (0..rows).flat_map(|i| (0..rows).map(move |j| (i, j))) {
            if y[i] == 1 && y[j] == 0 {
                pairs += 1.0;
                won += if p[i] > p[j] {
                    1.0
                } else if p[i] == p[j] {
                    0.5
                } else {
                    0.0
                };
            }
        }
        match binary::roc_auc(&p, &y).unwrap() {
            Some(auc) => assert!((auc - won / pairs).abs() < 1e-12),
            None => assert_eq!(pairs, 0.0),
        }
    }
}

#[test]
fn the_order_of_rows_changes_nothing() {
    let (mut p, mut y) = Random(2).binary(50);
    let before = (
        binary::roc_auc(&p, &y),
        binary::average_precision(&p, &y),
        binary::roc_curve(&p, &y),
    );
    p.reverse();
    y.reverse();
    let after = (
        binary::roc_auc(&p, &y),
        binary::average_precision(&p, &y),
        binary::roc_curve(&p, &y),
    );
    assert_eq!(before, after);
}

#[test]
fn the_area_under_the_thinned_roc_curve_is_the_auc() {
    let (p, y) = Random(3).binary(200);
    let curve = binary::roc_curve(&p, &y).unwrap().unwrap();
    let area: f64 = curve
        .windows(2)
        .map(|w| {
            (w[1].false_positive_rate - w[0].false_positive_rate)
                * (w[1].true_positive_rate + w[0].true_positive_rate)
                / 2.0
        })
        .sum();
    assert!((area - binary::roc_auc(&p, &y).unwrap().unwrap()).abs() < 1e-12);
}

#[test]
fn negative_zero_ties_with_zero() {
    assert_eq!(binary::roc_auc(&[0.0, -0.0], &[1, 0]), Ok(Some(0.5)));
}

#[test]
fn scores_per_class_follow_from_the_confusion_matrix() {
    let mut random = Random(4);
    let (rows, classes) = (60, 4);
    let p: Vec<f32> = (0..rows * classes)
        .map(|_| random.below(5) as f32 / 4.0)
        .collect();
    let y: Vec<u32> = (0..rows).map(|_| random.below(3) as u32).collect();
    let matrix = multi_class::confusion_matrix(&p, &y, classes).unwrap();
    let scores = multi_class::per_class(&p, &y, classes).unwrap();
    for (class, score) in scores.iter().enumerate() {
        let predicted: u64 = matrix.iter().map(|row| row[class]).sum();
        assert_eq!(score.support, matrix[class].iter().sum::<u64>());
        assert!((score.precision * predicted as f64 - matrix[class][class] as f64).abs() < 1e-9);
    }
}

#[test]
fn a_million_equal_targets_have_no_variance() {
    let targets = vec![0.1; 1_000_003];
    let mut predictions = targets.clone();
    assert_eq!(
        regression::r_squared(&predictions, &targets, 1),
        Ok(vec![Some(1.0)])
    );
    predictions[7] = 0.2;
    assert_eq!(
        regression::r_squared(&predictions, &targets, 1),
        Ok(vec![Some(0.0)])
    );
}

#[test]
fn log_loss_divides_out_the_rounding_of_softmax() {
    let loss = multi_class::log_loss(&[0.500_1, 0.500_1], &[1], 2).unwrap();
    assert!((loss - std::f64::consts::LN_2).abs() < 1e-12, "{loss}");
}
