//! What an operation takes: its settings, the shapes of its inputs, and the shape it gives.
//!
//! A graph may come from a file that anyone wrote. Whatever passes here can be run: no count of
//! numbers wraps, no value is empty, and every setting is one that the operation is defined for.

use crate::shape::MOST_NUMBERS;
use crate::shape::reach;
use crate::{GraphError, Op, Padding, Shape};

/// Rows or columns of a kernel, of a stride and of padding.
const LARGEST_EXTENT: usize = 4096;
/// Numbers that one output of a convolution may be computed from: engines gather them for a few
/// hundred outputs at a time.
const LARGEST_KERNEL: usize = 1 << 20;

/// Why an operation cannot stand where it does.
#[derive(Debug)]
pub(crate) enum Fault {
    /// A setting out of its range.
    Setting { expected: String, found: String },
    /// An input, or the result, of a shape it cannot have.
    Shape { expected: String, found: Shape },
    /// More numbers than a node may hold.
    Size { what: &'static str, found: String },
}

impl Fault {
    /// The fault as one of that node.
    pub(crate) fn of(self, node: &str, op: &Op) -> GraphError {
        let (node, op) = (node.to_owned(), op.name());
        match self {
            Fault::Setting { expected, found } => GraphError::Setting {
                node,
                op,
                expected,
                found,
            },
            Fault::Shape { expected, found } => GraphError::WrongShape {
                node,
                op,
                expected,
                found,
            },
            Fault::Size { what, found } => GraphError::TooLarge {
                node,
                op,
                what,
                most: MOST_NUMBERS,
                found,
            },
        }
    }
}

fn setting<T>(expected: impl Into<String>, found: impl ToString) -> Result<T, Fault> {
    Err(Fault::Setting {
        expected: expected.into(),
        found: found.to_string(),
    })
}

fn shape<T>(expected: impl Into<String>, found: Shape) -> Result<T, Fault> {
    Err(Fault::Shape {
        expected: expected.into(),
        found,
    })
}

/// Every dimension at least 1, and no more numbers than a value may hold.
pub(crate) fn check_shape(value: Shape) -> Result<Shape, Fault> {
    if value.is_empty() {
        return shape("dimensions of at least 1", value);
    }
    if value.len() > MOST_NUMBERS {
        return Err(Fault::Size {
            what: "its value",
            found: value.to_string(),
        });
    }
    Ok(value)
}

impl Op {
    /// Checks the settings, those that do not depend on the input.
    pub(crate) fn check_settings(&self) -> Result<(), Fault> {
        match self {
            Op::Rescale { scale, offset } => {
                if scale.len() != offset.len() {
                    let found = format!("{} and {}", scale.len(), offset.len());
                    return setting("as many scales as offsets", found);
                }
                match scale.iter().chain(offset).find(|v| !v.is_finite()) {
                    Some(number) => setting("scales and offsets that are finite", number),
                    None => Ok(()),
                }
            }
            Op::Conv2d {
                filters,
                kernel,
                stride,
                padding,
                dilation,
                groups,
                ..
            } => {
                check_window(*kernel, *stride, *padding)?;
                check_extent("dilation", *dilation)?;
                if *filters == 0 {
                    return setting("at least 1 filter", filters);
                }
                if *groups == 0 {
                    return setting("at least 1 group", groups);
                }
                if !filters.is_multiple_of(*groups) {
                    return setting(format!("filters that divide into {groups} groups"), filters);
                }
                Ok(())
            }
            Op::MaxPool {
                kernel,
                stride,
                padding,
            }
            | Op::AveragePool {
                kernel,
                stride,
                padding,
                ..
            } => {
                check_window(*kernel, *stride, *padding)?;
                // Every window then holds at least one number that is there.
                match *padding {
                    Padding::Explicit {
                        top,
                        bottom,
                        left,
                        right,
                    } if top.max(bottom) >= kernel[0] || left.max(right) >= kernel[1] => {
                        let found = format!("{:?}", [top, bottom, left, right]);
                        setting(format!("padding smaller than the window {kernel:?}"), found)
                    }
                    _ => Ok(()),
                }
            }
            Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            } => check_padding([*top, *bottom, *left, *right]),
            Op::BatchNorm { epsilon, .. } | Op::LayerNorm { epsilon } => {
                // It is added in single precision, where a smaller one is zero.
                let single = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
                if single.contains(epsilon) {
                    Ok(())
                } else {
                    setting("an epsilon above 0, finite in single precision", epsilon)
                }
            }
            Op::LocalResponseNorm {
                size,
                alpha,
                beta,
                bias,
            } => {
                check_extent("size", [*size; 2])?;
                finite("alpha", *alpha)?;
                finite("beta", *beta)?;
                match *bias > 0.0 && *alpha >= 0.0 {
                    true => finite("bias", *bias),
                    false => setting("a bias above 0 and an alpha of at least 0", bias),
                }
            }
            Op::Clamp { low, high } => match low <= high {
                true => Ok(()),
                false => setting("a low end below the high end", format!("{low} and {high}")),
            },
            Op::LeakyRelu { slope } => finite("slope", *slope),
            Op::Elu { alpha } => finite("alpha", *alpha),
            Op::HardSigmoid { slope, offset } => {
                finite("slope", *slope)?;
                finite("offset", *offset)
            }
            Op::FakeQuantize {
                scale,
                zero_point,
                low,
                high,
            } => {
                finite("zero point", *zero_point)?;
                finite("lowest step", *low)?;
                finite("highest step", *high)?;
                let single = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
                match single.contains(scale) && low < high {
                    true => Ok(()),
                    false => setting("a scale above 0 and a low end below the high end", scale),
                }
            }
            Op::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                setting("a rate of at least 0 and below 1", rate)
            }
            Op::Dense { units: 0 } => setting("at least 1 unit", 0),
            Op::Attention { heads: 0 } => setting("at least 1 head", 0),
            Op::Slice { start, end, .. } if start >= end => {
                setting("a start before the end", format!("{start} and {end}"))
            }
            _ => Ok(()),
        }
    }

    /// The shape it gives for the shapes it gets, as many as its arity admits.
    pub(crate) fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Fault> {
        let x = match (self, inputs.first()) {
            (Op::Input { shape }, _) => return check_shape(*shape),
            (_, Some(first)) => check_shape(*first)?,
            (_, None) => return setting("an input", "none"),
        };
        let second = inputs.get(1).copied().unwrap_or(x);
        let given = match self {
            Op::Rescale { scale, .. } if scale.len() != x.channels() => {
                return shape(format!("{} channels", scale.len()), x);
            }
            Op::Conv2d { .. } => self.convolved(map(x)?)?,
            Op::MaxPool {
                kernel,
                stride,
                padding,
            }
            | Op::AveragePool {
                kernel,
                stride,
                padding,
                ..
            } => {
                let [c, h, w] = map(x)?;
                let [h, w] = slid([c, h, w], *kernel, *stride, *padding, [1, 1])?;
                Shape::Map([c, h, w])
            }
            Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            } => {
                let [c, h, w] = map(x)?;
                Shape::Map([c, sum([h, *top, *bottom]), sum([w, *left, *right])])
            }
            Op::ReverseChannels => Shape::Map(map(x)?),
            Op::LocalResponseNorm { size, .. } => {
                let [c, h, w] = map(x)?;
                within("its padded input", Shape::Map([sum([c, *size, 0]), h, w]))?;
                x
            }
            Op::Dense { units } => match x {
                Shape::Vector(_) => Shape::Vector([*units]),
                Shape::Tokens([t, _]) => Shape::Tokens([t, *units]),
                _ => {
                    return shape(
                        "a vector [F] or tokens [T, D]; pool or flatten a map first",
                        x,
                    );
                }
            },
            Op::Attention { heads } => {
                let [t, d] = tokens(x)?;
                if !d.is_multiple_of(*heads) {
                    return shape(format!("features that divide into {heads} heads"), x);
                }
                within("its scores", Shape::Map([*heads, t, t]))?;
                within("its queries, keys and values", Shape::Map([3, t, d]))?;
                x
            }
            Op::ClassToken => {
                let [t, d] = tokens(x)?;
                Shape::Tokens([sum([t, 1, 0]), d])
            }
            Op::Add | Op::Multiply => {
                let c = x.channels();
                let per_channel = match (x, second) {
                    (_, Shape::Vector([n])) => n == c,
                    (Shape::Map(_), Shape::Map([n, 1, 1])) => n == c,
                    _ => false,
                };
                if second != x && !per_channel {
                    let expected = format!("a second input of shape {x}, or of {c} channels");
                    return shape(expected, second);
                }
                x
            }
            Op::Concat { axis } => joined(inputs, x, *axis)?,
            Op::MatMul { transposed } => multiplied(x, second, *transposed)?,
            Op::GlobalAveragePool | Op::GlobalMaxPool => match x {
                Shape::Map([c, _, _]) => Shape::Vector([c]),
                Shape::Tokens([_, d]) => Shape::Vector([d]),
                _ => return shape("a map [C, H, W] or tokens [T, D]", x),
            },
            Op::Flatten { .. } => Shape::Vector([x.len()]),
            Op::Reshape { shape: to } => {
                if to.len() != x.len() {
                    return shape(format!("{} numbers for {to}", to.len()), x);
                }
                *to
            }
            Op::Permute { axes } => permuted(x, axes)?,
            Op::Slice { axis, start, end } => {
                let mut dims = x.dims().to_vec();
                match dims.get_mut(*axis) {
                    Some(dim) if *end <= *dim => *dim = end.saturating_sub(*start),
                    _ => return shape(format!("at least {end} places along axis {axis}"), x),
                }
                of(&dims, x)?
            }
            Op::Input { .. }
            | Op::Identity
            | Op::Rescale { .. }
            | Op::Normalize
            | Op::PositionEmbedding
            | Op::LayerScale
            | Op::BatchNorm { .. }
            | Op::LayerNorm { .. }
            | Op::Relu
            | Op::Relu6
            | Op::Clamp { .. }
            | Op::LeakyRelu { .. }
            | Op::PRelu
            | Op::Elu { .. }
            | Op::Sigmoid
            | Op::HardSigmoid { .. }
            | Op::Silu
            | Op::HardSwish
            | Op::Gelu { .. }
            | Op::Tanh
            | Op::Softplus
            | Op::FakeQuantize { .. }
            | Op::Softmax
            | Op::Dropout { .. } => x,
        };
        self.check_parameters(x)?;
        check_shape(given)
    }

    /// The map that a convolution makes of a map.
    fn convolved(&self, input: [usize; 3]) -> Result<Shape, Fault> {
        let Op::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            ..
        } = self
        else {
            return Ok(Shape::Map(input));
        };
        let channels = input[0];
        if !channels.is_multiple_of(*groups) {
            let expected = format!("channels that divide into {groups} groups");
            return shape(expected, Shape::Map(input));
        }
        let reach = Shape::Map([channels / (*groups).max(1), kernel[0], kernel[1]]);
        if reach.len() > LARGEST_KERNEL {
            return setting(
                format!("kernels of at most {LARGEST_KERNEL} numbers"),
                reach,
            );
        }
        let [h, w] = slid(input, *kernel, *stride, *padding, *dilation)?;
        Ok(Shape::Map([*filters, h, w]))
    }

    /// No more parameters than a node may hold.
    fn check_parameters(&self, input: Shape) -> Result<(), Fault> {
        let owned = self.parameters("", input);
        let count = |dims: &[usize]| dims.iter().try_fold(1usize, |n, &dim| n.checked_mul(dim));
        let total = owned
            .iter()
            .try_fold(0usize, |sum, p| sum.checked_add(count(&p.shape)?));
        if total.is_some_and(|total| total <= MOST_NUMBERS) {
            return Ok(());
        }
        let shapes: Vec<String> = owned.iter().map(|p| format!("{:?}", p.shape)).collect();
        Err(Fault::Size {
            what: "its parameters",
            found: shapes.join(" and "),
        })
    }
}

