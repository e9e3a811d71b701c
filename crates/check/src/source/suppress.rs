//! `# finial: ignore[CODE]`: what a program asks not to hear.

use ruff_python_ast::token::{TokenKind, Tokens};
use ruff_text_size::{Ranged, TextRange};

use super::Source;

/// The comments of a program that silence rules.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    lines: Vec<(usize, Codes)>,
}

#[derive(Debug, PartialEq)]
enum Codes {
    All,
    Some(Vec<String>),
}

impl Suppressions {
    /// Reads the comments of a program.
    pub fn read(source: &Source, tokens: &Tokens) -> Self {
        let mut lines = Vec::new();
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
            let line = source.line_of(range.start().to_usize());
            let start = source.text[..range.start().to_usize()]
                .rfind('\n')
                .map_or(0, |at| at + 1);
            let alone = source.text[start..range.start().to_usize()]
                .trim()
                .is_empty();
            // A comment on a line of its own speaks of the next one.
            lines.push((if alone { line + 1 } else { line }, codes));
        }
        Self { lines }
    }

    /// Whether a finding of a rule at a place is silenced: by a comment on its first or last line.
    pub fn silence(&self, source: &Source, code: &str, name: &str, at: TextRange) -> bool {
        let first = source.line_of(at.start().to_usize());
        let last = source.line_of(at.end().to_usize());
        self.lines.iter().any(|(line, codes)| {
            (*line == first || *line == last)
                && match codes {
                    Codes::All => true,
                    Codes::Some(codes) => codes.iter().any(|known| known == code || known == name),
                }
        })
    }
}

fn codes(comment: &str) -> Option<Codes> {
    let (_, rest) = comment.split_once("finial:")?;
    let rest = rest.trim_start().strip_prefix("ignore")?;
    match rest.strip_prefix('[') {
        None => Some(Codes::All),
        Some(list) => {
            let (list, _) = list.split_once(']')?;
            Some(Codes::Some(
                list.split(',').map(|code| code.trim().to_owned()).collect(),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_comments() {
        assert_eq!(codes("# finial: ignore"), Some(Codes::All));
        let two = Codes::Some(vec!["FIN001".to_owned(), "softmax-on-one-unit".to_owned()]);
        assert_eq!(
            codes("# noqa # finial: ignore[FIN001, softmax-on-one-unit]"),
            Some(two)
        );
        assert_eq!(codes("# finial is fine"), None);
    }
}
