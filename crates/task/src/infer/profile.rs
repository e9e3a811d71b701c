//! What a column of labels looks like: the facts from which its task is inferred.

use std::collections::{BTreeMap, BTreeSet};

use super::headings::{speaks_of_a_class, speaks_of_an_amount, speaks_of_an_identifier};
use crate::cells::{
    SEPARATORS, flag, is_code, list, means_missing, number, plainly, separated, value_of_name,
};
use crate::labels::{Column, counts};

/// The facts about one column.
#[derive(Clone, Debug)]
pub(crate) struct Profile<'a> {
    pub name: &'a str,
    pub rows: usize,
    pub empty: usize,
    /// Distinct cells, the empty one left out, sorted: by value if all are numbers, which then
    /// stand here once however they are written.
    pub distinct: Vec<&'a str>,
    /// Numbers that are written in two ways: the spelling kept, and another.
    pub spellings: Vec<(&'a str, &'a str)>,
    /// Cells that are finite numbers.
    pub numeric: usize,
    /// Whether every number is whole.
    pub whole: bool,
    /// The first cell that is neither empty nor a finite number.
    pub first_text: Option<(usize, &'a str)>,
    /// How many names a cell holds, and how they are written.
    pub form: Form,
    /// The first cell with a number in another notation, if most cells hold numbers: its row,
    /// the cell, and how to write it.
    pub other_notation: Option<(usize, &'a str, String)>,
    /// Cells that are 0 or 1, written in one of the usual ways.
    flags: usize,
    /// Cells that say that a value is missing.
    missing: usize,
    /// Whether digits are codes, such as `007`.
    codes: bool,
}

/// How many names a cell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// One.
    Single,
    /// Several, with this between them.
    Separated(char),
    /// Several, as a list in brackets.
    Lists,
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
    SeveralNames,
    /// Several numbers in one cell.
    SeveralNumbers,
    /// Numbers with decimals, or many whole ones.
    Numbers,
    /// Numbers with units, decimal commas and the like.
    OtherNotation,
    /// 0 and 1, and a few cells that are neither.
    AlmostFlags,
    /// Whole numbers that the heading calls names.
    WholeNumbersNamedByHeading,
    /// A few whole numbers that could be names as well: taken as names.
    WholeNumbersAsNames,
    /// A few whole numbers that could be names as well: taken as numbers.
    WholeNumbersAsNumbers,
    /// Almost as many names as rows.
    Identifier,
}

/// So many different whole numbers can still be names without a heading that says so.
const FEW: usize = 20;

impl<'a> Profile<'a> {
    pub fn of(column: &'a Column) -> Self {
        let cells = &column.cells;
        let counts = counts(cells.iter().map(String::as_str).filter(|c| !c.is_empty()));
        let total = |is: &dyn Fn(&str) -> bool| -> usize {
            let fitting = counts.iter().filter(|(cell, _)| is(cell));
            fitting.map(|(_, count)| count).sum()
        };
        let first = |is: &dyn Fn(&str) -> bool| {
            let mut cells = cells.iter().map(String::as_str).enumerate();
            cells.find(|(_, cell)| !cell.is_empty() && is(cell))
        };
        let numeric = total(&|cell| number(cell).is_some());
        let missing = total(&means_missing);
        let filled: usize = counts.values().sum();
        let codes = counts.keys().any(|cell| is_code(cell));
        let form = form(column, &counts, filled, numeric);

        let elsewhere = total(&|cell| plainly(cell).is_some());
        let most = (numeric + elsewhere) * 4 >= (filled - missing) * 3;
        let other_notation = first(&|cell| plainly(cell).is_some())
            .filter(|_| most && !counts.keys().any(|cell| is_list_of_digits(cell)))
            .and_then(|(row, cell)| Some((row, cell, plainly(cell)?)));

        let mut distinct: Vec<&str> = counts.keys().copied().collect();
        sort_names(&mut distinct);
        let spellings = match codes {
            true => Vec::new(),
            false => unify_spellings(&mut distinct),
        };
        Profile {
            name: &column.name,
            rows: cells.len(),
            empty: cells.len() - filled,
            distinct,
            spellings,
            numeric,
            whole: counts
                .keys()
                .filter_map(|cell| number(cell))
                .all(|value| value.fract() == 0.0),
            first_text: first(&|cell| number(cell).is_none()),
            form,
            other_notation,
            flags: total(&|cell| flag(cell).is_some()),
            missing,
            codes,
        }
    }

    /// Whether every cell is 0 or 1, written in one of the usual ways.
    pub fn is_flag(&self) -> bool {
        self.rows > 0 && self.flags == self.rows
    }

    /// Whether the column holds 0 and 1, apart from a few cells that look like mistakes.
    pub fn is_mostly_flags(&self) -> bool {
        let strays = self.rows - self.flags;
        self.flags >= 2 * strays && self.flags > 0 && strays * 10 <= self.rows.max(10)
    }

    /// Whether the column holds numbers, apart from a few cells that look like mistakes.
    pub fn is_mostly_numbers(&self) -> bool {
        let known = self.rows - self.empty - self.missing.min(self.rows - self.empty);
        self.numeric > 0 && self.numeric * 10 >= known * 9
    }

    /// Whether no cell can be a label: it only tells rows apart.
    pub fn is_named_identifier(&self) -> bool {
        let rows = self.rows - self.empty;
        speaks_of_an_identifier(self.name)
            && rows > 2
            && self.distinct.len() == rows
            && !(speaks_of_a_class(self.name) && rows <= FEW)
    }

