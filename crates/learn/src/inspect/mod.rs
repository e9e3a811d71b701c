//! What is suspicious in a data set: labels that are probably wrong, pictures that are there twice,
//! images that are odd.
//!
//! - [`labels`]: every image is asked about by a head that did not learn from it.
//! - [`twins`]: perceptual hashes, all with all.
//! - [`odd`]: far from everything else, blank, small, of another shape.
//!
//! Everything comes from the stored features and from what was seen of the image when it was
//! decoded ([`finial_data::Look`]); no image is read again. How it is told is decided in `report`.

pub mod labels;
pub mod odd;
pub mod twins;

use finial_data::{Source, Split};
use finial_task::TaskKind;
use serde::{Serialize, Serializer};

use crate::prepare::Prepared;
use crate::{LearnError, Progress};

/// What is suspicious in a data set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The kind of task.
    pub task: TaskKind,
    /// Images that were looked at.
    pub images: usize,
    /// Each of them, with what is said of it by a head that did not learn from it; nothing where there
    /// are too few to learn from.
    #[serde(skip)]
    pub answers: Vec<(Subject, Vec<f32>)>,
    /// Labels that are probably wrong, the least believable first.
    pub labels: Vec<labels::Doubt>,
    /// Pictures that are nearly the same, on two sides of the split or with two labels; the most
    /// alike first.
    pub twins: Vec<twins::Twins>,
    /// How many of those there are: no more than [`twins::MOST`] are listed.
    pub twins_in_all: usize,
    /// Odd images, the oddest of each reason first.
    pub odd: Vec<odd::Odd>,
}

/// An image that something is said about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subject {
    /// Its row in the features.
    #[serde(skip)]
    pub row: usize,
    /// Its path within the data.
    pub image: String,
    /// Its split.
    #[serde(serialize_with = "in_words")]
    pub split: Option<Split>,
    /// Its label in words.
    pub label: String,
}

fn in_words<S: Serializer>(split: &Option<Split>, serializer: S) -> Result<S::Ok, S::Error> {
    match split {
        Some(split) => serializer.collect_str(split),
        None => serializer.serialize_none(),
    }
}

impl Subject {
    pub(crate) fn new(prepared: &Prepared, row: usize) -> Self {
        let source = &prepared.source;
        let sample = prepared.features.kept.get(row);
        let path = sample.and_then(|&sample| source.samples.get(sample));
        let path = path
            .map(|sample| sample.path.as_path())
            .unwrap_or(&source.root);
        let target = prepared.targets.row(row).unwrap_or_default();
        Subject {
            row,
            image: path
                .strip_prefix(&source.root)
                .unwrap_or(path)
                .display()
                .to_string(),
            split: prepared.plan.assignment.get(row).copied().flatten(),
            label: prepared.inference.task.describe_target(target),
        }
    }
}

impl Inspection {
    /// What was found as a page shows it: in groups, the first of each with their thumbnails.
    pub fn groups(&self, source: &Source) -> Vec<finial_report::inspection::Group> {
        crate::report::groups(self, source)
    }
}

/// Looks through a data set. Images that were set aside, as copies are, are not in it.
///
/// # Errors
/// A head cannot be trained, or the features cannot be read.
pub fn inspect(
    prepared: &Prepared,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Inspection, LearnError> {
    let assignment = &prepared.plan.assignment;
    let rows: Vec<usize> = (0..assignment.len())
        .filter(|&row| assignment[row].is_some())
        .collect();
    let (twins, twins_in_all) = twins::find(prepared, &rows);
    let outputs = labels::out_of_fold(prepared, &rows, seed, progress)?;
    let units = prepared.inference.task.units();
    let answers = rows.iter().zip(outputs.chunks_exact(units));
    Ok(Inspection {
        task: prepared.inference.task.kind(),
        images: rows.len(),
        answers: answers
            .map(|(&row, answer)| (Subject::new(prepared, row), answer.to_vec()))
            .collect(),
        labels: labels::doubtful(prepared, &rows, &outputs)?,
        twins,
        twins_in_all,
        odd: odd::find(prepared, &rows)?,
    })
}
