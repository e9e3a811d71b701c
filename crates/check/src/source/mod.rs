//! Sources: programs and notebooks, where they lie, and the way from an offset to a line.
//!
//! - [`folder`]: which files are looked at. [`notebook`]: cells, joined into one program.
//! - [`suppress`]: `# finial: ignore[CODE]`. [`settings`]: `[tool.finial]` of a project.

pub(crate) mod folder;
mod notebook;
pub(crate) mod settings;
pub(crate) mod suppress;

use std::path::{Path, PathBuf};

use crate::model::{self, Listing};

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
    kind: Kind,
    lines: Vec<usize>,
}

/// What the text is of.
#[derive(Clone, Debug)]
enum Kind {
    Program,
    /// The file itself, and where each code cell begins in the text.
    Notebook {
        json: String,
        cells: Vec<Cell>,
    },
    /// The text is a listing of it.
    Model(Listing),
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
        if model::is_model(path) {
            return Ok(Self::of_model(path, model::read(path)?));
        }
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
        if path.extension().is_some_and(|ending| ending == "json") {
            return Ok(Self::of_model(path, model::from_json(bytes)?));
        }
        let notebook = path.extension().is_some_and(|ending| ending == "ipynb");
        if notebook {
            let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
            let json = str::from_utf8(bytes)
                .map_err(|error| format!("expected a notebook in JSON: {error}"))?;
            let (text, cells) = notebook::cells(json)?;
            let json = json.to_owned();
            return Ok(Self::new(path, text, Kind::Notebook { json, cells }));
        }
        if bytes.contains(&0) {
            return Err("expected a program, found bytes that are no text".to_owned());
        }
        // Old programs are often in Latin 1; what they say about layers is ASCII.
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_start_matches('\u{feff}').to_owned();
        Ok(Self::new(path, text, Kind::Program))
    }

    fn of_model(path: &Path, model: Listing) -> Self {
        Self::new(path, model.text.clone(), Kind::Model(model))
    }

    fn new(path: &Path, text: String, kind: Kind) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            path: path.to_owned(),
            lines: lines.collect(),
            text,
            kind,
        }
    }

    /// The model, if it is one.
    pub fn model(&self) -> Option<&Listing> {
        match &self.kind {
            Kind::Model(model) => Some(model),
            _ => None,
        }
    }

    /// The layer of a model that an offset is about.
    pub fn layer(&self, offset: TextSize) -> Option<&str> {
        self.model()?.layer(self.line_of(offset.to_usize()))
    }

    /// What is in the file, as far as it is text; the listing of a model.
    pub fn content(&self) -> &str {
        match &self.kind {
            Kind::Notebook { json, .. } => json,
            _ => &self.text,
        }
    }

    /// The content with some ranges of the text replaced; `None` if they overlap, or a cell does
    /// not hold one.
    pub fn edited(&self, edits: &[(TextRange, &str)]) -> Option<String> {
        let Kind::Notebook { json, cells } = &self.kind else {
            return replaced(&self.text, edits);
        };
        let mut sources = Vec::new();
        for cell in cells {
            let inside = |at: &TextRange| {
                let (start, end) = (at.start().to_usize(), at.end().to_usize());
                (cell.start <= start && end <= cell.end).then_some(())?;
                let from = TextSize::try_from(start - cell.start).ok()?;
                Some(TextRange::at(from, at.len()))
            };
            let own: Vec<_> = edits
                .iter()
                .filter_map(|(at, text)| Some((inside(at)?, *text)))
                .collect();
            if !own.is_empty() {
                sources.push((cell.number, own));
            }
        }
        let held: usize = sources.iter().map(|(_, own)| own.len()).sum();
        (held == edits.len()).then_some(())?;
        notebook::edited(json, &sources)
    }

    fn cells(&self) -> &[Cell] {
        match &self.kind {
            Kind::Notebook { cells, .. } => cells,
            _ => &[],
        }
    }

    /// The syntax tree: what can be parsed, with the errors beside it.
    pub fn parse(&self) -> Option<Parsed<ModModule>> {
        let size = |at: usize| u32::try_from(at).ok().map(TextSize::new);
        if self.cells().is_empty() {
            return parse_unchecked(&self.text, ParseOptions::from(Mode::Module)).try_into_module();
        }
        let ranges: Option<Vec<_>> = self
            .cells()
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
        let cell = self.cells().iter().rev().find(|cell| cell.start <= offset);
        let first = cell.map_or(0, |cell| self.line_of(cell.start));
        Position {
            cell: cell.map(|cell| cell.number),
            line: line - first + 1,
            column,
        }
    }

    /// The line of the file itself that a place stands in; `None` for a model.
    pub fn file_line(&self, position: Position) -> Option<usize> {
        match (&self.kind, position.cell) {
            (Kind::Program, _) => Some(position.line),
            (Kind::Notebook { json, .. }, Some(cell)) => {
                notebook::file_line(json, cell, position.line)
            }
            _ => None,
        }
    }

    /// The cell that an offset lies in; the whole text of a program.
    pub fn cell_of(&self, offset: TextSize) -> Cell {
        let cell = self
            .cells()
            .iter()
            .rev()
            .find(|cell| cell.start <= offset.to_usize());
        cell.copied().unwrap_or(Cell {
            number: 0,
            start: 0,
            end: self.text.len(),
        })
    }

    /// The line that an offset lies in.
    pub fn line(&self, offset: TextSize) -> &str {
        let number = self.line_of(offset.to_usize());
        let start = self.lines.get(number).copied().unwrap_or(0);
        let rest = self.text.get(start..).unwrap_or_default();
        rest.lines().next().unwrap_or_default()
    }

    /// The number of a line in the whole text, from 0.
    pub fn line_of(&self, offset: usize) -> usize {
        self.lines
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }
}

/// The text with some ranges replaced; `None` if they overlap.
fn replaced(text: &str, edits: &[(TextRange, &str)]) -> Option<String> {
    let mut edits = edits.to_vec();
    edits.sort_by_key(|(at, _)| at.start());
    let mut result = String::new();
    let mut from = 0;
    for (at, new) in edits {
        result.push_str(text.get(from..at.start().to_usize())?);
        result.push_str(new);
        from = at.end().to_usize();
    }
    result.push_str(text.get(from..)?);
    Some(result)
}
