//! Functions that were applied to values: `keras.ops`, and TensorFlow's in Keras 2.
//!
//! Keras's own applications hold them, for preprocessing and for activations.

use finial_graph::{Op, Shape};
use serde_json::Value as Json;

use super::super::builder::{Site, Value};
use super::super::config::{Argument, Call};
use super::super::settings::{Settings, per_image, scalar, whole};
use super::{activation, merging, normalization, pooling, reordering};
use crate::FormatError;
use crate::keras::settings::DataFormat;

const ACCEPTED: &str = "sums, differences, products and quotients, activations, concatenation, \
                        reshaping, slicing, flipping, means over a map, and clipping";

/// Whether a layer is a function that was applied.
pub(super) fn is(settings: &Settings<'_>) -> bool {
    let of_keras = settings.module.is_some_and(|module| {
        module.starts_with("keras.ops") || module.starts_with("keras.src.ops")
    });
    let of_tensorflow = ["TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer"];
    // In an HDF5 file nothing else tells `keras.ops.add` from the layer `Add`.
    let has_no_settings = settings.module.is_none() && !settings.is_of_layer();
    of_keras || of_tensorflow.contains(&settings.class) || has_no_settings
}

/// The function in lower case, without its module and without underscores.
fn function(settings: &Settings<'_>) -> String {
    let graph_node = settings.get("node_def").and_then(|node| node.get("op"));
    let name = settings
        .text("function")
        .or(graph_node.and_then(Json::as_str));
    let name = name.unwrap_or(settings.class);
    let name = name.rsplit('.').next().unwrap_or(name);
    name.chars()
        .filter(|&c| c != '_')
        .map(|c| c.to_ascii_lowercase())
        .collect()
}

/// A call of a function.
struct Applied<'c, 'a> {
    call: &'c Call<'a>,
    settings: &'c Settings<'a>,
    inputs: &'c [Value],
}

/// A number, numbers, or a value.
enum Operand {
    Value(Value),
    Numbers(Vec<f32>),
}

impl<'c, 'a> Applied<'c, 'a> {
    /// One of the two operands of an arithmetic function.
    fn operand(&self, position: usize, names: [&str; 2]) -> Option<Operand> {
        let by_name = names
            .iter()
            .find_map(|name| self.call.argument(usize::MAX, name));
        match by_name.or_else(|| self.call.argument(position, ""))? {
            Argument::Constant(json) => Some(Operand::Numbers(activation::constant(json)?)),
            Argument::Tensor(reference) => {
                let tensors = self.call.tensors();
                let at = tensors.iter().position(|known| known == reference)?;
                Some(Operand::Value(self.inputs.get(at)?.clone()))
            }
            Argument::List(_) => None,
        }
    }

    /// A constant of the call or a setting of the function.
    fn constant(&self, position: usize, names: &[&str]) -> Option<&'a Json> {
        let of_call = names
            .iter()
            .find_map(|name| self.call.constant(position, name));
        of_call.or_else(|| names.iter().find_map(|name| self.settings.get(name)))
    }

    fn number(&self, position: usize, names: &[&str], default: f64) -> f64 {
        self.constant(position, names)
            .and_then(scalar)
            .unwrap_or(default)
    }

    fn flag(&self, position: usize, names: &[&str], default: bool) -> bool {
        let json = self.constant(position, names);
        json.and_then(Json::as_bool).unwrap_or(default)
    }

    /// Axes without the batch; none if there are none or they are not axes of the value.
    fn axes(&self, position: usize, names: &[&str], rank: usize) -> Option<Vec<usize>> {
        let listed = match self.constant(position, names)? {
            Json::Array(list) => list.iter().map(Json::as_i64).collect(),
            one => one.as_i64().map(|axis| vec![axis]),
        };
        listed?.iter().map(|&axis| per_image(axis, rank)).collect()
    }
}

