//! Values one behind the other, and stored tokens before those of the image.

use finial_graph::Op;

use super::array::count;
use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

/// Stored tokens that stand before those of an image: one, and a few registers.
const MOST_TOKENS: usize = 64;

impl<'a> Reader<'a> {
    pub(super) fn concat(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let count = node.input.len();
        let dynamic: Vec<usize> = (0..count).filter(|&k| self.is_view(node, k)).collect();
        let Some(&lead) = dynamic.first() else {
            return Err(self.refuse(node, "one of nothing", "values"));
        };
        let first = self.view(node, lead)?;
        let rank = first.axes.len();
        let axis = self.axis(node, node.int("axis").unwrap_or(0), rank)?;
        if dynamic.len() < count {
            return self.tokens_before(node, axis, &dynamic);
        }
        let mut views = Vec::new();
        for k in 0..count {
            views.push(self.view(node, k)?);
        }
        if views.len() == 1 {
            return Ok(first);
        }
        let alike = |v: &View| {
            v.axes.len() == rank && (0..rank).all(|a| a == axis || v.size(a) == first.size(a))
        };
        if !views.iter().all(alike) {
            return Err(self.refuse(node, "one of unlike shapes", "one shape but for the axis"));
        }
        // Each axis of the node is an axis of the file's value, or all are put so.
        let order = match self.axes_of_node(&first, axis) {
            Some(order) => order,
            None => {
                let wide = |a: &usize| *a == axis || first.size(*a) > 1;
                (0..rank).filter(wide).collect()
            }
        };
        let mut names = Vec::new();
        for view in &views {
            let groups: Vec<Vec<usize>> = order.iter().map(|&a| view.axes[a].clone()).collect();
            let exact = self.arrange(view, &groups)?;
            names.push(exact.node);
        }
        let Some(at) = order.iter().position(|&a| a == axis) else {
            return Err(self.refuse(node, "one along an axis that is lost", "another axis"));
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let name = self.push(node.called(), Op::Concat { axis: at }, &names)?;
        let dims = self.shape_of(&name).dims().to_vec();
        let places: Vec<Option<usize>> = (0..rank)
            .map(|a| order.iter().position(|&o| o == a))
            .collect();
        Ok(View::of(&name, &dims, &places))
    }

    /// For each axis of a view's node the axis of the file's value that it is, if it is one.
    /// `needed` is among them, even if its size is 1.
    fn axes_of_node(&self, view: &View, needed: usize) -> Option<Vec<usize>> {
        let own = self.node_axes(view);
        let mut order: Vec<usize> = Vec::new();
        for atoms in &own {
            let free = |a: &usize| !order.contains(a);
            let found = match atoms.is_empty() {
                false => view.axes.iter().position(|axis| axis == atoms),
                true => {
                    let ones = (0..view.axes.len()).filter(|&a| view.axes[a].is_empty());
                    let ones: Vec<usize> = ones.filter(free).collect();
                    let wanted = ones.iter().find(|a| **a == needed);
                    wanted.or(ones.last()).copied()
                }
            };
            order.push(found?);
        }
        order.contains(&needed).then_some(order)
    }

    /// A stored token before those of the image.
    fn tokens_before(
        &mut self,
        node: &NodeProto,
        axis: usize,
        dynamic: &[usize],
    ) -> Result<View, FormatError> {
        let last = node.input.len() - 1;
        let refused = |reader: &Self| {
            reader.refuse(
                node,
                "one that joins stored numbers to those of the image",
                "stored tokens [1, T, D] before those of the image",
            )
        };
        if dynamic != [last] {
            return Err(refused(self));
        }
        let view = self.view(node, last)?;
        let wide = |a: &usize| *a != axis && view.size(*a) > 1;
        let features: Vec<usize> = (0..view.axes.len()).filter(wide).collect();
        let &[features] = features.as_slice() else {
            return Err(refused(self));
        };
        let groups = [view.axes[axis].clone(), view.axes[features].clone()];
        let width = view.size(features);
        let mut name = self.arrange(&view, &groups)?.node;
        // The last stored token comes next to the image's.
        let mut rows: Vec<Vec<f32>> = Vec::new();
        for k in 0..last {
            let array = self.constant(node, k)?;
            let fits = array.dims.len() == view.axes.len()
                && array.dims[features] == width
                && count(&array.dims) == array.dims[axis].checked_mul(width);
            // Tokens are rows only if their axis comes first.
            if !fits || axis > features {
                return Err(refused(self));
            }
            if rows.len() + array.dims[axis] > MOST_TOKENS {
                return Err(refused(self));
            }
            rows.extend(array.floats().chunks(width).map(<[f32]>::to_vec));
        }
        let several = rows.len() > 1;
        for (i, row) in rows.into_iter().enumerate().rev() {
            let label = match several {
                true => format!("{}/{i}", node.called()),
                false => node.called().to_owned(),
            };
            name = self.push_layer(&label, Op::ClassToken, &name, vec![("token", row)])?;
        }
        let dims = self.shape_of(&name).dims().to_vec();
        let place = |a: usize| match a {
            a if a == axis => Some(0),
            a if a == features => Some(1),
            _ => None,
        };
        let places: Vec<Option<usize>> = (0..view.axes.len()).map(place).collect();
        Ok(View::of(&name, &dims, &places))
    }
}
