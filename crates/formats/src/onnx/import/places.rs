//! Some places of an axis, or more than there are: cutting, picking, padding.

use finial_graph::{Op, Shape};

use super::array::count;
use super::known::joint;
use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

/// What a Slice takes of one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut {
    pub axis: usize,
    start: usize,
    count: usize,
    step: i64,
}

impl Cut {
    /// The places that it takes.
    pub(super) fn places(&self) -> Vec<usize> {
        let place = |i: usize| self.start as i64 + i as i64 * self.step;
        (0..self.count).map(|i| place(i).max(0) as usize).collect()
    }
}

impl<'a> Reader<'a> {
    /// Places `start` to `end` of an axis.
    pub(super) fn narrow(
        &mut self,
        label: &str,
        view: &View,
        axis: usize,
        start: usize,
        end: usize,
    ) -> Result<View, FormatError> {
        let size = view.size(axis);
        if start == 0 && end == size {
            return Ok(view.clone());
        }
        let own = view.axes[axis].clone();
        let axes = self.node_axes(view);
        // The slower part of an axis of the node is cut as that axis is.
        let Some(at) = axes.iter().position(|axis| axis.starts_with(&own)) else {
            let first = own.first().copied().unwrap_or(0);
            let in_a_row = own.iter().copied().eq(first..first + own.len());
            let all = 0..view.atoms.len();
            let groups = match in_a_row {
                true => vec![
                    (0..first).collect(),
                    own.clone(),
                    (first + own.len()..view.atoms.len()).collect(),
                ],
                false => vec![all.filter(|a| !own.contains(a)).collect(), own],
            };
            let groups: Vec<Vec<usize>> = groups.into_iter().filter(|g| !g.is_empty()).collect();
            let arranged = self.arrange(view, &groups)?;
            return self.narrow(label, &arranged, axis, start, end);
        };
        let inner: usize = axes[at][own.len()..]
            .iter()
            .map(|&a| view.atoms[a])
            .product();
        let op = Op::Slice {
            axis: at,
            start: start * inner,
            end: end * inner,
        };
        let first = own.first().copied().unwrap_or(0);
        let name = self.push(label, op, &[&view.node])?;
        Ok(View {
            node: name,
            steps: view.steps,
            ..view.resized(axis, first..first + own.len(), end - start)
        })
    }

    pub(super) fn split(&mut self, node: &NodeProto) -> Result<Vec<View>, FormatError> {
        let view = self.view(node, 0)?;
        let axis = self.axis(node, node.int("axis").unwrap_or(0), view.axes.len())?;
        let size = view.size(axis);
        let parts = node.output.len().max(1);
        let sizes: Vec<usize> = match self.integers(node, "split", 1)? {
            Some(sizes) => sizes
                .iter()
                .map(|&s| usize::try_from(s).unwrap_or(0))
                .collect(),
            None => {
                let each = size.div_ceil(parts);
                (0..parts)
                    .map(|i| each.min(size.saturating_sub(i * each)))
                    .collect()
            }
        };
        let total = sizes.iter().try_fold(0usize, |sum, &s| sum.checked_add(s));
        if total != Some(size) || sizes.len() < node.output.len() || sizes.contains(&0) {
            let found = format!("one of {size} into {sizes:?}");
            return Err(self.refuse(node, found, "parts of at least 1 that make up the whole"));
        }
        let mut views = Vec::new();
        let mut start = 0;
        for (size, output) in sizes.iter().zip(&node.output) {
            views.push(self.narrow(output, &view, axis, start, start + size)?);
            start += size;
        }
        Ok(views)
    }

