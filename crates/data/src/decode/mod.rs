//! One image file's bytes to pixels of a fixed size, as a viewer would show them.
//!
//! Greyscale becomes RGB, what is transparent lies on white, 16 bits become 8, of an animation
//! the first frame is taken, and the EXIF orientation is applied. Colour profiles are not.
//! `format` tells what the bytes are, `raster` decodes, `jpeg` looks after the format that most
//! data sets are in, `pages` notices what is left out, `fit` resizes; `look` is what a glance tells, `heat` paints a
//! map over a picture.

mod error;
mod fit;
mod format;
mod heat;
mod jpeg;
mod look;
mod pages;
mod raster;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageEncoder, RgbImage};
use serde::{Deserialize, Serialize};

use raster::Raster;

pub use error::DecodeError;
pub use heat::{Heat, Painted};
pub use look::{Look, Print};

/// How an image of any size becomes one of a fixed size. It is part of a model: an image must be
/// brought to size in training and in use alike.
///
/// Sides are 1 to [`ImageFit::MAX_SIDE`] pixels long. A model file that says otherwise is refused
/// as it is read, and [`decode()`] refuses such a fit before it takes any memory.
///
/// ```
/// use finial_data::{Filter, Fit, ImageFit};
/// let fit = ImageFit::stretch(224, 224);
/// assert_eq!((fit.method, fit.filter), (Fit::Stretch, Filter::Bilinear));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredFit")]
pub struct ImageFit {
    /// Columns of pixels, 1 to [`ImageFit::MAX_SIDE`].
    pub width: u32,
    /// Rows of pixels, 1 to [`ImageFit::MAX_SIDE`].
    pub height: u32,
    /// What happens to images of another shape.
    pub method: Fit,
    /// What stands between pixels.
    pub filter: Filter,
}

/// An [`ImageFit`] as a file claims it.
#[derive(Deserialize)]
struct StoredFit {
    width: u32,
    height: u32,
    method: Fit,
    filter: Filter,
}

impl TryFrom<StoredFit> for ImageFit {
    type Error = DecodeError;

    fn try_from(stored: StoredFit) -> Result<Self, DecodeError> {
        let fit = ImageFit {
            width: stored.width,
            height: stored.height,
            method: stored.method,
            filter: stored.filter,
        };
        fit.check()?;
        Ok(fit)
    }
}

impl ImageFit {
    /// The longest side that an image is brought to, in pixels.
    pub const MAX_SIDE: u32 = 4096;

    /// Refuses sizes of nothing and sizes that no network wants.
    ///
    /// # Errors
    ///
    /// [`DecodeError::FitSize`] when a side is 0 or longer than [`ImageFit::MAX_SIDE`].
    pub fn check(&self) -> Result<(), DecodeError> {
        let sides = 1..=ImageFit::MAX_SIDE;
        match sides.contains(&self.width) && sides.contains(&self.height) {
            true => Ok(()),
            false => Err(DecodeError::FitSize {
                width: self.width,
                height: self.height,
            }),
        }
    }

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

/// Which pixels [`decode()`] gives: a new number whenever a release of finial gives others for the
/// same file, so that features of the old ones are not taken for features of the new.
pub const DECODING: u32 = 2;

/// How much larger than wanted, along each side, an image must stay while it is decoded: from twice
/// the size on, the filter that brings it to size leaves no trace of how it came to be smaller.
const SPARE: u32 = 2;

/// An image as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pixels {
    /// Columns of pixels.
    pub width: u32,
    /// Rows of pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, row by row: `[height, width, 3]`, channels last.
    pub rgb: Vec<u8>,
    /// Width and height of the image in the file, as a viewer shows it.
    pub size_in_file: [u32; 2],
    /// Whether the file holds more pages or frames than the first, which is the one decoded.
    pub pages_left_out: bool,
}

impl Pixels {
    /// The pixels as a network reads them, 0 to 255 and channels first: `[3, height, width]`.
    ///
    /// ```
    /// use finial_data::Pixels;
    /// let pixels = Pixels { width: 2, height: 1, rgb: vec![1, 2, 3, 4, 5, 6], ..Pixels::default() };
    /// let planes: Vec<f32> = pixels.planes().collect();
    /// assert_eq!(planes, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    /// ```
    pub fn planes(&self) -> impl Iterator<Item = f32> + '_ {
        let plane = |channel| self.rgb.iter().skip(channel).step_by(3);
        (0..3).flat_map(move |channel| plane(channel).map(|&value| f32::from(value)))
    }
}

/// Decodes an image file and brings it to size. The format is told by the content: JPEG, PNG,
/// WebP, BMP, GIF or TIFF. A JPEG of more than eight times the size is scaled while it is decoded,
/// which moves its pixels by less than half a grey level on average.
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
    fit.check()?;
    fenced(|| {
        let raster = raster::read(bytes, [fit.width, fit.height].map(|side| side * SPARE))?;
        let Raster {
            pages_left_out,
            size_in_file,
            ..
        } = raster;
        let image = fit::resize(raster, fit)?;
        Ok(Pixels {
            width: image.width(),
            height: image.height(),
            rgb: image.into_raw(),
            size_in_file,
            pages_left_out,
        })
    })
}

