//! Images to try an engine on, always the same: a photo, with smooth areas, edges and grain, and a
//! thing before a white wall, on which rounding shows more.

use finial_graph::Shape;

/// Images in a probe.
pub(super) const IMAGES: usize = 2;

/// The images, 8-bit RGB `[H, W, 3]`, of the size that a graph of that input reads; none if it
/// reads no images.
pub(super) fn images(input: Shape) -> Vec<Vec<u8>> {
    let Shape::Map([3, height, width]) = input else {
        return Vec::new();
    };
    (0..IMAGES)
        .map(|which| image(which, height, width))
        .collect()
}

fn image(which: usize, height: usize, width: usize) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(height * width * 3);
    let mut grain = Grain(0x9E37_79B9);
    for y in 0..height {
        for x in 0..width {
            let (down, right) = (y as f32 / height as f32, x as f32 / width as f32);
            for channel in 0..3u8 {
                let tone = f32::from(channel + 1);
                let light = match which {
                    0 => photo(down, right, tone) + grain.next(),
                    _ => cut_out(down, right, tone),
                };
                pixels.push(light.clamp(0.0, 255.0) as u8);
            }
        }
    }
    pixels
}

/// A patterned disc before a sky.
fn photo(down: f32, right: f32, tone: f32) -> f32 {
    match inside(down - 0.55, right - 0.4, 0.06) {
        true => 110.0 + 90.0 * (tone * 2.1 + 30.0 * right + 11.0 * down).sin(),
        false => 150.0 + 70.0 * (tone * 1.3 + 2.0 * down).sin(),
    }
}

/// A shaded disc before a white wall.
fn cut_out(down: f32, right: f32, tone: f32) -> f32 {
    match inside(down - 0.5, right - 0.5, 0.12) {
        true => 110.0 + 90.0 * (tone * 2.1 + 4.0 * right + 3.0 * down + 1.0).sin(),
        false => 255.0,
    }
}

fn inside(y: f32, x: f32, area: f32) -> bool {
    y * y + x * x < area
}

/// Small numbers without a pattern, from −12 to 12.
struct Grain(u32);

impl Grain {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        (self.0 >> 8) as f32 / (1 << 24) as f32 * 24.0 - 12.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_always_the_same_and_its_images_differ() {
        let shape = Shape::Map([3, 20, 30]);
        let [one, two] = &images(shape)[..] else {
            panic!("two images");
        };
        assert_eq!((one.len(), two.len()), (1800, 1800));
        assert_ne!(one, two);
        assert_eq!(images(shape), images(shape));
        let used: std::collections::BTreeSet<u8> = one.iter().copied().collect();
        assert!(used.len() > 100, "{} levels", used.len());
    }
}