fn check_window(kernel: [usize; 2], stride: [usize; 2], padding: Padding) -> Result<(), Fault> {
    check_extent("kernel", kernel)?;
    check_extent("stride", stride)?;
    match padding {
        Padding::Same => Ok(()),
        Padding::Explicit {
            top,
            bottom,
            left,
            right,
        } => check_padding([top, bottom, left, right]),
    }
}

fn check_extent(what: &str, pair: [usize; 2]) -> Result<(), Fault> {
    if pair.iter().all(|n| (1..=LARGEST_EXTENT).contains(n)) {
        return Ok(());
    }
    let found = format!("{pair:?}");
    setting(format!("a {what} from 1 to {LARGEST_EXTENT}"), found)
}

fn check_padding(sides: [usize; 4]) -> Result<(), Fault> {
    if sides.iter().all(|&n| n <= LARGEST_EXTENT) {
        return Ok(());
    }
    let found = format!("{sides:?}");
    setting(format!("padding of at most {LARGEST_EXTENT}"), found)
}

fn finite(what: &str, number: f64) -> Result<(), Fault> {
    // As the single precision that it is computed in.
    match (number as f32).is_finite() {
        true => Ok(()),
        false => setting(
            format!("a {what} that is finite in single precision"),
            number,
        ),
    }
}

