//! Notebooks: the code cells, joined into one program.

use serde_json::Value;

use super::Cell;

/// The text of all code cells, and where each begins. The error is in words.
pub(super) fn cells(bytes: &[u8]) -> Result<(String, Vec<Cell>), String> {
    let notebook: Value = serde_json::from_slice(bytes)
        .map_err(|error| format!("expected a notebook in JSON: {error}"))?;
    // Notebooks of format 3 keep their cells in worksheets.
    let sheets = notebook.get("worksheets").and_then(Value::as_array);
    let all: Vec<&Value> = match (notebook.get("cells").and_then(Value::as_array), sheets) {
        (Some(cells), _) => cells.iter().collect(),
        (None, Some(sheets)) => sheets
            .iter()
            .filter_map(|sheet| sheet.get("cells")?.as_array())
            .flatten()
            .collect(),
        (None, None) => return Err("expected a notebook with `cells`, found none".to_owned()),
    };
    let mut text = String::new();
    let mut cells = Vec::new();
    for (index, cell) in all.iter().enumerate() {
        if cell.get("cell_type").and_then(Value::as_str) != Some("code") {
            continue;
        }
        let source = match cell.get("source").or_else(|| cell.get("input")) {
            Some(Value::String(source)) => source.clone(),
            Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
            _ => continue,
        };
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
        let (text, cells) = cells(notebook.as_bytes()).unwrap();
        assert_eq!(text, "import keras\nx = 1\n\ny = 2");
        let places: Vec<_> = cells.iter().map(|cell| (cell.number, cell.start)).collect();
        assert_eq!(places, [(2, 0), (3, 19), (4, 20)]);
    }

    #[test]
    fn a_file_that_is_no_notebook_is_refused_in_words() {
        assert!(
            cells(b"import keras")
                .unwrap_err()
                .starts_with("expected a notebook in JSON")
        );
        assert!(cells(b"{}").unwrap_err().contains("`cells`"));
    }
}
