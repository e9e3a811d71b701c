//! The same image twice: which copy is kept, and why the others are not.

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
