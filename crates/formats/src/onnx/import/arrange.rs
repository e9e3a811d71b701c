//! Bringing the numbers of a value into the order that an operation needs.

use std::collections::HashMap;
use std::ops::Range;

use finial_graph::{Op, Order, Shape};

use super::array::{self, Array, offsets};
use super::reader::{Reader, STOP_BEFORE};
use super::view::View;
use crate::FormatError;

impl<'a> Reader<'a> {
    /// The atoms of each axis of a view's node.
    pub(super) fn node_axes(&self, view: &View) -> Vec<Vec<usize>> {
        let shape = self.shape_of(&view.node);
        view.node_axes(shape.dims()).unwrap_or_default()
    }

    /// The value with its numbers arranged so that each axis of its node is made of these atoms:
    /// every atom once. Nothing is computed where they lie so already.
    pub(super) fn arrange(
        &mut self,
        view: &View,
        groups: &[Vec<usize>],
    ) -> Result<View, FormatError> {
        let size = |group: &Vec<usize>| group.iter().map(|&a| view.atoms[a]).product::<usize>();
        let order: Vec<usize> = groups.concat();
        let wanted: Vec<usize> = groups.iter().map(size).collect();
        let mut arranged = view.clone();
        arranged.atoms = order.iter().map(|&a| view.atoms[a]).collect();
        let place: HashMap<usize, usize> = order.iter().copied().zip(0..).collect();
        for a in arranged.axes.iter_mut().flatten() {
            *a = place.get(a).copied().unwrap_or(*a);
        }
        let shape = self.shape_of(&view.node);
        let label = view.label.clone();
        let label = label.unwrap_or_else(|| format!("{}/arranged", view.node));
        let Some(to) = Shape::of(&wanted) else {
            return Err(FormatError::unsupported(
                &self.file.path,
                format!("node `{label}`"),
                format!("a value of {} axes besides the batch", wanted.len()),
                "up to four",
                STOP_BEFORE,
            ));
        };
        let in_order = order.is_sorted();
        if in_order && shape == to {
            return Ok(arranged);
        }
        let key = (view.node.clone(), view.atoms.clone(), groups.to_vec());
        if let Some(node) = self.arranged.get(&key) {
            arranged.node.clone_from(node);
            return Ok(arranged);
        }
        arranged.node = match in_order {
            true => self.reshape_node(&label, &view.node, to)?,
            false => self.permute_node(&label, view, shape, &order, to)?,
        };
        arranged.label = None;
        self.arranged.insert(key, arranged.node.clone());
        Ok(arranged)
    }

    fn reshape_node(&mut self, label: &str, node: &str, to: Shape) -> Result<String, FormatError> {
        let op = match to {
            Shape::Vector(_) => Op::Flatten {
                order: Order::ChannelsFirst,
            },
            _ => Op::Reshape { shape: to },
        };
        self.push(label, op, &[node])
    }

    fn permute_node(
        &mut self,
        label: &str,
        view: &View,
        shape: Shape,
        order: &[usize],
        to: Shape,
    ) -> Result<String, FormatError> {
        // A map in a row, all channels of each place: the layer that is known for it.
        if let (Shape::Map(_), Shape::Vector(_)) = (shape, to) {
            let axes = view.node_axes(shape.dims()).unwrap_or_default();
            let last = [axes.get(1), axes.get(2), axes.first()];
            let last: Vec<usize> = last.into_iter().flatten().flatten().copied().collect();
            if last == order {
                let order = Order::ChannelsLast;
                return self.push(label, Op::Flatten { order }, &[&view.node]);
            }
        }
        // Atoms that stay neighbours are moved as one.
        let mut runs: Vec<Vec<usize>> = Vec::new();
        for &atom in order {
            match runs.last_mut() {
                Some(run) if run.last().is_some_and(|&last| last + 1 == atom) => run.push(atom),
                _ => runs.push(vec![atom]),
            }
        }
        let mut sorted: Vec<(usize, usize)> = Vec::new();
        for (i, run) in runs.iter().enumerate() {
            sorted.push((run.first().copied().unwrap_or(0), i));
        }
        sorted.sort_unstable();
        let size = |i: usize| runs[i].iter().map(|&a| view.atoms[a]).product::<usize>();
        let sizes: Vec<usize> = sorted.iter().map(|&(_, i)| size(i)).collect();
        let mut axes = vec![0; runs.len()];
        for (from, &(_, to)) in sorted.iter().enumerate() {
            axes[to] = from;
        }
        let mut node = view.node.clone();
        let Some(before) = Shape::of(&sizes) else {
            return self.permute_in_steps(label, node, &sizes, &axes, to);
        };
        if shape != before {
            let op = Op::Reshape { shape: before };
            node = self.push(&format!("{label}/split"), op, &[&node])?;
        }
        let turned: Vec<usize> = axes.iter().map(|&a| sizes[a]).collect();
        let op = Op::Permute { axes };
        if Shape::of(&turned) == Some(to) {
            return self.push(label, op, &[&node]);
        }
        let node = self.push(&format!("{label}/turned"), op, &[&node])?;
        self.reshape_node(label, &node, to)
    }

