//! Images with several labels, divided so that each label has its share on every side.
//!
//! Iterative stratification after Sechidis, Tsoumakas and Vlahavas, *On the Stratification of
//! Multi-label Data* (ECML PKDD 2011): the label with the fewest images left goes first, and each
//! of its images goes where that label is most wanted. Two things are added: a label wants at
//! least one image in test, and an image is moved afterwards where a label ended up without.

use std::collections::BTreeSet;

use super::largest_by;
use crate::Split;

const TRAIN: usize = 0;
const VALIDATION: usize = 1;
const TEST: usize = 2;

/// Assigns `samples`, given in the order in which they are dealt out. `sets` has the labels of
/// every sample of the data set, each below `labels`.
pub(super) fn divide(
    samples: &[usize],
    sets: &[Vec<u32>],
    labels: usize,
    fractions: [f64; 3],
    assignment: &mut [Option<Split>],
) {
    let mut deal = Deal::new(samples, sets, labels, fractions);
    while let Some((_, label)) = deal.queue.pop_first() {
        for &sample in &std::mem::take(&mut deal.with_label[label]) {
            if deal.split_of[sample].is_none() {
                let split = deal.most_wanted(Some(label));
                deal.assign(sample, split);
            }
        }
    }
    for &sample in samples {
        if deal.split_of[sample].is_none() {
            let split = deal.most_wanted(None);
            deal.assign(sample, split);
        }
    }
    deal.repair(samples);
    for &sample in samples {
        assignment[sample] = deal.split_of[sample].map(|split| Split::ALL[split]);
    }
}

struct Deal<'a> {
    sets: &'a [Vec<u32>],
    /// Splits that get anything.
    wanted: Vec<usize>,
    /// Samples that each split still wants.
    room: [f64; 3],
    /// Images of a label that each split still wants.
    room_of_label: Vec<[f64; 3]>,
    with_label: Vec<Vec<usize>>,
    /// Labels with unassigned images, by how many.
    queue: BTreeSet<(usize, usize)>,
    left: Vec<usize>,
    split_of: Vec<Option<usize>>,
    /// Samples in each split.
    totals: [usize; 3],
    /// Images of a label in each split.
    counts: Vec<[usize; 3]>,
}

impl<'a> Deal<'a> {
    fn new(samples: &[usize], sets: &'a [Vec<u32>], labels: usize, fractions: [f64; 3]) -> Self {
        let mut with_label = vec![Vec::new(); labels];
        for &sample in samples {
            for &label in &sets[sample] {
                with_label[label as usize].push(sample);
            }
        }
        let left: Vec<usize> = with_label.iter().map(Vec::len).collect();
        let share = |count: usize| fractions.map(|fraction| fraction * count as f64);
        let room_of_label = |&count: &usize| {
            let mut room = share(count);
            if count >= 2 && fractions[TEST] > 0.0 {
                room[TEST] = room[TEST].max(1.0);
            }
            room
        };
        let waiting = left
            .iter()
            .copied()
            .zip(0..)
            .filter(|(count, _)| *count > 0);
        Deal {
            sets,
            wanted: (0..3).filter(|&split| fractions[split] > 0.0).collect(),
            room: share(samples.len()),
            room_of_label: left.iter().map(room_of_label).collect(),
            queue: waiting.collect(),
            left,
            with_label,
            split_of: vec![None; sets.len()],
            totals: [0; 3],
            counts: vec![[0; 3]; labels],
        }
    }

    /// The split that wants a label most; among equals, the one that wants most samples.
    fn most_wanted(&self, label: Option<usize>) -> usize {
        let by_label = |split: usize| label.map_or(0.0, |label| self.room_of_label[label][split]);
        largest_by(&self.wanted, |split| (by_label(split), self.room[split])).unwrap_or(TRAIN)
    }

    fn assign(&mut self, sample: usize, split: usize) {
        self.split_of[sample] = Some(split);
        self.room[split] -= 1.0;
        self.totals[split] += 1;
        for &label in &self.sets[sample] {
            let label = label as usize;
            self.room_of_label[label][split] -= 1.0;
            self.counts[label][split] += 1;
            if self.queue.remove(&(self.left[label], label)) && self.left[label] > 1 {
                self.queue.insert((self.left[label] - 1, label));
            }
            self.left[label] -= 1;
        }
    }

    /// Moves single images to where a label, or all of them, are missing. Train comes first: what
    /// is not learnt need not be tested.
    fn repair(&mut self, samples: &[usize]) {
        for label in 0..self.counts.len() {
            for (to, givers) in [(TRAIN, [VALIDATION, TEST]), (TEST, [VALIDATION, TRAIN])] {
                if self.wanted.contains(&to) && self.counts[label][to] == 0 {
                    let has = |sample: usize| self.sets[sample].contains(&(label as u32));
                    self.relocate_first(samples, to, &givers, has);
                }
            }
        }
        for to in [TEST, VALIDATION] {
            if self.wanted.contains(&to) && self.totals[to] == 0 {
                self.relocate_first(samples, to, &[TRAIN], |_| true);
            }
        }
    }

    /// Moves the first sample that `fits` and that one of the `givers` can spare.
    fn relocate_first(
        &mut self,
        samples: &[usize],
        to: usize,
        givers: &[usize],
        fits: impl Fn(usize) -> bool,
    ) {
        let spared = givers.iter().find_map(|&from| {
            let spares = |sample: &usize| fits(*sample) && self.spares(from, *sample);
            samples.iter().copied().find(spares)
        });
        if let Some(sample) = spared {
            self.relocate(sample, to);
        }
    }

    /// Whether a sample is in a split that is left with others, and with others of each of its
    /// labels; validation may lose a label.
    fn spares(&self, from: usize, sample: usize) -> bool {
        let has_more = |label: &u32| self.counts[*label as usize][from] >= 2;
        self.split_of[sample] == Some(from)
            && self.totals[from] >= 2
            && (from == VALIDATION || self.sets[sample].iter().all(has_more))
    }

    fn relocate(&mut self, sample: usize, to: usize) {
        if let Some(from) = self.split_of[sample].replace(to) {
            self.totals[from] -= 1;
            self.totals[to] += 1;
            for &label in &self.sets[sample] {
                self.counts[label as usize][from] -= 1;
                self.counts[label as usize][to] += 1;
            }
        }
    }
}
