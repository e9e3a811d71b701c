//! What can be wrong with a data source, and the way out of each.

use std::io;
use std::path::{Path, PathBuf};

use super::words::{Cell, Others, counted};
use crate::file::in_words;

/// Why a data set could not be opened.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum SourceError {
    /// There is nothing at the path.
    #[error("expected a folder or a table at `{}`, found nothing", .path.display())]
    #[diagnostic(help(
        "check the path for a slip of the finger; a relative path starts at the current folder"
    ))]
    NotFound {
        /// The path.
        path: PathBuf,
    },
    /// The operating system would not let it be read.
    #[error("cannot read `{}`: {}", .path.display(), in_words(.source))]
    #[diagnostic(help("check that the file or folder may be read by you"))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file or folder name is not Unicode text.
    #[error("expected a name in UTF-8, found `{}`", .path.display())]
    #[diagnostic(help("rename it: class names are text"))]
    NameNotUtf8 {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder without anything in it.
    #[error("expected class folders or a table in `{}`, found an empty folder", .path.display())]
    #[diagnostic(help("put the images of each class in a folder named for it (`{}/cat/1.jpg`), or give a table with a row per image", .path.display()))]
    EmptyFolder {
        /// The folder.
        path: PathBuf,
    },
    /// A folder without images.
    #[error("expected images in `{}`, found none among {}", .path.display(), counted(*.files, "file"))]
    #[diagnostic(help("images end in {}", super::endings::READ.join(", ")))]
    NoImages {
        /// The folder.
        path: PathBuf,
        /// How many other files are in it.
        files: usize,
    },
    /// Images, but no folder that says what they show.
    #[error("expected a folder per class in `{}`, found {} outside of any class folder ({example})", .path.display(), counted(*.images, "image"))]
    #[diagnostic(help(
        "put the images of each class in a folder named for it (`cat/1.jpg`, or `train/cat/1.jpg`), or give a table with a row per image"
    ))]
    NoClassFolders {
        /// The folder.
        path: PathBuf,
        /// How many images are in it.
        images: usize,
        /// One of them.
        example: String,
    },
    /// Split folders and class folders side by side.
    #[error("expected split folders only beside `{split}` in `{}`, found `{others}`", .path.display())]
    #[diagnostic(help(
        "move the class folders into a split folder, or the others out of the data set"
    ))]
    MixedFolders {
        /// The data set's folder.
        path: PathBuf,
        /// A split folder.
        split: String,
        /// The folders that hold images and are no split, joined.
        others: String,
    },
    /// A class that cannot be learnt, as no training image shows it.
    #[error("expected every class of `{split}` in `{train}` too, found `{classes}` in `{split}` only ({})", .path.display())]
    #[diagnostic(help(
        "add such images to `{train}`, remove them from `{split}`, or correct the spelling; classes of `{train}`: {known}"
    ))]
    ClassNotInTrain {
        /// The data set's folder.
        path: PathBuf,
        /// The split folder that has the class.
        split: String,
        /// The training folder.
        train: String,
        /// The classes, joined.
        classes: String,
        /// The first classes that the training folder does have.
        known: String,
    },
    /// Several tables, and nothing says which.
    #[error("expected one table in `{}`, found several: {tables}", .folder.display())]
    #[diagnostic(help("give the path of the table you mean"))]
    SeveralTables {
        /// The folder.
        folder: PathBuf,
        /// Their names.
        tables: String,
    },
    /// A table and class folders, and nothing says which.
    #[error("expected a table or class folders in `{}`, found both: {tables} and the folders `{classes}`", .folder.display())]
    #[diagnostic(help(
        "to use a table, give its path; to use the class folders, move the table elsewhere"
    ))]
    TableOrFolders {
        /// The folder.
        folder: PathBuf,
        /// The tables' names.
        tables: String,
        /// The first class folders.
        classes: String,
    },
    /// Columns are named, but there is no table.
    #[error("expected a table with the column `{column}`, found {} with class folders", .path.display())]
    #[diagnostic(help(
        "class folders have no columns: leave the column names out, or give the path of a table"
    ))]
    ColumnsOfFolders {
        /// The folder.
        path: PathBuf,
        /// The first column that was named.
        column: String,
    },
    /// A file that is no table we read.
    #[error("expected a table ending in .csv, .tsv, .jsonl, .ndjson or .parquet, found `{}`", .path.display())]
    #[diagnostic(help(
        "save the table as CSV; a set of images is given by its folder, not by one of its files"
    ))]
    UnknownTable {
        /// The file.
        path: PathBuf,
    },
    /// Text in another encoding.
    #[error("{}:{line}: expected text in UTF-8, found other bytes", .file.display())]
    #[diagnostic(help("save the table again with the encoding UTF-8"))]
    NotUtf8 {
        /// The table.
        file: PathBuf,
        /// The line.
        line: u64,
    },
    /// A row that is longer or shorter than the heading.
    #[error("{}:{line}: expected {} as in the heading, found {found}", .file.display(), counted(*.expected, "cell"))]
    #[diagnostic(help(
        "put cells that hold the delimiter in double quotes, and check that every quote is closed"
    ))]
    Ragged {
        /// The table.
        file: PathBuf,
        /// The line.
        line: u64,
        /// Columns of the heading.
        expected: usize,
        /// Cells of the row.
        found: usize,
    },
    /// A line that is not a JSON object.
    #[error("{}:{line}: expected one JSON object, found {reason}", .file.display())]
    #[diagnostic(help(
        "JSON Lines has one object a line, such as {{\"image\": \"1.jpg\", \"label\": \"cat\"}}"
    ))]
    Json {
        /// The table.
        file: PathBuf,
        /// The line.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A JSON object that says two things under one key.
    #[error("{}:{line}: expected each key once, found `{key}` twice", .file.display())]
    #[diagnostic(help("keep one of them; several labels of one image are a list"))]
    KeyTwice {
        /// The table.
        file: PathBuf,
        /// The line.
        line: u64,
        /// The key, without spaces around it.
        key: String,
    },
    /// A cell that is no label.
    #[error("{}:{line}: expected text, a number, true, false or a list of these in `{column}`, found {found}", .file.display())]
    #[diagnostic(help("write several labels of one image as a list of texts without `|`"))]
    Cell {
        /// The table.
        file: PathBuf,
        /// The line or row.
        line: u64,
        /// The column.
        column: String,
        /// What it holds.
        found: String,
    },
    /// A Parquet file that the reader cannot make sense of.
    #[error("{}: expected a readable Parquet file, found one that is not: {reason}", .file.display())]
    #[diagnostic(help(
        "write the file again, compressed with snappy, gzip, zstd or lz4 if at all, or save the table as CSV"
    ))]
    Parquet {
        /// The table.
        file: PathBuf,
        /// What the reader says.
        reason: String,
    },
    /// A table without rows.
    #[error("{}: expected a row per image, found none", .file.display())]
    #[diagnostic(help("the first line names the columns, each further line is one image"))]
    NoRows {
        /// The table.
        file: PathBuf,
    },
    /// A table whose first line is a row already.
    #[error("{}:1: expected the names of the columns, found the image path `{cell}`", .file.display())]
    #[diagnostic(help("add a first line such as `image,label`"))]
    NoHeading {
        /// The table.
        file: PathBuf,
        /// The cell that gives it away.
        cell: String,
    },
    /// Two columns of one name.
    #[error("{}: expected each column once, found `{column}` twice", .file.display())]
    #[diagnostic(help("rename or remove one of them"))]
    ColumnTwice {
        /// The table.
        file: PathBuf,
        /// The name.
        column: String,
    },
    /// No column holds image paths.
    #[error("{}: expected a column of image paths, found the columns {columns}", .file.display())]
    #[diagnostic(help(
        "name it with --image-column NAME, or call it `image`; its cells are paths relative to the table's folder{hint}"
    ))]
    NoImageColumn {
        /// The table.
        file: PathBuf,
        /// Its columns.
        columns: String,
        /// More to know, or nothing.
        hint: String,
    },
    /// Several columns hold image paths.
    #[error("{}: expected one column of image paths, found {columns}", .file.display())]
    #[diagnostic(help("say which one with --image-column NAME"))]
    SeveralImageColumns {
        /// The table.
        file: PathBuf,
        /// The columns.
        columns: String,
    },
    /// A column that was asked for is not there.
    #[error("{}: expected a column `{column}`, found the columns {columns}", .file.display())]
    #[diagnostic(help("{hint}"))]
    UnknownColumn {
        /// The table.
        file: PathBuf,
        /// The column asked for.
        column: String,
        /// The columns that are there.
        columns: String,
        /// The near names.
        hint: String,
    },
    /// A column that was asked for as a label has another part to play.
    #[error("{}: expected labels in column `{column}`, found the {role}", .file.display())]
    #[diagnostic(help("name another label column"))]
    ColumnInUse {
        /// The table.
        file: PathBuf,
        /// The column.
        column: String,
        /// What it holds.
        role: &'static str,
    },
    /// A split that is none of the three.
    #[error("{}:{line}: expected train, validation or test in column `{column}`, found {}", .file.display(), Cell(.found))]
    #[diagnostic(help(
        "correct the cell; to have the images split for you, remove or rename the column"
    ))]
    UnknownSplit {
        /// The table.
        file: PathBuf,
        /// The line or row.
        line: u64,
        /// The split column.
        column: String,
        /// The cell.
        found: String,
    },
    /// A row without an image path.
    #[error("{}:{line}: expected an image path in column `{column}`, found an empty cell", .file.display())]
    #[diagnostic(help("fill the cell, or remove the row"))]
    EmptyImageCell {
        /// The table.
        file: PathBuf,
        /// The line or row.
        line: u64,
        /// The image column.
        column: String,
    },
    /// Images that are not where the table says.
    #[error("{}:{line}: expected an image at `{}`, found nothing{}", .file.display(), .image.display(), Others(.missing, .rows))]
    #[diagnostic(help("{hint}"))]
    MissingImages {
        /// The table.
        file: PathBuf,
        /// The line or row of the first one.
        line: u64,
        /// The first one.
        image: PathBuf,
        /// The lines of the first three.
        missing: Vec<u64>,
        /// How many there are.
        rows: usize,
        /// The way out.
        hint: String,
    },
    /// Two rows for one image.
    #[error("{}:{line}: image `{image}` is already listed on line {first}", .file.display())]
    #[diagnostic(help("keep one row per image; several labels go in one cell as `cat|dog`"))]
    ImageTwice {
        /// The table.
        file: PathBuf,
        /// The line or row of the second one.
        line: u64,
        /// The image as the table has it.
        image: String,
        /// The line or row of the first one.
        first: u64,
    },
}

impl SourceError {
    /// The error for a file or folder that could not be read.
    pub(super) fn reading(path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => SourceError::NotFound {
                path: path.to_owned(),
            },
            _ => SourceError::Io {
                path: path.to_owned(),
                source,
            },
        }
    }
}
