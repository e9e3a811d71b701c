//! A heat map painted over a picture.
//!
//! What is hot is decided in `finial-learn`.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, RgbImage};

use super::{DecodeError, Fit, ImageFit, SPARE, fenced, fit, raster};

/// How much each part of an image counts, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Parts from left to right.
    pub width: usize,
    /// Parts from top to bottom.
    pub height: usize,
    /// `[height, width]`, row by row.
    pub values: Vec<f32>,
}

/// Colours from cold to hot, as the map "inferno" of matplotlib has them, at equal distances.
const COLOURS: [[f32; 3]; 5] = [
    [0.0, 0.0, 4.0],
    [87.0, 16.0, 110.0],
    [188.0, 55.0, 84.0],
    [249.0, 142.0, 9.0],
    [252.0, 255.0, 164.0],
];
/// How much of the colour is seen where it is cold, and where it is hot.
const COVER: [f32; 2] = [0.35, 0.65];

/// A picture with a heat map over it.
#[derive(Clone, Debug)]
pub struct Painted(RgbImage);

impl Heat {
    /// The heat over the picture of an image file, of which no side is longer than `max_side`
    /// pixels; `fit` is how the network got it, so that heat and picture lie on each other. What a
    /// centre crop cuts away is not shown.
    ///
    /// # Errors
    /// As [`decode()`](super::decode()).
    pub fn over(
        &self,
        bytes: &[u8],
        fit: &ImageFit,
        max_side: u32,
    ) -> Result<Painted, DecodeError> {
        let max_side = max_side.clamp(1, ImageFit::MAX_SIDE);
        let mut image = fenced(|| {
            let raster = raster::read(bytes, [max_side * SPARE; 2])?;
            let (width, height) = match fit.method {
                Fit::Stretch => raster.upright_size(),
                Fit::CenterCrop => (fit.width, fit.height),
            };
            // A small picture is shown as large as the network saw it, or the map would be lost on it.
            let longest = f64::from(width.max(height).max(1));
            let seen = f64::from(fit.width.max(fit.height));
            let scale = (f64::from(max_side) / longest).min((seen / longest).max(1.0));
            let side = |length: u32| ((f64::from(length) * scale).round() as u32).max(1);
            let shown = ImageFit {
                width: side(width),
                height: side(height),
                ..*fit
            };
            fit::resize(raster, &shown)
        })?;
        let (width, height) = image.dimensions();
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let place = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side);
            let heat = self.at(place(x, width), place(y, height));
            let cover = COVER[0] + (COVER[1] - COVER[0]) * heat;
            for (level, colour) in pixel.0.iter_mut().zip(colour(heat)) {
                *level = (f32::from(*level) * (1.0 - cover) + colour * cover).round() as u8;
            }
        }
        Ok(Painted(image))
    }

    /// The heat at a place, 0 to 1 from left to right and from top to bottom; between the middles of
    /// parts it changes evenly.
    fn at(&self, x: f64, y: f64) -> f32 {
        let along = |place: f64, parts: usize| {
            let at = (place * parts as f64 - 0.5).clamp(0.0, parts.saturating_sub(1) as f64);
            let from = at.floor() as usize;
            (
                from,
                (from + 1).min(parts.saturating_sub(1)),
                at.fract() as f32,
            )
        };
        let (left, right, across) = along(x, self.width);
        let (top, bottom, down) = along(y, self.height);
        let value = |x: usize, y: usize| {
            let value = self.values.get(y * self.width + x);
            value.copied().unwrap_or_default().clamp(0.0, 1.0)
        };
        let row = |y: usize| value(left, y) * (1.0 - across) + value(right, y) * across;
        row(top) * (1.0 - down) + row(bottom) * down
    }
}

impl Painted {
    /// The pixels: columns, rows, and red, green and blue of each.
    pub fn rgb(&self) -> (u32, u32, &[u8]) {
        (self.0.width(), self.0.height(), self.0.as_raw())
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn png(&self) -> Result<Vec<u8>, DecodeError> {
        let mut file = Vec::new();
        self.encode(PngEncoder::new(&mut file), "PNG")?;
        Ok(file)
    }

    /// As a JPEG file.
    ///
    /// # Errors
    /// The encoder failed.
    pub fn jpeg(&self) -> Result<Vec<u8>, DecodeError> {
        let mut file = Vec::new();
        self.encode(JpegEncoder::new_with_quality(&mut file, 80), "JPEG")?;
        Ok(file)
    }

    fn encode(&self, encoder: impl ImageEncoder, name: &'static str) -> Result<(), DecodeError> {
        let (width, height, rgb) = self.rgb();
        encoder
            .write_image(rgb, width, height, ExtendedColorType::Rgb8)
            .map_err(|error| DecodeError::from_image(error, name))
    }
}

/// The colour of a heat from 0 to 1.
fn colour(heat: f32) -> [f32; 3] {
    let at = heat.clamp(0.0, 1.0) * (COLOURS.len() - 1) as f32;
    let from = (at as usize).min(COLOURS.len() - 2);
    let share = at - from as f32;
    std::array::from_fn(|c| COLOURS[from][c] * (1.0 - share) + COLOURS[from + 1][c] * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(width: u32, height: u32) -> Vec<u8> {
        let image = RgbImage::from_pixel(width, height, image::Rgb([128; 3]));
        let mut png = Vec::new();
        let encoder = PngEncoder::new(&mut png);
        encoder
            .write_image(image.as_raw(), width, height, ExtendedColorType::Rgb8)
            .unwrap();
        png
    }

    #[test]
    fn the_hot_corner_is_bright_and_the_shape_of_the_picture_stays() {
        let mut values = vec![0.0; 49];
        values[6] = 1.0;
        let heat = Heat {
            width: 7,
            height: 7,
            values,
        };
        let fit = ImageFit::stretch(224, 224);
        let painted = heat.over(&grey(400, 200), &fit, 300).unwrap();
        let (width, height, rgb) = painted.rgb();
        assert_eq!((width, height), (300, 150));
        let level = |x: u32, y: u32| u32::from(rgb[(y * width + x) as usize * 3]);
        assert!(level(299, 0) > 180 && level(0, 0) < 100 && level(299, 149) < 100);
        assert!(painted.png().unwrap().starts_with(b"\x89PNG"));
        assert!(painted.jpeg().unwrap().starts_with(&[0xFF, 0xD8, 0xFF]));
    }

    #[test]
    fn heat_changes_evenly_between_the_middles_of_parts() {
        let heat = Heat {
            width: 2,
            height: 1,
            values: vec![0.0, 1.0],
        };
        assert_eq!(
            [0.0, 0.25, 0.5, 0.75, 1.0].map(|x| heat.at(x, 0.5)),
            [0.0, 0.0, 0.5, 1.0, 1.0]
        );
        let none = Heat {
            width: 0,
            height: 0,
            values: Vec::new(),
        };
        assert_eq!(none.at(0.3, 0.3), 0.0);
    }
}
