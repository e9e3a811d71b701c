//! Convolutions and dense layers.

use finial_graph::{Op, Padding};

use super::super::builder::{Site, Value};
use super::super::settings::DataFormat;
use super::activation;
use crate::FormatError;

/// How a window slides.
pub(super) struct Window {
    pub(super) stride: [usize; 2],
    pub(super) padding: Padding,
    pub(super) format: DataFormat,
}

pub(super) fn window(site: &Site<'_, '_>, stride: [usize; 2]) -> Result<Window, FormatError> {
    let settings = site.settings;
    let padding = match settings.text("padding") {
        Some("valid") | None => Padding::NONE,
        Some("same") => Padding::Same,
        Some(other) => {
            return Err(settings.wrong_text("padding", "valid or same", other));
        }
    };
    Ok(Window {
        stride: settings.pair("strides")?.unwrap_or(stride),
        padding,
        format: settings.data_format()?,
    })
}

fn kernel(site: &Site<'_, '_>) -> Result<[usize; 2], FormatError> {
    let kernel = site.settings.pair("kernel_size")?;
    kernel.ok_or_else(|| site.settings.damaged("`kernel_size`", "nothing"))
}

fn dilation(site: &Site<'_, '_>) -> Result<[usize; 2], FormatError> {
    Ok(site.settings.pair("dilation_rate")?.unwrap_or([1, 1]))
}

/// `Conv2D`: kernel `[kh, kw, channels / groups, filters]`.
pub(super) fn full(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let window = window(site, [1, 1])?;
    let kernel = kernel(site)?;
    let filters = site.settings.count("filters")?;
    let groups = site.settings.number("groups")?.unwrap_or(1.0) as usize;
    let bias = site.settings.flag("use_bias", true)?;
    let op = Op::Conv2d {
        filters,
        kernel,
        stride: window.stride,
        padding: window.padding,
        dilation: dilation(site)?,
        groups,
        bias,
    };
    let input = site.map(x, window.format)?;
    let node = site.push("", op, &[&input])?;
    let depth = channels(site, &input) / groups.max(1);
    let [h, w] = kernel;
    let shape = vec![filters, depth, h, w];
    let numbers = site.kernel("kernel", &[h, w, depth, filters], &shape)?;
    site.insert(&node, "weight", shape, numbers)?;
    add_bias(site, &node, bias, filters)?;
    activation::behind(site, Value::new(node, &window.format.axes()))
}

/// `DepthwiseConv2D`: kernel `[kh, kw, channels, multiplier]`.
pub(super) fn depthwise(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let bias = site.settings.flag("use_bias", true)?;
    let value = each_channel(site, "", x, bias)?;
    activation::behind(site, value)
}

/// `SeparableConv2D`: each channel by itself, then over the channels.
pub(super) fn separable(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let filters = site.settings.count("filters")?;
    let bias = site.settings.flag("use_bias", true)?;
    let depthwise = each_channel(site, "depthwise", x, false)?;
    let op = Op::Conv2d {
        filters,
        kernel: [1, 1],
        stride: [1, 1],
        padding: Padding::NONE,
        dilation: [1, 1],
        groups: 1,
        bias,
    };
    let depth = channels(site, &depthwise.node);
    let value = site.push_each("", op, &depthwise)?;
    let shape = vec![filters, depth, 1, 1];
    let numbers = site.kernel("pointwise kernel", &[1, 1, depth, filters], &shape)?;
    site.insert(&value.node, "weight", shape, numbers)?;
    add_bias(site, &value.node, bias, filters)?;
    activation::behind(site, value)
}

fn each_channel(
    site: &mut Site<'_, '_>,
    part: &str,
    x: &Value,
    bias: bool,
) -> Result<Value, FormatError> {
    let window = window(site, [1, 1])?;
    let [h, w] = kernel(site)?;
    let multiplier = site.settings.number("depth_multiplier")?.unwrap_or(1.0) as usize;
    let input = site.map(x, window.format)?;
    let groups = channels(site, &input);
    let filters = groups.saturating_mul(multiplier);
    let op = Op::Conv2d {
        filters,
        kernel: [h, w],
        stride: window.stride,
        padding: window.padding,
        dilation: dilation(site)?,
        groups,
        bias,
    };
    let node = site.push(part, op, &[&input])?;
    let shape = vec![filters, 1, h, w];
    let numbers = site.kernel("depthwise kernel", &[h, w, groups, multiplier], &shape)?;
    site.insert(&node, "weight", shape, numbers)?;
    add_bias(site, &node, bias, filters)?;
    Ok(Value::new(node, &window.format.axes()))
}

/// `Dense`: kernel `[channels, units]`. On a map it is a convolution by one place.
pub(super) fn dense(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let units = site.settings.count("units")?;
    let bias = site.settings.flag("use_bias", true)?;
    let rank = x.axes.len();
    let on_map = rank == 3;
    let x = match on_map {
        true => Value::new(site.map(x, DataFormat::Last)?, &DataFormat::Last.axes()),
        false => Value::plain(site.plain(x)?, rank),
    };
    let op = match on_map {
        true => Op::Conv2d {
            filters: units,
            kernel: [1, 1],
            stride: [1, 1],
            padding: Padding::NONE,
            dilation: [1, 1],
            groups: 1,
            bias,
        },
        false => Op::Dense { units },
    };
    let depth = channels(site, &x.node);
    let value = site.push_each("", op, &x)?;
    let mut shape = vec![units, depth];
    if on_map {
        shape.extend([1, 1]);
    }
    let numbers = site.kernel("kernel", &[depth, units], &shape)?;
    site.insert(&value.node, "weight", shape, numbers)?;
    match bias || on_map {
        true => add_bias(site, &value.node, bias, units)?,
        // A dense layer of a graph always has a bias.
        false => site.insert(&value.node, "bias", vec![units], vec![0.0; units])?,
    }
    activation::behind(site, value)
}

fn add_bias(
    site: &mut Site<'_, '_>,
    node: &str,
    bias: bool,
    filters: usize,
) -> Result<(), FormatError> {
    if bias {
        let numbers = site.numbers("bias", &[filters])?;
        site.insert(node, "bias", vec![filters], numbers)?;
    }
    Ok(())
}

fn channels(site: &Site<'_, '_>, node: &str) -> usize {
    let shape = site.builder.graph.shape_of(node);
    shape.map_or(1, finial_graph::Shape::channels)
}
