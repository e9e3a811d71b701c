//! A file that is written beside its place and moved there whole.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::FormatError;

/// A file on its way; dropped, it leaves nothing behind.
pub(crate) struct NewFile {
    beside: NamedTempFile,
    path: PathBuf,
}

impl NewFile {
    /// Begins a file that is to be at `path`.
    pub(crate) fn begin(path: &Path) -> Result<Self, FormatError> {
        let folder = match path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(".finial-unfinished-");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As any new file; what the user masks out is masked out.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let beside = builder.tempfile_in(folder);
        Ok(NewFile {
            beside: beside.map_err(|error| FormatError::file(path, error))?,
            path: path.to_owned(),
        })
    }

    /// The file, to be written.
    pub(crate) fn file(&self) -> &File {
        self.beside.as_file()
    }

    /// Moves it to its place, down to the disk, unless another file is there.
    pub(crate) fn finish(self) -> Result<(), FormatError> {
        let failed = |error: io::Error| FormatError::file(&self.path, error);
        self.beside.as_file().sync_all().map_err(failed)?;
        let kept = self.beside.persist_noclobber(&self.path);
        kept.map(drop).map_err(|error| failed(error.error))
    }
}
