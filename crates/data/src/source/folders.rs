//! Class folders: `DIR/<class>/…` or `DIR/<split>/<class>/…`.
//!
//! `survey` walks the folder and sorts what it finds; [`open`] decides which of the folders are
//! splits and which are classes, and makes samples of their images.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::Path;

use finial_task::RawLabels;

use super::survey::{Folder, Survey, utf8};
use super::words::names;
use super::{Layout, Sample, Source, SourceError};
use crate::Split;

/// Reads the survey as class folders.
pub(super) fn open(survey: Survey) -> Result<Source, SourceError> {
    let mut notes = survey.notes();
    let root = survey.root.clone();
    if survey.has_splits() {
        return open_splits(survey, notes);
    }
    let mut nested = Nested::default();
    for folder in survey.filled() {
        for image in &folder.images {
            nested.add(&folder.name, image);
        }
    }
    notes.extend(nested.note());
    notes.extend(meant(&survey, &nested));
    let (mut samples, mut classes) = (Vec::new(), Vec::new());
    for folder in survey.folders {
        for image in folder.images {
            samples.push(Sample {
                path: root.join(&folder.name).join(image),
                split: None,
                line: None,
            });
            classes.push(folder.name.clone());
        }
    }
    Ok(Source {
        root,
        layout: Layout::ClassFolders { splits: Vec::new() },
        samples,
        labels: RawLabels::Folders(classes),
        notes,
    })
}

fn open_splits(survey: Survey, mut notes: Vec<String>) -> Result<Source, SourceError> {
    let root = survey.root.clone();
    let mut splits: Vec<(Split, Folder)> = Vec::new();
    let mut others: Vec<Folder> = Vec::new();
    for folder in survey.folders {
        match folder.split() {
            _ if folder.images.is_empty() => {}
            Some(split) => splits.push((split, folder)),
            None => others.push(folder),
        }
    }
    splits.sort_by_key(|(split, _)| *split);
    if let (Some((_, split)), false) = (splits.first(), others.is_empty()) {
        let others: Vec<&str> = others.iter().map(|folder| folder.name.as_str()).collect();
        return Err(SourceError::MixedFolders {
            path: root,
            split: split.name.clone(),
            others: others.join("`, `"),
        });
    }

    let (mut samples, mut classes, mut written) = (Vec::new(), Vec::new(), Vec::new());
    let mut nested = Nested::default();
    for (split, folder) in &splits {
        let mut unlabelled: Vec<&Path> = Vec::new();
        let before = samples.len();
        for image in &folder.images {
            let Some(class) = class_inside(image) else {
                unlabelled.push(image);
                continue;
            };
            let path = root.join(&folder.name).join(image);
            let class = utf8(class, &path)?;
            nested.add(&class, image.strip_prefix(&class).unwrap_or(image));
            classes.push(class);
            samples.push(Sample {
                path,
                split: Some(*split),
                line: None,
            });
        }
        if let Some(first) = unlabelled.first() {
            let (name, first) = (&folder.name, first.display());
            notes.push(match unlabelled.len() {
                1 => format!(
                    "1 image in `{name}` lies outside of any class folder and was left out: \
                     `{name}/{first}`"
                ),
                count => format!(
                    "{count} images in `{name}` lie outside of any class folder and were left \
                     out, the first is `{name}/{first}`"
                ),
            });
        }
        if samples.len() > before {
            written.push(folder.name.clone());
        }
    }
    notes.extend(nested.note());
    every_class_is_trained(&root, &splits, &samples, &classes)?;
    Ok(Source {
        root,
        layout: Layout::ClassFolders { splits: written },
        samples,
        labels: RawLabels::Folders(classes),
        notes,
    })
}

/// Folders inside of class folders, by class. They count to the class, which is right for folders
/// of dates and wrong for `animals/cat`.
#[derive(Default)]
struct Nested(BTreeMap<String, BTreeSet<String>>);

impl Nested {
    /// Takes note of an image's path inside its class folder.
    fn add(&mut self, class: &str, image: &Path) {
        if let Some(folder) = class_inside(image) {
            let folders = self.0.entry(class.to_owned()).or_default();
            folders.insert(folder.to_string_lossy().into_owned());
        }
    }

    fn note(&self) -> Option<String> {
        const SHOWN: usize = 3;
        let class = |(class, folders): (&String, &BTreeSet<String>)| {
            let inner = names(folders.iter().map(String::as_str));
            format!("`{class}` ({inner})")
        };
        let classes: Vec<String> = self.0.iter().take(SHOWN).map(class).collect();
        let more = match self.0.len().saturating_sub(SHOWN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!classes.is_empty()).then(|| {
            format!(
                "images in sub-folders count to the folder at the top: {}{more}",
                classes.join(", ")
            )
        })
    }
}

/// The folder that was probably meant, where the one given holds a single folder of folders.
fn meant(survey: &Survey, nested: &Nested) -> Option<String> {
    let mut filled = survey.filled();
    let (only, None) = (filled.next()?, filled.next()) else {
        return None;
    };
    let inner = nested.0.get(&only.name)?;
    (inner.len() > 1).then(|| {
        format!(
            "`{}` is the only folder with images, so all of them are of one class; did you mean \
             `{}`?",
            only.name,
            survey.root.join(&only.name).display()
        )
    })
}

/// Refuses classes that only validation or test show.
fn every_class_is_trained(
    root: &Path,
    splits: &[(Split, Folder)],
    samples: &[Sample],
    classes: &[String],
) -> Result<(), SourceError> {
    let of = |split: Split| -> BTreeSet<&str> {
        let pairs = samples.iter().zip(classes);
        pairs
            .filter(|(sample, _)| sample.split == Some(split))
            .map(|(_, class)| class.as_str())
            .collect()
    };
    let trained = of(Split::Train);
    let Some((_, train)) = splits.iter().find(|(split, _)| *split == Split::Train) else {
        return Ok(()); // `split` says what is missing
    };
    for (split, folder) in splits {
        let unknown: Vec<&str> = of(*split).difference(&trained).copied().collect();
        if !unknown.is_empty() {
            return Err(SourceError::ClassNotInTrain {
                path: root.to_owned(),
                split: folder.name.clone(),
                train: train.name.clone(),
                classes: unknown.join("`, `"),
                known: names(trained),
            });
        }
    }
    Ok(())
}

/// The first folder of a path inside a split folder; `None` if the image lies in the split itself.
pub(super) fn class_inside(image: &Path) -> Option<&OsStr> {
    let mut parts = image.components();
    let first = parts.next()?;
    parts.next().map(|_| first.as_os_str())
}
