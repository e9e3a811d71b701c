//! Tables: a row per image.
//!
//! Each format has its reader (`delimited`, `lines`, `parquet`) that yields [`Rows`]; which column
//! plays which part is found in `columns`; here the rows become samples, and rows that do not
//! hold together are refused with file and line.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

use finial_task::{Column, RawLabels};

use super::columns::{self, Roles};
use super::words::{counted, folder};
use super::{Layout, Sample, Source, SourceError, SourceOptions, delimited, lines, parquet};
use crate::Split;

/// The kinds of table, told apart by how the file name ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableFormat {
    Csv,
    Tsv,
    JsonLines,
    Parquet,
}

impl TableFormat {
    pub(super) fn of(path: &Path) -> Result<Self, SourceError> {
        let end = path.extension().and_then(|end| end.to_str());
        match end.map(str::to_ascii_lowercase).as_deref() {
            Some("csv") => Ok(TableFormat::Csv),
            Some("tsv" | "tab") => Ok(TableFormat::Tsv),
            Some("jsonl" | "ndjson") => Ok(TableFormat::JsonLines),
            Some("parquet") => Ok(TableFormat::Parquet),
            _ => Err(SourceError::UnknownTable {
                path: path.to_owned(),
            }),
        }
    }
}

/// A table as it was read: text cells, column by column.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) columns: Vec<Column>,
    /// The line of each row, counted from 1; in Parquet files, the row.
    pub(super) lines: Vec<u64>,
    /// Columns that hold something other than cells, such as the bytes of a picture.
    pub(super) unread: Vec<String>,
}

impl Rows {
    /// Drops the rows of which every cell is empty, as spreadsheets write them below the last
    /// image, and says so.
    fn drop_blank(&mut self) -> Option<String> {
        let is_blank = |row: usize| {
            self.columns
                .iter()
                .all(|column| column.cells[row].is_empty())
        };
        let blank: Vec<bool> = (0..self.lines.len()).map(is_blank).collect();
        let first = self.lines[blank.iter().position(|blank| *blank)?];
        fn keep<T>(items: &mut Vec<T>, blank: &[bool]) {
            let mut blank = blank.iter();
            items.retain(|_| blank.next() == Some(&false));
        }
        self.columns
            .iter_mut()
            .for_each(|column| keep(&mut column.cells, &blank));
        let all = self.lines.len();
        keep(&mut self.lines, &blank);
        Some(match all - self.lines.len() {
            1 => format!("1 row without a filled cell was left out, on line {first}"),
            more => format!(
                "{} without a filled cell were left out, the first on line {first}",
                counted(more, "row")
            ),
        })
    }
}

/// Opens a table as a data set.
pub(super) fn open(
    file: &Path,
    format: TableFormat,
    options: &SourceOptions,
) -> Result<Source, SourceError> {
    let mut rows = match format {
        TableFormat::Csv | TableFormat::Tsv => delimited::read(file, format)?,
        TableFormat::JsonLines => lines::read(file)?,
        TableFormat::Parquet => parquet::read(file)?,
    };
    let mut notes: Vec<String> = rows.drop_blank().into_iter().collect();
    if rows.lines.is_empty() {
        return Err(SourceError::NoRows {
            file: file.to_owned(),
        });
    }
    if !rows.unread.is_empty() {
        notes.push(format!(
            "columns that hold no text, numbers or lists of these were left out: {}",
            rows.unread.join(", ")
        ));
    }
    let named = rows.columns.len();
    rows.columns.retain(|column| !column.name.is_empty());
    match named - rows.columns.len() {
        0 => {}
        1 => notes.push("1 column without a name was left out".to_owned()),
        more => notes.push(format!("{more} columns without a name were left out")),
    }
    let Roles { image, split } = columns::roles(file, &rows, options)?;

    let table = Table {
        file,
        root: file.parent().unwrap_or(Path::new("")),
        lines: &rows.lines,
    };
    let samples = table.samples(
        &rows.columns[image],
        split.map(|split| &rows.columns[split]),
    )?;
    let layout = Layout::Table {
        file: file.to_owned(),
        image_column: rows.columns[image].name.clone(),
        split_column: split.map(|split| rows.columns[split].name.clone()),
    };
    let root = table.root.to_owned();
    let labels = rows.columns.into_iter().enumerate();
    let labels = labels
        .filter(|(index, _)| *index != image && Some(*index) != split)
        .map(|(_, column)| column);
    Ok(Source {
        root,
        layout,
        samples,
        labels: RawLabels::Table(labels.collect()),
        notes,
    })
}

