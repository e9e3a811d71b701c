//! Train, validation and test: who learns from what, and who is asked afterwards.
//!
//! [`split`] sets copies aside (`copies`), keeps the splits that the data set gives, and divides
//! the rest so that every class is on every side: `allot` for classes and for values in bins,
//! `label_sets` for images with several labels. It knows images by their hash alone.
//!
//! The order in which images are dealt out is that of a hash of the seed and the content. It is
//! the same on every machine, whatever the files are called, and hardly changes when images are
//! added.

mod allot;
mod copies;
mod error;
mod label_sets;
mod sentence;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ContentHash;
pub use copies::{Reason, SetAside};
pub use error::SplitError;

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

/// What is to be done with the splits that the data set gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Nothing is given, or only train: all is divided.
    Divide { train_given: bool },
    /// Train is given and one other split is not: part of train becomes that split.
    Carve(Split),
    /// All that is wanted is given.
    Keep,
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
    let mut kept = vec![true; request.hashes.len()];
    set_aside.iter().for_each(|entry| kept[entry.index] = false);
    let kept: Vec<usize> = (0..kept.len()).filter(|&index| kept[index]).collect();

    let plan = plan(request, &kept)?;
    let mut assignment = vec![None; request.hashes.len()];
    for &index in &kept {
        assignment[index] = request.given[index];
    }
    let validation = request.fractions.validation;
    let test = request.fractions.test;
    match plan {
        Plan::Keep => {}
        Plan::Divide { .. } => {
            let fractions = [request.fractions.train, validation, test];
            divide(request, kept, fractions, &mut assignment)?;
        }
        Plan::Carve(split) => {
            let fractions = match split {
                Split::Test => [1.0 - test, 0.0, test],
                _ => [1.0 - validation, validation, 0.0],
            };
            let of_train = |index: &usize| request.given[*index] == Some(Split::Train);
            let train = kept.into_iter().filter(of_train).collect();
            divide(request, train, fractions, &mut assignment)?;
        }
    }
    let counts = SplitCounts::of(&assignment);
    error::check_outcome(request, &assignment, &counts)?;
    Ok(SplitPlan {
        sentence: sentence::sentence(request, plan),
        notes: sentence::notes(request, &assignment),
        assignment,
        counts,
        set_aside,
    })
}

fn plan(request: &SplitRequest, kept: &[usize]) -> Result<Plan, SplitError> {
    let has = |split: Split| {
        kept.iter()
            .any(|&index| request.given[index] == Some(split))
    };
    let [train, validation, test] = Split::ALL.map(has);
    match (train, validation, test) {
        (false, false, false) => Ok(Plan::Divide { train_given: false }),
        (true, false, false) => Ok(Plan::Divide { train_given: true }),
        (true, false, true) if request.fractions.validation > 0.0 => {
            Ok(Plan::Carve(Split::Validation))
        }
        (true, true, false) => Ok(Plan::Carve(Split::Test)),
        (true, _, true) => Ok(Plan::Keep),
        (false, _, _) => Err(SplitError::NoTrain {
            found: match (validation, test) {
                (true, true) => "validation and test",
                (true, false) => "validation",
                _ => "test",
            },
        }),
    }
}

/// Deals `samples` out to train, validation and test.
fn divide(
    request: &SplitRequest,
    mut samples: Vec<usize>,
    fractions: [f64; 3],
    assignment: &mut [Option<Split>],
) -> Result<(), SplitError> {
    deal_order(request, &mut samples);
    let groups: Vec<Vec<usize>> = match &request.strata {
        Strata::LabelSets(sets) => {
            error::check_sizes(request, &samples, fractions)?;
            let labels = request.class_names.len();
            label_sets::divide(&samples, sets, labels, fractions, assignment);
            return Ok(());
        }
        Strata::Classes(classes) => {
            error::check_sizes(request, &samples, fractions)?;
            let mut groups: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
            for &index in &samples {
                groups.entry(classes[index]).or_default().push(index);
            }
            groups.into_values().collect()
        }
        Strata::Values(values) => bins(samples, values),
    };
    let sizes: Vec<usize> = groups.iter().map(Vec::len).collect();
    for (group, counts) in groups.iter().zip(allot::allot(&sizes, fractions)) {
        let splits = Split::ALL.into_iter().zip(counts);
        let splits = splits.flat_map(|(split, count)| std::iter::repeat_n(split, count));
        for (&index, split) in group.iter().zip(splits) {
            assignment[index] = Some(split);
        }
    }
    Ok(())
}

/// Sorts samples in the order in which they are dealt out.
fn deal_order(request: &SplitRequest, samples: &mut [usize]) {
    samples.sort_by_cached_key(|&index| {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&request.seed.to_le_bytes());
        hasher.update(request.hashes[index].as_bytes());
        *hasher.finalize().as_bytes()
    });
}

/// Bins of nearly equally many samples with neighbouring values: ten, or fewer so that each has
/// ten samples. Within a bin the order is the one dealt.
fn bins(dealt: Vec<usize>, values: &[f64]) -> Vec<Vec<usize>> {
    let bins = (dealt.len() / 10).clamp(1, 10);
    let mut ranked: Vec<(usize, usize)> = dealt.into_iter().enumerate().collect();
    ranked.sort_by(|(_, left), (_, right)| values[*left].total_cmp(&values[*right]));
    let total = ranked.len();
    let mut groups: Vec<Vec<(usize, usize)>> = vec![Vec::new(); bins];
    for (rank, sample) in ranked.into_iter().enumerate() {
        groups[rank * bins / total].push(sample);
    }
    groups.iter_mut().for_each(|group| group.sort());
    let indices = |group: Vec<(usize, usize)>| group.into_iter().map(|(_, index)| index).collect();
    groups.into_iter().map(indices).collect()
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