    /// A transposition of more axes than a value may have: one axis after the other is brought to
    /// its place, with what lies before, between and behind as one axis each.
    fn permute_in_steps(
        &mut self,
        label: &str,
        mut node: String,
        sizes: &[usize],
        axes: &[usize],
        to: Shape,
    ) -> Result<String, FormatError> {
        let mut order: Vec<usize> = (0..sizes.len()).collect();
        for (place, &axis) in axes.iter().enumerate() {
            let at = order.iter().position(|&o| o == axis).unwrap_or(place);
            if at <= place {
                continue;
            }
            let size =
                |range: Range<usize>| order[range].iter().map(|&o| sizes[o]).product::<usize>();
            let shape = Shape::Stack([
                size(0..place),
                size(place..at),
                size(at..at + 1),
                size(at + 1..order.len()),
            ]);
            if self.shape_of(&node) != shape {
                let label = format!("{label}/step_{place}/shape");
                node = self.push(&label, Op::Reshape { shape }, &[&node])?;
            }
            let axes = vec![0, 2, 1, 3];
            let op = Op::Permute { axes };
            node = self.push(&format!("{label}/step_{place}"), op, &[&node])?;
            order.remove(at);
            order.insert(place, axis);
        }
        match self.shape_of(&node) == to {
            true => Ok(node),
            false => self.reshape_node(label, &node, to),
        }
    }

    /// The value with these atoms as the channels of its node.
    pub(super) fn channelwise(
        &mut self,
        view: &View,
        channels: &[usize],
    ) -> Result<View, FormatError> {
        let shape = self.shape_of(&view.node);
        let axes = self.node_axes(view);
        if axes
            .get(shape.channel_axis())
            .is_some_and(|own| own == channels)
        {
            return Ok(view.clone());
        }
        let rest = (0..view.atoms.len()).filter(|a| !channels.contains(a));
        let rest: Vec<usize> = rest.collect();
        match rest.is_empty() {
            true => self.arrange(view, &[channels.to_vec()]),
            false => self.arrange(view, &[rest, channels.to_vec()]),
        }
    }

    /// Where the channels of a view's node stand among its atoms.
    pub(super) fn channel_atoms(&self, view: &View) -> Range<usize> {
        let axis = self.shape_of(&view.node).channel_axis();
        let axes = self.node_axes(view);
        let before = axes.iter().take(axis).map(Vec::len).sum();
        before..before + axes.get(axis).map_or(0, Vec::len)
    }

    /// The numbers of a stored array in the order of a view's node: for each atom how far a step
    /// along it moves in the array. None if the array does not fit the view.
    pub(super) fn steps_of(&self, view: &View, array: &Array) -> Option<Vec<usize>> {
        let dims = view.dims();
        let extra = array.dims.len().saturating_sub(dims.len());
        if array.dims[..extra].iter().any(|&d| d != 1) {
            return None;
        }
        let own = &array.dims[extra..];
        let skipped = dims.len() - own.len();
        let strides = array::strides(own);
        let mut steps = vec![0; view.atoms.len()];
        for (axis, (&dim, &stride)) in own.iter().zip(&strides).enumerate() {
            if dim == 1 {
                continue;
            }
            if dim != dims[skipped + axis] {
                return None;
            }
            let mut step = stride;
            for &atom in view.axes[skipped + axis].iter().rev() {
                steps[atom] = step;
                step *= view.atoms[atom];
            }
        }
        Some(steps)
    }

    /// The numbers of an array for these atoms, by those steps.
    pub(super) fn picked(
        &self,
        view: &View,
        atoms: &[usize],
        steps: &[usize],
        array: &Array,
    ) -> Vec<f32> {
        let dims: Vec<usize> = atoms.iter().map(|&a| view.atoms[a]).collect();
        let steps: Vec<usize> = atoms.iter().map(|&a| steps[a]).collect();
        let data = array.data.pick(offsets(&dims, &steps));
        Array { dims, data }.into_floats()
    }
}
