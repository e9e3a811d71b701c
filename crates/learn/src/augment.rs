//! Training images as they might also have been taken: mirrored, from nearer, in other light.
//!
//! Only training images are changed. What is drawn for an image follows from the seed, the epoch
//! and its content.

use finial_data::Pixels;
use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

/// How training images are changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Augmentation {
    /// Whether left and right may change places: not where a label depends on the direction, as
    /// of arrows and letters.
    pub flip: bool,
    /// The least share of the image that a crop shows; 1 for none.
    pub least_area: f64,
    /// By how much brightness, contrast and colour may change, as a share; 0 for none.
    pub colour: f64,
}

impl Default for Augmentation {
    fn default() -> Self {
        Augmentation {
            flip: true,
            least_area: 0.6,
            colour: 0.15,
        }
    }
}

impl Augmentation {
    /// An image changed by chance, of the same size.
    pub fn apply(&self, pixels: &Pixels, rng: &mut impl Rng) -> Pixels {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        // Drawn in any case, so that one setting does not change what another one draws.
        let mirrored = rng.random::<bool>() && self.flip;
        let area = rng.random_range(0.0..=1.0) * (1.0 - self.least_area) + self.least_area;
        // Between 3:4 and 4:3, as is usual; never larger than the image.
        let ratio = ((rng.random_range(-1.0..=1.0) * (4.0f64 / 3.0).ln()) / 2.0).exp();
        let crop_width = (area.sqrt() * ratio).min(1.0) * width as f64;
        let crop_height = (area.sqrt() / ratio).min(1.0) * height as f64;
        let whole = self.least_area >= 1.0;
        let (crop_width, crop_height) = match whole {
            true => (width as f64, height as f64),
            false => (crop_width, crop_height),
        };
        let left = rng.random_range(0.0..=1.0) * (width as f64 - crop_width);
        let top = rng.random_range(0.0..=1.0) * (height as f64 - crop_height);
        let mut change = || rng.random_range(-1.0..=1.0) * self.colour;
        let colour = Colour {
            brightness: 1.0 + change(),
            contrast: 1.0 + change(),
            saturation: 1.0 + change(),
        };
        let columns = positions(left, crop_width, width, mirrored);
        let rows = positions(top, crop_height, height, false);
        let mut rgb = Vec::with_capacity(pixels.rgb.len());
        for row in &rows {
            for column in &columns {
                rgb.extend(sample(pixels, row, column));
            }
        }
        colour.apply(&mut rgb);
        Pixels {
            width: pixels.width,
            height: pixels.height,
            rgb,
            pages_left_out: pixels.pages_left_out,
            size_in_file: pixels.size_in_file,
        }
    }

    /// In words, for the report.
    pub(crate) fn in_words(&self) -> String {
        let mut parts = Vec::new();
        if self.flip {
            parts.push("mirrored".to_owned());
        }
        if self.least_area < 1.0 {
            let share = (self.least_area * 100.0).round();
            parts.push(format!("cropped to {share} % or more"));
        }
        if self.colour > 0.0 {
            let share = (self.colour * 100.0).round();
            parts.push(format!("brightness, contrast, colour ± {share} %"));
        }
        parts.join(", ")
    }
}

/// Where a row or column of the new image lies in the old one: two neighbours, and the share of the
/// second.
struct Position {
    near: usize,
    far: usize,
    share: f32,
}

fn positions(start: f64, length: f64, count: usize, backwards: bool) -> Vec<Position> {
    let position = |at: usize| {
        let at = if backwards { count - 1 - at } else { at };
        let place = start + (at as f64 + 0.5) * length / count as f64 - 0.5;
        let place = place.clamp(0.0, count.saturating_sub(1) as f64);
        let near = place.floor() as usize;
        Position {
            near,
            far: (near + 1).min(count.saturating_sub(1)),
            share: (place - near as f64) as f32,
        }
    };
    (0..count).map(position).collect()
}

