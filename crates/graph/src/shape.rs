//! Shapes, and the padding that decides how a convolution changes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Numbers that one value or the parameters of one node may hold: 2²⁸, a gibibyte in single
/// precision. Larger ones are a damaged or a hostile file.
pub(crate) const MOST_NUMBERS: usize = 1 << 28;

/// The shape of one image's value: `[C, H, W]` for a map, `[F]` for a vector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shape {
    /// Channels, height, width.
    Map([usize; 3]),
    /// Features.
    Vector([usize; 1]),
}

impl Shape {
    /// How many numbers it holds. Exact for every shape of a graph, which holds at most 2²⁸;
    /// `usize::MAX` for a shape of more numbers than can be counted.
    pub fn len(self) -> usize {
        match self {
            Shape::Map([c, h, w]) => c.saturating_mul(h).saturating_mul(w),
            Shape::Vector([f]) => f,
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.dims().contains(&0)
    }

    /// Channels of a map, features of a vector.
    pub fn channels(self) -> usize {
        match self {
            Shape::Map([c, _, _]) => c,
            Shape::Vector([f]) => f,
        }
    }

    fn dims(&self) -> &[usize] {
        match self {
            Shape::Map(dims) => dims,
            Shape::Vector(dims) => dims,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims())
    }
}

/// What surrounds a map before a kernel slides over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Padding {
    /// As TensorFlow pads: the output is `ceil(input / stride)`, and an odd number of rows or
    /// columns puts the larger half at the bottom and right.
    Same,
    /// These rows and columns of zeros.
    Explicit {
        /// Above.
        top: usize,
        /// Below.
        bottom: usize,
        /// Left.
        left: usize,
        /// Right.
        right: usize,
    },
}

impl Padding {
    /// `[(top, bottom), (left, right)]` for a map of `size` (height, width).
    pub fn resolve(
        self,
        size: [usize; 2],
        kernel: [usize; 2],
        stride: [usize; 2],
    ) -> [(usize, usize); 2] {
        match self {
            Padding::Same => [0, 1].map(|axis| {
                let output = size[axis].div_ceil(stride[axis].max(1));
                let steps = output.saturating_sub(1).saturating_mul(stride[axis]);
                let reach = steps.saturating_add(kernel[axis]);
                let total = reach.saturating_sub(size[axis]);
                (total / 2, total - total / 2)
            }),
            Padding::Explicit {
                top,
                bottom,
                left,
                right,
            } => [(top, bottom), (left, right)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_padding_puts_the_larger_half_at_the_bottom_and_right() {
        // TensorFlow: 224 with kernel 3, stride 2 gives 112 and pads one row, at the bottom.
        let padded = Padding::Same.resolve([224, 224], [3, 3], [2, 2]);
        assert_eq!(padded, [(0, 1), (0, 1)]);
        let padded = Padding::Same.resolve([7, 7], [5, 5], [1, 1]);
        assert_eq!(padded, [(2, 2), (2, 2)]);
    }

    #[test]
    fn a_count_of_numbers_never_wraps() {
        assert_eq!(Shape::Map([1 << 32, 1 << 31, 2]).len(), usize::MAX);
        assert!(Shape::Map([usize::MAX, 2, 0]).is_empty());
    }
}
