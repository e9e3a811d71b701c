//! Metrics of numbers: each row has `T` targets on a continuous scale.
//!
//! Inputs are predictions and targets `[N, T]`, row-major, in the units of the data (not
//! standardised). Every function returns one value per target: different targets have different
//! units, so a mean over them says little.

use super::MetricError;
use super::counts::mean;
use super::inputs::continuous;

/// The mean distance between prediction and target (MAE), per target.
///
/// `MAE(t) = (1/N) Σ |p(n, t) − y(n, t)|`
///
/// # Shapes
/// `predictions`, `targets`: `[N, outputs]`. Result `[outputs]`, each ≥ 0, in the target's unit.
///
/// # Errors
/// [`MetricError`] for `N` = 0, no outputs, lengths that disagree, and values that are not
/// finite.
///
/// # Example
/// ```
/// use finial_task::metrics::regression;
/// assert_eq!(regression::mean_absolute_error(&[1.0, 4.0], &[2.0, 1.0], 1)?, [2.0]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `mean_absolute_error(multioutput="raw_values")`.
pub fn mean_absolute_error(
    predictions: &[f32],
    targets: &[f32],
    outputs: usize,
) -> Result<Vec<f64>, MetricError> {
    continuous(predictions, targets, outputs)?;
    let error = |output| mean(residuals(predictions, targets, outputs, output).map(f64::abs));
    Ok((0..outputs).map(error).collect())
}

/// The root of the mean squared distance between prediction and target (RMSE), per target.
///
/// `RMSE(t) = √((1/N) Σ (p(n, t) − y(n, t))²)`
///
/// # Shapes
/// `predictions`, `targets`: `[N, outputs]`. Result `[outputs]`, each ≥ 0, in the target's unit.
///
/// # Errors
/// As [`mean_absolute_error`].
///
/// # Example
/// ```
/// use finial_task::metrics::regression;
/// assert_eq!(regression::root_mean_squared_error(&[1.0, 9.0], &[2.0, 2.0], 1)?, [5.0]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `root_mean_squared_error(multioutput="raw_values")`.
pub fn root_mean_squared_error(
    predictions: &[f32],
    targets: &[f32],
    outputs: usize,
) -> Result<Vec<f64>, MetricError> {
    continuous(predictions, targets, outputs)?;
    let squares = |output| residuals(predictions, targets, outputs, output).map(|r| r * r);
    Ok((0..outputs)
        .map(|output| mean(squares(output)).sqrt())
        .collect())
}

/// The share of the targets' variance that the predictions explain (R², coefficient of
/// determination), per target.
///
/// `R²(t) = 1 − Σ (y(n, t) − p(n, t))² / Σ (y(n, t) − ȳ(t))²`
///
/// Predicting the mean of these targets gives 0; worse than that is negative. Where all targets
/// are equal the ratio has no denominator: 1 if the predictions are perfect, otherwise 0.
/// Exchanging predictions and targets changes the value.
///
/// # Shapes
/// `predictions`, `targets`: `[N, outputs]`. Result `[outputs]`, each ≤ 1; `None` for fewer than
/// two rows.
///
/// # Stability
/// The variance is summed about the mean in a second pass, so targets far from 0 keep their
/// digits.
///
/// # Errors
/// As [`mean_absolute_error`].
///
/// # Example
/// ```
/// use finial_task::metrics::regression;
/// assert_eq!(regression::r_squared(&[1.0, 2.0, 4.0], &[1.0, 2.0, 3.0], 1)?, [Some(0.5)]);
/// assert_eq!(regression::r_squared(&[1.0], &[1.0], 1)?, [None]);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// scikit-learn, `r2_score(multioutput="raw_values", force_finite=True)`.
pub fn r_squared(
    predictions: &[f32],
    targets: &[f32],
    outputs: usize,
) -> Result<Vec<Option<f64>>, MetricError> {
    continuous(predictions, targets, outputs)?;
    if targets.len() / outputs < 2 {
        return Ok(vec![None; outputs]);
    }
    let score = |output| {
        let column = || column(targets, outputs, output);
        let unexplained: f64 = residuals(predictions, targets, outputs, output)
            .map(|residual| residual * residual)
            .sum();
        let centre = mean(column());
        let variance: f64 = column().map(|target| (target - centre).powi(2)).sum();
        // Exact: equal `f32` values add up without rounding in `f64` for 2^29 rows.
        match (unexplained == 0.0, variance == 0.0) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => 1.0 - unexplained / variance,
        }
    };
    Ok((0..outputs).map(|output| Some(score(output))).collect())
}

/// Prediction minus target of one output, row by row.
fn residuals<'a>(
    predictions: &'a [f32],
    targets: &'a [f32],
    outputs: usize,
    output: usize,
) -> impl Iterator<Item = f64> + 'a {
    column(predictions, outputs, output)
        .zip(column(targets, outputs, output))
        .map(|(prediction, target)| prediction - target)
}

fn column(values: &[f32], outputs: usize, output: usize) -> impl Iterator<Item = f64> + '_ {
    values
        .iter()
        .skip(output)
        .step_by(outputs)
        .map(|&value| f64::from(value))
}
