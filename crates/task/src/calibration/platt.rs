//! A slope and an offset for a yes-or-no question.

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::metrics::inputs::independent_logits;

/// Slopes outside of this range would reverse the order of the images, or make it a step.
const SLOPES: (f64, f64) = (0.01, 100.0);
/// Offsets stay where a probability still is a number of 32 bits.
const OFFSETS: (f64, f64) = (-80.0, 80.0);

/// `slope · logit + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// Above 0, so that the order of images stays.
    pub slope: f64,
    /// Added to the logit.
    pub offset: f64,
}

impl Line {
    /// Changes nothing.
    pub const IDENTITY: Line = Line {
        slope: 1.0,
        offset: 0.0,
    };
}

/// The line under which the targets are most probable: `p = σ(slope · z + offset)`.
///
/// Platt's targets are used, `(P + 1) / (P + 2)` for the `P` positive rows and `1 / (N + 2)` for
/// the `N` negative ones, so that few rows do not make sure. The slope stays between 0.01 and
/// 100: an order that a few rows seem to reverse is kept. Without rows of both kinds nothing can
/// be learned, and the line is the identity.
///
/// # Shapes
/// `logits`, `targets`: `[N]`.
///
/// # Stability
/// Newton's method with halved steps on the cross-entropy in its stable form, in `f64`.
///
/// # Errors
/// [`MetricError`] for `N` = 0, lengths that disagree, logits that are not finite, and targets
/// other than 0 and 1.
///
/// # Example
/// ```
/// use finial_task::calibration::platt;
/// let line = platt(&[-4.0, -4.0, -4.0, 4.0, 4.0, 4.0], &[0, 0, 1, 1, 1, 0])?;
/// assert!(line.slope < 0.5 && line.offset.abs() < 1e-6);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
///
/// # References
/// Platt, *Probabilistic outputs for support vector machines*, 1999; Lin, Lin and Weng, *A note on
/// Platt's probabilistic outputs*, 2007; scikit-learn, `CalibratedClassifierCV(method="sigmoid")`.
pub fn platt(logits: &[f32], targets: &[u8]) -> Result<Line, MetricError> {
    independent_logits(logits, targets, 1)?;
    let positives = targets.iter().filter(|&&y| y == 1).count() as f64;
    let negatives = targets.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return Ok(Line::IDENTITY);
    }
    let (yes, no) = (
        (positives + 1.0) / (positives + 2.0),
        1.0 / (negatives + 2.0),
    );
    let rows: Vec<(f64, f64)> = logits
        .iter()
        .zip(targets)
        .map(|(&z, &y)| (f64::from(z), if y == 1 { yes } else { no }))
        .collect();
    let prior = Line {
        slope: 0.0,
        offset: (positives / negatives).ln(),
    };
    Ok(within_range(&rows, prior, Pull::NONE))
}

/// The line under which the targets are most probable, pulled towards another one: the summed
/// cross-entropy plus `weight / 2 · ((slope − slope₀)² + (offset − offset₀)²)` is least. Few rows move
/// it little, many rows freely; a single kind of row is no special case. Targets are taken as they
/// are.
///
/// # Shapes
/// `logits`, `targets`: `[N]`. `weight` above 0.
///
/// # Stability
/// As [`platt`]; the pull makes the minimum unique.
///
/// # Errors
/// As [`platt`].
///
/// # Example
/// ```
/// use finial_task::calibration::{Line, pulled_line};
/// let (logits, targets) = ([-1.0, 1.0], [0, 1]);
/// let far = pulled_line(&logits, &targets, Line::IDENTITY, 0.1)?;
/// let near = pulled_line(&logits, &targets, Line::IDENTITY, 100.0)?;
/// assert!(far.slope > near.slope && near.slope < 1.01);
/// # Ok::<(), finial_task::metrics::MetricError>(())
/// ```
pub fn pulled_line(
    logits: &[f32],
    targets: &[u8],
    towards: Line,
    weight: f64,
) -> Result<Line, MetricError> {
    independent_logits(logits, targets, 1)?;
    let rows = logits.iter().zip(targets);
    let rows: Vec<(f64, f64)> = rows.map(|(&z, &y)| (f64::from(z), f64::from(y))).collect();
    Ok(within_range(&rows, towards, Pull { towards, weight }))
}

/// A line that is as good as some rows are worth.
#[derive(Clone, Copy)]
struct Pull {
    towards: Line,
    weight: f64,
}

impl Pull {
    const NONE: Pull = Pull {
        towards: Line::IDENTITY,
        weight: 0.0,
    };

    /// How far a line is from it, by slope and by offset.
    fn apart(&self, line: Line) -> [f64; 2] {
        [
            line.slope - self.towards.slope,
            line.offset - self.towards.offset,
        ]
    }
}

/// The line of least cost whose slope and offset are in their ranges.
fn within_range(rows: &[(f64, f64)], start: Line, pull: Pull) -> Line {
    let free = minimum(rows, start, pull, true);
    let slope = free.slope.clamp(SLOPES.0, SLOPES.1);
    let line = if slope == free.slope {
        free
    } else {
        minimum(rows, Line { slope, ..start }, pull, false)
    };
    Line {
        slope: line.slope,
        offset: line.offset.clamp(OFFSETS.0, OFFSETS.1),
    }
}

