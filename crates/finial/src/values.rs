//! Numbers and names as flags take them: what is out of range is refused while arguments are read.
//!
//! Clap puts the flag and what was typed before each of these sentences.

use finial::TaskKind;
use finial::learn::pretrained::Preprocessing;

/// Units of a hidden layer, 0 for none.
pub fn hidden_units(text: &str) -> Result<usize, String> {
    const MOST: usize = 65_536;
    let units = text.parse().ok().filter(|units| *units <= MOST);
    units.ok_or_else(|| format!("expected a whole number from 0 to {MOST}"))
}

/// Something there must be one of.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| *number >= 1);
    number.ok_or_else(|| "expected a whole number ≥ 1".to_owned())
}

/// A seed.
pub fn seed(text: &str) -> Result<u64, String> {
    text.parse()
        .map_err(|_| format!("expected a whole number ≥ 0 and ≤ {}", u64::MAX))
}

/// A share of which something is left.
pub fn dropout(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..1.0).contains(share));
    share.ok_or_else(|| "expected a number ≥ 0 and < 1".to_owned())
}

/// A step size.
pub fn learning_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && rate.is_finite())
        .ok_or_else(|| "expected a number > 0".to_owned())
}

/// A kind of task.
pub fn task_kind(text: &str) -> Result<TaskKind, String> {
    text.parse()
        .map_err(|_| "expected multi-class, binary, multi-label or regression".to_owned())
}

/// What is done to the pixels.
pub fn preprocessing(text: &str) -> Result<Preprocessing, String> {
    let found = Preprocessing::ALL.into_iter().find(|p| p.name() == text);
    found.ok_or_else(|| {
        let names = Preprocessing::ALL.map(Preprocessing::name);
        format!("expected one of {}", names.join(", "))
    })
}

/// Height and width: one number for both, or two with an `x` between them.
pub fn image_size(text: &str) -> Result<[usize; 2], String> {
    const RANGE: std::ops::RangeInclusive<usize> = 16..=4096;
    let side = |text: &str| text.trim().parse().ok().filter(|n| RANGE.contains(n));
    let size = match text.split_once(['x', '×']) {
        Some((height, width)) => side(height).zip(side(width)),
        None => side(text).map(|n| (n, n)),
    };
    size.map(|(height, width)| [height, width]).ok_or_else(|| {
        let (least, most) = (RANGE.start(), RANGE.end());
        format!("expected a number from {least} to {most}, or two as 192x256 (height first)")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_the_edge_of_its_range_is_taken_and_one_beyond_is_not() {
        assert_eq!(hidden_units("0"), Ok(0));
        assert_eq!(hidden_units("65536"), Ok(65_536));
        assert!(hidden_units("65537").is_err());
        assert_eq!(at_least_one("1"), Ok(1));
        assert!(at_least_one("0").is_err());
        assert_eq!(seed("18446744073709551615"), Ok(u64::MAX));
        assert!(seed("-1").is_err());
        assert_eq!(dropout("0"), Ok(0.0));
        assert!(dropout("1").is_err());
        assert!(dropout("NaN").is_err());
        assert!(learning_rate("0").is_err());
        assert!(learning_rate("inf").is_err());
        assert_eq!(learning_rate("1e-3"), Ok(1e-3));
    }

    #[test]
    fn a_size_is_one_number_or_two() {
        assert_eq!(image_size("224"), Ok([224, 224]));
        assert_eq!(image_size("192x256"), Ok([192, 256]));
        for wrong in ["15", "4097", "x", "192x", "192x256x3", "-1"] {
            assert!(image_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_preprocessing_is_taken_by_its_name() {
        for kind in Preprocessing::ALL {
            assert_eq!(preprocessing(kind.name()), Ok(kind));
        }
        assert!(preprocessing("tf").is_err_and(|text| text.contains("minus-one-to-one")));
    }

    #[test]
    fn every_kind_of_task_is_taken_by_its_name() {
        for kind in TaskKind::ALL {
            assert_eq!(task_kind(&kind.to_string()), Ok(kind));
        }
    }
}