pub(super) fn apply(
    site: &mut Site<'_, '_>,
    call: &Call<'_>,
    inputs: &[Value],
) -> Result<Value, FormatError> {
    let settings = site.settings.clone();
    let applied = Applied {
        call,
        settings: &settings,
        inputs,
    };
    let Some(x) = inputs.first() else {
        return Err(settings.damaged("a value to read", "none"));
    };
    let rank = x.axes.len();
    let name = function(&settings);
    match name.as_str() {
        "add" | "addv2" | "biasadd" | "subtract" | "sub" | "multiply" | "mul" | "divide"
        | "truedivide" | "truediv" | "realdiv" | "div" | "minimum" | "maximum" => {
            arithmetic(site, &name, &applied)
        }
        "negative" => normalization::scaled(site, "", x, vec![-1.0], vec![0.0]),
        "relu" | "relu6" | "sigmoid" | "tanh" | "silu" | "swish" | "softplus" | "selu" | "mish" => {
            activation::of_name(site, "", &name, x)
        }
        "hardsigmoid" => activation::of_name(site, "", "hard_sigmoid", x),
        "hardsilu" | "hardswish" => activation::of_name(site, "", "hard_silu", x),
        "leakyrelu" => {
            let slope = applied.number(1, &["negative_slope", "alpha"], 0.2);
            site.push_each("", Op::LeakyRelu { slope }, x)
        }
        "elu" => {
            let alpha = applied.number(1, &["alpha"], 1.0);
            site.push_each("", Op::Elu { alpha }, x)
        }
        "gelu" => {
            let approximate = applied.flag(1, &["approximate"], false);
            site.push_each("", Op::Gelu { approximate }, x)
        }
        "softmax" => {
            let axes = applied.axes(1, &["axis"], rank);
            let axis = axes.and_then(|axes| axes.first().copied());
            activation::softmax(site, "", x, axis.unwrap_or(rank.saturating_sub(1)))
        }
        "clip" | "clipbyvalue" => {
            let low = applied.number(1, &["x_min", "clip_value_min"], f64::NAN);
            let high = applied.number(2, &["x_max", "clip_value_max"], f64::NAN);
            site.push_each("", Op::Clamp { low, high }, x)
        }
        "cast" | "identity" | "stopgradient" | "converttotensor" | "copy" => {
            site.push_each("", Op::Identity, x)
        }
        "concatenate" | "concat" | "concatv2" => {
            let axes = applied.axes(1, &["axis"], rank);
            let axis = axes.and_then(|axes| axes.first().copied());
            merging::concatenated(site, inputs, axis.unwrap_or(rank.saturating_sub(1)))
        }
        "reshape" => match applied.constant(1, &["newshape", "shape"]) {
            Some(Json::Array(shape)) if !shape.is_empty() => {
                let dims: Vec<_> = shape.iter().skip(1).map(whole).collect();
                reordering::to_shape(site, &dims, x)
            }
            _ => Err(settings.damaged("a shape", "none")),
        },
        "transpose" => reordering::reordered(site, moved(&applied), x),
        "mean" | "reducemean" | "max" | "reducemax" | "amax" => pooled(site, &name, &applied, x),
        "flip" | "reverse" | "reversev2" => match applied.axes(1, &["axis"], rank).as_deref() {
            Some(&[axis]) => {
                let op = reversal(site, x, axis)?;
                site.push_each("", op, x)
            }
            _ => site.unsupported("a flip of several axes", "a flip of the channels"),
        },
        "getitem" | "stridedslice" => sliced(site, x, applied.constant(1, &["slice_spec", "key"])),
        "matmul" | "batchmatmulv2" => match inputs {
            [a, b] => multiplied(site, a, b),
            _ => site.unsupported("a matrix product of these arguments", "of two values"),
        },
        "stack" => stacked(site, inputs, applied.axes(1, &["axis"], rank + 1)),
        _ => site.unsupported(&format!("the function `{name}`"), ACCEPTED),
    }
}

