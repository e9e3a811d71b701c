//! Charts as inline SVG.
//!
//! A small module of our own, because a chart in this page must take its colours from the page's
//! style sheet, so that it follows dark mode and print, and must need no script. Plotting
//! libraries write fixed colours, raster images or JavaScript. Here every stroke and every letter
//! has a class, and `templates/report.css` says what the class looks like.
//!
//! Each chart is drawn for a phone: the view box is [`WIDTH`] units wide, so text set at 12 units
//! stays readable at 320 pixels. Each has a `<title>` and a `<desc>` that says in words what the
//! picture shows.
//!
//! - [`learning_curve`]: loss per epoch.
//! - [`rate_range`]: loss over learning rate.
//! - [`rates`]: ROC and precision-recall curves.
//! - [`reliability`]: what was said against what was so.
//! - [`scatter`]: predicted against true values.
//! - [`axis`]: scales and their marks.
//!
//! The confusion matrix is not here: it is a table, which a screen reader can walk through.

mod axis;
mod learning_curve;
mod rate_range;
mod rates;
mod reliability;
mod scatter;

pub use learning_curve::learning_curve;
pub use rate_range::rate_range;
pub use rates::{precision_recall, roc};
pub use reliability::reliability;
pub use scatter::scatter;

use std::fmt::Write;

use axis::{Axis, Scale};
use minijinja::HtmlEscape;

/// Width of every chart in units of its view box.
const WIDTH: f64 = 400.0;
/// Room left of the plot for the marks of the vertical axis.
const LEFT: f64 = 48.0;
/// Room right of the plot for half a mark of the horizontal axis.
const RIGHT: f64 = 14.0;
/// Room above the plot for the name of the vertical axis.
const TOP: f64 = 30.0;
/// Room below the plot for the marks and the name of the horizontal axis.
const BOTTOM: f64 = 44.0;

/// About how many marks an axis has at the most.
const MARKS: usize = 7;

/// A chart under construction: two scales and the marks drawn so far.
struct Chart {
    x: Scale,
    y: Scale,
    height: f64,
    body: String,
}

impl Chart {
    /// A frame with its grid, its marks and the names of its axes.
    fn new(height: f64, x: Axis<'_>, y: Axis<'_>) -> Self {
        let mut chart = Self {
            x: Scale::new(x, (LEFT, WIDTH - RIGHT)),
            y: Scale::new(y, (height - BOTTOM, TOP)),
            height,
            body: String::new(),
        };
        chart.axes(x.name, y.name);
        chart
    }

    fn axes(&mut self, x_name: &str, y_name: &str) {
        let (left, right) = self.x.pixels();
        let (bottom, top) = self.y.pixels();
        for (at, text) in self.y.marks(MARKS) {
            let y = self.y.at(at);
            self.push(&format!(
                r#"<path class="grid" d="M{left:.1} {y:.1}H{right:.1}"/>"#
            ));
            self.text(left - 8.0, y + 4.0, "end", "tick", &text);
        }
        for (at, text) in self.x.marks_in_a_row(MARKS) {
            let x = self.x.at(at);
            self.push(&format!(
                r#"<path class="axis" d="M{x:.1} {bottom:.1}v4"/>"#
            ));
            self.text(x, bottom + 18.0, "middle", "tick", &text);
        }
        self.push(&format!(
            r#"<path class="axis" d="M{left:.1} {bottom:.1}H{right:.1}"/>"#
        ));
        self.text(
            (left + right) / 2.0,
            bottom + 38.0,
            "middle",
            "axis-name",
            x_name,
        );
        self.text(4.0, top - 16.0, "start", "axis-name", y_name);
    }

    /// Adds grid lines at the marks of the horizontal axis, for charts that are read both ways.
    fn vertical_grid(&mut self) {
        let (bottom, top) = self.y.pixels();
        for (at, _) in self.x.marks_in_a_row(MARKS) {
            let x = self.x.at(at);
            self.push(&format!(
                r#"<path class="grid" d="M{x:.1} {bottom:.1}V{top:.1}"/>"#
            ));
        }
    }

