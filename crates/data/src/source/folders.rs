//! Class folders: `DIR/<class>/…` or `DIR/<split>/<class>/…`.
//!
//! [`survey`] walks the folder once and sorts what it finds into top-level folders; [`open`]
//! decides which of these are splits and which are classes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use finial_task::RawLabels;
use walkdir::{DirEntry, WalkDir};

use super::error::names;
use super::table::TableFormat;
use super::{Layout, Sample, Source, SourceError};
use crate::Split;

/// File name endings of the image formats that are read, in lower case.
pub(super) const IMAGE_EXTENSIONS: [&str; 8] =
    ["jpg", "jpeg", "png", "webp", "bmp", "gif", "tif", "tiff"];

/// Whether a path ends like an image file.
pub(super) fn looks_like_image(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|end| {
        IMAGE_EXTENSIONS
            .iter()
            .any(|known| end.eq_ignore_ascii_case(known))
    })
}

/// What lies in a folder.
pub(super) struct Survey {
    root: PathBuf,
    folders: Vec<Folder>,
    /// Tables that lie in the folder itself.
    pub(super) tables: Vec<PathBuf>,
    /// Images that lie in the folder itself.
    loose: Vec<PathBuf>,
    /// Files that are neither images nor tables.
    other_files: usize,
    /// Links that lead nowhere or back to where they came from.
    dead_links: usize,
}

/// A folder at the top and the images under it, as paths relative to it.
struct Folder {
    name: String,
    images: Vec<PathBuf>,
}

impl Folder {
    /// The split that the folder is named for.
    fn split(&self) -> Option<Split> {
        Split::parse(&self.name)
    }

    /// Whether it holds folders that hold images.
    fn has_folders(&self) -> bool {
        self.images.iter().any(|path| path.components().count() > 1)
    }
}

/// Walks the folder once, links included.
pub(super) fn survey(root: &Path) -> Result<Survey, SourceError> {
    let mut survey = Survey {
        root: root.to_owned(),
        folders: Vec::new(),
        tables: Vec::new(),
        loose: Vec::new(),
        other_files: 0,
        dead_links: 0,
    };
    let walk = WalkDir::new(root)
        .min_depth(1)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_visible);
    for entry in walk {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if is_dead_link(&error) => {
                survey.dead_links += 1;
                continue;
            }
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                return Err(SourceError::reading(&path, error.into()));
            }
        };
        survey.add(entry)?;
    }
    Ok(survey)
}

/// Every image file below a folder, in an order that is the same on every machine. Hidden files
/// and links that lead nowhere are passed over.
///
/// # Errors
///
/// [`SourceError`] when a folder cannot be read.
pub fn images_in(folder: &Path) -> Result<Vec<PathBuf>, SourceError> {
    let mut images = Vec::new();
    let walk = WalkDir::new(folder)
        .follow_links(true)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(is_visible);
    for entry in walk {
        match entry {
            Ok(entry) if entry.file_type().is_file() && looks_like_image(entry.path()) => {
                images.push(entry.into_path());
            }
            Ok(_) => {}
            Err(error) if is_dead_link(&error) => {}
            Err(error) => {
                let path = error.path().unwrap_or(folder).to_owned();
                return Err(SourceError::reading(&path, error.into()));
            }
        }
    }
    Ok(images)
}

/// A loop is one only if the link is followed; so is a link whose target is gone.
fn is_dead_link(error: &walkdir::Error) -> bool {
    let is_link = || error.path().is_some_and(Path::is_symlink);
    error.loop_ancestor().is_some() || is_link()
}

/// Leaves out what operating systems put beside the user's files.
fn is_visible(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy();
    entry.depth() == 0
        || !(name.starts_with('.')
            || name == "__MACOSX"
            || name.eq_ignore_ascii_case("thumbs.db")
            || name.eq_ignore_ascii_case("desktop.ini"))
}

impl Survey {
    fn add(&mut self, entry: DirEntry) -> Result<(), SourceError> {
        if entry.file_type().is_dir() {
            if entry.depth() == 1 {
                let name = utf8(entry.file_name(), entry.path())?;
                let images = Vec::new();
                self.folders.push(Folder { name, images });
            }
            return Ok(());
        }
        let is_image = looks_like_image(entry.path());
        if entry.depth() == 1 {
            if is_image {
                self.loose.push(entry.into_path());
            } else if TableFormat::of(entry.path()).is_ok() {
                self.tables.push(entry.into_path());
            } else {
                self.other_files += 1;
            }
        } else if let Some(folder) = self.folders.last_mut().filter(|_| is_image) {
            let inside = entry.path().strip_prefix(self.root.join(&folder.name));
            folder.images.extend(inside.map(Path::to_owned));
        } else {
            self.other_files += 1;
        }
        Ok(())
    }