    /// What a Slice takes, axis by axis.
    pub(super) fn cuts(&self, node: &NodeProto, dims: &[usize]) -> Result<Vec<Cut>, FormatError> {
        let starts = self.integers(node, "starts", 1)?.unwrap_or_default();
        let ends = self.integers(node, "ends", 2)?.unwrap_or_default();
        let axes = match self.integers(node, "axes", 3)? {
            Some(axes) => axes,
            None => (0..starts.len() as i64).collect(),
        };
        let steps = self.integers(node, "steps", 4)?;
        let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
        let alike = [ends.len(), axes.len(), steps.len()];
        if alike.iter().any(|&n| n != starts.len()) {
            return Err(self.refuse(node, "one of unlike lists", "a start and an end per axis"));
        }
        let mut cuts = Vec::new();
        for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
            let axis = self.axis(node, *axis, dims.len())?;
            let size = dims[axis] as i64;
            let from_start = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
            let (start, end) = (from_start(*start), from_start(*end));
            let (start, count) = match *step {
                0 => return Err(self.refuse(node, "one of step 0", "a step")),
                step if step > 0 => {
                    let (start, end) = (start.clamp(0, size), end.clamp(0, size));
                    (start, divided_up((end - start).max(0), step))
                }
                step => {
                    let (start, end) = (start.clamp(-1, size - 1), end.clamp(-1, size - 1));
                    (
                        start,
                        divided_up((start - end).max(0), step.saturating_neg()),
                    )
                }
            };
            cuts.push(Cut {
                axis,
                start: start.max(0) as usize,
                count: count as usize,
                step: *step,
            });
        }
        Ok(cuts)
    }

    pub(super) fn slice(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let mut view = self.view(node, 0)?;
        for cut in self.cuts(node, &view.dims())? {
            let size = view.size(cut.axis);
            view = match cut {
                Cut { count: 0, .. } => return Err(self.refuse(node, "one of nothing", "places")),
                Cut { step: 1, .. } | Cut { count: 1, .. } => {
                    let end = cut.start + cut.count;
                    self.narrow(node.called(), &view, cut.axis, cut.start, end)?
                }
                Cut { step: -1, .. } if cut.count == size => self.reverse(node, &view, cut.axis)?,
                _ => return Err(self.not_neighbours(node)),
            };
        }
        Ok(view)
    }

    pub(super) fn gather(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let axis = self.axis(node, node.int("axis").unwrap_or(0), view.axes.len())?;
        let places = self.constant(node, 1)?;
        let mut picked = Vec::new();
        for &place in places.as_ints().unwrap_or_default() {
            picked.push(self.axis(node, place, view.size(axis))?);
        }
        let first = picked.first().copied().unwrap_or(0);
        let in_a_row = picked.iter().copied().eq(first..first + picked.len());
        let reversed = picked.iter().copied().eq((0..view.size(axis)).rev());
        let mut view = match (picked.is_empty(), in_a_row, reversed) {
            (true, ..) => return Err(self.refuse(node, "one of nothing", "places")),
            (_, true, _) => self.narrow(node.called(), &view, axis, first, first + picked.len())?,
            (_, _, true) => self.reverse(node, &view, axis)?,
            _ => return Err(self.not_neighbours(node)),
        };
        match places.dims.len() {
            0 => {
                view.axes.remove(axis);
                Ok(view)
            }
            1 => Ok(view),
            // A table of places that follow each other.
            _ => {
                let mut dims = view.dims();
                dims.splice(axis..=axis, places.dims);
                self.reshape_to(node, &view, &dims)
            }
        }
    }

    /// All places of an axis in reverse: the channels of an image.
    fn reverse(&mut self, node: &NodeProto, view: &View, axis: usize) -> Result<View, FormatError> {
        let own = self.node_axes(view);
        let of_map = matches!(self.shape_of(&view.node), Shape::Map(_));
        if of_map && own.first() == view.axes.get(axis) {
            let name = self.push(node.called(), Op::ReverseChannels, &[&view.node])?;
            return Ok(view.on(name));
        }
        Err(self.not_neighbours(node))
    }

    fn not_neighbours(&self, node: &NodeProto) -> FormatError {
        self.refuse(
            node,
            "one of places that are not neighbours",
            "neighbours, or the channels of an image in reverse",
        )
    }

    /// Expand and Tile, where they repeat nothing.
    pub(super) fn repeat(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let sizes = self.constant(node, 1)?;
        let sizes = sizes.as_ints().unwrap_or_default().iter();
        let sizes: Vec<usize> = sizes.map(|&s| usize::try_from(s).unwrap_or(0)).collect();
        let dims = view.dims();
        let to = match node.op_type() {
            "Tile" => {
                let sized = dims.iter().zip(&sizes).map(|(d, s)| d.checked_mul(*s));
                sized.collect::<Option<Vec<usize>>>()
            }
            _ => joint(&[&dims, &sizes]),
        };
        match to {
            Some(to) if to.ends_with(&dims) && count(&to) == count(&dims) => {
                self.reshape_to(node, &view, &to)
            }
            _ => Err(self.refuse(
                node,
                "one that repeats the image's values",
                "one that does not",
            )),
        }
    }

    pub(super) fn pad(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let rank = view.axes.len();
        let mode = node.text("mode").unwrap_or("constant");
        let filler = match self.optional(node, 2)? {
            Some(value) => value.scalar().unwrap_or(0.0),
            None => f64::from(node.float("value").unwrap_or(0.0)),
        };
        let pads = self.integers(node, "pads", 1)?.unwrap_or_default();
        let axes = match self.optional(node, 3)? {
            Some(axes) => self.axes(node, axes.as_ints().unwrap_or_default(), rank)?,
            None => (0..rank).collect(),
        };
        if pads.len() != 2 * axes.len() {
            return Err(self.refuse(node, "one of too few numbers", "two for each axis"));
        }
        let (before, after) = pads.split_at(axes.len());
        let sides = axes.iter().zip(before.iter().zip(after));
        let sides = sides.filter(|(_, (b, a))| (**b, **a) != (0, 0));
        let sides: Vec<(usize, i64, i64)> = sides.map(|(&axis, (&b, &a))| (axis, b, a)).collect();
        if sides.is_empty() {
            return Ok(view);
        }
        if mode != "constant" || filler != 0.0 || sides.iter().any(|s| s.1 < 0 || s.2 < 0) {
            let found = format!("one of mode `{mode}` with {filler}");
            return Err(self.refuse(node, found, "zeros around a map"));
        }
        let own = self.node_axes(&view);
        let is_map = matches!(self.shape_of(&view.node), Shape::Map(_));
        let place = |view: &View, own: &[Vec<usize>], axis: usize| {
            let at = own.iter().position(|atoms| *atoms == view.axes[axis])?;
            (at > 0 && !view.axes[axis].is_empty()).then_some(at)
        };
        let fits = is_map
            && sides
                .iter()
                .all(|&(axis, ..)| place(&view, &own, axis).is_some());
        let (view, places) = if fits {
            let places = sides
                .iter()
                .filter_map(|&(axis, ..)| place(&view, &own, axis));
            let places: Vec<usize> = places.collect();
            (view, places)
        } else {
            let (rows, columns) = match sides.as_slice() {
                [(a, ..), (b, ..)] => (*a, Some(*b)),
                [(a, ..)] => (*a, None),
                _ => return Err(self.refuse(node, "one of three axes", "height and width")),
            };
            let columns_atoms = columns.map(|c| view.axes[c].clone()).unwrap_or_default();
            let rows = view.axes[rows].clone();
            let padded = |a: &usize| rows.contains(a) || columns_atoms.contains(a);
            let rest = (0..view.atoms.len()).filter(|a| !padded(a)).collect();
            let groups = [rest, rows.clone(), columns_atoms];
            (self.arrange(&view, &groups)?, vec![1, 2])
        };
        let mut extent = [0usize; 4];
        for (&at, &(_, b, a)) in places.iter().zip(&sides) {
            extent[2 * (at - 1)] = usize::try_from(b).unwrap_or(usize::MAX);
            extent[2 * (at - 1) + 1] = usize::try_from(a).unwrap_or(usize::MAX);
        }
        let [top, bottom, left, right] = extent;
        let op = Op::ZeroPad {
            top,
            bottom,
            left,
            right,
        };
        let name = self.push(node.called(), op, &[&view.node])?;
        let own = self.node_axes(&view);
        let mut result = view.on(name);
        // From the last axis on, so that the atoms before it stay where they are.
        let mut resized: Vec<(usize, usize)> = places
            .iter()
            .copied()
            .zip(sides.iter().map(|s| s.0))
            .collect();
        resized.sort_unstable_by(|a, b| b.cmp(a));
        let dims = self.shape_of(&result.node).dims().to_vec();
        for (at, axis) in resized {
            let start = own[..at].iter().map(Vec::len).sum();
            result = result.resized(axis, start..start + own[at].len(), dims[at]);
        }
        Ok(result)
    }

    pub(super) fn resize(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let dims = view.dims();
        let last = node.input.len() - 1;
        let mut same = false;
        for k in 1..=last {
            if let Some(array) = self
                .optional(node, k)?
                .filter(|a| a.data.len() == dims.len())
            {
                let sizes = array.floats();
                let ones = sizes.iter().all(|&s| s == 1.0);
                let own = sizes.iter().zip(&dims).all(|(&s, &d)| s == d as f32);
                same = ones || (own && array.as_ints().is_some());
            }
        }
        if let Some(scales) = node.attribute("scales") {
            same = scales.floats.iter().all(|&s| s == 1.0);
        }
        match same {
            true => Ok(view),
            false => Err(self.refuse(node, "one that changes the size", "one that keeps it")),
        }
    }
}

/// The quotient, rounded up; of what is not negative by what is positive.
fn divided_up(number: i64, by: i64) -> i64 {
    number / by + i64::from(number % by != 0)
}
