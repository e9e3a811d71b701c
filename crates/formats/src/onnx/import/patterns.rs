//! Operations that exporters write as several: put together again before the file is read.
//!
//! The last node of such a group is replaced by one that does the whole; what led to it is then
//! read by no one and left out. GELU and layer normalisation have to be found, since the error
//! function, powers and roots are no operations of finial; the others are found so that a network
//! looks as its author wrote it.

use std::collections::HashMap;

use super::array;
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{AttributeProto, GraphProto, NodeProto, TensorProto};

/// The domain of nodes that are made here.
pub(super) const DOMAIN: &str = "finial";
/// Factors that are followed through one product.
const MOST_FACTORS: usize = 8;

/// The nodes of a graph with groups put together.
pub(super) fn fuse(file: &OnnxFile, graph: &GraphProto) -> Vec<NodeProto> {
    let finder = Finder::new(file, graph);
    let mut nodes = graph.node.clone();
    for (i, node) in graph.node.iter().enumerate() {
        let found = match node.op_type() {
            "Mul" | "Div" => finder
                .gelu(node)
                .or_else(|| finder.hard_swish(node))
                .or_else(|| finder.swish(node))
                .map(|found| (i, found)),
            _ => None,
        };
        let found = found.or_else(|| finder.layer_norm(i, node));
        if let Some((at, found)) = found
            && let Some(place) = nodes.get_mut(at)
        {
            *place = NodeProto {
                name: place.name.clone(),
                output: place.output.clone(),
                domain: Some(DOMAIN.to_owned()),
                ..found
            };
        }
    }
    nodes
}

struct Finder<'a> {
    file: &'a OnnxFile,
    graph: &'a GraphProto,
    producers: HashMap<&'a str, usize>,
    tensors: HashMap<&'a str, &'a TensorProto>,
    readers: HashMap<&'a str, Vec<usize>>,
}

/// A product: its stored factor, and the values in it.
struct Product<'a> {
    factor: f64,
    values: Vec<&'a str>,
}

/// What is normalised: by which mean, over which axes.
struct Spread<'a> {
    x: &'a str,
    mean: &'a NodeProto,
    axes: Vec<i64>,
    epsilon: f64,
}

impl<'a> Finder<'a> {
    fn new(file: &'a OnnxFile, graph: &'a GraphProto) -> Self {
        let mut producers = HashMap::new();
        let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (i, node) in graph.node.iter().enumerate() {
            for output in &node.output {
                producers.entry(output.as_str()).or_insert(i);
            }
            for input in &node.input {
                readers.entry(input).or_default().push(i);
            }
        }
        for output in &graph.output {
            readers.entry(output.name()).or_default().push(usize::MAX);
        }
        Finder {
            file,
            graph,
            producers,
            tensors: graph.initializer.iter().map(|t| (t.name(), t)).collect(),
            readers,
        }
    }

