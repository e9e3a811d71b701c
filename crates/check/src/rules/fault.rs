//! What a rule says: the place, the reason, what it contradicts, and the repair.

use ruff_text_size::TextRange;

use crate::program::loss::{Loss, LossKind, Spelling};

/// A fault in a program.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    pub at: TextRange,
    pub message: String,
    /// The line that it contradicts, and what that line says.
    pub against: Option<(TextRange, String)>,
    pub fix: Option<Repair>,
}

/// One right repair.
#[derive(Clone, Debug)]
pub(crate) struct Repair {
    pub title: String,
    pub edits: Vec<(TextRange, String)>,
}

/// `the final layer has 3 units`
pub(crate) fn has_units(units: usize) -> String {
    let plural = if units == 1 { "unit" } else { "units" };
    format!("the final layer has {units} {plural}")
}

impl Fault {
    pub fn new(at: TextRange, message: String) -> Self {
        Self {
            at,
            message,
            against: None,
            fix: None,
        }
    }

    /// The place that the fault contradicts, where it is known and another one.
    pub fn against(mut self, at: impl Into<Option<TextRange>>, label: &str) -> Self {
        if let Some(at) = at.into().filter(|at| *at != self.at) {
            self.against = Some((at, label.to_owned()));
        }
        self
    }

    /// Another word in the place of one, where the program has it in one word.
    pub fn reword(self, word: Option<TextRange>, title: &str, new: &str) -> Self {
        match word {
            Some(word) => self.fix(title, [(word, new)]),
            None => self,
        }
    }

    /// The edits that repair it.
    pub fn fix<S: Into<String>>(
        mut self,
        title: &str,
        edits: impl IntoIterator<Item = (TextRange, S)>,
    ) -> Self {
        self.fix = Some(Repair {
            title: title.to_owned(),
            edits: edits
                .into_iter()
                .map(|(at, text)| (at, text.into()))
                .collect(),
        });
        self
    }
}

impl Loss {
    /// The edit that puts another loss in its place, spelt as this one is.
    pub fn rename(&self, kind: LossKind) -> Option<(TextRange, &'static str)> {
        let (at, spelling) = self.word?;
        let name = match (kind, spelling) {
            (LossKind::Binary, Spelling::Snake) => "binary_crossentropy",
            (LossKind::Binary, Spelling::Camel) => "BinaryCrossentropy",
            (LossKind::Categorical, Spelling::Snake) => "categorical_crossentropy",
            (LossKind::Categorical, Spelling::Camel) => "CategoricalCrossentropy",
            (LossKind::Sparse, Spelling::Snake) => "sparse_categorical_crossentropy",
            (LossKind::Sparse, Spelling::Camel) => "SparseCategoricalCrossentropy",
            (LossKind::CrossEntropy, Spelling::Torch) if self.name == "NLLLoss" => {
                "CrossEntropyLoss"
            }
            (LossKind::CrossEntropy, Spelling::Torch) if self.name == "nll_loss" => "cross_entropy",
            _ => return None,
        };
        Some((at, name))
    }
}