fn map(x: Shape) -> Result<[usize; 3], Fault> {
    match x {
        Shape::Map(map) => Ok(map),
        _ => shape("a map [C, H, W]", x),
    }
}

fn tokens(x: Shape) -> Result<[usize; 2], Fault> {
    match x {
        Shape::Tokens(tokens) => Ok(tokens),
        _ => shape("tokens [T, D]", x),
    }
}

/// The shape of these axes, which were made of those of `x`.
fn of(dims: &[usize], x: Shape) -> Result<Shape, Fault> {
    match Shape::of(dims) {
        Some(made) => Ok(made),
        None => shape("one to four axes", x),
    }
}

fn sum(parts: [usize; 3]) -> usize {
    parts.into_iter().fold(0, usize::saturating_add)
}

/// No more numbers on the way than a value may hold.
fn within(what: &'static str, value: Shape) -> Result<(), Fault> {
    match value.len() <= MOST_NUMBERS {
        true => Ok(()),
        false => Err(Fault::Size {
            what,
            found: value.to_string(),
        }),
    }
}

/// Height and width of what a window gives that slides over a map.
fn slid(
    [c, h, w]: [usize; 3],
    kernel: [usize; 2],
    stride: [usize; 2],
    padding: Padding,
    dilation: [usize; 2],
) -> Result<[usize; 2], Fault> {
    let reach = reach(kernel, dilation);
    let [rows, columns] = padding.resolve([h, w], reach, stride);
    let padded = [sum([h, rows.0, rows.1]), sum([w, columns.0, columns.1])];
    within("its padded input", Shape::Map([c, padded[0], padded[1]]))?;
    let output = |axis: usize| {
        let steps = padded[axis]
            .checked_sub(reach[axis])?
            .checked_div(stride[axis])?;
        steps.checked_add(1)
    };
    match (output(0), output(1)) {
        (Some(h), Some(w)) => Ok([h, w]),
        _ => shape(
            format!("a map larger than the kernel {reach:?}"),
            Shape::Map([c, h, w]),
        ),
    }
}

