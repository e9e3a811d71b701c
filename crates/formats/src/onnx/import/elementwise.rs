//! Numbers each by themselves, and two values number by number.

use std::collections::HashMap;

use finial_graph::{Op, Shape};

use super::array::Array;
use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

/// Channels up to which a factor is a setting; above, it is a parameter.
const FEW_CHANNELS: usize = 4;

impl<'a> Reader<'a> {
    /// An operation on each number by itself.
    pub(super) fn activation(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let float = |name: &str, default: f64| node.float(name).map_or(default, shortest);
        let op = match node.op_type() {
            "Relu" => Op::Relu,
            "LeakyRelu" => Op::LeakyRelu {
                slope: float("alpha", 0.01),
            },
            "Elu" => Op::Elu {
                alpha: float("alpha", 1.0),
            },
            "Sigmoid" => Op::Sigmoid,
            "HardSigmoid" => Op::HardSigmoid {
                slope: float("alpha", 0.2),
                offset: float("beta", 0.5),
            },
            "HardSwish" => Op::HardSwish,
            "Swish" if float("alpha", 1.0) == 1.0 => Op::Silu,
            "Gelu" => Op::Gelu {
                approximate: node.text("approximate") == Some("tanh"),
            },
            "Tanh" => Op::Tanh,
            // Steps of 1 without an end.
            "Round" => Op::FakeQuantize {
                scale: 1.0,
                zero_point: 0.0,
                low: f64::from(f32::MIN),
                high: f64::from(f32::MAX),
            },
            "Softplus" => Op::Softplus,
            "Clip" => {
                let bound = |k: usize, name: &str| match self.optional(node, k)? {
                    Some(array) => Ok::<_, FormatError>(array.scalar()),
                    None => Ok(node.float(name).map(f64::from)),
                };
                let low = bound(1, "min")?.unwrap_or(f64::from(f32::MIN));
                let high = bound(2, "max")?.unwrap_or(f64::from(f32::MAX));
                clamp(low, high)
            }
            "Dropout" => {
                let rate = match self.optional(node, 1)? {
                    Some(array) => array.scalar().unwrap_or(0.5),
                    None => f64::from(node.float("ratio").unwrap_or(0.5)),
                };
                Op::Dropout {
                    rate: shortest(rate as f32),
                }
            }
            "Neg" => {
                let view = self.view(node, 0)?;
                return self.rescaled(node.called(), &view, -1.0, 0.0);
            }
            other => {
                let found = format!("of an operation that it does not know, `{other}`");
                let accepted = "the operations of image classifiers, such as Conv, \
                                BatchNormalization, Gemm, MatMul, MaxPool, Softmax";
                return Err(self.refuse(node, found, accepted));
            }
        };
        let view = self.view(node, 0)?;
        let keeps_steps = matches!(op, Op::Dropout { .. });
        self.float_only(node, &view, keeps_steps)?;
        let name = self.push(node.called(), op, &[&view.node])?;
        Ok(View {
            steps: view.steps,
            ..view.on(name)
        })
    }

    /// The value as it came: what only changes the kind of numbers.
    pub(super) fn same(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        use crate::onnx::proto::data_type::{BFLOAT16, DOUBLE, FLOAT, FLOAT16};
        let view = self.view(node, 0)?;
        let to = node.int("to").unwrap_or(i64::from(FLOAT)) as i32;
        if node.op_type() == "Cast" && ![FLOAT, FLOAT16, BFLOAT16, DOUBLE].contains(&to) {
            return Err(self.refuse(
                node,
                "one to whole numbers",
                "one to floating-point numbers",
            ));
        }
        Ok(view)
    }

    /// Numbers of a quantised tensor are taken by few operations.
    pub(super) fn float_only(
        &self,
        node: &NodeProto,
        view: &View,
        anyway: bool,
    ) -> Result<(), FormatError> {
        match view.steps.is_none() || anyway {
            true => Ok(()),
            false => Err(self.refuse(
                node,
                "one that computes with quantised numbers",
                "QuantizeLinear and DequantizeLinear in pairs around operations on floats",
            )),
        }
    }

    /// `x · factor + offset`.
    pub(super) fn rescaled(
        &mut self,
        label: &str,
        view: &View,
        factor: f32,
        offset: f32,
    ) -> Result<View, FormatError> {
        let channels = self.shape_of(&view.node).channels();
        let op = Op::Rescale {
            scale: vec![factor; channels],
            offset: vec![offset; channels],
        };
        let name = self.push(label, op, &[&view.node])?;
        Ok(view.on(name))
    }

