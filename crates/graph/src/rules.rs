//! What an operation takes: its settings, the shapes of its inputs, and the shape it gives.
//!
//! A graph may come from a file that anyone wrote. Whatever passes here can be run: no count of
//! numbers wraps, no value is empty, and every setting is one that the operation is defined for.

use crate::shape::MOST_NUMBERS;
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
                groups,
                ..
            } => {
                for (what, pair) in [("kernel", kernel), ("stride", stride)] {
                    if pair.iter().any(|n| !(1..=LARGEST_EXTENT).contains(n)) {
                        let found = format!("{pair:?}");
                        return setting(format!("a {what} from 1 to {LARGEST_EXTENT}"), found);
                    }
                }
                if let Padding::Explicit {
                    top,
                    bottom,
                    left,
                    right,
                } = padding
                {
                    let all = [top, bottom, left, right];
                    if all.iter().any(|&&n| n > LARGEST_EXTENT) {
                        let found = format!("{all:?}");
                        return setting(format!("padding of at most {LARGEST_EXTENT}"), found);
                    }
                }
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
            Op::BatchNorm { epsilon } => {
                // It is added in single precision, where a smaller one is zero.
                let single = f64::from(f32::MIN_POSITIVE)..=f64::from(f32::MAX);
                if single.contains(epsilon) {
                    Ok(())
                } else {
                    setting("an epsilon above 0, finite in single precision", epsilon)
                }
            }
            Op::Dropout { rate } if !(0.0..1.0).contains(rate) => {
                setting("a rate of at least 0 and below 1", rate)
            }
            Op::Dense { units: 0 } => setting("at least 1 unit", 0),
            _ => Ok(()),
        }
    }

    /// The shape it gives for the shapes it gets, whose number is its arity.
    pub(crate) fn output_shape(&self, inputs: &[Shape]) -> Result<Shape, Fault> {
        let first = match (self, inputs.first()) {
            (Op::Input { shape }, _) => return check_shape(*shape),
            (_, Some(first)) => check_shape(*first)?,
            (_, None) => return setting("an input", "none"),
        };
        let given = match (self, first) {
            // Returned above.
            (Op::Input { shape }, _) => *shape,
            (Op::Rescale { scale, .. }, x) if scale.len() == x.channels() => x,
            (Op::Rescale { scale, .. }, x) => {
                return shape(format!("{} channels", scale.len()), x);
            }
            (Op::Conv2d { .. }, Shape::Map(map)) => self.convolved(map)?,
            (Op::Add, x) => match inputs {
                [_, y] if *y != x => return shape(format!("two inputs of shape {x}"), *y),
                _ => x,
            },
            (Op::GlobalAveragePool, Shape::Map([c, _, _])) => Shape::Vector([c]),
            (Op::Flatten, x @ Shape::Map(_)) => Shape::Vector([x.len()]),
            (Op::BatchNorm { .. }, x @ Shape::Map(_)) => x,
            (Op::Dense { units }, Shape::Vector(_)) => Shape::Vector([*units]),
            (Op::Softmax, x @ Shape::Vector(_)) => x,
            (
                Op::Conv2d { .. } | Op::GlobalAveragePool | Op::Flatten | Op::BatchNorm { .. },
                x @ Shape::Vector(_),
            ) => return shape("a map [C, H, W]", x),
            (Op::Dense { .. } | Op::Softmax, x @ Shape::Map(_)) => {
                return shape("a vector [F]; pool or flatten the map first", x);
            }
            (Op::Relu | Op::Relu6 | Op::Sigmoid | Op::Dropout { .. }, x) => x,
        };
        self.check_parameters(first)?;
        check_shape(given)
    }

    /// The map that a convolution makes of a map.
    fn convolved(&self, [c, h, w]: [usize; 3]) -> Result<Shape, Fault> {
        let input = Shape::Map([c, h, w]);
        let Op::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            groups,
            ..
        } = self
        else {
            return Ok(input);
        };
        if !c.is_multiple_of(*groups) {
            return shape(format!("channels that divide into {groups} groups"), input);
        }
        let reach = Shape::Map([c / (*groups).max(1), kernel[0], kernel[1]]);
        if reach.len() > LARGEST_KERNEL {
            return setting(
                format!("kernels of at most {LARGEST_KERNEL} numbers"),
                reach,
            );
        }
        let [rows, columns] = padding.resolve([h, w], *kernel, *stride);
        let padded = |size: usize, (before, after): (usize, usize)| {
            size.saturating_add(before).saturating_add(after)
        };
        let (padded_h, padded_w) = (padded(h, rows), padded(w, columns));
        let around = Shape::Map([c, padded_h, padded_w]);
        if around.len() > MOST_NUMBERS {
            return Err(Fault::Size {
                what: "its padded input",
                found: around.to_string(),
            });
        }
        let output = |padded: usize, axis: usize| {
            let steps = padded
                .checked_sub(kernel[axis])?
                .checked_div(stride[axis])?;
            steps.checked_add(1)
        };
        match (output(padded_h, 0), output(padded_w, 1)) {
            (Some(h), Some(w)) => Ok(Shape::Map([*filters, h, w])),
            _ => shape(format!("a map larger than the kernel {kernel:?}"), input),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn convolution(stride: usize, filters: usize, groups: usize) -> Op {
        Op::Conv2d {
            filters,
            kernel: [5, 5],
            stride: [stride; 2],
            padding: Padding::Explicit {
                top: 0,
                bottom: 0,
                left: 0,
                right: 0,
            },
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
