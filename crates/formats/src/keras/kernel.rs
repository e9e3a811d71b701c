//! How Keras's variables lie in memory, and how a graph's parameters do.
//!
//! Keras keeps a kernel as `[height, width, inputs, outputs]`, of a dense layer as
//! `[inputs, outputs]`, and of a depthwise convolution as `[height, width, channels, multiplier]`;
//! a graph keeps `[outputs, inputs, height, width]`, `[outputs, inputs]` and
//! `[channels · multiplier, 1, height, width]`. All other variables are vectors in both.

use std::io;

use finial_graph::Tensor;

use crate::FormatError;
use crate::hdf5::{Dataset, Take};

/// Rows that are turned at once, so that what is written lies together.
const TILE: usize = 64;
/// Outputs that are turned at once: what one read of a row brings into the cache.
const LINE: usize = 16;

/// A kernel of either: `places` of height and width, for each `inputs`, for each `outputs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    places: usize,
    inputs: usize,
    outputs: usize,
}

/// The shape in which a graph has a variable of Keras's shape `stored` as a parameter of shape
/// `own`; the variable's own shape if it is no such parameter.
pub(super) fn shape_in_graph(stored: &[usize], own: &[usize]) -> Vec<usize> {
    match Kernel::of(stored, own) {
        Some(_) => own.to_vec(),
        None => match *stored {
            [h, w, i, o] if own.len() == 4 => vec![o, i, h, w],
            [i, o] if own.len() == 2 => vec![o, i],
            _ => stored.to_vec(),
        },
    }
}

/// Whether a variable of Keras's shape `stored` can be a parameter of shape `own`.
pub(super) fn fits(stored: &[usize], own: &[usize]) -> bool {
    let long = |shape: &[usize]| -> Vec<usize> {
        let long = shape.iter().filter(|&&dim| dim != 1);
        long.copied().collect()
    };
    match own.len() {
        0 | 1 => long(stored) == long(own),
        _ => Kernel::of(stored, own).is_some(),
    }
}

/// Reads a variable as a parameter of shape `own`. What lies in the file in one piece is turned
/// on its way into memory, where it is only once.
pub(super) fn read(dataset: &Dataset, own: &[usize]) -> Result<Vec<f32>, FormatError> {
    if !fits(dataset.shape(), own) {
        let found = format!("{:?}", dataset.shape());
        let expected = format!("a variable that becomes {own:?}");
        return Err(FormatError::damaged(
            dataset.file(),
            dataset.path(),
            expected,
            found,
        ));
    }
    let turned = Kernel::of(dataset.shape(), own).filter(|kernel| !kernel.is_straight());
    let Some(kernel) = turned else {
        return dataset.read();
    };
    let mut values = Vec::new();
    dataset.read_pieces(kernel.outputs, &mut |first, piece| {
        if values.is_empty() {
            values = vec![0.0; dataset.count()];
        }
        kernel.turn(first, piece, &mut values);
    })?;
    Ok(values)
}

/// Hands over a parameter as a variable of Keras's shape `stored`, some rows at a time.
pub(super) fn give(tensor: &Tensor, stored: &[usize], take: &mut Take<'_>) -> io::Result<()> {
    let turned = Kernel::of(stored, tensor.shape()).filter(|kernel| !kernel.is_straight());
    let Some(kernel) = turned else {
        return take(tensor.values());
    };
    let rows = kernel.places * kernel.inputs;
    let mut tile = Vec::new();
    for first in (0..rows).step_by(TILE) {
        let count = TILE.min(rows - first);
        tile.clear();
        tile.resize(count * kernel.outputs, 0.0);
        for output in 0..kernel.outputs {
            for row in 0..count {
                let from = tensor.values().get(kernel.place(first + row, output));
                if let (Some(into), Some(from)) =
                    (tile.get_mut(row * kernel.outputs + output), from)
                {
                    *into = *from;
                }
            }
        }
        take(&tile)?;
    }
    Ok(())
}

impl Kernel {
    /// The kernel of Keras's shape `stored` that is a parameter of shape `own`; none if they do
    /// not belong together, or are no kernels.
    fn of(stored: &[usize], own: &[usize]) -> Option<Self> {
        let four = |shape: &[usize]| match *shape {
            [a, b, c, d] => Some([a, b, c, d]),
            [c, d] => Some([1, 1, c, d]),
            _ => None,
        };
        let [height, width, inputs, outputs] = four(stored)?;
        let [own_outputs, own_inputs, own_height, own_width] = match *own {
            [o, i, h, w] => [o, i, h, w],
            [o, i] => [o, i, 1, 1],
            _ => return None,
        };
        if [height, width] != [own_height, own_width] {
            return None;
        }
        let kernel = |inputs, outputs| Kernel {
            places: height * width,
            inputs,
            outputs,
        };
        if [outputs, inputs] == [own_outputs, own_inputs] {
            return Some(kernel(inputs, outputs));
        }
        // Of a depthwise convolution: each channel's outputs lie together in both.
        let channels = inputs.checked_mul(outputs)?;
        (own_inputs == 1 && channels == own_outputs).then(|| kernel(1, channels))
    }