    /// Two or more values, number by number.
    pub(super) fn arithmetic(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        if node.op_type() == "Sum" || node.input.len() > 2 {
            return self.sum(node);
        }
        for k in 0..2 {
            if self.is_view(node, k) {
                let view = self.view(node, k)?;
                self.float_only(node, &view, false)?;
            }
        }
        match (self.known(node, 0)?, self.known(node, 1)?) {
            (None, Some(array)) => {
                let view = self.view(node, 0)?;
                self.with_constant(node, &view, array, false)
            }
            (Some(array), None) => {
                let view = self.view(node, 1)?;
                self.with_constant(node, &view, array, true)
            }
            _ => {
                let (x, y) = (self.view(node, 0)?, self.view(node, 1)?);
                match node.op_type() {
                    "Add" => self.paired(node, x, y, Op::Add),
                    "Mul" => self.paired(node, x, y, Op::Multiply),
                    "Sub" => {
                        let label = format!("{}/negative", node.called());
                        let y = self.rescaled(&label, &y, -1.0, 0.0)?;
                        self.paired(node, x, y, Op::Add)
                    }
                    _ => Err(self.refuse(
                        node,
                        "one of two values of the image",
                        "Add, Sub or Mul of them, or one of them stored in the file",
                    )),
                }
            }
        }
    }

    fn sum(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        if node.op_type() != "Sum" {
            return Err(self.refuse(node, "one of more than two values", "two"));
        }
        let mut sum = self.view(node, 0)?;
        for k in 1..node.input.len() {
            let next = self.view(node, k)?;
            sum = self.paired(node, sum, next, Op::Add)?;
        }
        Ok(sum)
    }

    /// A value and stored numbers; `first` if the stored ones come first.
    fn with_constant(
        &mut self,
        node: &NodeProto,
        view: &View,
        array: Array,
        first: bool,
    ) -> Result<View, FormatError> {
        let label = node.called();
        let one = array.scalar();
        let misfit = |reader: &Self| {
            let found = format!("one of {:?} with {}", array.dims, view.shown());
            reader.refuse(
                node,
                found,
                "stored numbers that fit the value, axis by axis",
            )
        };
        if let Some(number) = one {
            if array.dims.len() > view.axes.len() {
                return Err(misfit(self));
            }
            let n = number as f32;
            return match (node.op_type(), first) {
                ("Add", _) if n == 0.0 => Ok(view.clone()),
                ("Mul", _) if n == 1.0 => Ok(view.clone()),
                ("Div", false) if n == 1.0 => Ok(view.clone()),
                ("Add", _) => self.rescaled(label, view, 1.0, n),
                ("Mul", _) => self.rescaled(label, view, n, 0.0),
                ("Sub", false) => self.rescaled(label, view, 1.0, -n),
                ("Sub", true) => self.rescaled(label, view, -1.0, n),
                ("Div", false) => self.rescaled(label, view, 1.0 / n, 0.0),
                ("Max", _) => self.clamped(label, view, number, f64::from(f32::MAX)),
                ("Min", _) => self.clamped(label, view, f64::from(f32::MIN), number),
                ("Pow", false) if n == 1.0 => Ok(view.clone()),
                ("Pow", false) if n == 2.0 => {
                    let name = self.push(label, Op::Multiply, &[&view.node, &view.node])?;
                    Ok(view.on(name))
                }
                _ => Err(self.refuse(node, format!("one with {n}"), "Pow of 1 or 2; x / c")),
            };
        }
        let multiply = match (node.op_type(), first) {
            ("Add" | "Sub", _) => false,
            ("Mul", _) | ("Div", false) => true,
            _ => {
                return Err(self.refuse(
                    node,
                    "one with stored numbers",
                    "Add, Sub, Mul with stored numbers, and Div by them",
                ));
            }
        };
        let each: fn(f32) -> f32 = match (node.op_type(), first) {
            ("Sub", false) => |v| -v,
            ("Div", _) => f32::recip,
            _ => |v| v,
        };
        let view = match (node.op_type(), first) {
            ("Sub", true) => self.rescaled(&format!("{label}/negative"), view, -1.0, 0.0)?,
            _ => view.clone(),
        };
        let Some(steps) = self.steps_of(&view, &array) else {
            return Err(misfit(self));
        };
        let varying: Vec<usize> = (0..steps.len()).filter(|&a| steps[a] != 0).collect();
        let own = self.channel_atoms(&view);
        let of_channels = varying.iter().all(|a| own.contains(a));
        if !of_channels && !multiply {
            let all: Vec<usize> = (0..view.atoms.len()).collect();
            self.spend(node, view.atoms.iter().product())?;
            let values = self.picked(&view, &all, &steps, &array);
            let values = values.into_iter().map(each).collect();
            let parameters = vec![("weight", values)];
            let name = self.push_layer(label, Op::PositionEmbedding, &view.node, parameters)?;
            return Ok(view.on(name));
        }
        let view = match of_channels {
            true => view,
            false => self.channelwise(&view, &varying)?,
        };
        let Some(steps) = self.steps_of(&view, &array) else {
            return Err(misfit(self));
        };
        let own: Vec<usize> = self.channel_atoms(&view).collect();
        let values = self.picked(&view, &own, &steps, &array);
        let values: Vec<f32> = values.into_iter().map(each).collect();
        let channels = values.len();
        let name = match multiply {
            true if channels <= FEW_CHANNELS => {
                let op = Op::Rescale {
                    scale: values,
                    offset: vec![0.0; channels],
                };
                self.push(label, op, &[&view.node])?
            }
            true => {
                let parameters = vec![("gamma", values)];
                self.push_layer(label, Op::LayerScale, &view.node, parameters)?
            }
            false => {
                let op = Op::Rescale {
                    scale: vec![1.0; channels],
                    offset: values,
                };
                self.push(label, op, &[&view.node])?
            }
        };
        Ok(view.on(name))
    }

