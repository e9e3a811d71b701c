//! What cannot be split, and the way out.

use std::fmt;

use super::{Reason, SetAside, SplitCounts, SplitRequest, Strata, class_counts};
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
    #[diagnostic(help("{}add images of {}, or remove {}", keep_one_label(.classes), Names(.classes), it_or_them(.classes)))]
    ClassTooSmall {
        /// Each such class.
        classes: Vec<SmallClass>,
    },
    /// A class that is given to test or validation but not to train.
    #[error("expected images of every class in train, found {}", Few(.classes))]
    #[diagnostic(help(
        "{}give images of {} to train; an image that is in test too counts for test only",
        keep_one_label(.classes),
        Names(.classes)
    ))]
    ClassWithoutTrain {
        /// Each such class.
        classes: Vec<SmallClass>,
    },
    /// A split would be empty.
    #[error(
        "expected enough images to divide, found {samples} different {}{}, with none left for {split}",
        if *.samples == 1 { "one" } else { "ones" },
        Why(*.copies, *.contradictions)
    )]
    #[diagnostic(help(
        "add images: ten images of each class are a bare minimum; aim for a hundred"
    ))]
    TooFew {
        /// Samples that were left after copies were set aside.
        samples: usize,
        /// Samples set aside as copies.
        copies: usize,
        /// Samples set aside because the same image occurs with another label.
        contradictions: usize,
        /// The split without.
        split: Split,
    },
}

/// A class with too few images, and what became of the others that it had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmallClass {
    /// Its name.
    pub name: String,
    /// Images left.
    pub images: usize,
    /// Images set aside as copies of one that is kept.
    pub copies: usize,
    /// Images set aside because the same image occurs with another label.
    pub contradictions: usize,
}

/// The first classes with their numbers.
struct Few<'a>(&'a [SmallClass]);

impl fmt::Display for Few<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Few(classes) = self;
        let text = |class: &SmallClass| {
            let why = Why(class.copies, class.contradictions);
            format!("{} of `{}`{why}", class.images, class.name)
        };
        let shown: Vec<String> = classes.iter().take(5).map(text).collect();
        write!(formatter, "{}{}", shown.join(", "), more(classes))
    }
}

/// What became of images that do not count: copies, and those with several labels.
struct Why(usize, usize);

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Why(copies, contradictions) = self;
        let copies = match copies {
            0 => None,
            1 => Some("1 copy not counted".to_owned()),
            many => Some(format!("{many} copies not counted")),
        };
        let contradictions = match contradictions {
            0 => None,
            1 => Some("1 set aside because the same picture has another label too".to_owned()),
            many => Some(format!(
                "{many} set aside because the same pictures have other labels too"
            )),
        };
        let causes: Vec<String> = copies.into_iter().chain(contradictions).collect();
        match causes.is_empty() {
            true => Ok(()),
            false => write!(formatter, " ({})", causes.join(", ")),
        }
    }
}

/// The first classes without.
struct Names<'a>(&'a [SmallClass]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Names(classes) = self;
        let first = classes.iter().take(5);
        let shown: Vec<&str> = first.map(|class| class.name.as_str()).collect();
        write!(formatter, "`{}`{}", shown.join("`, `"), more(classes))
    }
}

fn more(classes: &[SmallClass]) -> String {
    match classes.len().saturating_sub(5) {
        0 => String::new(),
        1 => " and 1 more class".to_owned(),
        more => format!(" and {more} more classes"),
    }
}

fn it_or_them(classes: &[SmallClass]) -> &'static str {
    if classes.len() == 1 { "it" } else { "them" }
}

/// The first thing to do where labels contradict each other.
fn keep_one_label(classes: &[SmallClass]) -> &'static str {
    match classes.iter().any(|class| class.contradictions > 0) {
        true => "keep each picture under one label only, ",
        false => "",
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
    set_aside: &[SetAside],
    fractions: [f64; 3],
) -> Result<(), SplitError> {
    let [_, _, test] = fractions;
    if test == 0.0 {
        return Ok(());
    }
    match classes_below(request, 2, samples.iter().copied(), set_aside) {
        classes if classes.is_empty() => Ok(()),
        classes => Err(SplitError::ClassTooSmall { classes }),
    }
}

/// Refuses splits that are empty, or that leave a class unlearnt.
pub(super) fn check_outcome(
    request: &SplitRequest,
    assignment: &[Option<Split>],
    set_aside: &[SetAside],
) -> Result<(), SplitError> {
    let is_train = |index: &usize| assignment[*index] == Some(Split::Train);
    let train = (0..assignment.len()).filter(is_train);
    let classes = classes_below(request, 1, train, set_aside);
    let counts = SplitCounts::of(assignment);
    for split in Split::ALL {
        let is_wanted = split != Split::Validation || request.fractions.validation > 0.0;
        if is_wanted && counts.get(split) == 0 {
            return Err(SplitError::TooFew {
                samples: assignment.iter().flatten().count(),
                copies: set_aside.len() - contradictions(set_aside).count(),
                contradictions: contradictions(set_aside).count(),
                split,
            });
        }
    }
    match classes {
        classes if classes.is_empty() => Ok(()),
        classes => Err(SplitError::ClassWithoutTrain { classes }),
    }
}

/// Classes with fewer than `least` of `samples`.
fn classes_below(
    request: &SplitRequest,
    least: usize,
    samples: impl Iterator<Item = usize>,
    set_aside: &[SetAside],
) -> Vec<SmallClass> {
    let classes = request.class_names.len();
    let images = class_counts(&request.strata, classes, samples);
    let lost = set_aside.iter().map(|entry| entry.index);
    let lost = class_counts(&request.strata, classes, lost);
    let contradictions = class_counts(&request.strata, classes, contradictions(set_aside));
    let below = |&class: &usize| images[class] < least;
    (0..classes)
        .filter(below)
        .map(|class| SmallClass {
            name: request.class_names[class].clone(),
            images: images[class],
            copies: lost[class] - contradictions[class],
            contradictions: contradictions[class],
        })
        .collect()
}

/// Indices of the samples whose image occurs with another label.
fn contradictions(set_aside: &[SetAside]) -> impl Iterator<Item = usize> + '_ {
    let contradicts = |entry: &&SetAside| matches!(entry.reason, Reason::Contradicts { .. });
    set_aside
        .iter()
        .filter(contradicts)
        .map(|entry| entry.index)
}
