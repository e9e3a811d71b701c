//! Buffers, and the memory that they share.
//!
//! A buffer holds one value of each image of a batch. Which buffers are needed at the same time is
//! known beforehand, so that those that are not lie in the same slot, whose memory is kept from
//! batch to batch.

use finial_kernels::Element;

/// A buffer, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Buffer(pub(super) usize);

/// Which slot each buffer lies in.
#[derive(Debug)]
pub(super) struct Layout {
    /// Numbers of one image, by buffer.
    lengths: Vec<usize>,
    /// By buffer.
    slots: Vec<usize>,
    /// Numbers of one image, by slot.
    sizes: Vec<usize>,
}

impl Layout {
    /// For buffers of these `lengths` for each image, and steps that each name the buffers that
    /// they use. What is in `kept` is there after the last step.
    pub(super) fn new(lengths: Vec<usize>, steps: &[Vec<Buffer>], kept: Buffer) -> Self {
        let mut last = vec![0; lengths.len()];
        for (at, used) in steps.iter().enumerate() {
            for buffer in used {
                last[buffer.0] = at;
            }
        }
        last[kept.0] = steps.len();
        let mut slots: Vec<Option<usize>> = vec![None; lengths.len()];
        let mut sizes: Vec<usize> = Vec::new();
        let mut free: Vec<usize> = Vec::new();
        for (at, used) in steps.iter().enumerate() {
            for buffer in used {
                if slots[buffer.0].is_none() {
                    slots[buffer.0] = Some(place(lengths[buffer.0], &mut free, &mut sizes));
                }
            }
            let mut ended: Vec<usize> = used
                .iter()
                .filter(|buffer| last[buffer.0] == at)
                .filter_map(|buffer| slots[buffer.0])
                .collect();
            ended.sort_unstable();
            ended.dedup();
            free.extend(ended);
        }
        Layout {
            lengths,
            // A buffer that no step uses holds nothing.
            slots: slots.into_iter().map(|slot| slot.unwrap_or(0)).collect(),
            sizes,
        }
    }
}

/// A free slot for `length` numbers: the smallest that holds them, else the largest, which grows,
/// else a new one.
fn place(length: usize, free: &mut Vec<usize>, sizes: &mut Vec<usize>) -> usize {
    let fits = free
        .iter()
        .enumerate()
        .filter(|(_, slot)| sizes[**slot] >= length);
    let best = fits.min_by_key(|(_, slot)| sizes[**slot]);
    let best = best.or_else(|| {
        free.iter()
            .enumerate()
            .max_by_key(|(_, slot)| sizes[**slot])
    });
    match best.map(|(at, _)| at) {
        Some(at) => {
            let slot = free.swap_remove(at);
            sizes[slot] = sizes[slot].max(length);
            slot
        }
        None => {
            sizes.push(length);
            sizes.len() - 1
        }
    }
}

/// Bytes of a cache line: vectors that begin on one cross none.
const LINE: usize = 64;

/// The slots, for batches of up to so many images.
#[derive(Debug)]
pub(super) struct Memory<T> {
    slots: Vec<Slot<T>>,
}

/// Numbers that begin on a cache line.
#[derive(Debug, Default)]
struct Slot<T> {
    numbers: Vec<T>,
    /// Where the cache line begins.
    begin: usize,
}

impl<T: Element> Slot<T> {
    /// Makes room for so many numbers; what it held is lost.
    fn reserve(&mut self, count: usize) {
        let spare = LINE / size_of::<T>();
        if self.numbers.len() < count + spare {
            self.numbers = vec![T::default(); count + spare];
            self.begin = self.numbers.as_ptr().align_offset(LINE).min(spare);
        }
    }

    fn len(&self) -> usize {
        self.numbers.len().saturating_sub(self.begin)
    }
}

impl<T: Element> Memory<T> {
    pub(super) fn new() -> Self {
        Memory { slots: Vec::new() }
    }
}

/// The memory during one batch.
pub(super) struct Batch<'a, T> {
    pub(super) images: usize,
    layout: &'a Layout,
    memory: &'a mut Memory<T>,
}

impl<'a, T: Element> Batch<'a, T> {
    /// Makes room for so many images.
    pub(super) fn new(images: usize, layout: &'a Layout, memory: &'a mut Memory<T>) -> Self {
        memory.slots.resize_with(layout.sizes.len(), Slot::default);
        for (slot, size) in memory.slots.iter_mut().zip(&layout.sizes) {
            slot.reserve(size * images);
        }
        Batch {
            images,
            layout,
            memory,
        }
    }

    /// Numbers of one image in a buffer.
    pub(super) fn length(&self, buffer: Buffer) -> usize {
        self.layout.lengths[buffer.0]
    }

    fn count(&self, buffer: Buffer) -> usize {
        self.length(buffer) * self.images
    }

    /// The numbers of a buffer that is not being [written](Self::write).
    pub(super) fn read(&self, buffer: Buffer) -> &[T] {
        let slot = &self.memory.slots[self.layout.slots[buffer.0]];
        &slot.numbers[slot.begin..][..self.count(buffer).min(slot.len())]
    }

    /// Lets `work` write a buffer while it reads others.
    pub(super) fn write<R>(
        &mut self,
        buffer: Buffer,
        work: impl FnOnce(&Self, &mut [T]) -> R,
    ) -> R {
        let slot = self.layout.slots[buffer.0];
        let mut taken = std::mem::take(&mut self.memory.slots[slot]);
        let count = self.count(buffer).min(taken.len());
        let result = work(self, &mut taken.numbers[taken.begin..][..count]);
        self.memory.slots[slot] = taken;
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_that_are_needed_together_lie_apart_and_others_share() {
        // A chain 0 → 1 → 2, where 0 is read again by the last step.
        let [a, b, c, d] = [0, 1, 2, 3].map(Buffer);
        let steps = [vec![a], vec![a, b], vec![b, c], vec![c, a, d]];
        let layout = Layout::new(vec![4, 2, 3, 1], &steps, d);
        assert_ne!(layout.slots[0], layout.slots[1]);
        assert_ne!(layout.slots[0], layout.slots[2]);
        assert_ne!(layout.slots[1], layout.slots[2]);
        assert_eq!(layout.slots[3], layout.slots[1]);
        assert_eq!(layout.sizes.iter().sum::<usize>(), 4 + 2 + 3);
    }
}
