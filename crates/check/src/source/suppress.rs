//! `# finial: ignore[CODE]`: what a program asks not to hear.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::Source;
use crate::options::{known, means};
use crate::rules::Rule;

/// The comments of a program that silence rules.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    lines: Vec<(usize, Codes)>,
    /// Comments that mean to silence something and do not, with what is wrong in words.
    pub faults: Vec<(TextSize, String)>,
}

#[derive(Debug, PartialEq)]
enum Codes {
    All,
    Some(Vec<String>),
}

impl Suppressions {
    /// Reads the comments of a program.
    pub fn read(source: &Source, tokens: &Tokens) -> Self {
        let mut found = Self::default();
        for token in tokens
            .iter()
            .filter(|token| token.kind() == TokenKind::Comment)
        {
            let range = token.range();
            let Some(codes) = source
                .text
                .get(range.start().to_usize()..range.end().to_usize())
                .and_then(codes)
            else {
                continue;
            };
            let codes = match codes {
                Ok(codes) => codes,
                Err(fault) => {
                    found.faults.push((range.start(), fault));
                    continue;
                }
            };
            if let Codes::Some(names) = &codes {
                let unknown = names.iter().filter_map(|name| known(name).err());
                let unknown = unknown.map(|error| (range.start(), error.words()));
                found.faults.extend(unknown);
            }
            let line = source.line_of(range.start().to_usize());
            let start = source.text[..range.start().to_usize()]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            let alone = source.text[start..range.start().to_usize()]
                .trim()
                .is_empty();
            // A comment on a line of its own speaks of the next one.
            let line = if alone { line + 1 } else { line };
            found.lines.push((line, codes));
        }
        found
    }

    /// Whether a finding of a rule at a place is silenced: by a comment on its first or last line.
    pub fn silence(&self, source: &Source, rule: &Rule, at: TextRange) -> bool {
        let first = source.line_of(at.start().to_usize());
        let last = source.line_of(at.end().to_usize());
        self.lines.iter().any(|(line, codes)| {
            (*line == first || *line == last)
                && match codes {
                    Codes::All => true,
                    Codes::Some(names) => names.iter().any(|name| means(name, rule)),
                }
        })
    }
}

/// The rules that a comment names; what is wrong with it in words; `None` if it is about something
/// else.
fn codes(comment: &str) -> Option<Result<Codes, String>> {
    let (_, rest) = comment.split_once("finial:")?;
    let rest = rest.trim_start().strip_prefix("ignore")?;
    let fault = || Some(Err("expected `finial: ignore[CODE, …]`".to_owned()));
    match rest.chars().next() {
        Some('[') => {}
        Some(letter) if !letter.is_whitespace() => return fault(),
        _ => return Some(Ok(Codes::All)),
    }
    let Some((list, _)) = rest.trim_start_matches('[').split_once(']') else {
        return fault();
    };
    let names = list.split(',').map(|name| name.trim().to_owned());
    let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
    match names.is_empty() {
        true => fault(),
        false => Some(Ok(Codes::Some(names))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_comments() {
        assert_eq!(codes("# finial: ignore"), Some(Ok(Codes::All)));
        assert_eq!(codes("# finial: ignore  since 2019"), Some(Ok(Codes::All)));
        let two = Codes::Some(vec!["FIN001".to_owned(), "softmax-on-one-unit".to_owned()]);
        assert_eq!(
            codes("# noqa # finial: ignore[FIN001, softmax-on-one-unit]"),
            Some(Ok(two))
        );
        assert_eq!(codes("# finial is fine"), None);
    }

    #[test]
    fn a_comment_that_is_cut_off_or_in_other_brackets_silences_nothing() {
        for comment in [
            "ignore[FIN001",
            "ignore(FIN001)",
            "ignore[]",
            "ignore:FIN001",
        ] {
            let read = codes(&format!("# finial: {comment}"));
            assert!(matches!(read, Some(Err(_))), "{comment}: {read:?}");
        }
    }
}
