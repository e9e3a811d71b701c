//! Pixels brought to size and turned upright.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::raster::{Raster, swaps_sides};
use super::{DecodeError, Filter, Fit, ImageFit, upright};

/// Resizes first and turns then: the filter treats both directions alike, and the small image is
/// cheaper to turn.
pub(super) fn resize(raster: Raster, fit: &ImageFit) -> Result<RgbImage, DecodeError> {
    let (width, height) = match swaps_sides(raster.orientation) {
        true => (fit.height, fit.width),
        false => (fit.width, fit.height),
    };
    let image = match raster.image.dimensions() == (width, height) {
        true => raster.image,
        false => resized(&raster.image, width, height, fit)?,
    };
    Ok(upright(image, raster.orientation))
}

fn resized(
    image: &RgbImage,
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
    let centre = match fit.method {
        Fit::Stretch => None,
        Fit::CenterCrop => Some((0.5, 0.5)),
    };
    let mut options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    if centre.is_some() {
        options = options.fit_into_destination(centre);
    }
    let source = ImageRef::new(
        image.width(),
        image.height(),
        image.as_raw(),
        PixelType::U8x3,
    )
    .map_err(|error| failed(&error))?;
    let mut target = Image::new(width, height, PixelType::U8x3);
    Resizer::new()
        .resize(&source, &mut target, &options)
        .map_err(|error| failed(&error))?;
    RgbImage::from_raw(width, height, target.into_vec()).ok_or_else(|| failed(&"no pixels"))
}
