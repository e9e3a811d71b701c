//! Answers with a guarantee: sets or intervals that hold the truth as often as was asked.
//!
//! Split conformal prediction: images that were not learned from say how far the truth is from the
//! answers (their nonconformity scores), and the quantile of these, with the correction for their
//! number, is how far a set or an interval must reach. For images of the same kind the promise is
//! kept on average, whatever the network:
//!
//! | task | score | answer |
//! |---|---|---|
//! | multi-class, binary | 1 − probability of the true class | classes probable enough, at least the most probable |
//! | multi-label | 1 − least probability of a true label, 0 without one | labels probable enough: all true ones are among them |
//! | regression | distance from the true number, per target | an interval around each number |
//!
//! Sadinle, Lei and Wasserman, *Least ambiguous set-valued classifiers with bounded error levels*,
//! 2019, whose sets are the smallest that keep the promise; Lei, G'Sell, Rinaldo, Tibshirani and
//! Wasserman, *Distribution-free predictive inference for regression*, 2018; both as MAPIE has
//! them (`lac`, `absolute`), save that a set is never empty here.

use serde::{Deserialize, Serialize};

use crate::metrics::MetricError;
use crate::metrics::inputs::{continuous, exclusive, independent, index};
use crate::score::{classes, yes_or_no};
use crate::{Targets, Task, TaskKind};

/// More scores than these are thinned out; what is left out is rounded up, so the promise holds.
const KEPT: usize = 10_000;

/// The nonconformity scores of images that were not learned from, from which a set or an interval
/// for any coverage follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conformal {
    /// How many images gave a score.
    images: usize,
    /// Rising scores, at most 10,000: one list, for regression one per target.
    scores: Vec<Vec<f32>>,
}

/// How far sets or intervals reach for one coverage: one number, for regression one per target.
/// Infinite where there are too few images to promise so much.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// The coverage that was asked for.
    pub coverage: f64,
    /// See above.
    pub reach: Vec<f32>,
}

/// An answer with a guarantee.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Guaranteed {
    /// The classes or labels that may be true, the most probable first.
    Set {
        /// Their names.
        names: Vec<String>,
    },
    /// Where each number lies, in the task's order.
    Intervals {
        /// Lower and upper end; `None` where nothing can be promised.
        intervals: Vec<Option<[f32; 2]>>,
    },
}

/// What was seen on images that took no part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The coverage that was asked for.
    pub asked: f64,
    /// The share of answers that hold the truth; of several targets the mean over targets.
    pub seen: f64,
    /// On so many images.
    pub images: usize,
    /// Names in a set on average, or the width of an interval (of each target); `None` where
    /// nothing can be promised.
    pub size: Vec<Option<f64>>,
}

impl Conformal {
    /// The scores of outputs `[N, units]` on images that were not learned from.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn fit(task: &Task, outputs: &[f32], targets: &Targets) -> Result<Self, MetricError> {
        task.expect_columns(targets)?;
        let mut scores = task.nonconformity(outputs, targets)?;
        for scores in &mut scores {
            scores.sort_unstable_by(f32::total_cmp);
            *scores = thinned(scores);
        }
        Ok(Conformal {
            images: targets.rows(),
            scores,
        })
    }

    /// Scores from a file, if they are those of `task`: as many lists, sorted, none below 0.
    #[must_use]
    pub fn checked(self, task: &Task) -> Option<Self> {
        let lists = match task.kind() {
            TaskKind::Regression => task.units(),
            _ => 1,
        };
        let possible = |scores: &Vec<f32>| {
            scores.len() == self.images.min(KEPT)
                && scores.iter().all(|s| *s >= 0.0)
                && scores.is_sorted()
        };
        let fits = self.scores.len() == lists && self.scores.iter().all(possible);
        fits.then_some(self)
    }

    /// How many images the promise rests on.
    pub fn images(&self) -> usize {
        self.images
    }

    /// How far to reach for a coverage between 0 and 1: the score of rank
    /// `⌈(N + 1) · coverage⌉`, infinite where there are fewer.
    ///
    /// ```
    /// use finial_task::{Conformal, Targets, Task};
    /// let task = Task::regression(["length"])?;
    /// let targets = Targets::new(1, (0..19).map(|i| i as f32).collect());
    /// let conformal = Conformal::fit(&task, &[0.0; 19], &targets)?;
    /// assert_eq!(conformal.reach(0.9).reach, [17.0]); // rank 18 of 19
    /// assert!(conformal.reach(0.99).reach[0].is_infinite());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn reach(&self, coverage: f64) -> Reach {
        // Without the margin, 0.55 · 100 = 55.000000000000007 would have rank 56.
        let rank = ((self.images as f64 + 1.0) * coverage - 1e-9)
            .ceil()
            .max(1.0) as usize;
        let of = |scores: &Vec<f32>| match rank > self.images {
            true => f32::INFINITY,
            false => {
                let at = kept_index(rank, self.images, scores.len());
                scores.get(at).copied().unwrap_or(f32::INFINITY)
            }
        };
        Reach {
            coverage,
            reach: self.scores.iter().map(of).collect(),
        }
    }
}

