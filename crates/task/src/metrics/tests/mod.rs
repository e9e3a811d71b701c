//! Tests of the whole module: what is refused, and what holds for any data. Values are tested
//! against scikit-learn in `tests/golden_metrics.rs`.

mod laws;
mod refusals;
