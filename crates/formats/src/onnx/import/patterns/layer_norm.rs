//! Layer normalisation from the operations that it is made of.

use super::{Finder, made};
use crate::onnx::import::array;
use crate::onnx::proto::{AttributeProto, NodeProto};

/// What is normalised: by which mean, over which axes.
struct Spread<'a> {
    x: &'a str,
    mean: &'a NodeProto,
    axes: Vec<i64>,
    epsilon: f64,
}

impl<'a> Finder<'a> {
    /// `(x − mean) / √(variance + ε)`, with what is multiplied and added behind it, if that is
    /// stored.
    pub(super) fn layer_norm(&self, i: usize, node: &'a NodeProto) -> Option<(usize, NodeProto)> {
        if let Some(found) = self.layer_norm_of_tensorflow(node) {
            return Some((i, found));
        }
        let [difference, other] = node.input.as_slice() else {
            return None;
        };
        let root = match node.op_type() {
            "Div" => self.made_by(other, "Sqrt")?,
            "Mul" => self.made_by(self.made_by(other, "Reciprocal")?.input.first()?, "Sqrt")?,
            _ => return None,
        };
        let Spread {
            x, axes, epsilon, ..
        } = self.spread(root)?;
        if self.centred(difference)?.0 != x {
            return None;
        }
        let mut found = made_layer_norm(x, &axes, epsilon);
        // Only weights of the last axis are those of a layer normalisation.
        let mut at = i;
        for op in ["Mul", "Add"] {
            let stored = |at: usize| {
                let output = self.graph.node.get(at)?.output.first()?;
                let &[next] = self.readers.get(output.as_str())?.as_slice() else {
                    return None;
                };
                let next_node = self.graph.node.get(next).filter(|n| n.op_type() == op)?;
                let other = next_node.input.iter().find(|input| *input != output)?;
                let vector = axes == [-1] && self.is_stored(other) && self.is_vector(other);
                vector.then_some((next, other.clone()))
            };
            match stored(at) {
                Some((next, weight)) => {
                    found.input.push(weight);
                    at = next;
                }
                None => break,
            }
        }
        Some((at, found))
    }

    /// `x · s + (β − mean · s)` with `s = γ / √(variance + ε)`, which is how TensorFlow spares a
    /// subtraction for each number; γ and β may be left out.
    fn layer_norm_of_tensorflow(&self, node: &'a NodeProto) -> Option<NodeProto> {
        if node.op_type() != "Add" {
            return None;
        }
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        [(a, b), (b, a)].into_iter().find_map(|(scaled, shift)| {
            let [a, b] = self.made_by(scaled, "Mul")?.input.as_slice() else {
                return None;
            };
            [(a, b), (b, a)].into_iter().find_map(|(x, scale)| {
                let (inverse, gamma) = match self.made_by(scale, "Mul") {
                    Some(scale) => self.with_stored(scale)?,
                    None => (scale.as_str(), None),
                };
                let root = self.made_by(inverse, "Reciprocal")?.input.first()?;
                let spread = self.spread(self.made_by(root, "Sqrt")?)?;
                let (product, beta) = match self.made_by(shift, "Add") {
                    Some(sum) => self.with_stored(sum)?,
                    None => (shift.as_str(), None),
                };
                let along = |stored: &Option<&str>| match (stored, spread.axes.as_slice()) {
                    (None, _) => true,
                    (Some(stored), [axis]) => self.lies_along(stored, *axis),
                    _ => false,
                };
                let alike = spread.x == x
                    && self.is_negative_mean(product, scale, spread.mean)
                    && along(&gamma)
                    && along(&beta);
                if !alike {
                    return None;
                }
                let mut found = made_layer_norm(x, &spread.axes, spread.epsilon);
                if gamma.is_some() || beta.is_some() {
                    // An empty name is an input that is left out.
                    found.input.push(gamma.unwrap_or_default().to_owned());
                }
                found.input.extend(beta.map(str::to_owned));
                Some(found)
            })
        })
    }

