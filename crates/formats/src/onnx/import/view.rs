//! How a value of an ONNX file lies in a node of ours.
//!
//! Files move axes about a great deal: a Transpose around every convolution in those of
//! TensorFlow, reshapes and transposes around every attention. None of it computes anything. So a
//! value is a node of the graph and a view of it: the node's numbers, row-major, divided into
//! *atoms*, and for each axis of the ONNX value the atoms that it is made of. Reshape, Transpose,
//! Squeeze and the like only change the view; an operation that needs the numbers in an order of
//! its own has them arranged, which mostly costs nothing.
//!
//! The batch is one image, an axis of size 1 like any other, and such axes have no atoms. So it
//! need not be followed through a file that moves it or merges it with others.

use std::ops::Range;

/// A value: a node and how its numbers are seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct View {
    /// The node.
    pub node: String,
    /// Sizes above 1, whose product is the count of the node's numbers, row-major.
    pub atoms: Vec<usize>,
    /// For each axis of the ONNX value its atoms, the slowest first.
    pub axes: Vec<Vec<usize>>,
    /// What a node is called that arranges the numbers so: the last operation that changed the
    /// view.
    pub label: Option<String>,
    /// The steps, if these are numbers of a quantised tensor.
    pub steps: Option<Steps>,
}

/// The steps of a quantised tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Steps {
    pub scale: f64,
    pub zero_point: f64,
}

impl View {
    /// The value of a node whose axes are some of the ONNX value's: `axes[i]` is the size of axis
    /// `i` and where it stands in the node.
    pub(super) fn of(node: &str, dims: &[usize], places: &[Option<usize>]) -> View {
        let mut atoms = Vec::new();
        let mut atom_of = Vec::new();
        for &dim in dims {
            atom_of.push((dim > 1).then_some(atoms.len()));
            if dim > 1 {
                atoms.push(dim);
            }
        }
        let axis = |place: &Option<usize>| {
            let atom = place.and_then(|p| atom_of.get(p).copied().flatten());
            atom.into_iter().collect()
        };
        View {
            node: node.to_owned(),
            atoms,
            axes: places.iter().map(axis).collect(),
            label: None,
            steps: None,
        }
    }

    /// The size of an axis.
    pub(super) fn size(&self, axis: usize) -> usize {
        let atoms = self.axes.get(axis).map(Vec::as_slice).unwrap_or_default();
        atoms.iter().map(|&a| self.atoms[a]).product()
    }

    /// The shape of the ONNX value.
    pub(super) fn dims(&self) -> Vec<usize> {
        (0..self.axes.len()).map(|axis| self.size(axis)).collect()
    }

    /// The shape, as it is said in messages.
    pub(super) fn shown(&self) -> String {
        format!("{:?}", self.dims())
    }

    /// All atoms in the order of the ONNX value.
    pub(super) fn order(&self) -> Vec<usize> {
        self.axes.concat()
    }

    /// The atoms of each axis of the node, whose shape is `dims`; none where an atom reaches
    /// over several.
    pub(super) fn node_axes(&self, dims: &[usize]) -> Option<Vec<Vec<usize>>> {
        let mut next = 0;
        let mut axes = Vec::new();
        for &dim in dims {
            let mut size = 1;
            let mut own = Vec::new();
            while size < dim {
                size *= self.atoms.get(next)?;
                own.push(next);
                next += 1;
            }
            if size != dim {
                return None;
            }
            axes.push(own);
        }
        (next == self.atoms.len()).then_some(axes)
    }

    /// Divides an atom into `outer` and the rest, which follows it.
    pub(super) fn split(&mut self, atom: usize, outer: usize) {
        let inner = self.atoms[atom] / outer;
        self.atoms[atom] = outer;
        self.atoms.insert(atom + 1, inner);
        for axis in &mut self.axes {
            for a in axis.iter_mut() {
                *a += usize::from(*a > atom);
            }
            if let Some(at) = axis.iter().position(|&a| a == atom) {
                axis.insert(at + 1, atom + 1);
            }
        }
    }

