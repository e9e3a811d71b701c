//! Pixels brought to size and turned upright.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::raster::{self, Raster};
use super::{DecodeError, Filter, Fit, ImageFit, upright};

/// Resizes first and turns then: the filter treats both directions alike, and the small image is
/// cheaper to turn.
pub(super) fn resize(raster: Raster, fit: &ImageFit) -> Result<RgbImage, DecodeError> {
    let [width, height] = raster::upright([fit.width, fit.height], raster.orientation);
    let image = match raster.image.dimensions() == (width, height) {
        true => raster.image,
        false => resized(&raster, width, height, fit)?,
    };
    Ok(upright(image, raster.orientation))
}

fn resized(
    raster: &Raster,
    width: u32,
    height: u32,
    fit: &ImageFit,
) -> Result<RgbImage, DecodeError> {
    let failed = |error: &dyn std::fmt::Display| DecodeError::Damaged {
        reason: error.to_string(),
    };
    let filter = match fit.filter {
        Filter::Bilinear => FilterType::Bilinear,
        Filter::Bicubic => FilterType::CatmullRom,
    };
    let [shown_width, shown_height] = raster.extent;
    let [crop_width, crop_height] = match fit.method {
        Fit::Stretch => [shown_width, shown_height],
        Fit::CenterCrop => {
            let scale = (shown_width / f64::from(width)).min(shown_height / f64::from(height));
            [f64::from(width) * scale, f64::from(height) * scale]
        }
    };
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .crop(
            (shown_width - crop_width) / 2.0,
            (shown_height - crop_height) / 2.0,
            crop_width,
            crop_height,
        );
    let image = &raster.image;
    let [from_width, from_height] = [image.width(), image.height()];
    let mut resized = RgbImage::new(width, height);
    // Of this kind of pixel alone: the library's other door is compiled for all that it knows.
    let source = TypedImageRef::<U8x3>::from_buffer(from_width, from_height, image.as_raw());
    let source = source.map_err(|error| failed(&error))?;
    let target = TypedImage::<U8x3>::from_buffer(width, height, &mut resized);
    let mut target = target.map_err(|error| failed(&error))?;
    Resizer::new()
        .resize_typed(&source, &mut target, &options)
        .map_err(|error| failed(&error))?;
    Ok(resized)
}
