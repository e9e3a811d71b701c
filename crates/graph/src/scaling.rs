//! What some nodes come down to in a network that is only run: a factor and an offset for each
//! channel.

use crate::{Node, Op, Weights, WeightsError};

/// `x × factor + offset`, one of each for every channel. In double precision, since published
/// statistics span many orders of magnitude.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaling {
    /// The factors.
    pub factor: Vec<f64>,
    /// The offsets, as many.
    pub offset: Vec<f64>,
}

impl Scaling {
    /// That of a node, if it does nothing else.
    ///
    /// # Errors
    /// A parameter of the node is missing.
    pub fn of(node: &Node, weights: &Weights) -> Result<Option<Self>, WeightsError> {
        let numbers = |suffix: &str| {
            let name = format!("{}.{suffix}", node.name);
            let tensor = weights.get(&name);
            let tensor = tensor.ok_or_else(|| WeightsError::missing(&name))?;
            Ok::<Vec<f64>, WeightsError>(wide(tensor.values()))
        };
        Ok(match &node.op {
            Op::Rescale { scale, offset } => Some(Scaling {
                factor: wide(scale),
                offset: wide(offset),
            }),
            Op::LayerScale => {
                let factor = numbers("gamma")?;
                let offset = vec![0.0; factor.len()];
                Some(Scaling { factor, offset })
            }
            Op::Normalize => {
                let variance = numbers("variance")?.into_iter();
                let factor = variance.map(|variance| 1.0 / variance.sqrt().max(1e-7));
                Some(moved(factor.collect(), numbers("mean")?, None))
            }
            Op::BatchNorm { epsilon, scale } => {
                let variance = numbers("running_var")?.into_iter();
                let factor = variance.map(|variance| 1.0 / (variance + epsilon).sqrt());
                let mut factor: Vec<f64> = factor.collect();
                if *scale {
                    for (factor, weight) in factor.iter_mut().zip(numbers("weight")?) {
                        *factor *= weight;
                    }
                }
                let mean = numbers("running_mean")?;
                Some(moved(factor, mean, Some(numbers("bias")?)))
            }
            _ => None,
        })
    }
}

fn wide(of: &[f32]) -> Vec<f64> {
    of.iter().map(|&value| f64::from(value)).collect()
}

/// `(x − mean) × factor + bias`.
fn moved(factor: Vec<f64>, mean: Vec<f64>, bias: Option<Vec<f64>>) -> Scaling {
    let bias = bias.unwrap_or_else(|| vec![0.0; mean.len()]);
    let all = factor.iter().zip(mean).zip(bias);
    let offset = all.map(|((factor, mean), bias)| bias - mean * factor);
    Scaling {
        offset: offset.collect(),
        factor,
    }
}
