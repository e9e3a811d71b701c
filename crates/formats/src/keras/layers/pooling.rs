//! Windows that are pooled, and what is put around a map or cut off it.

use finial_graph::{Op, Shape};

use super::super::builder::{Site, Value};
use super::convolution;
use crate::FormatError;
use crate::keras::settings::DataFormat;

/// `MaxPooling2D`, `AveragePooling2D`.
pub(super) fn window(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let kernel = site.settings.pair("pool_size")?.unwrap_or([2, 2]);
    let window = convolution::window(site, kernel)?;
    let (stride, padding) = (window.stride, window.padding);
    let op = match site.settings.class.starts_with("Max") {
        true => Op::MaxPool {
            kernel,
            stride,
            padding,
        },
        false => Op::AveragePool {
            kernel,
            stride,
            padding,
            count_padding: false,
        },
    };
    let input = site.map(x, window.format)?;
    let node = site.push("", op, &[&input])?;
    Ok(Value::new(node, &window.format.axes()))
}

/// `GlobalAveragePooling2D`, `GlobalMaxPooling2D`, and those of tokens.
pub(super) fn global(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let op = match site.settings.class.contains("Max") {
        true => Op::GlobalMaxPool,
        false => Op::GlobalAveragePool,
    };
    let format = site.settings.data_format()?;
    let of_tokens = site.settings.class.ends_with("1D");
    let input = match (of_tokens, format) {
        (true, DataFormat::Last) => site.hold(x, &[0, 1])?,
        (true, DataFormat::First) => site.hold(x, &[1, 0])?,
        (false, format) => site.map(x, format)?,
    };
    let node = site.push("", op, &[&input])?;
    if !site.settings.flag("keepdims", false)? {
        return Ok(Value::plain(node, 1));
    }
    if of_tokens {
        return Err(site.settings.unsupported_setting("keepdims", "false"));
    }
    keep_axes(site, &node, format)
}

/// The channels of a vector as a map of one place.
pub(super) fn keep_axes(
    site: &mut Site<'_, '_>,
    vector: &str,
    format: DataFormat,
) -> Result<Value, FormatError> {
    let channels = site
        .builder
        .graph
        .shape_of(vector)
        .map_or(1, Shape::channels);
    let shape = Shape::Map([channels, 1, 1]);
    let node = site.push("keepdims", Op::Reshape { shape }, &[vector])?;
    Ok(Value::new(node, &format.axes()))
}

/// `ZeroPadding2D`.
pub(super) fn zero_padding(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let format = site.settings.data_format()?;
    let [top, bottom, left, right] = site.settings.sides("padding")?;
    let op = Op::ZeroPad {
        top,
        bottom,
        left,
        right,
    };
    let input = site.map(x, format)?;
    let node = site.push("", op, &[&input])?;
    Ok(Value::new(node, &format.axes()))
}

/// `Cropping2D`, `CenterCrop`.
pub(super) fn cropping(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let format = site.settings.data_format()?;
    let input = site.map(x, format)?;
    let shape = site.builder.graph.shape_of(&input);
    let Ok(Shape::Map([_, h, w])) = shape else {
        return Err(site.settings.damaged("a map to crop", "another value"));
    };
    let centred = |size: usize, wanted: usize| {
        let before = size.checked_sub(wanted)? / 2;
        Some((before, before + wanted))
    };
    let ends = if site.settings.class == "CenterCrop" {
        let (rows, columns) = (
            site.settings.count("height")?,
            site.settings.count("width")?,
        );
        centred(h, rows).zip(centred(w, columns))
    } else {
        let [top, bottom, left, right] = site.settings.sides("cropping")?;
        let end = |size: usize, after: usize| size.checked_sub(after);
        end(h, bottom)
            .zip(end(w, right))
            .map(|(below, after)| ((top, below), (left, after)))
    };
    let Some(((top, below), (left, after))) = ends else {
        let found = format!("a crop to more than the {h} × {w} places of the map");
        return site.unsupported(&found, "crops inside the map");
    };
    let slice = |axis, start, end| Op::Slice { axis, start, end };
    let rows = site.push("rows", slice(1, top, below), &[&input])?;
    let node = site.push("", slice(2, left, after), &[&rows])?;
    Ok(Value::new(node, &format.axes()))
}

/// `ZeroPadding1D` before the first token: a token of zeros.
pub(super) fn zero_token(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    if site.settings.pair("padding")? != Some([1, 0]) {
        return Err(site
            .settings
            .unsupported_setting("padding", "one place before the others"));
    }
    let node = site.hold(x, &[0, 1])?;
    let node = site.push("", Op::ClassToken, &[&node])?;
    let width = site
        .builder
        .graph
        .shape_of(&node)
        .map_or(1, Shape::channels);
    site.insert(&node, "token", vec![width], vec![0.0; width])?;
    Ok(Value::plain(node, 2))
}
