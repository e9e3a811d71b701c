//! The same numbers in another shape or order.

use finial_graph::{Op, Order, Shape};

use super::super::builder::{Site, Value};
use super::super::settings::whole;
use crate::FormatError;
use crate::keras::settings::DataFormat;

/// `Flatten`: in Keras's own order of the axes.
pub(super) fn flatten(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let mut x = x.clone();
    if site.settings.data_format()? == DataFormat::First && x.axes.len() > 1 {
        // Channels are brought to the end first.
        x.axes.rotate_left(1);
    }
    in_a_row(site, "", &x)
}

pub(super) fn in_a_row(
    site: &mut Site<'_, '_>,
    part: &str,
    x: &Value,
) -> Result<Value, FormatError> {
    let (node, order) = match x.axes.as_slice() {
        [1, 2, 0] => (x.node.clone(), Order::ChannelsLast),
        _ => (site.plain(x)?, Order::ChannelsFirst),
    };
    let node = site.push(part, Op::Flatten { order }, &[&node])?;
    Ok(Value::plain(node, 1))
}

/// `Reshape`.
pub(super) fn reshape(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let target = site.settings.list("target_shape")?;
    to_shape(site, &target.iter().map(whole).collect::<Vec<_>>(), x)
}

/// The value in a shape without the batch, of which one dimension may be open.
pub(super) fn to_shape(
    site: &mut Site<'_, '_>,
    wanted: &[Option<usize>],
    x: &Value,
) -> Result<Value, FormatError> {
    let count: usize = site.dims(x).iter().product();
    let known = wanted
        .iter()
        .flatten()
        .try_fold(1usize, |n, &dim| n.checked_mul(dim));
    let rest = known
        .and_then(|known| count.checked_div(known))
        .unwrap_or(0);
    let dims: Vec<usize> = wanted.iter().map(|dim| dim.unwrap_or(rest)).collect();
    let lies_straight = site.lies_straight(x);
    if dims == [count] && !lies_straight {
        return in_a_row(site, "", x);
    }
    // Channels last and of one place lie as a map of the graph already.
    let last_is_first = matches!(dims.as_slice(), [1, 1, _] | [_, _, 1]);
    let (held, axes) = match dims.as_slice() {
        &[h, w, c] if last_is_first && site.builder.format == DataFormat::Last => {
            (vec![c, h, w], DataFormat::Last.axes().to_vec())
        }
        dims => (dims.to_vec(), (0..dims.len()).collect()),
    };
    let Some(shape) = Shape::of(&held) else {
        let found = format!("a reshape to {} axes", dims.len());
        return site.unsupported(&found, "one to four axes per image");
    };
    let node = match lies_straight {
        true => x.node.clone(),
        false => site.plain(x)?,
    };
    let node = site.push("", Op::Reshape { shape }, &[&node])?;
    Ok(Value { node, axes })
}

/// `Permute`: nothing moves until something reads the value in its new order.
pub(super) fn permute(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let dims = site.settings.list("dims")?;
    let axes = dims.iter().map(|json| whole(json)?.checked_sub(1));
    let axes: Option<Vec<usize>> = axes.collect();
    reordered(site, axes, x)
}

/// Axis `i` of the result is axis `axes[i]` of the value.
pub(super) fn reordered(
    site: &Site<'_, '_>,
    axes: Option<Vec<usize>>,
    x: &Value,
) -> Result<Value, FormatError> {
    let rank = x.axes.len();
    let mut sorted = axes.clone().unwrap_or_default();
    sorted.sort_unstable();
    match axes {
        Some(axes) if sorted.iter().copied().eq(0..rank) => Ok(Value {
            node: x.node.clone(),
            axes: axes
                .iter()
                .filter_map(|&i| x.axes.get(i).copied())
                .collect(),
        }),
        _ => {
            let expected = format!("each of {rank} axes once");
            Err(site.settings.damaged(&expected, "other axes"))
        }
    }
}
