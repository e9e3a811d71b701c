//! Pixels brought to size and turned upright.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
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
