//! Parts of sentences: numbers, names and cells as notes and errors have them.

use std::fmt;
use std::path::{self, Path, PathBuf};

/// Says how many images are missing besides the one that a sentence has named.
pub(super) struct Others<'a>(pub(super) &'a [u64], pub(super) &'a usize);

impl fmt::Display for Others<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Others(lines, rows) = self;
        if **rows < 2 {
            return Ok(());
        }
        let lines: Vec<String> = lines.iter().map(u64::to_string).collect();
        write!(
            formatter,
            "; {rows} images are missing, the first on lines {}",
            lines.join(", ")
        )
    }
}

/// A cell's text for a sentence.
pub(super) struct Cell<'a>(pub(super) &'a str);

impl fmt::Display for Cell<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => formatter.write_str("an empty cell"),
            text => write!(formatter, "`{text}`"),
        }
    }
}

/// A number of things, with the plural's s where there is not one.
pub(super) fn counted(number: usize, thing: &str) -> String {
    match number {
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

/// A folder's path for a sentence; that of a file without a folder in its path is `.`.
pub(super) fn folder(path: &Path) -> path::Display<'_> {
    match path.as_os_str().is_empty() {
        true => Path::new(".").display(),
        false => path.display(),
    }
}

/// Names for a sentence, each in backticks; those past the tenth are only counted.
pub(super) fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let shown: Vec<String> = names
        .iter()
        .take(10)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len() {
        0 => "none".to_owned(),
        len if len > 10 => format!("{} and {} more", shown.join(", "), len - 10),
        _ => shown.join(", "),
    }
}

/// The last parts of paths, for a sentence.
pub(super) fn file_names(paths: &[PathBuf]) -> String {
    let texts: Vec<String> = paths
        .iter()
        .filter_map(|path| path.file_name())
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names(texts.iter().map(String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sentence_has_empty_quotes() {
        assert_eq!(folder(Path::new("")).to_string(), ".");
        assert_eq!(folder(Path::new("photos")).to_string(), "photos");
        assert_eq!(Cell("").to_string(), "an empty cell");
        assert_eq!(Cell("x").to_string(), "`x`");
        assert_eq!(names([]), "none");
    }

    #[test]
    fn one_thing_has_no_plural() {
        let texts = [0, 1, 2].map(|number| counted(number, "image"));
        assert_eq!(texts, ["0 images", "1 image", "2 images"]);
    }
}
