//! The two curves of a yes-or-no task, over all thresholds, with the threshold in use marked.

use super::Chart;
use super::axis::Axis;
use crate::format;
use crate::report::{BinaryCounts, BinaryEvidence};

const HEIGHT: f64 = 350.0;

/// The ROC curve: what is caught against what is a false alarm. `None` without points.
pub fn roc(evidence: &BinaryEvidence, id: &str) -> Option<String> {
    if evidence.roc.is_empty() {
        return None;
    }
    let mut chart = rates_chart("share of false alarms", "share caught");
    chart.line("line quiet", [(0.0, 0.0), (1.0, 1.0)]);
    chart.line(
        "line",
        evidence
            .roc
            .iter()
            .map(|point| (point.false_positive_rate, point.true_positive_rate)),
    );
    let counts = &evidence.counts;
    let mut description = String::from("The dashed diagonal is guessing.");
    if let (Some(alarms), Some(caught)) = (false_positive_rate(counts), recall(counts)) {
        chart.dot("point", 4.5, (alarms, caught));
        description.push_str(&format!(
            " At the threshold in use {} are caught at {} false alarms.",
            format::percent(caught),
            format::percent(alarms)
        ));
    }
    Some(chart.finish(id, "ROC curve", &description))
}

/// The precision-recall curve, drawn in steps. `None` without points.
pub fn precision_recall(evidence: &BinaryEvidence, id: &str) -> Option<String> {
    let first = evidence.pr.first()?;
    let counts = &evidence.counts;
    let mut chart = rates_chart(
        "share caught (recall)",
        "share of alarms that are right (precision)",
    );
    let mut description = String::new();
    if let Some(share) = positive_share(counts) {
        chart.line("line quiet", [(0.0, share), (1.0, share)]);
        description.push_str(&format!(
            "The dashed line is guessing, right {} of the time.",
            format::percent(share)
        ));
    }
    // Average precision is the area under steps, not under straight lines between the points.
    let mut corners = Vec::with_capacity(2 * evidence.pr.len() + 1);
    corners.push((0.0, first.precision));
    let mut reached = 0.0;
    for point in &evidence.pr {
        corners.push((reached, point.precision));
        corners.push((point.recall, point.precision));
        reached = point.recall;
    }
    chart.line("line", corners);
    if let (Some(recall), Some(precision)) = (recall(counts), precision(counts)) {
        chart.dot("point", 4.5, (recall, precision));
        description.push_str(&format!(
            " At the threshold in use {} are caught, and {} of the alarms are right.",
            format::percent(recall),
            format::percent(precision)
        ));
    }
    Some(chart.finish(id, "Precision-recall curve", description.trim_start()))
}

fn rates_chart<'a>(x_name: &'a str, y_name: &'a str) -> Chart {
    let axis = |name| Axis {
        name,
        range: (0.0, 1.0),
        whole: false,
    };
    let mut chart = Chart::new(HEIGHT, axis(x_name), axis(y_name));
    chart.vertical_grid();
    chart
}

fn recall(counts: &BinaryCounts) -> Option<f64> {
    ratio(counts.true_positive, counts.false_negative)
}

fn precision(counts: &BinaryCounts) -> Option<f64> {
    ratio(counts.true_positive, counts.false_positive)
}

fn false_positive_rate(counts: &BinaryCounts) -> Option<f64> {
    ratio(counts.false_positive, counts.true_negative)
}

fn positive_share(counts: &BinaryCounts) -> Option<f64> {
    ratio(
        counts.true_positive + counts.false_negative,
        counts.true_negative + counts.false_positive,
    )
}

/// `part / (part + rest)`, where there is anything at all.
fn ratio(part: usize, rest: usize) -> Option<f64> {
    let whole = part + rest;
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{PrPoint, RocPoint};

    fn evidence() -> BinaryEvidence {
        BinaryEvidence {
            counts: BinaryCounts {
                true_positive: 3,
                false_negative: 1,
                false_positive: 1,
                true_negative: 5,
            },
            roc: [(0.0, 0.0), (0.0, 0.5), (0.2, 0.75), (1.0, 1.0)]
                .map(|(false_positive_rate, true_positive_rate)| RocPoint {
                    false_positive_rate,
                    true_positive_rate,
                })
                .to_vec(),
            pr: [(0.5, 1.0), (0.75, 0.75), (1.0, 0.4)]
                .map(|(recall, precision)| PrPoint { recall, precision })
                .to_vec(),
            ..BinaryEvidence::default()
        }
    }

    #[test]
    fn both_curves_tell_the_threshold_in_words() {
        let svg = roc(&evidence(), "roc").expect("a chart");
        assert!(svg.contains("75\u{a0}% are caught at 17\u{a0}% false alarms"));
        let svg = precision_recall(&evidence(), "pr").expect("a chart");
        assert!(svg.contains("guessing, right 40\u{a0}% of the time"));
    }

    #[test]
    fn precision_falls_before_recall_rises() {
        let svg = precision_recall(&evidence(), "pr").expect("a chart");
        let chart = rates_chart("", "");
        let corner = format!("L{:.1} {:.1}", chart.x.at(0.5), chart.y.at(0.75));
        assert!(svg.contains(&corner), "{corner}");
    }

    #[test]
    fn no_points_give_no_chart() {
        let nothing = BinaryEvidence::default();
        assert_eq!(roc(&nothing, "c"), None);
        assert_eq!(precision_recall(&nothing, "c"), None);
    }
}
