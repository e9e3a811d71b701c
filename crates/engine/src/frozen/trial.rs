//! Trying engines on this machine: how fast each runs a graph, and whether it agrees with the
//! reference.

use std::time::{Duration, Instant};

use finial_graph::{Graph, Weights};
use serde::{Deserialize, Serialize};

use super::{Choice, Frozen, Precision, probe};
use crate::EngineError;

/// The least cosine, image by image of the probe, between features in bf16 and those of the reference.
pub const LEAST_COSINE_BF16: f64 = 0.999;
/// The same for features in f32.
pub const LEAST_COSINE_F32: f64 = 0.99999;

/// Goes up when probe, tolerance or timing change, so that what earlier trials said no longer
/// counts.
pub const VERSION: u32 = 1;

/// How long an engine is timed.
const TIMED: Duration = Duration::from_millis(120);

/// What became of one choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// What was tried.
    pub choice: Choice,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran.
    Ran {
        /// Images it runs in a second.
        images_per_second: f64,
        /// Seconds until it was ready.
        seconds_to_prepare: f64,
        /// How far its features are from those of the reference.
        deviation: Deviation,
    },
    /// It is not there, or does not take this graph: why.
    Absent(String),
}

/// How far features are from those of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// The smallest cosine between the features of an image.
    pub cosine: f64,
    /// The largest difference, as a share of the largest feature.
    pub largest: f64,
}

impl Deviation {
    /// None.
    pub const NONE: Deviation = Deviation {
        cosine: 1.0,
        largest: 0.0,
    };

    /// Of rows of `width` features from `reference`.
    pub fn between(features: &[f32], reference: &[f32], width: usize) -> Self {
        let width = width.max(1);
        let rows = features
            .chunks_exact(width)
            .zip(reference.chunks_exact(width));
        let cosines = rows.map(|(a, b)| cosine(a, b));
        let largest = reference.iter().fold(0.0, |m: f32, v| m.max(v.abs()));
        let differences = features.iter().zip(reference).map(|(a, b)| (a - b).abs());
        let difference = differences.fold(0.0, f32::max);
        Deviation {
            cosine: cosines.fold(1.0, f64::min),
            largest: match difference > 0.0 {
                true => f64::from(difference) / f64::from(largest.max(f32::MIN_POSITIVE)),
                false => 0.0,
            },
        }
    }

    /// Whether it is as small as it should be in that precision.
    pub fn agrees(self, precision: Precision) -> bool {
        self.cosine
            >= match precision {
                Precision::F32 => LEAST_COSINE_F32,
                Precision::Bf16 => LEAST_COSINE_BF16,
            }
    }
}

/// The cosine between two rows; 1 between rows of zeros.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y));
        products.sum()
    };
    let (aa, bb) = (dot(a, a), dot(b, b));
    match (aa > 0.0, bb > 0.0) {
        (true, true) => dot(a, b) / (aa * bb).sqrt(),
        (false, false) => 1.0,
        _ => 0.0,
    }
}

impl Trial {
    /// Whether it ran and agrees with the reference.
    pub fn agrees(&self) -> bool {
        match self.outcome {
            Outcome::Ran { deviation, .. } => deviation.agrees(self.choice.precision),
            Outcome::Absent(_) => false,
        }
    }
}

/// The first that agrees with the reference, of trials in the order of [`Choice::all`].
pub fn first_to_agree(trials: &[Trial]) -> Option<&Trial> {
    trials.iter().find(|trial| trial.agrees())
}

/// A graph on a device, and what the reference makes of the probe.
pub struct Ground<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    device: &'a str,
    images: Vec<Vec<u8>>,
    reference: Vec<f32>,
}

