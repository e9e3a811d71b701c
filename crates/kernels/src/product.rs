//! Products of two matrices that are both inputs, and the attention that is made of them.
//!
//! Both work in `f32` whatever the element: they are a small part of a network's time. Layers
//! whose one factor is a weight are [`crate::Dense`].

use rayon::prelude::*;

use crate::convolution::check_length;
use crate::lanes::{Lanes, Work, dispatch};
use crate::norm::exponentiate;
use crate::{Element, Instructions, KernelError};

/// Queries that are looked at together.
const QUERIES: usize = 32;

/// Products of pairs of matrices: `[rows, depth]` with `[depth, columns]`, or with
/// `[columns, depth]` if the second is `transposed`. As many pairs as `output` has room for.
///
/// # Errors
///
/// If a slice has another length than that, or the machine lacks the instructions.
pub fn multiply<T: Element>(
    [rows, depth, columns]: [usize; 3],
    transposed: bool,
    first: &[T],
    second: &[T],
    output: &mut [T],
    instructions: Instructions,
) -> Result<(), KernelError> {
    let extents = [rows, depth, columns];
    T::multiply(extents, transposed, first, second, output, instructions)
}

pub(crate) fn compute_product<T: Element>(
    [rows, depth, columns]: [usize; 3],
    transposed: bool,
    first: &[T],
    second: &[T],
    output: &mut [T],
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    let sizes = [rows * depth, depth * columns, rows * columns].map(|size| size.max(1));
    let count = output.len() / sizes[2];
    check_length("output", count * sizes[2], output.len())?;
    check_length("first", count * sizes[0], first.len())?;
    check_length("second", count * sizes[1], second.len())?;
    let pairs = first.par_chunks(sizes[0]).zip(second.par_chunks(sizes[1]));
    let all = output.par_chunks_mut(sizes[2]).zip(pairs);
    all.for_each(|(output, (first, second))| {
        let first: Vec<f32> = first.iter().map(|value| value.to_f32()).collect();
        let second = match transposed {
            true => transpose(second, depth, columns, depth),
            false => second.iter().map(|value| value.to_f32()).collect(),
        };
        let mut product = vec![0.0; rows * columns];
        let work = Product {
            first: Matrix::new(&first, depth),
            second: Matrix::new(&second, columns),
            output: &mut product,
            extents: [rows, depth, columns],
        };
        // SAFETY: the machine has the instructions.
        unsafe { dispatch(instructions, work) };
        for (to, value) in output.iter_mut().zip(product) {
            *to = T::from_f32(value);
        }
    });
    Ok(())
}

/// Self-attention between `tokens` of `width` numbers: from queries, keys and values
/// `[images, tokens, 3 × width]` to `[images, tokens, width]`, each part divided into `heads`;
/// scores are scaled by 1/√(width / heads).
///
/// # Errors
///
/// If a slice has another length than that, the heads do not divide the width, or the machine
/// lacks the instructions.
pub fn attend<T: Element>(
    [tokens, width, heads]: [usize; 3],
    input: &[T],
    output: &mut [T],
    instructions: Instructions,
) -> Result<(), KernelError> {
    T::attend([tokens, width, heads], input, output, instructions)
}

pub(crate) fn compute_attention<T: Element>(
    [tokens, width, heads]: [usize; 3],
    input: &[T],
    output: &mut [T],
    instructions: Instructions,
) -> Result<(), KernelError> {
    let instructions = instructions.checked()?;
    if heads == 0 || width == 0 || !width.is_multiple_of(heads) {
        return Err(KernelError::WrongShape {
            what: "heads",
            expected: "a divisor of the width",
            found: heads,
        });
    }
    let size = (tokens * width).max(1);
    let images = output.len() / size;
    check_length("output", images * size, output.len())?;
    check_length("input", images * size * 3, input.len())?;
    let depth = width / heads;
    // A head's outputs lie apart, so each is made in a place of its own first.
    let made: Vec<Vec<f32>> = (0..images * heads)
        .into_par_iter()
        .map(|at| {
            let (image, head) = (at / heads, at % heads);
            let image = &input[image * size * 3..][..size * 3];
            let mut output = vec![0.0; tokens * depth];
            let work = Head {
                image,
                extents: [tokens, width, depth],
                head,
                output: &mut output,
            };
            // SAFETY: the machine has the instructions.
            unsafe { dispatch(instructions, work) };
            output
        })
        .collect();
    output
        .par_chunks_mut(width)
        .enumerate()
        .for_each(|(row, output)| {
            let (image, token) = (row / tokens, row % tokens);
            for (head, output) in output.chunks_exact_mut(depth).enumerate() {
                let from = &made[image * heads + head][token * depth..][..depth];
                for (to, value) in output.iter_mut().zip(from) {
                    *to = T::from_f32(*value);
                }
            }
        });
    Ok(())
}

/// `rows` rows of `columns` numbers, `pitch` apart, as columns.
fn transpose<T: Element>(from: &[T], pitch: usize, rows: usize, columns: usize) -> Vec<f32> {
    let mut to = vec![0.0; rows * columns];
    for (row, from) in from.chunks(pitch).take(rows).enumerate() {
        for (column, value) in from.iter().take(columns).enumerate() {
            to[column * rows + row] = value.to_f32();
        }
    }
    to
}

/// One head of one image.
struct Head<'a, T> {
    image: &'a [T],
    /// Tokens, width, width of a head.
    extents: [usize; 3],
    head: usize,
    output: &'a mut [f32],
}