    /// Whether it lies in both in the same order.
    fn is_straight(self) -> bool {
        self.outputs == 1 && (self.places == 1 || self.inputs == 1)
            || self.places * self.inputs == 1
    }

    /// Where a graph has an output of one of Keras's rows.
    fn place(self, row: usize, output: usize) -> usize {
        let (place, input) = (row / self.inputs, row % self.inputs);
        (output * self.inputs + input) * self.places + place
    }

    /// Puts whole rows of Keras's, the first of them row `first`, where a graph has them.
    fn turn(self, first: usize, rows: &[f32], into: &mut [f32]) {
        let stride = self.inputs * self.places;
        let mut block = [[0.0; TILE]; LINE];
        for (tile, rows) in rows.chunks(TILE * self.outputs).enumerate() {
            let first = first + tile * TILE;
            let count = rows.len() / self.outputs;
            let places: Vec<usize> = (first..first + count)
                .map(|row| self.place(row, 0))
                .collect();
            for start in (0..self.outputs).step_by(LINE) {
                for (at, row) in rows.chunks_exact(self.outputs).enumerate() {
                    let line = row.iter().skip(start).take(LINE);
                    for (turned, value) in block.iter_mut().zip(line) {
                        if let Some(turned) = turned.get_mut(at) {
                            *turned = *value;
                        }
                    }
                }
                let outputs = start..self.outputs.min(start + LINE);
                for (output, turned) in outputs.zip(&block) {
                    let Some(into) = into.get_mut(output * stride..(output + 1) * stride) else {
                        continue;
                    };
                    for (value, place) in turned.iter().zip(&places) {
                        if let Some(into) = into.get_mut(*place) {
                            *into = *value;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(tensor: &Tensor, stored: &[usize]) -> Vec<f32> {
        let mut values = Vec::new();
        let given = give(tensor, stored, &mut |piece| {
            values.extend_from_slice(piece);
            Ok(())
        });
        given.unwrap();
        values
    }

    fn turned(kernel: Kernel, values: &[f32]) -> Vec<f32> {
        let mut into = vec![0.0; values.len()];
        kernel.turn(0, values, &mut into);
        into
    }

    fn counted(count: usize) -> Vec<f32> {
        (0..count).map(|n| n as f32).collect()
    }

    #[test]
    fn a_kernel_lies_by_its_outputs() {
        let kernel = Kernel::of(&[2, 2, 3, 5], &[5, 3, 2, 2]).unwrap();
        let values = turned(kernel, &counted(60));
        // Output 4, input 2, row 1, column 0.
        assert_eq!(
            values[((4 * 3 + 2) * 2 + 1) * 2],
            2.0 * 15.0 + 2.0 * 5.0 + 4.0
        );
    }

    #[test]
    fn a_depthwise_kernel_lies_by_its_channels() {
        let kernel = Kernel::of(&[3, 3, 4, 2], &[8, 1, 3, 3]).unwrap();
        let values = turned(kernel, &counted(72));
        // Channel 3, multiplier 1, row 2, column 1.
        assert_eq!(values[7 * 9 + 2 * 3 + 1], (7 * 8 + 3 * 2 + 1) as f32);
    }

    #[test]
    fn what_is_turned_and_given_back_is_the_same() {
        for (stored, own) in [
            (vec![3, 2, 7, 40], vec![40, 7, 3, 2]),
            (vec![3, 3, 4, 2], vec![8, 1, 3, 3]),
            (vec![50, 33], vec![33, 50]),
            (vec![1, 1, 6, 4], vec![4, 6]),
            (vec![6, 4], vec![4, 6, 1, 1]),
            (vec![5, 1], vec![1, 5]),
            (vec![1, 5], vec![5, 1]),
        ] {
            let count = stored.iter().product();
            let kernel = Kernel::of(&stored, &own).unwrap();
            let values = turned(kernel, &counted(count));
            if kernel.is_straight() {
                assert_eq!(values, counted(count));
            }
            let tensor = Tensor::new("kernel", own, values).unwrap();
            assert_eq!(given(&tensor, &stored), counted(count));
        }
    }

    #[test]
    fn shapes_that_do_not_belong_together_are_told_as_a_graph_has_them() {
        assert_eq!(shape_in_graph(&[3, 3, 4, 8], &[9, 4, 3, 3]), [8, 4, 3, 3]);
        assert_eq!(shape_in_graph(&[10, 7], &[7, 12]), [7, 10]);
        assert_eq!(shape_in_graph(&[7], &[8]), [7]);
    }
}