/// Values of one shape but for one axis, one behind the other.
fn joined(inputs: &[Shape], first: Shape, axis: usize) -> Result<Shape, Fault> {
    let mut dims = first.dims().to_vec();
    let Some(rest) = dims.get(axis).map(|_| inputs.iter().skip(1)) else {
        return setting(format!("an axis below {}", dims.len()), axis);
    };
    for &other in rest {
        let alike = other.dims().len() == dims.len()
            && (0..dims.len()).all(|i| i == axis || other.dims()[i] == dims[i]);
        if !alike {
            let expected = format!("inputs of shape {first} but for axis {axis}");
            return shape(expected, other);
        }
        dims[axis] = sum([dims[axis], other.dims()[axis], 0]);
    }
    of(&dims, first)
}

/// The matrix product over the last two axes.
fn multiplied(x: Shape, y: Shape, transposed: bool) -> Result<Shape, Fault> {
    let (mut dims, mut other) = (x.dims().to_vec(), y.dims().to_vec());
    let rank = dims.len();
    if rank < 2 {
        return shape("at least two axes", x);
    }
    if other.len() != rank || other[..rank - 2] != dims[..rank - 2] {
        return shape(
            format!("a second input that fits {x} but for its last two axes"),
            y,
        );
    }
    if transposed {
        other.swap(rank - 2, rank - 1);
    }
    if other[rank - 2] != dims[rank - 1] {
        return shape(format!("a second input with {} rows", dims[rank - 1]), y);
    }
    dims[rank - 1] = other[rank - 1];
    of(&dims, x)
}

