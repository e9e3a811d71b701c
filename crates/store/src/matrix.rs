//! The features of one run as a matrix `[rows, columns]`, filled once in order, then read by
//! rows in any order.
//!
//! Up to a memory budget the matrix is in memory; beyond, in a temporary file without a name,
//! which the system removes when the process ends, however it ends. Reading is the same from
//! both. Nothing here outlives the run; for that there is [`FeatureStore`](crate::FeatureStore).

mod spill;

use std::path::{Path, PathBuf};

use crate::error::MatrixError;
use spill::{Spill, SpillWriter};

/// The memory budget to build a matrix with unless the user says otherwise: 64 MiB, some
/// 13,000 rows of 1,280 features.
pub const DEFAULT_MEMORY_BUDGET_BYTES: u64 = 64 << 20;

/// Fills a [`FeatureMatrix`], some rows at a time, in order.
///
/// ```
/// use finial_store::{DEFAULT_MEMORY_BUDGET_BYTES, FeatureMatrixBuilder};
///
/// let mut builder = FeatureMatrixBuilder::new(2, DEFAULT_MEMORY_BUDGET_BYTES)?;
/// builder.push_rows(&[0.0, 0.1, 1.0, 1.1])?;
/// builder.push_rows(&[2.0, 2.1])?;
/// let matrix = builder.finish()?;
///
/// let mut rows = Vec::new();
/// matrix.gather(&[2, 0], &mut rows)?;
/// assert_eq!(rows, [2.0, 2.1, 0.0, 0.1]);
/// # Ok::<(), finial_store::MatrixError>(())
/// ```
#[derive(Debug)]
pub struct FeatureMatrixBuilder {
    columns: usize,
    budget_values: usize,
    spill_folder: PathBuf,
    rows: usize,
    filling: Filling,
}

#[derive(Debug)]
enum Filling {
    Memory(Vec<f32>),
    File(SpillWriter),
}

impl FeatureMatrixBuilder {
    /// Starts a matrix of rows of `columns` values, held in memory up to
    /// `memory_budget_bytes`.
    ///
    /// # Errors
    ///
    /// [`MatrixError::NoColumns`] if `columns` is 0.
    pub fn new(columns: usize, memory_budget_bytes: u64) -> Result<Self, MatrixError> {
        if columns == 0 {
            return Err(MatrixError::NoColumns);
        }
        Ok(Self {
            columns,
            budget_values: usize::try_from(memory_budget_bytes / 4).unwrap_or(usize::MAX),
            spill_folder: std::env::temp_dir(),
            rows: 0,
            filling: Filling::Memory(Vec::new()),
        })
    }

    /// Puts the temporary file, if one is needed, into `folder` in place of the system's folder
    /// for temporary files, which may itself be in memory.
    #[must_use]
    pub fn spill_folder(mut self, folder: &Path) -> Self {
        self.spill_folder = folder.to_owned();
        self
    }

    /// Appends rows: `values` is `[n, columns]`, for any n.
    ///
    /// # Errors
    ///
    /// [`MatrixError::PartialRow`] if `values` is not whole rows, with nothing appended;
    /// [`MatrixError::Spill`] if the temporary file cannot be written, after which the matrix
    /// is of no use.
    pub fn push_rows(&mut self, values: &[f32]) -> Result<(), MatrixError> {
        if !values.len().is_multiple_of(self.columns) {
            return Err(MatrixError::PartialRow {
                columns: self.columns,
                values: values.len(),
            });
        }
        if let Filling::Memory(memory) = &mut self.filling {
            let needed = memory.len().saturating_add(values.len());
            if needed > self.budget_values {
                let mut file = SpillWriter::create(&self.spill_folder)?;
                file.write(memory)?;
                self.filling = Filling::File(file);
            } else if needed > memory.capacity() {
                // Doubling as usual, but not past the budget.
                let capacity = (2 * memory.capacity()).max(needed).min(self.budget_values);
                memory.reserve_exact(capacity - memory.len());
            }
        }
        match &mut self.filling {
            Filling::Memory(memory) => memory.extend_from_slice(values),
            Filling::File(file) => file.write(values)?,
        }
        self.rows += values.len() / self.columns;
        Ok(())
    }

    /// Ends filling.
    ///
    /// # Errors
    ///
    /// [`MatrixError::Spill`] if the temporary file cannot be written.
    pub fn finish(self) -> Result<FeatureMatrix, MatrixError> {
        Ok(FeatureMatrix {
            rows: self.rows,
            columns: self.columns,
            values: match self.filling {
                Filling::Memory(memory) => Values::Memory(memory),
                Filling::File(file) => Values::File(file.finish()?),
            },
        })
    }
}

/// The features of one run, `[rows, columns]`. Reads may go on in several threads at once.
#[derive(Debug)]
pub struct FeatureMatrix {
    rows: usize,
    columns: usize,
    values: Values,
}

#[derive(Debug)]
enum Values {
    Memory(Vec<f32>),
    File(Spill),
}

impl FeatureMatrix {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of values in a row.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Whether the rows are in a temporary file.
    pub fn is_spilled(&self) -> bool {
        matches!(self.values, Values::File(_))
    }

