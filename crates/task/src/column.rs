//! What a column of labels looks like: the facts from which its task is inferred.

use std::collections::BTreeSet;

use crate::labels::{Column, counts, flag, number, separated};

/// Separators of several names in one cell, the surest first.
const SEPARATORS: [char; 3] = ['|', ';', ','];

/// The facts about one column.
#[derive(Clone, Debug)]
pub(crate) struct Profile<'a> {
    pub name: &'a str,
    pub rows: usize,
    pub empty: usize,
    /// Distinct cells, the empty one left out, sorted: by value if all are numbers.
    pub distinct: Vec<&'a str>,
    /// Cells that are finite numbers.
    pub numeric: usize,
    /// Whether every number is whole.
    pub whole: bool,
    /// The first cell that is neither empty nor a finite number.
    pub first_text: Option<(usize, &'a str)>,
    /// The separator, if cells hold several names.
    pub separator: Option<char>,
}

/// The task that a column taken alone calls for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Nothing in it, or always the same.
    Constant,
    /// Two names.
    TwoNames,
    /// Three or more names.
    Names,
    /// Several names in one cell.
    SeparatedNames,
    /// Numbers with decimals, or many whole ones.
    Numbers,
    /// A few whole numbers that could be names as well: taken as names.
    WholeNumbersAsNames,
    /// A few whole numbers that could be names as well: taken as numbers.
    WholeNumbersAsNumbers,
    /// Almost as many names as rows.
    Identifier,
}

impl<'a> Profile<'a> {
    pub fn of(column: &'a Column) -> Self {
        let filled = || column.cells.iter().filter(|cell| !cell.is_empty());
        let mut numeric = 0;
        let mut whole = true;
        let mut first_text = None;
        for (row, cell) in column.cells.iter().enumerate() {
            if cell.is_empty() {
                continue;
            }
            match number(cell) {
                Some(value) => {
                    numeric += 1;
                    whole &= value.fract() == 0.0;
                }
                None if first_text.is_none() => first_text = Some((row, cell.as_str())),
                None => {}
            }
        }
        let distinct: BTreeSet<&str> = filled().map(String::as_str).collect();
        let mut distinct: Vec<&str> = distinct.into_iter().collect();
        sort_names(&mut distinct);
        let separator = if numeric == filled().count() {
            None
        } else {
            SEPARATORS
                .into_iter()
                .find(|&separator| is_separated_by(column, &distinct, separator))
        };
        Profile {
            name: &column.name,
            rows: column.cells.len(),
            empty: column.cells.len() - filled().count(),
            distinct,
            numeric,
            whole,
            first_text,
            separator,
        }
    }

    /// Whether every cell is 0 or 1, written in one of the usual ways.
    pub fn is_flag(&self) -> bool {
        self.empty == 0
            && !self.distinct.is_empty()
            && self.distinct.iter().all(|cell| flag(cell).is_some())
    }

    /// Whether the column holds numbers, apart from a few cells that look like mistakes.
    pub fn is_mostly_numbers(&self) -> bool {
        let filled = self.rows - self.empty;
        self.numeric > 0 && self.numeric * 10 >= filled * 9
    }

    pub fn reading(&self) -> Reading {
        if self.separator.is_some() {
            return Reading::SeparatedNames;
        }
        if self.is_mostly_numbers() && self.distinct.len() > 2 {
            return self.reading_of_numbers();
        }
        match self.distinct.len() {
            0 | 1 => Reading::Constant,
            2 => Reading::TwoNames,
            n if n > 20 && n * 2 > self.rows => Reading::Identifier,
            _ => Reading::Names,
        }
    }

    /// Decimals are numbers. Whole numbers are names if they count through from 0 or 1 without
    /// a gap, are few, and the heading does not speak of an amount.
    fn reading_of_numbers(&self) -> Reading {
        const FEW: usize = 20;
        if !self.whole || self.distinct.len() > FEW {
            return Reading::Numbers;
        }
        let values: BTreeSet<i64> = self
            .distinct
            .iter()
            .filter_map(|cell| number(cell))
            .map(|value| value as i64)
            .collect();
        let (Some(&first), Some(&last)) = (values.first(), values.last()) else {
            return Reading::Numbers;
        };
        let counts_through =
            (0..=1).contains(&first) && (last - first + 1) as usize == values.len();
        if counts_through && !speaks_of_an_amount(self.name) {
            Reading::WholeNumbersAsNames
        } else {
            Reading::WholeNumbersAsNumbers
        }
    }
}

/// Names in alphabetical order; in order of value where all are numbers.
pub(crate) fn sort_names(names: &mut [&str]) {
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|a, b| {
            let (a, b) = (number(a).unwrap_or(0.0), number(b).unwrap_or(0.0));
            a.total_cmp(&b)
        });
    } else {
        names.sort_unstable();
    }
}

/// Headings that announce a quantity.
fn speaks_of_an_amount(heading: &str) -> bool {
    const WORDS: [&str; 16] = [
        "count", "number", "num", "amount", "age", "price", "score", "rating", "year", "years",
        "quantity", "total", "size", "length", "weight", "n",
    ];
    heading
        .to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .any(|word| WORDS.contains(&word))
}

/// `|` and `;` separate names wherever they occur; a comma only where the parts recur so often
/// that the cells are combinations of a smaller vocabulary ("Bern, Switzerland" is one name).
fn is_separated_by(column: &Column, distinct: &[&str], separator: char) -> bool {
    let occurs = distinct.iter().any(|cell| cell.contains(separator));
    if !occurs || separator != ',' {
        return occurs;
    }
    let cells = column.cells.iter().map(String::as_str);
    let parts = counts(cells.flat_map(|cell| separated(cell, ',')));
    parts.len() < distinct.len() && parts.values().all(|&count| count >= 2)
}
