//! Shapes, and the padding that decides how a convolution changes them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Numbers that one value or the parameters of one node may hold: 2²⁸, a gibibyte in single
/// precision. Larger ones are a damaged or a hostile file.
pub(crate) const MOST_NUMBERS: usize = 1 << 28;

/// The shape of one image's value: `[C, H, W]` for a map, `[F]` for a vector, `[T, D]` for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Shape {
    /// Channels, height, width.
    Map([usize; 3]),
    /// Features.
    Vector([usize; 1]),
    /// Tokens, features of each.
    Tokens([usize; 2]),
    /// Any four axes: what passes between the reshapes of an imported network.
    Stack([usize; 4]),
}

impl Shape {
    /// How many numbers it holds. Exact for every shape of a graph, which holds at most 2²⁸;
    /// `usize::MAX` for a shape of more numbers than can be counted.
    pub fn len(self) -> usize {
        self.dims()
            .iter()
            .fold(1, |count: usize, &dim| count.saturating_mul(dim))
    }

    /// Whether it holds nothing.
    pub fn is_empty(self) -> bool {
        self.dims().contains(&0)
    }

    /// Channels of a map, features of a vector or of each token: the first axis of a map, the
    /// last one of every other shape.
    pub fn channels(self) -> usize {
        self.dims()[self.channel_axis()]
    }

    /// The axis of [`channels`](Self::channels).
    pub fn channel_axis(self) -> usize {
        match self {
            Shape::Map(_) | Shape::Vector(_) => 0,
            Shape::Tokens(_) => 1,
            Shape::Stack(_) => 3,
        }
    }

    /// The axes, one to four.
    pub fn dims(&self) -> &[usize] {
        match self {
            Shape::Map(dims) => dims,
            Shape::Vector(dims) => dims,
            Shape::Tokens(dims) => dims,
            Shape::Stack(dims) => dims,
        }
    }

    /// The shape of these axes; none of no axes or more than four.
    pub fn of(dims: &[usize]) -> Option<Self> {
        match *dims {
            [f] => Some(Shape::Vector([f])),
            [t, d] => Some(Shape::Tokens([t, d])),
            [c, h, w] => Some(Shape::Map([c, h, w])),
            [a, b, c, d] => Some(Shape::Stack([a, b, c, d])),
            _ => None,
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

/// How many rows and columns a kernel spans whose numbers stand `dilation` apart.
pub fn reach(kernel: [usize; 2], dilation: [usize; 2]) -> [usize; 2] {
    [0, 1].map(|axis| {
        let gaps = kernel[axis].saturating_sub(1);
        gaps.saturating_mul(dilation[axis]).saturating_add(1)
    })
}

impl Padding {
    /// No padding: TensorFlow's "valid".
    pub const NONE: Padding = Padding::around(0, 0);

    /// So many rows above and below, columns left and right: PyTorch's `padding=(rows, columns)`.
    pub const fn around(rows: usize, columns: usize) -> Self {
        Padding::Explicit {
            top: rows,
            bottom: rows,
            left: columns,
            right: columns,
        }
    }

    /// `[(top, bottom), (left, right)]` for a map of `size` (height, width) and a kernel that
    /// spans `kernel` rows and columns ([`reach`] says how many if it is dilated).
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
