//! Four small data sets, one per task, that lie in the binary and are written out as plain files.
//!
//! [`write()`] lays them into a folder; each [`DemoSet`] says what is to be learned from it and in
//! which layout it comes, so that together they show the four tasks and the layouts that a user's
//! own data can have:
//!
//! | name | task | layout | images |
//! |---|---|---|---|
//! | `kinds` | multi-class | class folders | 349 |
//! | `animal-or-plant` | binary | class folders in split folders | 185 |
//! | `keywords` | multi-label | CSV with several names in a cell | 392 |
//! | `fish` | regression | JSON Lines with a number | 200 |
//!
//! The pictures are emoji of the Noto family; where they come from, how they were chosen, and that
//! they were changed only for `fish`, is said by `make_sample.py` and `sample/NOTICE.txt` beside
//! this crate. `archive` reads what is embedded, `folder` writes and compares. Training on the
//! sets is not done here: that is `finial demo`, through the same door as any user's data.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let parent = tempfile::tempdir()?;
//! let folder = parent.path().join("demo");
//! let sets = finial_demo::write(&folder)?;
//! assert_eq!(sets.len(), 4);
//! assert_eq!(sets[3].question, "How many fish are in the picture?");
//! assert!(sets[3].path.ends_with("fish/fish.jsonl"));
//! # Ok(())
//! # }
//! ```

mod archive;
mod error;
mod folder;

use std::path::{Path, PathBuf};

pub use error::DemoError;

/// One of the data sets, as it lies on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DemoSet {
    /// Short name, also that of its folder.
    pub name: &'static str,
    /// Heading of a few words.
    pub title: &'static str,
    /// What is to be learned, as one plain question.
    pub question: &'static str,
    /// What to train on: the folder, or the table in it.
    pub path: PathBuf,
    /// How the labels are given, in a phrase.
    pub layout: &'static str,
}

/// The sets in the order of the task table. `path` starts at the demo folder.
const SETS: [Row; 4] = [
    Row {
        name: "kinds",
        title: "Five kinds of things",
        question: "Is it an animal, a building, clothing, food or a vehicle?",
        path: "kinds",
        layout: "class folders, not yet split",
    },
    Row {
        name: "animal-or-plant",
        title: "Animal or plant",
        question: "Is it an animal or a plant?",
        path: "animal-or-plant",
        layout: "class folders in train, val and test",
    },
    Row {
        name: "keywords",
        title: "Keywords",
        question: "Which of nine keywords go with the picture?",
        path: "keywords/keywords.csv",
        layout: "CSV table with several names in a cell, such as `animal|nature`",
    },
    Row {
        name: "fish",
        title: "Counting fish",
        question: "How many fish are in the picture?",
        path: "fish/fish.jsonl",
        layout: "JSON Lines with a number for each picture",
    },
];

/// A [`DemoSet`] before it is known where it lies.
struct Row {
    name: &'static str,
    title: &'static str,
    question: &'static str,
    path: &'static str,
    layout: &'static str,
}

/// Writes the data sets into `folder`, with the licences of the pictures beside them.
///
/// The files are the same on every run and every machine. They are written to a new folder beside
/// `folder` and moved into place when all are there. A `folder` that holds them already is used
/// as it is; whatever else lies at its top is left alone.
///
/// # Errors
///
/// [`DemoError::Missing`], [`DemoError::Changed`] and [`DemoError::Extra`] when `folder` is there
/// but what it holds is not the data sets as written, [`DemoError::NotAFolder`] when it is a file,
/// and [`DemoError::Io`] when the operating system refuses. Nothing that is there is overwritten.
pub fn write(folder: &Path) -> Result<Vec<DemoSet>, DemoError> {
    let files = archive::files()?;
    folder::ensure(folder, &files, &SETS.map(|set| set.name))?;
    let sets = SETS.iter().map(|set| DemoSet {
        name: set.name,
        title: set.title,
        question: set.question,
        path: folder.join(set.path),
        layout: set.layout,
    });
    Ok(sets.collect())
}
