//! Self-attention.

use finial_graph::{Op, Shape};

use super::super::builder::{Site, Value};
use crate::FormatError;

/// `MultiHeadAttention` of tokens to themselves: kernels `[D, heads, D / heads]` and back.
pub(super) fn apply(site: &mut Site<'_, '_>, inputs: &[Value]) -> Result<Value, FormatError> {
    let Some((x, others)) = inputs.split_first() else {
        return Err(site.settings.damaged("values to read", "none"));
    };
    if others.iter().any(|other| other != x) {
        return site.unsupported(
            "attention to another value",
            "attention of tokens to themselves",
        );
    }
    let node = site.hold(x, &[0, 1])?;
    let width = site
        .builder
        .graph
        .shape_of(&node)
        .map_or(1, Shape::channels);
    let heads = site.settings.count("num_heads")?;
    let depth = site.settings.count("key_dim")?;
    let same_depth = site
        .settings
        .number("value_dim")?
        .is_none_or(|v| v == depth as f64);
    let over_tokens = match site.settings.get("attention_axes") {
        None => true,
        Some(_) => site.settings.axes("attention_axes", 2)? == [0],
    };
    if site.settings.flag("use_gate", false)? {
        return Err(site.settings.unsupported_setting("use_gate", "false"));
    }
    for key in ["output_shape", "sliding_window"] {
        if site.settings.get(key).is_some() {
            return Err(site.settings.unsupported_setting(key, "nothing"));
        }
    }
    if !over_tokens || !same_depth || heads.checked_mul(depth) != Some(width) {
        let found = format!("attention with {heads} heads of {depth} of {width} features");
        return site.unsupported(&found, "heads that divide the features among them");
    }
    let bias = site.settings.flag("use_bias", true)?;
    let node = site.push("", Op::Attention { heads }, &[&node])?;

    let (mut kernels, mut biases) = (Vec::new(), Vec::new());
    for part in ["query", "key", "value"] {
        let kernel = site.numbers(&format!("{part} kernel"), &[width, heads, depth])?;
        kernels.extend(turned(&kernel, width));
        biases.extend(match bias {
            true => site.numbers(&format!("{part} bias"), &[heads, depth])?,
            false => vec![0.0; width],
        });
    }
    let kernel = site.numbers("output kernel", &[heads, depth, width])?;
    let output = turned(&kernel, width);
    let output_bias = match bias {
        true => site.numbers("output bias", &[width])?,
        false => vec![0.0; width],
    };
    let all = 3 * width;
    site.insert(&node, "qkv.weight", vec![all, width], kernels)?;
    site.insert(&node, "qkv.bias", vec![all], biases)?;
    site.insert(&node, "proj.weight", vec![width, width], output)?;
    site.insert(&node, "proj.bias", vec![width], output_bias)?;
    Ok(Value::plain(node, 2))
}

/// A square matrix with rows for columns.
fn turned(matrix: &[f32], width: usize) -> Vec<f32> {
    let columns = (0..width).flat_map(|column| matrix.iter().skip(column).step_by(width));
    columns.copied().collect()
}
