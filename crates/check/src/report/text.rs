//! The report for people.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use ruff_text_size::TextRange;

use super::{Finding, Report};
use crate::rules::Severity;
use crate::source::Position;

impl Report {
    /// All findings with the lines that they speak of, then what was skipped, then a count.
    /// With colours as terminals know them, if wanted.
    pub fn text(&self, colours: bool) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&finding.text(colours));
            text.push_str("\n\n");
        }
        for skipped in &self.skipped {
            let place = skipped
                .position
                .map(|position| format!(":{}", place(position)))
                .unwrap_or_default();
            let what = if skipped.whole {
                "could not be read"
            } else {
                "partly skipped"
            };
            text.push_str(&format!(
                "{}{place}: {what}: {}\n",
                skipped.path.display(),
                skipped.reason
            ));
        }
        text.push_str(&self.summary());
        text
    }

    fn summary(&self) -> String {
        let files = counted(self.files, "file");
        if self.findings.is_empty() {
            return format!("Nothing found in {files}.\n");
        }
        let found = counted(self.findings.len(), "finding");
        match self
            .findings
            .iter()
            .filter(|finding| finding.fix.is_some())
            .count()
        {
            0 => format!("{found} in {files}.\n"),
            fixes => format!("{found} in {files}, {fixes} can be repaired with --fix.\n"),
        }
    }
}

impl Finding {
    /// This finding with the lines that it speaks of.
    pub fn text(&self, colours: bool) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let path = self.source.path.display().to_string();
        let path = match (self.start.cell, &self.layer) {
            (Some(cell), _) => format!("{path}:cell {cell}"),
            (None, Some(layer)) => format!("{path}:layer {layer}"),
            (None, None) => path,
        };
        let cell = self.source.cell_of(self.range.start());
        let first_line = cell.start;
        let text = self.source.text.get(cell.start..cell.end).unwrap_or("");
        let span = |range: TextRange| -> Option<Range<usize>> {
            let start = range.start().to_usize().checked_sub(first_line)?;
            Some(start..range.end().to_usize().checked_sub(first_line)?)
        };
        let mut snippet = Snippet::source(text).path(path);
        if let Some(span) = span(self.range) {
            snippet = snippet.annotation(AnnotationKind::Primary.span(span));
        }
        let mut elsewhere = None;
        if let Some(related) = &self.related {
            match span(related.range).filter(|_| related.position.cell == self.start.cell) {
                Some(span) => {
                    let label = related.message.as_str();
                    snippet = snippet.annotation(AnnotationKind::Context.span(span).label(label));
                }
                None => {
                    elsewhere = Some(format!("{} ({})", related.message, place(related.position)))
                }
            }
        }
        let mut group = level
            .primary_title(self.message.as_str())
            .id(self.code)
            .element(snippet);
        if let Some(note) = elsewhere {
            group = group.element(Level::NOTE.message(note));
        }
        if let Some(fix) = &self.fix {
            group = group.element(Level::HELP.message(fix.title.as_str()));
        }
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }
}

/// `12:5`, or `cell 3, 2:5` in a notebook.
fn place(position: Position) -> String {
    match position.cell {
        Some(cell) => format!("cell {cell}, {}:{}", position.line, position.column),
        None => format!("{}:{}", position.line, position.column),
    }
}

fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}