    pub fn reading(&self) -> Reading {
        if self.other_notation.is_some() {
            return Reading::OtherNotation;
        }
        if self.form != Form::Single {
            return match self.holds_several_numbers() {
                true => Reading::SeveralNumbers,
                false => Reading::SeveralNames,
            };
        }
        if self.distinct.len() < 2 {
            return Reading::Constant;
        }
        if self.is_named_identifier() {
            return Reading::Identifier;
        }
        let codes = self.codes && !speaks_of_an_amount(self.name);
        if !codes && self.is_mostly_numbers() && self.distinct.len() > 2 {
            return self.reading_of_numbers();
        }
        match self.distinct.len() {
            2 => Reading::TwoNames,
            n if n > FEW && n * 2 > self.rows => Reading::Identifier,
            _ => Reading::Names,
        }
    }

    /// Decimals are numbers. Whole numbers are names if the heading says so and they recur, or
    /// if they count through from 0 or 1 without a gap, are few, and the heading does not speak
    /// of an amount.
    fn reading_of_numbers(&self) -> Reading {
        if !self.whole {
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
        if self.first_text.is_some() && values.iter().all(|value| (0..=1).contains(value)) {
            return Reading::AlmostFlags;
        }
        let recur = self.distinct.len() <= FEW || self.distinct.len() * 2 <= self.rows;
        if speaks_of_a_class(self.name) && recur {
            return Reading::WholeNumbersNamedByHeading;
        }
        if self.distinct.len() > FEW {
            return Reading::Numbers;
        }
        let counts_through = (0..=1).contains(&first)
            && usize::try_from(last - first).is_ok_and(|span| span < values.len());
        if counts_through && !speaks_of_an_amount(self.name) {
            Reading::WholeNumbersAsNames
        } else {
            Reading::WholeNumbersAsNumbers
        }
    }

    /// The different names in all cells, split as `form` says.
    pub fn names_in_cells(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.distinct.iter().flat_map(|c| self.split(c)).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        sort_names(&mut names);
        unify_spellings(&mut names);
        names.into_iter().map(str::to_owned).collect()
    }

    fn split(&self, cell: &str) -> Vec<String> {
        match self.form {
            Form::Single => vec![cell.to_owned()],
            Form::Separated(separator) => separated(cell, separator).map(str::to_owned).collect(),
            Form::Lists => list(cell).unwrap_or_else(|| vec![cell.to_owned()]),
        }
    }

    /// Whether the cells are lists of measurements, such as `[0.5, 12.25]`: names are never
    /// decimals.
    fn holds_several_numbers(&self) -> bool {
        let names = self.names_in_cells();
        let values: Option<Vec<f64>> = names.iter().map(|name| number(name)).collect();
        values.is_some_and(|values| values.iter().any(|value| value.fract() != 0.0))
    }
}

/// Names in alphabetical order; in order of value where all are numbers.
pub(crate) fn sort_names(names: &mut [&str]) {
    if names.iter().all(|name| number(name).is_some()) {
        names.sort_by(|a, b| {
            let (x, y) = (number(a).unwrap_or(0.0), number(b).unwrap_or(0.0));
            // Of equal numbers the shorter spelling comes first.
            x.partial_cmp(&y)
                .unwrap_or(std::cmp::Ordering::Equal)
                .then(a.len().cmp(&b.len()))
                .then(a.cmp(b))
        });
    } else {
        names.sort_unstable();
    }
}

/// Leaves one spelling of each number, the shortest; returns it with those that went. Names that
/// are not all numbers stay as they are.
fn unify_spellings<'a>(sorted: &mut Vec<&'a str>) -> Vec<(&'a str, &'a str)> {
    let mut gone = Vec::new();
    if sorted.iter().all(|name| value_of_name(name).is_some()) {
        sorted.dedup_by(|name, kept| {
            let same = value_of_name(name) == value_of_name(kept);
            if same {
                gone.push((*kept, *name));
            }
            same
        });
    }
    gone
}

/// `|` and `;` separate names wherever they occur; a comma only where the parts recur so often
/// that the cells are combinations of a smaller vocabulary ("Bern, Switzerland" is one name).
fn form(column: &Column, counted: &BTreeMap<&str, usize>, filled: usize, numeric: usize) -> Form {
    if numeric == filled {
        return Form::Single;
    }
    let lists: usize = counted
        .iter()
        .filter(|(cell, _)| list(cell).is_some())
        .map(|(_, count)| count)
        .sum();
    if lists * 2 > filled {
        return Form::Lists;
    }
    let occurs = |separator: char| counted.keys().any(|cell| cell.contains(separator));
    let by_comma = || {
        let cells = column.cells.iter().map(String::as_str);
        let parts = counts(cells.flat_map(|cell| separated(cell, ',')));
        parts.len() < counted.len() && parts.values().all(|&count| count >= 2)
    };
    SEPARATORS
        .into_iter()
        .find(|&separator| occurs(separator) && (separator != ',' || by_comma()))
        .map_or(Form::Single, Form::Separated)
}

/// `1,5,12` can only be a list; beside it, `1,5` is one too.
fn is_list_of_digits(cell: &str) -> bool {
    cell.contains(',')
        && plainly(cell).is_none()
        && cell
            .split(',')
            .all(|part| !part.trim().is_empty() && part.trim().bytes().all(|b| b.is_ascii_digit()))
}
