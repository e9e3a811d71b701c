//! The report as a SARIF 2.1.0 log, as code scanning services read it.
//!
//! A notebook's lines are those of its JSON; the cell is a logical location, as a model's layer is.

use std::path::Path;

use serde_json::{Value, json};

use super::{Finding, Fix, Report, Skipped, SkippedWhat};
use crate::rules::{RULES, Severity};
use crate::source::Position;

impl Report {
    /// A SARIF 2.1.0 log, with repairs of programs and what was skipped.
    pub fn sarif(&self) -> Value {
        let rules: Vec<_> = RULES
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.code(),
                    "name": rule.name(),
                    "shortDescription": {"text": rule.section("What it does").unwrap_or("")},
                    "help": {"text": rule.explanation(), "markdown": rule.explanation()},
                    "defaultConfiguration": {
                        "level": rule.severity().name(),
                        "enabled": rule.severity() != Severity::Note,
                    },
                })
            })
            .collect();
        let driver = json!({
            "name": "finial",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        let skipped: Vec<_> = self.skipped.iter().map(Skipped::sarif).collect();
        let invocation = json!({
            "executionSuccessful": self.exit_code() != 2,
            "toolExecutionNotifications": skipped,
        });
        json!({
            "version": "2.1.0",
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "runs": [{
                "tool": {"driver": driver},
                "invocations": [invocation],
                "columnKind": "unicodeCodePoints",
                "results": self.findings.iter().map(Finding::sarif).collect::<Vec<_>>(),
            }],
        })
    }
}

impl Finding {
    fn sarif(&self) -> Value {
        let mut result = json!({
            "ruleId": self.code,
            "level": self.severity.name(),
            "message": {"text": self.message},
            "locations": [self.location(self.start, self.end, self.layer())],
        });
        if let Some(related) = &self.related {
            let end = self.source.position(related.range.end());
            let layer = self.source.layer(related.range.start());
            let mut place = self.location(related.position, end, layer);
            place["message"] = json!({"text": related.message});
            result["relatedLocations"] = json!([place]);
        }
        // A repair of a notebook is one of its JSON, and of a model one of its archive.
        let is_program = self.start.cell.is_none() && self.source.model().is_none();
        if let Some(fix) = self.fix.as_ref().filter(|_| is_program) {
            result["fixes"] = json!([fix.sarif(&self.source.path)]);
        }
        result
    }

    fn location(&self, start: Position, end: Position, layer: Option<&str>) -> Value {
        let mut physical = json!({"artifactLocation": {"uri": uri(&self.source.path)}});
        let mut inside = layer.map(|layer| json!({"name": layer, "kind": "object"}));
        match (self.source.file_line(start), start.cell) {
            (Some(_), None) => physical["region"] = region(start, end),
            (Some(line), Some(cell)) => {
                physical["region"] = json!({"startLine": line});
                inside = Some(json!({
                    "name": format!("cell {cell}"),
                    "fullyQualifiedName": format!("cell {cell}, line {}", start.line),
                }));
            }
            (None, _) => {}
        }
        let mut location = json!({"physicalLocation": physical});
        if let Some(inside) = inside {
            location["logicalLocations"] = json!([inside]);
        }
        location
    }
}

impl Fix {
    fn sarif(&self, path: &Path) -> Value {
        let edits = self.edits.iter().map(|edit| {
            json!({
                "deletedRegion": region(edit.start, edit.end),
                "insertedContent": {"text": edit.text},
            })
        });
        json!({
            "description": {"text": self.title},
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(path)},
                "replacements": edits.collect::<Vec<_>>(),
            }],
        })
    }
}

impl Skipped {
    fn sarif(&self) -> Value {
        let mut place = json!({"artifactLocation": {"uri": uri(&self.path)}});
        if let Some(line) = self.file_line {
            place["region"] = json!({"startLine": line});
        }
        let level = match self.what {
            SkippedWhat::File => "error",
            SkippedWhat::Part | SkippedWhat::Comment => "warning",
        };
        json!({
            "level": level,
            "message": {"text": self.to_string()},
            "locations": [{"physicalLocation": place}],
        })
    }
}

fn region(start: Position, end: Position) -> Value {
    json!({
        "startLine": start.line,
        "startColumn": start.column,
        "endLine": end.line,
        "endColumn": end.column,
    })
}

/// A path as a relative reference, or an absolute one as a URI of a file: what is not allowed in
/// one is written in percent.
fn uri(path: &Path) -> String {
    let text = path.display().to_string().replace('\\', "/");
    let text = text.strip_prefix("./").unwrap_or(&text);
    let written = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    });
    let written: String = written.collect();
    match path.is_absolute() {
        true => format!("file:///{}", written.trim_start_matches('/')),
        false => written,
    }
}
