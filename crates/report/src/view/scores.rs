//! The scores as text and as lengths on a bar from 0 to 1.

use serde::Serialize;

use super::share_width;
use crate::format;
use crate::report::{Better, Measure, Score};

/// A score with its numbers as text.
#[derive(Debug, Serialize)]
pub struct ScoreView<'a> {
    label: &'a str,
    value: String,
    validation: Option<String>,
    comparison: Option<&'a str>,
    explanation: &'a str,
    better: &'static str,
    baseline: Option<BaselineView<'a>>,
    interval: Option<IntervalView<'a>>,
    /// The value on a bar from 0 to 1, in percent, where such a bar makes sense.
    width: Option<f64>,
}

#[derive(Debug, Serialize)]
struct BaselineView<'a> {
    sentence: &'a str,
    width: Option<f64>,
}

#[derive(Debug, Serialize)]
struct IntervalView<'a> {
    sentence: &'a str,
    /// Where the interval begins on the bar and how long it is, in percent.
    on_bar: Option<(f64, f64)>,
}

impl<'a> ScoreView<'a> {
    /// Writes the numbers of a score.
    pub fn new(score: &'a Score) -> Self {
        let write = |value: f64| match &score.measure {
            Measure::Share => format::share(value),
            Measure::Quantity { unit } => format::with_unit(value, unit.as_deref()),
        };
        let on_bar = |value: f64| {
            let has_bar = score.measure == Measure::Share && score.better == Better::Higher;
            (has_bar && (0.0..=1.0).contains(&value)).then(|| share_width(value))
        };
        Self {
            label: &score.label,
            value: write(score.value),
            validation: score.validation.map(write),
            comparison: score.comparison.as_deref(),
            explanation: &score.explanation,
            better: match score.better {
                Better::Higher => "higher is better",
                Better::Lower => "lower is better",
            },
            baseline: score.baseline.as_ref().map(|baseline| BaselineView {
                sentence: &baseline.sentence,
                width: on_bar(baseline.value),
            }),
            interval: score.interval.as_ref().map(|interval| IntervalView {
                sentence: &interval.sentence,
                on_bar: on_bar(interval.low)
                    .zip(on_bar(interval.high))
                    .map(|(low, high)| (low, ((high - low) * 10.0).round() / 10.0)),
            }),
            width: on_bar(score.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Baseline, Interval};

    fn accuracy() -> Score {
        Score {
            name: "accuracy".into(),
            label: "Accuracy".into(),
            value: 0.912,
            measure: Measure::Share,
            validation: Some(0.9),
            comparison: None,
            interval: Some(Interval {
                low: 0.85,
                high: 0.952,
                sentence: String::new(),
            }),
            baseline: Some(Baseline {
                value: 0.31,
                sentence: String::new(),
            }),
            explanation: String::new(),
            better: Better::Higher,
        }
    }

    #[test]
    fn only_a_share_that_should_rise_has_a_bar() {
        let mut score = accuracy();
        let view = ScoreView::new(&score);
        assert_eq!(view.width, Some(91.2));
        assert_eq!(view.baseline.and_then(|b| b.width), Some(31.0));
        score.value = -0.2;
        assert_eq!(ScoreView::new(&score).width, None);
        score.measure = Measure::Quantity {
            unit: Some("mm".into()),
        };
        score.value = 0.5;
        let view = ScoreView::new(&score);
        assert_eq!((view.width, view.value.as_str()), (None, "0.500\u{a0}mm"));
        assert_eq!(view.interval.and_then(|interval| interval.on_bar), None);
    }

    #[test]
    fn an_interval_has_a_place_and_a_length_on_the_bar() {
        let score = accuracy();
        let interval = ScoreView::new(&score).interval;
        assert_eq!(interval.and_then(|i| i.on_bar), Some((85.0, 10.2)));
    }
}
