//! The demo folder on disk: written whole or not at all, and never over something that is there.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::DemoError;
use crate::archive::Files;

/// Makes sure that `folder` holds exactly `files` in the folders named by `sets`.
pub(crate) fn ensure(folder: &Path, files: &Files, sets: &[&str]) -> Result<(), DemoError> {
    if is_absent_or_empty(folder)? {
        match create(folder, files) {
            // Another run was faster: what it wrote is compared like any other folder.
            Err(_) if !is_absent_or_empty(folder)? => {}
            done => return done,
        }
    }
    compare(folder, files, sets)
}

fn is_absent_or_empty(folder: &Path) -> Result<bool, DemoError> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(_) if folder.is_file() => Err(DemoError::NotAFolder {
            path: folder.to_owned(),
        }),
        Err(error) => Err(DemoError::io(folder)(error)),
    }
}

/// Writes the files beside `folder`, then moves them there in one step.
fn create(folder: &Path, files: &Files) -> Result<(), DemoError> {
    let parent = match folder.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(parent).map_err(DemoError::io(parent))?;
    let beside = tempfile::Builder::new()
        .prefix(".finial-demo-")
        .tempdir_in(parent)
        .map_err(DemoError::io(parent))?;
    // A folder inside of the temporary one, since that one can be entered by its owner only.
    let written = beside.path().join("demo");
    for (path, content) in files {
        let path = written.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(DemoError::io(parent))?;
        }
        fs::write(&path, content).map_err(DemoError::io(&path))?;
    }
    // Only some systems move a folder onto an empty one.
    match fs::remove_dir(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => fs::rename(&written, folder),
    }
    .map_err(DemoError::io(folder))
}

/// Says what differs first, in the order of the files' names: lacking, changed, then added.
fn compare(folder: &Path, files: &Files, sets: &[&str]) -> Result<(), DemoError> {
    for (file, content) in files {
        let path = folder.join(file);
        let (folder, file) = (folder.to_owned(), file.clone());
        match holds(&path, content) {
            Ok(true) => {}
            Ok(false) => return Err(DemoError::Changed { folder, file }),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(DemoError::Missing { folder, file });
            }
            Err(error) => return Err(DemoError::io(path)(error)),
        }
    }
    for set in sets {
        nothing_added(folder, Path::new(set), files)?;
    }
    Ok(())
}

fn holds(path: &Path, content: &[u8]) -> io::Result<bool> {
    let metadata = fs::metadata(path)?;
    // The length first, so that a large file in this place is not read at all.
    Ok(metadata.is_file() && metadata.len() == content.len() as u64 && fs::read(path)? == content)
}

/// Any further file would be taken for part of the data set. Hidden ones are not: operating
/// systems leave them behind, and reading the data set passes over them too.
fn nothing_added(folder: &Path, inside: &Path, files: &Files) -> Result<(), DemoError> {
    let path = folder.join(inside);
    for entry in fs::read_dir(&path).map_err(DemoError::io(&path))? {
        let entry = entry.map_err(DemoError::io(&path))?;
        let name = entry.file_name();
        let file = inside.join(&name);
        if name.to_string_lossy().starts_with('.') || files.contains_key(&file) {
            continue;
        }
        if entry.path().is_dir() && files.keys().any(|known| known.starts_with(&file)) {
            nothing_added(folder, &file, files)?;
            continue;
        }
        let folder = folder.to_owned();
        return Err(DemoError::Extra { folder, file });
    }
    Ok(())
}
