//! Using a model on images.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use finial_data::{Pixels, read_file};
use finial_engine::{Frozen, Network, Precision, device};
use finial_task::{Guaranteed, Prediction, Reach, Task};
use rayon::prelude::*;

use crate::certainty::check_coverage;
use crate::decoder::Decoder;
use crate::engine::{self, EngineOptions, RECORDS, decide, soonest};
use crate::{LearnError, Model, Progress};

/// For no more images than these, trying engines or waiting for one to compile its network takes
/// longer than what is gained.
const FEW: usize = 16;

/// A model on a device, ready to answer.
pub struct Predictor {
    model: Model,
    frozen: Box<dyn Frozen>,
    head: Network,
    decoder: Decoder,
    reach: Option<Reach>,
}

/// The frozen part of a model.
fn network<'a>(
    model: &'a Model,
    device: &'a str,
    fingerprint: &'a [u8; 32],
) -> engine::Network<'a> {
    engine::Network {
        graph: model.frozen(),
        weights: model.weights(),
        device,
        fingerprint,
    }
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
    /// The model on the device of that name, by the engine that is ready soonest.
    ///
    /// # Errors
    /// The device is not there.
    pub fn new(model: Model, device: &str) -> Result<Self, LearnError> {
        let frozen = soonest(&network(&model, device, &[0; 32]), Precision::F32)?;
        Predictor::by(model, frozen, device)
    }

    /// The model for so many images. For a few, the engine that is ready soonest runs it, unless
    /// the options ask for one; for more, the fastest, as decisions kept in the feature store's
    /// `folder` or trials say.
    ///
    /// # Errors
    /// The device is not there, or no engine is as the options ask.
    pub fn for_images(
        model: Model,
        images: usize,
        device: &str,
        options: EngineOptions,
        folder: Option<&Path>,
        progress: &dyn Progress,
    ) -> Result<Self, LearnError> {
        if images <= FEW && options == EngineOptions::default() {
            return Predictor::new(model, device);
        }
        let fingerprint = engine::fingerprint(model.frozen(), model.weights())?;
        let network = network(&model, device, &fingerprint);
        let options = options.for_model(model.provenance().engine.as_ref());
        let records = folder.map(|folder| folder.join(RECORDS));
        let (decision, tried) = decide(&network, options, records.as_deref(), progress)?;
        let frozen = match tried {
            Some(frozen) => frozen,
            None => network.prepare(decision.choice)?,
        };
        Predictor::by(model, frozen, device)
    }

    fn by(model: Model, frozen: Box<dyn Frozen>, device: &str) -> Result<Self, LearnError> {
        let on = device::named(device)?;
        let head = Network::new(model.head().graph(), model.weights(), &on)?;
        let decoder = Decoder::new(model.image());
        let reach = model.certainty().reach(None);
        Ok(Predictor {
            model,
            frozen,
            head,
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
            let outputs = self.head.run(self.frozen.run(&readable)?)?;
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
        let outputs = self.head.run(self.frozen.run(&[&pixels.rgb])?)?;
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
