//! Any image file to 8-bit RGB, guarded against files that lie about theirs.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};

use super::{DecodeError, format, jpeg, pages};

const MAX_SIDE: u32 = 40_000;
const MAX_PIXELS: u64 = 200_000_000;
/// What the pixels may take in memory as they are decoded: 200 million of them at 4 bytes, or
/// fewer at 6 or 8 bytes.
const MAX_BYTES: u64 = 1 << 30;

/// An image as it lies in the file, before it is turned upright.
pub(super) struct Raster {
    pub(super) image: RgbImage,
    /// How many columns and rows of pixels, from the first, show the picture.
    pub(super) extent: [f64; 2],
    pub(super) orientation: Orientation,
    /// Width and height of the file's image as a viewer shows it, before anything made it smaller.
    pub(super) size_in_file: [u32; 2],
    /// Whether the file has more pages or frames.
    pub(super) pages_left_out: bool,
}

impl Raster {
    /// Width and height as a viewer shows them.
    pub(super) fn upright_size(&self) -> (u32, u32) {
        let (width, height) = self.image.dimensions();
        upright([width, height], self.orientation).into()
    }
}

/// Whether an orientation is a quarter turn.
fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Width and height before an image is turned upright, or after.
pub(super) fn upright([width, height]: [u32; 2], orientation: Orientation) -> [u32; 2] {
    match swaps_sides(orientation) {
        true => [height, width],
        false => [width, height],
    }
}

/// Reads an image, which may come smaller than it is where that is faster, but not below `least`:
/// width and height as a viewer shows them.
pub(super) fn read(bytes: &[u8], least: [u32; 2]) -> Result<Raster, DecodeError> {
    if bytes.is_empty() {
        return Err(DecodeError::Empty);
    }
    let (format, name) = format::of(bytes)?;
    let named = |error| DecodeError::from_image(error, name);
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

    let (image, extent) = if format == ImageFormat::Jpeg {
        drop(decoder);
        jpeg::rgb(bytes, [width, height], upright(least, orientation))?
    } else {
        let image = over_white(DynamicImage::from_decoder(decoder).map_err(named)?);
        (image, [f64::from(width), f64::from(height)])
    };
    Ok(Raster {
        image,
        extent,
        orientation,
        size_in_file: upright([width, height], orientation),
        pages_left_out: pages::has_more(bytes, format),
    })
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