    /// The same numbers, row-major, in another shape; none if a new axis would be made of parts
    /// of atoms that do not divide so.
    pub(super) fn reshaped(&self, dims: &[usize]) -> Option<View> {
        let mut view = self.clone();
        // One axis of everything, which is then divided.
        view.axes = vec![self.order()];
        let mut taken = 0;
        let mut axes: Vec<(usize, usize)> = Vec::new();
        for &dim in dims {
            let mut left = dim;
            let start = taken;
            while left > 1 {
                let atom = *view.axes.first()?.get(taken)?;
                let size = view.atoms[atom];
                if left.is_multiple_of(size) {
                    left /= size;
                } else if size.is_multiple_of(left) {
                    view.split(atom, left);
                    left = 1;
                } else {
                    return None;
                }
                taken += 1;
            }
            axes.push((start, taken));
        }
        let order = view.order();
        if taken != order.len() || dims.contains(&0) {
            return None;
        }
        let axes = axes.into_iter();
        view.axes = axes.map(|(from, to)| order[from..to].to_vec()).collect();
        Some(view)
    }

    /// The axes in another order.
    pub(super) fn transposed(&self, axes: &[usize]) -> View {
        let mut view = self.clone();
        view.axes = axes.iter().map(|&a| self.axes[a].clone()).collect();
        view
    }

    /// The value of another node of the same shape, seen the same way.
    pub(super) fn on(&self, node: String) -> View {
        View {
            node,
            steps: None,
            ..self.clone()
        }
    }

    /// The value after an operation that gave an axis another size. The axis is made of `atoms`,
    /// which follow each other in the node; of none if its size was 1, and then `atoms.start`
    /// is where they would be.
    pub(super) fn resized(&self, axis: usize, atoms: Range<usize>, size: usize) -> View {
        let kept = usize::from(size > 1);
        let mut view = View {
            label: None,
            steps: None,
            ..self.clone()
        };
        let new = (size > 1).then_some(size);
        view.atoms.splice(atoms.clone(), new);
        for (i, own) in view.axes.iter_mut().enumerate() {
            if i == axis {
                *own = new.map(|_| atoms.start).into_iter().collect();
                continue;
            }
            for a in own.iter_mut().filter(|a| **a >= atoms.end) {
                *a = *a - atoms.len() + kept;
            }
        }
        view
    }

    /// Brings two values to the same division into atoms along some axes, on which their sizes
    /// are the same; whether that is possible.
    pub(super) fn refine(
        &mut self,
        other: &mut View,
        axes: impl IntoIterator<Item = usize>,
    ) -> bool {
        for axis in axes {
            let mut at = 0;
            loop {
                let ours = self.axes[axis].get(at).map(|&a| (a, self.atoms[a]));
                let theirs = other.axes[axis].get(at).map(|&a| (a, other.atoms[a]));
                let (Some((a, size)), Some((b, other_size))) = (ours, theirs) else {
                    if ours.is_some() || theirs.is_some() {
                        return false;
                    }
                    break;
                };
                if size > other_size && size.is_multiple_of(other_size) {
                    self.split(a, other_size);
                } else if other_size > size && other_size.is_multiple_of(size) {
                    other.split(b, size);
                } else if size != other_size {
                    return false;
                }
                at += 1;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `[1, H, W, C]` seen in a map of 3 channels, 4 rows and 5 columns.
    fn channels_last() -> View {
        View::of("x", &[3, 4, 5], &[None, Some(1), Some(2), Some(0)])
    }

    #[test]
    fn a_flattened_image_keeps_the_order_of_its_axes() {
        let flat = channels_last().reshaped(&[1, 60]).unwrap();
        assert_eq!(flat.dims(), [1, 60]);
        assert_eq!(flat.axes, [vec![], vec![1, 2, 0]]);
    }

    #[test]
    fn an_atom_is_divided_where_a_new_axis_ends() {
        let tokens = View::of("x", &[7, 12], &[None, Some(0), Some(1)]);
        let heads = tokens.reshaped(&[1, 7, 3, 4]).unwrap();
        assert_eq!(heads.atoms, [7, 3, 4]);
        let turned = heads.transposed(&[0, 2, 1, 3]);
        assert_eq!(turned.dims(), [1, 3, 7, 4]);
        assert_eq!(
            turned.reshaped(&[3, 28]).unwrap().axes,
            [vec![1], vec![0, 2]]
        );
        assert_eq!(turned.reshaped(&[4, 21]), None);
    }

    #[test]
    fn an_axis_of_another_size_is_one_atom_or_none() {
        let heads = View::of("x", &[7, 12], &[Some(0), Some(1)]);
        let heads = heads.reshaped(&[7, 3, 4]).unwrap();
        let fewer = heads.resized(1, 1..2, 2);
        assert_eq!(fewer.atoms, [7, 2, 4]);
        let one = heads.resized(1, 1..2, 1);
        assert_eq!(one.axes, [vec![0], vec![], vec![1]]);
        assert_eq!(one.resized(1, 1..1, 5), fewer.resized(1, 1..2, 5));
    }
}
