//! Windows that keep the largest or the mean, and the whole map.

use finial_graph::Op;
use serde_json::json;

use super::window::padded;
use super::{Laid, Site};
use crate::FormatError;
use crate::keras::export::network::Layer;

pub(super) fn layer<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let axes = site.usual.clone();
    let (class, kernel, stride, padding) = match &site.node.op {
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => ("MaxPooling2D", *kernel, *stride, *padding),
        Op::AveragePool {
            kernel,
            stride,
            padding,
            ..
        } => ("AveragePooling2D", *kernel, *stride, *padding),
        _ => return global(site),
    };
    let name = &site.node.name;
    let window = (kernel, stride, padding);
    let source = padded(site.network, site.node, name, &site.shape, window)?;
    let layer = Layer::new(name, class, vec![source.input]);
    let settings = json!({
        "pool_size": kernel,
        "padding": source.padding,
        "strides": stride,
        "data_format": "channels_last",
    });
    Ok((layer.with(settings), axes))
}

/// Over all places, which Keras can keep as one.
fn global<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let axes = site.usual.clone();
    let class = match (&site.node.op, site.shape.len()) {
        (Op::GlobalAveragePool, 3) => "GlobalAveragePooling2D",
        (Op::GlobalAveragePool, _) => "GlobalAveragePooling1D",
        (_, 3) => "GlobalMaxPooling2D",
        _ => "GlobalMaxPooling1D",
    };
    let keepdims = !site.rest.is_empty();
    let layer = site.layer(class, &axes)?;
    let settings = json!({ "data_format": "channels_last", "keepdims": keepdims });
    let axes = if keepdims { axes } else { vec![0] };
    Ok((layer.with(settings), axes))
}