/// Axes of a transposition that leaves the batch where it is, counted without it.
fn moved(applied: &Applied<'_, '_>) -> Option<Vec<usize>> {
    let json = applied.constant(1, &["axes", "perm"])?.as_array()?;
    let axes: Option<Vec<usize>> = json.iter().map(whole).collect();
    match axes?.as_slice() {
        [0, rest @ ..] => rest.iter().map(|axis| axis.checked_sub(1)).collect(),
        _ => None,
    }
}

fn arithmetic(
    site: &mut Site<'_, '_>,
    name: &str,
    applied: &Applied<'_, '_>,
) -> Result<Value, FormatError> {
    let stored = || {
        // A constant that TensorFlow kept beside the call.
        let constants = applied.settings.get("constants")?.as_object()?;
        let (place, numbers) = constants.iter().next()?;
        Some((place.as_str(), activation::constant(numbers)?))
    };
    let first = applied.operand(0, ["x1", "x"]);
    let second = match name {
        "biasadd" => applied.operand(1, ["bias", "b"]),
        _ => applied.operand(1, ["x2", "y"]),
    };
    let operands = match (first, second, stored()) {
        (Some(first), None, Some(("0", numbers))) => Some((Operand::Numbers(numbers), first)),
        (Some(first), None, Some((_, numbers))) => Some((first, Operand::Numbers(numbers))),
        (first, second, _) => first.zip(second),
    };
    let zeros = |numbers: &[f32]| vec![0.0; numbers.len()];
    match (name, operands) {
        ("add" | "addv2" | "biasadd", Some((Operand::Value(a), Operand::Value(b)))) => {
            merging::joined(site, "", Op::Add, &a, &b)
        }
        ("subtract" | "sub", Some((Operand::Value(a), Operand::Value(b)))) => {
            merging::difference(site, &a, &b)
        }
        ("multiply" | "mul", Some((Operand::Value(a), Operand::Value(b)))) => {
            merging::joined(site, "", Op::Multiply, &a, &b)
        }
        (
            "add" | "addv2" | "biasadd",
            Some(
                (Operand::Value(x), Operand::Numbers(n)) | (Operand::Numbers(n), Operand::Value(x)),
            ),
        ) => normalization::scaled(site, "", &x, vec![1.0], n),
        ("subtract" | "sub", Some((Operand::Value(x), Operand::Numbers(n)))) => {
            let offset = n.iter().map(|n| -n).collect();
            normalization::scaled(site, "", &x, vec![1.0], offset)
        }
        ("subtract" | "sub", Some((Operand::Numbers(n), Operand::Value(x)))) => {
            normalization::scaled(site, "", &x, vec![-1.0], n)
        }
        (
            "multiply" | "mul",
            Some(
                (Operand::Value(x), Operand::Numbers(n)) | (Operand::Numbers(n), Operand::Value(x)),
            ),
        ) => {
            let offset = zeros(&n);
            normalization::scaled(site, "", &x, n, offset)
        }
        (
            "divide" | "truedivide" | "truediv" | "realdiv" | "div",
            Some((Operand::Value(x), Operand::Numbers(n))),
        ) => {
            let offset = zeros(&n);
            let scale = n.iter().map(|&n| (1.0 / f64::from(n)) as f32).collect();
            normalization::scaled(site, "", &x, scale, offset)
        }
        (
            "minimum" | "maximum",
            Some(
                (Operand::Value(x), Operand::Numbers(n)) | (Operand::Numbers(n), Operand::Value(x)),
            ),
        ) if n.len() == 1 => {
            let bound = n.first().copied().map_or(0.0, f64::from);
            let (low, high) = match name {
                "minimum" => (f64::from(f32::MIN), bound),
                _ => (bound, f64::from(f32::MAX)),
            };
            site.push_each("", Op::Clamp { low, high }, &x)
        }
        _ => {
            let found = format!("`{name}` of these arguments");
            let accepted = "arithmetic of a value and numbers, or sums, differences and products \
                            of two values";
            site.unsupported(&found, accepted)
        }
    }
}

