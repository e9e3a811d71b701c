//! The confusion matrix: shades for a table, and the pairs that are confused most.

use serde::Serialize;

use crate::error::ReportError;
use crate::report::Confusion;

/// More classes than these make a matrix nobody reads.
const MOST_CLASSES: usize = 30;

/// A matrix small enough to show.
#[derive(Debug, Serialize)]
pub struct Matrix<'a> {
    names: Vec<&'a str>,
    rows: Vec<MatrixRow<'a>>,
}

#[derive(Debug, Serialize)]
struct MatrixRow<'a> {
    name: &'a str,
    total: usize,
    cells: Vec<Cell>,
}

#[derive(Debug, Serialize)]
struct Cell {
    count: usize,
    shade: u8,
    right: bool,
}

/// A class taken for another.
#[derive(Debug, PartialEq, Serialize)]
pub struct Pair<'a> {
    truth: &'a str,
    predicted: &'a str,
    count: usize,
    /// Of all images of the true class.
    share: f64,
}

/// Checks that a matrix has one row and one column for each name.
pub fn check(confusion: &Confusion) -> Result<(), ReportError> {
    let names = confusion.names.len();
    if confusion.counts.len() != names {
        return Err(ReportError::ConfusionRows {
            names,
            rows: confusion.counts.len(),
        });
    }
    for (row, (counts, name)) in confusion.counts.iter().zip(&confusion.names).enumerate() {
        if counts.len() != names {
            return Err(ReportError::ConfusionColumns {
                row,
                name: name.clone(),
                names,
                columns: counts.len(),
            });
        }
    }
    Ok(())
}

/// The matrix with a shade for each cell; `None` where it is empty or too large to read.
///
/// `counts` yields a row for each name, in their order.
pub fn matrix<'a, 'c>(
    names: Vec<&'a str>,
    counts: impl IntoIterator<Item = &'c [usize]>,
) -> Option<Matrix<'a>> {
    if names.is_empty() || names.len() > MOST_CLASSES {
        return None;
    }
    let rows = counts.into_iter().zip(&names).enumerate();
    let rows = rows
        .map(|(truth, (counts, name))| {
            let total: usize = counts.iter().sum();
            let cell = |(predicted, &count): (usize, &usize)| Cell {
                count,
                shade: shade(count, total),
                right: predicted == truth,
            };
            MatrixRow {
                name,
                total,
                cells: counts.iter().enumerate().map(cell).collect(),
            }
        })
        .collect();
    Some(Matrix { names, rows })
}

/// One of seven shades by the share of the row. The steps are finer below, where the errors are:
/// one image in a hundred must not look like none.
fn shade(count: usize, total: usize) -> u8 {
    if count == 0 {
        return 0;
    }
    let share = count as f64 / total.max(1) as f64;
    1 + [0.02, 0.08, 0.2, 0.5, 0.85]
        .iter()
        .filter(|&&bound| share >= bound)
        .count() as u8
}

/// The pairs confused most, by number of images: at most `most` pairs of at least `fewest` images.
pub fn confused_pairs(confusion: &Confusion, fewest: usize, most: usize) -> Vec<Pair<'_>> {
    let mut pairs = Vec::new();
    for (truth, (counts, name)) in confusion.counts.iter().zip(&confusion.names).enumerate() {
        let total: usize = counts.iter().sum();
        for (predicted, (&count, other)) in counts.iter().zip(&confusion.names).enumerate() {
            if predicted != truth && count >= fewest.max(1) {
                pairs.push(Pair {
                    truth: name,
                    predicted: other,
                    count,
                    share: count as f64 / total as f64,
                });
            }
        }
    }
    // Stable, so equal counts stay in the order of the classes.
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count));
    pairs.truncate(most);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confusion(counts: &[&[usize]]) -> Confusion {
        Confusion {
            names: (0..counts.len()).map(|i| format!("class {i}")).collect(),
            counts: counts.iter().map(|row| row.to_vec()).collect(),
        }
    }

    #[test]
    fn a_matrix_that_is_not_square_is_refused() {
        let mut ragged = confusion(&[&[1, 2], &[3]]);
        assert!(matches!(
            check(&ragged),
            Err(ReportError::ConfusionColumns {
                row: 1,
                names: 2,
                columns: 1,
                ..
            })
        ));
        ragged.counts.pop();
        assert!(matches!(
            check(&ragged),
            Err(ReportError::ConfusionRows { names: 2, rows: 1 })
        ));
    }

    #[test]
    fn a_single_error_is_shaded_and_none_is_not() {
        assert_eq!(shade(0, 1_000), 0);
        assert_eq!(shade(1, 1_000), 1);
        assert_eq!(shade(500, 1_000), 5);
        assert_eq!(shade(1_000, 1_000), 6);
    }

    #[test]
    fn the_most_confused_pair_comes_first_and_the_diagonal_never() {
        let confusion = confusion(&[&[90, 7, 3], &[9, 41, 0], &[0, 0, 0]]);
        let pairs = confused_pairs(&confusion, 1, 2);
        let told: Vec<_> = pairs
            .iter()
            .map(|p| (p.truth, p.predicted, p.count))
            .collect();
        assert_eq!(told, [("class 1", "class 0", 9), ("class 0", "class 1", 7)]);
        assert!((pairs[0].share - 0.18).abs() < 1e-12);
    }

    #[test]
    fn more_than_thirty_classes_have_no_matrix() {
        let row = vec![1; 31];
        let large = confusion(&vec![row.as_slice(); 31]);
        let names = large.names.iter().map(String::as_str).collect();
        assert!(matrix(names, large.counts.iter().map(Vec::as_slice)).is_none());
        assert_eq!(confused_pairs(&large, 1, 20).len(), 20);
        assert_eq!(confused_pairs(&large, 2, 20), []);
    }
}