/// A small JPEG of an image file, for a report: no side is longer than `max_side` pixels, the
/// shape is kept, and a small image stays as it is.
///
/// # Errors
///
/// As [`decode()`].
pub fn thumbnail(bytes: &[u8], max_side: u32) -> Result<Vec<u8>, DecodeError> {
    let max_side = max_side.clamp(1, ImageFit::MAX_SIDE);
    let image: RgbImage = fenced(|| {
        let raster = raster::read(bytes, [max_side * SPARE; 2])?;
        let (width, height) = raster.upright_size();
        let scale = (f64::from(max_side) / f64::from(width.max(height))).min(1.0);
        let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
        fit::resize(raster, &ImageFit::stretch(side(width), side(height)))
    })?;
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, 80)
        .write_image(
            image.as_raw(),
            image.width(),
            image.height(),
            image::ExtendedColorType::Rgb8,
        )
        .map_err(|error| DecodeError::from_image(error, "JPEG"))?;
    Ok(jpeg)
}

/// Works behind a fence: among many files from anywhere there may be one that makes a decoder
/// panic, and it shall not take a whole run with it.
fn fenced<T>(work: impl FnOnce() -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG with edges, a texture and a sensor's noise, held in one of the eight ways.
    fn photo(width: u32, height: u32, orientation: u8) -> Vec<u8> {
        let mut noise = 1_u32;
        let image = RgbImage::from_fn(width, height, |x, y| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (u, v) = (f64::from(x) / 97.0, f64::from(y) / 61.0);
            let texture = 30.0 * (u.sin() + v.cos()) + 12.0 * (9.0 * u + 7.0 * v).sin();
            let edge = if (x / 150 + y / 210) % 2 == 0 {
                45.0
            } else {
                0.0
            };
            let level = 110.0 + texture + edge + f64::from(noise >> 28);
            image::Rgb([level, level * 0.8, 255.0 - level].map(|value| value as u8))
        });
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, 90)
            .encode_image(&image)
            .unwrap();
        let exif = [
            &b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
            &[orientation, 0, 0, 0, 0, 0, 0],
        ];
        jpeg.splice(2..2, exif.concat());
        jpeg
    }

    #[test]
    fn a_large_photo_scaled_while_it_is_decoded_is_the_same_picture() {
        let fits = [
            ImageFit::stretch(224, 160),
            ImageFit {
                method: Fit::CenterCrop,
                filter: Filter::Bicubic,
                ..ImageFit::stretch(120, 130)
            },
        ];
        for (width, height, orientation) in [(1800, 1343, 1), (1805, 2087, 6), (2239, 1801, 3)] {
            let bytes = photo(width, height, orientation);
            for fit in fits {
                let whole = raster::read(&bytes, [u32::MAX; 2]).unwrap();
                assert_eq!(whole.image.dimensions(), (width, height));
                let least = [fit.width, fit.height].map(|side| side * SPARE);
                let scaled = raster::read(&bytes, least).unwrap();
                assert!(scaled.image.width() * 4 <= width + 3, "not scaled");
                let expected = fit::resize(whole, &fit).unwrap();
                let found = fit::resize(scaled, &fit).unwrap();
                assert_eq!(found.dimensions(), expected.dimensions());
                let pairs = found.as_raw().iter().zip(expected.as_raw());
                let apart: Vec<u8> = pairs.map(|(one, other)| one.abs_diff(*other)).collect();
                let sum: f64 = apart.iter().copied().map(f64::from).sum();
                let mean = sum / apart.len() as f64;
                let most = apart.iter().max();
                assert!(mean < 0.5 && most < Some(&8), "{fit:?}: {mean}, {most:?}");
            }
        }
    }

    #[test]
    fn a_grey_photo_is_scaled_and_one_in_inks_is_not() {
        let grey =
            image::GrayImage::from_fn(1000, 800, |x, y| image::Luma([(x / 5 + y / 20) as u8]));
        let mut jpeg = Vec::new();
        JpegEncoder::new(&mut jpeg).encode_image(&grey).unwrap();
        let scaled = raster::read(&jpeg, [125, 100]).unwrap().image;
        assert_eq!(scaled.dimensions(), (125, 100));
        assert!(scaled.pixels().all(|pixel| pixel.0[0] == pixel.0[2]));

        let inks = include_bytes!("../../tests/images/cmyk.jpg");
        let whole = raster::read(inks, [u32::MAX; 2]).unwrap().image;
        assert_eq!(raster::read(inks, [1, 1]).unwrap().image, whole);
    }
}