/// Where rows come from, for paths and for errors.
struct Table<'a> {
    file: &'a Path,
    root: &'a Path,
    lines: &'a [u64],
}

impl Table<'_> {
    fn samples(
        &self,
        images: &Column,
        splits: Option<&Column>,
    ) -> Result<Vec<Sample>, SourceError> {
        let mut samples = Vec::with_capacity(self.lines.len());
        let mut missing = Vec::new();
        for (row, (cell, &line)) in images.cells.iter().zip(self.lines).enumerate() {
            if cell.is_empty() {
                return Err(SourceError::EmptyImageCell {
                    file: self.file.to_owned(),
                    line,
                    column: images.name.clone(),
                });
            }
            let path = self.image(cell);
            if !path.is_file() {
                missing.push(row);
            }
            let split = splits.map(|column| self.split(column, row, line));
            samples.push(Sample {
                path,
                split: split.transpose()?,
                line: Some(line),
            });
        }
        if let Some(&first) = missing.first() {
            return Err(self.missing(images, &samples, first, &missing));
        }
        self.refuse_repeats(images, &samples)?;
        Ok(samples)
    }

    /// The file that a cell means. Tables written on Windows have `\` between folders, which is
    /// read as `/` where no file is called so.
    fn image(&self, cell: &str) -> PathBuf {
        let path = self.root.join(cell);
        if !cell.contains('\\') || path.is_file() {
            return path;
        }
        let slashed = self.root.join(cell.replace('\\', "/"));
        if slashed.is_file() { slashed } else { path }
    }

    fn split(&self, column: &Column, row: usize, line: u64) -> Result<Split, SourceError> {
        let cell = &column.cells[row];
        Split::parse(cell).ok_or_else(|| SourceError::UnknownSplit {
            file: self.file.to_owned(),
            line,
            column: column.name.clone(),
            found: cell.clone(),
        })
    }

    fn missing(
        &self,
        images: &Column,
        samples: &[Sample],
        first: usize,
        missing: &[usize],
    ) -> SourceError {
        let cell = &images.cells[first];
        let hint = if cell.contains("://") {
            "download the images and write their paths in the table".to_owned()
        } else if Path::new(cell).extension().is_none() {
            format!(
                "write the whole file name with its ending, such as `{cell}.jpg`, relative to `{}`",
                folder(self.root)
            )
        } else {
            format!(
                "paths in column `{}` are relative to the table's folder `{}`; correct them, or \
                 remove the rows",
                images.name,
                folder(self.root)
            )
        };
        SourceError::MissingImages {
            file: self.file.to_owned(),
            line: self.lines[first],
            image: samples[first].path.clone(),
            missing: missing.iter().take(3).map(|&row| self.lines[row]).collect(),
            rows: missing.len(),
            hint,
        }
    }

    fn refuse_repeats(&self, images: &Column, samples: &[Sample]) -> Result<(), SourceError> {
        let mut seen: HashMap<Vec<Component>, u64> = HashMap::with_capacity(samples.len());
        for (row, (sample, &line)) in samples.iter().zip(self.lines).enumerate() {
            // `components` already drops the dots and doubled slashes of `./a//b.jpg`; a leading
            // dot of a relative table path is common to all.
            if let Some(first) = seen.insert(sample.path.components().collect(), line) {
                return Err(SourceError::ImageTwice {
                    file: self.file.to_owned(),
                    line,
                    image: images.cells[row].clone(),
                    first,
                });
            }
        }
        Ok(())
    }
}
