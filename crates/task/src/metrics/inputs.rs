//! What every metric asks of its inputs, checked before any arithmetic.
//!
//! Lengths come first, then emptiness, then the values, so that the first error names the most
//! basic fault.

use super::MetricError;

/// How far a probability may lie outside of 0 to 1: a few units in the last place of an `f32`
/// near 1, which a division on an accelerator can be off by.
const ROUNDING: f32 = 1e-6;

/// Checks probabilities `[N, C]` against class indices `[N]` and returns nothing: `N` is the
/// length of `targets`.
pub(crate) fn exclusive(
    probabilities: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<(), MetricError> {
    exclusive_rows("probabilities", probabilities, targets, classes)?;
    all_probabilities(probabilities, classes)
}

/// As [`exclusive`], for logits: any finite number.
pub(crate) fn exclusive_logits(
    logits: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<(), MetricError> {
    exclusive_rows("logits", logits, targets, classes)?;
    all_finite("logits", logits, classes)
}

fn exclusive_rows(
    values: &'static str,
    slice: &[f32],
    targets: &[u32],
    classes: usize,
) -> Result<(), MetricError> {
    enough_columns("classes", 2, classes)?;
    same_length(values, slice.len(), targets.len(), classes)?;
    some_rows(targets.len())?;
    let unknown = |&(_, &class): &(usize, &u32)| index(class) >= classes;
    match targets.iter().enumerate().find(unknown) {
        Some((row, &class)) => Err(MetricError::UnknownClass {
            row,
            class,
            classes,
        }),
        None => Ok(()),
    }
}

/// Checks probabilities `[N, L]` against targets 0/1 `[N, L]`.
pub(crate) fn independent(
    probabilities: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<(), MetricError> {
    independent_rows("probabilities", probabilities, targets, labels)?;
    all_probabilities(probabilities, labels)
}

/// As [`independent`], for logits: any finite number.
pub(crate) fn independent_logits(
    logits: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<(), MetricError> {
    independent_rows("logits", logits, targets, labels)?;
    all_finite("logits", logits, labels)
}

fn independent_rows(
    values: &'static str,
    slice: &[f32],
    targets: &[u8],
    labels: usize,
) -> Result<(), MetricError> {
    enough_columns("labels", 1, labels)?;
    let rows = whole_rows(values, slice.len(), labels)?;
    same_length("targets", targets.len(), rows, labels)?;
    some_rows(rows)?;
    match targets.iter().position(|&value| value > 1) {
        Some(at) => Err(MetricError::NotBinary {
            row: at / labels,
            column: at % labels,
            value: targets[at],
        }),
        None => Ok(()),
    }
}

/// Checks predictions `[N, T]` against targets `[N, T]`.
pub(crate) fn continuous(
    predictions: &[f32],
    targets: &[f32],
    outputs: usize,
) -> Result<(), MetricError> {
    enough_columns("outputs", 1, outputs)?;
    let rows = whole_rows("predictions", predictions.len(), outputs)?;
    same_length("targets", targets.len(), rows, outputs)?;
    some_rows(rows)?;
    all_finite("predictions", predictions, outputs)?;
    all_finite("targets", targets, outputs)
}

/// A class index as a position in a slice; saturates where `usize` is narrower than `u32`.
pub(crate) fn index(class: u32) -> usize {
    usize::try_from(class).unwrap_or(usize::MAX)
}

fn enough_columns(unit: &'static str, minimum: usize, found: usize) -> Result<(), MetricError> {
    if found < minimum {
        return Err(MetricError::TooFewColumns {
            unit,
            minimum,
            found,
        });
    }
    Ok(())
}

fn whole_rows(values: &'static str, found: usize, columns: usize) -> Result<usize, MetricError> {
    if !found.is_multiple_of(columns) {
        return Err(MetricError::PartialRow {
            values,
            columns,
            found,
        });
    }
    Ok(found / columns)
}

fn same_length(
    values: &'static str,
    found: usize,
    rows: usize,
    columns: usize,
) -> Result<(), MetricError> {
    if rows.checked_mul(columns) != Some(found) {
        return Err(MetricError::WrongLength {
            values,
            rows,
            columns,
            expected: rows.saturating_mul(columns),
            found,
        });
    }
    Ok(())
}

fn some_rows(rows: usize) -> Result<(), MetricError> {
    if rows == 0 {
        return Err(MetricError::NoRows);
    }
    Ok(())
}

fn all_finite(values: &'static str, slice: &[f32], columns: usize) -> Result<(), MetricError> {
    match slice.iter().position(|value| !value.is_finite()) {
        Some(at) => Err(MetricError::NotFinite {
            values,
            row: at / columns,
            column: at % columns,
            value: slice[at],
        }),
        None => Ok(()),
    }
}

fn all_probabilities(slice: &[f32], columns: usize) -> Result<(), MetricError> {
    all_finite("probabilities", slice, columns)?;
    let outside = |&value: &f32| !(-ROUNDING..=1.0 + ROUNDING).contains(&value);
    match slice.iter().position(outside) {
        Some(at) => Err(MetricError::NotAProbability {
            row: at / columns,
            column: at % columns,
            value: slice[at],
        }),
        None => Ok(()),
    }
}
