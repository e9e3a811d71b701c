//! Markup made of plain text: code within sentences, and places where a path may break.

use minijinja::HtmlEscape;

/// A sentence, escaped, with what stands between backticks set as code.
pub fn prose(text: &str) -> String {
    // Longer code may break anywhere; a short option must not break behind its hyphens.
    const SHORT: usize = 28;
    let mut markup = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, code, after)) = next_code(rest) {
        let class = if code.chars().count() <= SHORT {
            " class=\"nowrap\""
        } else {
            ""
        };
        let (before_escaped, code_escaped) = (HtmlEscape(before), HtmlEscape(code));
        markup.push_str(&format!(
            "{before_escaped}<code{class}>{code_escaped}</code>"
        ));
        rest = after;
    }
    markup.push_str(&HtmlEscape(rest).to_string());
    markup
}

/// The text before the next pair of backticks, in it and after it.
fn next_code(text: &str) -> Option<(&str, &str, &str)> {
    let (before, opened) = text.split_once('`')?;
    let (code, after) = opened.split_once('`')?;
    Some((before, code, after))
}

/// A path, escaped, that breaks behind separators and never within the last letters; of a path
/// longer than `most` characters the middle is left out.
pub fn path(text: &str, most: usize) -> String {
    /// Characters of the last word that stay together, its extension among them.
    const WORD: usize = 18;
    /// Of a longer one, so many.
    const TAIL: usize = 10;
    let shortened = without_middle(text, most);
    let from_end = |most: usize| {
        let last = shortened.char_indices().rev().take(most);
        last.take_while(|(_, character)| !breaks_behind(*character))
            .last()
            .map_or(shortened.len(), |(at, _)| at)
    };
    let word = from_end(WORD);
    let whole = shortened[..word].ends_with(breaks_behind) || word == 0;
    let tail = if whole { word } else { from_end(TAIL) };
    let (body, tail) = shortened.split_at(tail);
    let mut markup = String::with_capacity(shortened.len() + 32);
    for part in body.split_inclusive(breaks_behind) {
        markup.push_str(&format!("{}<wbr/>", HtmlEscape(part)));
    }
    let tail = HtmlEscape(tail);
    markup.push_str(&format!("<span class=\"nowrap\">{tail}</span>"));
    markup
}

fn breaks_behind(character: char) -> bool {
    matches!(character, '/' | '\\' | '_' | '-' | ' ')
}

/// The beginning and, as it tells more, a longer end.
fn without_middle(text: &str, most: usize) -> String {
    let length = text.chars().count();
    if length <= most {
        return text.to_owned();
    }
    let kept = most.saturating_sub(1);
    let head: String = text.chars().take(kept / 3).collect();
    let tail: String = text.chars().skip(length - (kept - kept / 3)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_in_a_sentence_is_marked_and_escaped() {
        assert_eq!(
            prose("Train with `--task <x>` & wait."),
            "Train with <code class=\"nowrap\">--task &lt;x&gt;</code> &amp; wait."
        );
        assert_eq!(prose("a lone ` stays"), "a lone ` stays");
        assert_eq!(
            prose("`` `<`"),
            "<code class=\"nowrap\"></code> <code class=\"nowrap\">&lt;</code>"
        );
    }

    #[test]
    fn a_path_breaks_behind_separators_and_not_before_its_last_letters() {
        assert_eq!(
            path("images/snowman_without_snow.png", 99),
            "images&#x2f;<wbr/>snowman_<wbr/>without_<wbr/><span class=\"nowrap\">snow.png</span>"
        );
        assert!(path("a/thumb_crossed.png", 99).ends_with(">crossed.png</span>"));
        let unbroken = path("0123456789abcdef.jpeg", 99);
        assert!(
            unbroken.ends_with("a<wbr/><span class=\"nowrap\">bcdef.jpeg</span>"),
            "{unbroken}"
        );
        assert_eq!(path("", 9), "<span class=\"nowrap\"></span>");
    }

    #[test]
    fn a_path_is_escaped() {
        let markup = path("<b>/<i>&.png", 99);
        assert_eq!(
            markup,
            "&lt;b&gt;&#x2f;<wbr/><span class=\"nowrap\">&lt;i&gt;&amp;.png</span>"
        );
    }

    #[test]
    fn of_a_long_path_the_middle_is_left_out() {
        assert_eq!(without_middle("0123456789", 10), "0123456789");
        assert_eq!(without_middle("0123456789", 7), "01…6789");
        assert_eq!(without_middle("äöüäöü", 4), "ä…öü");
    }
}
