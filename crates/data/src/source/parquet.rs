//! Parquet: columns of text, numbers, truth values, or lists of these.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use finial_task::Column;
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;

use super::SourceError;
use super::table::Rows;

/// Reads the columns that can be cells; pictures and nested records are not even decoded.
pub(super) fn read(file: &Path) -> Result<Rows, SourceError> {
    let damaged = |error: ParquetError| SourceError::Parquet {
        file: file.to_owned(),
        reason: error.to_string(),
    };
    let input = File::open(file).map_err(|error| SourceError::reading(file, error))?;
    let reader = SerializedFileReader::new(input).map_err(damaged)?;
    let schema = reader.metadata().file_metadata().schema();
    let (cells, others): (Vec<_>, Vec<_>) = schema
        .get_fields()
        .iter()
        .cloned()
        .partition(|field| holds_cells(field));

    let column = |field: &Arc<Type>| Column {
        name: field.name().trim().to_owned(),
        cells: Vec::new(),
    };
    let mut rows = Rows {
        columns: cells.iter().map(column).collect(),
        lines: Vec::new(),
        unread: others.iter().map(|field| field.name().to_owned()).collect(),
    };
    if cells.is_empty() {
        return Ok(rows);
    }
    let wanted = Type::group_type_builder(schema.name())
        .with_fields(cells)
        .build()
        .map_err(damaged)?;
    let records = reader.get_row_iter(Some(wanted)).map_err(damaged)?;
    for (line, record) in (1..).zip(records) {
        let record = record.map_err(damaged)?;
        for (column, (_, field)) in rows.columns.iter_mut().zip(record.get_column_iter()) {
            let cell = cell(field).map_err(|found| SourceError::Cell {
                file: file.to_owned(),
                line,
                column: column.name.clone(),
                found,
            })?;
            column.cells.push(cell);
        }
        rows.lines.push(line);
    }
    Ok(rows)
}

/// Whether a column is text, numbers or truth values, or a list of these.
fn holds_cells(field: &Type) -> bool {
    if field.is_primitive() {
        let info = field.get_basic_info();
        let is_text = matches!(
            info.logical_type_ref(),
            Some(LogicalType::String | LogicalType::Enum | LogicalType::Decimal { .. })
        ) || matches!(
            info.converted_type(),
            ConvertedType::UTF8 | ConvertedType::ENUM | ConvertedType::DECIMAL
        );
        return match field.get_physical_type() {
            Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => is_text,
            Physical::INT96 => false,
            _ => true,
        };
    }
    let is_list = field.get_basic_info().converted_type() == ConvertedType::LIST
        || matches!(
            field.get_basic_info().logical_type_ref(),
            Some(LogicalType::List)
        );
    let [items] = field.get_fields() else {
        return false;
    };
    // A list is `optional group NAME (LIST) { repeated group list { TYPE element } }`, and in
    // older files `{ repeated TYPE element }`.
    let element = match items.is_group() {
        true => match items.get_fields() {
            [element] => element,
            _ => return false,
        },
        false => items,
    };
    is_list
        && items.get_basic_info().repetition() == Repetition::REPEATED
        && element.is_primitive()
        && holds_cells(element)
}

/// A value as a cell, or what it is instead.
fn cell(field: &Field) -> Result<String, String> {
    match field {
        Field::Null => Ok(String::new()),
        Field::Str(text) => Ok(text.trim().to_owned()),
        // Not-a-number is how a missing number is written by data frame libraries.
        Field::Float(value) if value.is_nan() => Ok(String::new()),
        Field::Double(value) if value.is_nan() => Ok(String::new()),
        Field::Float(value) => Ok(value.to_string()),
        Field::Double(value) => Ok(value.to_string()),
        Field::ListInternal(list) => {
            let items: Result<Vec<String>, String> = list.elements().iter().map(item).collect();
            Ok(items?.join("|"))
        }
        Field::Group(_) | Field::MapInternal(_) | Field::Bytes(_) => Err("a record".to_owned()),
        number => Ok(number.to_string()),
    }
}

fn item(field: &Field) -> Result<String, String> {
    match field {
        Field::Null => Err("null in a list".to_owned()),
        _ => {
            let text = cell(field)?;
            match text.contains('|') {
                true => Err(format!("the text `{text}` in a list")),
                false => Ok(text),
            }
        }
    }
}
