//! Pooling, means and maxima over axes, softmax.

use finial_graph::{Op, Padding, Shape};

use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

impl<'a> Reader<'a> {
    pub(super) fn pool(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.map(node, 0)?;
        let is_max = node.op_type() == "MaxPool";
        self.float_only(node, &view, is_max)?;
        let steps = view.steps;
        let Shape::Map([_, h, w]) = self.shape_of(&view.node) else {
            return Err(self.refuse(node, "one of another shape", "maps [N, C, H, W]"));
        };
        let window = self.window(node, [h, w], [1, 1])?;
        if window.dilation != [1, 1] {
            return Err(self.refuse(node, "one with a dilated window", "dilations of 1"));
        }
        let counted = node.int("count_include_pad").unwrap_or(0) != 0;
        let mut input = view.node;
        let mut padding = window.padding;
        let mut count_padding = counted;
        if node.int("ceil_mode").unwrap_or(0) != 0
            && let Padding::Explicit {
                top,
                bottom,
                left,
                right,
            } = padding
        {
            let more = |i: usize, size: usize, before: usize, after: usize| {
                rounded_up(size, before, after, window.kernel[i], window.stride[i])
            };
            let (rows, columns) = (more(0, h, top, bottom), more(1, w, left, right));
            let added = (rows, columns) != (0, 0);
            // Zeros that count come first; what is added for the last window never counts.
            let padded = [top, bottom, left, right].iter().any(|&p| p > 0);
            let (mut top, mut bottom, mut left, mut right) = (top, bottom, left, right);
            if added && counted && padded && !is_max {
                let op = Op::ZeroPad {
                    top,
                    bottom,
                    left,
                    right,
                };
                input = self.push(&format!("{}/padded", node.called()), op, &[&input])?;
                (top, bottom, left, right) = (0, 0, 0, 0);
            }
            count_padding = counted && !added;
            bottom = bottom.saturating_add(rows);
            right = right.saturating_add(columns);
            padding = Padding::Explicit {
                top,
                bottom,
                left,
                right,
            };
        }
        let (kernel, stride) = (window.kernel, window.stride);
        let op = match is_max {
            true => Op::MaxPool {
                kernel,
                stride,
                padding,
            },
            false => Op::AveragePool {
                kernel,
                stride,
                padding,
                count_padding,
            },
        };
        let name = self.push(node.called(), op, &[&input])?;
        Ok(View {
            steps,
            ..self.of_map(&name)
        })
    }

    pub(super) fn global_pool(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let axes: Vec<usize> = (2..view.axes.len()).collect();
        let op = match node.op_type() {
            "GlobalMaxPool" => Op::GlobalMaxPool,
            _ => Op::GlobalAveragePool,
        };
        self.over(node, &view, &axes, true, op)
    }

    pub(super) fn reduce(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let rank = view.axes.len();
        let axes = match self.integers(node, "axes", 1)? {
            Some(axes) if !axes.is_empty() => self.axes(node, &axes, rank)?,
            _ if node.int("noop_with_empty_axes") == Some(1) => return Ok(view),
            _ => (0..rank).collect(),
        };
        let kept = node.int("keepdims").unwrap_or(1) != 0;
        let op = match node.op_type() {
            "ReduceMax" => Op::GlobalMaxPool,
            _ => Op::GlobalAveragePool,
        };
        self.over(node, &view, &axes, kept, op)
    }

    /// The mean or the largest number over some axes.
    fn over(
        &mut self,
        node: &NodeProto,
        view: &View,
        axes: &[usize],
        kept: bool,
        op: Op,
    ) -> Result<View, FormatError> {
        let is_max = op == Op::GlobalMaxPool;
        self.float_only(node, view, is_max)?;
        let gone = |axis: usize| axes.contains(&axis);
        let atoms = |view: &View| {
            let all = (0..view.axes.len()).filter(|&a| gone(a));
            let mut atoms: Vec<usize> = all.flat_map(|a| view.axes[a].clone()).collect();
            atoms.sort_unstable();
            atoms
        };
        let without = |view: &mut View| {
            let mut axis = 0;
            view.axes.retain(|_| {
                axis += 1;
                kept || !gone(axis - 1)
            });
        };
        let mut over = atoms(view);
        let mut view = view.clone();
        if over.is_empty() {
            without(&mut view);
            return Ok(view);
        }
        let own = self.node_axes(&view);
        let fits = match self.shape_of(&view.node) {
            Shape::Map(_) => own.get(1..).is_some_and(|places| places.concat() == over),
            Shape::Tokens(_) => own.first() == Some(&over),
            _ => false,
        };
        if !fits {
            let rest = (0..view.atoms.len())
                .filter(|a| !over.contains(a))
                .collect();
            view = self.arrange(&view, &[over, rest])?;
            over = atoms(&view);
        }
        let name = self.push(node.called(), op, &[&view.node])?;
        let before = |a: usize| over.iter().filter(|&&o| o < a).count();
        for axis in &mut view.axes {
            axis.retain(|a| !over.contains(a));
            for a in axis.iter_mut() {
                *a -= before(*a);
            }
        }
        let left = (0..view.atoms.len()).filter(|a| !over.contains(a));
        view.atoms = left.map(|a| view.atoms[a]).collect();
        without(&mut view);
        Ok(View {
            steps: view.steps,
            label: None,
            ..view.on(name)
        })
    }

    pub(super) fn softmax(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        let rank = view.axes.len();
        let along: Vec<usize> = match self.opset < 13 {
            // The value as a matrix: the axes from this one on are its columns.
            true => {
                let first = self.axis(node, node.int("axis").unwrap_or(1), rank)?;
                view.axes[first..].concat()
            }
            false => {
                let axis = self.axis(node, node.int("axis").unwrap_or(-1), rank)?;
                view.axes[axis].clone()
            }
        };
        let view = match self.node_axes(&view).last() == Some(&along) {
            true => view,
            false => {
                let rest = (0..view.atoms.len()).filter(|a| !along.contains(a));
                let rest: Vec<usize> = rest.collect();
                let groups = [rest, along];
                let groups: Vec<Vec<usize>> = match groups[0].is_empty() {
                    true => groups[1..].to_vec(),
                    false => groups.to_vec(),
                };
                self.arrange(&view, &groups)?
            }
        };
        let name = self.push(node.called(), Op::Softmax, &[&view.node])?;
        Ok(view.on(name))
    }
}

/// Rows that are added behind a map so that a window that would begin in it, or in the padding
/// before it, still fits: what `ceil_mode` asks for.
fn rounded_up(size: usize, before: usize, after: usize, kernel: usize, stride: usize) -> usize {
    let padded = size.saturating_add(before).saturating_add(after);
    let (Some(left), true) = (padded.checked_sub(kernel), stride > 0) else {
        return 0;
    };
    let mut steps = left.div_ceil(stride);
    if steps.saturating_mul(stride) >= size.saturating_add(before) {
        steps = steps.saturating_sub(1);
    }
    let reach = steps.saturating_mul(stride).saturating_add(kernel);
    reach.saturating_sub(padded)
}
