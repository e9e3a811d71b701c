//! Any image file to 8-bit RGB at its own size, guarded against files that lie about theirs.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::{DecodeError, jpeg};

const MAX_SIDE: u32 = 40_000;
const MAX_PIXELS: u64 = 200_000_000;
/// What the pixels may take in memory as they are decoded: 200 million of them at 4 bytes, or
/// fewer at 6 or 8 bytes.
const MAX_BYTES: u64 = 1 << 30;

/// An image as it lies in the file, before it is turned upright.
pub(super) struct Raster {
    pub(super) image: RgbImage,
    pub(super) orientation: Orientation,
}

impl Raster {
    /// Width and height as a viewer shows them.
    pub(super) fn upright_size(&self) -> (u32, u32) {
        let (width, height) = self.image.dimensions();
        match swaps_sides(self.orientation) {
            true => (height, width),
            false => (width, height),
        }
    }
}

/// Whether an orientation is a quarter turn.
pub(super) fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

pub(super) fn read(bytes: &[u8]) -> Result<Raster, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let (format, name) = format(bytes)?;
    let named = |error| match DecodeError::from_image(error) {
        DecodeError::Truncated { .. } => DecodeError::Truncated { format: name },
        other => other,
    };
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(MAX_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(named)?;

    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(DecodeError::NoPixels { width, height });
    }
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > MAX_SIDE || pixels > MAX_PIXELS || decoder.total_bytes() > MAX_BYTES {
        return Err(DecodeError::TooLarge { width, height });
    }
    // A file whose metadata cannot be read is shown as it lies.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);

    let image = if format == ImageFormat::Jpeg {
        drop(decoder);
        RgbImage::from_raw(width, height, jpeg::rgb(bytes)?).ok_or(DecodeError::Damaged {
            reason: "its size is not the size it claims".to_owned(),
        })?
    } else {
        over_white(DynamicImage::from_decoder(decoder).map_err(named)?)
    };
    Ok(Raster { image, orientation })
}

/// The format by the first bytes.
fn format(bytes: &[u8]) -> Result<(ImageFormat, &'static str), DecodeError> {
    let is_heic = bytes.get(4..8) == Some(b"ftyp")
        && matches!(
            bytes.get(8..12),
            Some(b"heic" | b"heix" | b"hevc" | b"mif1" | b"msf1")
        );
    if is_heic {
        return Err(DecodeError::Unsupported {
            found: "a HEIC image".to_owned(),
        });
    }
    match image::guess_format(bytes) {
        Ok(ImageFormat::Jpeg) => Ok((ImageFormat::Jpeg, "JPEG")),
        Ok(ImageFormat::Png) => Ok((ImageFormat::Png, "PNG")),
        Ok(ImageFormat::WebP) => Ok((ImageFormat::WebP, "WebP")),
        Ok(ImageFormat::Bmp) => Ok((ImageFormat::Bmp, "BMP")),
        Ok(ImageFormat::Gif) => Ok((ImageFormat::Gif, "GIF")),
        Ok(ImageFormat::Tiff) => Ok((ImageFormat::Tiff, "TIFF")),
        Ok(other) => Err(DecodeError::Unsupported {
            found: format!("{other:?}"),
        }),
        Err(_) => Err(DecodeError::NotAnImage {
            found: describe(bytes),
        }),
    }
}

/// What bytes are that are no image. A web page saved under an image's name is the usual case.
fn describe(bytes: &[u8]) -> &'static str {
    let start = &bytes[..bytes.len().min(512)];
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        // The cut may have gone through a character.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return "other data",
    };
    let lower = text.trim_start().to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        "a web page"
    } else if lower.starts_with("<svg") || lower.starts_with("<?xml") {
        "an SVG drawing or other XML"
    } else if text.contains('\0') {
        "other data"
    } else {
        "text"
    }
}

/// What is transparent shows the white of the page. Blending comes before any resizing, so the
/// hidden colours of transparent pixels cannot bleed into their neighbours.
fn over_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    let (width, height) = (image.width(), image.height());
    let rgba = image.into_rgba8();
    let mut rgb = Vec::with_capacity(rgba.len() / 4 * 3);
    for pixel in rgba.pixels() {
        let [red, green, blue, alpha] = pixel.0.map(u32::from);
        let blend = |colour: u32| ((colour * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        rgb.extend([blend(red), blend(green), blend(blue)]);
    }
    RgbImage::from_raw(width, height, rgb).unwrap_or_default()
}
