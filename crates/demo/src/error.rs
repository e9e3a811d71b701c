//! What can go wrong when the demo data is written, and the way out of each.

use std::io;
use std::path::PathBuf;

/// Why the demo data could not be laid out.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum DemoError {
    /// The path is taken by a file.
    #[error("expected a folder for the demo data at `{}`, found a file", .path.display())]
    #[diagnostic(help("name another folder"))]
    NotAFolder {
        /// The path.
        path: PathBuf,
    },
    /// The folder lacks a file of the demo data.
    #[error("expected the demo data in `{}`, found no `{}` there", .folder.display(), .file.display())]
    #[diagnostic(help(
        "name a folder that is not there yet, or delete this one to have the data written again"
    ))]
    Missing {
        /// The demo folder.
        folder: PathBuf,
        /// The file, relative to it.
        file: PathBuf,
    },
    /// A file of the demo data holds something else.
    #[error("expected the demo data in `{}` as it was written, found `{}` changed", .folder.display(), .file.display())]
    #[diagnostic(help(
        "name a folder that is not there yet, or delete this one to have the data written again"
    ))]
    Changed {
        /// The demo folder.
        folder: PathBuf,
        /// The file, relative to it.
        file: PathBuf,
    },
    /// A data set holds a file that is not part of it.
    #[error("expected the demo data in `{}` as it was written, found `{}` added to it", .folder.display(), .file.display())]
    #[diagnostic(help(
        "name a folder that is not there yet, or train on your own data with `finial train`"
    ))]
    Extra {
        /// The demo folder.
        folder: PathBuf,
        /// The file, relative to it.
        file: PathBuf,
    },
    /// The operating system would not let it be read or written.
    #[error("cannot read or write `{}`: {source}", .path.display())]
    #[diagnostic(help(
        "check that there is room on the disk and that the folder may be written by you"
    ))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The data inside of the program is not readable.
    #[error(
        "expected a readable archive of demo data inside of the program, found a damaged one: {source}"
    )]
    #[diagnostic(help("the program file is damaged: install finial again"))]
    Damaged {
        /// What the archive reader says.
        source: io::Error,
    },
}

impl DemoError {
    /// For `map_err` on what was tried at `path`.
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        |source| DemoError::Io { path, source }
    }
}
