//! The template environment: which files make the page and which filters they may use.
//!
//! The words and the layout are in `templates/report.html` and `templates/sections/`, one file
//! for each section; the looks are in `templates/report.css`. Everything printed is escaped,
//! except what this crate wrote itself: the style sheet, the charts, the text of the thumbnails in
//! base 64, and what `markup` makes of sentences and paths. To change a sentence of the page, go
//! to its section's file.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{Environment, UndefinedBehavior, context};

use crate::error::ReportError;
use crate::format;
use crate::inspection::InspectionPage;
use crate::markup::{path, prose};
use crate::report::Report;
use crate::study::Study;
use crate::view::View;

/// The style sheet. It is inside a `<style>` element and must not contain `<` or `&`.
const STYLE: &str = include_str!("../templates/report.css");

/// The files of the page by the names they include each other under.
const TEMPLATES: &[(&str, &str)] = &[
    ("report.html", include_str!("../templates/report.html")),
    ("study.html", include_str!("../templates/study.html")),
    ("inspect.html", include_str!("../templates/inspect.html")),
    (
        "page_head.html",
        include_str!("../templates/page_head.html"),
    ),
    ("macros.html", include_str!("../templates/macros.html")),
    (
        "sections/scores.html",
        include_str!("../templates/sections/scores.html"),
    ),
    (
        "sections/task.html",
        include_str!("../templates/sections/task.html"),
    ),
    (
        "sections/head.html",
        include_str!("../templates/sections/head.html"),
    ),
    (
        "sections/evidence.html",
        include_str!("../templates/sections/evidence.html"),
    ),
    (
        "sections/certainty.html",
        include_str!("../templates/sections/certainty.html"),
    ),
    (
        "sections/worst.html",
        include_str!("../templates/sections/worst.html"),
    ),
    (
        "sections/findings.html",
        include_str!("../templates/sections/findings.html"),
    ),
    (
        "sections/data.html",
        include_str!("../templates/sections/data.html"),
    ),
    (
        "sections/training.html",
        include_str!("../templates/sections/training.html"),
    ),
    (
        "sections/usage.html",
        include_str!("../templates/sections/usage.html"),
    ),
    (
        "sections/provenance.html",
        include_str!("../templates/sections/provenance.html"),
    ),
];

/// The page of a report: one HTML document that needs nothing beside it.
///
/// # Errors
///
/// [`ReportError`] where the data contradicts itself: a confusion matrix that is not square, a
/// thumbnail that is not a JPEG file.
pub fn render(report: &Report) -> Result<String, ReportError> {
    let view = View::new(report)?;
    let page = environment()?
        .get_template("report.html")?
        .render(context! {
            report => shown_as_it_is(report),
            view => Serde(&view),
            style => STYLE,
        })?;
    Ok(without_control_characters(page))
}

/// The page of a study.
pub(crate) fn render_study(study: &Study) -> Result<String, ReportError> {
    let page = environment()?
        .get_template("study.html")?
        .render(context! { study => Serde(study), style => STYLE })?;
    Ok(without_control_characters(page))
}

/// The page of an inspection.
pub(crate) fn render_inspection(page: &InspectionPage) -> Result<String, ReportError> {
    let page = environment()?
        .get_template("inspect.html")?
        .render(context! { page => Serde(page), style => STYLE })?;
    Ok(without_control_characters(page))
}

/// The parts of the report the template prints itself. The evidence is not among them: it can hold
/// a million counts or points, and the page shows what [`View`] makes of it.
fn shown_as_it_is(report: &Report) -> Value {
    context! {
        title => report.title.as_str(),
        subject => report.subject.as_deref(),
        model => report.model.as_str(),
        created => report.created.as_str(),
        finial_version => report.finial_version.as_str(),
        task => Serde(&report.task),
        head => Serde(&report.head),
        data => Serde(&report.data),
        training => Serde(&report.training),
        scores => Serde(&report.scores),
        certainty => Serde(&report.certainty),
        worst => Serde(&report.worst),
        worst_order => report.worst_order.as_deref(),
        findings => Serde(&report.findings),
        provenance => Serde(&report.provenance),
        usage => Serde(&report.usage),
    }
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(
        SyntaxConfig::builder()
            .trim_blocks(true)
            .lstrip_blocks(true)
            .keep_trailing_newline(true)
            .build()?,
    );
    // A misspelt field in a template is an error, not an empty place in the page.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.add_filter("count", format::count);
    environment.add_filter("images", format::images);
    environment.add_filter("prose", |text: &str| Value::from_safe_string(prose(text)));
    environment.add_filter("path", |text: &str, most: Option<usize>| {
        Value::from_safe_string(path(text, most.unwrap_or(usize::MAX)))
    });
    environment.add_filter("share", optional(format::share));
    environment.add_filter("percent", optional(format::percent));
    environment.add_filter("quantity", optional(format::quantity));
    environment.add_filter("with_unit", |value: Option<f64>, unit: Option<&str>| {
        value.map_or(format::NONE.into(), |value| format::with_unit(value, unit))
    });
    environment.add_filter("duration", format::duration);
    environment.add_filter("shape", |extents: Vec<usize>| format::shape(&extents));
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    Ok(environment)
}

/// A filter for values that may be missing.
fn optional(write: fn(f64) -> String) -> impl Fn(Option<f64>) -> String {
    move |value| value.map_or(format::NONE.into(), write)
}

/// Puts a replacement character in place of those that HTML forbids, even escaped. A file name
/// may contain them.
fn without_control_characters(page: String) -> String {
    let forbidden = |character: char| {
        let harmless = matches!(character, '\n' | '\t');
        (character.is_control() && !harmless) || matches!(character, '\u{fffe}' | '\u{ffff}')
    };
    if page.contains(forbidden) {
        page.replace(forbidden, "\u{fffd}")
    } else {
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_replaced_and_breaks_kept() {
        let page = without_control_characters("a\0b\u{7}\n\tc\u{85}".into());
        assert_eq!(page, "a\u{fffd}b\u{fffd}\n\tc\u{fffd}");
    }

    #[test]
    fn the_style_sheet_can_stand_in_a_style_element() {
        assert!(!STYLE.contains(['<', '&']));
    }

    #[test]
    fn every_file_of_the_page_is_used() {
        let sources: String = TEMPLATES.iter().map(|(_, source)| *source).collect();
        // The first three are pages by themselves.
        for (name, _) in TEMPLATES.iter().skip(3) {
            assert!(sources.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
