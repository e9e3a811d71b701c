//! Numbers and names as flags take them: what is out of range is refused while arguments are read.
//!
//! Clap puts the flag and what was typed before each of these sentences.

use finial::TaskKind;

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
    fn every_kind_of_task_is_taken_by_its_name() {
        for kind in TaskKind::ALL {
            assert_eq!(task_kind(&kind.to_string()), Ok(kind));
        }
    }
}
