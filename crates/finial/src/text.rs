//! Text for a terminal: lines that stay lines, sentences that fit, numbers of a readable length.
//!
//! What the text says is decided in `printer` and in the commands.

use textwrap::core::display_width;
use textwrap::{Options, WordSeparator, WordSplitter};

/// Without control characters: a name with a line break in it stays on its line, and none can
/// drive the terminal.
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') {
            true => line.extend(letter.escape_default()),
            false => line.push(letter),
        }
    }
    line
}

/// Without control characters but for line breaks.
pub fn printable(text: &str) -> String {
    text.split('\n')
        .map(one_line)
        .collect::<Vec<_>>()
        .join("\n")
}

/// Broken between words to fit `width` columns; what goes on stands four columns further in.
/// Paths and hyphened words stay whole.
pub fn wrapped(text: &str, width: usize) -> String {
    let fill = |line: &str| {
        let margin = line.len() - line.trim_start_matches(' ').len();
        let further = " ".repeat(margin + 4);
        let options = Options::new(width)
            .subsequent_indent(&further)
            .break_words(false)
            .word_separator(WordSeparator::AsciiSpace)
            .word_splitter(WordSplitter::NoHyphenation);
        textwrap::fill(line, options)
    };
    text.split('\n').map(fill).collect::<Vec<_>>().join("\n")
}

/// The width of the terminal on standard output, 80 where there is none; never below 40, whatever the
/// terminal.
pub fn width() -> usize {
    let found = terminal_size::terminal_size();
    found.map_or(80, |(width, _)| usize::from(width.0)).max(40)
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy)]
pub enum Align {
    Left,
    Right,
}

/// Rows of cells as lines, each column as wide as its widest cell, two spaces between them.
pub fn columns(rows: &[Vec<String>], align: &[Align]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| display_width(cell)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..align.len()).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, align), width) in row.iter().zip(align).zip(&widths) {
            let gap = " ".repeat(width.saturating_sub(display_width(cell)));
            match align {
                Align::Left => line.extend([cell.as_str(), gap.as_str(), "  "]),
                Align::Right => line.extend([gap.as_str(), cell.as_str(), "  "]),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number with four significant digits, and never fewer than stand before the point.
pub fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 || !value.is_finite() {
        return value.abs().to_string();
    }
    if !(1e-4..1e9).contains(&size) {
        return format!("{value:.3e}");
    }
    // The exponent after rounding: 9.99996 is written 10.00, not 10.000.
    let exponent = format!("{size:.3e}")
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse::<i32>().ok())
        .unwrap_or(0);
    format!("{value:.*}", (3 - exponent).max(0) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_spelt_out() {
        assert_eq!(one_line("a\nb\tc\u{1b}[2J"), "a\\nb\\tc\\u{1b}[2J");
        assert_eq!(one_line("Äpfel 🍎"), "Äpfel 🍎");
        assert_eq!(printable("one\ntwo\r"), "one\ntwo\\r");
    }

    #[test]
    fn a_sentence_is_broken_between_words_and_indented() {
        let text = "  the labels are one of three names, so this is a multi-class task";
        assert_eq!(
            wrapped(text, 40),
            "  the labels are one of three names, so\n      this is a multi-class task"
        );
        assert_eq!(
            wrapped("\n\u{1b}[1mFish\u{1b}[0m  How many?", 20),
            "\n\u{1b}[1mFish\u{1b}[0m  How many?"
        );
        let path = "set aside: /a/very-long/path/that-no-line/can-hold/picture.jpg";
        assert!(wrapped(path, 30).contains("/a/very-long/path/that-no-line/can-hold/picture.jpg"));
    }

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |a: &str, b: &str| vec![a.to_owned(), b.to_owned()];
        let rows = [row("name", "n"), row("é", "10"), row("longer", "")];
        let table = columns(&rows, &[Align::Left, Align::Right]);
        assert_eq!(table, "name     n\né       10\nlonger\n");
    }

    #[test]
    fn a_number_keeps_four_digits_at_every_size() {
        assert_eq!(number(6.997_312), "6.997");
        assert_eq!(number(9.999_96), "10.00");
        assert_eq!(number(-0.012_345), "-0.01235");
        assert_eq!(number(123_456.7), "123457");
        assert_eq!(number(0.000_012_3), "1.230e-5");
        assert_eq!(number(-0.0), "0");
    }
}
