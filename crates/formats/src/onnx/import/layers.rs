//! Layers with weights, normalisation, and the matrix product.

use finial_graph::{Op, Padding, Shape};

use super::array::Array;
use super::elementwise::shortest;
use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

/// How a window slides over a map, in the file's terms.
pub(super) struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub padding: Padding,
}

impl<'a> Reader<'a> {
    /// The value as a map, whose axes are those of `[N, C, H, W]`.
    pub(super) fn map(&mut self, node: &NodeProto, k: usize) -> Result<View, FormatError> {
        let view = self.view(node, k)?;
        if view.axes.len() != 4 || view.size(0) != 1 {
            let found = format!("one of {}", view.shown());
            return Err(self.refuse(node, found, "maps [N, C, H, W]"));
        }
        self.arrange(&view, &view.axes[1..])
    }

    /// The value of a node that gives a map.
    pub(super) fn of_map(&self, name: &str) -> View {
        let dims = self.shape_of(name).dims().to_vec();
        View::of(name, &dims, &[None, Some(0), Some(1), Some(2)])
    }

    /// Two settings, one for rows and one for columns.
    pub(super) fn pair(
        &self,
        node: &NodeProto,
        name: &str,
        default: [usize; 2],
    ) -> Result<[usize; 2], FormatError> {
        match node.ints(name) {
            None | Some([]) => Ok(default),
            Some(&[h, w]) if h >= 0 && w >= 0 => Ok([h as usize, w as usize]),
            Some(other) => {
                let found = format!("one of {name} {other:?}");
                Err(self.refuse(node, found, "two numbers, for rows and columns"))
            }
        }
    }

