//! What lies in a folder: one walk, sorted into folders at the top, tables, images and the rest.
//!
//! Which of the folders are splits and which are classes is decided in `folders`.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use super::SourceError;
use super::endings::looks_like_image;
use super::folders::class_inside;
use super::table::TableFormat;
use super::words::{counted, names};
use crate::Split;

/// What lies in a folder.
pub(super) struct Survey {
    pub(super) root: PathBuf,
    pub(super) folders: Vec<Folder>,
    /// Tables that lie in the folder itself.
    pub(super) tables: Vec<PathBuf>,
    /// Images that lie in the folder itself.
    loose: Vec<PathBuf>,
    /// Files that are neither images nor tables.
    other_files: LeftOut,
    /// Links that lead nowhere or back to where they came from.
    dead_links: LeftOut,
}

/// A folder at the top and the images under it, as paths relative to it.
pub(super) struct Folder {
    pub(super) name: String,
    pub(super) images: Vec<PathBuf>,
}

impl Folder {
    /// The split that the folder is named for.
    pub(super) fn split(&self) -> Option<Split> {
        Split::parse(&self.name)
    }

    /// Whether it holds folders that hold images.
    fn has_folders(&self) -> bool {
        self.images.iter().any(|path| path.components().count() > 1)
    }
}

/// Files that are passed over: how many, and the first.
#[derive(Default)]
struct LeftOut {
    count: usize,
    first: PathBuf,
}

impl LeftOut {
    fn add(&mut self, path: &Path) {
        if self.count == 0 {
            self.first = path.to_owned();
        }
        self.count += 1;
    }
}

/// Walks the folder once, links included.
pub(super) fn survey(root: &Path) -> Result<Survey, SourceError> {
    let mut survey = Survey {
        root: root.to_owned(),
        folders: Vec::new(),
        tables: Vec::new(),
        loose: Vec::new(),
        other_files: LeftOut::default(),
        dead_links: LeftOut::default(),
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
                survey.dead_links.add(error.path().unwrap_or(root));
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

/// Every image file below a folder, in an order that is the same on every machine. Images of
/// formats that are not read are among them, so that they can be named; hidden files and links
/// that lead nowhere are passed over.
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
                self.other_files.add(entry.path());
            }
        } else if let Some(folder) = self.folders.last_mut().filter(|_| is_image) {
            let inside = entry.path().strip_prefix(self.root.join(&folder.name));
            folder.images.extend(inside.map(Path::to_owned));
        } else {
            self.other_files.add(entry.path());
        }
        Ok(())
    }

    /// The folders that hold images.
    pub(super) fn filled(&self) -> impl Iterator<Item = &Folder> {
        self.folders
            .iter()
            .filter(|folder| !folder.images.is_empty())
    }

    /// Whether any folder is a split: named for one, with class folders in it. A folder `train`
    /// that holds images directly, beside `bus` and `car`, is a class.
    pub(super) fn has_splits(&self) -> bool {
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
        let mut count = self.loose.len();
        let mut example = self.loose.first().cloned();
        for folder in self.filled() {
            count += folder.images.len();
            let first = folder.images.first();
            let first = first.map(|image| self.root.join(&folder.name).join(image));
            example = example.or(first);
        }
        match example {
            Some(example) => SourceError::NoClassFolders {
                example: self.relative(&example),
                images: count,
                path: self.root,
            },
            None if self.other_files.count > 0 => SourceError::NoImages {
                path: self.root,
                files: self.other_files.count,
            },
            None => SourceError::EmptyFolder { path: self.root },
        }
    }

    /// A path in the folder, for a sentence about the folder.
    fn relative(&self, path: &Path) -> String {
        let path = path.strip_prefix(&self.root).unwrap_or(path);
        path.display().to_string()
    }

    /// What was left out, a sentence each.
    pub(super) fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        let mut left_out = |count: usize, first: &Path, what: String| {
            let first = self.relative(first);
            match count {
                0 => {}
                1 => notes.push(format!("{what} and was left out: `{first}`")),
                _ => notes.push(format!("{what} and were left out, the first is `{first}`")),
            }
        };
        let LeftOut { count, first } = &self.other_files;
        let what = match count {
            1 => "1 file is not an image".to_owned(),
            _ => format!("{count} files are not images"),
        };
        left_out(*count, first, what);
        let LeftOut { count, first } = &self.dead_links;
        let what = match count {
            1 => "1 link leads nowhere or in a circle".to_owned(),
            _ => format!("{count} links lead nowhere or in a circle"),
        };
        left_out(*count, first, what);
        if let Some(first) = self.loose.first() {
            let count = self.loose.len();
            let lie = if count == 1 { "lies" } else { "lie" };
            let what = format!("{} {lie} beside the class folders", counted(count, "image"));
            left_out(count, first, what);
        }
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

/// A name that can be a class.
pub(super) fn utf8(name: &OsStr, path: &Path) -> Result<String, SourceError> {
    let name = name.to_str().map(str::to_owned);
    name.ok_or_else(|| SourceError::NameNotUtf8 {
        path: path.to_owned(),
    })
}
