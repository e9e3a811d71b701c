//! Sources: programs and notebooks, where they lie, and the way from an offset to a line.
//!
//! - [`folder`]: which files are looked at. [`notebook`]: cells, joined into one program.
//! - [`suppress`]: `# finial: ignore[CODE]`. [`settings`]: `[tool.finial]` of a project.

pub(crate) mod folder;
mod notebook;
pub(crate) mod settings;
pub(crate) mod suppress;

use std::path::{Path, PathBuf};

use ruff_python_ast::ModModule;
use ruff_python_parser::{Mode, ParseOptions, Parsed, parse_cells_unchecked, parse_unchecked};
use ruff_text_size::{TextRange, TextSize};

/// Larger files are not programs that a person wrote.
const LARGEST: u64 = 16 << 20;

/// A place in a source. Lines and columns count from 1; a column is a character.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The cell of a notebook, counted from 1 over all its cells.
    pub cell: Option<usize>,
    /// The line, in its cell for a notebook.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A program, or the cells of a notebook one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub path: PathBuf,
    pub text: String,
    /// Where each code cell begins in the text. Empty for a program.
    cells: Vec<Cell>,
    lines: Vec<usize>,
}

/// A code cell of a notebook.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    /// Counted from 1 over all cells, text ones too.
    pub number: usize,
    pub start: usize,
    pub end: usize,
}

impl Source {
    /// Reads a file. The error is in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let size = std::fs::metadata(path)
            .map_err(|error| error.to_string())?
            .len();
        if size > LARGEST {
            return Err(format!(
                "expected a program of at most {} MiB, found {} bytes",
                LARGEST >> 20,
                size
            ));
        }
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        Self::from_bytes(path, &bytes)
    }

    /// The content of a file, by its name's ending.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self, String> {
        let notebook = path.extension().is_some_and(|ending| ending == "ipynb");
        let (text, cells) = if notebook {
            notebook::cells(bytes)?
        } else {
            // Old programs are often in Latin 1; what they say about layers is ASCII.
            let text = String::from_utf8_lossy(bytes);
            (text.trim_start_matches('\u{feff}').to_owned(), Vec::new())
        };
        let lines = std::iter::once(0)
            .chain(
                text.bytes()
                    .enumerate()
                    .filter(|(_, byte)| *byte == b'\n')
                    .map(|(at, _)| at + 1),
            )
            .collect();
        Ok(Self {
            path: path.to_owned(),
            text,
            cells,
            lines,
        })
    }

    /// Whether it is a notebook.
    pub fn is_notebook(&self) -> bool {
        !self.cells.is_empty()
    }

    /// The syntax tree: what can be parsed, with the errors beside it.
    pub fn parse(&self) -> Option<Parsed<ModModule>> {
        let size = |at: usize| u32::try_from(at).ok().map(TextSize::new);
        if self.cells.is_empty() {
            return parse_unchecked(&self.text, ParseOptions::from(Mode::Module)).try_into_module();
        }
        let ranges: Option<Vec<_>> = self
            .cells
            .iter()
            .map(|cell| Some(TextRange::new(size(cell.start)?, size(cell.end)?)))
            .collect();
        Some(parse_cells_unchecked(
            &self.text,
            ranges?,
            &ParseOptions::from(Mode::Ipython),
        ))
    }

    /// The line and column of an offset.
    pub fn position(&self, offset: TextSize) -> Position {
        let offset = offset.to_usize().min(self.text.len());
        let line = self.line_of(offset);
        let start = self.lines.get(line).copied().unwrap_or(0);
        let column = self
            .text
            .get(start..offset)
            .map_or(0, |before| before.chars().count())
            + 1;
        let cell = self.cells.iter().rev().find(|cell| cell.start <= offset);
        let first = cell.map_or(0, |cell| self.line_of(cell.start));
        Position {
            cell: cell.map(|cell| cell.number),
            line: line - first + 1,
            column,
        }
    }

    /// The cell that an offset lies in; the whole text of a program.
    pub fn cell_of(&self, offset: TextSize) -> Cell {
        let cell = self
            .cells
            .iter()
            .rev()
            .find(|cell| cell.start <= offset.to_usize());
        cell.copied().unwrap_or(Cell {
            number: 0,
            start: 0,
            end: self.text.len(),
        })
    }

    /// The number of a line in the whole text, from 0.
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }
}