/// The matrix product over the last two axes.
fn multiplied(site: &mut Site<'_, '_>, a: &Value, b: &Value) -> Result<Value, FormatError> {
    let rank = a.axes.len();
    let mut swapped: Vec<usize> = (0..rank).collect();
    if rank >= 2 {
        swapped.swap(rank - 2, rank - 1);
    }
    let transposed = rank >= 2 && b.axes == swapped;
    let first = site.plain(a)?;
    let second = if transposed {
        b.node.clone()
    } else {
        site.plain(b)?
    };
    let node = site.push("", Op::MatMul { transposed }, &[&first, &second])?;
    Ok(Value::plain(node, rank))
}

/// The mean or the largest over height and width.
fn pooled(
    site: &mut Site<'_, '_>,
    name: &str,
    applied: &Applied<'_, '_>,
    x: &Value,
) -> Result<Value, FormatError> {
    let axes = applied.axes(1, &["axis"], x.axes.len());
    let format = match axes.as_deref() {
        Some(&[0, 1]) => DataFormat::Last,
        Some(&[1, 2]) => DataFormat::First,
        _ => return site.unsupported("a mean over other axes", "a mean over height and width"),
    };
    let input = site.map(x, format)?;
    let op = match name.contains("max") {
        true => Op::GlobalMaxPool,
        false => Op::GlobalAveragePool,
    };
    let node = site.push("", op, &[&input])?;
    match applied.flag(2, &["keepdims"], false) {
        true => pooling::keep_axes(site, &node, format),
        false => Ok(Value::plain(node, 1)),
    }
}

/// The channels in reverse order.
fn reversal(site: &Site<'_, '_>, x: &Value, axis: usize) -> Result<Op, FormatError> {
    match x.axes.len() == 3 && x.axes.get(axis) == Some(&0) {
        true => Ok(Op::ReverseChannels),
        false => site.unsupported("a flip of the image", "a flip of the channels"),
    }
}

