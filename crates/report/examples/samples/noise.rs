//! A small seeded random generator and thumbnails drawn with it.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

/// Splitmix64: the samples must not change from run to run.
pub struct Noise(u64);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Evenly in 0..1.
    pub fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// About normal, mean 0, deviation 1.
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}

/// A JPEG file of a round thing on a background, in hues of the seed.
pub fn thumbnail(seed: u64) -> Vec<u8> {
    let mut noise = Noise::new(seed);
    let (petals, turn) = (3.0 + (noise.uniform() * 6.0).floor(), noise.uniform() * 6.0);
    let mut colour = || [0.3, 0.5, 0.4].map(|low| low + 0.5 * noise.uniform());
    let (front, back) = (colour(), colour().map(|part| part * 0.5));
    let (width, height) = if seed.is_multiple_of(3) {
        (160, 120)
    } else {
        (140, 140)
    };
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let (dx, dy) = (
            f64::from(x) / f64::from(width) - 0.5,
            f64::from(y) / f64::from(height) - 0.5,
        );
        let (radius, angle) = (dx.hypot(dy), dy.atan2(dx));
        let edge = 0.27 + 0.09 * (petals * angle + turn).sin();
        let inside = ((edge - radius) * 40.0).clamp(0.0, 1.0);
        let light = 1.0 - 0.5 * radius;
        Rgb([0, 1, 2]
            .map(|i| ((front[i] * inside + back[i] * (1.0 - inside)) * light * 255.0) as u8))
    });
    let mut bytes = Vec::new();
    match JpegEncoder::new_with_quality(&mut bytes, 75).encode_image(&picture) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
