//! The steps of one precision, in two stages, and how images go through them.
//!
//! A lane is a thread that takes a few images from the first step to the last. Through the first
//! stage, where maps are larger than weights, it takes them one by one, so that a map stays in its
//! core's cache from layer to layer; through the second, where weights are larger, together, so that
//! they are read less often. Lanes run side by side, and a thread that has none helps the others
//! within their layers.

use std::sync::{Mutex, PoisonError};

use finial_graph::{Graph, Shape, Weights};
use finial_kernels::{Element, Instructions, KernelError};
use rayon::prelude::*;

use super::lower::{Input, Lowered, lower};
use super::memory::{Batch, Buffer, Layout, Memory};
use super::step::Step;
use super::view::{View, order};
use crate::EngineError;

/// Images that a lane takes through the second stage together, at most.
const TOGETHER: usize = 4;
/// Lanes side by side, at most: they bound the memory.
const LANES: usize = 8;
/// Rounds in which a caller's images are best given.
const ROUNDS: usize = 2;

/// How many images keep all threads busy.
pub(super) fn images_at_once() -> usize {
    rayon::current_num_threads().min(LANES) * TOGETHER * ROUNDS
}

/// Steps of one precision, and memory for them.
#[derive(Debug)]
pub(super) struct Plan<T: Element> {
    input: Input,
    /// One image at a time, then some together.
    stages: [Stage<T>; 2],
    /// One for each lane at a time.
    memories: Mutex<Vec<[Memory<T>; 2]>>,
}

/// What running a plan depends on besides.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) input: Shape,
    pub(super) node: &'a str,
    pub(super) instructions: Instructions,
}

/// Steps over one memory.
#[derive(Debug)]
struct Stage<T: Element> {
    steps: Vec<Step<T>>,
    layout: Layout,
    /// What is read of an image, and what it gives.
    ends: [Buffer; 2],
}

impl<T: Element> Plan<T> {
    /// A graph lowered and divided.
    ///
    /// # Errors
    /// A layer that its kernel refuses.
    pub(super) fn new(
        graph: &Graph,
        weights: &Weights,
        instructions: Instructions,
    ) -> Result<Self, EngineError> {
        let lowered = lower::<T>(graph, weights, instructions)?;
        let (at, between) = division(&lowered);
        let Lowered {
            mut steps,
            lengths,
            input,
            output,
        } = lowered;
        let behind = steps.split_off(at);
        let stages = [
            Stage::new(steps, lengths.clone(), [input.buffer, between]),
            Stage::new(behind, lengths, [between, output]),
        ];
        Ok(Plan {
            input,
            stages,
            memories: Mutex::new(Vec::new()),
        })
    }

    /// Runs all values and writes a row of each to `outputs`; `enter` writes a value's numbers as
    /// the first step reads them.
    ///
    /// # Errors
    /// What a kernel refuses.
    pub(super) fn run<V: Copy + Sync>(
        &self,
        values: &[V],
        enter: impl Fn(&Self, V, &mut [T], Context) -> Result<(), EngineError> + Sync,
        context: Context,
        outputs: &mut [f32],
    ) -> Result<(), EngineError> {
        if values.is_empty() {
            return Ok(());
        }
        let row = outputs.len() / values.len();
        let lanes = rayon::current_num_threads().min(LANES).min(values.len());
        let together = values.len().div_ceil(lanes).min(TOGETHER);
        let rest = values
            .chunks(together)
            .zip(outputs.chunks_mut((together * row).max(1)));
        let rest = Mutex::new(rest);
        let lane = |_| {
            let mut memories = self.take_memories();
            loop {
                let next = rest.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some((values, outputs)) = next else { break };
                self.batch(values, &enter, context, &mut memories, outputs)?;
            }
            self.memories().push(memories);
            Ok(())
        };
        let lanes = (0..lanes).into_par_iter().with_max_len(1);
        // The scope is entered by a thread of the pool: from any other, every layer would wait for
        // one to wake.
        rayon::scope(|_| lanes.try_for_each(lane))
    }

