//! How numbers become text, in one place.
//!
//! The page uses these as template filters. They are public so that a sentence written elsewhere
//! ("always guessing the most common class scores 0.310") writes its numbers the same way.

/// Stands for a value that does not exist.
pub const NONE: &str = "–";

/// A count with its thousands set apart: `12,345`.
///
/// ```
/// assert_eq!(finial_report::format::count(4_049_564), "4,049,564");
/// ```
pub fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of images: `1 image`, `1,200 images`.
///
/// ```
/// assert_eq!(finial_report::format::images(1), "1 image");
/// assert_eq!(finial_report::format::images(1_200), "1,200 images");
/// ```
pub fn images(number: usize) -> String {
    match number {
        1 => "1 image".into(),
        _ => format!("{} images", count(number)),
    }
}

/// A share, such as an accuracy, with three decimals.
///
/// A score short of 1 is never shown as 1, nor one above 0 as 0: a single mistake among ten
/// thousand stays visible.
///
/// ```
/// use finial_report::format::share;
/// assert_eq!(share(0.9312), "0.931");
/// assert_eq!(share(0.9999), ">0.999");
/// assert_eq!(share(1.0), "1.000");
/// ```
pub fn share(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let rounded = format!("{value:.3}");
    match rounded.as_str() {
        "1.000" if value < 1.0 => ">0.999".into(),
        "0.000" | "-0.000" if value > 0.0 => "<0.001".into(),
        "-0.000" => "0.000".into(),
        _ => minus(rounded),
    }
}

/// A share as whole percent: `31 %`, and never 0 or 100 for what is not.
///
/// ```
/// use finial_report::format::percent;
/// assert_eq!(percent(0.314), "31\u{a0}%");
/// assert_eq!(percent(0.999), ">99\u{a0}%");
/// ```
pub fn percent(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let rounded = (value * 100.0).round();
    if rounded >= 100.0 && value < 1.0 {
        ">99\u{a0}%".into()
    } else if rounded <= 0.0 && value > 0.0 {
        "<1\u{a0}%".into()
    } else {
        minus(format!("{rounded:.0}\u{a0}%"))
    }
}

/// A quantity of any size with about three significant digits.
///
/// ```
/// use finial_report::format::quantity;
/// assert_eq!(quantity(12.345), "12.3");
/// assert_eq!(quantity(0.012345), "0.0123");
/// assert_eq!(quantity(48_210.0), "48,210");
/// ```
pub fn quantity(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let size = value.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e9).contains(&size) {
        return minus(format!("{value:.2e}"));
    }
    if size >= 999.5 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(size.round() as usize));
    }
    // The exponent after rounding to three digits: 9.996 is written 10.0, not 10.00.
    let exponent = format!("{size:.2e}")
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok())
        .unwrap_or(0);
    minus(format!("{value:.*}", (2 - exponent).max(0) as usize))
}

/// A value as it was given: up to six significant digits, none of them a trailing zero.
///
/// For what stands in the data; what was computed is a [`quantity`].
///
/// ```
/// use finial_report::format::given;
/// assert_eq!(given(8.0), "8");
/// assert_eq!(given(f64::from(0.1_f32)), "0.1");
/// assert_eq!(given(-1_234.5), "−1,234.5");
/// ```
pub fn given(value: f64) -> String {
    if !value.is_finite() {
        return NONE.into();
    }
    let size = value.abs();
    if size != 0.0 && !(1e-4..1e9).contains(&size) {
        return quantity(value);
    }
    let sign = if value < 0.0 { "−" } else { "" };
    let decimals = if size < 1.0 {
        6
    } else {
        5usize.saturating_sub(size.log10() as usize)
    };
    let digits = format!("{size:.decimals$}");
    let (whole, part) = digits.split_once('.').unwrap_or((&digits, ""));
    let whole = count(whole.parse().unwrap_or(0));
    match part.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        part => format!("{sign}{whole}.{part}"),
    }
}

/// A mark on an axis whose marks are `step` apart: no more decimals than tell them apart.
///
/// ```
/// use finial_report::format::tick;
/// assert_eq!(tick(0.5, 0.25), "0.50");
/// assert_eq!(tick(1_500.0, 500.0), "1,500");
/// ```
pub fn tick(value: f64, step: f64) -> String {
    if !(1e-6..1e15).contains(&step.abs()) {
        return minus(format!("{value:.1e}"));
    }
    // A sum of steps may end in -0.0 or 1e-17.
    let value = if value.abs() < step * 1e-6 {
        0.0
    } else {
        value
    };
    let mut decimals = 0;
    while decimals < 8 && !near_whole(step * 10f64.powi(decimals)) {
        decimals += 1;
    }
    if decimals == 0 && value.abs() >= 1_000.0 {
        let sign = if value < 0.0 { "−" } else { "" };
        return format!("{sign}{}", count(value.abs().round() as usize));
    }
    minus(format!("{value:.*}", decimals as usize))
}

