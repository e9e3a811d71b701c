//! JSON Lines: an object per image.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use finial_task::Column;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

use super::SourceError;
use super::table::Rows;

/// Reads the whole table. Columns are the keys in the order in which they first appear; a key
/// that a line lacks is an empty cell.
pub(super) fn read(file: &Path) -> Result<Rows, SourceError> {
    let failed = |error| SourceError::reading(file, error);
    let mut input = BufReader::new(File::open(file).map_err(failed)?);
    let mut rows = Rows::default();
    let mut index: HashMap<String, usize> = HashMap::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if input.read_until(b'\n', &mut bytes).map_err(failed)? == 0 {
            break;
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| SourceError::NotUtf8 {
            file: file.to_owned(),
            line,
        })?;
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            continue;
        }
        let Object(pairs) = serde_json::from_str(text).map_err(|error| SourceError::Json {
            file: file.to_owned(),
            line,
            reason: reason(text, &error),
        })?;
        let row = rows.lines.len();
        for (name, value) in pairs {
            let cell = cell(&value).map_err(|found| SourceError::Cell {
                file: file.to_owned(),
                line,
                column: name.clone(),
                found,
            })?;
            let name = name.trim();
            let column = *index.entry(name.to_owned()).or_insert_with(|| {
                let (name, cells) = (name.to_owned(), vec![String::new(); row]);
                rows.columns.push(Column { name, cells });
                rows.columns.len() - 1
            });
            let cells = &mut rows.columns[column].cells;
            if cells.len() > row {
                return Err(SourceError::KeyTwice {
                    file: file.to_owned(),
                    line,
                    key: name.to_owned(),
                });
            }
            cells.push(cell);
        }
        for column in &mut rows.columns {
            column.cells.resize(row + 1, String::new());
        }
        rows.lines.push(line);
    }
    Ok(rows)
}

/// What stands on the line instead of an object. The parser's own line number is left out, as it
/// sees one line at a time.
fn reason(text: &str, error: &serde_json::Error) -> String {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = error.to_string();
    let said = said.strip_suffix(&place).unwrap_or(&said);
    match (text.as_bytes().first(), error.classify()) {
        (Some(b'['), _) => "the beginning of a list".to_owned(),
        (Some(b'{'), Category::Eof) => "the beginning of one only".to_owned(),
        (Some(b'{'), _) if said == "trailing characters" => {
            format!("more behind it, from character {} on", error.column())
        }
        (Some(b'{'), _) => format!("a slip at character {} ({said})", error.column()),
        _ => "other text".to_owned(),
    }
}

/// A value as a cell, or what it is instead.
fn cell(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Array(values) => {
            let names: Result<Vec<String>, String> = values.iter().map(list_item).collect();
            Ok(names?.join("|"))
        }
        Value::Object(_) => Err("an object".to_owned()),
    }
}

fn list_item(value: &Value) -> Result<String, String> {
    match value {
        Value::Array(_) => Err("a list of lists".to_owned()),
        Value::Null => Err("null in a list".to_owned()),
        _ => {
            let text = cell(value)?;
            match text.contains('|') {
                true => Err(format!("the text `{text}` in a list")),
                false => Ok(text),
            }
        }
    }
}

/// A JSON object with its keys in the order written, repeats included.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
