//! What a file computes from what is known: shapes above all, and weights that are stored in
//! another form.
//!
//! Numbers are counted before they are made, so a file cannot ask for more of them than it is
//! large.

use super::array::{Array, Data, count, offsets, read, strides};
use super::known::{cast, choose, combine, joint, map, map_ints, spread};
use super::reader::{Reader, Value};
use crate::FormatError;
use crate::onnx::proto::NodeProto;

impl<'a> Reader<'a> {
    /// The result of a node that reads nothing but what is known; none if it reads the image, or
    /// is not computed here.
    pub(super) fn fold(&mut self, node: &'a NodeProto) -> Result<Option<Array>, FormatError> {
        match node.op_type() {
            "Constant" => return self.stored(node).map(Some),
            "Shape" => {
                let dims = self.dims(node, 0)?;
                let ints: Vec<i64> = dims.iter().map(|&d| d as i64).collect();
                let bound = |name: &str, default: usize| match node.int(name) {
                    None => default,
                    Some(n) if n < 0 => dims.len().saturating_sub(n.unsigned_abs() as usize),
                    Some(n) => dims.len().min(usize::try_from(n).unwrap_or(0)),
                };
                let (start, end) = (bound("start", 0), bound("end", dims.len()));
                let part = ints.get(start..end.max(start)).unwrap_or_default();
                return Ok(Some(Array::ints(part.to_vec())));
            }
            "Size" => {
                let count = count(&self.dims(node, 0)?).unwrap_or(0) as i64;
                return Ok(Some(Array {
                    dims: Vec::new(),
                    data: Data::Int(vec![count]),
                }));
            }
            _ => {}
        }
        let mut inputs = Vec::new();
        for k in 0..node.input.len() {
            if !self.has(node, k) {
                inputs.push(None);
                continue;
            }
            if matches!(self.value(node, k)?, Value::View(_)) {
                return Ok(None);
            }
            inputs.push(Some(k));
        }
        let mut arrays = Vec::new();
        for k in inputs {
            arrays.push(match k {
                Some(k) => self.known(node, k)?,
                None => None,
            });
        }
        self.compute(node, &arrays)
    }

    /// The tensor in a Constant.
    fn stored(&mut self, node: &'a NodeProto) -> Result<Array, FormatError> {
        if let Some(tensor) = node.attribute("value").and_then(|a| a.t.as_deref()) {
            self.note_type(node, tensor.data_type());
            return read(self.file, tensor);
        }
        if let Some(value) = node.float("value_float") {
            return Ok(scalar(Data::Float(vec![value])));
        }
        if let Some(value) = node.int("value_int") {
            return Ok(scalar(Data::Int(vec![value])));
        }
        if let Some(values) = node.ints("value_ints") {
            return Ok(Array::ints(values.to_vec()));
        }
        if let Some(values) = node.attribute("value_floats") {
            return Ok(Array {
                dims: vec![values.floats.len()],
                data: Data::Float(values.floats.clone()),
            });
        }
        Err(self.refuse(
            node,
            "one without numbers",
            "a tensor, a number or a list of them",
        ))
    }