    /// The folders that hold images.
    fn filled(&self) -> impl Iterator<Item = &Folder> {
        self.folders
            .iter()
            .filter(|folder| !folder.images.is_empty())
    }

    /// Whether any folder is a split: named for one, with class folders in it. A folder `train`
    /// that holds images directly, beside `bus` and `car`, is a class.
    fn has_splits(&self) -> bool {
        self.filled()
            .any(|folder| folder.split().is_some() && folder.has_folders())
    }

    /// Whether this is a data set of class folders. One folder of images beside a table is not:
    /// the table says what is in it.
    pub(super) fn has_class_folders(&self) -> bool {
        match self.class_names().len() {
            0 => false,
            1 => self.tables.is_empty() || self.has_splits(),
            _ => true,
        }
    }

    /// The first classes by name, or all split folders' classes where there are splits.
    pub(super) fn class_names(&self) -> Vec<String> {
        let names: BTreeSet<String> = if self.has_splits() {
            self.filled()
                .filter(|folder| folder.split().is_some())
                .flat_map(|folder| &folder.images)
                .filter_map(|path| class_inside(path))
                .map(|name| name.to_string_lossy().into_owned())
                .collect()
        } else if self.filled().all(|folder| folder.split().is_some()) {
            BTreeSet::new()
        } else {
            self.filled().map(|folder| folder.name.clone()).collect()
        };
        names.into_iter().take(5).collect()
    }

    /// Why a folder without class folders and without tables is no data set.
    pub(super) fn without_classes(self) -> SourceError {
        let path = self.root.clone();
        let mut images = self.loose.len();
        let mut example = self.loose.first().cloned();
        for folder in self.filled() {
            images += folder.images.len();
            let first = folder.images.first();
            example = example.or_else(|| first.map(|image| Path::new(&folder.name).join(image)));
        }
        match example {
            Some(example) => SourceError::NoClassFolders {
                example: example
                    .strip_prefix(&path)
                    .unwrap_or(&example)
                    .display()
                    .to_string(),
                path,
                images,
            },
            None if self.other_files > 0 => SourceError::NoImages {
                path,
                files: self.other_files,
            },
            None => SourceError::EmptyFolder { path },
        }
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut count = |number: usize, one: &str, many: &str| match number {
            0 => {}
            1 => notes.push(format!("1 {one}")),
            _ => notes.push(format!("{number} {many}")),
        };
        count(
            self.other_files,
            "file is not an image and was left out",
            "files are not images and were left out",
        );
        count(
            self.dead_links,
            "link leads nowhere or in a circle and was left out",
            "links lead nowhere or in a circle and were left out",
        );
        count(
            self.loose.len(),
            "image lies beside the class folders and was left out",
            "images lie beside the class folders and were left out",
        );
        let empty = self
            .folders
            .iter()
            .filter(|folder| folder.images.is_empty());
        let empty: Vec<&str> = empty.map(|folder| folder.name.as_str()).collect();
        if !empty.is_empty() {
            notes.push(format!("there are no images in {}", names(empty)));
        }
        notes
    }
}

/// Reads the survey as class folders.
pub(super) fn open(survey: Survey) -> Result<Source, SourceError> {
    let notes = survey.notes();
    let root = survey.root.clone();
    if survey.has_splits() {
        return open_splits(survey, notes);
    }
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
    for (split, folder) in &splits {
        let mut unlabelled = 0;
        let before = samples.len();
        for image in &folder.images {
            let Some(class) = class_inside(image) else {
                unlabelled += 1;
                continue;
            };
            let path = root.join(&folder.name).join(image);
            classes.push(utf8(class, &path)?);
            samples.push(Sample {
                path,
                split: Some(*split),
                line: None,
            });
        }
        if unlabelled > 0 {
            notes.push(format!(
                "images in `{}` outside of any class folder were left out: {unlabelled}",
                folder.name
            ));
        }
        if samples.len() > before {
            written.push(folder.name.clone());
        }
    }
    every_class_is_trained(&root, &splits, &samples, &classes)?;
    Ok(Source {
        root,
        layout: Layout::ClassFolders { splits: written },
        samples,
        labels: RawLabels::Folders(classes),
        notes,
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
fn class_inside(image: &Path) -> Option<&OsStr> {
    let mut parts = image.components();
    let first = parts.next()?;
    parts.next().map(|_| first.as_os_str())
}

fn utf8(name: &OsStr, path: &Path) -> Result<String, SourceError> {
    let name = name.to_str().map(str::to_owned);
    name.ok_or_else(|| SourceError::NameNotUtf8 {
        path: path.to_owned(),
    })
}
