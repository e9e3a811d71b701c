//! Odd images: by what they look like to the network, and by what a glance tells.

use burn::tensor::{Tensor, TensorData};
use finial_data::Look;
use finial_store::FeatureMatrix;
use rand::seq::index::sample;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::Serialize;

use super::Subject;
use crate::LearnError;
use crate::prepare::Prepared;

/// Grey levels that vary less than this show nothing.
const BLANK: f32 = 2.0;
/// Sides below this share of the usual ones make an image tiny.
const TINY: f64 = 0.25;
/// A ratio of sides this many times the usual one, or its inverse, is another shape.
const SHAPE: f64 = 2.0;
/// An image is compared with so many others at the most.
const OTHERS: usize = 4096;
/// What counts is how like it is to its third nearest: two of a kind may be odd together.
const NEAREST: usize = 3;
/// Below the lower quartile by so many times the distance of the quartiles is far from everything.
const FENCE: f32 = 2.0;
/// With fewer images there is no usual.
const FEWEST: usize = 20;
/// Features that are compared at a time, in numbers.
const BLOCK: usize = 4 << 20;

/// An odd image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Odd {
    /// The image.
    #[serde(flatten)]
    pub subject: Subject,
    /// What is odd about it.
    pub reason: Reason,
    /// The number behind it.
    pub value: f64,
    /// What is usual.
    pub usual: f64,
    /// Columns and rows of pixels of the file.
    pub pixels: [u32; 2],
}

/// What can be odd about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// One even colour: the standard deviation of its grey levels is below 2 of 256.
    Blank,
    /// Its sides are, by their geometric mean, below a quarter of the usual.
    Tiny,
    /// Its ratio of width to height is more than twice the usual, or less than half of it.
    Shape,
    /// The network sees nothing like it in the data: the cosine between its features and those of
    /// its third nearest, both less the mean of all, is below the lower quartile of these cosines by
    /// more than twice the distance of the quartiles.
    FarFromAll,
}

/// Whether there is nothing to see on it.
pub(super) fn is_blank(look: &Look) -> bool {
    look.spread < BLANK
}

/// The odd images among `rows`, by reason, the oddest first.
pub(super) fn find(prepared: &Prepared, rows: &[usize]) -> Result<Vec<Odd>, LearnError> {
    let looks = &prepared.features.looks;
    let seen: Vec<(usize, Look)> = rows
        .iter()
        .filter_map(|&row| Some((row, *looks.get(row)?)))
        .collect();
    let mut found: Vec<(Reason, usize, f64, f64)> = Vec::new();
    let side = |look: &Look| (f64::from(look.width) * f64::from(look.height)).sqrt();
    let shape = |look: &Look| f64::from(look.width) / f64::from(look.height.max(1));
    let usual =
        |of: &dyn Fn(&Look) -> f64| quantile(seen.iter().map(|(_, look)| of(look)).collect(), 0.5);
    let (usual_side, usual_shape) = (usual(&side), usual(&shape));
    for (row, look) in &seen {
        if is_blank(look) {
            found.push((
                Reason::Blank,
                *row,
                f64::from(look.spread),
                f64::from(BLANK),
            ));
            continue;
        }
        if side(look) < TINY * usual_side {
            found.push((Reason::Tiny, *row, side(look), usual_side));
        }
        let ratio = shape(look) / usual_shape;
        if !(1.0 / SHAPE..=SHAPE).contains(&ratio) {
            found.push((Reason::Shape, *row, shape(look), usual_shape));
        }
    }
    // A blank image is far from all, which is told already.
    let shown: Vec<usize> = seen
        .iter()
        .filter(|(_, look)| !is_blank(look))
        .map(|(row, _)| *row)
        .collect();
    if shown.len() >= FEWEST {
        let near = nearness(&prepared.features.matrix, &shown)?;
        let cosines = || {
            near.iter()
                .map(|&cosine| f64::from(cosine))
                .collect::<Vec<_>>()
        };
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|share| quantile(cosines(), share));
        let fence = low - f64::from(FENCE) * (high - low);
        for (&row, &cosine) in shown.iter().zip(&near) {
            if f64::from(cosine) < fence {
                found.push((Reason::FarFromAll, row, f64::from(cosine), middle));
            }
        }
    }
    let oddness = |(reason, _, value, usual): &(Reason, usize, f64, f64)| match reason {
        Reason::Shape => -(value / usual).ln().abs(),
        _ => *value,
    };
    found.sort_by(|a, b| {
        let by_value = oddness(a).total_cmp(&oddness(b));
        a.0.cmp(&b.0).then(by_value).then(a.1.cmp(&b.1))
    });
    let odd = found.into_iter().map(|(reason, row, value, usual)| Odd {
        subject: Subject::new(prepared, row),
        reason,
        value,
        usual,
        pixels: looks
            .get(row)
            .map_or([0; 2], |look| [look.width, look.height]),
    });
    Ok(odd.collect())
}

