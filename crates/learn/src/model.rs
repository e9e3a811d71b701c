//! What is saved and read again: a folder of five files.
//!
//! - `model.json`: graph, task, labels, and where every number came from.
//! - `model.safetensors`: the weights.
//! - `metrics.json`: the scores.
//! - `report.html`: what a person reads.
//! - `split.csv`: which image was used for what, by path and content.

use std::fs;
use std::path::{Path, PathBuf};

use finial_data::ImageFit;
use finial_graph::{Graph, Weights};
use finial_task::{Activation, LabelSource, Loss, Task};
use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::fit::FitOptions;
use crate::head::HeadOptions;

/// The version of the folder's layout.
const FORMAT: u32 = 1;

/// A trained model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// From the 8-bit image to probabilities or numbers.
    pub graph: Graph,
    /// The node in which the frozen part ends.
    pub cut: String,
    /// Its parameters.
    pub weights: Weights,
    /// The question and the names that answer it.
    pub task: Task,
    /// Where the labels stood in the training data.
    pub labels: LabelSource,
    /// How an image is brought to the input's size.
    pub image: ImageFit,
    /// Where it all came from.
    pub provenance: Provenance,
}

/// Where every number of a model came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The version of finial.
    pub finial: String,
    /// When, in UTC.
    pub created: String,
    /// The data, as it was named.
    pub data: String,
    /// A digest of every image's content and label.
    pub data_fingerprint: String,
    /// How it was split, a sentence.
    pub split: String,
    /// The backbone's name.
    pub backbone: String,
    /// Where its weights came from.
    pub backbone_source: String,
    /// A digest of its weights.
    pub backbone_fingerprint: String,
    /// The head that was asked for.
    pub head: HeadOptions,
    /// How it was trained.
    pub fit: FitOptions,
    /// Images per step.
    pub batch: usize,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: usize,
    /// Where it was trained.
    pub device: String,
}

/// `model.json`.
#[derive(Serialize, Deserialize)]
struct Record {
    format: u32,
    task: Task,
    /// What follows from the task, for readers; never read back.
    #[serde(skip_deserializing, default)]
    final_layer: Option<FinalLayer>,
    labels: LabelSource,
    image: ImageFit,
    cut: String,
    provenance: Provenance,
    graph: Graph,
}

#[derive(Serialize)]
struct FinalLayer {
    units: usize,
    activation: Activation,
    loss: Loss,
}

/// A file of the folder besides the model itself.
pub struct Attachment {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub bytes: Vec<u8>,
}

impl Model {
    /// The frozen part and the head.
    ///
    /// # Errors
    /// The stored cut is not a node of the graph.
    pub fn parts(&self) -> Result<(Graph, Graph), LearnError> {
        Ok(self.graph.cut_at(&self.cut)?)
    }

    /// Writes the folder: all of it, or nothing.
    ///
    /// # Errors
    /// `folder` exists, or a file cannot be written.
    pub fn save(&self, folder: &Path, attachments: &[Attachment]) -> Result<(), LearnError> {
        refuse_existing(folder)?;
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(LearnError::file(parent))?;
        let beside = tempfile::Builder::new()
            .prefix(".finial-unfinished-")
            .tempdir_in(parent)
            .map_err(LearnError::file(parent))?;
        let record = Record {
            format: FORMAT,
            task: self.task.clone(),
            final_layer: Some(FinalLayer {
                units: self.task.units(),
                activation: self.task.activation(),
                loss: self.task.loss(),
            }),
            labels: self.labels.clone(),
            image: self.image,
            cut: self.cut.clone(),
            provenance: self.provenance.clone(),
            graph: self.graph.clone(),
        };
        let json = to_json(&record, &beside.path().join("model.json"))?;
        let weights = self.weights.to_safetensors()?;
        let own = [("model.json", json), ("model.safetensors", weights)];
        let others = attachments.iter().map(|a| (a.name, a.bytes.clone()));
        for (name, bytes) in own.into_iter().chain(others) {
            let path = beside.path().join(name);
            fs::write(&path, bytes).map_err(LearnError::file(&path))?;
        }
        readable_by_others(beside.path());
        let beside = beside.keep();
        fs::rename(&beside, folder).map_err(|error| {
            // Best effort: the rename's own error is the one to report.
            let _ = fs::remove_dir_all(&beside);
            LearnError::file(folder)(error)
        })
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// It is not a model folder, is of a newer version, or is damaged.
    pub fn load(folder: &Path) -> Result<Self, LearnError> {
        let not_a_model = |reason: String| LearnError::NotAModel {
            path: folder.to_owned(),
            reason,
        };
        let read = |name: &str| {
            fs::read(folder.join(name))
                .map_err(|error| not_a_model(format!("expected a file {name} in it, {error}")))
        };
        let json = read("model.json")?;
        let record: Record = serde_json::from_slice(&json)
            .map_err(|error| not_a_model(format!("model.json: {error}")))?;
        if record.format != FORMAT {
            return Err(not_a_model(format!(
                "model.json has format {}, this finial reads {FORMAT}",
                record.format
            )));
        }
        let mut all = Weights::from_safetensors(&read("model.safetensors")?)?;
        let weights = record.graph.take_weights(&mut all)?;
        let model = Model {
            graph: record.graph,
            cut: record.cut,
            weights,
            task: record.task,
            labels: record.labels,
            image: record.image,
            provenance: record.provenance,
        };
        let (_, head) = model.parts()?;
        if head.output_shape() != finial_graph::Shape::Vector([model.task.units()]) {
            return Err(not_a_model(format!(
                "the {} task needs {} outputs, the graph has {}",
                model.task.kind(),
                model.task.units(),
                head.output_shape()
            )));
        }
        Ok(model)
    }
}

/// The output must not be there yet.
///
/// # Errors
/// It is.
pub fn refuse_existing(folder: &Path) -> Result<(), LearnError> {
    match folder.symlink_metadata() {
        Ok(_) => Err(LearnError::OutputExists(PathBuf::from(folder))),
        Err(_) => Ok(()),
    }
}

/// A document as people like to read it.
pub(crate) fn to_json(document: &impl Serialize, path: &Path) -> Result<Vec<u8>, LearnError> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| LearnError::file(path)(error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A temporary folder is its owner's alone; a model is a folder like any other.
fn readable_by_others(folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let open = fs::Permissions::from_mode(0o755);
        // Without it the model is merely private.
        let _ = fs::set_permissions(folder, open);
    }
    #[cfg(not(unix))]
    let _ = folder;
}