    /// How the window of a Conv or a pool slides over a map of that size.
    pub(super) fn window(
        &self,
        node: &NodeProto,
        size: [usize; 2],
        kernel: [usize; 2],
    ) -> Result<Window, FormatError> {
        let kernel = self.pair(node, "kernel_shape", kernel)?;
        let stride = self.pair(node, "strides", [1, 1])?;
        let dilation = self.pair(node, "dilations", [1, 1])?;
        let [top, left, bottom, right] = match node.ints("pads") {
            None | Some([]) => [0; 4],
            Some(pads) => {
                let sides: Vec<usize> = pads
                    .iter()
                    .filter_map(|&p| usize::try_from(p).ok())
                    .collect();
                match (pads.len(), sides.as_slice()) {
                    (4, &[top, left, bottom, right]) => [top, left, bottom, right],
                    _ => {
                        let found = format!("one of padding {pads:?}");
                        return Err(self.refuse(node, found, "four numbers of at least 0"));
                    }
                }
            }
        };
        let explicit = Padding::Explicit {
            top,
            bottom,
            left,
            right,
        };
        let padding = match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "" => explicit,
            "VALID" => Padding::NONE,
            "SAME_UPPER" => Padding::Same,
            "SAME_LOWER" => {
                let reach = [0, 1].map(|i| {
                    let steps = kernel[i].saturating_sub(1);
                    steps.saturating_mul(dilation[i]).saturating_add(1)
                });
                let [(bottom, top), (right, left)] = Padding::Same.resolve(size, reach, stride);
                Padding::Explicit {
                    top,
                    bottom,
                    left,
                    right,
                }
            }
            other => {
                let found = format!("one of padding `{other}`");
                return Err(self.refuse(node, found, "NOTSET, VALID, SAME_UPPER or SAME_LOWER"));
            }
        };
        Ok(Window {
            kernel,
            stride,
            dilation,
            padding,
        })
    }

    pub(super) fn conv(&mut self, i: usize, node: &NodeProto) -> Result<View, FormatError> {
        let weight = self.constant(node, 1)?;
        let view = self.map(node, 0)?;
        self.float_only(node, &view, false)?;
        let (Shape::Map([_, h, w]), &[filters, depth, kh, kw]) =
            (self.shape_of(&view.node), weight.dims.as_slice())
        else {
            let found = format!("one with weights {:?}", weight.dims);
            return Err(self.refuse(node, found, "weights [filters, depth, height, width]"));
        };
        let window = self.window(node, [h, w], [kh, kw])?;
        let groups = usize::try_from(node.int("group").unwrap_or(1)).unwrap_or(0);
        let channels = depth.checked_mul(groups);
        let own = self.shape_of(&view.node).channels();
        if window.kernel != [kh, kw] || channels != Some(own) {
            let found = format!(
                "one of {groups} groups with weights {:?} over {own} channels",
                weight.dims
            );
            return Err(self.refuse(node, found, "weights that fit their input"));
        }
        let bias = match self.optional(node, 2)? {
            Some(bias) => Some(bias.into_floats()),
            None => self.following_bias(i, node, filters, Some(1)),
        };
        if bias.as_ref().is_some_and(|b| b.len() != filters) {
            return Err(self.refuse(node, "one with a bias of another size", "one per filter"));
        }
        let op = Op::Conv2d {
            filters,
            kernel: window.kernel,
            stride: window.stride,
            padding: window.padding,
            dilation: window.dilation,
            groups,
            bias: bias.is_some(),
        };
        let mut parameters = vec![("weight", weight.into_floats())];
        parameters.extend(bias.map(|bias| ("bias", bias)));
        let name = self.push_layer(node.called(), op, &view.node, parameters)?;
        let view = self.of_map(&name);
        self.bind_following(i, node, &view);
        Ok(view)
    }

    /// The numbers of an Add that alone reads a node and adds one number per channel; the axis
    /// of channels is counted from the front, or is the last.
    fn following_bias(
        &mut self,
        i: usize,
        node: &NodeProto,
        channels: usize,
        axis: Option<usize>,
    ) -> Option<Vec<f32>> {
        let next = self.following_add(i, node)?;
        let k = usize::from(self.nodes[next].input.first() == node.output.first());
        let array = self.known(&self.nodes[next], k).ok().flatten()?;
        let place = match axis {
            // Of four axes.
            Some(axis) => (axis + array.dims.len()).checked_sub(4)?,
            None => array.dims.len().checked_sub(1)?,
        };
        let mut ones = array.dims.clone();
        let own = ones.get_mut(place)?;
        let fits = std::mem::replace(own, 1) == channels && ones.iter().all(|&d| d == 1);
        let rank = if axis.is_some() { 4 } else { 1 };
        let fits = fits && array.dims.len() <= rank.max(1);
        if !fits {
            return None;
        }
        self.done.insert(next);
        Some(array.into_floats())
    }

    fn following_add(&self, i: usize, node: &NodeProto) -> Option<usize> {
        let next = self.only_reader(node.output.first()?)?;
        let add = self.nodes.get(next)?;
        let plain = next != i && add.op_type() == "Add" && add.input.len() == 2;
        plain.then_some(next)
    }

    /// What an Add gives that was taken along.
    fn bind_following(&mut self, i: usize, node: &NodeProto, view: &View) {
        if let Some(next) = self.following_add(i, node)
            && self.done.contains(&next)
        {
            let add = &self.nodes[next];
            for output in &add.output {
                self.bind(add, output, view.clone());
            }
        }
    }

    pub(super) fn gemm(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        let weight = self.constant(node, 1)?;
        let truth = |name: &str| node.int(name).unwrap_or(0) != 0;
        if truth("transA") || view.axes.len() != 2 || weight.dims.len() != 2 {
            let accepted = "a vector times weights, as torch.nn.Linear makes it";
            return Err(self.refuse(node, "one of another form", accepted));
        }
        let alpha = node.float("alpha").unwrap_or(1.0);
        let beta = node.float("beta").unwrap_or(1.0);
        let weight = match truth("transB") {
            true => weight,
            false => weight.transposed(&[1, 0]),
        };
        let units = weight.dims[0];
        let bias = match self.optional(node, 2)? {
            None => vec![0.0; units],
            Some(bias) => {
                let values = bias.floats();
                let spread = match values.len() {
                    1 => vec![values.first().copied().unwrap_or(0.0); units],
                    n if n == units && bias.dims.last() == Some(&units) => values,
                    _ => return Err(self.refuse(node, "one of another bias", "one per unit")),
                };
                spread.into_iter().map(|v| v * beta).collect()
            }
        };
        let mut weight = weight;
        if alpha != 1.0 {
            let scaled = weight.into_scaled(alpha);
            weight = scaled;
        }
        self.dense(node, &view, 1, weight, bias)
    }

    /// A fully connected layer along an axis: weights `[units, channels]`.
    fn dense(
        &mut self,
        node: &NodeProto,
        view: &View,
        axis: usize,
        weight: Array,
        bias: Vec<f32>,
    ) -> Result<View, FormatError> {
        let &[units, channels] = weight.dims.as_slice() else {
            return Err(self.refuse(node, "one of another form", "weights of two axes"));
        };
        if view.size(axis) != channels {
            let found = format!("one of {} with {:?}", view.shown(), weight.dims);
            return Err(self.refuse(node, found, "weights that fit their input"));
        }
        let mut view = self.channelwise(view, &view.axes[axis])?;
        if matches!(self.shape_of(&view.node), Shape::Stack(_)) {
            let own = self.channel_atoms(&view);
            view = self.arrange(&view, &[(0..own.start).collect(), own.collect()])?;
        }
        let op = match self.shape_of(&view.node) {
            Shape::Map(_) => Op::Conv2d {
                filters: units,
                kernel: [1, 1],
                stride: [1, 1],
                padding: Padding::NONE,
                dilation: [1, 1],
                groups: 1,
                bias: true,
            },
            _ => Op::Dense { units },
        };
        let parameters = vec![("weight", weight.into_floats()), ("bias", bias)];
        let name = self.push_layer(node.called(), op, &view.node, parameters)?;
        let own = self.channel_atoms(&view);
        Ok(View {
            node: name,
            ..view.resized(axis, own, units)
        })
    }

    pub(super) fn mat_mul(&mut self, i: usize, node: &NodeProto) -> Result<View, FormatError> {
        for k in 0..2 {
            if self.is_view(node, k) {
                let view = self.view(node, k)?;
                self.float_only(node, &view, false)?;
            }
        }
        match (self.known(node, 0)?, self.known(node, 1)?) {
            (None, Some(weight)) => {
                let view = self.view(node, 0)?;
                let Some((k, n)) = matrix(&weight.dims).filter(|_| !view.axes.is_empty()) else {
                    return Err(self.several_matrices(node));
                };
                let weight = weight.reshaped(vec![k, n]).transposed(&[1, 0]);
                let bias = self.following_bias(i, node, n, None);
                let bias = bias.unwrap_or_else(|| vec![0.0; n]);
                let last = view.axes.len() - 1;
                let view = self.dense(node, &view, last, weight, bias)?;
                self.bind_following(i, node, &view);
                Ok(view)
            }
            (Some(weight), None) => {
                let view = self.view(node, 1)?;
                let Some((m, k)) = matrix(&weight.dims).filter(|_| view.axes.len() >= 2) else {
                    return Err(self.several_matrices(node));
                };
                let axis = view.axes.len() - 2;
                self.dense(node, &view, axis, weight.reshaped(vec![m, k]), vec![0.0; m])
            }
            _ => {
                let (x, y) = (self.view(node, 0)?, self.view(node, 1)?);
                self.product(node, x, y)
            }
        }
    }

    fn several_matrices(&self, node: &NodeProto) -> FormatError {
        self.refuse(
            node,
            "one with several stored matrices",
            "one stored matrix [K, N]",
        )
    }

    /// The matrix product of two values of the image.
    fn product(&mut self, node: &NodeProto, x: View, y: View) -> Result<View, FormatError> {
        let rank = x.axes.len();
        let misfit = |reader: &Self| {
            let found = format!("one of {} and {}", x.shown(), y.shown());
            reader.refuse(node, found, "as many matrices [M, K] as [K, N]")
        };
        if rank < 2 || y.axes.len() != rank || x.size(rank - 1) != y.size(rank - 2) {
            return Err(misfit(self));
        }
        if (0..rank - 2).any(|a| x.size(a) != y.size(a)) {
            return Err(misfit(self));
        }
        let (mut x, mut y) = (x.clone(), y.clone());
        // Both have the same order of places in front.
        if !x.refine(&mut y, 0..rank - 2) {
            return Err(misfit(self));
        }
        let front = |view: &View| view.axes[..rank - 2].concat();
        let [m, k] = [rank - 2, rank - 1].map(|a| x.axes[a].clone());
        let [rows, columns] = [rank - 2, rank - 1].map(|a| y.axes[a].clone());
        let transposed = match (rows.first(), columns.first()) {
            (Some(row), Some(column)) => column < row,
            _ => false,
        };
        let y_last = match transposed {
            true => [columns, rows],
            false => [rows, columns],
        };
        let several = x.axes[..rank - 2].iter().any(|a| !a.is_empty());
        let groups = |front: Vec<usize>, last: [Vec<usize>; 2]| {
            let mut groups = Vec::new();
            groups.extend(several.then_some(front));
            groups.extend(last);
            groups
        };
        let (a, b) = (groups(front(&x), [m, k]), groups(front(&y), y_last));
        let (x, y) = (self.arrange(&x, &a)?, self.arrange(&y, &b)?);
        let op = Op::MatMul { transposed };
        let name = self.push(node.called(), op, &[&x.node, &y.node])?;
        let n = y.size(rank - 1);
        let first = x.axes[..rank - 1].concat().len();
        let atoms = first..x.atoms.len();
        let mut result = x.resized(rank - 1, atoms, n);
        result.node = name;
        Ok(result)
    }

    pub(super) fn batch_norm(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        if view.axes.len() < 2 {
            return Err(self.refuse(node, format!("one of {}", view.shown()), "channels"));
        }
        let view = self.channelwise(&view, &view.axes[1])?;
        let mut parameters = Vec::new();
        for (k, suffix) in (1..).zip(["weight", "bias", "running_mean", "running_var"]) {
            let values = self.constant(node, k)?.into_floats();
            if values.len() != view.size(1) {
                return Err(self.refuse(node, "one of other statistics", "one per channel"));
            }
            parameters.push((suffix, values));
        }
        let op = Op::BatchNorm {
            epsilon: shortest(node.float("epsilon").unwrap_or(1e-5)),
            scale: true,
        };
        let name = self.push_layer(node.called(), op, &view.node, parameters)?;
        Ok(view.on(name))
    }

    pub(super) fn layer_norm(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        let rank = view.axes.len();
        let axes = match node.ints("axes") {
            Some(axes) => self.axes(node, axes, rank)?,
            None => {
                let first = self.axis(node, node.int("axis").unwrap_or(-1), rank)?;
                (first..rank).collect()
            }
        };
        let atoms: Vec<usize> = axes.iter().flat_map(|&a| view.axes[a].clone()).collect();
        let channels: usize = atoms.iter().map(|&a| view.atoms[a]).product();
        let view = self.channelwise(&view, &atoms)?;
        let parameter = |k: usize, default: f32| {
            let values = self.optional(node, k)?.map(Array::into_floats);
            let values = values.unwrap_or_else(|| vec![default; channels]);
            match values.len() == channels {
                true => Ok(values),
                false => Err(self.refuse(node, "one of other weights", "one per channel")),
            }
        };
        let parameters = vec![("weight", parameter(1, 1.0)?), ("bias", parameter(2, 0.0)?)];
        let op = Op::LayerNorm {
            epsilon: shortest(node.float("epsilon").unwrap_or(1e-5)),
        };
        let name = self.push_layer(node.called(), op, &view.node, parameters)?;
        Ok(view.on(name))
    }

    pub(super) fn local_response_norm(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.map(node, 0)?;
        self.float_only(node, &view, false)?;
        let float = |name: &str, default: f32| shortest(node.float(name).unwrap_or(default));
        let op = Op::LocalResponseNorm {
            size: usize::try_from(node.int("size").unwrap_or(0)).unwrap_or(0),
            alpha: float("alpha", 1e-4),
            beta: float("beta", 0.75),
            bias: float("bias", 1.0),
        };
        let name = self.push(node.called(), op, &[&view.node])?;
        Ok(view.on(name))
    }

    pub(super) fn p_relu(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        let slopes = self.constant(node, 1)?;
        let misfit = |reader: &Self| reader.refuse(node, "one of other slopes", "one per channel");
        let Some(steps) = self.steps_of(&view, &slopes) else {
            return Err(misfit(self));
        };
        let varying: Vec<usize> = (0..steps.len()).filter(|&a| steps[a] != 0).collect();
        let own = self.channel_atoms(&view);
        let view = match varying.iter().all(|a| own.contains(a)) {
            true => view,
            false => self.channelwise(&view, &varying)?,
        };
        let Some(steps) = self.steps_of(&view, &slopes) else {
            return Err(misfit(self));
        };
        let own: Vec<usize> = self.channel_atoms(&view).collect();
        let values = self.picked(&view, &own, &steps, &slopes);
        let parameters = vec![("weight", values)];
        let name = self.push_layer(node.called(), Op::PRelu, &view.node, parameters)?;
        Ok(view.on(name))
    }
}

/// Rows and columns of a stored matrix, axes of 1 in front of it or not.
fn matrix(dims: &[usize]) -> Option<(usize, usize)> {
    match dims {
        [ones @ .., k, n] if ones.iter().all(|&d| d == 1) => Some((*k, *n)),
        _ => None,
    }
}
