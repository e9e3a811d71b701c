//! What is saved and read again: a folder of five files.
//!
//! - `model.json`: graph, task, labels, and where every number came from.
//! - `model.safetensors`: the weights.
//! - `metrics.json`: the scores.
//! - `report.html`: what a person reads.
//! - `split.csv`: which image was used for what, by path and content.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use finial_data::ImageFit;
use finial_graph::{Graph, Shape, Weights};
use finial_task::{Activation, LabelSource, Loss, Task};
use serde::{Deserialize, Serialize};

use crate::LearnError;
use crate::augment::Augmentation;
use crate::certainty::Certainty;
use crate::engine::Decision;
use crate::fit::FitOptions;
use crate::head::{Head, HeadOptions};
use crate::loss::LossOptions;
use crate::tune::TuneOptions;

/// The version of the folder's layout. Version 1 has no certainty; it is read all the same.
const FORMAT: u32 = 2;
const RECORD: &str = "model.json";
const WEIGHTS: &str = "model.safetensors";

/// A trained model: a frozen graph, the head of a task behind it, and the weights of both.
///
/// It holds together by construction: the head is its task's, the frozen part reads images of
/// the size that [`Model::image`] makes, and every parameter is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    frozen: Graph,
    head: Head,
    weights: Weights,
    labels: LabelSource,
    image: ImageFit,
    certainty: Certainty,
    provenance: Provenance,
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
    /// How pretrained layers were trained with it, if they were.
    #[serde(default)]
    pub tuned: Option<TunedPart>,
    /// How training images were changed, if they were.
    #[serde(default)]
    pub augmentation: Option<Augmentation>,
    /// With which loss.
    #[serde(default)]
    pub loss: LossOptions,
    /// Images per step.
    pub batch: usize,
    /// The epoch whose weights these are, from 1.
    pub best_epoch: usize,
    /// Where it was trained.
    pub device: String,
    /// What computed the features that it was trained on; finial said it only later.
    #[serde(default)]
    pub engine: Option<Decision>,
}

/// Which part of the network was trained with the head, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TunedPart {
    /// As it was asked for.
    pub options: TuneOptions,
    /// The node behind which everything was trained.
    pub cut: String,
    /// The epoch whose weights these are, from 1; 0 if the head alone was better, and the network
    /// is as it was published.
    pub best_epoch: usize,
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
    #[serde(default)]
    certainty: Option<Certainty>,
    provenance: Provenance,
    graph: Graph,
}

/// As much of `model.json` as every version has.
#[derive(Deserialize)]
struct Version {
    format: u32,
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
    /// A model of its parts.
    ///
    /// # Errors
    /// The parts do not fit each other, or a parameter is missing.
    pub fn new(
        frozen: Graph,
        head: Head,
        weights: Weights,
        labels: LabelSource,
        image: ImageFit,
        certainty: Certainty,
        provenance: Provenance,
    ) -> Result<Self, LearnError> {
        let misfit = |expected, found: Shape| LearnError::Setting {
            expected,
            found: found.to_string(),
        };
        let size = [image.height as usize, image.width as usize];
        if frozen.input_shape() != Shape::Map([3, size[0], size[1]]) {
            let expected = "a network that reads images of the stored size";
            return Err(misfit(expected, frozen.input_shape()));
        }
        if frozen.output_shape() != head.graph().input_shape() {
            let expected = "a frozen part that ends where the head begins";
            return Err(misfit(expected, frozen.output_shape()));
        }
        let mut parameters = frozen.parameters();
        parameters.extend(head.graph().parameters());
        weights.check(&parameters)?;
        Ok(Model {
            frozen,
            head,
            weights,
            labels,
            image,
            certainty,
            provenance,
        })
    }

    /// The question and the names that answer it.
    pub fn task(&self) -> &Task {
        self.head.task()
    }

    /// From the 8-bit image to the cut.
    pub fn frozen(&self) -> &Graph {
        &self.frozen
    }

    /// From the cut to the answer.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The parameters of both.
    pub fn weights(&self) -> &Weights {
        &self.weights
    }

    /// Where the labels stood in the training data.
    pub fn labels(&self) -> &LabelSource {
        &self.labels
    }

    /// How an image is brought to the input's size.
    pub fn image(&self) -> ImageFit {
        self.image
    }

    /// How sure its answers are.
    pub fn certainty(&self) -> &Certainty {
        &self.certainty
    }

    /// Where it all came from.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// The whole network, from the 8-bit image to the answer.
    ///
    /// # Errors
    /// A layer of the head has the name of one of the frozen part.
    pub fn graph(&self) -> Result<Graph, LearnError> {
        let mut graph = self.frozen.clone();
        graph.join(self.head.graph().clone())?;
        Ok(graph)
    }

    /// Writes the model and `attachments` into the reserved folder: all of it, or nothing.
    ///
    /// # Errors
    /// The folder has come to exist in the meantime, or a file cannot be written.
    pub fn save(&self, folder: Reserved, attachments: &[Attachment]) -> Result<(), LearnError> {
        let folder = folder.begin()?;
        let task = self.task();
        let record = Record {
            format: FORMAT,
            task: task.clone(),
            final_layer: Some(FinalLayer {
                units: task.units(),
                activation: task.activation(),
                loss: task.loss(),
            }),
            labels: self.labels.clone(),
            image: self.image,
            cut: self.frozen.output().to_owned(),
            certainty: Some(self.certainty.clone()),
            provenance: self.provenance.clone(),
            graph: self.graph()?,
        };
        folder.write(RECORD, &to_json(&record, &folder.path.join(RECORD))?)?;
        folder.write_weights(WEIGHTS, &self.weights)?;
        for attachment in attachments {
            folder.write(attachment.name, &attachment.bytes)?;
        }
        folder.commit()
    }

