//! The same image twice: which copy is kept, and why the others are not.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ContentHash, Split};

/// A sample that is in no split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// Its index.
    pub index: usize,
    /// Why it was left out.
    pub reason: Reason,
}

/// Why a sample is in no split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the same image as another one, with the same label; that one is kept.
    CopyOf {
        /// The one kept.
        index: usize,
    },
    /// It is the same image as another one with another label; neither is kept.
    Contradicts {
        /// One with another label.
        index: usize,
    },
}

impl Reason {
    /// The reason in words; `name` gives a sample's file name by its index.
    ///
    /// ```
    /// use finial_data::Reason;
    /// let reason = Reason::CopyOf { index: 4 };
    /// assert_eq!(reason.describe(|index| format!("{index}.jpg")), "same image as 4.jpg");
    /// ```
    pub fn describe(&self, name: impl Fn(usize) -> String) -> String {
        match self {
            Reason::CopyOf { index } => format!("same image as {}", name(*index)),
            Reason::Contradicts { index } => {
                format!("same image as {}, with another label", name(*index))
            }
        }
    }
}

/// Finds the copies that are not kept, by index.
pub(super) fn find(
    hashes: &[ContentHash],
    label_keys: &[u64],
    given: &[Option<Split>],
) -> Vec<SetAside> {
    let mut order: Vec<usize> = (0..hashes.len()).collect();
    order.sort_by_key(|&index| (hashes[index], index));
    let mut set_aside = Vec::new();
    for copies in order.chunk_by(|&left, &right| hashes[left] == hashes[right]) {
        let differs = |index: usize| {
            let other = |&&other: &&usize| label_keys[other] != label_keys[index];
            copies.iter().find(other).copied()
        };
        // Option and Split order test highest, then validation, train, and none given.
        let kept = copies.iter().copied().rev().max_by_key(|&copy| given[copy]);
        for &index in copies {
            let reason = match (differs(index), kept) {
                (Some(index), _) => Reason::Contradicts { index },
                (None, Some(kept)) if kept != index => Reason::CopyOf { index: kept },
                (None, _) => continue,
            };
            set_aside.push(SetAside { index, reason });
        }
    }
    set_aside.sort_by_key(|entry| entry.index);
    set_aside
}

/// The sentences of [`super::SplitPlan::describe_set_aside`].
pub(super) fn describe(set_aside: &[SetAside], name: &dyn Fn(usize) -> String) -> Vec<String> {
    const SHOWN: usize = 3;
    let list = |shown: Vec<String>, count: usize| match count.saturating_sub(SHOWN) {
        0 => shown.join("; "),
        more => format!("{}; and {more} more", shown.join("; ")),
    };
    let mut sentences = Vec::new();
    let pictures = contradictory(set_aside);
    if !pictures.is_empty() {
        let pair = |(one, other): &(usize, usize)| format!("{} and {}", name(*one), name(*other));
        let shown = pictures.iter().take(SHOWN).map(pair).collect();
        let what = match pictures.len() {
            1 => "1 picture occurs with different labels and is set aside".to_owned(),
            many => format!("{many} pictures occur with different labels and are set aside"),
        };
        sentences.push(format!("{what}: {}", list(shown, pictures.len())));
    }
    let copies: Vec<(usize, usize)> = set_aside
        .iter()
        .filter_map(|entry| match entry.reason {
            Reason::CopyOf { index } => Some((entry.index, index)),
            Reason::Contradicts { .. } => None,
        })
        .collect();
    if !copies.is_empty() {
        let pair = |(copy, kept): &(usize, usize)| format!("{} of {}", name(*copy), name(*kept));
        let shown = copies.iter().take(SHOWN).map(pair).collect();
        let what = match copies.len() {
            1 => "1 image is a copy and is set aside".to_owned(),
            many => format!("{many} images are copies and are set aside"),
        };
        sentences.push(format!("{what}: {}", list(shown, copies.len())));
    }
    sentences
}

/// Pictures with different labels: for each, its first sample and the first with another label.
fn contradictory(set_aside: &[SetAside]) -> BTreeSet<(usize, usize)> {
    let others: BTreeMap<usize, usize> = set_aside
        .iter()
        .filter_map(|entry| match entry.reason {
            Reason::Contradicts { index } => Some((entry.index, index)),
            Reason::CopyOf { .. } => None,
        })
        .collect();
    // Each names the first sample with another label than its own, so that the first of all is
    // named by those or by the one that it names itself.
    let first = |(&index, &other): (&usize, &usize)| {
        let back = others.get(&other).copied().unwrap_or(index);
        index.min(other).min(back)
    };
    let firsts = others.iter().map(first);
    firsts
        .filter_map(|first| others.get(&first).map(|other| (first, *other)))
        .collect()
}