impl<T: Element> Work for Head<'_, T> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let [tokens, width, depth] = self.extents;
        let part = |which: usize| &self.image[which * width + self.head * depth..];
        let rows = |which: usize| {
            let rows = part(which).chunks(3 * width);
            rows.flat_map(|row| row.iter().take(depth))
                .map(|value| value.to_f32())
        };
        let queries: Vec<f32> = rows(0).collect();
        let keys = transpose(part(1), 3 * width, tokens, depth);
        let values: Vec<f32> = rows(2).collect();
        let scale = 1.0 / (depth as f32).sqrt();
        let mut scores = vec![0.0; QUERIES * tokens];
        let blocks = queries.chunks(QUERIES * depth);
        for (queries, output) in blocks.zip(self.output.chunks_mut(QUERIES * depth)) {
            let count = queries.len() / depth;
            let scores = &mut scores[..count * tokens];
            // SAFETY: as the caller says, here and below.
            unsafe {
                Product {
                    first: Matrix::new(queries, depth),
                    second: Matrix::new(&keys, tokens),
                    output: scores,
                    extents: [count, depth, tokens],
                }
                .run::<V>();
            }
            let mut factors = [0.0; QUERIES];
            for (scores, factor) in scores.chunks_exact_mut(tokens).zip(&mut factors) {
                // SAFETY: see above.
                *factor = unsafe { exponentiate::<V>(scores, scale) };
            }
            // SAFETY: see above.
            unsafe {
                Product {
                    first: Matrix::new(scores, tokens),
                    second: Matrix::new(&values, depth),
                    output,
                    extents: [count, tokens, depth],
                }
                .run::<V>();
            }
            for (output, factor) in output.chunks_exact_mut(depth).zip(factors) {
                for value in output {
                    *value *= factor;
                }
            }
        }
    }
}

/// Numbers in rows.
#[derive(Clone, Copy)]
struct Matrix<'a> {
    numbers: &'a [f32],
    pitch: usize,
}

impl<'a> Matrix<'a> {
    fn new(numbers: &'a [f32], pitch: usize) -> Self {
        Self { numbers, pitch }
    }
}

/// `[rows, depth] × [depth, columns]`, contiguous.
struct Product<'a> {
    first: Matrix<'a>,
    second: Matrix<'a>,
    output: &'a mut [f32],
    extents: [usize; 3],
}

impl Work for Product<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Lanes>(self) {
        let [rows, depth, columns] = self.extents;
        assert!(self.first.numbers.len() >= rows * depth);
        assert!(self.second.numbers.len() >= depth * columns);
        assert!(self.output.len() >= rows * columns);
        let tile = Tile {
            first: self.first.numbers.as_ptr(),
            second: self.second.numbers.as_ptr(),
            output: self.output.as_mut_ptr(),
            depth,
            pitches: [self.first.pitch, self.second.pitch, columns],
        };
        // Columns outside, so that a strip of the second stays in the first cache.
        for column in (0..columns).step_by(2 * V::COUNT) {
            let left = columns - column;
            for row in (0..rows).step_by(4) {
                // SAFETY: tiles lie within the matrices, whose lengths were checked.
                unsafe {
                    let tile = tile.at(row, column);
                    match (rows - row, left >= 2 * V::COUNT) {
                        (4.., true) => tile.of::<V, 4, 2>(V::COUNT),
                        (left_rows, _) => {
                            for row in 0..left_rows.min(4) {
                                let tile = tile.at(row, 0);
                                tile.of::<V, 1, 1>(left.min(V::COUNT));
                                if left > V::COUNT {
                                    let count = (left - V::COUNT).min(V::COUNT);
                                    tile.at(0, V::COUNT).of::<V, 1, 1>(count);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Sums that stay in registers.
#[derive(Clone, Copy)]
struct Tile {
    first: *const f32,
    second: *const f32,
    output: *mut f32,
    depth: usize,
    pitches: [usize; 3],
}

impl Tile {
    /// The tile so many rows and columns further on.
    #[inline(always)]
    unsafe fn at(self, row: usize, column: usize) -> Self {
        // SAFETY: the caller stays within the matrices.
        unsafe {
            Self {
                first: self.first.add(row * self.pitches[0]),
                second: self.second.add(column),
                output: self.output.add(row * self.pitches[2] + column),
                ..self
            }
        }
    }

    /// `ROWS` rows of `ACROSS` vectors, the last of `count` numbers.
    #[inline(always)]
    unsafe fn of<V: Lanes, const ROWS: usize, const ACROSS: usize>(self, count: usize) {
        let count_of = |across: usize| match across + 1 == ACROSS {
            true => count,
            false => V::COUNT,
        };
        // SAFETY: the caller gives a tile within the matrices.
        unsafe {
            let mut sums = [[V::splat(0.0); ACROSS]; ROWS];
            for depth in 0..self.depth {
                let mut second = [V::splat(0.0); ACROSS];
                for (across, second) in second.iter_mut().enumerate() {
                    let from = self.second.add(depth * self.pitches[1] + across * V::COUNT);
                    *second = V::load_some(from, count_of(across));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let first = V::splat(*self.first.add(row * self.pitches[0] + depth));
                    for (sum, second) in sums.iter_mut().zip(second) {
                        *sum = sum.add_product(first, second);
                    }
                }
            }
            for (row, sums) in sums.into_iter().enumerate() {
                for (across, sum) in sums.into_iter().enumerate() {
                    let to = self.output.add(row * self.pitches[2] + across * V::COUNT);
                    sum.store_some(to, count_of(across));
                }
            }
        }
    }
}
