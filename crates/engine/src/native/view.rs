//! How a value lies in its buffer.
//!
//! Maps lie channels-last, every other value row-major. Reordering and reshaping change nothing
//! but the view, as long as the result can be said with one stride for each axis; numbers are moved
//! only where an operation needs them in their place.

use finial_graph::Shape;

/// Axes of a value and how far apart their places lie in one image's part of a buffer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    axes: Vec<Axis>,
    offset: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Axis {
    size: usize,
    stride: usize,
}

/// The axes in the order in which they lie in memory, the slowest first.
pub(super) fn order(shape: Shape) -> Vec<usize> {
    match shape {
        Shape::Map(_) => vec![1, 2, 0],
        other => (0..other.dims().len()).collect(),
    }
}

impl View {
    /// As operations read and write values of that shape.
    pub(super) fn stored(shape: Shape) -> Self {
        let order = order(shape);
        let dims: Vec<usize> = order.iter().map(|&axis| shape.dims()[axis]).collect();
        let moved = View::row_major(&dims);
        let mut axes = moved.axes.clone();
        for (axis, to) in moved.axes.iter().zip(&order) {
            axes[*to] = *axis;
        }
        View { axes, offset: 0 }
    }

    /// The last axis fastest.
    pub(super) fn row_major(dims: &[usize]) -> Self {
        let mut stride = 1;
        let mut axes: Vec<Axis> = Vec::with_capacity(dims.len());
        for &size in dims.iter().rev() {
            axes.push(Axis { size, stride });
            stride *= size;
        }
        axes.reverse();
        View { axes, offset: 0 }
    }

    /// Whether both say the same: axes of one place have no stride.
    pub(super) fn is(&self, other: &View) -> bool {
        let alike =
            |(a, b): (&Axis, &Axis)| a.size == b.size && (a.size == 1 || a.stride == b.stride);
        self.offset == other.offset
            && self.axes.len() == other.axes.len()
            && self.axes.iter().zip(&other.axes).all(alike)
    }

    /// Axis `i` of the result is axis `axes[i]`.
    pub(super) fn permuted(&self, axes: &[usize]) -> Self {
        View {
            axes: axes.iter().map(|&axis| self.axes[axis]).collect(),
            offset: self.offset,
        }
    }

    /// Places `start` to `end` of an axis.
    pub(super) fn sliced(&self, axis: usize, start: usize, end: usize) -> Self {
        let mut view = self.clone();
        if let Some(axis) = view.axes.get_mut(axis) {
            view.offset += start * axis.stride;
            axis.size = end - start;
        }
        view
    }

    /// The same numbers in row-major order under other axes; none if they have no one stride.
    pub(super) fn reshaped(&self, dims: &[usize]) -> Option<Self> {
        let mut old = self.axes.iter().filter(|axis| axis.size != 1).peekable();
        let mut axes = vec![Axis { size: 1, stride: 0 }; dims.len()];
        let mut new = (0..dims.len()).filter(|&at| dims[at] != 1).peekable();
        while old.peek().is_some() || new.peek().is_some() {
            // The fewest axes on both sides that hold as many numbers.
            let mut group = vec![*old.next()?];
            let mut members = vec![new.next()?];
            let mut sizes = [group[0].size, dims[members[0]]];
            while sizes[0] != sizes[1] {
                if sizes[0] < sizes[1] {
                    let axis = *old.next()?;
                    let last = group.last()?;
                    if last.stride != axis.size * axis.stride {
                        return None;
                    }
                    group.push(axis);
                    sizes[0] *= axis.size;
                } else {
                    let at = new.next()?;
                    sizes[1] *= dims[at];
                    members.push(at);
                }
            }
            let mut stride = group.last()?.stride;
            for &at in members.iter().rev() {
                axes[at] = Axis {
                    size: dims[at],
                    stride,
                };
                stride *= dims[at];
            }
        }
        Some(View {
            axes,
            offset: self.offset,
        })
    }

    /// Copies the numbers of one image, row-major.
    pub(super) fn gather<T: Copy>(&self, from: &[T], to: &mut [T]) {
        // Always four axes, the missing ones of one place.
        let mut axes = [Axis { size: 1, stride: 0 }; 4];
        for (to, axis) in axes.iter_mut().rev().zip(self.axes.iter().rev()) {
            *to = *axis;
        }
        let [a, b, c, d] = axes;
        let mut rows = to.chunks_exact_mut(d.size.max(1));
        for i in 0..a.size {
            for j in 0..b.size {
                for k in 0..c.size {
                    let start = self.offset + i * a.stride + j * b.stride + k * c.stride;
                    let Some(row) = rows.next() else { return };
                    if d.stride == 1 {
                        row.copy_from_slice(&from[start..][..d.size]);
                    } else {
                        for (at, to) in row.iter_mut().enumerate() {
                            *to = from[start + at * d.stride];
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

    fn gathered(view: &View, count: usize) -> Vec<usize> {
        let from: Vec<usize> = (0..count).collect();
        let mut to = vec![0; view.axes.iter().map(|axis| axis.size).product()];
        view.gather(&from, &mut to);
        to
    }

    #[test]
    fn a_map_lies_channels_last() {
        let map = View::stored(Shape::Map([2, 1, 3]));
        // Row-major by channels: the first channel's places, then the second one's.
        assert_eq!(gathered(&map, 6), [0, 2, 4, 1, 3, 5]);
    }

    #[test]
    fn patches_become_tokens_without_a_copy() {
        let map = View::stored(Shape::Map([8, 3, 5]));
        let tokens = map.reshaped(&[8, 15]).unwrap().permuted(&[1, 0]);
        assert!(tokens.is(&View::stored(Shape::Tokens([15, 8]))));
    }

    #[test]
    fn what_has_no_one_stride_is_not_reshaped() {
        let map = View::stored(Shape::Map([2, 3, 5]));
        assert_eq!(map.reshaped(&[30]), None);
        assert!(View::row_major(&[2, 3, 5]).reshaped(&[30]).is_some());
        let one = View::stored(Shape::Map([7, 1, 1]));
        assert!(one.reshaped(&[7]).unwrap().is(&View::row_major(&[7])));
        assert!(one.reshaped(&[1, 7]).is_some());
    }

    #[test]
    fn a_slice_begins_further_on() {
        let tokens = View::stored(Shape::Tokens([3, 2])).sliced(0, 1, 2);
        assert_eq!(gathered(&tokens, 6), [2, 3]);
        let across = View::stored(Shape::Tokens([3, 2])).sliced(1, 1, 2);
        assert_eq!(gathered(&across, 6), [1, 3, 5]);
    }
}
