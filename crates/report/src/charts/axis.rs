//! Scales: from data to units of the view box, and where to put the marks.

use crate::format;

/// What an axis shows.
#[derive(Debug, Clone, Copy)]
pub struct Axis<'a> {
    /// Its name, written beside it.
    pub name: &'a str,
    /// Smallest and largest value.
    pub range: (f64, f64),
    /// Whether only whole numbers make sense, as for epochs.
    pub whole: bool,
}

/// A straight map from a range of data to a range of the view box.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    whole: bool,
}

impl Scale {
    /// Maps the range of `axis` to `pixels`; an empty or broken range is widened.
    pub fn new(axis: Axis<'_>, pixels: (f64, f64)) -> Self {
        let (mut low, mut high) = axis.range;
        if !(low.is_finite() && high.is_finite()) {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= low.abs().max(high.abs()) * 1e-9 {
            let room = low.abs().max(1.0) * 0.5;
            (low, high) = (low - room, high + room);
        }
        Self {
            low,
            high,
            from: pixels.0,
            to: pixels.1,
            whole: axis.whole,
        }
    }

    /// The place of a value.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    /// The two ends of the view box.
    pub fn pixels(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// As [`marks`](Self::marks), but so few that their texts stand beside each other.
    pub fn marks_in_a_row(&self, wanted: usize) -> Vec<(f64, String)> {
        /// Width of a digit and of the room between two texts, in units of the view box.
        const DIGIT: f64 = 7.5;
        const ROOM: f64 = 12.0;
        let fits = |marks: &[(f64, String)]| {
            let widest = marks.iter().map(|(_, text)| text.chars().count()).max();
            let wide = widest.unwrap_or(0) as f64 * DIGIT + ROOM;
            let places = marks.first().zip(marks.get(1));
            places.is_none_or(|(a, b)| (self.at(b.0) - self.at(a.0)).abs() >= wide)
        };
        let fewer = (2..=wanted).rev().map(|wanted| self.marks(wanted));
        let mut fitting = fewer.filter(|marks| fits(marks));
        fitting.next().unwrap_or_else(|| self.marks(1))
    }

    /// Round values within the range, about `wanted` of them, each with its text.
    pub fn marks(&self, wanted: usize) -> Vec<(f64, String)> {
        let least = if self.whole { 1.0 } else { 0.0 };
        let step = round_step(self.high - self.low, wanted).max(least);
        let first = (self.low / step - 1e-9).ceil();
        let last = (self.high / step + 1e-9).floor();
        // A range that a double cannot divide gives no marks rather than endless ones.
        let number = last - first;
        if !(0.0..=40.0).contains(&number) {
            return Vec::new();
        }
        (0..=number as usize)
            .map(|i| (first + i as f64) * step)
            .map(|value| (value, format::tick(value, step)))
            .collect()
    }
}

/// The range of values widened to the next marks on both sides.
pub fn rounded_range(values: impl Iterator<Item = f64>, wanted: usize) -> (f64, f64) {
    let (low, high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
    let step = round_step(high - low, wanted);
    if step.is_finite() && step > 0.0 {
        ((low / step).floor() * step, (high / step).ceil() * step)
    } else {
        (low, high)
    }
}

/// 1, 2 or 5 times a power of ten, so that `span` holds about `wanted` steps.
fn round_step(span: f64, wanted: usize) -> f64 {
    let rough = span / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let factor = match rough / power {
        f if f <= 1.0 => 1.0,
        f if f <= 2.0 => 2.0,
        f if f <= 5.0 => 5.0,
        _ => 10.0,
    };
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(range: (f64, f64), whole: bool) -> Scale {
        let axis = Axis {
            name: "",
            range,
            whole,
        };
        Scale::new(axis, (0.0, 100.0))
    }

    fn texts(range: (f64, f64)) -> Vec<String> {
        scale(range, false)
            .marks(5)
            .into_iter()
            .map(|(_, text)| text)
            .collect()
    }

    #[test]
    fn marks_are_round_and_inside_the_range() {
        assert_eq!(
            texts((0.0, 1.0)),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(texts((-3.0, 4.2)), ["−2", "0", "2", "4"]);
        assert_eq!(texts((900.0, 2_100.0)), ["1,000", "1,500", "2,000"]);
    }

    #[test]
    fn an_axis_of_whole_numbers_has_no_halves() {
        let marks = scale((1.0, 3.0), true).marks(6);
        let texts: Vec<_> = marks.into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["1", "2", "3"]);
    }

    #[test]
    fn long_texts_in_a_row_are_fewer() {
        let axis = Axis {
            name: "",
            range: (205_000.0, 240_000.0),
            whole: false,
        };
        let scale = Scale::new(axis, (48.0, 386.0));
        let texts: Vec<_> = scale.marks_in_a_row(7).into_iter().map(|m| m.1).collect();
        assert_eq!(texts, ["210,000", "220,000", "230,000", "240,000"]);
    }

    #[test]
    fn broken_ranges_still_give_a_scale() {
        for range in [
            (f64::INFINITY, f64::NEG_INFINITY),
            (f64::NAN, 1.0),
            (3.0, 3.0),
            (0.0, 0.0),
            (1e300, 1e300),
            (-1e308, 1e308),
        ] {
            assert!(scale(range, false).marks(5).len() <= 41, "{range:?}");
        }
        assert!(scale((3.0, 3.0), false).at(3.0) == 50.0);
    }

    #[test]
    fn a_rounded_range_contains_its_values() {
        assert_eq!(rounded_range([0.3, 9.7].into_iter(), 5), (0.0, 10.0));
        let (low, high) = rounded_range([-1.2, f64::NAN, 17.0].into_iter(), 5);
        assert!(low <= -1.2 && high >= 17.0);
    }
}
