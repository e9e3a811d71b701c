//! Why a page could not be made.

/// Why [`render`](crate::render) could not make a page.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReportError {
    /// The confusion matrix is not square in the number of its names.
    #[error(
        "a confusion matrix over {names} names needs {names} rows of {names} counts, found {rows} rows"
    )]
    #[diagnostic(help("pass one row for each true class, in the order of the names"))]
    ConfusionRows {
        /// How many names the matrix has.
        names: usize,
        /// How many rows it has.
        rows: usize,
    },

    /// A row of the confusion matrix has another length than the list of names.
    #[error(
        "row {row} of the confusion matrix (true class \"{name}\") needs {names} counts, found {columns}"
    )]
    #[diagnostic(help("pass one count for each predicted class, in the order of the names"))]
    ConfusionColumns {
        /// Index of the row, from 0.
        row: usize,
        /// The name of the row's class.
        name: String,
        /// How many names the matrix has.
        names: usize,
        /// How many counts the row has.
        columns: usize,
    },

    /// The bytes of a thumbnail are not those of a JPEG file.
    #[error("the thumbnail of \"{path}\" should be a JPEG file, but does not begin like one")]
    #[diagnostic(help(
        "encode the thumbnail as JPEG, or leave its bytes empty to draw a placeholder"
    ))]
    NotJpeg {
        /// Path of the image as the report shows it.
        path: String,
    },

    /// The page's own template failed; a fault of this crate.
    #[error("the report's template failed: {0}")]
    #[diagnostic(help(
        "this is a fault in finial, not in your data; please report it with the sentence above"
    ))]
    Template(#[from] minijinja::Error),
}