    /// The node that gives a value, if it is of this operation.
    fn made_by(&self, value: &str, op: &str) -> Option<&'a NodeProto> {
        let node = self.graph.node.get(*self.producers.get(value)?)?;
        (node.op_type() == op).then_some(node)
    }

    /// A stored number.
    fn number(&self, value: &str) -> Option<f64> {
        let tensor = match self.tensors.get(value) {
            Some(tensor) => tensor,
            None => {
                let mut node = self.graph.node.get(*self.producers.get(value)?)?;
                // Half-precision files cast their numbers.
                for _ in 0..2 {
                    if matches!(node.op_type(), "Cast" | "Identity") {
                        let input = node.input.first()?;
                        if let Some(tensor) = self.tensors.get(input.as_str()) {
                            return array::read(self.file, tensor).ok()?.scalar();
                        }
                        node = self.graph.node.get(*self.producers.get(input.as_str())?)?;
                    }
                }
                if let Some(value) = node.float("value_float") {
                    return Some(f64::from(value));
                }
                node.attribute("value")?.t.as_deref()?
            }
        };
        if tensor.dims.iter().any(|&d| d != 1) {
            return None;
        }
        array::read(self.file, tensor).ok()?.scalar()
    }

    fn is_stored(&self, value: &str) -> bool {
        let constant = || self.made_by(value, "Constant").is_some();
        self.tensors.contains_key(value) || constant()
    }

    /// `(a, b)` of a node of two inputs, of which `b` is a stored number near `expected`.
    fn with_number(&self, node: &'a NodeProto, expected: f64) -> Option<&'a str> {
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        let is = |value: &str| self.number(value).is_some_and(|n| near(n, expected));
        match (is(b), is(a)) {
            (true, _) => Some(a),
            (_, true) if node.op_type() != "Div" && node.op_type() != "Pow" => Some(b),
            _ => None,
        }
    }

    /// What a node multiplies, through further products; values in `whole` are not taken apart.
    fn product(&self, node: &'a NodeProto, whole: &[&str]) -> Option<Product<'a>> {
        let mut product = Product {
            factor: 1.0,
            values: Vec::new(),
        };
        let mut open = vec![(node, 0)];
        while let Some((node, depth)) = open.pop() {
            let [a, b] = node.input.as_slice() else {
                return None;
            };
            for (value, divides) in [(a, false), (b, node.op_type() == "Div")] {
                if let Some(number) = self.number(value) {
                    product.factor *= if divides { number.recip() } else { number };
                    continue;
                }
                if divides || product.values.len() > MOST_FACTORS {
                    return None;
                }
                let inner = ["Mul", "Div"].iter().find_map(|op| self.made_by(value, op));
                match inner.filter(|_| depth < 3 && !whole.contains(&value.as_str())) {
                    Some(inner) => open.push((inner, depth + 1)),
                    None => product.values.push(value),
                }
            }
        }
        Some(product)
    }

    /// Whether a node is `factor · x · gate`.
    fn is_gated(&self, node: &'a NodeProto, x: &str, gate: &str, factor: f64) -> bool {
        self.product(node, &[x, gate]).is_some_and(|product| {
            let mut values = product.values;
            values.sort_unstable();
            let mut expected = [x, gate];
            expected.sort_unstable();
            values == expected && near(product.factor, factor)
        })
    }

    /// Values that a product reads, itself or through up to two further products.
    fn factors(&self, node: &'a NodeProto) -> Vec<&'a str> {
        let mut factors: Vec<&str> = Vec::new();
        let mut open = vec![(node, 0)];
        while let Some((node, depth)) = open.pop() {
            for value in &node.input {
                factors.push(value);
                let inner = ["Mul", "Div"].iter().find_map(|op| self.made_by(value, op));
                if let Some(inner) = inner.filter(|_| depth < 2) {
                    open.push((inner, depth + 1));
                }
            }
        }
        factors
    }

    /// `x · ½ · (1 + erf(x / √2))`, or its approximation by `tanh`, multiplied in any order.
    fn gelu(&self, node: &'a NodeProto) -> Option<NodeProto> {
        self.factors(node).into_iter().find_map(|gate| {
            let inner = self.with_number(self.made_by(gate, "Add")?, 1.0)?;
            let (x, approximate) = match self.made_by(inner, "Erf") {
                Some(erf) => (self.root_of_two(erf.input.first()?)?, false),
                None => (
                    self.tanh_argument(self.made_by(inner, "Tanh")?.input.first()?)?,
                    true,
                ),
            };
            let is_gelu = self.is_gated(node, x, gate, 0.5);
            let mut found = made("Gelu", &[x]);
            if approximate {
                found.attribute.push(AttributeProto {
                    name: Some("approximate".to_owned()),
                    s: Some(b"tanh".to_vec()),
                    ..AttributeProto::default()
                });
            }
            is_gelu.then_some(found)
        })
    }

    /// The `x` of `x / √2`.
    fn root_of_two(&self, value: &str) -> Option<&'a str> {
        let root = std::f64::consts::SQRT_2;
        if let Some(divided) = self.made_by(value, "Div") {
            return self.with_number(divided, root);
        }
        self.with_number(self.made_by(value, "Mul")?, root.recip())
    }

    /// The `x` of `√(2/π) · (x + 0.044715 · x³)`.
    fn tanh_argument(&self, value: &str) -> Option<&'a str> {
        let root = std::f64::consts::FRAC_2_PI.sqrt();
        let sum = self.with_number(self.made_by(value, "Mul")?, root)?;
        let sum = self.made_by(sum, "Add")?;
        let [a, b] = sum.input.as_slice() else {
            return None;
        };
        [(a, b), (b, a)].into_iter().find_map(|(x, cubic)| {
            let cubic = self.made_by(cubic, "Mul")?;
            let cube = |value: &str| {
                let pow = self.made_by(value, "Pow")?;
                (self.with_number(pow, 3.0)? == x).then_some(())
            };
            let by_power = self.with_number(cubic, 0.044_715).and_then(cube).is_some();
            let by_products = || {
                let product = self.product(cubic, &[x])?;
                let cubed = product.values.len() == 3 && product.values.iter().all(|v| v == x);
                (cubed && near(product.factor, 0.044_715)).then_some(())
            };
            (by_power || by_products().is_some()).then_some(x.as_str())
        })
    }

    /// `x · sigmoid(x)`.
    fn swish(&self, node: &'a NodeProto) -> Option<NodeProto> {
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        [(a, b), (b, a)].into_iter().find_map(|(x, gate)| {
            let sigmoid = self.made_by(gate, "Sigmoid")?;
            let own = sigmoid.input.first()? == x && node.op_type() == "Mul";
            own.then(|| made("Swish", &[x]))
        })
    }

    /// `x · relu6(x + 3) / 6`, or `x · hardsigmoid(x)`.
    fn hard_swish(&self, node: &'a NodeProto) -> Option<NodeProto> {
        self.factors(node).into_iter().find_map(|gate| {
            let (x, factor) = match self.made_by(gate, "HardSigmoid") {
                Some(hard) => {
                    let slope = f64::from(hard.float("alpha").unwrap_or(0.2));
                    let offset = f64::from(hard.float("beta").unwrap_or(0.5));
                    let standard = near(slope, 1.0 / 6.0) && near(offset, 0.5);
                    (hard.input.first().filter(|_| standard)?.as_str(), 1.0)
                }
                None => {
                    let clip = self.made_by(gate, "Clip")?;
                    let bound = |name: &str, k: usize| match clip.input.get(k) {
                        Some(value) => self.number(value),
                        None => clip.float(name).map(f64::from),
                    };
                    let six = bound("min", 1)? == 0.0 && bound("max", 2)? == 6.0;
                    let sum = self.made_by(clip.input.first().filter(|_| six)?, "Add")?;
                    (self.with_number(sum, 3.0)?, 1.0 / 6.0)
                }
            };
            self.is_gated(node, x, gate, factor)
                .then(|| made("HardSwish", &[x]))
        })
    }

    /// `(x − mean) / √(variance + ε)`, with what is multiplied and added behind it, if that is
    /// stored.
    fn layer_norm(&self, i: usize, node: &'a NodeProto) -> Option<(usize, NodeProto)> {
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

    /// The value that a node of two inputs reads, and the stored tensor.
    fn with_stored(&self, node: &'a NodeProto) -> Option<(&'a str, Option<&'a str>)> {
        let [a, b] = node.input.as_slice() else {
            return None;
        };
        match (self.is_stored(a), self.is_stored(b)) {
            (false, true) => Some((a, Some(b))),
            (true, false) => Some((b, Some(a))),
            _ => None,
        }
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

    fn stored(&self, value: &str) -> Option<&'a TensorProto> {
        let constant = || {
            self.made_by(value, "Constant")?
                .attribute("value")?
                .t
                .as_deref()
        };
        self.tensors.get(value).copied().or_else(constant)
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

/// A node of that operation; its name and output are those of the one it replaces.
fn made(op: &str, inputs: &[&str]) -> NodeProto {
    NodeProto {
        op_type: Some(op.to_owned()),
        input: inputs.iter().map(|&i| i.to_owned()).collect(),
        ..NodeProto::default()
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

/// Whether a number is that one, up to half precision.
fn near(number: f64, expected: f64) -> bool {
    (number - expected).abs() <= 1e-3 * expected.abs()
}
