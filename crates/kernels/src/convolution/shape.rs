//! The shape of a convolution, and what can be known from it.

use crate::KernelError;

/// The shape of a convolution over channels-last images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvolutionShape {
    /// Height, width and channels of an image.
    pub input: [usize; 3],
    /// Channels of the output.
    pub filters: usize,
    /// Height and width of a filter.
    pub kernel: [usize; 2],
    /// Rows and columns from one place of the filter to the next.
    pub stride: [usize; 2],
    /// Zeros put around the image: top, bottom, left, right.
    pub padding: [usize; 4],
    /// Rows and columns from one weight of a filter to the next.
    pub dilation: [usize; 2],
    /// Parts that the channels and the filters are split into, each seeing only its own.
    pub groups: usize,
}

impl ConvolutionShape {
    /// A convolution of `filters` filters of 1 × 1 over images of `input` height, width and
    /// channels; change what is different.
    pub fn pointwise(input: [usize; 3], filters: usize) -> Self {
        Self {
            input,
            filters,
            kernel: [1, 1],
            stride: [1, 1],
            padding: [0; 4],
            dilation: [1, 1],
            groups: 1,
        }
    }

    /// Height, width and channels of the output.
    ///
    /// # Errors
    ///
    /// If the shape does not hold together.
    pub fn output(&self) -> Result<[usize; 3], KernelError> {
        let wrong = |what, expected, found| {
            Err(KernelError::WrongShape {
                what,
                expected,
                found,
            })
        };
        let positive = [
            ("height", self.input[0]),
            ("width", self.input[1]),
            ("channels", self.input[2]),
            ("filters", self.filters),
            ("kernel height", self.kernel[0]),
            ("kernel width", self.kernel[1]),
            ("vertical stride", self.stride[0]),
            ("horizontal stride", self.stride[1]),
            ("vertical dilation", self.dilation[0]),
            ("horizontal dilation", self.dilation[1]),
            ("groups", self.groups),
        ];
        for (what, found) in positive {
            if found == 0 {
                return wrong(what, "at least 1", found);
            }
        }
        if !self.input[2].is_multiple_of(self.groups) {
            return wrong("channels", "a multiple of the groups", self.input[2]);
        }
        if !self.filters.is_multiple_of(self.groups) {
            return wrong("filters", "a multiple of the groups", self.filters);
        }
        let large = || KernelError::TooLarge {
            what: "padded image",
        };
        let mut output = [0, 0, self.filters];
        for (axis, out) in output.iter_mut().take(2).enumerate() {
            let (before, after) = (self.padding[2 * axis], self.padding[2 * axis + 1]);
            let padded = self.input[axis]
                .checked_add(before)
                .and_then(|sum| sum.checked_add(after));
            let padded = padded
                .filter(|padded| *padded <= u32::MAX as usize)
                .ok_or_else(large)?;
            let span = (self.kernel[axis] - 1)
                .checked_mul(self.dilation[axis])
                .ok_or_else(large)?;
            if span >= padded {
                return wrong("padded image", "at least as large as the filter", padded);
            }
            *out = (padded - span - 1) / self.stride[axis] + 1;
        }
        let count = |of: &[usize]| {
            of.iter()
                .try_fold(1usize, |product, &n| product.checked_mul(n))
        };
        let limit = |of: &[usize], what| match count(of) {
            Some(count) if count <= (isize::MAX as usize) / 64 => Ok(()),
            _ => Err(KernelError::TooLarge { what }),
        };
        limit(&self.input, "input")?;
        limit(&output, "output")?;
        limit(
            &[self.filters, self.input[2], self.kernel[0], self.kernel[1]],
            "weights",
        )?;
        Ok(output)
    }

    /// Floating-point operations for one image, a product and its sum counted as two.
    pub fn operations(&self) -> usize {
        let [height, width, filters] = self.output_unchecked();
        2 * height * width * filters * self.taps() * (self.input[2] / self.groups)
    }

    /// Weights of all filters.
    pub fn weights(&self) -> usize {
        self.filters * (self.input[2] / self.groups) * self.taps()
    }

    /// Weights of a filter for one channel.
    pub(crate) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Whether every output reads the pixel at its own place and no other.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.taps() == 1 && self.stride == [1, 1] && self.padding == [0; 4] && self.groups == 1
    }

    /// Whether every channel has filters of its own, one each.
    pub(crate) fn is_depthwise(&self) -> bool {
        self.groups == self.input[2] && self.groups == self.filters && self.groups > 1
    }

    /// Numbers in an image.
    pub(crate) fn input_length(&self) -> usize {
        self.input.iter().product()
    }

    /// The output of a shape that [`Self::output`] has accepted.
    pub(crate) fn output_unchecked(&self) -> [usize; 3] {
        let along = |axis: usize| {
            let padded = self.input[axis] + self.padding[2 * axis] + self.padding[2 * axis + 1];
            (padded - (self.kernel[axis] - 1) * self.dilation[axis] - 1) / self.stride[axis] + 1
        };
        [along(0), along(1), self.filters]
    }
}
