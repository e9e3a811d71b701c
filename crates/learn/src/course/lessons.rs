//! The examples of a training, read a batch at a time, and computed in parts.

use std::sync::mpsc::sync_channel;
use std::thread;

use finial_task::Targets;
use rayon::prelude::*;

use crate::LearnError;
use crate::feed::Feed;
use crate::loss::LossShape;

/// Parts of a step that are computed side by side.
pub(super) const SIDE_BY_SIDE: usize = 8;

/// Examples with their targets, as the loss takes them.
pub(crate) struct Lessons<'a> {
    pub feed: Feed<'a>,
    /// Which examples of the feed these are.
    pub rows: &'a [usize],
    /// One row for each of them, standardised for regression.
    pub targets: &'a Targets,
    /// How much each of them weighs.
    pub loss: &'a LossShape,
}

impl Lessons<'_> {
    /// Hands numbers and targets of the examples at these positions to `step`, a batch at a time,
    /// in order. While a step is computed, another thread reads the next batch.
    pub(super) fn each_batch(
        &self,
        positions: &[usize],
        batch: usize,
        epoch: usize,
        mut step: impl FnMut(Vec<f32>, Targets) -> Result<(), LearnError>,
    ) -> Result<(), LearnError> {
        let batch = batch.max(1);
        thread::scope(|scope| {
            let (sender, receiver) = sync_channel(1);
            scope.spawn(move || {
                for chunk in positions.chunks(batch) {
                    let rows: Vec<usize> = chunk.iter().map(|&p| self.rows[p]).collect();
                    let mut numbers = Vec::new();
                    let read = self.feed.gather(&rows, epoch, &mut numbers);
                    // Nobody receives any more once a step has failed.
                    if sender.send(read.map(|()| numbers)).is_err() {
                        break;
                    }
                }
            });
            for (chunk, read) in positions.chunks(batch).zip(receiver) {
                step(read?, self.targets.select(chunk))?;
            }
            Ok(())
        })
    }
}

/// Computes a step in parts, some of them side by side, and hands on what each gives in order.
pub(super) fn in_parts<T: Send>(
    numbers: &[f32],
    width: usize,
    rows: usize,
    part: usize,
    compute: impl Fn(usize, Vec<f32>, &[usize]) -> Result<T, LearnError> + Sync,
    mut done: impl FnMut(T) -> Result<(), LearnError>,
) -> Result<(), LearnError> {
    struct Part<'a> {
        at: usize,
        rows: &'a [usize],
        numbers: &'a [f32],
    }
    let all: Vec<usize> = (0..rows).collect();
    let rows = all.chunks(part.max(1));
    let numbers = numbers.chunks((part.max(1) * width).max(1));
    let parts = rows.zip(numbers).enumerate();
    let parts: Vec<Part> = parts
        .map(|(at, (rows, numbers))| Part { at, rows, numbers })
        .collect();
    let compute = |part: &Part| compute(part.at, part.numbers.to_vec(), part.rows);
    let at_once = rayon::current_num_threads().clamp(1, SIDE_BY_SIDE);
    for round in parts.chunks(at_once) {
        let computed: Vec<T> = match round {
            [one] => vec![compute(one)?],
            several => several.par_iter().map(compute).collect::<Result<_, _>>()?,
        };
        for one in computed {
            done(one)?;
        }
    }
    Ok(())
}
