//! Repairs: which edits go together, how they are shown, how they are written.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ruff_text_size::TextRange;
use similar::TextDiff;

use super::{Finding, Fix, Report};
use crate::model;
use crate::source::Source;

/// A program, notebook or model after its repairs.
#[derive(Clone, Debug)]
pub struct Repaired {
    /// The file.
    pub path: PathBuf,
    /// Faults that are repaired.
    pub repaired: usize,
    source: Arc<Source>,
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
    /// The copy of a model could not be made.
    #[error("cannot write the repaired model `{}`: {reason}", .path.display())]
    #[diagnostic(help(
        "the model is as it was; move what is at that place, or check that you may write there"
    ))]
    Model {
        /// The copy.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl Report {
    /// Each program, notebook and `.keras` model with all its repairs that go together. Of repairs
    /// that touch the same text the first is taken, and one that would break the program is not.
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
    let faults = errors(&source.path, source.content());
    let mut edits: Vec<(TextRange, &str)> = Vec::new();
    let mut after = None;
    let mut repaired = 0;
    for fix in findings.iter().filter_map(|finding| finding.fix.as_ref()) {
        let clash = fix.edits.iter().any(|new| {
            let touches = |(known, _): &(TextRange, &str)| {
                // Two insertions at one place touch each other.
                known.start() <= new.range.end() && new.range.start() <= known.end()
            };
            edits.iter().any(touches)
        });
        if clash {
            continue;
        }
        let mut more = edits.clone();
        more.extend(
            fix.edits
                .iter()
                .map(|edit| (edit.range, edit.text.as_str())),
        );
        let Some(edited) = source.edited(&more) else {
            continue;
        };
        let broken = match source.model() {
            Some(model) => model.rewritten(&edited).is_none(),
            None => errors(&source.path, &edited) > faults,
        };
        if broken {
            continue;
        }
        (edits, after) = (more, Some(edited));
        repaired += 1;
    }
    Some(Repaired {
        path: source.path.clone(),
        repaired,
        source: source.clone(),
        after: after?,
    })
}

/// Whether a repair can be made, alone.
pub(crate) fn can_be_made(source: &Source, fix: &Fix) -> bool {
    let Some(model) = source.model() else {
        return true;
    };
    let edits = fix
        .edits
        .iter()
        .map(|edit| (edit.range, edit.text.as_str()));
    let edited = source.edited(&edits.collect::<Vec<_>>());
    edited.is_some_and(|edited| model.rewritten(&edited).is_some())
}

/// How many places of a program cannot be parsed.
fn errors(path: &Path, text: &str) -> usize {
    let parsed = Source::from_bytes(path, text.as_bytes())
        .ok()
        .and_then(|source| source.parse());
    parsed.map_or(usize::MAX, |parsed| parsed.errors().len())
}

impl Repaired {
    /// The file after its repairs; the listing of a model.
    pub fn text(&self) -> &str {
        &self.after
    }

    /// Where the repairs are written: a model is copied, all else is changed in place.
    pub fn target(&self) -> PathBuf {
        match self.source.model() {
            None => self.path.clone(),
            Some(_) => {
                let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
                self.path.with_file_name(format!("{stem}.repaired.keras"))
            }
        }
    }

    /// The repairs as a unified diff; of a model's listing.
    pub fn diff(&self) -> String {
        TextDiff::from_lines(self.source.content(), &self.after)
            .unified_diff()
            .header(&in_header(&self.path), &in_header(&self.target()))
            .to_string()
    }

    /// Writes to [`target`](Self::target): beside, then renamed. A program or notebook keeps its
    /// rights; a model is left as it is, and its copy must not be there yet.
    ///
    /// # Errors
    /// If the file has changed since it was read, or cannot be written.
    pub fn write(&self) -> Result<(), FixError> {
        if let Some(model) = self.source.model() {
            let path = self.target();
            return model::write(model, &self.after, &self.path, &path)
                .map_err(|reason| FixError::Model { path, reason });
        }
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
        if rest != self.source.content().as_bytes() {
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

/// A path as `patch` and git read it in a header: in quotes if a letter of it could end the line
/// or drive the terminal, with a tab behind it if it has spaces.
fn in_header(path: &Path) -> String {
    let path = path.display().to_string();
    let quoted = |letter: char| letter.is_control() || matches!(letter, '"' | '\\');
    if !path.contains(quoted) {
        return match path.contains(' ') {
            true => path + "\t",
            false => path,
        };
    }
    let mut header = String::from("\"");
    for letter in path.chars() {
        match letter {
            '"' | '\\' => header.extend(['\\', letter]),
            _ if letter.is_control() => {
                let bytes = letter.to_string().into_bytes();
                header.extend(bytes.iter().map(|byte| format!("\\{byte:03o}")));
            }
            _ => header.push(letter),
        }
    }
    header + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_names_any_file_in_one_line() {
        let header = |name: &str| in_header(Path::new(name));
        assert_eq!(header("models/train.py"), "models/train.py");
        assert_eq!(header("my train.py"), "my train.py\t");
        assert_eq!(header("a\u{1b}[31m\n.py"), r#""a\033[31m\012.py""#);
        assert_eq!(header("a \"b\".py"), r#""a \"b\".py""#);
    }
}