impl<'a> Ground<'a> {
    /// Runs the reference over the probe.
    ///
    /// # Errors
    /// The weights do not fit, the graph reads no images, or the reference fails.
    pub fn new(
        graph: &'a Graph,
        weights: &'a Weights,
        device: &'a str,
    ) -> Result<Self, EngineError> {
        let images = probe::images(graph.input_shape());
        let slices: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let frozen = Choice::REFERENCE.prepare(graph, weights, device)?;
        let reference = frozen.run(&slices)?;
        Ok(Ground {
            graph,
            weights,
            device,
            images,
            reference,
        })
    }

    /// Tries one choice; gives the engine, too, if it ran.
    pub fn trial(&self, choice: Choice) -> (Trial, Option<Box<dyn Frozen>>) {
        let (outcome, frozen) = match self.run(choice) {
            Ok((outcome, frozen)) => (outcome, Some(frozen)),
            Err(error) => (Outcome::Absent(error.reason()), None),
        };
        (Trial { choice, outcome }, frozen)
    }

    fn run(&self, choice: Choice) -> Result<(Outcome, Box<dyn Frozen>), EngineError> {
        let slices: Vec<&[u8]> = self.images.iter().map(Vec::as_slice).collect();
        let started = Instant::now();
        let frozen = choice.prepare(self.graph, self.weights, self.device)?;
        let seconds_to_prepare = started.elapsed().as_secs_f64();
        let features = frozen.run(&slices)?;
        let width = self.graph.output_shape().len();
        let outcome = Outcome::Ran {
            deviation: Deviation::between(&features, &self.reference, width),
            images_per_second: speed(frozen.as_ref(), &slices)?,
            seconds_to_prepare,
        };
        Ok((outcome, frozen))
    }
}

/// Images a second, once everything is warm: the best of some runs, since nothing makes an engine
/// faster than it is.
fn speed(frozen: &dyn Frozen, probe: &[&[u8]]) -> Result<f64, EngineError> {
    let count = frozen.images_at_once().max(1);
    let images: Vec<&[u8]> = probe.iter().copied().cycle().take(count).collect();
    let begun = Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || begun.elapsed() < TIMED {
        let started = Instant::now();
        frozen.run(&images)?;
        best = best.min(started.elapsed().as_secs_f64());
    }
    Ok(images.len() as f64 / best.max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn ran(engine: Engine, precision: Precision, speed: f64, cosine: f64) -> Trial {
        Trial {
            choice: Choice { engine, precision },
            outcome: Outcome::Ran {
                images_per_second: speed,
                seconds_to_prepare: 0.0,
                deviation: Deviation {
                    cosine,
                    largest: 0.0,
                },
            },
        }
    }

    #[test]
    fn the_first_is_taken_of_those_that_agree_however_the_clock_ran() {
        use Engine::{Burn, Finial, OpenVino};
        use Precision::{Bf16, F32};
        let mut trials = vec![
            ran(OpenVino, Bf16, 200.0, 0.998),
            ran(Finial, Bf16, 150.0, 0.9991),
            ran(OpenVino, F32, 300.0, 0.9998),
            ran(Burn, F32, 1000.0, 1.0),
        ];
        assert_eq!(first_to_agree(&trials), Some(&trials[1]));
        trials.remove(1);
        let first = first_to_agree(&trials);
        assert_eq!(first.map(|trial| trial.choice.engine), Some(Burn));
        assert_eq!(first_to_agree(&[]), None);
    }

    #[test]
    fn a_deviation_is_that_of_the_worst_image() {
        let reference = [1.0, 0.0, 0.0, 2.0];
        assert_eq!(
            Deviation::between(&reference, &reference, 2),
            Deviation::NONE
        );
        let turned = Deviation::between(&[1.0, 0.0, 2.0, 2.0], &reference, 2);
        assert!((turned.cosine - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(turned.largest, 1.0);
        let zeros = Deviation::between(&[0.0; 4], &[0.0; 4], 2);
        assert!(zeros.agrees(Precision::F32));
        let lost = Deviation::between(&[0.0; 4], &reference, 2);
        assert!(!lost.agrees(Precision::Bf16));
    }
}