/// Every so many of sorted scores, the last one always.
fn thinned(sorted: &[f32]) -> Vec<f32> {
    let (images, kept) = (sorted.len(), sorted.len().min(KEPT));
    let rank = |at: usize| ((at as u128 + 1) * images as u128).div_ceil(kept as u128) as usize;
    (0..kept).map(|at| sorted[rank(at) - 1]).collect()
}

/// Where, among the kept scores, the first of that rank or a higher one is.
fn kept_index(rank: usize, images: usize, kept: usize) -> usize {
    let rank = rank as u128 * kept as u128;
    (rank.div_ceil(images.max(1) as u128) as usize).saturating_sub(1)
}

impl Task {
    /// What one row of outputs (`[units]`) says with the guarantee of `reach`.
    pub fn guaranteed(&self, outputs: &[f32], reach: &Reach) -> Guaranteed {
        if self.kind() == TaskKind::Regression {
            let reaches = reach
                .reach
                .iter()
                .copied()
                .chain(std::iter::repeat(f32::INFINITY));
            let interval = |(&value, reach): (&f32, f32)| {
                reach.is_finite().then_some([value - reach, value + reach])
            };
            return Guaranteed::Intervals {
                intervals: outputs.iter().zip(reaches).map(interval).collect(),
            };
        }
        let probabilities = self.class_probabilities(outputs);
        let names = self.members(outputs, reach);
        let mut names: Vec<(f32, &String)> = names
            .into_iter()
            .filter_map(|at| Some((*probabilities.get(at)?, self.names().get(at)?)))
            .collect();
        names.sort_by(|a, b| b.0.total_cmp(&a.0));
        Guaranteed::Set {
            names: names.into_iter().map(|(_, name)| name.clone()).collect(),
        }
    }

    /// How often sets or intervals hold the truth on outputs `[N, units]`.
    ///
    /// # Errors
    /// As [`Task::score`].
    pub fn coverage(
        &self,
        outputs: &[f32],
        targets: &Targets,
        reach: &Reach,
    ) -> Result<Coverage, MetricError> {
        self.expect_columns(targets)?;
        let scores = self.nonconformity(outputs, targets)?;
        let images = targets.rows();
        let reaches = || reach.reach.iter().copied();
        if self.kind() == TaskKind::Regression {
            let held = scores.iter().zip(reaches());
            let held = held.map(|(scores, reach)| scores.iter().filter(|s| **s <= reach).count());
            let held: usize = held.sum();
            return Ok(Coverage {
                asked: reach.coverage,
                seen: held as f64 / (images * self.units()).max(1) as f64,
                images,
                size: reaches()
                    .map(|r| r.is_finite().then(|| 2.0 * f64::from(r)))
                    .collect(),
            });
        }
        let (mut held, mut size) = (0, 0);
        for (row, target) in outputs.chunks_exact(self.units()).zip(targets.iter()) {
            let members = self.members(row, reach);
            size += members.len();
            held += usize::from(match self.kind() {
                TaskKind::MultiLabel => (0..target.len())
                    .filter(|&label| target[label] > 0.5)
                    .all(|label| members.contains(&label)),
                _ => members
                    .iter()
                    .any(|&class| target.first() == Some(&(class as f32))),
            });
        }
        Ok(Coverage {
            asked: reach.coverage,
            seen: held as f64 / images.max(1) as f64,
            images,
            size: vec![Some(size as f64 / images.max(1) as f64)],
        })
    }

    /// The classes or labels of a set, by index.
    fn members(&self, outputs: &[f32], reach: &Reach) -> Vec<usize> {
        let reach = reach.reach.first().copied().unwrap_or(f32::INFINITY);
        let probabilities = self.class_probabilities(outputs);
        let mut members: Vec<usize> = (0..probabilities.len())
            .filter(|&at| 1.0 - probabilities[at] <= reach)
            .collect();
        if members.is_empty() && self.kind() != TaskKind::MultiLabel {
            let by_probability = |a: &usize, b: &usize| {
                probabilities[*a]
                    .total_cmp(&probabilities[*b])
                    .then(b.cmp(a))
            };
            members.extend((0..probabilities.len()).max_by(by_probability));
        }
        members
    }

