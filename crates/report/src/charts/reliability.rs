//! What was said against what was so.

use super::Chart;
use super::axis::Axis;
use crate::format;
use crate::report::Reliability;

const HEIGHT: f64 = 350.0;
/// Radius of the dot that stands for all answers, and the smallest one.
const RADII: (f64, f64) = (14.0, 2.5);

/// The share that was so against the probability that was said, a dot for each range of
/// probabilities, its area by how many answers it holds. `None` without answers.
pub fn reliability(diagram: &Reliability, id: &str) -> Option<String> {
    let total: u64 = diagram.bins.iter().map(|bin| bin.answers).sum();
    if total == 0 {
        return None;
    }
    let axis = |name| Axis {
        name,
        range: (0.0, 1.0),
        whole: false,
    };
    let mut chart = Chart::new(HEIGHT, axis("probability said"), axis("share that was so"));
    chart.vertical_grid();
    chart.line("line quiet", [(0.0, 0.0), (1.0, 1.0)]);
    let dots = || diagram.bins.iter().filter(|bin| bin.answers > 0);
    chart.line("line", dots().map(|bin| (bin.probability, bin.frequency)));
    for bin in dots() {
        let share = bin.answers as f64 / total as f64;
        let radius = ((RADII.0 * share.sqrt()).max(RADII.1) * 10.0).round() / 10.0;
        chart.dot("point", radius, (bin.probability, bin.frequency));
    }
    let told: Vec<String> = dots()
        .map(|bin| {
            format!(
                "said {}, was so {}",
                format::percent(bin.probability),
                format::percent(bin.frequency)
            )
        })
        .collect();
    let description = format!(
        "On the dashed diagonal probabilities hold. From left to right: {}.",
        told.join("; ")
    );
    Some(chart.finish(id, "Reliability diagram", &description))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::ReliabilityBin;

    #[test]
    fn a_dot_is_drawn_for_each_range_with_answers() {
        let bin = |probability, frequency, answers| ReliabilityBin {
            probability,
            frequency,
            answers,
        };
        let diagram = Reliability {
            name: "Before".into(),
            error: 0.1,
            bins: vec![bin(0.2, 0.1, 3), bin(0.5, 0.0, 0), bin(0.9, 0.8, 97)],
        };
        let svg = reliability(&diagram, "r").expect("a chart");
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("said 90\u{a0}%, was so 80\u{a0}%"));
        let nothing = Reliability::default();
        assert_eq!(reliability(&nothing, "r"), None);
    }
}
