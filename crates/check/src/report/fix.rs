//! Repairs: which edits go together, how they are shown, how they are written.

use std::io::Write;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::{Edit, Finding, Report};
use crate::source::Source;

/// A program after its repairs.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The file.
    pub path: PathBuf,
    /// Faults that are repaired.
    pub repaired: usize,
    before: String,
    after: String,
}

/// Why a repaired program could not be written.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum FixError {
    /// The operating system would not have it.
    #[error("cannot write `{}`: {source}", .path.display())]
    #[diagnostic(help("nothing was changed; check that the file may be written by you"))]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// Somebody wrote to it meanwhile.
    #[error("expected `{}` as it was read, found it changed", .path.display())]
    #[diagnostic(help("nothing was changed; run the check again"))]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

impl Report {
    /// Each program with all its repairs that go together. Of repairs that touch the same text the
    /// first is taken, and one that would break the program is not. Notebooks are not repaired.
    pub fn repaired(&self) -> Vec<Repaired> {
        let mut files = Vec::new();
        let mut rest = &self.findings[..];
        while let Some(first) = rest.first() {
            let count = rest
                .iter()
                .take_while(|finding| finding.path() == first.path())
                .count();
            let (same, after) = rest.split_at(count);
            rest = after;
            files.extend(repair(same));
        }
        files
    }
}

fn repair(findings: &[Finding]) -> Option<Repaired> {
    let source = &findings.first()?.source;
    if source.is_notebook() {
        return None;
    }
    let faults = errors(&source.path, &source.text);
    let mut edits: Vec<&Edit> = Vec::new();
    let mut text = source.text.clone();
    let mut repaired = 0;
    for fix in findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        let clash = fix.edits.iter().any(|new| {
            let touches = |known: &&Edit| {
                // Two insertions at one place touch each other.
                known.range.start() <= new.range.end() && new.range.start() <= known.range.end()
            };
            edits.iter().any(touches)
        });
        if clash {
            continue;
        }
        let mut more = edits.clone();
        more.extend(&fix.edits);
        let Some(edited) = apply(&source.text, &more) else {
            continue;
        };
        if errors(&source.path, &edited) > faults {
            continue;
        }
        (edits, text) = (more, edited);
        repaired += 1;
    }
    (repaired > 0).then(|| Repaired {
        path: source.path.clone(),
        repaired,
        before: source.text.clone(),
        after: text,
    })
}

fn apply(text: &str, edits: &[&Edit]) -> Option<String> {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|edit| edit.range.start());
    let mut result = String::new();
    let mut at = 0;
    for edit in edits {
        result.push_str(text.get(at..edit.range.start().to_usize())?);
        result.push_str(&edit.text);
        at = edit.range.end().to_usize();
    }
    result.push_str(text.get(at..)?);
    Some(result)
}

/// How many places of a program cannot be parsed.
fn errors(path: &Path, text: &str) -> usize {
    let parsed = Source::from_bytes(path, text.as_bytes())
        .ok()
        .and_then(|source| source.parse());
    parsed.map_or(usize::MAX, |parsed| parsed.errors().len())
}

impl Repaired {
    /// The program after its repairs.
    pub fn text(&self) -> &str {
        &self.after
    }

    /// The repairs as a unified diff.
    pub fn diff(&self) -> String {
        let name = self.path.display().to_string();
        TextDiff::from_lines(&self.before, &self.after)
            .unified_diff()
            .header(&name, &name)
            .to_string()
    }

    /// Writes the program: beside, then renamed, with the rights of the file that was there.
    ///
    /// # Errors
    /// If the file has changed since it was read, or cannot be written.
    pub fn write(&self) -> Result<(), FixError> {
        let io = |source| FixError::Io {
            path: self.path.clone(),
            source,
        };
        // A link stays a link; the file it leads to is repaired.
        let path = std::fs::canonicalize(&self.path).map_err(io)?;
        let bytes = std::fs::read(&path).map_err(io)?;
        // A byte order mark is no text, and stays.
        let (mark, rest) = match bytes.strip_prefix("\u{feff}".as_bytes()) {
            Some(rest) => ("\u{feff}", rest),
            None => ("", &bytes[..]),
        };
        if rest != self.before.as_bytes() {
            return Err(FixError::Changed {
                path: self.path.clone(),
            });
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(io)?;
        file.write_all(mark.as_bytes()).map_err(io)?;
        file.write_all(self.after.as_bytes()).map_err(io)?;
        file.as_file().sync_all().map_err(io)?;
        let rights = std::fs::metadata(&path).map_err(io)?.permissions();
        std::fs::set_permissions(file.path(), rights).map_err(io)?;
        file.persist(&path).map_err(|error| io(error.error))?;
        Ok(())
    }
}
