//! Normalisation, and what scales and shifts channels.

use finial_graph::{Op, Shape};

use super::super::builder::{Site, Value};
use super::activation::{affine, constant};
use crate::FormatError;
use crate::keras::settings::DataFormat;

/// `BatchNormalization`: `gamma` if it scales, `beta` if it centres, mean, variance.
pub(super) fn batch(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let rank = x.axes.len();
    let &[axis] = site.settings.axes("axis", rank)?.as_slice() else {
        return Err(site
            .settings
            .unsupported_setting("axis", "one axis, that of the channels"));
    };
    let epsilon = site.settings.number("epsilon")?.unwrap_or(1e-3);
    let scale = site.settings.flag("scale", true)?;
    let center = site.settings.flag("center", true)?;
    let channels = site.dims(x).get(axis).copied().unwrap_or(1);
    let x = site.with_channels(x, axis)?;
    let value = site.push_each("", Op::BatchNorm { epsilon, scale }, &x)?;
    let parameters = [
        ("weight", "gamma", scale),
        ("bias", "beta", center),
        ("running_mean", "moving mean", true),
        ("running_var", "moving variance", true),
    ];
    for (parameter, variable, has) in parameters {
        let numbers = match has {
            true => site.numbers(variable, &[channels])?,
            // A batch norm of a graph always has a bias.
            false if parameter == "bias" => vec![0.0; channels],
            false => continue,
        };
        site.insert(&value.node, parameter, vec![channels], numbers)?;
    }
    Ok(value)
}

/// `LayerNormalization` over the last axis: `gamma` if it scales, `beta` if it centres.
pub(super) fn layer(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let rank = x.axes.len();
    let axes = site.settings.axes("axis", rank)?;
    if axes != [rank.saturating_sub(1)] {
        return Err(site.settings.unsupported_setting("axis", "the last axis"));
    }
    if site.settings.flag("rms_scaling", false)? {
        return Err(site.settings.unsupported_setting("rms_scaling", "false"));
    }
    let epsilon = site.settings.number("epsilon")?.unwrap_or(1e-3);
    let channels = site.dims(x).last().copied().unwrap_or(1);
    let x = site.with_channels(x, rank.saturating_sub(1))?;
    let value = site.push_each("", Op::LayerNorm { epsilon }, &x)?;
    let parameters = [
        ("weight", "gamma", "scale", 1.0),
        ("bias", "beta", "center", 0.0),
    ];
    for (parameter, variable, flag, without) in parameters {
        let numbers = match site.settings.flag(flag, true)? {
            true => site.numbers(variable, &[channels])?,
            false => vec![without; channels],
        };
        site.insert(&value.node, parameter, vec![channels], numbers)?;
    }
    Ok(value)
}

/// `Normalization` by statistics that are settings or variables.
pub(super) fn stored(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    if site.settings.flag("invert", false)? {
        return Err(site.settings.unsupported_setting("invert", "false"));
    }
    let rank = x.axes.len();
    let axes = match site.settings.get("axis") {
        // One mean for everything.
        None => vec![rank.saturating_sub(1)],
        Some(_) => site.settings.axes("axis", rank)?,
    };
    if rank == 2 && axes == [0, 1] {
        return added(site, x);
    }
    let &[axis] = axes.as_slice() else {
        return Err(site
            .settings
            .unsupported_setting("axis", "one axis, that of the channels"));
    };
    let channels = site.dims(x).get(axis).copied().unwrap_or(1);
    let settings = ["mean", "variance"].map(|key| site.settings.get(key).and_then(constant));
    let [mean, variance] = match settings {
        [Some(mean), Some(variance)] => [mean, variance],
        _ => [
            site.variable("mean")?.read()?,
            site.variable("variance")?.read()?,
        ],
    };
    let x = site.with_channels(x, axis)?;
    let value = site.push_each("", Op::Normalize, &x)?;
    for (parameter, numbers) in [("mean", mean), ("variance", variance)] {
        let numbers = per_channel(numbers, channels);
        site.insert(&value.node, parameter, vec![channels], numbers)?;
    }
    Ok(value)
}

/// `Normalization` of each feature of each token by a variance of 1: numbers that are added.
fn added(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let shape = site.dims(x);
    let mean = site.numbers("mean", &shape)?;
    if site
        .numbers("variance", &shape)?
        .iter()
        .any(|&variance| variance != 1.0)
    {
        let found = "a normalisation of each token by itself";
        return site.unsupported(found, "one of each channel");
    }
    let node = site.hold(x, &[0, 1])?;
    let node = site.push("", Op::PositionEmbedding, &[&node])?;
    let weight = mean.iter().map(|n| -n).collect();
    site.insert(&node, "weight", shape, weight)?;
    Ok(Value::plain(node, 2))
}

/// `LayerScale` of ConvNeXt: `gamma`.
pub(super) fn layer_scale(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let last = x.axes.len().saturating_sub(1);
    let channels = site.dims(x).last().copied().unwrap_or(1);
    let x = site.with_channels(x, last)?;
    let value = site.push_each("", Op::LayerScale, &x)?;
    let numbers = site.numbers("gamma", &[channels])?;
    site.insert(&value.node, "gamma", vec![channels], numbers)?;
    Ok(value)
}

/// `Rescaling`: `x · scale + offset`, one of each or one per channel.
pub(super) fn rescaling(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let read = |key: &str, default: f32| match site.settings.get(key) {
        None => Ok(vec![default]),
        Some(json) => constant(json).ok_or_else(|| {
            site.settings
                .damaged(&format!("`{key}` to be numbers"), "others")
        }),
    };
    let (scale, offset) = (read("scale", 1.0)?, read("offset", 0.0)?);
    scaled(site, "", x, scale, offset)
}

/// `x · scale + offset` with one of each, or one for each place of Keras's channel axis.
pub(super) fn scaled(
    site: &mut Site<'_, '_>,
    part: &str,
    x: &Value,
    scale: Vec<f32>,
    offset: Vec<f32>,
) -> Result<Value, FormatError> {
    if scale.len() == 1 && offset.len() == 1 {
        return affine(site, part, x, |count| {
            (
                per_channel(scale.clone(), count),
                per_channel(offset.clone(), count),
            )
        });
    }
    let last = x.axes.len().saturating_sub(1);
    let axis = match site.builder.format {
        DataFormat::First if last == 2 => 0,
        _ => last,
    };
    let x = site.with_channels(x, axis)?;
    let shape = site.builder.graph.shape_of(&x.node);
    let count = shape.map_or(1, Shape::channels);
    let (scale, offset) = (per_channel(scale, count), per_channel(offset, count));
    site.push_each(part, Op::Rescale { scale, offset }, &x)
}

/// One number stands for all channels.
fn per_channel(numbers: Vec<f32>, channels: usize) -> Vec<f32> {
    match numbers.as_slice() {
        [one] => vec![*one; channels],
        _ => numbers,
    }
}
