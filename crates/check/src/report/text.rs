//! The report for people.

use std::ops::Range;

use annotate_snippets::renderer::{DEFAULT_TERM_WIDTH, DecorStyle};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use ruff_text_size::{TextRange, TextSize};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::{Finding, Report, shown};
use crate::rules::Severity;
use crate::source::Position;

/// What a note begins with, beside line numbers of four digits: `     = note: `.
const NOTE: usize = 13;
/// Below this, text is broken no further.
const NARROWEST: usize = 20;

impl Report {
    /// All findings with the lines that they speak of, then what was skipped, then a count.
    /// With colours as terminals know them, if wanted.
    pub fn text(&self, colours: bool) -> String {
        self.text_within(colours, None)
    }

    /// The same for a terminal of so many columns: sentences are wrapped, excerpts cut around what
    /// is meant.
    pub fn text_within(&self, colours: bool, columns: Option<usize>) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&finding.text(colours, columns));
            text.push_str("\n\n");
        }
        for skipped in &self.skipped {
            text.push_str(&wrapped(&skipped.to_string(), columns, 0, "    "));
            text.push('\n');
        }
        text.push_str(&wrapped(&self.summary(), columns, 0, "    "));
        text.push('\n');
        text
    }

    /// How much was found, and how much of it can be repaired, in one line.
    pub fn summary(&self) -> String {
        let files = counted(self.files, "file");
        if self.findings.is_empty() {
            return format!("Nothing found in {files}.");
        }
        let found = counted(self.findings.len(), "finding");
        match self
            .findings
            .iter()
            .filter(|finding| finding.fix.is_some())
            .count()
        {
            0 => format!("{found} in {files}."),
            fixes => format!("{found} in {files}, {fixes} can be repaired with --fix."),
        }
    }
}

impl Finding {
    /// This finding with the lines that it speaks of.
    fn text(&self, colours: bool, columns: Option<usize>) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let path = shown(&self.source.path);
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
        let excerpt = || Snippet::source(text).path(path.as_str());
        let mut snippet = excerpt();
        if let Some(at) = span(self.range) {
            snippet = snippet.annotation(AnnotationKind::Primary.span(at));
        }
        let mut notes = Vec::new();
        let mut second = None;
        if let Some(related) = &self.related {
            let label = related.message.as_str();
            match span(related.range).filter(|_| related.position.cell == self.start.cell) {
                None => notes.push(format!("{label} ({})", place(related.position))),
                // Side by side, they and the label must fit into one cut of the lines.
                Some(at) if columns.is_none_or(|columns| self.fits(columns)) => {
                    snippet = snippet.annotation(AnnotationKind::Context.span(at).label(label));
                }
                Some(at) => {
                    second = Some(excerpt().annotation(AnnotationKind::Context.span(at)));
                    notes.push(format!("{label}:"));
                }
            }
        }
        let title = format!("{}[{}]: ", self.severity.name(), self.code);
        let title = wrapped(&self.message, columns, title.len(), "");
        let mut group = level.primary_title(title).id(self.code).element(snippet);
        let sentence = |text: &str| wrapped(text, columns, NOTE, "");
        for note in &notes {
            group = group.element(Level::NOTE.message(sentence(note)));
        }
        if let Some(second) = second {
            group = group.element(second);
        }
        if let Some(fix) = &self.fix {
            group = group.element(Level::HELP.message(sentence(&fix.title)));
        }
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.term_width(columns.unwrap_or(DEFAULT_TERM_WIDTH));
        renderer.decor_style(DecorStyle::Ascii).render(&[group])
    }

    /// Whether the lines that it speaks of, with what is said of them, fit into so many columns.
    fn fits(&self, columns: usize) -> bool {
        let line = |offset: TextSize| self.source.line(offset).chars().count();
        let related = self.related.as_ref().map_or(0, |related| {
            let from = match related.position.line == self.start.line {
                // The label stands in a line of its own.
                true => related.position.column,
                false => self.source.position(related.range.end()).column,
            };
            let label = from + related.message.chars().count();
            line(related.range.start()).max(label)
        });
        let numbers = self.end.line.to_string().len() + " | ".len();
        line(self.range.start()).max(related) + numbers < columns
    }
}

/// Broken between words to fit so many columns, of which some are taken; what goes on stands
/// further in.
fn wrapped(text: &str, columns: Option<usize>, taken: usize, further: &str) -> String {
    let Some(columns) = columns else {
        return text.to_owned();
    };
    let options = Options::new(columns.saturating_sub(taken).max(NARROWEST))
        .subsequent_indent(further)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    textwrap::fill(text, options)
}

/// `12:5`, or `cell 3, 2:5` in a notebook.
pub(super) fn place(position: Position) -> String {
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
