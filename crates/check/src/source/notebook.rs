//! Notebooks: the code cells, joined into one program, and edits of them.

use ruff_text_size::TextRange;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Cell, replaced};

/// What is looked at of a notebook. Values stay as they are written, so that an edit leaves all
/// else alone.
#[derive(Deserialize)]
struct Notebook<'a> {
    #[serde(borrow)]
    cells: Option<Vec<Raw<'a>>>,
    /// Notebooks of format 3 keep their cells in worksheets.
    #[serde(borrow)]
    worksheets: Option<Vec<Sheet<'a>>>,
}

#[derive(Deserialize)]
struct Sheet<'a> {
    #[serde(borrow, default)]
    cells: Vec<Raw<'a>>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    cell_type: Option<String>,
    #[serde(borrow)]
    source: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

impl<'a> Raw<'a> {
    /// The strings of a code cell, each as it is written and as it reads.
    fn strings(&self) -> Option<Vec<(&'a str, String)>> {
        if self.cell_type.as_deref() != Some("code") {
            return None;
        }
        let source = self.source.or(self.input)?;
        let read = |raw: &'a RawValue| {
            let text = serde_json::from_str::<String>(raw.get()).ok()?;
            Some((raw.get(), text))
        };
        if let Some(one) = read(source) {
            return Some(vec![one]);
        }
        let lines: Vec<&'a RawValue> = serde_json::from_str(source.get()).ok()?;
        Some(lines.into_iter().filter_map(read).collect())
    }
}

fn read(json: &str) -> Result<Vec<Raw<'_>>, String> {
    let notebook: Notebook<'_> = serde_json::from_str(json)
        .map_err(|error| format!("expected a notebook in JSON: {error}"))?;
    match (notebook.cells, notebook.worksheets) {
        (Some(cells), _) => Ok(cells),
        (None, Some(sheets)) => Ok(sheets.into_iter().flat_map(|sheet| sheet.cells).collect()),
        (None, None) => Err("expected a notebook with `cells`, found none".to_owned()),
    }
}

/// The text of all code cells, and where each begins. The error is in words.
pub(super) fn cells(json: &str) -> Result<(String, Vec<Cell>), String> {
    let mut text = String::new();
    let mut cells = Vec::new();
    for (index, cell) in read(json)?.iter().enumerate() {
        let Some(strings) = cell.strings() else {
            continue;
        };
        let source: String = strings.into_iter().map(|(_, text)| text).collect();
        if !cells.is_empty() {
            text.push('\n');
        }
        let start = text.len();
        if is_python(&source) {
            text.push_str(source.trim_end_matches('\n'));
        }
        cells.push(Cell {
            number: index + 1,
            start,
            end: text.len(),
        });
    }
    if cells.is_empty() {
        cells.push(Cell {
            number: 1,
            start: 0,
            end: 0,
        });
    }
    Ok((text, cells))
}

/// The notebook with some ranges of its cells' text replaced, cells by their numbers. All else is
/// byte for byte as it was. `None` if an edit reaches from one string into the next.
pub(super) fn edited(json: &str, edits: &[(usize, Vec<(TextRange, &str)>)]) -> Option<String> {
    let cells = read(json).ok()?;
    let mut result = String::new();
    let mut from = 0;
    for (number, edits) in edits {
        let strings = cells.get(number.checked_sub(1)?)?.strings()?;
        let mut begin = 0;
        let mut made = 0;
        for (written, text) in strings {
            let end = begin + text.len();
            let own: Vec<_> = edits
                .iter()
                .filter_map(|(at, new)| {
                    let (start, stop) = (at.start().to_usize(), at.end().to_usize());
                    let inside = begin <= start && start < end && stop <= end;
                    let from = u32::try_from(start.checked_sub(begin)?).ok()?;
                    inside.then(|| (TextRange::at(from.into(), at.len()), *new))
                })
                .collect();
            begin = end;
            if own.is_empty() {
                continue;
            }
            made += own.len();
            // Both are slices of one text.
            let at = written.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
            result.push_str(json.get(from..at)?);
            result.push_str(&quoted(&replaced(&text, &own)?, written.is_ascii()));
            from = at + written.len();
        }
        (made == edits.len()).then_some(())?;
    }
    result.push_str(json.get(from..)?);
    Some(result)
}

/// The line of the file that a line of a cell is written in, all counted from 1.
pub(super) fn file_line(json: &str, number: usize, line: usize) -> Option<usize> {
    let cells = read(json).ok()?;
    let strings = cells.get(number.checked_sub(1)?)?.strings()?;
    let mut before = 0;
    for (written, text) in strings {
        if line <= before + text.lines().count() {
            // Both are slices of one text.
            let at = written.as_ptr().addr().checked_sub(json.as_ptr().addr())?;
            return Some(json.get(..at)?.matches('\n').count() + 1);
        }
        before += text.matches('\n').count();
    }
    None
}

/// A string of JSON, in ASCII if the file writes it so.
fn quoted(text: &str, ascii: bool) -> String {
    let json = serde_json::Value::from(text).to_string();
    if !ascii {
        return json;
    }
    let mut result = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            result.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                result.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    result
}

/// A cell that begins with `%%bash` and its kind is in another language.
fn is_python(source: &str) -> bool {
    match source.trim_start().strip_prefix("%%") {
        None => true,
        Some(magic) => {
            let name = magic
                .split(|c: char| !c.is_alphanumeric())
                .next()
                .unwrap_or("");
            matches!(
                name,
                "time" | "timeit" | "capture" | "prun" | "python" | "python3"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_cells_are_joined_and_counted_over_all_cells() {
        let notebook = r##"{"cells": [
            {"cell_type": "markdown", "source": "# Title"},
            {"cell_type": "code", "source": ["import keras\n", "x = 1\n"]},
            {"cell_type": "code", "source": "%%bash\nls"},
            {"cell_type": "code", "source": "y = 2"}
        ]}"##;
        let (text, cells) = cells(notebook).unwrap();
        assert_eq!(text, "import keras\nx = 1\n\ny = 2");
        let places: Vec<_> = cells.iter().map(|cell| (cell.number, cell.start)).collect();
        assert_eq!(places, [(2, 0), (3, 19), (4, 20)]);
    }

    #[test]
    fn a_line_of_a_cell_is_found_in_the_file() {
        let notebook = "{\"cells\": [\n {\"cell_type\": \"code\", \"source\": [\n  \"a\\n\",\n  \"b\\n\",\n  \"c\"\n ]},\n {\"cell_type\": \"code\", \"source\": \"a\\nb\"}\n]}";
        let lines = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2)];
        let found = lines.map(|(cell, line)| file_line(notebook, cell, line));
        assert_eq!(found, [3, 4, 5, 7, 7].map(Some));
        assert_eq!(file_line(notebook, 3, 1), None);
    }

    #[test]
    fn a_file_that_is_no_notebook_is_refused_in_words() {
        assert!(
            cells("import keras")
                .unwrap_err()
                .starts_with("expected a notebook in JSON")
        );
        assert!(cells("{}").unwrap_err().contains("`cells`"));
    }
}
