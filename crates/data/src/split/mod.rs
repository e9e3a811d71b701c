//! Train, validation and test: who learns from what, and who is asked afterwards.
//!
//! [`split`] sets copies aside (`copies`), keeps the splits that the data set gives, and divides
//! the rest so that every class is on every side (`deal`). It knows images by their hash alone.
//! [`check_class_sizes`] tells from the labels alone what will not do.

mod allot;
mod copies;
mod deal;
mod error;
mod label_sets;
mod sentence;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ContentHash;
pub use copies::{Reason, SetAside};
pub use error::{SmallClass, SplitError};

/// One of the three parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// What the network learns from.
    Train,
    /// What is watched while it learns, to stop in time.
    Validation,
    /// What it is judged by at the end.
    Test,
}

impl Split {
    /// All three, in the order in which they are listed everywhere.
    pub const ALL: [Split; 3] = [Split::Train, Split::Validation, Split::Test];

    /// The split that a folder or cell names, in any case: `train`, `training`; `val`, `valid`,
    /// `validation`; `test`, `testing`.
    ///
    /// ```
    /// use finial_data::Split;
    /// assert_eq!(Split::parse("Val"), Some(Split::Validation));
    /// assert_eq!(Split::parse("cat"), None);
    /// ```
    pub fn parse(name: &str) -> Option<Split> {
        match name.to_ascii_lowercase().as_str() {
            "train" | "training" => Some(Split::Train),
            "val" | "valid" | "validation" => Some(Split::Validation),
            "test" | "testing" => Some(Split::Test),
            _ => None,
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Split::Train => "train",
            Split::Validation => "validation",
            Split::Test => "test",
        })
    }
}

/// How much of the images each split gets; the three add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// More than 0.
    pub train: f64,
    /// 0 for no validation split.
    pub validation: f64,
    /// More than 0.
    pub test: f64,
}

impl Default for Fractions {
    /// 70 %, 15 % and 15 %.
    fn default() -> Self {
        Fractions {
            train: 0.70,
            validation: 0.15,
            test: 0.15,
        }
    }
}

/// What is to be alike on all sides.
#[derive(Clone, Debug, PartialEq)]
pub enum Strata {
    /// The class of each sample, as an index into the class names.
    Classes(Vec<u32>),
    /// The labels of each sample, each an index into the class names, without repeats.
    LabelSets(Vec<Vec<u32>>),
    /// A number for each sample, split in bins of equally many.
    Values(Vec<f64>),
}

impl Strata {
    fn len(&self) -> usize {
        match self {
            Strata::Classes(classes) => classes.len(),
            Strata::LabelSets(sets) => sets.len(),
            Strata::Values(values) => values.len(),
        }
    }
}

/// The samples to split. All slices have an entry per sample.
#[derive(Clone, Debug)]
pub struct SplitRequest<'a> {
    /// The content of each sample's file.
    pub hashes: &'a [ContentHash],
    /// A key for each sample's label: two samples have the same key if they have the same label.
    pub label_keys: &'a [u64],
    /// What is to be alike on all sides.
    pub strata: Strata,
    /// Names of the classes or labels that `strata` counts, for messages; empty for values.
    pub class_names: &'a [String],
    /// The split that the data set gives each sample: all of them or none.
    pub given: &'a [Option<Split>],
    /// Who gives them, as the subject of a sentence ([`crate::Layout::gives_splits`]).
    pub given_by: Option<String>,
    /// How much each split gets where none is given.
    pub fractions: Fractions,
    /// Another seed deals the images out in another order.
    pub seed: u64,
}

/// Which sample is in which split, and how that came about.
#[derive(Clone, Debug, PartialEq)]
pub struct SplitPlan {
    /// The split of each sample; `None` for those set aside.
    pub assignment: Vec<Option<Split>>,
    /// How many samples each split has.
    pub counts: SplitCounts,
    /// What was done, for the report: "no split was given: 70/15/15, stratified by class, seed 7".
    pub sentence: String,
    /// What a reader of the scores should know, a sentence each.
    pub notes: Vec<String>,
    /// Samples left out, by index.
    pub set_aside: Vec<SetAside>,
}

impl SplitPlan {
    /// Indices of the samples of a split, ascending.
    pub fn indices(&self, split: Split) -> Vec<usize> {
        let of = |(index, part): (usize, &Option<Split>)| (*part == Some(split)).then_some(index);
        self.assignment.iter().enumerate().filter_map(of).collect()
    }

    /// How many samples are set aside because another one, with the same label, is kept for them.
    pub fn copies(&self) -> usize {
        self.set_aside.len() - self.contradictions()
    }

    /// How many samples are set aside because the same image occurs with another label.
    pub fn contradictions(&self) -> usize {
        let contradicts = |entry: &&SetAside| matches!(entry.reason, Reason::Contradicts { .. });
        self.set_aside.iter().filter(contradicts).count()
    }

    /// What was set aside, a sentence each for contradictions and for copies; `name` gives a
    /// sample's file name by its index. "2 pictures occur with different labels and are set
    /// aside: a/x.png and b/y.png; a/z.png and c/w.png".
    pub fn describe_set_aside(&self, name: impl Fn(usize) -> String) -> Vec<String> {
        copies::describe(&self.set_aside, &name)
    }
}