    /// The nonconformity of each row: one list, for regression one per target.
    fn nonconformity(
        &self,
        outputs: &[f32],
        targets: &Targets,
    ) -> Result<Vec<Vec<f32>>, MetricError> {
        let units = self.units();
        let rows = outputs.chunks_exact(units);
        Ok(match self.kind() {
            TaskKind::MultiClass => {
                let truth = classes(targets)?;
                exclusive(outputs, &truth, units)?;
                let score = |(row, &class): (&[f32], &u32)| 1.0 - row[index(class)];
                vec![rows.zip(&truth).map(score).map(at_least_zero).collect()]
            }
            TaskKind::Binary => {
                let truth = yes_or_no(targets)?;
                independent(outputs, &truth, 1)?;
                // As the set computes it: 1 − (1 − p) is not p.
                let score = |(&p, &y): (&f32, &u8)| 1.0 - if y == 1 { p } else { 1.0 - p };
                vec![
                    outputs
                        .iter()
                        .zip(&truth)
                        .map(score)
                        .map(at_least_zero)
                        .collect(),
                ]
            }
            TaskKind::MultiLabel => {
                let truth = yes_or_no(targets)?;
                independent(outputs, &truth, units)?;
                let score = |(row, truth): (&[f32], &[u8])| {
                    let held = row.iter().zip(truth).filter(|(_, y)| **y == 1);
                    held.map(|(p, _)| 1.0 - p).fold(0.0, f32::max)
                };
                vec![rows.zip(truth.chunks_exact(units)).map(score).collect()]
            }
            TaskKind::Regression => {
                continuous(outputs, targets.values(), units)?;
                let column = |target: usize| {
                    let pairs = outputs.iter().zip(targets.values());
                    let pairs = pairs.skip(target).step_by(units);
                    pairs.map(|(value, truth)| (value - truth).abs()).collect()
                };
                (0..units).map(column).collect()
            }
        })
    }
}

/// A probability may be above 1 by a rounding.
fn at_least_zero(score: f32) -> f32 {
    score.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_classes_is_never_empty_and_of_labels_may_be() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let reach = Reach {
            coverage: 0.5,
            reach: vec![0.1],
        };
        let set = task.guaranteed(&[0.3, 0.4, 0.3], &reach);
        assert_eq!(
            set,
            Guaranteed::Set {
                names: vec!["b".into()]
            }
        );
        let task = Task::multi_label(["a", "b"]).unwrap();
        let set = task.guaranteed(&[0.3, 0.4], &reach);
        assert_eq!(set, Guaranteed::Set { names: vec![] });
    }

    #[test]
    fn too_few_images_promise_everything_or_nothing() {
        let task = Task::multi_class(["a", "b", "c"]).unwrap();
        let targets = Targets::new(1, vec![0.0]);
        let conformal = Conformal::fit(&task, &[0.8, 0.1, 0.1], &targets).unwrap();
        let set = task.guaranteed(&[0.2, 0.5, 0.3], &conformal.reach(0.9));
        let Guaranteed::Set { names } = set else {
            panic!("classes have sets");
        };
        assert_eq!(names, ["b", "c", "a"]);
        let task = Task::regression(["a"]).unwrap();
        let conformal = Conformal::fit(&task, &[0.8], &targets).unwrap();
        let found = task.guaranteed(&[0.2], &conformal.reach(0.9));
        assert_eq!(
            found,
            Guaranteed::Intervals {
                intervals: vec![None]
            }
        );
    }

    #[test]
    fn a_set_for_a_binary_task_holds_the_image_it_was_made_of() {
        let task = Task::binary("no", "yes").unwrap();
        let outputs: Vec<f32> = (0..101).map(|i| i as f32 / 101.0 + 1e-3).collect();
        let targets = Targets::new(1, (0..101).map(|i| (i % 2) as f32).collect());
        let conformal = Conformal::fit(&task, &outputs, &targets).unwrap();
        let seen = task
            .coverage(&outputs, &targets, &conformal.reach(0.9))
            .unwrap();
        assert!(seen.seen >= 0.9, "{seen:?}");
        let all = task
            .coverage(&outputs, &targets, &conformal.reach(1.0))
            .unwrap();
        assert_eq!((all.seen, all.size[0]), (1.0, Some(2.0)));
    }

    #[test]
    fn thinned_scores_never_reach_less_far() {
        let images = KEPT * 3 + 17;
        let all: Vec<f32> = (0..images).map(|i| i as f32).collect();
        let kept = thinned(&all);
        assert_eq!(kept.len(), KEPT);
        for rank in [1, 2, 3, 5000, images / 2, images - 1, images] {
            let found = kept[kept_index(rank, images, KEPT)];
            let exact = (rank - 1) as f32;
            assert!(found >= exact && found <= exact + 4.0, "{rank}: {found}");
        }
    }

    #[test]
    fn scores_of_another_task_are_refused() {
        let task = Task::regression(["a"]).unwrap();
        let two = Task::regression(["a", "b"]).unwrap();
        let targets = Targets::new(1, vec![1.0, 2.0]);
        let conformal = Conformal::fit(&task, &[0.8, 0.1], &targets).unwrap();
        assert!(conformal.clone().checked(&task).is_some());
        assert!(conformal.clone().checked(&two).is_none());
        let unsorted = Conformal {
            scores: vec![vec![2.0, 1.0]],
            ..conformal
        };
        assert!(unsorted.checked(&task).is_none());
    }

    #[test]
    fn all_labels_of_an_image_are_promised_together() {
        let task = Task::multi_label(["a", "b"]).unwrap();
        let targets = Targets::new(2, vec![1.0, 1.0, 0.0, 0.0]);
        let outputs = [0.75, 0.25, 0.5, 0.5];
        let conformal = Conformal::fit(&task, &outputs, &targets).unwrap();
        assert_eq!(conformal.scores, [[0.0, 0.75]]);
        let seen = task
            .coverage(&outputs, &targets, &conformal.reach(0.5))
            .unwrap();
        assert_eq!(seen.seen, 1.0);
    }
}
