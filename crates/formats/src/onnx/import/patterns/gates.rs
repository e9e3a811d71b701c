//! Products of a value and a gate of it: GELU, swish, hard swish.

use super::{Finder, made, near};
use crate::onnx::proto::{AttributeProto, NodeProto};

/// Factors that are followed through one product.
const MOST_FACTORS: usize = 8;

/// A product: its stored factor, and the values in it.
struct Product<'a> {
    factor: f64,
    values: Vec<&'a str>,
}

impl<'a> Finder<'a> {
    /// `x · ½ · (1 + erf(x / √2))`, or its approximation by `tanh`, multiplied in any order.
    pub(super) fn gelu(&self, node: &'a NodeProto) -> Option<NodeProto> {
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
    pub(super) fn swish(&self, node: &'a NodeProto) -> Option<NodeProto> {
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
    pub(super) fn hard_swish(&self, node: &'a NodeProto) -> Option<NodeProto> {
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
}
