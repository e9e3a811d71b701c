//! Why a file is no image that can be used. An image like this is set aside, not the data set.

use std::error::Error;
use std::io;

use image::ImageError;

/// Why an image file was refused. The message is the reason alone, to stand after a file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
pub enum DecodeError {
    /// No bytes at all.
    #[error("expected an image, found an empty file")]
    #[diagnostic(help("copy or download the file again"))]
    Empty,
    /// Bytes of something else.
    #[error("expected an image, found {found}")]
    #[diagnostic(help(
        "images are JPEG, PNG, WebP, BMP, GIF or TIFF, whatever their file name says"
    ))]
    NotAnImage {
        /// What the bytes look like.
        found: &'static str,
    },
    /// An image of another format, or of a rare kind.
    #[error("expected a JPEG, PNG, WebP, BMP, GIF or TIFF image, found {found}")]
    #[diagnostic(help("save the image as JPEG or PNG"))]
    Unsupported {
        /// The format, or what is special about it.
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
    /// A size of nothing was asked for.
    #[error("expected a size of at least 1 × 1 to bring images to, found {width} × {height}")]
    #[diagnostic(help("this is the size that the model asks for, no fault of the image"))]
    NoSize {
        /// Columns asked for.
        width: u32,
        /// Rows asked for.
        height: u32,
    },
}

impl DecodeError {
    /// Sorts what a decoder says into the few things that a person can do about it.
    pub(super) fn from_image(error: ImageError) -> Self {
        match error {
            ImageError::Unsupported(error) => DecodeError::Unsupported {
                found: error.to_string(),
            },
            error if ends_early(&error) => DecodeError::Truncated { format: "" },
            error => DecodeError::Damaged {
                reason: error.to_string(),
            },
        }
    }
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
