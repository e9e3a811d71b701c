//! What a glance at an image tells: how large it is, whether there is anything to see on it, and
//! a fingerprint that stays when the picture is saved anew.
//!
//! What that means for a data set is judged in `finial-learn`.

use std::f64::consts::PI;

use super::Pixels;

/// An image at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    /// Columns of pixels of the file, as a viewer shows it.
    pub width: u32,
    /// Rows of pixels of the file.
    pub height: u32,
    /// The standard deviation of its grey levels, of which there are 256, once it is brought to
    /// size: 0 for one even colour, 20 to 90 for most photos.
    pub spread: f32,
    /// Its mean colour apart from its brightness: blue and red difference (Cb and Cr of JPEG),
    /// 0 and 0 for grey.
    pub chroma: [f32; 2],
    /// What it shows, roughly.
    pub print: Print,
}

/// A perceptual hash: 256 bits, of which few change when the same picture is encoded, resized,
/// brightened or darkened, and about half when it is another picture.
///
/// The signs of the 16 × 16 lowest frequencies (discrete cosine transform) of the picture in grey,
/// shrunk to 32 × 32 pixels. A crop or a turn changes them as another picture does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Print([u64; 4]);

/// Cells a side of the shrunk picture.
const CELLS: usize = 32;
/// Frequencies a side.
const FREQUENCIES: usize = 16;
/// Smaller than this, a frequency is not there, and its sign would be chance.
const NOTHING: f64 = 1e-3;
/// Bits of a print that one number holds exactly.
const BITS: usize = 16;

impl Print {
    /// How many bits there are.
    pub const BITS: u32 = 256;

    /// How many bits differ, if no more than `most` do.
    pub fn apart(self, other: Print, most: u32) -> Option<u32> {
        let mut apart = 0;
        for (a, b) in self.0.into_iter().zip(other.0) {
            apart += (a ^ b).count_ones();
            // Of two different pictures mostly said after the first quarter.
            if apart > most {
                return None;
            }
        }
        Some(apart)
    }

    /// That of the picture in a mirror: left and right change places, so the waves that are odd
    /// from left to right change their signs.
    #[must_use]
    pub fn mirrored(self) -> Print {
        // Sixteen bits a row of frequencies, the odd ones of each.
        Print(self.0.map(|word| word ^ 0xAAAA_AAAA_AAAA_AAAA))
    }

    fn of(pixels: &Pixels) -> Self {
        let cells = shrunk(pixels);
        let wave = |frequency: usize, place: usize| {
            (PI * (2 * place + 1) as f64 * frequency as f64 / (2 * CELLS) as f64).cos()
        };
        let waves: Vec<[f64; CELLS]> = (0..FREQUENCIES)
            .map(|frequency| std::array::from_fn(|place| wave(frequency, place)))
            .collect();
        let times = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let mut print = [0u64; 4];
        for (v, down) in waves.iter().enumerate() {
            // The picture as one row: how much of this wave each column holds.
            let row: [f64; CELLS] = std::array::from_fn(|x| {
                let column = cells.iter().zip(down).map(|(row, wave)| row[x] * wave);
                column.sum()
            });
            for (u, across) in waves.iter().enumerate() {
                let bit = v * FREQUENCIES + u;
                if times(&row, across) > NOTHING {
                    print[bit / 64] |= 1 << (bit % 64);
                }
            }
        }
        Print(print)
    }

    /// Sixteen bits a number.
    fn numbers(self) -> impl Iterator<Item = f32> {
        let parts = self.0.into_iter().flat_map(|word| {
            (0..64 / BITS).map(move |part| (word >> (BITS * part)) & ((1 << BITS) - 1))
        });
        parts.map(|part| part as f32)
    }

    fn from_numbers(numbers: &[f32]) -> Self {
        let mut print = [0u64; 4];
        for (word, parts) in print.iter_mut().zip(numbers.chunks(64 / BITS)) {
            for (at, part) in parts.iter().enumerate() {
                *word |= (*part as u64 & ((1 << BITS) - 1)) << (BITS * at);
            }
        }
        Print(print)
    }
}

/// The mean grey level of each of 32 × 32 parts of the picture.
fn shrunk(pixels: &Pixels) -> [[f64; CELLS]; CELLS] {
    let grey: Vec<f32> = pixels.grey().collect();
    let [width, height] = [pixels.width, pixels.height].map(|side| side as usize);
    let part = |cell: usize, side: usize| {
        let from = cell * side / CELLS;
        from..((cell + 1) * side / CELLS).max(from + 1).min(side)
    };
    std::array::from_fn(|y| {
        std::array::from_fn(|x| {
            let rows = part(y, height).filter_map(|row| {
                let columns = part(x, width);
                grey.get(row * width + columns.start..row * width + columns.end)
            });
            let (sum, count) = rows.flatten().fold((0.0, 0u32), |(sum, count), &level| {
                (sum + f64::from(level), count + 1)
            });
            sum / f64::from(count.max(1))
        })
    })
}

impl Look {
    /// How many numbers [`Look::numbers`] gives.
    pub const NUMBERS: usize = 5 + Print::BITS as usize / BITS;

    /// It as numbers, to be kept beside an image's features: whole ones are far below 2²⁴, so all
    /// are exact.
    pub fn numbers(self) -> Vec<f32> {
        let [blue, red] = self.chroma;
        let plain = [
            self.width as f32,
            self.height as f32,
            self.spread,
            blue,
            red,
        ];
        plain.into_iter().chain(self.print.numbers()).collect()
    }

