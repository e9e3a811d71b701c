//! Which steps are joined into a block: a convolution or a dense layer, the zeros put around its map,
//! and the batch norm, the sum and the limits behind it, as far as nothing else reads what lies
//! between them. A pool and the zeros around its map are joined likewise.

use finial_graph::{Graph, Op};
use finial_kernels::Factors;

use super::{Read, Step, mark_last_reads};
use crate::layer::{Block, Layer};

/// The same steps with fewer values between them. A block stands where its last layer stood, so
/// that all it reads comes before it. The one that gives the output multiplies in full: it is small,
/// and what comes after it tells neighbouring numbers apart.
pub(super) fn joined(graph: &Graph, steps: Vec<Step>, factors: Factors) -> Vec<Step> {
    let mut readers = vec![Vec::new(); steps.len()];
    for (at, step) in steps.iter().enumerate() {
        for read in &step.reads {
            if let Some(of) = readers.get_mut(read.from) {
                of.push(at);
            }
        }
    }
    // What stands at a position now, and which of the old ones it makes up for.
    let mut blocks: Vec<Option<(Layer, Vec<usize>)>> = vec![None; steps.len()];
    let mut taken = vec![false; steps.len()];
    for start in 0..steps.len() {
        if taken[start] {
            continue;
        }
        let pool = || pool(&steps, &readers, &taken, start);
        let block = block(graph, &steps, &readers, &taken, start);
        let block = block.map(|(mut block, reads, last)| {
            if last + 1 < steps.len() {
                block.factors = factors;
            }
            (Layer::Block(Box::new(block)), reads, last)
        });
        let Some((layer, reads, last)) = block.or_else(pool) else {
            continue;
        };
        let mut at = start;
        taken[at] = true;
        while at != last {
            at = readers[at][0];
            taken[at] = true;
        }
        blocks[last] = Some((layer, reads));
    }
    let mut new_position = vec![0; steps.len()];
    let mut new = Vec::with_capacity(steps.len());
    for (at, (step, block)) in steps.into_iter().zip(blocks).enumerate() {
        let moved = |from: usize| Read {
            from: new_position[from],
            last: false,
        };
        let (layer, reads) = match block {
            Some((layer, reads)) => (layer, reads.into_iter().map(moved).collect()),
            None if taken[at] => continue,
            None => {
                let reads = step.reads.iter().map(|read| moved(read.from)).collect();
                (step.layer, reads)
            }
        };
        new_position[at] = new.len();
        new.push(Step {
            node: step.node,
            layer,
            reads,
        });
    }
    mark_last_reads(&mut new);
    new
}

/// The block that begins at a step, what it reads, and where it ends.
fn block(
    graph: &Graph,
    steps: &[Step],
    readers: &[Vec<usize>],
    taken: &[bool],
    start: usize,
) -> Option<(Block, Vec<usize>, usize)> {
    let (mut block, mut last) = match zeros_before(steps, readers, taken, start) {
        Some((zeros, next)) => (Block::padded(&steps[next].layer, zeros)?, next),
        None => (Block::begin(&steps[start].layer)?, start),
    };
    let mut reads: Vec<usize> = steps[start].reads.iter().map(|read| read.from).collect();
    while let [next] = readers[last][..]
        && !taken[next]
    {
        let others = steps[next].reads.iter().map(|read| read.from);
        let others: Vec<usize> = others.filter(|from| *from != last).collect();
        let shape = |at: usize| graph.shape_of(&steps[at].node).ok();
        let adds = others.len() == 1 && others.iter().all(|&other| shape(other) == shape(last));
        if !others.is_empty() && !adds || !block.take_in(&steps[next].layer, adds) {
            break;
        }
        reads.extend(others);
        last = next;
    }
    Some((block, reads, last))
}

/// The pool that begins at a step, with the zeros put around its map; what it reads, and where it
/// is.
fn pool(
    steps: &[Step],
    readers: &[Vec<usize>],
    taken: &[bool],
    start: usize,
) -> Option<(Layer, Vec<usize>, usize)> {
    let around = zeros_before(steps, readers, taken, start);
    let (zeros, at) = around.unwrap_or(([(0, 0); 2], start));
    let Layer::Pool(pool) = &steps[at].layer else {
        return None;
    };
    let reads = steps[start].reads.iter().map(|read| read.from);
    Some((Layer::Pool(Box::new(pool.own(zeros)?)), reads.collect(), at))
}

/// The zeros that a step puts around a map, (top, bottom), (left, right), and the only step that
/// reads it.
fn zeros_before(
    steps: &[Step],
    readers: &[Vec<usize>],
    taken: &[bool],
    start: usize,
) -> Option<([(usize, usize); 2], usize)> {
    match (&steps[start].layer, &readers[start][..]) {
        (
            &Layer::Plain(Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            }),
            &[next],
        ) if !taken[next] => Some(([(top, bottom), (left, right)], next)),
        _ => None,
    }
}
