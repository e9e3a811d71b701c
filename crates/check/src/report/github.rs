//! Annotations of GitHub Actions: one workflow command a line.

use std::path::Path;

use super::{Finding, Report, Skipped, SkippedWhat};
use crate::rules::Severity;

impl Report {
    /// One workflow command for each finding, and for each thing that was skipped.
    pub fn github(&self) -> String {
        let findings = self.findings.iter().map(Finding::github);
        let skipped = self.skipped.iter().map(Skipped::github);
        findings.chain(skipped).map(|line| line + "\n").collect()
    }
}

impl Finding {
    fn github(&self) -> String {
        let command = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let file = property(&self.source.path);
        // A model has no lines, and a notebook's are those of its JSON.
        let place = match (self.source.file_line(self.start), self.start.cell) {
            (Some(line), None) => format!(
                ",line={line},col={},endLine={},endColumn={}",
                self.start.column, self.end.line, self.end.column
            ),
            (Some(line), Some(_)) => format!(",line={line}"),
            (None, _) => String::new(),
        };
        let inside = match (self.start.cell, &self.layer) {
            (Some(cell), _) => format!("cell {cell}, line {}: ", self.start.line),
            (None, Some(layer)) => format!("layer `{layer}`: "),
            (None, None) => String::new(),
        };
        format!(
            "::{command} file={file}{place},title={} {}::{}",
            self.code,
            self.name,
            data(&(inside + &self.message)),
        )
    }
}

impl Skipped {
    fn github(&self) -> String {
        let command = match self.what {
            SkippedWhat::File => "error",
            SkippedWhat::Part | SkippedWhat::Comment => "warning",
        };
        let line = self.file_line.map(|line| format!(",line={line}"));
        format!(
            "::{command} file={}{},title=finial check::{}",
            property(&self.path),
            line.unwrap_or_default(),
            data(&self.to_string()),
        )
    }
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A file as a property of a workflow command.
fn property(path: &Path) -> String {
    let path = path.display().to_string();
    data(path.strip_prefix("./").unwrap_or(&path))
        .replace(':', "%3A")
        .replace(',', "%2C")
}
