//! A trained model as a file of Keras, ONNX or safetensors.
//!
//! What the files look like is `finial-formats`' matter; here is what a task is called in them.

use std::path::Path;

use finial_formats::keras::{self, Compile, ExportOptions};
use finial_formats::onnx::{self, Description, Input};
use finial_task::{Loss, Task, TaskKind, Thresholds};
use serde::Serialize;

use crate::model::to_json;
use crate::{LearnError, Model};

/// A format to export to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// `.keras`: the network from the image, with RGB from 0 to 255, to the answer, compiled with
    /// the loss, metrics and optimizer of its task.
    Keras,
    /// `.onnx`: the network from 8-bit RGB images `[N, H, W, 3]` to the answer.
    Onnx,
    /// `.safetensors`: the weights alone, by layer.
    Safetensors,
}

impl ExportFormat {
    /// How its files end.
    pub fn extension(self) -> &'static str {
        match self {
            ExportFormat::Keras => "keras",
            ExportFormat::Onnx => "onnx",
            ExportFormat::Safetensors => "safetensors",
        }
    }
}

impl Model {
    /// Writes the model to `path` in another format, whole or not at all.
    ///
    /// # Errors
    /// The format has no place for a layer of the network, or the file cannot be written.
    pub fn export(&self, format: ExportFormat, path: &Path) -> Result<(), LearnError> {
        let (graph, task) = (self.graph()?, self.task());
        match format {
            ExportFormat::Keras => {
                let notes = to_json(
                    &Notes {
                        task,
                        thresholds: &self.certainty().thresholds,
                    },
                    path,
                )?;
                let options = ExportOptions {
                    compile: Some(compiled(task, self.provenance().fit.learning_rate)),
                    notes: Some(String::from_utf8_lossy(&notes).into_owned()),
                };
                keras::export(&graph, self.weights(), &options, path)?;
            }
            ExportFormat::Onnx => {
                let description = Description {
                    input: Input::Rgb8,
                    output: output(task.kind()).to_owned(),
                    task: Some(task.kind().to_string()),
                    classes: task.names().to_vec(),
                    thresholds: self.certainty().thresholds.values().to_vec(),
                };
                onnx::export(&graph, self.weights(), &description, path)?;
            }
            ExportFormat::Safetensors => {
                finial_formats::export_safetensors(self.weights(), path)?;
            }
        }
        Ok(())
    }
}

/// What a Keras file says of the task beside the network: what to make of its output.
#[derive(Serialize)]
struct Notes<'a> {
    #[serde(flatten)]
    task: &'a Task,
    thresholds: &'a Thresholds,
}

/// What the task's answer is called in a file.
fn output(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::MultiClass | TaskKind::Binary | TaskKind::MultiLabel => "probabilities",
        TaskKind::Regression => "values",
    }
}

/// The task's loss and metrics by their names in Keras. Never `accuracy`, which Keras makes an
/// argmax for labels that can occur together.
fn compiled(task: &Task, learning_rate: f64) -> Compile {
    let metric = match task.kind() {
        TaskKind::MultiClass => "categorical_accuracy",
        TaskKind::Binary | TaskKind::MultiLabel => "binary_accuracy",
        TaskKind::Regression => "mean_absolute_error",
    };
    let loss = match task.loss() {
        Loss::CategoricalCrossEntropy => "categorical_crossentropy",
        Loss::BinaryCrossEntropy => "binary_crossentropy",
        Loss::MeanSquaredError => "mean_squared_error",
    };
    Compile {
        loss: Some(loss.to_owned()),
        metrics: vec![metric.to_owned()],
        optimizer: Some("adam".to_owned()),
        learning_rate: Some(learning_rate),
    }
}
