//! Loss over learning rate, as a range test saw it.

use super::Chart;
use super::axis::{Axis, rounded_range};
use crate::format;
use crate::report::RateRange;

/// The smoothed loss over the power of ten of the rate, with the rate that was taken; `None` for
/// fewer than two points.
pub fn rate_range(range: &RateRange, id: &str) -> Option<String> {
    let points: Vec<(f64, f64)> = range
        .points
        .iter()
        .map(|point| (point.rate.log10(), point.loss))
        .filter(|(power, loss)| power.is_finite() && loss.is_finite())
        .collect();
    let (first, last) = (points.first()?, points.last()?);
    if first.0 >= last.0 {
        return None;
    }
    let powers = Axis {
        name: "learning rate, as a power of ten",
        range: (first.0, last.0),
        whole: false,
    };
    let losses = Axis {
        name: "smoothed loss",
        range: rounded_range(points.iter().map(|point| point.1).chain([0.0]), 8),
        whole: false,
    };
    let mut chart = Chart::new(240.0, powers, losses);
    chart.line("line", points.iter().copied());
    let chosen = range.chosen.log10();
    if (first.0..=last.0).contains(&chosen) {
        let x = chart.x.at(chosen);
        let (bottom, top) = chart.y.pixels();
        chart.push(&format!(
            r#"<path class="marker" d="M{x:.1} {bottom:.1}V{top:.1}"/>"#
        ));
    }
    let lowest = points.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let description = format!(
        "The loss was lowest, {}, at a rate of {:.1e}; {:.1e} was taken.",
        format::quantity(lowest.1),
        10f64.powf(lowest.0),
        range.chosen,
    );
    Some(chart.finish(id, "Loss over learning rate", &description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::RatePoint;

    #[test]
    fn the_rate_taken_is_marked_and_told() {
        let point = |power: i32| RatePoint {
            rate: 10f64.powi(power),
            loss: f64::from((power + 2).pow(2)) + 0.5,
        };
        let mut range = RateRange {
            points: (-6..=1).map(point).collect(),
            chosen: 1e-3,
        };
        let svg = rate_range(&range, "r").expect("a chart");
        assert!(
            svg.contains("at a rate of 1.0e-2; 1.0e-3 was taken"),
            "{svg}"
        );
        assert!(svg.contains("marker"));
        range.points.truncate(1);
        assert_eq!(rate_range(&range, "r"), None);
    }
}
