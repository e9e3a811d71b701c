//! The rows of the matrix product that a convolution is: for each pixel of the output, the
//! numbers under the filter.
//!
//! Only a block of pixels at a time is gathered, into memory that stays in the cache; the whole
//! matrix is never made.

use super::ConvolutionShape;
use crate::Element;
use crate::vector::{Kernel, Vector};

/// How a block lies: `[parts, rows, pitch]`. Numbers are bf16 where the vector is of pairs, and
/// `f32` elsewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Numbers of a row in a part; the last part may hold fewer.
    pub part: usize,
    /// `f32` from one row to the next; a pair of bf16 counts as one.
    pub pitch: usize,
    /// Numbers of a row in all parts; what the depth does not fill is zero.
    pub depth: usize,
}

/// Gathers the pixels `first..first + rows` of the output, counted over all images.
pub(super) struct Gather<'a, T> {
    pub shape: &'a ConvolutionShape,
    pub layout: Layout,
    pub input: &'a [T],
    pub group: usize,
    pub first: usize,
    pub rows: usize,
    pub block: &'a mut [f32],
}

impl<T: Element> Kernel for Gather<'_, T> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let shape = self.shape;
        let [height, width, channels] = shape.input;
        let [out_height, out_width, _] = shape.output_unchecked();
        let [kernel_height, kernel_width] = shape.kernel;
        let of_group = channels / shape.groups;
        let whole_rows = shape.groups == 1 && shape.dilation[1] == 1;
        let Layout { part, pitch, depth } = self.layout;
        let plain = whole_rows && depth <= part;
        assert!(depth >= of_group * shape.taps());
        assert!(self.block.len() >= depth.div_ceil(part) * self.rows * pitch);
        assert!(pitch >= part.div_ceil(if V::PAIRS { 2 } else { 1 }));
        let mut column = self.first % out_width;
        let mut line = self.first / out_width % out_height;
        let mut image = self.first / out_width / out_height * height;
        for row in 0..self.rows {
            let mut cursor = Cursor {
                to: self.block[row * pitch..].as_mut_ptr(),
                at: 0,
                part,
                next: self.rows * pitch,
            };
            let x = (column * shape.stride[1]).wrapping_sub(shape.padding[2]);
            // Most pixels of a layer with few channels: short runs, none cut off at a side.
            let plain = plain && x < width && x + kernel_width <= width;
            for down in 0..if plain { kernel_height } else { 0 } {
                let y = (line * shape.stride[0] + down * shape.dilation[0])
                    .wrapping_sub(shape.padding[0]);
                let run = kernel_width * channels;
                // SAFETY: the row's only part has room for `kernel_height` runs; the input has
                // all channels of `kernel_width` pixels from this one on, since its length was
                // checked.
                unsafe {
                    let to = cursor.to.cast::<u8>().add(down * run * size::<V>());
                    if y < height {
                        let at = ((image + y) * width + x) * channels;
                        copy_numbers::<V, T>(self.input.as_ptr().add(at), to, run);
                    } else {
                        to.write_bytes(0, run * size::<V>());
                    }
                }
                cursor.at += run;
            }
            for down in 0..if plain { 0 } else { kernel_height } {
                let y = (line * shape.stride[0] + down * shape.dilation[0])
                    .wrapping_sub(shape.padding[0]);
                let x = x as isize;
                // SAFETY: the cursor moves over `depth` numbers of its row, which the block has.
                unsafe {
                    if y >= height {
                        cursor.zeros::<V>(kernel_width * of_group);
                    } else if whole_rows {
                        let line =
                            &self.input[(image + y) * width * channels..][..width * channels];
                        let inside = |x: isize| x.clamp(0, width as isize) as usize;
                        let (from, to) = (inside(x), inside(x + kernel_width as isize));
                        let before = (from as isize - x).clamp(0, kernel_width as isize) as usize;
                        cursor.zeros::<V>(before * channels);
                        cursor.copy::<V, T>(&line[from * channels..to * channels]);
                        cursor.zeros::<V>((kernel_width - before - (to - from)) * channels);
                    } else {
                        let from = (image + y) * width * channels + self.group * of_group;
                        for across in 0..kernel_width {
                            let x = x + (across * shape.dilation[1]) as isize;
                            if x < 0 || x >= width as isize {
                                cursor.zeros::<V>(of_group);
                            } else {
                                let at = from + x as usize * channels;
                                cursor.copy::<V, T>(&self.input[at..at + of_group]);
                            }
                        }
                    }
                }
            }
            // SAFETY: as above.
            unsafe { cursor.zeros::<V>(depth - of_group * shape.taps()) };
            column += 1;
            if column == out_width {
                (column, line) = (0, line + 1);
            }
            if line == out_height {
                (line, image) = (0, image + height);
            }
        }
    }
}

