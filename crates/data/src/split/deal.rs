//! Who goes where: given splits are kept, the rest is dealt out in shares.
//!
//! How large the shares are is decided by `allot` for classes and for values in bins, and by
//! `label_sets` for images with several labels.
//!
//! The order in which images are dealt out is that of a hash of the seed and the content. It is
//! the same on every machine, whatever the files are called, and hardly changes when images are
//! added.

use std::collections::BTreeMap;

use super::{SetAside, Split, SplitError, SplitRequest, Strata, allot, error, label_sets};

/// What is to be done with the splits that the data set gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plan {
    /// Nothing is given, or only train: all is divided.
    Divide { train_given: bool },
    /// Train is given and one other split is not: part of train becomes that split.
    Carve(Split),
    /// All that is wanted is given.
    Keep,
}

/// Gives every sample that is not set aside its split.
pub(super) fn assign(
    request: &SplitRequest,
    set_aside: &[SetAside],
) -> Result<(Plan, Vec<Option<Split>>), SplitError> {
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
            divide(request, kept, fractions, set_aside, &mut assignment)?;
        }
        Plan::Carve(split) => {
            let fractions = match split {
                Split::Test => [1.0 - test, 0.0, test],
                _ => [1.0 - validation, validation, 0.0],
            };
            let of_train = |index: &usize| request.given[*index] == Some(Split::Train);
            let train = kept.into_iter().filter(of_train).collect();
            divide(request, train, fractions, set_aside, &mut assignment)?;
        }
    }
    Ok((plan, assignment))
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
    set_aside: &[SetAside],
    assignment: &mut [Option<Split>],
) -> Result<(), SplitError> {
    deal_order(request, &mut samples);
    let groups: Vec<Vec<usize>> = match &request.strata {
        Strata::LabelSets(sets) => {
            error::check_sizes(request, &samples, set_aside, fractions)?;
            let labels = request.class_names.len();
            label_sets::divide(&samples, sets, labels, fractions, assignment);
            return Ok(());
        }
        Strata::Classes(classes) => {
            error::check_sizes(request, &samples, set_aside, fractions)?;
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
