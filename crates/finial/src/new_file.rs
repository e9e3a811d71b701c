//! A file that must not exist yet, as `features --out` and `evaluate --report` write it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use finial::LearnError;
use tempfile::NamedTempFile;

use crate::error::CliError;

/// A file to be written once the work is done.
#[derive(Debug)]
pub struct NewFile {
    folder: PathBuf,
    path: PathBuf,
}

impl NewFile {
    /// Makes sure, before the work, that the file can be written after it. Nothing stays on the
    /// disk meanwhile, so an interrupted run leaves nothing behind.
    pub fn reserve(path: &Path) -> Result<Self, CliError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Without a slash at the end, which would ask for a folder.
        let path = match path.file_name() {
            Some(name) => path.with_file_name(name),
            None => path.to_owned(),
        };
        if path.symlink_metadata().is_ok() {
            return Err(CliError::FileExists(path));
        }
        if let Err(error) = beside(folder) {
            return Err(CliError::NoRoomFor {
                path,
                folder: folder.to_owned(),
                reason: match error.kind() {
                    ErrorKind::NotFound => "there is no such folder".to_owned(),
                    // Not the whole error, which names a file that nobody asked for.
                    kind => kind.to_string(),
                },
            });
        }
        Ok(NewFile {
            folder: folder.to_owned(),
            path,
        })
    }

    /// Where the file will be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file beside, then moves it into place, unless another has taken the name.
    pub fn write(
        self,
        write: impl FnOnce(&mut File) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let failed = |error| LearnError::File {
            path: self.path.clone(),
            error,
        };
        let mut file = beside(&self.folder).map_err(failed)?;
        write(file.as_file_mut())?;
        file.as_file().sync_all().map_err(failed)?;
        let kept = file.persist_noclobber(&self.path);
        kept.map_err(|error| match error.error.kind() {
            ErrorKind::AlreadyExists => CliError::FileExists(self.path.clone()),
            _ => failed(error.error).into(),
        })?;
        Ok(())
    }
}

/// A file of a name of its own in `folder`, removed unless it is kept.
fn beside(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".finial-unfinished-");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // For everyone, less what the umask takes: a result is a file like any other.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn filled(file: &mut File) -> Result<(), CliError> {
        file.write_all(b"new").map_err(CliError::stdout)
    }

    #[test]
    fn a_reserved_file_leaves_no_trace_until_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let new = NewFile::reserve(&path).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        new.write(filled).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_name_taken_meanwhile_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("result");
        let new = NewFile::reserve(&path).unwrap();
        std::fs::write(&path, "another's").unwrap();
        let refused = new.write(filled);
        assert!(matches!(refused, Err(CliError::FileExists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"another's");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
        assert!(NewFile::reserve(&path).is_err());
    }

    #[test]
    fn a_folder_that_is_missing_is_found_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let refused = NewFile::reserve(&folder.path().join("none/result"));
        assert!(matches!(refused, Err(CliError::NoRoomFor { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn a_result_has_the_mode_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| {
            let found = folder.path().join(name).metadata().unwrap();
            found.permissions().mode()
        };
        File::create(folder.path().join("plain")).unwrap();
        let new = NewFile::reserve(&folder.path().join("result")).unwrap();
        new.write(filled).unwrap();
        assert_eq!(mode("result"), mode("plain"));
    }
}
