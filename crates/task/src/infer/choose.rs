//! Which columns of a table are the label.

use super::headings::{announces_the_label, speaks_of_a_class};
use super::profile::{Profile, Reading};
use super::{InferError, Request};
use crate::labels::Column;
use crate::near_names;
use crate::wording::quoted;

/// The label columns, and those that are neither label nor image.
pub(super) struct Chosen<'a> {
    pub columns: Vec<&'a Column>,
    /// Empty where the user has named the columns.
    pub unused: Vec<&'a Column>,
}

/// Those asked for; else, of several columns without identifiers and constants: all if they hold
/// 0 or 1 or all decimals, the one whose heading says that it is the label, or the only one left.
///
/// Beside a column called `label`, a second column of 0 and 1 is a remark on the label (`label`,
/// `verified`), so there the heading decides.
pub(super) fn label_columns<'a>(
    columns: &'a [Column],
    request: &Request,
) -> Result<Chosen<'a>, InferError> {
    if !request.label_columns.is_empty() {
        return Ok(Chosen {
            columns: asked(columns, &request.label_columns)?,
            unused: Vec::new(),
        });
    }
    if columns.len() < 2 {
        return Ok(Chosen {
            columns: columns.iter().collect(),
            unused: Vec::new(),
        });
    }
    let profiles: Vec<Profile> = columns.iter().map(Profile::of).collect();
    let all: Vec<(&Column, &Profile)> = columns.iter().zip(&profiles).collect();
    let ambiguous = || InferError::AmbiguousColumns {
        columns: describe(&profiles),
    };
    let chosen = decide(&all).ok_or_else(ambiguous)?;
    let is_chosen = |column: &&Column| chosen.iter().any(|c| std::ptr::eq(*c, *column));
    Ok(Chosen {
        unused: columns.iter().filter(|column| !is_chosen(column)).collect(),
        columns: chosen,
    })
}

fn decide<'a>(all: &[(&'a Column, &Profile)]) -> Option<Vec<&'a Column>> {
    let names = |columns: &[(&'a Column, &Profile)]| columns.iter().map(|(c, _)| *c).collect();
    let can_differ = |p: &Profile| {
        p.is_mostly_flags() || !(p.is_named_identifier() || p.reading() == Reading::Constant)
    };
    let candidates: Vec<_> = all.iter().filter(|(_, p)| can_differ(p)).copied().collect();
    let every = |is: &dyn Fn(&Profile) -> bool| {
        candidates.len() > 1 && candidates.iter().all(|(_, p)| is(p))
    };
    let is_number = |p: &Profile| p.reading() == Reading::Numbers;

    if every(&|p| is_number(p) && !p.whole) {
        return Some(names(&candidates));
    }
    let headed: Vec<_> = candidates
        .iter()
        .filter(|(column, _)| {
            let others = candidates
                .iter()
                .filter(|(c, _)| !std::ptr::eq(*c, *column));
            let beside_numbers = others.map(|(_, p)| p).any(|p| is_number(p));
            announces_the_label(&column.name, beside_numbers)
        })
        .copied()
        .collect();
    if headed.len() == 1 {
        return Some(names(&headed));
    }
    if every(&|p| p.is_mostly_flags()) {
        return Some(names(&candidates));
    }
    let spoken: Vec<_> = candidates
        .iter()
        .filter(|(column, _)| speaks_of_a_class(&column.name))
        .copied()
        .collect();
    if headed.is_empty() && spoken.len() == 1 {
        return Some(names(&spoken));
    }
    let differing: Vec<_> = candidates
        .iter()
        .filter(|(_, p)| p.reading() != Reading::Constant)
        .copied()
        .collect();
    (differing.len() == 1).then(|| names(&differing))
}

/// The columns of the names that the user gave.
pub(super) fn asked<'a>(
    columns: &'a [Column],
    names: &[String],
) -> Result<Vec<&'a Column>, InferError> {
    let find = |name: &String| {
        columns.iter().find(|c| c.name == *name).ok_or_else(|| {
            let known = || columns.iter().map(|c| c.name.as_str());
            let near = near_names(name, known());
            InferError::UnknownColumn {
                name: name.clone(),
                columns: quoted(known()),
                near: match near.first() {
                    Some(near) => format!("; did you mean `{near}`?"),
                    None => String::new(),
                },
            }
        })
    };
    names.iter().map(find).collect()
}

/// Each column with the task that it would make.
pub(super) fn describe(profiles: &[Profile]) -> String {
    let describe = |p: &Profile| {
        let task = match p.reading() {
            Reading::Constant => "always the same",
            Reading::Identifier => "an identifier",
            Reading::TwoNames | Reading::AlmostFlags => "binary",
            Reading::Names | Reading::WholeNumbersAsNames | Reading::WholeNumbersNamedByHeading => {
                "multi-class"
            }
            Reading::SeveralNames => "multi-label",
            Reading::SeveralNumbers => "several numbers in a cell",
            Reading::OtherNotation => "numbers with a unit or a comma",
            Reading::Numbers | Reading::WholeNumbersAsNumbers => "regression",
        };
        format!("`{}` ({task})", p.name)
    };
    profiles.iter().map(describe).collect::<Vec<_>>().join(", ")
}
