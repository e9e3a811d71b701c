//! The four kinds of task and their names.
//!
//! What follows from a kind is decided by [`Task`](crate::Task).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::TaskError;

/// The four kinds of task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskKind {
    /// One of three or more names.
    MultiClass,
    /// One of two names.
    Binary,
    /// Any subset of names, the empty one too.
    MultiLabel,
    /// One or several numbers.
    Regression,
}

impl TaskKind {
    /// All kinds, from names to numbers.
    pub const ALL: [TaskKind; 4] = [
        TaskKind::MultiClass,
        TaskKind::Binary,
        TaskKind::MultiLabel,
        TaskKind::Regression,
    ];

    /// The name as it is typed and printed.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::MultiClass => "multi-class",
            TaskKind::Binary => "binary",
            TaskKind::MultiLabel => "multi-label",
            TaskKind::Regression => "regression",
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TaskKind {
    type Err = TaskError;

    /// `multilabel`, `multi_label` and `Multi-Label` are `multi-label` as well.
    fn from_str(text: &str) -> Result<Self, TaskError> {
        let letters = |text: &str| -> String {
            let joined = text
                .trim()
                .chars()
                .filter(|c| !matches!(c, '-' | '_' | ' '));
            joined.flat_map(char::to_lowercase).collect()
        };
        TaskKind::ALL
            .into_iter()
            .find(|kind| letters(kind.name()) == letters(text))
            .ok_or_else(|| TaskError::UnknownKind(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_recognised_however_it_is_joined() {
        for (text, kind) in [
            ("multilabel", TaskKind::MultiLabel),
            ("multi_label", TaskKind::MultiLabel),
            ("Multi-Class", TaskKind::MultiClass),
            ("multiclass", TaskKind::MultiClass),
            ("binary", TaskKind::Binary),
            ("regression", TaskKind::Regression),
        ] {
            assert_eq!(text.parse(), Ok(kind), "{text}");
        }
        let error = "multi".parse::<TaskKind>().unwrap_err().to_string();
        for kind in TaskKind::ALL {
            assert!(error.contains(kind.name()), "{error}");
        }
    }
}
