//! Predicted against true values of one target.

use super::Chart;
use super::axis::{Axis, rounded_range};
use crate::format;
use crate::report::TargetEvidence;

/// More dots than these hide each other and make the page heavy.
const MOST_DOTS: usize = 1_000;

/// A scatter plot and how many of the points it shows.
#[derive(Debug, PartialEq)]
pub struct Scatter {
    /// The chart.
    pub svg: String,
    /// Points drawn.
    pub drawn: usize,
    /// Points there are, those that cannot be drawn included.
    pub total: usize,
}

/// Predicted against true values, thinned evenly; `None` where no point is finite.
pub fn scatter(target: &TargetEvidence, id: &str) -> Option<Scatter> {
    let finite: Vec<(f64, f64)> = target
        .points
        .iter()
        .map(|point| (point.truth, point.predicted))
        .filter(|(truth, predicted)| truth.is_finite() && predicted.is_finite())
        .collect();
    if finite.is_empty() {
        return None;
    }
    // One range for both axes, so that the diagonal means "exactly right".
    let range = rounded_range(
        finite
            .iter()
            .flat_map(|&(truth, predicted)| [truth, predicted]),
        12,
    );
    let axis = |name| Axis {
        name,
        range,
        whole: false,
    };
    let mut chart = Chart::new(370.0, axis("true value"), axis("predicted value"));
    chart.vertical_grid();
    chart.line("line quiet", [(range.0, range.0), (range.1, range.1)]);
    let drawn = finite.len().min(MOST_DOTS);
    chart.push(r#"<g class="dots">"#);
    for i in 0..drawn {
        // Even steps over all points; the product stays far below the limits of usize.
        if let Some(&point) = finite.get(i * finite.len() / drawn) {
            chart.dot("dot", 2.6, point);
        }
    }
    chart.push("</g>");
    let title = format!("Predicted against true {}", target.name);
    let description = format!(
        "{} images. On the dashed diagonal a prediction is exactly right; the mean distance from it is {}.",
        format::count(drawn),
        format::with_unit(target.mae, target.unit.as_deref())
    );
    Some(Scatter {
        svg: chart.finish(id, &title, &description),
        drawn,
        total: target.points.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::PredictedPoint;

    fn target(points: impl Iterator<Item = (f64, f64)>) -> TargetEvidence {
        TargetEvidence {
            name: "width".into(),
            points: points
                .map(|(truth, predicted)| PredictedPoint { truth, predicted })
                .collect(),
            ..TargetEvidence::default()
        }
    }

    #[test]
    fn many_points_are_thinned_and_counted() {
        let many = target((0..25_000).map(|i| (f64::from(i), f64::from(i) + 1.0)));
        let scatter = scatter(&many, "c").expect("a chart");
        assert_eq!((scatter.drawn, scatter.total), (1_000, 25_000));
        assert_eq!(scatter.svg.matches("<circle").count(), 1_000);
    }

    #[test]
    fn points_that_are_not_numbers_are_left_out_but_counted() {
        let points = [(1.0, 2.0), (f64::NAN, 1.0), (1.0, f64::INFINITY)];
        let scatter = scatter(&target(points.into_iter()), "c").expect("a chart");
        assert_eq!((scatter.drawn, scatter.total), (1, 3));
    }

    #[test]
    fn without_points_there_is_no_chart() {
        assert_eq!(scatter(&target([].into_iter()), "c"), None);
        let broken = target([(f64::NAN, f64::NAN)].into_iter());
        assert_eq!(scatter(&broken, "c"), None);
    }
}
