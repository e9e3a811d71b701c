//! Image files read whole, but only if they are files and of a size that images have.
//!
//! What is in them is told by [`crate::decode()`].

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

/// The largest file that is read, in bytes.
const MAX_BYTES: u64 = 512_000_000;

/// Why a file was not read. The message is the reason alone, to stand after a file's name.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum ReadError {
    /// There is nothing at the path.
    #[error("there is no such file")]
    #[diagnostic(help("check the path; a relative path starts at the current folder"))]
    NotFound,
    /// A folder, a pipe or a device.
    #[error("expected a file, found {found}")]
    #[diagnostic(help("give the path of an image file"))]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// More bytes than any image has.
    #[error(
        "expected a file of at most {} MB, found one of {} MB",
        MAX_BYTES / 1_000_000,
        bytes.div_ceil(1_000_000)
    )]
    #[diagnostic(help("scale the image down, or save it as JPEG"))]
    TooLarge {
        /// The size of the file, or as much of it as was looked at.
        bytes: u64,
    },
    /// The operating system would not let it be read.
    #[error("it cannot be read: {}", in_words(.0))]
    #[diagnostic(help("check that the file may be read by you and that its disk is there"))]
    Io(#[source] io::Error),
}

/// The bytes of an image file, for [`crate::decode()`] and [`crate::content_hash`].
///
/// Files of more than 512 MB are refused before they are read. Pipes and devices, which might
/// never end, are refused as well.
///
/// # Errors
///
/// [`ReadError`] when there is no file at the path, or none that can be read.
///
/// ```
/// use finial_data::{ReadError, read_file};
/// let error = read_file("no/such/image.jpg".as_ref());
/// assert!(matches!(error, Err(ReadError::NotFound)));
/// ```
pub fn read_file(path: &Path) -> Result<Vec<u8>, ReadError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NotFound,
        _ => ReadError::Io(error),
    };
    // Before anything is opened: opening a pipe waits for somebody to write to it.
    let metadata = fs::metadata(path).map_err(failed)?;
    if metadata.is_dir() {
        return Err(ReadError::NotAFile { found: "a folder" });
    }
    if !metadata.is_file() {
        return Err(ReadError::NotAFile {
            found: "a pipe or a device",
        });
    }
    if metadata.len() > MAX_BYTES {
        return Err(ReadError::TooLarge {
            bytes: metadata.len(),
        });
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    // A file may grow while it is read.
    let mut input = File::open(path).map_err(failed)?.take(MAX_BYTES + 1);
    input.read_to_end(&mut bytes).map_err(failed)?;
    let read = bytes.len() as u64;
    match read > MAX_BYTES {
        true => Err(ReadError::TooLarge { bytes: read }),
        false => Ok(bytes),
    }
}

/// What the operating system says, without its number for it.
pub(crate) fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "you have no permission to read it".to_owned(),
        _ => {
            let text = error.to_string();
            match text.split_once(" (os error ") {
                Some((words, _)) => words.to_owned(),
                None => text,
            }
        }
    }
}