fn near_whole(value: f64) -> bool {
    (value - value.round()).abs() < 1e-6 * value.abs().max(1.0)
}

/// A quantity with its unit, if it has one: `12.3 mm`.
///
/// ```
/// assert_eq!(finial_report::format::with_unit(12.345, Some("mm")), "12.3\u{a0}mm");
/// ```
pub fn with_unit(value: f64, unit: Option<&str>) -> String {
    match unit {
        Some(unit) if !unit.is_empty() && value.is_finite() => {
            format!("{}\u{a0}{unit}", quantity(value))
        }
        _ => quantity(value),
    }
}

/// A time span in the two largest fitting units.
///
/// ```
/// use finial_report::format::duration;
/// assert_eq!(duration(0.4), "0.4\u{a0}s");
/// assert_eq!(duration(187.2), "3\u{a0}min 7\u{a0}s");
/// assert_eq!(duration(7_380.0), "2\u{a0}h 3\u{a0}min");
/// ```
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.into();
    }
    if seconds < 9.95 {
        return format!("{seconds:.1}\u{a0}s");
    }
    let whole = seconds.round() as u64;
    match whole {
        0..60 => format!("{whole}\u{a0}s"),
        60..3600 => format!("{}\u{a0}min {}\u{a0}s", whole / 60, whole % 60),
        _ => {
            // Rounded to minutes first, so that 7,199 s is 2 h 0 min and not 1 h 60 min.
            let minutes = (seconds / 60.0).round() as u64;
            format!("{}\u{a0}h {}\u{a0}min", minutes / 60, minutes % 60)
        }
    }
}

/// A shape with its batch axis: `[N, 1280]`.
///
/// ```
/// assert_eq!(finial_report::format::shape(&[7, 7, 320]), "[N, 7, 7, 320]");
/// ```
pub fn shape(without_batch: &[usize]) -> String {
    let mut text = String::from("[N");
    for extent in without_batch {
        text.push_str(&format!(", {extent}"));
    }
    text.push(']');
    text
}

/// The typographic minus sign in place of the hyphen, as long as a plus is wide.
fn minus(text: String) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_from_the_right() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(123_456), "123,456");
    }

    #[test]
    fn a_share_is_never_rounded_to_perfection_or_to_nothing() {
        assert_eq!(share(0.9996), ">0.999");
        assert_eq!(share(0.0001), "<0.001");
        assert_eq!(share(0.0), "0.000");
        assert_eq!(share(-0.0), "0.000");
        assert_eq!(share(-0.25), "−0.250");
        assert_eq!(percent(0.004), "<1\u{a0}%");
        assert_eq!(percent(1.0), "100\u{a0}%");
        assert_eq!(percent(0.0), "0\u{a0}%");
    }

    #[test]
    fn what_is_not_a_number_is_a_dash() {
        for text in [
            share(f64::NAN),
            percent(f64::INFINITY),
            quantity(f64::NAN),
            duration(f64::NAN),
            with_unit(f64::NAN, Some("mm")),
        ] {
            assert_eq!(text, NONE);
        }
    }

    #[test]
    fn a_quantity_keeps_three_digits_at_every_size() {
        assert_eq!(quantity(0.000_012_3), "1.23e−5");
        assert_eq!(quantity(0.5), "0.500");
        assert_eq!(quantity(9.876), "9.88");
        assert_eq!(quantity(9.996), "10.0");
        assert_eq!(quantity(99.96), "100");
        assert_eq!(quantity(999.4), "999");
        assert_eq!(quantity(999.6), "1,000");
        assert_eq!(quantity(-48_210.4), "−48,210");
        assert_eq!(quantity(2.5e12), "2.50e12");
    }

    #[test]
    fn a_given_value_is_neither_padded_nor_cut_short() {
        for (value, text) in [
            (0.0, "0"),
            (0.5, "0.5"),
            (9.75, "9.75"),
            (112.4, "112.4"),
            (2_024.0, "2,024"),
            (1_234_567.0, "1,234,567"),
            (0.000_125, "0.000125"),
            (f64::NAN, NONE),
        ] {
            assert_eq!(given(value), text);
        }
    }

    #[test]
    fn a_duration_never_shows_sixty_of_a_unit() {
        assert_eq!(duration(9.96), "10\u{a0}s");
        assert_eq!(duration(59.6), "1\u{a0}min 0\u{a0}s");
        assert_eq!(duration(3_599.7), "1\u{a0}h 0\u{a0}min");
        assert_eq!(duration(7_199.0), "2\u{a0}h 0\u{a0}min");
    }
}
