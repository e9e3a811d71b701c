//! Why a file is no image that can be used. An image like this is set aside, not the data set.

use std::error::Error;
use std::io;

use image::ImageError;
use image::error::{UnsupportedError, UnsupportedErrorKind};

/// Why an image file was refused. The message is the reason alone, to stand after a file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("expected an image, found an empty file")]
    #[diagnostic(help("copy or download the file again"))]
    Empty,
    /// Bytes of something else.
    #[error("expected a JPEG, PNG, WebP, BMP, GIF or TIFF image, found {found}")]
    #[diagnostic(help("the content counts, whatever the file name says"))]
    NotAnImage {
        /// What the bytes look like.
        found: &'static str,
    },
    /// An image of another format, or of a rare kind.
    #[error("{found} is not read; convert to JPEG or PNG")]
    #[diagnostic(help("images are JPEG, PNG, WebP, BMP, GIF or TIFF"))]
    Unsupported {
        /// The format, or what is special about it: "HEIC", "this kind of TIFF (…)".
        found: String,
    },
    /// More pixels than any photo has.
    #[error(
        "expected at most 40,000 pixels a side and 200 million in all, found {width} × {height}"
    )]
    #[diagnostic(help("scale the image down"))]
    TooLarge {
        /// Columns that the file claims to have.
        width: u32,
        /// Rows that the file claims to have.
        height: u32,
    },
    /// An image without pixels.
    #[error("expected an image with pixels, found one of {width} × {height}")]
    #[diagnostic(help("save the image again"))]
    NoPixels {
        /// Columns.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// The end of the file is missing.
    #[error("expected a whole {format} image, found its beginning only: the file is cut off")]
    #[diagnostic(help("copy or download the file again"))]
    Truncated {
        /// The format.
        format: &'static str,
    },
    /// The content does not hold together.
    #[error("expected a readable image, found a damaged one: {reason}")]
    #[diagnostic(help("copy or download the file again"))]
    Damaged {
        /// What the decoder says.
        reason: String,
    },
    /// A size that images cannot be brought to.
    #[error(
        "expected a size of 1 to {} pixels a side to bring images to, found {width} × {height}",
        super::ImageFit::MAX_SIDE
    )]
    #[diagnostic(help("this is the size that the model asks for, no fault of the image"))]
    FitSize {
        /// Columns asked for.
        width: u32,
        /// Rows asked for.
        height: u32,
    },
}

impl DecodeError {
    /// Sorts what a decoder says of a file of that format into the few things that a person can
    /// do about it.
    pub(super) fn from_image(error: ImageError, format: &'static str) -> Self {
        match error {
            ImageError::Unsupported(error) => DecodeError::rare_kind(format, &what(&error)),
            error if ends_early(&error) => DecodeError::Truncated { format },
            // The library's own sentence says that decoding failed; its source says why.
            error => DecodeError::Damaged {
                reason: match error.source() {
                    Some(source) => source.to_string(),
                    None => error.to_string(),
                },
            },
        }
    }

    /// A file of a format that is read, but of a kind that is not.
    pub(super) fn rare_kind(format: &str, kind: &str) -> Self {
        let kind = kind.trim().trim_end_matches('.');
        DecodeError::Unsupported {
            found: match kind {
                "" => format!("this kind of {format}"),
                kind => format!("this kind of {format} ({kind})"),
            },
        }
    }
}

/// What a decoder lacks, as far as it says so in a few words.
fn what(error: &UnsupportedError) -> String {
    let text = match error.kind() {
        UnsupportedErrorKind::GenericFeature(text) => text,
        UnsupportedErrorKind::Color(colour) => format!("colour type {colour:?}"),
        UnsupportedErrorKind::ColorLayout(colour) => format!("colour layout {colour:?}"),
        _ => String::new(),
    };
    let fillers = ["Unsupported ", "Unhandled TIFF ", "Unhandled "];
    let text = fillers.iter().fold(text.as_str(), |text, filler| {
        text.strip_prefix(filler).unwrap_or(text)
    });
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// Whether the bytes ran out, at whatever depth the decoder says so.
fn ends_early(error: &ImageError) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && error.kind() == io::ErrorKind::UnexpectedEof
        {
            return true;
        }
        cause = error.source();
    }
    false
}
