//! The report: what was found, and what was left out.
//!
//! - [`text`]: for people, with source excerpt and underline.
//! - [`json`], [`sarif`], [`github`]: for programs.
//! - [`fix`]: repairs, applied or shown.

pub(crate) mod fix;
mod github;
mod json;
mod sarif;
mod text;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ruff_text_size::TextRange;

use crate::rules::Severity;
use crate::source::{Position, Source};

/// What was found in all files.
#[derive(Debug, Default)]
pub struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) skipped: Vec<Skipped>,
    pub(crate) files: usize,
}

/// A fault in a program.
#[derive(Clone, Debug)]
pub struct Finding {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) range: TextRange,
    pub(crate) related: Option<Related>,
    /// The layer of a model.
    pub(crate) layer: Option<String>,
    pub(crate) fix: Option<Fix>,
    pub(crate) source: Arc<Source>,
}

/// The line that a fault contradicts.
#[derive(Clone, Debug)]
pub(crate) struct Related {
    pub position: Position,
    pub range: TextRange,
    pub message: String,
}

/// The one right repair.
#[derive(Clone, Debug)]
pub struct Fix {
    pub(crate) title: String,
    pub(crate) edits: Vec<Edit>,
}

/// Text in the place of other text.
#[derive(Clone, Debug)]
pub struct Edit {
    pub(crate) start: Position,
    pub(crate) end: Position,
    pub(crate) range: TextRange,
    pub(crate) text: String,
}

/// A file, or a part of one, that was not looked at.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Where the part begins that could not be parsed, or the comment.
    pub position: Option<Position>,
    /// The line of the file itself, which for a notebook is one of JSON.
    pub(crate) file_line: Option<usize>,
    /// Why.
    pub reason: String,
    /// What was skipped.
    pub what: SkippedWhat,
}

/// What was not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkippedWhat {
    /// All of a file, or a folder.
    File,
    /// A part of a program.
    Part,
    /// A comment that means to silence a rule.
    Comment,
}

impl Skipped {
    /// A file that could not be read.
    pub(crate) fn file(path: PathBuf, reason: String) -> Self {
        Self {
            path,
            position: None,
            file_line: None,
            reason,
            what: SkippedWhat::File,
        }
    }
}

/// In one line: the place, what of it was skipped, and why.
impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.path))?;
        if let Some(position) = self.position {
            write!(f, ":{}", text::place(position))?;
        }
        let what = match self.what {
            SkippedWhat::File => "could not be read",
            SkippedWhat::Part => "partly skipped",
            SkippedWhat::Comment => "comment without effect",
        };
        write!(f, ": {what}: {}", self.reason)
    }
}

impl Report {
    /// What was found: by file, then by place.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// What was not looked at.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Files that were looked at.
    pub fn files(&self) -> usize {
        self.files
    }

    /// Takes over another report.
    pub fn add(&mut self, other: Report) {
        self.files += other.files;
        self.findings.extend(other.findings);
        self.skipped.extend(other.skipped);
    }

    /// Leaves out what was found in some files, as if they had not been looked at.
    pub fn leave_out(&mut self, files: &[PathBuf]) {
        let among = |path: &Path| files.iter().any(|file| file == path);
        self.findings.retain(|finding| !among(finding.path()));
        self.skipped.retain(|skipped| !among(&skipped.path));
        self.files = self.files.saturating_sub(files.len());
    }

    /// The exit status: 0 if nothing was found, 1 if something was, 2 if something could not be
    /// read at all.
    pub fn exit_code(&self) -> u8 {
        if self.skipped.iter().any(|one| one.what == SkippedWhat::File) {
            2
        } else {
            u8::from(!self.findings.is_empty())
        }
    }
}

impl Finding {
    /// The rule's code: `FIN001`.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The rule's name: `softmax-on-one-unit`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The reason in one sentence.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.source.path
    }

    /// Where the fault begins.
    pub fn position(&self) -> Position {
        self.start
    }

    /// The layer, for a model that was read from a file.
    pub fn layer(&self) -> Option<&str> {
        self.layer.as_deref()
    }

    /// The repair, where there is one right one.
    pub fn fix(&self) -> Option<&Fix> {
        self.fix.as_ref()
    }
}

impl Fix {
    /// What it does, in a few words.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// A path as it is shown: no letter of a file's name can drive the terminal.
fn shown(path: &Path) -> String {
    let path = path.display().to_string();
    let shown = path.chars().map(|letter| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    });
    shown.collect()
}