    /// Replaces `out` with the rows of these indices, in their order: `[rows.len(), columns]`.
    /// An index may come more than once.
    ///
    /// # Errors
    ///
    /// [`MatrixError::RowOutOfRange`] before anything is read; [`MatrixError::Spill`] if the
    /// temporary file cannot be read. `out` is then unspecified.
    pub fn gather(&self, rows: &[usize], out: &mut Vec<f32>) -> Result<(), MatrixError> {
        if let Some(&row) = rows.iter().find(|&&row| row >= self.rows) {
            return Err(MatrixError::RowOutOfRange {
                row,
                rows: self.rows,
            });
        }
        out.clear();
        match &self.values {
            Values::Memory(values) => {
                out.reserve(rows.len() * self.columns);
                for row in rows {
                    out.extend_from_slice(&values[row * self.columns..][..self.columns]);
                }
                Ok(())
            }
            Values::File(file) => {
                out.resize(rows.len() * self.columns, 0.0);
                file.gather(self.columns, rows, out)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: usize = 37;
    const ROWS: usize = 5000;

    fn filled(memory_budget_bytes: u64) -> FeatureMatrix {
        let mut builder = FeatureMatrixBuilder::new(COLUMNS, memory_budget_bytes).unwrap();
        let mut row = 0;
        for rows in [0, 1, 7, 900, 1, 4091] {
            let values: Vec<f32> = (row * COLUMNS..(row + rows) * COLUMNS)
                .map(|value| value as f32)
                .collect();
            builder.push_rows(&values).unwrap();
            row += rows;
        }
        let matrix = builder.finish().unwrap();
        assert_eq!((matrix.rows(), matrix.columns()), (ROWS, COLUMNS));
        matrix
    }

    fn gathered(matrix: &FeatureMatrix, rows: &[usize]) -> Vec<f32> {
        let mut out = vec![f32::NAN; 3];
        matrix.gather(rows, &mut out).unwrap();
        out
    }

    #[test]
    fn memory_and_file_give_identical_rows() {
        let all = (ROWS * COLUMNS * 4) as u64;
        let memory = filled(all);
        assert!(!memory.is_spilled());
        let scattered: Vec<usize> = (0..ROWS).map(|i| i * 2_654_435_761 % ROWS).collect();
        for budget in [all - 1, all / 2, 0] {
            let file = filled(budget);
            assert!(file.is_spilled());
            for rows in [
                &[][..],
                &[0],
                &[ROWS - 1, 0],
                &[5, 5, 4, 6, 5],
                &(0..ROWS).collect::<Vec<_>>(),
                &(0..ROWS).rev().collect::<Vec<_>>(),
                &scattered,
            ] {
                let expected: Vec<f32> = rows
                    .iter()
                    .flat_map(|row| row * COLUMNS..(row + 1) * COLUMNS)
                    .map(|value| value as f32)
                    .collect();
                assert_eq!(gathered(&memory, rows), expected);
                assert_eq!(gathered(&file, rows), expected);
            }
        }
    }

    #[test]
    fn the_memory_held_stays_within_the_budget_while_filling() {
        let mut builder = FeatureMatrixBuilder::new(1, 4000).unwrap();
        for _ in 0..999 {
            builder.push_rows(&[1.0]).unwrap();
            let Filling::Memory(memory) = &builder.filling else {
                panic!("spilled below the budget");
            };
            assert!(memory.capacity() <= 1000, "{}", memory.capacity());
        }
    }

    #[test]
    fn a_partial_row_is_refused_and_changes_nothing() {
        let mut builder = FeatureMatrixBuilder::new(2, 1000).unwrap();
        builder.push_rows(&[1.0, 2.0]).unwrap();
        assert!(matches!(
            builder.push_rows(&[3.0]),
            Err(MatrixError::PartialRow {
                columns: 2,
                values: 1
            })
        ));
        assert_eq!(gathered(&builder.finish().unwrap(), &[0]), [1.0, 2.0]);
    }

    #[test]
    fn a_row_past_the_end_is_refused() {
        for budget in [u64::MAX, 0] {
            let matrix = filled(budget);
            assert!(matches!(
                matrix.gather(&[0, ROWS], &mut Vec::new()),
                Err(MatrixError::RowOutOfRange { row: ROWS, .. })
            ));
        }
    }

    #[test]
    fn a_matrix_without_rows_is_fine_and_one_without_columns_is_not() {
        let empty = FeatureMatrixBuilder::new(3, 0).unwrap().finish().unwrap();
        assert_eq!(empty.rows(), 0);
        assert!(gathered(&empty, &[]).is_empty());
        assert!(matches!(
            FeatureMatrixBuilder::new(0, 0),
            Err(MatrixError::NoColumns)
        ));
    }

    #[test]
    fn a_spill_folder_that_is_not_there_is_an_error_that_names_it() {
        let mut builder = FeatureMatrixBuilder::new(1, 0)
            .unwrap()
            .spill_folder(Path::new("/no/such/folder"));
        let error = builder.push_rows(&[1.0]).unwrap_err();
        assert!(error.to_string().contains("/no/such/folder"), "{error}");
    }

    #[test]
    fn several_threads_read_one_spilled_matrix() {
        let matrix = filled(0);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let matrix = &matrix;
                scope.spawn(move || {
                    for row in (thread..ROWS).step_by(4) {
                        let first = gathered(matrix, &[row])[0];
                        assert_eq!(first, (row * COLUMNS) as f32);
                    }
                });
            }
        });
    }
}