    /// Reads the folder.
    ///
    /// # Errors
    /// It is not a model folder, is of another version, is damaged, or ends in another final
    /// layer than its task calls for.
    pub fn load(folder: &Path) -> Result<Self, LearnError> {
        let not_a_model = |reason: String| LearnError::NotAModel {
            path: folder.to_owned(),
            reason,
        };
        let read = |name: &str| {
            fs::read(folder.join(name)).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => not_a_model(format!("there is no file {name} in it")),
                _ => LearnError::file(&folder.join(name))(error),
            })
        };
        let json = read(RECORD)?;
        let parse = |error: serde_json::Error| not_a_model(format!("{RECORD}: {error}"));
        // The version first: what a newer one holds may not be readable at all.
        let version: Version = serde_json::from_slice(&json).map_err(parse)?;
        if !(1..=FORMAT).contains(&version.format) {
            return Err(not_a_model(format!(
                "{RECORD} has format {}, this finial reads up to {FORMAT}",
                version.format
            )));
        }
        let record: Record = serde_json::from_slice(&json).map_err(parse)?;
        let mut all = Weights::from_safetensors(&read(WEIGHTS)?)?;
        let weights = record.graph.take_weights(&mut all)?;
        let (frozen, head) = record.graph.cut_at(&record.cut)?;
        let head = Head::checked(head, &record.task)?;
        let certainty = match record.certainty {
            None => Certainty::unknown(&record.task),
            Some(certainty) => certainty.checked(&record.task).ok_or_else(|| {
                let reason = "its thresholds or conformal scores are not those of its task";
                not_a_model(format!("{RECORD}: {reason}"))
            })?,
        };
        Model::new(
            frozen,
            head,
            weights,
            record.labels,
            record.image,
            certainty,
            record.provenance,
        )
    }
}

/// A model folder to be: looked into before the work, written at its end.
///
/// An output that cannot be written is known at once. Nothing stays on the disk meanwhile, so an
/// interrupted run leaves nothing behind; then the files are written beside it and moved into
/// place together.
#[derive(Debug)]
pub struct Reserved {
    path: PathBuf,
    parent: PathBuf,
}

/// The files of a model on their way.
struct Unfinished {
    path: PathBuf,
    beside: tempfile::TempDir,
}

impl Reserved {
    /// Reserves `folder`, which must not exist; its parent is made if needed.
    ///
    /// # Errors
    /// It exists, or its parent cannot be written to.
    pub fn new(folder: &Path) -> Result<Self, LearnError> {
        refuse_existing(folder)?;
        let parent = match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let unwritable = |error: io::Error| LearnError::Unwritable {
            path: folder.to_owned(),
            error: error.kind().to_string(),
        };
        fs::create_dir_all(parent).map_err(unwritable)?;
        // Removed at once: it has shown that there is room.
        beside(parent).map_err(unwritable)?;
        Ok(Reserved {
            path: folder.to_owned(),
            parent: parent.to_owned(),
        })
    }

    /// Where the folder will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn begin(self) -> Result<Unfinished, LearnError> {
        let beside = beside(&self.parent).map_err(LearnError::file(&self.parent))?;
        Ok(Unfinished {
            path: self.path,
            beside,
        })
    }
}

/// A folder of a name of its own in `parent`, removed unless it is kept.
fn beside(parent: &Path) -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".finial-unfinished-");
    // A model is a folder like any other, as the user's umask says.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    builder.tempdir_in(parent)
}

impl Unfinished {
    /// Writes a file, down to the disk.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LearnError> {
        let path = self.beside.path().join(name);
        let mut file = fs::File::create(&path).map_err(LearnError::file(&path))?;
        file.write_all(bytes).map_err(LearnError::file(&path))?;
        file.sync_all().map_err(LearnError::file(&path))
    }

    /// Writes weights, one tensor after the other, down to the disk.
    fn write_weights(&self, name: &str, weights: &Weights) -> Result<(), LearnError> {
        let path = self.beside.path().join(name);
        let failed = |error| LearnError::file(&path)(error);
        let mut out = io::BufWriter::new(fs::File::create(&path).map_err(failed)?);
        weights.write_safetensors(&mut out)?;
        let file = out
            .into_inner()
            .map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }

    /// Moves what was written into place.
    fn commit(self) -> Result<(), LearnError> {
        refuse_existing(&self.path)?;
        fs::rename(self.beside.path(), &self.path).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => {
                LearnError::OutputExists(self.path.clone())
            }
            _ => LearnError::file(&self.path)(error),
        })?;
        // It has moved: there is nothing left to remove.
        let _ = self.beside.keep();
        Ok(())
    }
}

/// The output must not be there yet.
///
/// # Errors
/// It is, or that cannot be told.
pub fn refuse_existing(path: &Path) -> Result<(), LearnError> {
    match path.symlink_metadata() {
        Ok(_) => Err(LearnError::OutputExists(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(LearnError::Unwritable {
            path: path.to_owned(),
            error: error.kind().to_string(),
        }),
    }
}

/// A document as people like to read it.
pub(crate) fn to_json(document: &impl Serialize, path: &Path) -> Result<Vec<u8>, LearnError> {
    let mut bytes = serde_json::to_vec_pretty(document)
        .map_err(|error| LearnError::file(path)(error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}
