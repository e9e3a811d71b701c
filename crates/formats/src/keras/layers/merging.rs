//! Layers that join values.

use finial_graph::{Op, Shape};

use super::super::builder::{Site, Value};
use super::super::config::{Argument, Call};
use super::activation::affine;
use crate::FormatError;
use crate::keras::settings::DataFormat;

pub(super) fn is(class: &str) -> bool {
    matches!(
        class,
        "Add" | "Multiply" | "Subtract" | "Average" | "Concatenate" | "Maximum" | "Minimum" | "Dot"
    )
}

pub(super) fn apply(
    site: &mut Site<'_, '_>,
    call: &Call<'_>,
    inputs: &[Value],
) -> Result<Value, FormatError> {
    let constant = |argument: &Argument<'_>| matches!(argument, Argument::Constant(_));
    if call.arguments.iter().any(constant) {
        return Err(site
            .settings
            .damaged("values to join", "a constant among them"));
    }
    let Some(first) = inputs.first() else {
        return Err(site.settings.damaged("values to read", "none"));
    };
    match (site.settings.class, inputs) {
        ("Concatenate", _) => {
            let axes = site.settings.axes("axis", first.axes.len())?;
            concatenated(site, inputs, axes.first().copied().unwrap_or(0))
        }
        ("Add", _) => folded(site, "", Op::Add, inputs),
        ("Multiply", _) => folded(site, "", Op::Multiply, inputs),
        ("Average", _) => {
            let sum = folded(site, "sum", Op::Add, inputs)?;
            let share = 1.0 / inputs.len() as f32;
            affine(site, "", &sum, |count| {
                (vec![share; count], vec![0.0; count])
            })
        }
        ("Subtract", [a, b]) => difference(site, a, b),
        _ => site.unsupported(
            "a way to join values that finial has no operation for",
            "Add, Subtract, Multiply, Average and Concatenate",
        ),
    }
}

/// Values of one shape but for one axis of Keras.
pub(super) fn concatenated(
    site: &mut Site<'_, '_>,
    inputs: &[Value],
    axis: usize,
) -> Result<Value, FormatError> {
    let (Some(first), [_, _, ..]) = (inputs.first(), inputs) else {
        // One value is joined to nothing.
        let only = inputs
            .first()
            .cloned()
            .unwrap_or_else(|| Value::plain("", 0));
        return site.push_each("", Op::Identity, &only);
    };
    let axes = first.axes.clone();
    let mut nodes = Vec::new();
    for input in inputs {
        nodes.push(site.hold(input, &axes)?);
    }
    let Some(&axis) = axes.get(axis) else {
        return Err(site.settings.damaged("an axis of the value", "another"));
    };
    let nodes: Vec<&str> = nodes.iter().map(String::as_str).collect();
    let node = site.push("", Op::Concat { axis }, &nodes)?;
    Ok(Value { node, axes })
}

/// All values, one after the other, by sum or product.
fn folded(
    site: &mut Site<'_, '_>,
    part: &str,
    op: Op,
    inputs: &[Value],
) -> Result<Value, FormatError> {
    let (first, rest) = match inputs {
        [first, rest @ ..] if !rest.is_empty() => (first, rest),
        [only] => return site.push_each(part, Op::Identity, only),
        _ => return Err(site.settings.damaged("values to read", "none")),
    };
    let mut value = first.clone();
    for (left, next) in (0..rest.len()).rev().zip(rest) {
        let step = if left == 0 { part } else { "first" };
        value = joined(site, step, op.clone(), &value, next)?;
    }
    Ok(value)
}

/// `a − b`.
pub(super) fn difference(
    site: &mut Site<'_, '_>,
    a: &Value,
    b: &Value,
) -> Result<Value, FormatError> {
    let negative = affine(site, "negative", b, |count| {
        (vec![-1.0; count], vec![0.0; count])
    })?;
    joined(site, "", Op::Add, a, &negative)
}

/// The sum or product of two values, the smaller of which may hold one number per channel.
pub(super) fn joined(
    site: &mut Site<'_, '_>,
    part: &str,
    op: Op,
    a: &Value,
    b: &Value,
) -> Result<Value, FormatError> {
    let (da, db) = (site.dims(a), site.dims(b));
    if da == db {
        let second = site.hold(b, &a.axes)?;
        let node = site.push(part, op, &[&a.node, &second])?;
        return Ok(Value::new(node, &a.axes));
    }
    let count = |dims: &[usize]| dims.iter().product::<usize>();
    let swap = count(&da) < count(&db);
    let (large, small) = if swap { (b, a) } else { (a, b) };
    let (dl, ds) = if swap { (db, da) } else { (da, db) };
    // The axis along which the small one has its numbers, counted in the large one.
    let lead = dl.len().saturating_sub(ds.len());
    let long: Vec<usize> = (0..ds.len()).filter(|&i| ds[i] != 1).collect();
    let axis = match long.as_slice() {
        [axis] => axis + lead,
        [] => dl.len().saturating_sub(1),
        _ => dl.len(),
    };
    let per_channel = dl.get(axis) == Some(&count(&ds)) && ds.len() <= dl.len();
    if !per_channel {
        let found = format!("{} of values of shapes {dl:?} and {ds:?}", op.name());
        let accepted = "values of one shape, or one number per channel";
        return site.unsupported(&found, accepted);
    }
    let large = site.with_channels(large, axis)?;
    let second = match (small.axes.len(), site.dims(&large).len()) {
        (1, _) => small.node.clone(),
        (3, 3) if axis == 2 => site.hold(small, &DataFormat::Last.axes())?,
        (3, 3) if axis == 0 => site.hold(small, &DataFormat::First.axes())?,
        _ => {
            let shape = Shape::Vector([count(&ds)]);
            site.push("channels", Op::Reshape { shape }, &[&small.node])?
        }
    };
    let node = site.push(part, op, &[&large.node, &second])?;
    Ok(Value { node, ..large })
}
