//! Operations that move or name axes: they only change how a node is seen.

use super::array::count;
use super::reader::Reader;
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

impl<'a> Reader<'a> {
    /// The shape that a Reshape, Flatten, Squeeze or Unsqueeze gives a value.
    pub(super) fn new_dims(
        &self,
        node: &NodeProto,
        dims: &[usize],
    ) -> Result<Vec<usize>, FormatError> {
        match node.op_type() {
            "Reshape" => self.reshaped_dims(node, dims),
            "Flatten" => {
                let rank = dims.len();
                let at = match node.int("axis").unwrap_or(1) {
                    at if at == rank as i64 => rank,
                    at => self.axis(node, at, rank)?,
                };
                Ok(vec![
                    dims[..at].iter().product(),
                    dims[at..].iter().product(),
                ])
            }
            "Squeeze" => {
                let axes = match self.integers(node, "axes", 1)? {
                    Some(axes) => self.axes(node, &axes, dims.len())?,
                    None => (0..dims.len()).filter(|&a| dims[a] == 1).collect(),
                };
                if axes.iter().any(|&a| dims[a] != 1) {
                    return Err(self.refuse(node, "one of an axis that is not 1", "axes of 1"));
                }
                let kept = (0..dims.len()).filter(|a| !axes.contains(a));
                Ok(kept.map(|a| dims[a]).collect())
            }
            _ => {
                let axes = self.integers(node, "axes", 1)?.unwrap_or_default();
                let rank = dims.len() + axes.len();
                let axes = self.axes(node, &axes, rank)?;
                let mut own = dims.iter();
                let all = (0..rank).map(|a| match axes.contains(&a) {
                    true => 1,
                    false => own.next().copied().unwrap_or(1),
                });
                Ok(all.collect())
            }
        }
    }

    fn reshaped_dims(&self, node: &NodeProto, dims: &[usize]) -> Result<Vec<usize>, FormatError> {
        let wanted = self.constant(node, 1)?;
        let wanted = wanted.as_ints().unwrap_or_default();
        let zero_is_zero = node.int("allowzero") == Some(1);
        let mut sizes = Vec::new();
        for (i, &size) in wanted.iter().enumerate() {
            sizes.push(match size {
                -1 => None,
                0 if !zero_is_zero => dims.get(i).copied(),
                size => Some(usize::try_from(size).unwrap_or(0)),
            });
        }
        let known = sizes
            .iter()
            .flatten()
            .try_fold(1usize, |n, &d| n.checked_mul(d));
        let all = count(dims).unwrap_or(0);
        let left = known.and_then(|known| all.checked_div(known));
        let open = sizes.iter().filter(|s| s.is_none()).count();
        let result: Vec<usize> = sizes.iter().map(|s| s.or(left).unwrap_or(0)).collect();
        if open > 1 || count(&result) != Some(all) {
            let found = format!("one of {dims:?} to {wanted:?} for one image");
            return Err(self.refuse(node, found, "as many numbers, image by image"));
        }
        Ok(result)
    }

    /// The same numbers in another shape.
    pub(super) fn reshape(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let dims = self.new_dims(node, &view.dims())?;
        self.reshape_to(node, &view, &dims)
    }

    pub(super) fn flatten(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        self.reshape(node)
    }

    pub(super) fn squeeze(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let label = self.view(node, 0)?.label;
        // Nothing that anyone would look for.
        Ok(View {
            label,
            ..self.reshape(node)?
        })
    }

    pub(super) fn reshape_to(
        &mut self,
        node: &NodeProto,
        view: &View,
        dims: &[usize],
    ) -> Result<View, FormatError> {
        let reshaped = match view.reshaped(dims) {
            Some(reshaped) => reshaped,
            None => {
                // Parts that do not divide so: in a row they do.
                let row = self.arrange(view, &[view.order()])?;
                let total = row.atoms.iter().product();
                let whole = View {
                    atoms: vec![total],
                    axes: vec![vec![0]],
                    ..row
                };
                let reshaped = whole.reshaped(dims);
                reshaped
                    .ok_or_else(|| self.refuse(node, "one of another size", "as many numbers"))?
            }
        };
        Ok(View {
            label: Some(node.called().to_owned()),
            steps: view.steps,
            ..reshaped
        })
    }

    pub(super) fn transpose(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let rank = view.axes.len();
        let axes = match node.ints("perm") {
            Some(perm) => self.axes(node, perm, rank)?,
            None => (0..rank).rev().collect(),
        };
        let mut sorted = axes.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..rank) {
            return Err(self.refuse(node, "one that does not name every axis once", "that"));
        }
        Ok(View {
            label: Some(node.called().to_owned()),
            ..view.transposed(&axes)
        })
    }
}
