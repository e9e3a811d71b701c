//! The report for programs: JSON, SARIF 2.1.0, annotations of GitHub.

use serde_json::{Value, json};

use super::{Edit, Finding, Report};
use crate::rules::{RULES, Severity};
use crate::source::Position;

impl Report {
    /// A list of objects, one a finding.
    pub fn json(&self) -> Value {
        self.findings.iter().map(Finding::json).collect()
    }

    /// A SARIF 2.1.0 log, as code scanning services read it.
    pub fn sarif(&self) -> Value {
        let rules: Vec<_> = RULES
            .iter()
            .map(|rule| {
                json!({
                    "id": rule.code(),
                    "name": rule.name(),
                    "shortDescription": {"text": rule.section("What it does").unwrap_or("")},
                    "help": {"text": rule.explanation(), "markdown": rule.explanation()},
                    "defaultConfiguration": {"level": rule.severity().name()},
                })
            })
            .collect();
        let results: Vec<_> = self.findings.iter().map(Finding::sarif).collect();
        let driver = json!({
            "name": "finial",
            "version": env!("CARGO_PKG_VERSION"),
            "rules": rules,
        });
        json!({
            "version": "2.1.0",
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "runs": [{"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}],
        })
    }

    /// One workflow command a finding, for GitHub Actions.
    pub fn github(&self) -> String {
        self.findings
            .iter()
            .map(|finding| finding.github() + "\n")
            .collect()
    }
}

impl Finding {
    fn json(&self) -> Value {
        let mut object = json!({
            "file": self.source.path.display().to_string(),
            "line": self.start.line,
            "column": self.start.column,
            "end_line": self.end.line,
            "end_column": self.end.column,
            "code": self.code,
            "name": self.name,
            "severity": self.severity.name(),
            "message": self.message,
            "contradicts": self.related.as_ref().map(|related| {
                let mut place = position(related.position);
                place["message"] = json!(related.message);
                place
            }),
            "fix": self.fix.as_ref().map(|fix| {
                json!({"title": fix.title, "edits": fix.edits.iter().map(Edit::json).collect::<Vec<_>>()})
            }),
        });
        if let Some(cell) = self.start.cell {
            object["cell"] = json!(cell);
        }
        if self.source.model().is_some() {
            object["layer"] = json!(self.layer);
        }
        object
    }

    fn sarif(&self) -> Value {
        let location = |start: Position, end: Position, layer: Option<&str>| {
            if self.source.model().is_some() {
                let file = json!({"artifactLocation": {"uri": uri(&self.source.path)}});
                let layers = layer.map(|layer| json!({"name": layer, "kind": "object"}));
                return json!({
                    "physicalLocation": file,
                    "logicalLocations": layers.into_iter().collect::<Vec<_>>(),
                });
            }
            json!({"physicalLocation": {
                "artifactLocation": {"uri": uri(&self.source.path)},
                "region": {
                    "startLine": start.line,
                    "startColumn": start.column,
                    "endLine": end.line,
                    "endColumn": end.column,
                },
            }})
        };
        let mut result = json!({
            "ruleId": self.code,
            "level": self.severity.name(),
            "message": {"text": self.message},
            "locations": [location(self.start, self.end, self.layer())],
        });
        if let Some(related) = &self.related {
            let end = self.source.position(related.range.end());
            let layer = self.source.layer(related.range.start());
            let mut place = location(related.position, end, layer);
            place["message"] = json!({"text": related.message});
            result["relatedLocations"] = json!([place]);
        }
        result
    }

    fn github(&self) -> String {
        let command = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        if self.source.model().is_some() {
            // A model has no lines.
            let layer = self
                .layer
                .as_ref()
                .map(|layer| format!("layer `{layer}`: "));
            return format!(
                "::{command} file={},title={} {}::{}",
                property(&self.source.path.display().to_string()),
                self.code,
                self.name,
                data(&(layer.unwrap_or_default() + &self.message)),
            );
        }
        format!(
            "::{command} file={},line={},col={},endLine={},endColumn={},title={} {}::{}",
            property(&self.source.path.display().to_string()),
            self.start.line,
            self.start.column,
            self.end.line,
            self.end.column,
            self.code,
            self.name,
            data(&self.message),
        )
    }
}

impl Edit {
    fn json(&self) -> Value {
        json!({"start": position(self.start), "end": position(self.end), "text": self.text})
    }
}

fn position(position: Position) -> Value {
    let mut object = json!({"line": position.line, "column": position.column});
    if let Some(cell) = position.cell {
        object["cell"] = json!(cell);
    }
    object
}

/// A path as a relative reference: what is not allowed in one is written in percent.
fn uri(path: &std::path::Path) -> String {
    let text = path.display().to_string().replace('\\', "/");
    let text = text.strip_prefix("./").unwrap_or(&text);
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