    fn push(&mut self, markup: &str) {
        self.body.push_str(markup);
    }

    /// Adds a text; `anchor` is start, middle or end.
    fn text(&mut self, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
        let text = HtmlEscape(text);
        self.push(&format!(
            r#"<text class="{class}" x="{x:.1}" y="{y:.1}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// Adds a line through points in data coordinates, interrupted where one is not finite.
    fn line(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        let mut last: Option<(f64, f64)> = None;
        let mut held: Option<(f64, f64)> = None;
        for (x, y) in points {
            if !(x.is_finite() && y.is_finite()) {
                end_line(&mut path, held.take());
                last = None;
                continue;
            }
            let here = (self.x.at(x), self.y.at(y));
            match last {
                None => step(&mut path, 'M', here),
                // Closer than half a unit to the last corner: no eye tells the difference, and a
                // curve over a hundred thousand images stays small.
                Some(corner) if (corner.0 - here.0).hypot(corner.1 - here.1) < 0.5 => {
                    held = Some(here);
                    continue;
                }
                Some(_) => step(&mut path, 'L', here),
            }
            last = Some(here);
            held = None;
        }
        end_line(&mut path, held);
        if !path.is_empty() {
            self.push(&format!(r#"<path class="{class}" d="{path}"/>"#));
        }
    }

    /// Adds a dot at a point in data coordinates.
    fn dot(&mut self, class: &str, radius: f64, (x, y): (f64, f64)) {
        if x.is_finite() && y.is_finite() {
            let (x, y) = (self.x.at(x), self.y.at(y));
            self.push(&format!(
                r#"<circle class="{class}" cx="{x:.1}" cy="{y:.1}" r="{radius}"/>"#
            ));
        }
    }

    /// The finished chart; `id` must be unique in the page.
    fn finish(self, id: &str, title: &str, description: &str) -> String {
        let Self { height, body, .. } = self;
        let (title, description) = (HtmlEscape(title), HtmlEscape(description));
        format!(
            r#"<svg class="chart" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{body}</svg>"#
        )
    }
}

fn step(path: &mut String, command: char, (x, y): (f64, f64)) {
    // Writing to a string does not fail.
    let _ = write!(path, "{command}{x:.1} {y:.1}");
}

/// The last point of a line is drawn even where it is close to the corner before it.
fn end_line(path: &mut String, held: Option<(f64, f64)>) {
    if let Some(point) = held {
        step(path, 'L', point);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit_chart() -> Chart {
        let axis = |name| Axis {
            name,
            range: (0.0, 1.0),
            whole: false,
        };
        Chart::new(280.0, axis("x"), axis("y"))
    }

    #[test]
    fn a_chart_is_well_formed_and_escapes_its_words() {
        let svg = unit_chart().finish("c", "a < b", "\"quoted\" & more");
        let document = roxmltree::Document::parse(&svg).expect("well-formed");
        let title = document.descendants().find(|n| n.has_tag_name("title"));
        assert_eq!(title.and_then(|n| n.text()), Some("a < b"));
    }

    #[test]
    fn a_line_is_interrupted_at_what_is_not_a_number() {
        let mut chart = unit_chart();
        chart.line(
            "probe",
            [
                (0.0, 0.1),
                (0.2, 0.2),
                (0.4, f64::NAN),
                (0.6, 0.2),
                (0.8, 0.4),
            ],
        );
        let path = chart.body.rsplit_once("probe").expect("a path").1;
        assert_eq!(path.matches('M').count(), 2);
        assert_eq!(path.matches('L').count(), 2);
        assert!(!path.contains("NaN"));
    }

    #[test]
    fn a_dense_line_is_thinned_and_keeps_its_end() {
        let mut chart = unit_chart();
        chart.line("probe", (0..=100_000).map(|i| (f64::from(i) / 1e5, 0.5)));
        let path = chart.body.rsplit_once("probe").expect("a path").1;
        assert!(path.matches('L').count() < 800);
        assert!(path.contains(&format!("{:.1} ", WIDTH - RIGHT)));
    }
}