    fn compute(
        &self,
        node: &'a NodeProto,
        inputs: &[Option<Array>],
    ) -> Result<Option<Array>, FormatError> {
        let input = |k: usize| {
            inputs.get(k).and_then(Option::as_ref).ok_or_else(|| {
                self.refuse(node, format!("one without input {k}"), "one that has it")
            })
        };
        let misfit = |what: &str| self.refuse(node, what, "shapes that fit each other");
        let made = match node.op_type() {
            "Identity" | "Dropout" | "CastLike" => input(0)?.clone(),
            "Cast" => cast(input(0)?, node.int("to").unwrap_or(1) as i32),
            "Not" => map_ints(input(0)?, |v| i64::from(v == 0)),
            "Neg" => map(input(0)?, |v| v.checked_neg(), |v| -v),
            "Abs" => map(input(0)?, |v| v.checked_abs(), f32::abs),
            "Sqrt" => map(input(0)?, |_| None, f32::sqrt),
            "Reciprocal" => map(input(0)?, |_| None, f32::recip),
            "Floor" => map(input(0)?, Some, f32::floor),
            "Ceil" => map(input(0)?, Some, f32::ceil),
            "Round" => map(input(0)?, Some, f32::round_ties_even),
            "Exp" => map(input(0)?, |_| None, f32::exp),
            "Add" | "Sub" | "Mul" | "Div" | "Mod" | "Pow" | "Equal" | "Greater" | "Less"
            | "GreaterOrEqual" | "LessOrEqual" | "And" | "Or" | "Min" | "Max" => {
                let mut result = input(0)?.clone();
                for k in 1..inputs.len() {
                    let other = input(k)?;
                    let dims = joint(&[&result.dims, &other.dims])
                        .ok_or_else(|| misfit("one of unlike shapes"))?;
                    let size = count(&dims).unwrap_or(usize::MAX);
                    let other = other.clone();
                    self.spend(node, size)?;
                    let made = combine(node.op_type(), &result, &other, &dims);
                    result = made.ok_or_else(|| {
                        self.refuse(
                            node,
                            "a division by zero or past 64 bits",
                            "numbers that can be",
                        )
                    })?;
                }
                result
            }
            "Where" => {
                let (c, x, y) = (input(0)?.clone(), input(1)?.clone(), input(2)?.clone());
                let dims = joint(&[&c.dims, &x.dims, &y.dims])
                    .ok_or_else(|| misfit("one of unlike shapes"))?;
                self.spend(node, count(&dims).unwrap_or(usize::MAX))?;
                choose(&c, &x, &y, &dims)
            }
            "Transpose" => {
                let x = input(0)?;
                let rank = x.dims.len();
                let axes = match node.ints("perm") {
                    Some(perm) => self.axes(node, perm, rank)?,
                    None => (0..rank).rev().collect(),
                };
                let mut sorted = axes.clone();
                sorted.sort_unstable();
                if !sorted.into_iter().eq(0..rank) {
                    return Err(misfit("one that does not name every axis once"));
                }
                x.transposed(&axes)
            }
            "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => {
                let dims = self.new_dims(node, &input(0)?.dims.clone())?;
                let x = inputs.first().cloned().flatten();
                let Some(x) = x.filter(|x| count(&dims) == Some(x.data.len())) else {
                    return Err(self.refuse(node, "one of another size", "as many numbers"));
                };
                x.reshaped(dims)
            }
            "Gather" => self.gathered(node, input(0)?.clone(), input(1)?.clone())?,
            "Slice" => self.sliced(node, input(0)?.clone())?,
            "Concat" => {
                let arrays: Option<Vec<Array>> = inputs.iter().cloned().collect();
                self.joined(node, arrays.unwrap_or_default())?
            }
            "Range" => {
                let number =
                    |k: usize| Ok::<_, FormatError>(input(k)?.scalar().unwrap_or(f64::NAN));
                let (start, end, step) = (number(0)?, number(1)?, number(2)?);
                let whole = input(0)?.as_ints().is_some();
                let size = ((end - start) / step).ceil().max(0.0);
                if !size.is_finite() {
                    return Err(misfit("one that does not end"));
                }
                let size = size as usize;
                self.spend(node, size)?;
                let values = (0..size).map(|i| start + i as f64 * step);
                Array {
                    dims: vec![size],
                    data: match whole {
                        true => Data::Int(values.map(|v| v as i64).collect()),
                        false => Data::Float(values.map(|v| v as f32).collect()),
                    },
                }
            }
            "ConstantOfShape" => {
                let dims = self.sizes(node, input(0)?)?;
                let size = count(&dims).unwrap_or(usize::MAX);
                self.spend(node, size)?;
                let value = node.attribute("value").and_then(|a| a.t.as_deref());
                let data = match value
                    .map(|t| read(self.file, t))
                    .transpose()?
                    .map(|a| a.data)
                {
                    Some(Data::Int(v)) => Data::Int(vec![v.first().copied().unwrap_or(0); size]),
                    Some(Data::Float(v)) => {
                        Data::Float(vec![v.first().copied().unwrap_or(0.0); size])
                    }
                    None => Data::Float(vec![0.0; size]),
                };
                Array { dims, data }
            }
            "Expand" => {
                let x = input(0)?.clone();
                let to = self.sizes(node, input(1)?)?;
                let dims = joint(&[&x.dims, &to]).ok_or_else(|| misfit("one of unlike shapes"))?;
                self.spend(node, count(&dims).unwrap_or(usize::MAX))?;
                Array {
                    data: x.data.pick(offsets(&dims, &spread(&x.dims, &dims))),
                    dims,
                }
            }
            "ReduceProd" => match input(0)?.as_ints() {
                Some(values) => {
                    let product = values.iter().try_fold(1i64, |p, &v| p.checked_mul(v));
                    let product = product.ok_or_else(|| misfit("one past 64 bits"))?;
                    let rank = match node.int("keepdims") {
                        Some(0) => 0,
                        _ => input(0)?.dims.len(),
                    };
                    scalar(Data::Int(vec![product])).reshaped(vec![1; rank])
                }
                None => return Ok(None),
            },
            "DequantizeLinear" => self.multiplied_out(node, inputs)?,
            _ => return Ok(None),
        };
        Ok(Some(made))
    }

    /// The sizes in an array of integers.
    fn sizes(&self, node: &NodeProto, array: &Array) -> Result<Vec<usize>, FormatError> {
        let sizes = array
            .as_ints()
            .and_then(|values| values.iter().map(|&v| usize::try_from(v).ok()).collect());
        sizes.ok_or_else(|| self.refuse(node, "one with a shape that cannot be", "sizes"))
    }

    fn gathered(&self, node: &NodeProto, x: Array, places: Array) -> Result<Array, FormatError> {
        let axis = self.axis(node, node.int("axis").unwrap_or(0), x.dims.len())?;
        let places_of = places.as_ints().unwrap_or_default();
        let mut picked = Vec::with_capacity(places_of.len());
        for &place in places_of {
            picked.push(self.axis(node, place, x.dims[axis])?);
        }
        let inner: usize = x.dims[axis + 1..].iter().product();
        let outer: usize = x.dims[..axis].iter().product();
        let size = outer.saturating_mul(inner).saturating_mul(picked.len());
        self.spend(node, size)?;
        let row = x.dims[axis].saturating_mul(inner);
        let all = (0..outer).flat_map(|o| {
            let picked = &picked;
            picked
                .iter()
                .flat_map(move |p| (0..inner).map(move |i| o * row + p * inner + i))
        });
        let data = x.data.pick(all);
        let mut dims = x.dims[..axis].to_vec();
        dims.extend(&places.dims);
        dims.extend(&x.dims[axis + 1..]);
        Ok(Array { dims, data })
    }

    fn sliced(&self, node: &NodeProto, x: Array) -> Result<Array, FormatError> {
        if x.data.len() == 0 {
            return Err(self.refuse(node, "one of nothing", "numbers"));
        }
        let mut places: Vec<Vec<usize>> = x.dims.iter().map(|&d| (0..d).collect()).collect();
        for cut in self.cuts(node, &x.dims)? {
            places[cut.axis] = cut.places();
        }
        let dims: Vec<usize> = places.iter().map(Vec::len).collect();
        let own = strides(&x.dims);
        let mut all = vec![0usize];
        for (axis, places) in places.iter().enumerate() {
            all = all
                .iter()
                .flat_map(|o| places.iter().map(move |p| (o, p)))
                .map(|(o, p)| o + p * own[axis])
                .collect();
        }
        Ok(Array {
            data: x.data.pick(all.into_iter()),
            dims,
        })
    }

    fn joined(&self, node: &NodeProto, arrays: Vec<Array>) -> Result<Array, FormatError> {
        let first = arrays.first().map(|a| a.dims.clone()).unwrap_or_default();
        let axis = self.axis(node, node.int("axis").unwrap_or(0), first.len())?;
        let fits = |a: &Array| {
            a.dims.len() == first.len()
                && (0..first.len()).all(|i| i == axis || a.dims[i] == first[i])
        };
        if !arrays.iter().all(fits) {
            return Err(self.refuse(node, "one of unlike shapes", "shapes that fit each other"));
        }
        let outer: usize = first[..axis].iter().product();
        let whole = arrays.iter().all(|a| a.as_ints().is_some());
        let mut dims = first.clone();
        let total = arrays
            .iter()
            .try_fold(0usize, |sum, a| sum.checked_add(a.dims[axis]));
        dims[axis] = total.unwrap_or(usize::MAX);
        self.spend(node, count(&dims).unwrap_or(usize::MAX))?;
        let mut floats = Vec::new();
        let mut ints = Vec::new();
        for o in 0..outer {
            for array in &arrays {
                let rows = array.data.len() / outer.max(1);
                let range = o * rows..(o + 1) * rows;
                match &array.data {
                    Data::Int(v) if whole => ints.extend(v.get(range).unwrap_or_default()),
                    Data::Int(v) => {
                        floats.extend(v.get(range).unwrap_or_default().iter().map(|&v| v as f32));
                    }
                    Data::Float(v) => floats.extend(v.get(range).unwrap_or_default()),
                }
            }
        }
        let data = if whole {
            Data::Int(ints)
        } else {
            Data::Float(floats)
        };
        Ok(Array { dims, data })
    }

    /// Weights in steps, multiplied out.
    fn multiplied_out(
        &self,
        node: &NodeProto,
        inputs: &[Option<Array>],
    ) -> Result<Array, FormatError> {
        let get = |k: usize| inputs.get(k).and_then(Option::as_ref);
        let (Some(x), Some(scale)) = (get(0), get(1)) else {
            return Err(self.refuse(node, "one without steps", "a tensor and its scale"));
        };
        if node.int("block_size").unwrap_or(0) != 0 {
            return Err(self.refuse(node, "one in blocks", "one scale, or one for each channel"));
        }
        let scales = scale.floats();
        let zeros = get(2).map_or_else(|| vec![0.0; scales.len()], Array::floats);
        // One scale for all, or one for each place of an axis.
        let step = match scales.len() {
            1 => usize::MAX,
            n => {
                let axis = self.axis(node, node.int("axis").unwrap_or(1), x.dims.len())?;
                if x.dims[axis] != n || zeros.len() != n {
                    return Err(self.refuse(node, "one with other scales than places", "as many"));
                }
                x.dims[axis + 1..].iter().product()
            }
        };
        let values = x.floats();
        let channel = |i: usize| match step {
            usize::MAX => 0,
            step => (i / step.max(1)) % scales.len(),
        };
        let values = values.iter().enumerate().map(|(i, v)| {
            let c = channel(i);
            let zero = zeros.get(c).copied().unwrap_or(0.0);
            (v - zero) * scales.get(c).copied().unwrap_or(1.0)
        });
        Ok(Array {
            data: Data::Float(values.collect()),
            dims: x.dims.clone(),
        })
    }
}

fn scalar(data: Data) -> Array {
    Array {
        dims: Vec::new(),
        data,
    }
}