/// A place in a row of a block, which lies in parts.
struct Cursor {
    /// The row in this part.
    to: *mut f32,
    /// Numbers written to this part.
    at: usize,
    /// Numbers that a part holds.
    part: usize,
    /// `f32` from this part to the next.
    next: usize,
}

impl Cursor {
    /// Room for as many of `count` numbers as this part, or the next if it is full, can hold.
    #[inline(always)]
    unsafe fn room<V: Vector>(&mut self, count: usize) -> (*mut u8, usize) {
        if self.at == self.part {
            self.at = 0;
            // SAFETY: the caller writes no more than the block's depth, so there is a next part.
            self.to = unsafe { self.to.add(self.next) };
        }
        // SAFETY: it lies in the part.
        let to = unsafe { self.to.cast::<u8>().add(self.at * size::<V>()) };
        let count = count.min(self.part - self.at);
        self.at += count;
        (to, count)
    }

    #[inline(always)]
    unsafe fn copy<V: Vector, T: Element>(&mut self, mut from: &[T]) {
        while !from.is_empty() {
            // SAFETY: `room` gives room for as many.
            unsafe {
                let (to, count) = self.room::<V>(from.len());
                let (now, later) = from.split_at_unchecked(count);
                copy_numbers::<V, T>(now.as_ptr(), to, count);
                from = later;
            }
        }
    }

    #[inline(always)]
    unsafe fn zeros<V: Vector>(&mut self, mut count: usize) {
        while count > 0 {
            // SAFETY: `room` gives room for as many; zero bits are the number zero.
            unsafe {
                let (to, now) = self.room::<V>(count);
                to.write_bytes(0, now * size::<V>());
                count -= now;
            }
        }
    }
}

/// Bytes of a block's number.
const fn size<V: Vector>() -> usize {
    if V::PAIRS { 2 } else { 4 }
}

/// Copies `count` numbers to a block, in the block's type.
#[inline(always)]
pub(super) unsafe fn copy_numbers<V: Vector, T: Element>(
    from: *const T,
    to: *mut u8,
    count: usize,
) {
    // SAFETY: the caller gives `count` numbers on both sides, which do not overlap; those of a block
    // are aligned.
    unsafe {
        if size_of::<T>() == size::<V>() {
            return copy_bytes::<V>(from.cast(), to, count * size::<V>());
        }
        let from = std::slice::from_raw_parts(from, count);
        if V::PAIRS {
            V::narrow(from.as_ptr().cast(), to.cast(), count);
        } else {
            let to = std::slice::from_raw_parts_mut(to.cast::<f32>(), count);
            for (to, from) in to.iter_mut().zip(from) {
                *to = from.to_f32();
            }
        }
    }
}

/// Copies by whole vectors, the last of which may overlap the one before it: runs are short, and
/// a call would take as long.
#[inline(always)]
pub(crate) unsafe fn copy_bytes<V: Vector>(from: *const u8, to: *mut u8, count: usize) {
    let vector = 4 * V::WIDTH;
    // SAFETY: the caller gives `count` bytes on both sides, which do not overlap.
    unsafe {
        if count < vector {
            return match count {
                32.. => copy_ends::<[u8; 32]>(from, to, count),
                16.. => copy_ends::<[u8; 16]>(from, to, count),
                8.. => copy_ends::<[u8; 8]>(from, to, count),
                4.. => copy_ends::<[u8; 4]>(from, to, count),
                2.. => copy_ends::<[u8; 2]>(from, to, count),
                _ => {}
            };
        }
        let mut at = 0;
        while at + vector <= count {
            V::load(from.add(at).cast()).store(to.add(at).cast());
            at += vector;
        }
        if at < count {
            V::load(from.add(count - vector).cast()).store(to.add(count - vector).cast());
        }
    }
}

/// Copies the first and the last of `count` bytes, at least one `N` and at most two.
#[inline(always)]
unsafe fn copy_ends<N: Copy>(from: *const u8, to: *mut u8, count: usize) {
    // SAFETY: the caller gives `count` bytes on both sides; reads and writes ask for no alignment.
    unsafe {
        let last = count - size_of::<N>();
        to.cast::<N>()
            .write_unaligned(from.cast::<N>().read_unaligned());
        to.add(last)
            .cast::<N>()
            .write_unaligned(from.add(last).cast::<N>().read_unaligned());
    }
}
