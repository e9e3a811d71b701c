//! Labels as numbers.

/// Labels as numbers: one row per sample, [`Task::target_columns`](crate::Task::target_columns)
/// wide.
///
/// Exclusive classes: the class index (binary: 0 negative, 1 positive). Labels: 0 or 1 each.
/// Regression: the numbers in their own unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    columns: usize,
    values: Vec<f32>,
}

impl Targets {
    /// Targets of `columns` columns (at least one) from row-major `values`.
    ///
    /// An incomplete last row is completed with NaN, so that no number is lost and rows stay
    /// whole; [`Task::score`](crate::Task::score) refuses such a row.
    ///
    /// ```
    /// use finial_task::Targets;
    /// let targets = Targets::new(2, vec![1.0, 2.0, 3.0]);
    /// assert_eq!(targets.rows(), 2);
    /// assert!(targets.values()[3].is_nan());
    /// ```
    pub fn new(columns: usize, mut values: Vec<f32>) -> Self {
        let columns = columns.max(1);
        let rows = values.len().div_ceil(columns);
        values.resize(rows * columns, f32::NAN);
        Targets { columns, values }
    }

    /// Number of samples.
    pub fn rows(&self) -> usize {
        self.values.len() / self.columns
    }

    /// Numbers per sample.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All numbers, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.values.chunks_exact(self.columns)
    }

    /// One row; `None` past the end.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        self.values.chunks_exact(self.columns).nth(index)
    }

    /// The rows of the given indices, in that order; indices past the end are skipped.
    pub fn select(&self, indices: &[usize]) -> Targets {
        let mut values = Vec::with_capacity(indices.len() * self.columns);
        for &index in indices {
            values.extend_from_slice(self.row(index).unwrap_or_default());
        }
        Targets::new(self.columns, values)
    }
}

/// The class that a target stands for: a whole number from 0 on; `None` for NaN, a negative
/// number or a fraction.
pub(crate) fn class_index(value: f32) -> Option<usize> {
    (value >= 0.0 && value.fract() == 0.0).then_some(value as usize)
}
