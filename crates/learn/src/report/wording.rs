//! Sentences and lists.

use finial_task::TaskKind;

/// With a capital and a full stop, and with command line options set as code.
pub(super) fn sentence(text: &str) -> String {
    let text = capitalised(&options_as_code(text));
    match text.ends_with(['.', '?', '!']) || text.is_empty() {
        true => text,
        false => text + ".",
    }
}

/// With a capital first letter, unless the first word has capitals of its own, as "mAP".
pub(super) fn capitalised(text: &str) -> String {
    let first_word = text.split_whitespace().next().unwrap_or_default();
    if first_word.chars().skip(1).any(char::is_uppercase) {
        return text.to_owned();
    }
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

/// "a, b or c".
pub(super) fn listed<S: AsRef<str>>(items: &[S], last: &str) -> String {
    match items {
        [] => String::new(),
        [one] => one.as_ref().to_owned(),
        [rest @ .., end] => {
            let rest: Vec<&str> = rest.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", rest.join(", "), end.as_ref())
        }
    }
}

/// Puts backticks around an option and its value.
fn options_as_code(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(i, part)| {
        // Every second part is code already.
        match i % 2 {
            0 => bare_options_as_code(part),
            _ => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join("`")
}

fn bare_options_as_code(text: &str) -> String {
    let name = |word: &str| {
        let end = word.trim_end_matches([',', '.', ';', ')', '?']).len();
        (word[..end].to_owned(), word[end..].to_owned())
    };
    let mut words = text.split(' ').peekable();
    let mut marked = Vec::new();
    while let Some(word) = words.next() {
        let (option, behind) = name(word);
        if !option.starts_with("--") || option.len() < 3 {
            marked.push(word.to_owned());
            continue;
        }
        let value = words
            .next_if(|next| behind.is_empty() && is_value(&option, &name(next).0))
            .map(name);
        marked.push(match value {
            Some((value, behind)) => format!("`{option} {value}`{behind}"),
            None => format!("`{option}`{behind}"),
        });
    }
    marked.join(" ")
}

/// Whether the word behind an option is its value; "leave --task away" has none.
fn is_value(option: &str, word: &str) -> bool {
    match option {
        "--task" => TaskKind::ALL.iter().any(|kind| kind.name() == word),
        "--label-column" | "--positive" => !word.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_set_as_code_with_the_kind_they_name_and_only_once() {
        for (text, expected) in [
            (
                "if each is one name, say --task multi-class",
                "If each is one name, say `--task multi-class`.",
            ),
            (
                "say --task binary, or leave --task away",
                "Say `--task binary`, or leave `--task` away.",
            ),
            (
                "name it, as in --label-column price.",
                "Name it, as in `--label-column price`.",
            ),
            (
                "name it with --label-column",
                "Name it with `--label-column`.",
            ),
            ("say `--task binary`", "Say `--task binary`."),
            ("use `cat|dog` -- or not", "Use `cat|dog` -- or not."),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn a_word_with_capitals_of_its_own_keeps_its_first_letter() {
        assert_eq!(capitalised("mAP"), "mAP");
        assert_eq!(capitalised("log loss"), "Log loss");
        assert_eq!(capitalised("élan"), "Élan");
    }

    #[test]
    fn a_list_ends_in_its_last_word() {
        assert_eq!(listed(&["a"], "or"), "a");
        assert_eq!(listed(&["a", "b", "c"], "or"), "a, b or c");
    }
}