/// Bilinear between four pixels.
fn sample(pixels: &Pixels, row: &Position, column: &Position) -> [u8; 3] {
    let at = |row: usize, column: usize| {
        let start = (row * pixels.width as usize + column) * 3;
        pixels.rgb.get(start..start + 3).unwrap_or(&[0; 3])
    };
    let corners = [
        at(row.near, column.near),
        at(row.near, column.far),
        at(row.far, column.near),
        at(row.far, column.far),
    ];
    std::array::from_fn(|channel| {
        let [a, b, c, d] = corners.map(|corner| f32::from(corner[channel]));
        let upper = a + (b - a) * column.share;
        let lower = c + (d - c) * column.share;
        (upper + (lower - upper) * row.share).round() as u8
    })
}

struct Colour {
    brightness: f64,
    contrast: f64,
    saturation: f64,
}

impl Colour {
    /// Brightness, then contrast around the mean grey, then saturation around each pixel's grey.
    fn apply(&self, rgb: &mut [u8]) {
        let grey = |p: [f32; 3]| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
        let (pixels, _) = rgb.as_chunks_mut::<3>();
        let total: f64 = pixels
            .iter()
            .map(|p| f64::from(grey(p.map(f32::from))))
            .sum();
        let brightness = self.brightness as f32;
        let mean = (total / pixels.len().max(1) as f64) as f32 * brightness;
        let (contrast, saturation) = (self.contrast as f32, self.saturation as f32);
        for pixel in pixels {
            let bright = pixel.map(|v| (f32::from(v) * brightness - mean) * contrast + mean);
            let grey = grey(bright);
            *pixel =
                bright.map(|v| ((v - grey) * saturation + grey).round().clamp(0.0, 255.0) as u8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{Draw, generator};

    fn picture() -> Pixels {
        let (width, height) = (8u32, 6u32);
        let rgb = (0..height)
            .flat_map(|y| (0..width).flat_map(move |x| [20 * x as u8, 30 * y as u8, 77]))
            .collect();
        Pixels {
            width,
            height,
            rgb,
            ..Pixels::default()
        }
    }

    const NOTHING: Augmentation = Augmentation {
        flip: false,
        least_area: 1.0,
        colour: 0.0,
    };

    #[test]
    fn nothing_asked_leaves_the_image_as_it_is() {
        let mut rng = generator(0, Draw::Augmentation, [1, 1]);
        for _ in 0..20 {
            assert_eq!(NOTHING.apply(&picture(), &mut rng), picture());
        }
    }

    #[test]
    fn a_flip_changes_left_and_right_about_half_of_the_time() {
        let flip = Augmentation {
            flip: true,
            ..NOTHING
        };
        let mut rng = generator(0, Draw::Augmentation, [1, 1]);
        let mut mirrored = 0;
        for _ in 0..200 {
            let changed = flip.apply(&picture(), &mut rng);
            let first = |pixels: &Pixels| pixels.rgb[..3].to_vec();
            match first(&changed) == first(&picture()) {
                true => assert_eq!(changed, picture()),
                false => {
                    assert_eq!(changed.rgb[..3], picture().rgb[21..24]);
                    mirrored += 1;
                }
            }
        }
        assert!((70..130).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn the_same_place_draws_the_same_image_and_another_epoch_another_one() {
        let all = Augmentation::default();
        let at = |epoch| {
            all.apply(
                &picture(),
                &mut generator(3, Draw::Augmentation, [epoch, 9]),
            )
        };
        assert_eq!(at(1), at(1));
        assert_ne!(at(1), at(2));
        assert_eq!(at(1).rgb.len(), picture().rgb.len());
    }

    #[test]
    fn colours_change_by_no_more_than_was_asked() {
        let colour = Augmentation {
            colour: 0.1,
            ..NOTHING
        };
        let grey = Pixels {
            width: 4,
            height: 4,
            rgb: vec![100; 48],
            ..Pixels::default()
        };
        let mut rng = generator(0, Draw::Augmentation, [1, 1]);
        for _ in 0..50 {
            // Of a grey image only the brightness can change.
            let changed = colour.apply(&grey, &mut rng);
            assert!(changed.rgb.iter().all(|v| (89..=111).contains(v)));
        }
    }
}