    /// Runs some values together.
    fn batch<V: Copy>(
        &self,
        values: &[V],
        enter: impl Fn(&Self, V, &mut [T], Context) -> Result<(), EngineError>,
        context: Context,
        [single, several]: &mut [Memory<T>; 2],
        outputs: &mut [f32],
    ) -> Result<(), EngineError> {
        let refused = |source: KernelError| EngineError::Kernel {
            node: context.node.to_owned(),
            source,
        };
        let [first, second] = &self.stages;
        let mut together = Batch::new(values.len(), &second.layout, several);
        let between = second.ends[0];
        let length = together.length(between).max(1);
        for (at, &value) in values.iter().enumerate() {
            let mut alone = Batch::new(1, &first.layout, single);
            alone.write(first.ends[0], |_, numbers| {
                enter(self, value, numbers, context)
            })?;
            first
                .run(&mut alone, context.instructions)
                .map_err(refused)?;
            together.write(between, |_, numbers| {
                for to in numbers.chunks_exact_mut(length).skip(at).take(1) {
                    to.copy_from_slice(alone.read(first.ends[1]));
                }
            });
        }
        second
            .run(&mut together, context.instructions)
            .map_err(refused)?;
        let rows = together.read(second.ends[1]);
        for (to, value) in outputs.iter_mut().zip(rows) {
            *to = value.to_f32();
        }
        Ok(())
    }

    /// One image's bytes as the first step reads them.
    pub(super) fn enter_bytes(
        &self,
        image: &[u8],
        numbers: &mut [T],
        context: Context,
    ) -> Result<(), EngineError> {
        let (factors, offsets) = (&self.input.factors, &self.input.offsets);
        let done =
            finial_kernels::from_bytes(image, numbers, factors, offsets, context.instructions);
        done.map_err(|source| EngineError::Kernel {
            node: context.node.to_owned(),
            source,
        })
    }

    /// One value, row-major, as the first step reads it.
    pub(super) fn enter_numbers(
        &self,
        value: &[f32],
        numbers: &mut [T],
        context: Context,
    ) -> Result<(), EngineError> {
        let input = &self.input;
        let view = View::row_major(context.input.dims()).permuted(&order(context.input));
        let mut moved = vec![0.0; value.len()];
        view.gather(value, &mut moved);
        let channels = input.factors.len().max(1);
        for (place, numbers) in moved.chunks(channels).zip(numbers.chunks_mut(channels)) {
            let scaling = input.factors.iter().zip(&input.offsets);
            for ((to, x), (factor, offset)) in numbers.iter_mut().zip(place).zip(scaling) {
                *to = T::from_f32(x * factor + offset);
            }
        }
        Ok(())
    }

    fn memories(&self) -> std::sync::MutexGuard<'_, Vec<[Memory<T>; 2]>> {
        self.memories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_memories(&self) -> [Memory<T>; 2] {
        let kept = self.memories().pop();
        kept.unwrap_or_else(|| [Memory::new(), Memory::new()])
    }
}

impl<T: Element> Stage<T> {
    fn new(steps: Vec<Step<T>>, lengths: Vec<usize>, ends: [Buffer; 2]) -> Self {
        let mut used = vec![vec![ends[0]]];
        used.extend(steps.iter().map(Step::buffers));
        Stage {
            steps,
            layout: Layout::new(lengths, &used, ends[1]),
            ends,
        }
    }

    fn run(&self, batch: &mut Batch<'_, T>, instructions: Instructions) -> Result<(), KernelError> {
        let mut steps = self.steps.iter();
        steps.try_for_each(|step| step.run(batch, instructions))
    }
}

/// Before which step the second stage begins, and the one buffer that goes over: where what
/// follows has the most weights beyond the numbers in its maps.
fn division<T: Element>(lowered: &Lowered<T>) -> (usize, Buffer) {
    let steps = &lowered.steps;
    let mut from = vec![usize::MAX; lowered.lengths.len()];
    let mut until = vec![0; lowered.lengths.len()];
    from[lowered.input.buffer.0] = 0;
    for (at, step) in steps.iter().enumerate() {
        for Buffer(used) in step.buffers() {
            // Written by this step, it is there before the next.
            from[used] = from[used].min(at + 1);
            until[used] = at;
        }
    }
    until[lowered.output.0] = steps.len();
    let mut best = (steps.len(), lowered.output);
    let (mut gain, mut most) = (0i64, 0i64);
    for at in (0..steps.len()).rev() {
        let step = &steps[at];
        let maps: usize = step
            .buffers()
            .iter()
            .map(|used| lowered.lengths[used.0])
            .sum();
        gain += step.weights(&lowered.lengths) as i64 - maps as i64;
        let mut over = (0..from.len()).filter(|&buffer| from[buffer] <= at && at <= until[buffer]);
        if gain > most
            && let (Some(buffer), None) = (over.next(), over.next())
        {
            (best, most) = ((at, Buffer(buffer)), gain);
        }
    }
    best
}
