//! Numbers and names as flags take them: what is out of range is refused while arguments are read.
//!
//! Clap puts the flag and what was typed before each of these sentences.

use std::str::FromStr;

use finial::TaskKind;
use finial::engine::{Engine, Precision};
use finial::learn::ClassWeights;
use finial::learn::pretrained::Preprocessing;
use finial::task::ThresholdRule;

/// A thing by name, or `auto` to have it found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auto<T>(pub Option<T>);

/// An engine, or `auto`.
pub fn engine(text: &str) -> Result<Auto<Engine>, String> {
    one_of(text, &Engine::ALL.map(Engine::name))
}

/// A precision, or `auto`.
pub fn precision(text: &str) -> Result<Auto<Precision>, String> {
    one_of(text, &Precision::ALL.map(Precision::name))
}

fn one_of<T: FromStr>(text: &str, names: &[&str]) -> Result<Auto<T>, String> {
    if text == "auto" {
        return Ok(Auto(None));
    }
    let found = text.parse().ok();
    let found = found.ok_or_else(|| format!("expected auto, {}", names.join(", ")))?;
    Ok(Auto(Some(found)))
}

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

/// A share of answers that hold the truth.
pub fn coverage(text: &str) -> Result<f64, String> {
    let share = text
        .parse()
        .ok()
        .filter(|share| *share > 0.0 && *share < 1.0);
    share.ok_or_else(|| "expected a number > 0 and < 1, such as 0.9".to_owned())
}

/// What a threshold is to achieve.
pub fn threshold_rule(text: &str) -> Result<ThresholdRule, String> {
    text.parse().map_err(|_| {
        "expected half, f1, costs=FALSE-ALARM:MISS, precision=SHARE or recall=SHARE".to_owned()
    })
}

/// What classes weigh.
pub fn class_weights(text: &str) -> Result<ClassWeights, String> {
    match text {
        "off" => return Ok(ClassWeights::Off),
        "auto" => return Ok(ClassWeights::Auto),
        _ => {}
    }
    // A name may hold `=`; a weight does not.
    let one = |part: &str| {
        let (name, weight) = part.rsplit_once('=')?;
        let weight: f64 = weight.trim().parse().ok()?;
        (weight > 0.0 && weight.is_finite()).then(|| (name.trim().to_owned(), weight))
    };
    let given: Option<Vec<(String, f64)>> = text.split(',').map(one).collect();
    given
        .map(ClassWeights::Given)
        .ok_or_else(|| "expected off, auto, or names and weights above 0 as cat=1,dog=5".to_owned())
}

/// The exponent of a focal loss.
pub fn focus(text: &str) -> Result<f64, String> {
    let focus = text
        .parse()
        .ok()
        .filter(|focus| (0.0..=10.0).contains(focus));
    focus.ok_or_else(|| "expected a number from 0 to 10".to_owned())
}

/// A step size.
pub fn learning_rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| *rate > 0.0 && rate.is_finite())
        .ok_or_else(|| "expected a number > 0".to_owned())
}

/// A number from 0 on.
pub fn not_negative(text: &str) -> Result<f64, String> {
    let number: Option<f64> = text.parse().ok();
    number
        .filter(|number| (0.0..=1e12).contains(number))
        .ok_or_else(|| "expected a number ≥ 0".to_owned())
}

/// Views of an image.
pub fn views(text: &str) -> Result<usize, String> {
    const MOST: usize = finial::TrainOptions::MOST_VIEWS;
    let views = text.parse().ok().filter(|views| (1..=MOST).contains(views));
    views.ok_or_else(|| format!("expected a whole number from 1 to {MOST}"))
}

/// How strongly images are mixed.
pub fn mixup(text: &str) -> Result<f64, String> {
    let alpha = text.parse().ok().filter(|a| *a > 0.0 && *a <= 1.0);
    alpha.ok_or_else(|| "expected a number > 0 and ≤ 1".to_owned())
}

/// A step size, or `auto`.
pub fn rate_or_auto(text: &str) -> Result<Auto<f64>, String> {
    match text {
        "auto" => Ok(Auto(None)),
        text => Ok(Auto(Some(learning_rate(text)?))),
    }
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
        assert_eq!(rate_or_auto("auto"), Ok(Auto(None)));
        assert_eq!(rate_or_auto("0.5"), Ok(Auto(Some(0.5))));
        assert!(rate_or_auto("automatic").is_err());
        assert_eq!(not_negative("0"), Ok(0.0));
        for wrong in ["-1", "inf", "NaN"] {
            assert!(not_negative(wrong).is_err(), "{wrong}");
        }
        assert_eq!((views("64"), views("0").is_err()), (Ok(64), true));
        assert_eq!((mixup("1"), mixup("0").is_err()), (Ok(1.0), true));
    }

    #[test]
    fn class_weights_are_a_word_or_names_with_numbers() {
        assert_eq!(class_weights("off"), Ok(ClassWeights::Off));
        assert_eq!(class_weights("auto"), Ok(ClassWeights::Auto));
        let given = vec![("a=b".to_owned(), 2.0), ("c".to_owned(), 0.5)];
        assert_eq!(class_weights("a=b=2,c=0.5"), Ok(ClassWeights::Given(given)));
        for wrong in ["", "cat", "cat=0", "cat=-1", "cat=inf", "cat=1,dog"] {
            assert!(class_weights(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_coverage_leaves_something_out() {
        assert_eq!(coverage("0.9"), Ok(0.9));
        for wrong in ["0", "1", "90", "-0.1", "x"] {
            assert!(coverage(wrong).is_err(), "{wrong}");
        }
        assert!(threshold_rule("costs=1:5").is_ok());
        assert!(threshold_rule("costs").is_err());
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
    fn every_engine_and_precision_is_taken_by_its_name() {
        assert_eq!(engine("auto"), Ok(Auto(None)));
        for one in Engine::ALL {
            assert_eq!(engine(one.name()), Ok(Auto(Some(one))));
        }
        assert_eq!(precision("bf16"), Ok(Auto(Some(Precision::Bf16))));
        assert!(engine("onnx").is_err_and(|text| text.contains("openvino")));
        assert!(precision("fp32").is_err_and(|text| text.contains("f32, bf16")));
    }

    #[test]
    fn every_kind_of_task_is_taken_by_its_name() {
        for kind in TaskKind::ALL {
            assert_eq!(task_kind(&kind.to_string()), Ok(kind));
        }
    }
}
