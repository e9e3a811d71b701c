//! Losses and metrics, by what they expect.

use ruff_text_size::TextRange;

/// A loss, whatever its spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LossKind {
    /// Each output is a yes or no.
    Binary,
    /// One class of several, labels one-hot.
    Categorical,
    /// One class of several, labels as numbers.
    Sparse,
    /// PyTorch's `CrossEntropyLoss`: one class of several, labels as numbers or one-hot.
    CrossEntropy,
    /// PyTorch's `NLLLoss`.
    NegativeLogLikelihood,
    /// A distance between numbers: squared, absolute, Huber and their kind.
    Distance,
    /// Hinge over labels −1 and 1.
    Hinge,
}

impl LossKind {
    /// Whether it chooses one of several classes.
    pub fn is_exclusive(self) -> bool {
        matches!(
            self,
            Self::Categorical | Self::Sparse | Self::CrossEntropy | Self::NegativeLogLikelihood
        )
    }

    /// Whether it is for classes, not for numbers.
    pub fn is_cross_entropy(self) -> bool {
        self.is_exclusive() || self == Self::Binary
    }
}

/// What a loss takes from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    Probabilities,
    Logits,
    LogProbabilities,
    Values,
}

/// How a name is written, so that another one can stand in its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `binary_crossentropy`
    Snake,
    /// `BinaryCrossentropy`
    Camel,
    /// `BCEWithLogitsLoss`
    Torch,
}

/// A loss as a program uses it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Loss {
    pub kind: LossKind,
    /// `None`: the program's `from_logits` is not known.
    pub takes: Option<Takes>,
    /// As the program writes it.
    pub name: String,
    pub at: TextRange,
    /// The word alone, where another loss can be written in its place.
    pub word: Option<(TextRange, Spelling)>,
    /// The value of `from_logits`, where it is written.
    pub from_logits: Option<TextRange>,
}

/// A metric that is reported while training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetricUse {
    /// `accuracy`, of which Keras decides the kind.
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    /// Whether the class is among the `k` first.
    TopK(Option<usize>),
    SparseTopK(Option<usize>),
    /// Counts of yes and no: precision, recall, area under a curve.
    Binary,
    /// Mean squared error and its kind.
    Distance,
    Other,
}

impl MetricUse {
    /// Whether it says something about a network under that loss; `None` if that is not known.
    pub fn fits(self, loss: LossKind) -> Option<bool> {
        Some(match (loss, self) {
            (_, Self::Other) => return None,
            // What accuracy means, Keras decides; other rules look at it.
            (_, Self::Accuracy | Self::BinaryAccuracy) => true,
            (LossKind::Hinge, _) => return None,
            (LossKind::Distance, Self::Distance) => true,
            (LossKind::Distance, _) => return None,
            (_, Self::Distance) => false,
            (_, Self::Binary) => true,
            (LossKind::Sparse, Self::SparseCategoricalAccuracy | Self::SparseTopK(_)) => true,
            (LossKind::Sparse, _) => false,
            (_, Self::SparseCategoricalAccuracy | Self::SparseTopK(_)) => false,
            _ => true,
        })
    }
}

/// A metric, where the program asks for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Metric {
    pub kind: MetricUse,
    pub at: TextRange,
    /// The text alone, where another metric can be written in its place.
    pub word: Option<TextRange>,
}