/// For each of `rows` the cosine to its third nearest among all, or among some thousand of them,
/// of features less their mean.
fn nearness(matrix: &FeatureMatrix, rows: &[usize]) -> Result<Vec<f32>, LearnError> {
    let columns = matrix.columns().max(1);
    let others = OTHERS
        .min((BLOCK / columns).max(NEAREST + 1))
        .min(rows.len());
    // Sorted, so that a file is read from front to back.
    let mut chosen = sample(&mut ChaCha8Rng::seed_from_u64(0), rows.len(), others).into_vec();
    chosen.sort_unstable();
    let chosen: Vec<usize> = chosen.into_iter().map(|at| rows[at]).collect();
    let mean = mean(matrix, rows)?;
    let device = finial_engine::Device::default();
    let directions = |rows: &[usize]| -> Result<Tensor<2>, LearnError> {
        let mut numbers = Vec::new();
        matrix.gather(rows, &mut numbers)?;
        for row in numbers.chunks_exact_mut(columns) {
            for (value, mean) in row.iter_mut().zip(&mean) {
                *value -= mean;
            }
            let length = row
                .iter()
                .map(|v| f64::from(*v).powi(2))
                .sum::<f64>()
                .sqrt();
            row.iter_mut().for_each(|v| *v /= length.max(1e-12) as f32);
        }
        let data = TensorData::new(numbers, [rows.len(), columns]);
        Ok(Tensor::from_data(data, &device))
    };
    let references = directions(&chosen)?.transpose();
    let mut near = Vec::with_capacity(rows.len());
    for block in rows.chunks((BLOCK / columns).clamp(1, 1024)) {
        let cosines = directions(block)?.matmul(references.clone());
        let cosines = cosines.into_data().try_into_vec_as::<f32>();
        let cosines = cosines.map_err(|_| LearnError::ResultCount)?;
        for (row, cosines) in block.iter().zip(cosines.chunks_exact(chosen.len())) {
            let mut nearest = [-1.0f32; NEAREST];
            for (other, &cosine) in chosen.iter().zip(cosines) {
                if other != row && cosine > nearest[NEAREST - 1] {
                    nearest[NEAREST - 1] = cosine;
                    nearest.sort_by(|a, b| b.total_cmp(a));
                }
            }
            near.push(nearest[NEAREST - 1]);
        }
    }
    Ok(near)
}

fn mean(matrix: &FeatureMatrix, rows: &[usize]) -> Result<Vec<f32>, LearnError> {
    let columns = matrix.columns().max(1);
    let mut sums = vec![0.0f64; columns];
    let mut numbers = Vec::new();
    for block in rows.chunks((BLOCK / columns).max(1)) {
        matrix.gather(block, &mut numbers)?;
        for row in numbers.chunks_exact(columns) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += f64::from(*value);
            }
        }
    }
    let count = rows.len().max(1) as f64;
    Ok(sums.into_iter().map(|sum| (sum / count) as f32).collect())
}

/// The value below which that share of the values lies; 0 of none.
fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = share * values.len().saturating_sub(1) as f64;
    let [below, above] = [at.floor(), at.ceil()].map(|at| values.get(at as usize));
    match (below, above) {
        (Some(below), Some(above)) => below + (above - below) * at.fract(),
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use finial_store::FeatureMatrixBuilder;

    #[test]
    fn one_that_looks_away_from_all_others_has_the_smallest_cosine() {
        let mut builder = FeatureMatrixBuilder::new(3, 1 << 20).unwrap();
        for at in 0..40 {
            let wobble = (at % 7) as f32 / 100.0;
            builder
                .push_rows(&[1.0 + wobble, 1.0 - wobble, 0.0])
                .unwrap();
            builder.push_rows(&[-1.0, -1.0 + wobble, wobble]).unwrap();
        }
        builder.push_rows(&[0.0, 0.1, 3.0]).unwrap();
        let matrix = builder.finish().unwrap();
        let rows: Vec<usize> = (0..matrix.rows()).collect();
        let near = nearness(&matrix, &rows).unwrap();
        let least = (0..near.len()).min_by(|&a, &b| near[a].total_cmp(&near[b]));
        assert_eq!(least, Some(80));
        assert!(near[..80].iter().all(|&cosine| cosine > 0.9), "{near:?}");
    }

    #[test]
    fn quartiles_lie_between_values() {
        let values = vec![4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(values.clone(), 0.5), 2.5);
        assert_eq!(quantile(values, 0.25), 1.75);
        assert_eq!(quantile(Vec::new(), 0.5), 0.0);
    }
}