/// How many samples each split has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitCounts {
    /// Samples to learn from.
    pub train: usize,
    /// Samples to watch.
    pub validation: usize,
    /// Samples to judge by.
    pub test: usize,
}

impl SplitCounts {
    fn of(assignment: &[Option<Split>]) -> Self {
        let count = |split| {
            assignment
                .iter()
                .filter(|part| **part == Some(split))
                .count()
        };
        SplitCounts {
            train: count(Split::Train),
            validation: count(Split::Validation),
            test: count(Split::Test),
        }
    }

    /// Samples of one split.
    pub fn get(&self, split: Split) -> usize {
        match split {
            Split::Train => self.train,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }
}

/// Divides samples into train, validation and test.
///
/// - The same image, by content, is on one side only: of copies with one label a single one is
///   kept, copies with different labels are all set aside.
/// - Given splits are kept. A copy in several of them stays in test, or else in validation.
/// - Every class or label of two or more images is in train and in test, as far as several labels
///   on one image allow.
///
/// # Errors
///
/// [`SplitError`] when a class has too few images, when there is nothing to learn from, or when
/// the request is not consistent.
///
/// ```
/// use finial_data::{Fractions, SplitRequest, Strata, content_hash, split};
///
/// let hashes: Vec<_> = (0..20u8).map(|image| content_hash(&[image])).collect();
/// let classes: Vec<u32> = (0..20).map(|image| image % 2).collect();
/// let keys: Vec<u64> = classes.iter().map(|class| u64::from(*class)).collect();
/// let plan = split(&SplitRequest {
///     hashes: &hashes,
///     label_keys: &keys,
///     strata: Strata::Classes(classes),
///     class_names: &["cat".to_owned(), "dog".to_owned()],
///     given: &[None; 20],
///     given_by: None,
///     fractions: Fractions::default(),
///     seed: 7,
/// })?;
/// assert_eq!((plan.counts.train, plan.counts.validation, plan.counts.test), (14, 3, 3));
/// assert_eq!(plan.sentence, "no split was given: 70/15/15, stratified by class, seed 7");
/// # Ok::<(), finial_data::SplitError>(())
/// ```
pub fn split(request: &SplitRequest) -> Result<SplitPlan, SplitError> {
    error::check(request)?;
    let set_aside = copies::find(request.hashes, request.label_keys, request.given);
    let (plan, assignment) = deal::assign(request, &set_aside)?;
    let counts = SplitCounts::of(&assignment);
    error::check_outcome(request, &assignment, &set_aside)?;
    Ok(SplitPlan {
        sentence: sentence::sentence(request, plan, &assignment),
        notes: sentence::notes(request, &assignment),
        assignment,
        counts,
        set_aside,
    })
}

/// Whether the labels alone already rule a split out, before any image is read: a class of a
/// single image, a class that is never trained, or too few images for three parts. `strata`,
/// `class_names`, `given` and `fractions` are those of the later [`SplitRequest`], or of all
/// samples where only some turn out readable.
///
/// # Errors
///
/// [`SplitError`], the one that [`split`] would end with. That none comes up here is no promise:
/// copies show only in the content.
///
/// ```
/// use finial_data::{Fractions, SplitError, Strata, check_class_sizes};
///
/// let classes = Strata::Classes(vec![0, 0, 0, 0, 1]);
/// let names = ["cat".to_owned(), "dog".to_owned()];
/// let error = check_class_sizes(&classes, &names, &[None; 5], Fractions::default());
/// assert!(matches!(error, Err(SplitError::ClassTooSmall { .. })));
/// ```
pub fn check_class_sizes(
    strata: &Strata,
    class_names: &[String],
    given: &[Option<Split>],
    fractions: Fractions,
) -> Result<(), SplitError> {
    // Sizes do not depend on the content, and without it no image is a copy of another.
    let request = SplitRequest {
        hashes: &vec![ContentHash::from_bytes([0; 32]); strata.len()],
        label_keys: &vec![0; strata.len()],
        strata: strata.clone(),
        class_names,
        given,
        given_by: None,
        fractions,
        seed: 0,
    };
    error::check(&request)?;
    let (_, assignment) = deal::assign(&request, &[])?;
    match strata {
        // How sets of labels come out depends on the order in which they are dealt.
        Strata::LabelSets(_) => Ok(()),
        Strata::Classes(_) | Strata::Values(_) => error::check_outcome(&request, &assignment, &[]),
    }
}

/// How many samples of `samples` show each class or label.
fn class_counts(
    strata: &Strata,
    classes: usize,
    samples: impl Iterator<Item = usize>,
) -> Vec<usize> {
    let mut counts = vec![0; classes];
    for index in samples {
        match strata {
            Strata::Classes(of) => counts[of[index] as usize] += 1,
            Strata::LabelSets(of) => of[index]
                .iter()
                .for_each(|label| counts[*label as usize] += 1),
            Strata::Values(_) => {}
        }
    }
    counts
}

/// The largest of three by a key; the first at a tie.
fn largest_by<K: PartialOrd>(candidates: &[usize], key: impl Fn(usize) -> K) -> Option<usize> {
    let mut best: Option<usize> = None;
    for &candidate in candidates {
        if best.is_none_or(|best| key(candidate) > key(best)) {
            best = Some(candidate);
        }
    }
    best
}