fn permuted(x: Shape, axes: &[usize]) -> Result<Shape, Fault> {
    let dims = x.dims();
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    if sorted.iter().copied().ne(0..dims.len()) {
        return setting(
            format!("each of the axes 0 to {} once", dims.len() - 1),
            format!("{axes:?}"),
        );
    }
    let moved: Vec<usize> = axes.iter().map(|&axis| dims[axis]).collect();
    of(&moved, x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn convolution(stride: usize, filters: usize, groups: usize) -> Op {
        Op::Conv2d {
            filters,
            kernel: [5, 5],
            stride: [stride; 2],
            padding: Padding::NONE,
            dilation: [1, 1],
            groups,
            bias: false,
        }
    }

    #[test]
    fn a_dense_layer_refuses_a_map() {
        let map = Shape::Map([3, 4, 4]);
        assert!(Op::Dense { units: 2 }.output_shape(&[map]).is_err());
    }

    #[test]
    fn a_kernel_larger_than_the_padded_map_is_refused() {
        let small = Shape::Map([1, 4, 4]);
        let fault = convolution(1, 1, 1).output_shape(&[small]);
        assert!(matches!(fault, Err(Fault::Shape { .. })));
    }

    #[test]
    fn a_stride_of_zero_is_not_blamed_on_the_kernel() {
        let fault = convolution(0, 1, 1).check_settings();
        let Err(Fault::Setting { expected, .. }) = fault else {
            panic!("{fault:?}");
        };
        assert_eq!(expected, "a stride from 1 to 4096");
    }

    #[test]
    fn channels_and_filters_that_do_not_divide_are_told_apart() {
        let fault = convolution(1, 3, 2).check_settings();
        assert!(matches!(fault, Err(Fault::Setting { .. })));
        let fault = convolution(1, 4, 2).output_shape(&[Shape::Map([3, 8, 8])]);
        assert!(matches!(fault, Err(Fault::Shape { .. })));
    }

    #[test]
    fn a_layer_of_more_parameters_than_can_be_counted_is_refused() {
        let wide = Shape::Vector([MOST_NUMBERS]);
        for units in [2, usize::MAX] {
            let fault = Op::Dense { units }.output_shape(&[wide]);
            assert!(matches!(fault, Err(Fault::Size { .. })), "{units}");
        }
    }
}
