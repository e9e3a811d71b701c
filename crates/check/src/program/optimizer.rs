//! Optimizers, by what is asked of them.

use ruff_text_size::TextRange;

/// An optimizer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Optimizer {
    /// In small letters: `adam`.
    pub name: String,
    /// The size of its steps.
    pub rate: Option<f64>,
    /// The place that says it.
    pub at: TextRange,
    pub torch: bool,
}

impl Optimizer {
    /// The optimizer of a name, with its usual rate in Keras.
    pub fn named(name: &str, at: TextRange) -> Self {
        let name = name.to_ascii_lowercase();
        let rate = match name.as_str() {
            "adam" | "rmsprop" | "nadam" | "adamax" | "adamw" | "adagrad" | "adadelta" | "ftrl"
            | "lion" => Some(1e-3),
            "sgd" => Some(1e-2),
            _ => None,
        };
        Self {
            name,
            rate,
            at,
            torch: false,
        }
    }

    /// Whether its steps do not shrink with the gradient, so that a large rate moves every weight
    /// by as much.
    pub fn is_adaptive(&self) -> bool {
        matches!(
            self.name.as_str(),
            "adam" | "rmsprop" | "nadam" | "adamax" | "adamw" | "radam"
        )
    }
}