    /// What [`Look::numbers`] gave; `None` for another number of numbers.
    pub fn from_numbers(numbers: &[f32]) -> Option<Self> {
        match numbers {
            [width, height, spread, blue, red, print @ ..] if numbers.len() == Look::NUMBERS => {
                Some(Look {
                    width: *width as u32,
                    height: *height as u32,
                    spread: *spread,
                    chroma: [*blue, *red],
                    print: Print::from_numbers(print),
                })
            }
            _ => None,
        }
    }
}

impl Pixels {
    /// The image at a glance.
    pub fn look(&self) -> Look {
        let [width, height] = self.size_in_file;
        let (spread, chroma) = self.spread_and_chroma();
        Look {
            width,
            height,
            spread,
            chroma,
            print: Print::of(self),
        }
    }

    /// The grey level of each pixel, 0 to 255 (ITU-R BT.601).
    fn grey(&self) -> impl Iterator<Item = f32> + '_ {
        let weights = [0.299, 0.587, 0.114];
        self.rgb.chunks_exact(3).map(move |pixel| {
            let parts = pixel.iter().zip(weights);
            parts
                .map(|(&level, weight)| f32::from(level) * weight)
                .sum()
        })
    }

    fn spread_and_chroma(&self) -> (f32, [f32; 2]) {
        let pixels = (self.rgb.len() / 3).max(1) as f64;
        let (sum, squares) = self.grey().map(f64::from).fold((0.0, 0.0), |sums, grey| {
            (sums.0 + grey, sums.1 + grey * grey)
        });
        let mean = sum / pixels;
        let spread = (squares / pixels - mean * mean).max(0.0).sqrt() as f32;
        let level = |channel: usize| {
            let levels = self.rgb.iter().skip(channel).step_by(3);
            levels.map(|&level| u64::from(level)).sum::<u64>() as f64 / pixels
        };
        // As JPEG has them, scaled to ±127.5.
        let chroma = [(level(2) - mean) / 1.772, (level(0) - mean) / 1.402];
        (spread, chroma.map(|difference| difference as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(side: u32, level: impl Fn(f64, f64) -> f64) -> Pixels {
        let place = |at: u32| (f64::from(at) + 0.5) / f64::from(side);
        let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let levels = places.map(|(x, y)| level(place(x), place(y)).clamp(0.0, 255.0) as u8);
        Pixels {
            width: side,
            height: side,
            rgb: levels.flat_map(|level| [level; 3]).collect(),
            size_in_file: [side; 2],
            ..Pixels::default()
        }
    }

    fn hills(seed: f64) -> impl Fn(f64, f64) -> f64 {
        move |x, y| {
            let wave = |a: f64, b: f64| ((a * x + b * y + seed) * seed).sin();
            120.0 + 40.0 * wave(3.0, 7.0) + 30.0 * wave(11.0, 2.0) + 20.0 * wave(17.0, 23.0)
        }
    }

    #[test]
    fn the_same_picture_at_another_size_or_brightness_has_nearly_the_same_print() {
        let print = |pixels: &Pixels| pixels.look().print;
        let one = print(&picture(224, hills(1.7)));
        let small = print(&picture(150, hills(1.7)));
        let darker = print(&picture(224, |x, y| 0.8 * hills(1.7)(x, y)));
        let other = print(&picture(224, hills(2.9)));
        for same in [one, small, darker] {
            assert!(one.apart(same, 20).is_some());
        }
        assert!(one.apart(other, 60).is_none());
        assert_eq!(
            one.apart(other, Print::BITS).map(|bits| bits > 60),
            Some(true)
        );
    }

    #[test]
    fn a_picture_in_a_mirror_has_the_mirrored_print() {
        let print = |pixels: &Pixels| pixels.look().print;
        let one = print(&picture(224, hills(1.7)));
        let mirrored = print(&picture(224, |x, y| hills(1.7)(1.0 - x, y)));
        assert!(one.apart(mirrored, 26).is_none());
        assert!(one.mirrored().apart(mirrored, 8).is_some());
        assert_eq!(one.mirrored().mirrored(), one);
    }

    #[test]
    fn one_even_colour_has_no_spread_and_black_on_white_has_half_the_levels() {
        assert!(picture(9, |_, _| 90.0).look().spread < 0.1);
        let apart = picture(8, |x, _| if x < 0.5 { 0.0 } else { 255.0 }).look();
        assert!((apart.spread - 127.5).abs() < 0.1, "{apart:?}");
        assert!(apart.chroma.iter().all(|part| part.abs() < 0.1));
        let blue = Pixels {
            width: 1,
            height: 1,
            rgb: vec![0, 0, 255],
            ..Pixels::default()
        };
        let [towards_blue, towards_red] = blue.look().chroma;
        assert!((towards_blue - 127.5).abs() < 0.1 && (towards_red + 20.7).abs() < 0.1);
    }

    #[test]
    fn numbers_give_the_look_again() {
        let look = Look {
            width: 40_000,
            ..picture(40, hills(1.7)).look()
        };
        assert_eq!(Look::from_numbers(&look.numbers()), Some(look));
        assert_eq!(look.numbers().len(), Look::NUMBERS);
        assert_eq!(Look::from_numbers(&[1.0]), None);
    }

    #[test]
    fn a_picture_smaller_than_the_cells_has_a_print() {
        let tiny = picture(3, |x, y| 255.0 * x * y).look();
        assert_ne!(tiny.print, Print::default());
        assert_eq!(Pixels::default().look().print, Print::default());
    }
}
