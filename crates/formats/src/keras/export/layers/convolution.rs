//! Convolutions and dense layers, with the activation that Keras keeps inside.

use finial_graph::{Node, Op};
use serde_json::json;

use super::window::padded;
use super::{Laid, Site, activation, added, read};
use crate::FormatError;
use crate::keras::builder::Value;
use crate::keras::export::network::{Layer, Network, Numbers, channels};

/// A convolution: of all channels, of each by itself, or one after the other.
pub(super) fn convolution<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    rest: &[&'a Node],
) -> Result<Value, FormatError> {
    let Op::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias,
    } = &node.op
    else {
        return Err(network.unsupported(&node.name, "no convolution", "convolutions"));
    };
    if stride.iter().max() > Some(&1) && dilation.iter().max() > Some(&1) {
        let found = "a convolution with both a stride and a dilation";
        return Err(network.unsupported(&node.name, found, "one of them"));
    }
    let shape = network.shape(read(node, 0));
    let usual = Network::usual(&shape);
    let c = channels(&shape);
    let reach = finial_graph::reach(*kernel, *dilation);
    let [h, w] = *kernel;
    let last = match rest.first() {
        Some(second) if matches!(second.op, Op::Conv2d { .. }) => *second,
        _ => node,
    };
    let source = padded(
        network,
        node,
        &last.name,
        &shape,
        (reach, *stride, *padding),
    )?;
    let each = *groups == c && c > 1;
    let class = match (std::ptr::eq(last, node), each) {
        (false, _) => "SeparableConv2D",
        (true, true) => "DepthwiseConv2D",
        (true, false) => "Conv2D",
    };
    let mut layer = Layer::new(&last.name, class, vec![source.input]).with(json!({
        "kernel_size": kernel,
        "strides": stride,
        "padding": source.padding,
        "data_format": "channels_last",
        "dilation_rate": dilation,
        "activation": activation::among(rest),
    }));
    let weight = network.tensor(node, "weight")?;
    let multiplier = filters / c.max(1);
    match class {
        "Conv2D" => {
            layer = layer.with(json!({ "filters": filters, "groups": groups, "use_bias": bias }));
            let depth = c / (*groups).max(1);
            layer.variable(vec![h, w, depth, *filters], Numbers::Of(weight));
        }
        "DepthwiseConv2D" => {
            layer = layer.with(json!({ "depth_multiplier": multiplier, "use_bias": bias }));
            layer.variable(vec![h, w, c, multiplier], Numbers::Of(weight));
        }
        _ => {
            layer.variable(vec![h, w, c, multiplier], Numbers::Of(weight));
            if let Op::Conv2d {
                filters: own, bias, ..
            } = &last.op
            {
                layer = layer.with(json!({
                    "filters": own,
                    "depth_multiplier": multiplier,
                    "use_bias": bias,
                }));
                let pointwise = network.tensor(last, "weight")?;
                layer.variable(vec![1, 1, *filters, *own], Numbers::Of(pointwise));
            }
        }
    }
    if let Op::Conv2d {
        filters,
        bias: true,
        ..
    } = &last.op
    {
        layer.variable(vec![*filters], Numbers::Of(network.tensor(last, "bias")?));
    }
    Ok(added(network, layer, usual))
}

pub(super) fn dense<'a>(site: &mut Site<'_, 'a>, units: usize) -> Result<Laid<'a>, FormatError> {
    let axes = site.plain.clone();
    let layer = site.layer("Dense", &axes)?;
    let mut layer = layer.with(json!({
        "units": units,
        "activation": activation::among(site.rest),
        "use_bias": true,
    }));
    layer.variable(
        vec![site.channels(), units],
        Numbers::Of(site.tensor("weight")?),
    );
    layer.variable(vec![units], Numbers::Of(site.tensor("bias")?));
    Ok((layer, axes))
}
