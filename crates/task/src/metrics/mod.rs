//! Metrics: how well a trained head does on rows it has not seen.
//!
//! One module per kind of task:
//!
//! | module | inputs | metrics |
//! |---|---|---|
//! | [`multi_class`] | probabilities `[N, C]`, class indices `[N]` | accuracy, top-k accuracy, confusion matrix, per-class scores, macro F1, log loss |
//! | [`binary`] | probability of the positive class `[N]`, targets 0/1 `[N]` | accuracy, precision, recall, F1, ROC AUC, average precision, log loss, Brier score, curves |
//! | [`multi_label`] | probabilities `[N, L]`, targets 0/1 `[N, L]` | mean average precision, micro and macro F1, subset accuracy, Hamming loss, per-label scores |
//! | [`regression`] | predictions `[N, T]`, targets `[N, T]` | mean absolute error, root mean squared error, R² |
//!
//! Matrices are row-major slices; sums run in `f64`. Definitions are those of scikit-learn,
//! and agreement with it is tested to 1e-6; where a definition differs the function says so.
//!
//! # What a result means
//!
//! - `Ok(value)`: the value, always finite.
//! - `Ok(None)`: the data leave the metric undefined (ROC AUC of a split with one class); print
//!   a dash and go on.
//! - `Err(MetricError)`: the inputs cannot be measured (no rows, lengths that disagree, a NaN,
//!   a class that does not exist); the error names the row and column.
//!
//! Losses for training are not here: they need logits and gradients, metrics need neither.

pub mod binary;
mod counts;
mod error;
pub(crate) mod inputs;
pub mod multi_class;
pub mod multi_label;
mod ranking;
pub mod regression;
#[cfg(test)]
mod tests;

pub use error::MetricError;
