//! Data sources: a folder of class folders or a table becomes one list of samples.
//!
//! [`open`] looks at what lies at a path (`survey`) and hands over to `folders` or `table`; `table`
//! reads through `delimited` (CSV, TSV), `lines` (JSON Lines) or `parquet`. Only names and labels are
//! read here, never an image: that is [`crate::decode()`].

mod columns;
mod delimited;
mod endings;
mod error;
mod folders;
mod lines;
mod parquet;
mod survey;
mod table;
mod words;

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use finial_task::RawLabels;

use crate::Split;
pub use error::SourceError;
pub use survey::images_in;
use table::TableFormat;

/// What [`open`] is told besides the path. It matters to tables only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// The column that names the image of each row; found by name or by its cells when `None`.
    pub image_column: Option<String>,
    /// Columns that the caller means to use as labels: each must be there.
    pub label_columns: Vec<String>,
}

/// The samples of a data set and their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The folder that the samples were found in, or that the table's paths are relative to.
    pub root: PathBuf,
    /// How the data set is laid out; its `Display` is one phrase for a report.
    pub layout: Layout,
    /// The images, in an order that is the same on every machine.
    pub samples: Vec<Sample>,
    /// The labels, one per sample and in the same order.
    pub labels: RawLabels,
    /// What was left out or taken for granted, a sentence each.
    pub notes: Vec<String>,
}

/// One labelled image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The image file.
    pub path: PathBuf,
    /// The split that the data set puts it in. Within one source, all samples have one or none.
    pub split: Option<Split>,
    /// The line of the table, counted from 1 with the heading; in Parquet files, the row. `None`
    /// for class folders.
    pub line: Option<u64>,
}

/// How a data set is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A folder per class, in a folder per split where `splits` is not empty.
    ClassFolders {
        /// Names of the split folders as they are written, train first.
        splits: Vec<String>,
    },
    /// A table with a row per image.
    Table {
        /// The table.
        file: PathBuf,
        /// Name of the column that holds the image paths.
        image_column: String,
        /// Name of the column that holds the splits, if there is one.
        split_column: Option<String>,
    },
}

impl Layout {
    /// Who gives the splits, as the subject of a sentence ("the split folders"), or `None` if
    /// nobody does. Goes into [`crate::SplitRequest::given_by`].
    pub fn gives_splits(&self) -> Option<String> {
        match self {
            Layout::ClassFolders { splits } if splits.is_empty() => None,
            Layout::ClassFolders { .. } => Some("the split folders".to_owned()),
            Layout::Table { split_column, .. } => split_column
                .as_ref()
                .map(|name| format!("the splits of column `{name}`")),
        }
    }
}

impl fmt::Display for Layout {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Layout::ClassFolders { splits } if splits.is_empty() => {
                write!(formatter, "class folders")
            }
            Layout::ClassFolders { splits } => write!(
                formatter,
                "class folders in split folders ({})",
                splits.join(", ")
            ),
            Layout::Table {
                file,
                image_column,
                split_column,
            } => {
                write!(
                    formatter,
                    "table `{}` with its images in column `{image_column}`",
                    file.display()
                )?;
                match split_column {
                    Some(name) => write!(formatter, " and its splits in column `{name}`"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Lists the images and labels at `path`: a folder of class folders, with or without split
/// folders above them, a table (CSV, TSV, JSON Lines, Parquet), or a folder that holds one table.
///
/// # Errors
///
/// [`SourceError`] when there is nothing at `path`, when its layout is not one of these, or when
/// a table does not hold together. Whether the images can be read shows only in
/// [`crate::decode()`].
pub fn open(path: &Path, options: &SourceOptions) -> Result<Source, SourceError> {
    let metadata = fs::metadata(path).map_err(|error| SourceError::reading(path, error))?;
    if !metadata.is_dir() {
        return table::open(path, TableFormat::of(path)?, options);
    }
    let folder = survey::survey(path)?;
    let columns = options.image_column.iter().chain(&options.label_columns);
    let column = columns.into_iter().next();
    match (folder.has_class_folders(), folder.tables.as_slice(), column) {
        (true, [], None) => folders::open(folder),
        (true, [], Some(column)) => Err(SourceError::ColumnsOfFolders {
            path: path.to_owned(),
            column: column.clone(),
        }),
        // Columns are a table's, so naming one says which of the two is meant.
        (false, [file], _) | (true, [file], Some(_)) => {
            let mut source = table::open(file, TableFormat::of(file)?, options)?;
            let name = words::file_names(std::slice::from_ref(file));
            let note = format!("the table {name} says what the images in this folder show");
            source.notes.insert(0, note);
            Ok(source)
        }
        (false, [], _) => Err(folder.without_classes()),
        (false, tables, _) => Err(SourceError::SeveralTables {
            folder: path.to_owned(),
            tables: words::file_names(tables),
        }),
        (true, tables, _) => Err(SourceError::TableOrFolders {
            folder: path.to_owned(),
            tables: words::file_names(tables),
            classes: folder.class_names().join("`, `"),
        }),
    }
}