/// The line of least cost, by Newton's method; the slope is kept unless it is free.
fn minimum(rows: &[(f64, f64)], start: Line, pull: Pull, slope_is_free: bool) -> Line {
    let mut line = start;
    let mut loss = cost(rows, pull, line);
    for _ in 0..100 {
        let (gradient, hessian) = derivatives(rows, pull, line);
        let Some(step) = step(gradient, hessian, slope_is_free) else {
            break;
        };
        // Newton's step, halved until the loss falls.
        let mut length = 1.0;
        let improved = loop {
            let next = Line {
                slope: line.slope - length * step.0,
                offset: line.offset - length * step.1,
            };
            let found = cost(rows, pull, next);
            if found < loss {
                let change = loss - found;
                (line, loss) = (next, found);
                break change > 1e-14 * (1.0 + loss);
            }
            length /= 2.0;
            if length < 1e-10 {
                break false;
            }
        };
        if !improved {
            break;
        }
    }
    line
}

/// The cross-entropy and the pull.
fn cost(rows: &[(f64, f64)], pull: Pull, line: Line) -> f64 {
    let entropy = |&(z, t): &(f64, f64)| {
        let x = line.slope * z + line.offset;
        x.max(0.0) - x * t + (-x.abs()).exp().ln_1p()
    };
    let apart: f64 = pull.apart(line).iter().map(|d| d * d).sum();
    rows.iter().map(entropy).sum::<f64>() + pull.weight / 2.0 * apart
}

/// Gradient by slope and offset, and the three numbers of the Hessian.
fn derivatives(rows: &[(f64, f64)], pull: Pull, line: Line) -> ([f64; 2], [f64; 3]) {
    let mut gradient = pull.apart(line).map(|d| pull.weight * d);
    let mut hessian = [pull.weight, 0.0, pull.weight];
    for &(z, t) in rows {
        let x = line.slope * z + line.offset;
        let p = 1.0 / (1.0 + (-x).exp());
        gradient[0] += (p - t) * z;
        gradient[1] += p - t;
        let weight = p * (1.0 - p);
        hessian[0] += weight * z * z;
        hessian[1] += weight * z;
        hessian[2] += weight;
    }
    (gradient, hessian)
}

/// Newton's step; `None` where the Hessian has no inverse and the gradient nothing to say.
fn step(gradient: [f64; 2], [a, b, c]: [f64; 3], slope_is_free: bool) -> Option<(f64, f64)> {
    const RIDGE: f64 = 1e-12;
    let (a, c) = (a + RIDGE, c + RIDGE);
    let found = if slope_is_free {
        let determinant = a * c - b * b;
        (
            (c * gradient[0] - b * gradient[1]) / determinant,
            (a * gradient[1] - b * gradient[0]) / determinant,
        )
    } else {
        (0.0, gradient[1] / c)
    };
    (found.0.is_finite() && found.1.is_finite()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_seems_reversed_is_kept() {
        let line = platt(&[2.0, 1.0, -1.0, -2.0], &[0, 0, 1, 1]).unwrap();
        assert_eq!(line.slope, SLOPES.0);
    }

    #[test]
    fn one_kind_of_row_teaches_nothing() {
        assert_eq!(platt(&[1.0, 2.0], &[1, 1]), Ok(Line::IDENTITY));
        assert_eq!(platt(&[1.0, 2.0], &[0, 0]), Ok(Line::IDENTITY));
    }

    #[test]
    fn a_pull_keeps_few_rows_near_and_lets_many_go() {
        let towards = Line {
            slope: 1.0,
            offset: 0.5,
        };
        let pulled = |copies: usize| {
            let logits = [2.0, 2.0, 2.0, -2.0, -2.0].repeat(copies);
            let targets = [1, 1, 0, 0, 0].repeat(copies);
            pulled_line(&logits, &targets, towards, 5.0).unwrap()
        };
        let (few, many) = (pulled(1), pulled(2000));
        assert!((few.slope - 1.0).abs() < 0.5, "{few:?}");
        // Two of three are so where the logit is 2.
        let probability = 1.0 / (1.0 + (-(2.0 * many.slope + many.offset)).exp());
        assert!((probability - 2.0 / 3.0).abs() < 0.01, "{many:?}");
        let none = pulled_line(&[1.0, 2.0], &[0, 0], towards, 5.0).unwrap();
        assert!(
            none.offset < 0.5 && none.slope > 0.0 && none.slope < 1.0,
            "{none:?}"
        );
    }

    #[test]
    fn hard_cases_stay_finite() {
        for logits in [[0.0; 4], [1e4, 1e4, -1e4, -1e4], [1e-30, 0.0, 0.0, -1e-30]] {
            let line = platt(&logits, &[1, 1, 0, 0]).unwrap();
            assert!(
                line.slope.is_finite() && line.offset.is_finite(),
                "{line:?}"
            );
            assert!(line.slope > 0.0);
        }
        assert!(platt(&[f32::INFINITY], &[1]).is_err());
        assert!(platt(&[], &[]).is_err());
    }

    #[test]
    fn equal_logits_give_the_base_rate() {
        let line = platt(&[0.0; 10], &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let p = 1.0 / (1.0 + (-line.offset).exp());
        let smoothed = (2.0 / 3.0 + 9.0 / 11.0) / 10.0;
        assert!((p - smoothed).abs() < 1e-6, "{p}");
    }
}
