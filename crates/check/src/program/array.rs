//! What is known of numbers that are fed to a network.

use ruff_text_size::TextRange;

use super::base::Preparation;

/// How labels are written down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Coding {
    Unknown,
    /// A class as a number, from `low` on.
    Integer {
        low: Option<i64>,
        classes: Option<usize>,
    },
    /// A class as a row with a single 1.
    OneHot {
        classes: Option<usize>,
    },
    /// Several yes or no in a row.
    MultiHot {
        labels: Option<usize>,
    },
    /// Numbers to be predicted as such, with their range where it is known.
    Continuous {
        low: Option<f64>,
        high: Option<f64>,
    },
}

/// How the numbers of an image are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// Not an image, or not known.
    Unknown,
    /// From 0 to 255.
    Bytes,
    /// From 0 to 1, or about 0.
    Scaled,
    /// Divided by 255 again: nearly black.
    ScaledTwice,
    /// As a published network wants it.
    Prepared(Preparation),
    /// As a published network wants it, then divided by 255.
    PreparedThenScaled,
}

/// An array, data frame or batch of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Array {
    pub coding: Coding,
    pub pixels: Pixels,
    /// The place that says so.
    pub at: TextRange,
}

impl Coding {
    /// Random whole numbers from `low` up to `high`, `high` left out, of a shape: classes if it is a
    /// column, several labels if they are rows of 0 and 1.
    pub fn random(low: i64, high: i64, shape: Shape) -> Self {
        match (shape, low, high) {
            (Shape::Column, ..) => Self::Integer {
                low: Some(low),
                classes: high
                    .checked_sub(low)
                    .and_then(|classes| usize::try_from(classes).ok()),
            },
            (Shape::Rows(labels), 0, 2) => Self::MultiHot {
                labels: Some(labels),
            },
            _ => Self::Unknown,
        }
    }
}

/// The shape of an array, as far as labels have one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One number a row.
    Column,
    /// Several numbers a row.
    Rows(usize),
    Unknown,
}

impl Array {
    /// Labels of a known coding.
    pub fn labels(coding: Coding, at: TextRange) -> Self {
        Self {
            coding,
            pixels: Pixels::Unknown,
            at,
        }
    }

    /// Pixels.
    pub fn images(pixels: Pixels, at: TextRange) -> Self {
        Self {
            coding: Coding::Unknown,
            pixels,
            at,
        }
    }

    /// The number of exclusive classes, if it is known.
    pub fn classes(&self) -> Option<usize> {
        match self.coding {
            Coding::Integer { classes, .. } | Coding::OneHot { classes } => classes,
            _ => None,
        }
    }

    /// Pixels multiplied by a number.
    pub fn scaled(&self, factor: f64) -> Self {
        let mut next = self.clone();
        let small = factor > 0.0 && factor < 0.02;
        next.pixels = match self.pixels {
            Pixels::Bytes if small => Pixels::Scaled,
            Pixels::Scaled if small => Pixels::ScaledTwice,
            _ => Pixels::Unknown,
        };
        next.coding = match self.coding {
            Coding::Continuous { low, high } if factor > 0.0 => Coding::Continuous {
                low: low.map(|low| low * factor),
                high: high.map(|high| high * factor),
            },
            _ => Coding::Unknown,
        };
        next
    }

    /// Numbers moved by a whole number.
    pub fn moved(&self, by: i64) -> Self {
        let mut next = self.clone();
        next.pixels = Pixels::Unknown;
        next.coding = match self.coding {
            Coding::Integer { low, classes } => Coding::Integer {
                low: low.and_then(|low| low.checked_add(by)),
                classes,
            },
            Coding::Continuous { low, high } => Coding::Continuous {
                low: low.map(|low| low + by as f64),
                high: high.map(|high| high + by as f64),
            },
            _ => Coding::Unknown,
        };
        next
    }
}