/// `x[…]`: ranges and single places of axes, and the channels in reverse order.
fn sliced(site: &mut Site<'_, '_>, x: &Value, index: Option<&Json>) -> Result<Value, FormatError> {
    let accepted = "ranges with step 1, single places, and `[..., ::-1]` of the channels";
    let entries: Vec<&Json> = match index {
        Some(Json::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let is_ellipsis =
        |json: &Json| json.get("class_name").and_then(Json::as_str) == Some("__ellipsis__");
    // One entry for each axis, the batch's first; none for all of it.
    let rank = x.axes.len() + 1;
    let mut all: Vec<Option<&Json>> = Vec::new();
    for entry in &entries {
        match is_ellipsis(entry) {
            true => {
                let open = (rank + 1).saturating_sub(entries.len());
                all.extend(vec![None; open]);
            }
            false => all.push(Some(entry)),
        }
    }
    all.resize(rank.max(all.len()), None);
    if all.len() != rank {
        return site.unsupported("an index of more axes than the value has", accepted);
    }

    let dims = site.dims(x);
    let mut steps = Vec::new();
    let mut dropped = Vec::new();
    for (axis, entry) in all.into_iter().enumerate() {
        let Some(entry) = entry else { continue };
        let bounds = entry.get("config").unwrap_or(entry);
        let bound = |key: &str| bounds.get(key).and_then(Json::as_i64);
        let (start, stop, step) = (bound("start"), bound("stop"), bound("step"));
        if entry.is_object() && (start, stop) == (None, None) && matches!(step, None | Some(1)) {
            continue;
        }
        let Some(axis) = axis.checked_sub(1) else {
            return site.unsupported("an index of the batch", accepted);
        };
        if entry.is_object() && (start, stop, step) == (None, None, Some(-1)) {
            steps.push(reversal(site, x, axis)?);
            continue;
        }
        let size = dims.get(axis).copied().unwrap_or(0);
        let place = |n: i64| {
            let size = i64::try_from(size).ok()?;
            usize::try_from(if n < 0 { n.checked_add(size)? } else { n }).ok()
        };
        let range = match entry.as_i64() {
            Some(at) => place(at).map(|at| (at, at.saturating_add(1))),
            None if entry.is_object() && matches!(step, None | Some(1)) => {
                let start = start.map_or(Some(0), place);
                let stop = stop.map_or(Some(size), place);
                start.zip(stop).map(|(start, stop)| (start, stop.min(size)))
            }
            None => None,
        };
        let Some((start, end)) = range else {
            return site.unsupported("an index that finial has no operation for", accepted);
        };
        steps.push(Op::Slice {
            axis: x.axes.get(axis).copied().unwrap_or(0),
            start,
            end,
        });
        if entry.as_i64().is_some() {
            dropped.push(axis);
        }
    }
    let mut value = x.clone();
    let count = steps.len();
    for (number, step) in (1..).zip(steps) {
        let is_last = number == count && dropped.is_empty();
        value = site.push_each(if is_last { "" } else { "slice" }, step, &value)?;
    }
    without_axes(site, value, &dropped)
}

/// The value without axes of one place.
fn without_axes(
    site: &mut Site<'_, '_>,
    value: Value,
    dropped: &[usize],
) -> Result<Value, FormatError> {
    if dropped.is_empty() {
        return Ok(value);
    }
    let kept = (0..value.axes.len()).filter(|axis| !dropped.contains(axis));
    let held: Vec<usize> = kept
        .filter_map(|axis| value.axes.get(axis).copied())
        .collect();
    let mut places = held.clone();
    places.sort_unstable();
    let dims = site.builder.graph.shape_of(&value.node);
    let dims = dims.as_ref().map_or(&[][..], Shape::dims);
    let shape: Vec<usize> = places
        .iter()
        .filter_map(|&at| dims.get(at).copied())
        .collect();
    let Some(shape) = Shape::of(&shape) else {
        return site.unsupported("an index of every axis", "an index that leaves an axis");
    };
    let node = site.push("", Op::Reshape { shape }, &[&value.node])?;
    let axes = held
        .iter()
        .filter_map(|axis| places.iter().position(|place| place == axis));
    Ok(Value {
        node,
        axes: axes.collect(),
    })
}

/// Channels that were taken one by one and put together again in reverse order, as Keras 3
/// writes the way from RGB to BGR.
fn stacked(
    site: &mut Site<'_, '_>,
    inputs: &[Value],
    axes: Option<Vec<usize>>,
) -> Result<Value, FormatError> {
    let nodes = site.builder.graph.nodes();
    let named = |name: &str| nodes.iter().find(|node| node.name == name);
    // The value and the channel that a plane was taken from.
    let taken = |value: &Value| {
        let reshape = named(&value.node).filter(|node| matches!(node.op, Op::Reshape { .. }))?;
        let slice = named(reshape.inputs.first()?)?;
        match slice.op {
            Op::Slice { axis: 0, start, .. } => Some((slice.inputs.first()?.clone(), start)),
            _ => None,
        }
    };
    let planes: Option<Vec<(String, usize)>> = inputs.iter().map(taken).collect();
    let planes = planes.unwrap_or_default();
    let channels = planes.first().and_then(|(source, _)| {
        let same = planes.iter().all(|(other, _)| other == source);
        let reversed = planes
            .iter()
            .map(|(_, start)| *start)
            .eq((0..planes.len()).rev());
        let all = site.builder.graph.shape_of(source).ok()?.channels() == planes.len();
        (same && reversed && all).then(|| source.clone())
    });
    let first = inputs.first().map_or(&[][..], |value| &value.axes);
    match (channels, axes.as_deref()) {
        (Some(source), Some([2])) if first == [0, 1] => {
            let node = site.push("", Op::ReverseChannels, &[&source])?;
            Ok(Value::new(node, &DataFormat::Last.axes()))
        }
        (Some(source), Some([0])) if first == [0, 1] => {
            let node = site.push("", Op::ReverseChannels, &[&source])?;
            Ok(Value::new(node, &DataFormat::First.axes()))
        }
        _ => site.unsupported(
            "a stack of values",
            "a stack of the channels of one image in reverse order",
        ),
    }
}
