//! Work over the threads of the pool that it is called in.

use std::ops::Range;

use rayon::prelude::*;

/// Elementary operations below which waking another thread costs more than it saves.
const LEAST: usize = 1 << 16;
/// Pieces for each thread, so that one that is held up does not hold up all.
const PIECES: usize = 4;

/// Cuts `output` into pieces of whole rows of `row` numbers and calls `work` with the first row
/// and the numbers of each. A row takes about `cost` elementary operations.
pub(crate) fn rows<T: Send>(
    output: &mut [T],
    row: usize,
    cost: usize,
    work: impl Fn(usize, &mut [T]) + Sync,
) {
    let row = row.max(1);
    let rows = output.len() / row;
    let threads = rayon::current_num_threads();
    let worth = rows.saturating_mul(cost) / LEAST + 1;
    let pieces = match threads {
        1 => 1,
        threads => rows.min(worth).min(threads * PIECES),
    };
    if pieces <= 1 {
        return work(0, output);
    }
    let per = rows.div_ceil(pieces);
    output
        .par_chunks_mut(per * row)
        .enumerate()
        .for_each(|(piece, output)| work(piece * per, output));
}

/// Calls `work` for each of some blocks and all panels, side by side. Where blocks are fewer than
/// `enough` tasks, each is a task for several runs of the panels, though each prepares the block
/// again.
pub(crate) fn blocks(
    blocks: usize,
    panels: usize,
    enough: usize,
    work: impl Fn(usize, Range<usize>) + Sync,
) {
    if panels == 0 {
        return;
    }
    let splits = enough.div_ceil(blocks.max(1)).clamp(1, panels);
    (0..blocks * splits)
        .into_par_iter()
        .with_max_len(1)
        .for_each(|task| {
            let (split, block) = (task % splits, task / splits);
            let [from, to] = [split, split + 1].map(|at| at * panels / splits);
            work(block, from..to);
        });
}
