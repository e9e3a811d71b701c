//! Tokens and what attends to them.

use serde_json::json;

use super::{Laid, Site, read};
use crate::FormatError;
use crate::keras::export::network::{Input, Layer, Numbers, Variable};

/// Self-attention: the value is both what asks and what is asked.
pub(super) fn attention<'a>(
    site: &mut Site<'_, 'a>,
    heads: usize,
) -> Result<Laid<'a>, FormatError> {
    let width = site.channels();
    let source = site.input(&[0, 1])?;
    let depth = width / heads.max(1);
    let mut layer = Layer::new(
        &site.node.name,
        "MultiHeadAttention",
        vec![source.clone(), source],
    );
    layer = layer.with(json!({
        "num_heads": heads,
        "key_dim": depth,
        "value_dim": depth,
        "dropout": 0.0,
        "use_bias": true,
    }));
    let (weight, bias) = (site.tensor("qkv.weight")?, site.tensor("qkv.bias")?);
    for (number, part) in ["query_dense", "key_dense", "value_dense"]
        .into_iter()
        .enumerate()
    {
        let first = number * width;
        layer.variables.push(Variable {
            part,
            shape: vec![width, heads, depth],
            numbers: Numbers::Columns {
                of: weight,
                first,
                rows: width,
            },
        });
        layer.variables.push(Variable {
            part,
            shape: vec![heads, depth],
            numbers: Numbers::Part { of: bias, first },
        });
    }
    layer.variables.push(Variable {
        part: "output_dense",
        shape: vec![heads, depth, width],
        numbers: Numbers::Columns {
            of: site.tensor("proj.weight")?,
            first: 0,
            rows: width,
        },
    });
    layer.variables.push(Variable {
        part: "output_dense",
        shape: vec![width],
        numbers: Numbers::Of(site.tensor("proj.bias")?),
    });
    Ok((layer, site.plain.clone()))
}

/// The only layer that adds stored numbers to each place: less a mean, over 1.
pub(super) fn position_embedding<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let shape = site.shape.clone();
    let plain = site.plain.clone();
    let axes: Vec<usize> = (1..=shape.len()).collect();
    let mut layer = site.layer("Normalization", &plain)?.with(json!({
        "axis": axes,
        "invert": false,
        "mean": null,
        "variance": null,
    }));
    layer.variable(shape.clone(), Numbers::Negative(site.tensor("weight")?));
    layer.variable(shape, Numbers::All(1.0));
    layer.variable(Vec::new(), Numbers::All(0.0));
    Ok((layer, plain))
}

/// A token of zeros before the others, to which the learned one is added.
pub(super) fn class_token<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let node = site.node;
    let axes = site.plain.clone();
    let token = site.tensor("token")?;
    let settings = json!({ "padding": [1, 0], "data_format": "channels_last" });
    if token.values().iter().all(|&n| n == 0.0) {
        let source = site.input(&[0, 1])?;
        let layer = Layer::new(&node.name, "ZeroPadding1D", vec![source]);
        return Ok((layer.with(settings), axes));
    }
    let name = format!("{}_pad", node.name);
    let source = site.network.hold(read(node, 0), &[0, 1], &name)?;
    let padded = Layer::new(&name, "ZeroPadding1D", vec![source]);
    let layer = site.network.add(padded.with(settings));
    let shape: Vec<usize> = match *site.shape {
        [tokens, width] => vec![tokens + 1, width],
        _ => site.shape.clone(),
    };
    let input = Input {
        layer,
        shape: shape.clone(),
    };
    let mut layer = Layer::new(&node.name, "Normalization", vec![input]).with(json!({
        "axis": [1, 2],
        "invert": false,
        "mean": null,
        "variance": null,
    }));
    layer.variable(shape.clone(), Numbers::Before(token));
    layer.variable(shape, Numbers::All(1.0));
    layer.variable(Vec::new(), Numbers::All(0.0));
    Ok((layer, axes))
}
