//! One image file's bytes to pixels of a fixed size, as a viewer would show them.
//!
//! Greyscale becomes RGB, what is transparent lies on white, 16 bits become 8, of an animation
//! the first frame is taken, and the EXIF orientation is applied. Colour profiles are not.
//! `raster` decodes, `jpeg` looks after the format that most data sets are in, `fit` resizes.

mod error;
mod fit;
mod jpeg;
mod raster;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, RgbImage};
use serde::{Deserialize, Serialize};

pub use error::DecodeError;
use raster::Raster;

/// How an image of any size becomes one of a fixed size. It is part of a model: an image must be
/// brought to size in training and in use alike.
///
/// ```
/// use finial_data::{Filter, Fit, ImageFit};
/// let fit = ImageFit::stretch(224, 224);
/// assert_eq!((fit.method, fit.filter), (Fit::Stretch, Filter::Bilinear));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFit {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// What happens to images of another shape.
    pub method: Fit,
    /// What stands between pixels.
    pub filter: Filter,
}

impl ImageFit {
    /// The whole image, stretched, with the bilinear filter: what Keras does.
    pub fn stretch(width: u32, height: u32) -> Self {
        ImageFit {
            width,
            height,
            method: Fit::Stretch,
            filter: Filter::Bilinear,
        }
    }
}

/// What happens to images of another shape than the one wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fit {
    /// The whole image is kept and its sides are scaled apart.
    #[default]
    Stretch,
    /// The largest part of the wanted shape is cut from the middle.
    CenterCrop,
}

/// How pixels between pixels are made up. When an image shrinks, the filter widens with it, so
/// that every source pixel counts (antialiasing).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Filter {
    /// Linear in both directions.
    #[default]
    Bilinear,
    /// Cubic in both directions (Catmull–Rom).
    Bicubic,
}

/// An image as numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row: `[height, width, 3]`, channels last.
    pub rgb: Vec<u8>,
}

/// Decodes an image file and brings it to size. The format is told by the content: JPEG, PNG,
/// WebP, BMP, GIF or TIFF.
///
/// Needs about three bytes for each pixel of the file while it works, and up to eleven for 16-bit
/// images with transparency and for progressive JPEGs; the decoded image alone takes at most 1 GiB.
///
/// # Errors
///
/// [`DecodeError`] when the bytes are no whole image of a format that is read, or when the image
/// is larger than 40,000 pixels a side or 200 million pixels.
///
/// ```
/// use finial_data::{DecodeError, ImageFit, decode};
/// let fit = ImageFit::stretch(224, 224);
/// assert!(matches!(decode(b"", &fit), Err(DecodeError::Empty)));
/// ```
pub fn decode(bytes: &[u8], fit: &ImageFit) -> Result<Pixels, DecodeError> {
    if fit.width == 0 || fit.height == 0 {
        return Err(DecodeError::NoSize {
            width: fit.width,
            height: fit.height,
        });
    }
    let raster = read(bytes)?;
    let image = fit::resize(raster, fit)?;
    Ok(Pixels {
        width: image.width(),
        height: image.height(),
        rgb: image.into_raw(),
    })
}

/// A small JPEG of an image file, for a report: no side is longer than `max_side` pixels, the
/// shape is kept, and a small image stays as it is.
///
/// # Errors
///
/// As [`decode()`].
pub fn thumbnail(bytes: &[u8], max_side: u32) -> Result<Vec<u8>, DecodeError> {
    let raster = read(bytes)?;
    let (width, height) = raster.upright_size();
    let scale = (f64::from(max_side.max(1)) / f64::from(width.max(height))).min(1.0);
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
    let image: RgbImage = fit::resize(raster, &ImageFit::stretch(side(width), side(height)))?;
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            image::ExtendedColorType::Rgb8,
        )
        .map_err(DecodeError::from_image)?;
    Ok(jpeg)
}

/// Decodes behind a fence: among many files from anywhere there may be one that makes a decoder
/// panic, and it shall not take a whole run with it.
fn read(bytes: &[u8]) -> Result<Raster, DecodeError> {
    catch_unwind(AssertUnwindSafe(|| raster::read(bytes))).unwrap_or_else(|_| {
        Err(DecodeError::Damaged {
            reason: "the decoder gave up on it".to_owned(),
        })
    })
}

/// An image turned as its camera was held.
fn upright(image: RgbImage, orientation: image::metadata::Orientation) -> RgbImage {
    let mut image = DynamicImage::ImageRgb8(image);
    image.apply_orientation(orientation);
    image.into_rgb8()
}
