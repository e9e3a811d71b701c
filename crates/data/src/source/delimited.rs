//! CSV and TSV: a heading line, then a line per image.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use finial_task::Column;

use super::SourceError;
use super::table::{Rows, TableFormat};

/// Reads the whole table; cells are trimmed and empty lines skipped. A line of nothing but spaces
/// or delimiters is a row of empty cells, however many it has.
pub(super) fn read(file: &Path, format: TableFormat) -> Result<Rows, SourceError> {
    let failed = |error| SourceError::reading(file, error);
    let mut input = BufReader::new(File::open(file).map_err(failed)?);
    let delimiter = match format {
        TableFormat::Tsv => b'\t',
        _ => sniff(input.fill_buf().map_err(failed)?),
    };
    let mut reader = ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(NormalLines::new(input));

    let mut rows = Rows::default();
    let mut record = ByteRecord::new();
    while reader
        .read_byte_record(&mut record)
        .map_err(|error| failed(error.into()))?
    {
        let line = first_line(&record, reader.position().line());
        let mut cells = cells(&record).ok_or_else(|| SourceError::NotUtf8 {
            file: file.to_owned(),
            line,
        })?;
        let is_blank = cells.iter().all(String::is_empty);
        if rows.columns.is_empty() {
            if is_blank {
                continue;
            }
            let columns = cells.into_iter().map(|name| Column {
                name,
                cells: Vec::new(),
            });
            rows.columns = columns.collect();
            continue;
        }
        if is_blank {
            cells.resize(rows.columns.len(), String::new());
        }
        if cells.len() != rows.columns.len() {
            return Err(SourceError::Ragged {
                file: file.to_owned(),
                line,
                expected: rows.columns.len(),
                found: cells.len(),
            });
        }
        for (column, cell) in rows.columns.iter_mut().zip(cells) {
            column.cells.push(cell);
        }
        rows.lines.push(line);
    }
    Ok(rows)
}

/// The delimiter of a `.csv`: whichever of comma, semicolon and tab the heading has most of, the
/// comma at a tie.
fn sniff(start: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for &byte in start {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            _ => counts
                .iter_mut()
                .filter(|(delimiter, _)| *delimiter == byte)
                .for_each(|(_, count)| *count += 1),
        }
    }
    let mut best = counts[0];
    for candidate in counts {
        if candidate.1 > best.1 {
            best = candidate;
        }
    }
    best.0
}

/// The line on which a record starts, given the line on which the reader stands after it. The
/// record's own position will not do: it is that of the blank lines skipped before it.
fn first_line(record: &ByteRecord, line_after: u64) -> u64 {
    let inside = |cell: &[u8]| cell.iter().filter(|byte| **byte == b'\n').count() as u64;
    let inside: u64 = record.iter().map(inside).sum();
    // A quote that is never closed takes the last line end into its cell.
    let unclosed = record
        .iter()
        .next_back()
        .is_some_and(|cell| cell.ends_with(b"\n"));
    (line_after + u64::from(unclosed))
        .saturating_sub(1 + inside)
        .max(1)
}

/// The trimmed cells, or `None` if one is not UTF-8.
fn cells(record: &ByteRecord) -> Option<Vec<String>> {
    let cell = |bytes| Some(std::str::from_utf8(bytes).ok()?.trim().to_owned());
    record.iter().map(cell).collect()
}

/// Text with every line ended by `\n` alone, the last one too, so that lines can be counted.
struct NormalLines<R> {
    input: R,
    last: u8,
}

impl<R: BufRead> NormalLines<R> {
    fn new(input: R) -> Self {
        NormalLines { input, last: b'\n' }
    }
}

impl<R: BufRead> Read for NormalLines<R> {
    fn read(&mut self, output: &mut [u8]) -> io::Result<usize> {
        let (mut read, mut written) = (0, 0);
        // A buffer may hold nothing but the `\n` of a `\r\n`; no bytes would mean the end.
        while written == 0 && !output.is_empty() {
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                let unended = self.last != b'\n' && self.last != b'\r';
                if unended {
                    output[0] = b'\n';
                    self.last = b'\n';
                }
                return Ok(usize::from(unended));
            }
            for &byte in input {
                if written == output.len() {
                    break;
                }
                if byte != b'\n' || self.last != b'\r' {
                    output[written] = if byte == b'\r' { b'\n' } else { byte };
                    written += 1;
                }
                self.last = byte;
                read += 1;
            }
            self.input.consume(read);
            read = 0;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(text: &str, buffer: usize) -> String {
        let mut output = String::new();
        let input = BufReader::with_capacity(buffer, text.as_bytes());
        NormalLines::new(input).read_to_string(&mut output).unwrap();
        output
    }

    #[test]
    fn every_kind_of_line_end_becomes_a_newline() {
        for buffer in [1, 2, 3, 64] {
            assert_eq!(normal("a\r\nb\rc\n\r\n\r\rd", buffer), "a\nb\nc\n\n\n\nd\n");
            assert_eq!(normal("", buffer), "");
            assert_eq!(normal("a\r", buffer), "a\n");
        }
    }

    #[test]
    fn the_delimiter_is_the_most_frequent_outside_of_quotes() {
        assert_eq!(sniff(b"image,label\na;b;c;d"), b',');
        assert_eq!(sniff(b"image;label,with comma;x"), b';');
        assert_eq!(sniff(b"\"a;b;c\",d"), b',');
        assert_eq!(sniff(b"image\tlabel"), b'\t');
        assert_eq!(sniff(b"image"), b',');
    }
}
