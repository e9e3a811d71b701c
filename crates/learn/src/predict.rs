//! Using a model on images.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use finial_data::{Pixels, read_file};
use finial_engine::{Choice, Frozen};
use finial_task::{Guaranteed, Prediction, Reach, Task};
use rayon::prelude::*;

use crate::certainty::check_coverage;
use crate::decoder::Decoder;
use crate::{LearnError, Model};

/// A model on a device, ready to answer.
pub struct Predictor {
    model: Model,
    frozen: Box<dyn Frozen>,
    decoder: Decoder,
    reach: Option<Reach>,
}

/// What a model says of a file, or why it cannot.
#[derive(Debug)]
pub struct Answer {
    /// The file.
    pub path: PathBuf,
    /// The answer.
    pub prediction: Result<Prediction, LearnError>,
    /// The set or the intervals that hold the truth as often as was asked, if it was.
    pub guaranteed: Option<Guaranteed>,
}

impl Predictor {
    /// The model on the device of that name.
    ///
    /// # Errors
    /// The device is not there.
    pub fn new(model: Model, device: &str) -> Result<Self, LearnError> {
        let (graph, weights) = (model.graph()?, model.weights());
        let frozen = Choice::REFERENCE.prepare(&graph, weights, device)?;
        let decoder = Decoder::new(model.image());
        let reach = model.certainty().reach(None);
        Ok(Predictor {
            model,
            frozen,
            decoder,
            reach,
        })
    }

    /// The same with answers that hold the truth so often, in place of what the model was trained
    /// for.
    ///
    /// # Errors
    /// The coverage is not between 0 and 1, or the model is of a version that has none.
    pub fn with_coverage(mut self, coverage: f64) -> Result<Self, LearnError> {
        check_coverage(coverage)?;
        let reach = self.model.certainty().reach(Some(coverage));
        self.reach = Some(reach.ok_or(LearnError::NoCoverage)?);
        Ok(self)
    }

    /// The coverage of its sets or intervals, if it gives them.
    pub fn coverage(&self) -> Option<f64> {
        self.reach.as_ref().map(|reach| reach.coverage)
    }

    /// The task it answers.
    pub fn task(&self) -> &Task {
        self.model.task()
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Answers for each file, in order; `done` is called with every batch, so that any number of
    /// files needs no more memory than one batch, and may break off.
    ///
    /// # Errors
    /// The device failed. A file that cannot be read is an [`Answer`] that says so.
    pub fn predict_each(
        &self,
        paths: &[PathBuf],
        mut done: impl FnMut(Vec<Answer>) -> ControlFlow<()>,
    ) -> Result<(), LearnError> {
        for batch in paths.chunks(self.frozen.images_at_once()) {
            let pixels: Vec<Result<Pixels, LearnError>> =
                batch.par_iter().map(|path| self.pixels(path)).collect();
            let readable = pixels.iter().filter_map(|pixels| pixels.as_ref().ok());
            let readable: Vec<&[u8]> = readable.map(|pixels| pixels.rgb.as_slice()).collect();
            let outputs = self.frozen.run(&readable)?;
            let mut rows = outputs.chunks_exact(self.model.task().units());
            let answers = batch.iter().zip(pixels).map(|(path, pixels)| {
                let row = pixels.and_then(|_| rows.next().ok_or(LearnError::ResultCount));
                Answer {
                    path: path.clone(),
                    guaranteed: row.as_ref().ok().and_then(|row| self.guaranteed(row)),
                    prediction: row.map(|row| self.decode(row)),
                }
            });
            if done(answers.collect()).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The answer for one image file.
    ///
    /// # Errors
    /// The file cannot be read, or the device failed.
    pub fn predict(&self, path: &Path) -> Result<Prediction, LearnError> {
        let pixels = self.pixels(path)?;
        let outputs = self.frozen.run(&[&pixels.rgb])?;
        Ok(self.decode(&outputs))
    }

    fn decode(&self, outputs: &[f32]) -> Prediction {
        let thresholds = &self.model.certainty().thresholds;
        self.task().decode_at(outputs, thresholds)
    }

    fn guaranteed(&self, outputs: &[f32]) -> Option<Guaranteed> {
        let reach = self.reach.as_ref()?;
        Some(self.task().guaranteed(outputs, reach))
    }

    fn pixels(&self, path: &Path) -> Result<Pixels, LearnError> {
        let unreadable = |reason: String| LearnError::Image {
            path: path.to_owned(),
            reason,
        };
        let bytes = read_file(path).map_err(|error| unreadable(error.to_string()))?;
        self.decoder
            .decode(&bytes)
            .map_err(|error| unreadable(error.to_string()))
    }
}
