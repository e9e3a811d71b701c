//! Which column of a table plays which part.

use std::collections::HashSet;
use std::path::Path;

use finial_task::{Column, near_names};

use super::endings::looks_like_image;
use super::table::Rows;
use super::words::names;
use super::{SourceError, SourceOptions};

/// Headings under which image paths are usually found, the most telling first.
const IMAGE_NAMES: [&str; 20] = [
    "image",
    "image_path",
    "imagepath",
    "image_file",
    "image_name",
    "imagename",
    "img",
    "img_path",
    "img_name",
    "images",
    "photo",
    "picture",
    "file_name",
    "filename",
    "filepath",
    "file_path",
    "file",
    "path",
    "image_id",
    "imageid",
];

/// How many cells are looked at to tell what a column holds.
const PEEK: usize = 100;

/// Indices of the columns that are not labels.
pub(super) struct Roles {
    pub(super) image: usize,
    pub(super) split: Option<usize>,
}

/// Finds the image column and the split column, and checks that the label columns asked for are
/// there and are neither.
pub(super) fn roles(
    file: &Path,
    rows: &Rows,
    options: &SourceOptions,
) -> Result<Roles, SourceError> {
    let mut seen = HashSet::new();
    for column in &rows.columns {
        if looks_like_image(Path::new(&column.name)) {
            return Err(SourceError::NoHeading {
                file: file.to_owned(),
                cell: column.name.clone(),
            });
        }
        if !seen.insert(column.name.as_str()) {
            return Err(SourceError::ColumnTwice {
                file: file.to_owned(),
                column: column.name.clone(),
            });
        }
    }
    let image = match &options.image_column {
        Some(name) => find(file, rows, name)?,
        None => image_column(file, rows)?,
    };
    let split = (rows.columns.iter())
        .position(|column| column.name.eq_ignore_ascii_case("split"))
        .filter(|&split| split != image);
    for name in &options.label_columns {
        let index = find(file, rows, name)?;
        let role = match index {
            _ if index == image => "image paths",
            _ if Some(index) == split => "splits",
            _ => continue,
        };
        return Err(SourceError::ColumnInUse {
            file: file.to_owned(),
            column: name.clone(),
            role,
        });
    }
    Ok(Roles { image, split })
}

fn find(file: &Path, rows: &Rows, name: &str) -> Result<usize, SourceError> {
    let columns = &rows.columns;
    let found = columns.iter().position(|column| column.name == name);
    found.ok_or_else(|| {
        let near = near_names(name, columns.iter().map(|column| column.name.as_str()));
        SourceError::UnknownColumn {
            file: file.to_owned(),
            column: name.to_owned(),
            columns: all_names(columns),
            hint: match near.as_slice() {
                [] => "name one of the table's columns".to_owned(),
                near => format!("did you mean {}?", names(near.iter().copied())),
            },
        }
    })
}

/// The image column by its name, or else by its cells. A telling name whose cells end like image
/// files goes before one whose cells do not.
fn image_column(file: &Path, rows: &Rows) -> Result<usize, SourceError> {
    let columns = &rows.columns;
    let named: Vec<usize> = IMAGE_NAMES
        .iter()
        .flat_map(|name| {
            let same = move |column: &Column| column.name.eq_ignore_ascii_case(name);
            (0..columns.len()).filter(move |&index| same(&columns[index]))
        })
        .collect();
    let shows = |index: &usize| holds_image_paths(&columns[*index]);
    if let Some(&index) = named.iter().find(|index| shows(index)).or(named.first())
        && (shows(&index) || !columns.iter().any(holds_image_paths))
    {
        return Ok(index);
    }
    let shown: Vec<usize> = (0..columns.len()).filter(shows).collect();
    match shown.as_slice() {
        [index] => Ok(*index),
        [] => Err(SourceError::NoImageColumn {
            file: file.to_owned(),
            columns: all_names(columns),
            hint: unread_hint(rows),
        }),
        _ => Err(SourceError::SeveralImageColumns {
            file: file.to_owned(),
            columns: names(shown.iter().map(|&index| columns[index].name.as_str())),
        }),
    }
}

fn holds_image_paths(column: &Column) -> bool {
    let mut cells = column.cells.iter().filter(|cell| !cell.is_empty());
    let mut peek = cells.by_ref().take(PEEK).peekable();
    peek.peek().is_some() && peek.all(|cell| looks_like_image(Path::new(cell)))
}

/// Pictures inside a table are a common layout that is not read.
fn unread_hint(rows: &Rows) -> String {
    match rows.unread.as_slice() {
        [] => String::new(),
        unread => format!(
            "; the columns {} hold no text: pictures inside a table are not read, save them as \
             files first",
            names(unread.iter().map(String::as_str))
        ),
    }
}

fn all_names(columns: &[Column]) -> String {
    names(columns.iter().map(|column| column.name.as_str()))
}
