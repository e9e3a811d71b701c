//! What cannot be split, and the way out.

use super::{SplitCounts, SplitRequest, Strata, class_counts};
use crate::Split;

/// Why samples could not be split.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum SplitError {
    /// The parts of the request do not fit together.
    #[error("expected {expected} {what}, one per sample, found {found}")]
    #[diagnostic(help("pass one entry per sample in every list"))]
    Lengths {
        /// Which list.
        what: &'static str,
        /// Samples.
        expected: usize,
        /// Entries.
        found: usize,
    },
    /// A class that has no name.
    #[error("expected class indices below {names}, the number of class names, found {found}")]
    #[diagnostic(help("pass a name for every class"))]
    UnknownClass {
        /// How many names there are.
        names: usize,
        /// The index.
        found: u32,
    },
    /// Fractions that are none.
    #[error(
        "expected three fractions that add up to 1, with something for train and test, found {train}, {validation} and {test}"
    )]
    #[diagnostic(help("0.7, 0.15 and 0.15 are usual"))]
    Fractions {
        /// Of train.
        train: f64,
        /// Of validation.
        validation: f64,
        /// Of test.
        test: f64,
    },
    /// Only some samples have a split.
    #[error("expected a split for all samples or for none, found one for {given} of {samples}")]
    #[diagnostic(help("give every sample a split, or leave the splits out"))]
    PartlyGiven {
        /// Samples with a split.
        given: usize,
        /// All samples.
        samples: usize,
    },
    /// There is nothing to learn from.
    #[error("expected a train split, found {found} only")]
    #[diagnostic(help(
        "add images to train, or leave the splits out to have the images split for you"
    ))]
    NoTrain {
        /// The splits that are there.
        found: &'static str,
    },
    /// A class that cannot be both learnt and tested.
    #[error("expected at least two different images of each class to learn from one and test with the other, found {}", Few(.classes))]
    #[diagnostic(help("add images of {}, or remove it", Names(.classes)))]
    ClassTooSmall {
        /// Name and number of images of each such class, copies not counted.
        classes: Vec<(String, usize)>,
    },
    /// A class that is given to test or validation but not to train.
    #[error("expected images of every class in train, found none of {}", Names(.classes))]
    #[diagnostic(help(
        "give some of its images to train; an image that is in test too counts for test only"
    ))]
    ClassWithoutTrain {
        /// Name of each such class, with 0.
        classes: Vec<(String, usize)>,
    },
    /// A split would be empty.
    #[error(
        "expected enough images to divide, found {samples} different ones, with none left for {split}"
    )]
    #[diagnostic(help("add images: ten of each class are little, a hundred are well"))]
    TooFew {
        /// Samples that were left after copies were set aside.
        samples: usize,
        /// The split without.
        split: Split,
    },
}

/// The first classes with their numbers.
struct Few<'a>(&'a [(String, usize)]);

impl std::fmt::Display for Few<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Few(classes) = self;
        let text = |(name, count): &(String, usize)| format!("{count} of `{name}`");
        let shown: Vec<String> = classes.iter().take(5).map(text).collect();
        write!(formatter, "{}{}", shown.join(", "), more(classes))
    }
}

/// The first classes without.
struct Names<'a>(&'a [(String, usize)]);

impl std::fmt::Display for Names<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Names(classes) = self;
        let shown: Vec<&str> = classes
            .iter()
            .take(5)
            .map(|(name, _)| name.as_str())
            .collect();
        write!(formatter, "`{}`{}", shown.join("`, `"), more(classes))
    }
}

fn more(classes: &[(String, usize)]) -> String {
    match classes.len() {
        len if len > 5 => format!(" and {} more classes", len - 5),
        _ => String::new(),
    }
}

/// Refuses requests whose parts do not fit together.
pub(super) fn check(request: &SplitRequest) -> Result<(), SplitError> {
    let samples = request.hashes.len();
    let lists = [
        ("label keys", request.label_keys.len()),
        ("strata", request.strata.len()),
        ("given splits", request.given.len()),
    ];
    for (what, found) in lists {
        if found != samples {
            return Err(SplitError::Lengths {
                what,
                expected: samples,
                found,
            });
        }
    }
    let names = request.class_names.len();
    let largest = match &request.strata {
        Strata::Classes(classes) => classes.iter().copied().max(),
        Strata::LabelSets(sets) => sets.iter().flatten().copied().max(),
        Strata::Values(_) => None,
    };
    if let Some(found) = largest.filter(|&class| class as usize >= names) {
        return Err(SplitError::UnknownClass { names, found });
    }
    let [train, validation, test] = [
        request.fractions.train,
        request.fractions.validation,
        request.fractions.test,
    ];
    let adds_up = (train + validation + test - 1.0).abs() < 1e-6;
    if !(adds_up && train > 0.0 && validation >= 0.0 && test > 0.0) {
        return Err(SplitError::Fractions {
            train,
            validation,
            test,
        });
    }
    let given = request.given.iter().flatten().count();
    if given != 0 && given != samples {
        return Err(SplitError::PartlyGiven { given, samples });
    }
    Ok(())
}

/// Refuses classes that are too small to be divided by `fractions`.
pub(super) fn check_sizes(
    request: &SplitRequest,
    samples: &[usize],
    fractions: [f64; 3],
) -> Result<(), SplitError> {
    let [_, _, test] = fractions;
    if test == 0.0 {
        return Ok(());
    }
    match classes_below(request, 2, samples.iter().copied()) {
        classes if classes.is_empty() => Ok(()),
        classes => Err(SplitError::ClassTooSmall { classes }),
    }
}

/// Refuses splits that are empty, or that leave a class unlearnt.
pub(super) fn check_outcome(
    request: &SplitRequest,
    assignment: &[Option<Split>],
    counts: &SplitCounts,
) -> Result<(), SplitError> {
    let is_train = |index: &usize| assignment[*index] == Some(Split::Train);
    let classes = classes_below(request, 1, (0..assignment.len()).filter(is_train));
    for split in Split::ALL {
        let is_wanted = split != Split::Validation || request.fractions.validation > 0.0;
        if is_wanted && counts.get(split) == 0 {
            return Err(SplitError::TooFew {
                samples: assignment.iter().flatten().count(),
                split,
            });
        }
    }
    match classes {
        classes if classes.is_empty() => Ok(()),
        classes => Err(SplitError::ClassWithoutTrain { classes }),
    }
}

fn classes_below(
    request: &SplitRequest,
    least: usize,
    samples: impl Iterator<Item = usize>,
) -> Vec<(String, usize)> {
    let counts = class_counts(&request.strata, request.class_names.len(), samples);
    let pairs = request.class_names.iter().cloned().zip(counts);
    pairs.filter(|(_, count)| *count < least).collect()
}