    fn clamped(
        &mut self,
        label: &str,
        view: &View,
        low: f64,
        high: f64,
    ) -> Result<View, FormatError> {
        let name = self.push(label, clamp(low, high), &[&view.node])?;
        Ok(view.on(name))
    }

    /// The sum or the product of two values of the image.
    fn paired(&mut self, node: &NodeProto, x: View, y: View, op: Op) -> Result<View, FormatError> {
        let (mut x, mut y) = align(x, y);
        // The larger first: the other may have one number for each of its channels.
        if x.atoms.iter().product::<usize>() < y.atoms.iter().product() {
            std::mem::swap(&mut x, &mut y);
        }
        let rank = x.axes.len();
        let misfit = |reader: &Self, x: &View, y: &View| {
            let found = format!("one of {} and {}", x.shown(), y.shown());
            reader.refuse(
                node,
                found,
                "values of one shape, or one of them of axes of 1",
            )
        };
        let repeated: Vec<usize> = (0..rank).filter(|&a| x.size(a) != y.size(a)).collect();
        if repeated.iter().any(|&a| y.size(a) != 1) {
            return Err(misfit(self, &x, &y));
        }
        if repeated.is_empty() {
            if !x.refine(&mut y, 0..rank) {
                let (a, b) = (x.order(), y.order());
                let dims = x.dims();
                x = self.arrange(&x, &[a])?;
                y = self.arrange(&y, &[b])?;
                let whole = |view: View| View {
                    axes: vec![vec![0]],
                    atoms: vec![view.atoms.iter().product()],
                    ..view
                };
                let fits = whole(x).reshaped(&dims).zip(whole(y).reshaped(&dims));
                let Some(pair) = fits else {
                    return Err(self.refuse(node, "one of unlike shapes", "one shape"));
                };
                (x, y) = pair;
            }
            // The atoms of `y` in the order in which those of `x` stand in its node.
            let groups = self.groups_like(&x, &y);
            let other = self.arrange(&y, &groups)?;
            let name = self.push(node.called(), op, &[&x.node, &other.node])?;
            return Ok(x.on(name));
        }
        // One number for each place of the other axes: these become the channels.
        let shared: Vec<usize> = (0..rank).filter(|a| !repeated.contains(a)).collect();
        if !x.refine(&mut y, shared.iter().copied()) {
            return Err(misfit(self, &x, &y));
        }
        let mut channels: Vec<usize> = shared.iter().flat_map(|&a| x.axes[a].clone()).collect();
        channels.sort_unstable();
        let x = self.channelwise(&x, &channels)?;
        let channels: Vec<usize> = self.channel_atoms(&x).collect();
        // A map of one place is as good as a vector.
        let of_one_place = |shape: Shape| matches!(shape, Shape::Map([_, 1, 1]));
        let is_map = matches!(self.shape_of(&x.node), Shape::Map(_));
        let order = order_like(&x, &y, &channels);
        let other = match is_map && of_one_place(self.shape_of(&y.node)) && order.is_sorted() {
            true => y,
            false => self.arrange(&y, &[order])?,
        };
        let name = self.push(node.called(), op, &[&x.node, &other.node])?;
        Ok(x.on(name))
    }

    /// For each axis of `x`'s node the atoms of `y` that belong there; both have the same
    /// division along each axis.
    fn groups_like(&self, x: &View, y: &View) -> Vec<Vec<usize>> {
        let axes = self.node_axes(x);
        axes.iter().map(|atoms| order_like(x, y, atoms)).collect()
    }
}

/// The atoms of `y` that stand for these atoms of `x`.
fn order_like(x: &View, y: &View, atoms: &[usize]) -> Vec<usize> {
    let axes = x.axes.iter().zip(&y.axes);
    let pairs = axes.flat_map(|(x, y)| x.iter().copied().zip(y.iter().copied()));
    let pairs: HashMap<usize, usize> = pairs.collect();
    atoms.iter().filter_map(|a| pairs.get(a).copied()).collect()
}

/// Both values with as many axes, those of 1 in front.
fn align(mut x: View, mut y: View) -> (View, View) {
    let rank = x.axes.len().max(y.axes.len());
    for view in [&mut x, &mut y] {
        let missing = rank - view.axes.len();
        view.axes.splice(0..0, vec![Vec::new(); missing]);
    }
    (x, y)
}

fn clamp(low: f64, high: f64) -> Op {
    match (low, high) {
        (0.0, 6.0) => Op::Relu6,
        (0.0, high) if high >= f64::from(f32::MAX) => Op::Relu,
        _ => Op::Clamp { low, high },
    }
}

/// The number with the fewest digits that is this one in single precision.
pub(super) fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}