    /// Whether a value is `−mean · scale`.
    fn is_negative_mean(&self, value: &str, scale: &str, mean: &NodeProto) -> bool {
        let factors = self.made_by(value, "Mul").map(|mul| mul.input.as_slice());
        let Some([a, b]) = factors else {
            return false;
        };
        [(a, b), (b, a)].into_iter().any(|(negative, other)| {
            let negative = self.made_by(negative, "Neg");
            other == scale && negative.is_some_and(|node| node.input.first() == mean.output.first())
        })
    }

    /// What a root of a variance is of.
    fn spread(&self, root: &NodeProto) -> Option<Spread<'a>> {
        let sum = self.made_by(root.input.first()?, "Add")?;
        let [a, b] = sum.input.as_slice() else {
            return None;
        };
        let (variance, epsilon) = match (self.number(b), self.number(a)) {
            (Some(epsilon), _) => (a, epsilon),
            (_, Some(epsilon)) => (b, epsilon),
            _ => return None,
        };
        let variance = self.made_by(variance, "ReduceMean")?;
        let square = variance.input.first()?;
        let squared = match self.made_by(square, "Pow") {
            Some(pow) => self.with_number(pow, 2.0)?,
            None => match self.made_by(square, "Mul")?.input.as_slice() {
                [a, b] if a == b => a,
                _ => return None,
            },
        };
        let (x, mean) = self.centred(squared)?;
        let axes = self.reduced(mean)?;
        let alike = self.reduced(variance)? == axes
            && [mean, variance]
                .iter()
                .all(|n| n.int("keepdims") != Some(0));
        alike.then_some(Spread {
            x,
            mean,
            axes,
            epsilon,
        })
    }

    /// The `x` of `x − mean`, and its mean. tf2onnx has a Reshape between them where two
    /// transposes were, which changes nothing, since what it gives is taken from `x`.
    fn centred(&self, value: &str) -> Option<(&'a str, &'a NodeProto)> {
        let [x, mean] = self.made_by(value, "Sub")?.input.as_slice() else {
            return None;
        };
        let mean = match self.made_by(mean, "Reshape") {
            Some(reshape) => reshape.input.first()?,
            None => mean,
        };
        let mean = self.made_by(mean, "ReduceMean")?;
        (mean.input.first()? == x).then_some((x.as_str(), mean))
    }

    fn is_vector(&self, value: &str) -> bool {
        self.stored(value).is_some_and(|t| t.dims.len() == 1)
    }

    /// Whether a stored tensor has more than one number along that axis only.
    fn lies_along(&self, value: &str, axis: i64) -> bool {
        let Some(tensor) = self.stored(value) else {
            return false;
        };
        let rank = tensor.dims.len();
        let place = match usize::try_from(axis) {
            Ok(place) => place,
            Err(_) => rank.saturating_sub(axis.unsigned_abs() as usize),
        };
        // A vector lies along the last axis, which only a negative number tells.
        let is_told = rank > 1 || axis == -1;
        let mut others = tensor.dims.iter().enumerate().filter(|(i, _)| *i != place);
        is_told && place < rank && others.all(|(_, &dim)| dim == 1)
    }

    /// The axes of a ReduceMean.
    fn reduced(&self, node: &NodeProto) -> Option<Vec<i64>> {
        if let Some(axes) = node.ints("axes") {
            return Some(axes.to_vec());
        }
        let tensor = self.stored(node.input.get(1)?)?;
        Some(array::read(self.file, tensor).ok()?.as_ints()?.to_vec())
    }
}

fn made_layer_norm(x: &str, axes: &[i64], epsilon: f64) -> NodeProto {
    let mut found = made("LayerNormalization", &[x]);
    found.attribute = vec![
        AttributeProto {
            name: Some("axes".to_owned()),
            ints: axes.to_vec(),
            ..AttributeProto::default()
        },
        AttributeProto::of_float("epsilon", epsilon),
    ];
    found
}
