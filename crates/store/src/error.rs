//! What can go wrong with the store and the matrix, and the way out of each.
//!
//! A [`StoreError`] never means wrong features, and every run can go on without the store: it
//! then runs the backbone for each image.

use std::io;
use std::path::PathBuf;

/// Why the feature store could not be opened, read or written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum StoreError {
    /// The folder or a file in it could not be created, opened or renamed.
    #[error("could not {action} {}: {source}", path.display())]
    #[diagnostic(help(
        "check the folder's permissions, or set FINIAL_CACHE to a folder on a local disk"
    ))]
    Folder {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What the system reported.
        source: io::Error,
    },

    /// The folder is on a network file system, where LMDB's locks and map do not hold.
    #[error(
        "the feature store needs a local disk, but {} is on {filesystem}",
        folder.display()
    )]
    #[diagnostic(help("set FINIAL_CACHE to a folder on a local disk"))]
    RemoteFolder {
        /// The folder asked for.
        folder: PathBuf,
        /// The file system's name, as in `NFS`.
        filesystem: &'static str,
    },

    /// The size limit leaves no room for the store's own pages.
    #[error("a feature store needs a limit of at least {least} bytes, got {limit}")]
    #[diagnostic(help("raise the limit, or run without the feature store"))]
    LimitTooSmall {
        /// The limit asked for, in bytes.
        limit: u64,
        /// The least there can be, in bytes.
        least: u64,
    },

    /// The files cannot be read by this version, and another process has them open.
    #[error("{} {found}, and another process has it open", folder.display())]
    #[diagnostic(help("wait until the other process ends, or set FINIAL_CACHE to another folder"))]
    InUse {
        /// The store's folder.
        folder: PathBuf,
        /// What the folder holds, as in `holds a feature store of format 2`.
        found: String,
    },

    /// The database's own pages are damaged; single damaged vectors are not an error, they
    /// read as absent.
    #[error("the feature store in {} is damaged: {source}", folder.display())]
    #[diagnostic(help(
        "end the processes that use it and delete the folder: it is a cache and fills again"
    ))]
    Damaged {
        /// The store's folder.
        folder: PathBuf,
        /// What LMDB reported.
        source: heed::Error,
    },

    /// The disk, the quota or the limit on file size ended a write. Nothing of the failed
    /// batch was kept; what was stored before is intact.
    #[error("no room on the disk for the feature store in {}: {source}", folder.display())]
    #[diagnostic(help(
        "free some space, set FINIAL_CACHE to a folder on another disk, or run without the \
         feature store"
    ))]
    DiskFull {
        /// The store's folder.
        folder: PathBuf,
        /// What the system reported.
        source: io::Error,
    },

    /// Evicting made no room, because a process that stands still keeps old pages in use.
    #[error(
        "the feature store in {} stays full at {limit} bytes although old entries were evicted",
        folder.display()
    )]
    #[diagnostic(help("end processes that use the store but stand still, or raise the limit"))]
    Full {
        /// The store's folder.
        folder: PathBuf,
        /// The size limit, in bytes.
        limit: u64,
    },

    /// One vector takes more than a sixteenth of the limit.
    #[error("a vector of {columns} values is too large for a feature store of {limit} bytes")]
    #[diagnostic(help("raise the limit, or run without the feature store"))]
    TooLarge {
        /// Values in the vector.
        columns: usize,
        /// The size limit, in bytes.
        limit: u64,
    },

    /// LMDB reported something else.
    #[error("the feature store in {} failed: {source}", folder.display())]
    #[diagnostic(help("run again; if it fails again, run without the feature store"))]
    Database {
        /// The store's folder.
        folder: PathBuf,
        /// What LMDB reported.
        source: heed::Error,
    },
}

/// Why a feature matrix could not be filled or read.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum MatrixError {
    /// A matrix without columns has no rows to count.
    #[error("a feature matrix needs at least one column, got 0")]
    #[diagnostic(help("check the backbone's cut: it must give at least one feature"))]
    NoColumns,

    /// What was pushed is not a whole number of rows.
    #[error("rows of {columns} values were expected, got {values} values")]
    #[diagnostic(help("push whole rows: a multiple of the number of columns"))]
    PartialRow {
        /// Values in a row.
        columns: usize,
        /// Values pushed.
        values: usize,
    },

    /// A row was asked for that is not there.
    #[error("row {row} was asked for, but the feature matrix has {rows} rows")]
    #[diagnostic(help("ask for rows from 0 up to, not including, the number of rows"))]
    RowOutOfRange {
        /// The row asked for, from 0.
        row: usize,
        /// How many rows there are.
        rows: usize,
    },

    /// The temporary file could not be created, written or read.
    #[error("could not {action} the feature matrix's temporary file in {}: {source}", folder.display())]
    #[diagnostic(help(
        "free some space there, point TMPDIR (TEMP on Windows) to another disk, or raise the \
         memory budget"
    ))]
    Spill {
        /// What was tried, as a verb.
        action: &'static str,
        /// The folder of the temporary file.
        folder: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}
