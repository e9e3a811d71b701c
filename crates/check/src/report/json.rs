//! The report as a list of JSON objects, a finding each.

use serde_json::{Value, json};

use super::{Edit, Finding, Report};
use crate::source::Position;

impl Report {
    /// A list of objects, one a finding.
    pub fn json(&self) -> Value {
        self.findings.iter().map(Finding::json).collect()
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
