//! What moves, cuts or joins axes, and leaves the numbers as they are.

use finial_graph::{Node, Op, Order};
use serde_json::{Value as Json, json};

use super::{Laid, NUMPY, Site, placed, read};
use crate::FormatError;
use crate::keras::builder::Value;
use crate::keras::export::network::{Arguments, Network};

/// Nothing moves until something reads the value in its new order.
pub(super) fn permute(
    network: &Network<'_>,
    node: &Node,
    axes: &[usize],
) -> Result<Value, FormatError> {
    let value = network.value(read(node, 0))?;
    let place = |axis: &usize| axes.iter().position(|known| known == axis);
    Ok(Value {
        axes: value.axes.iter().filter_map(place).collect(),
        node: value.node,
    })
}

pub(super) fn layer<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let usual = site.usual.clone();
    match &site.node.op {
        Op::ReverseChannels => {
            let layer = site.function((NUMPY, "Flip"), &usual)?;
            Ok((layer.with(json!({ "axis": -1 })), usual))
        }
        Op::ZeroPad {
            top,
            bottom,
            left,
            right,
        } => {
            let settings = json!({
                "padding": [[top, bottom], [left, right]],
                "data_format": "channels_last",
            });
            Ok((site.layer("ZeroPadding2D", &usual)?.with(settings), usual))
        }
        Op::Flatten { order } => {
            let one_place = site.shape.iter().skip(1).all(|&dim| dim == 1);
            let axes = match order {
                Order::ChannelsLast => usual,
                Order::ChannelsFirst if one_place => site.as_is.clone(),
                Order::ChannelsFirst => site.plain.clone(),
            };
            let layer = site.layer("Flatten", &axes)?;
            let settings = json!({ "data_format": "channels_last" });
            Ok((layer.with(settings), vec![0]))
        }
        Op::Slice { axis, start, end } => slice(site, *axis, (*start, *end)),
        Op::Reshape { shape } => reshape(site, shape.dims()),
        // The other operations are no concern of this room.
        other => {
            let found = format!("a {}", other.name());
            let name = &site.node.name;
            Err(site.network.unsupported(name, &found, "moves of axes"))
        }
    }
}

fn reshape<'a>(site: &mut Site<'_, 'a>, to: &[usize]) -> Result<Laid<'a>, FormatError> {
    // Channels of one place lie last as they lie first.
    let last = matches!(to, [_, 1, 1] | [1, _, _]) && to.len() == 3;
    let axes = if last {
        Network::usual(to)
    } else {
        (0..to.len()).collect()
    };
    let stays = long(&site.shape, &site.as_is) == long(&site.shape, &site.plain);
    let from = if stays { &site.as_is } else { &site.plain }.clone();
    let layer = site.layer("Reshape", &from)?;
    let settings = json!({ "target_shape": placed(to, &axes) });
    Ok((layer.with(settings), axes))
}

fn slice<'a>(
    site: &mut Site<'_, 'a>,
    axis: usize,
    (start, end): (usize, usize),
) -> Result<Laid<'a>, FormatError> {
    let axes = site.as_is.clone();
    let all = json!({
        "class_name": "__slice__",
        "config": { "start": null, "stop": null, "step": null },
    });
    let some = json!({
        "class_name": "__slice__",
        "config": { "start": start, "stop": end, "step": null },
    });
    let places = axes
        .iter()
        .map(|known| if *known == axis { &some } else { &all });
    let index: Vec<&Json> = std::iter::once(&all).chain(places).collect();
    let index = json!(index);
    let layer = site.function((NUMPY, "GetItem"), &axes)?;
    Ok((layer.called(Arguments::With(index)), axes))
}

/// The axes of more than one place, in that order.
fn long(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let long = |axis: &&usize| shape.get(**axis).is_some_and(|&dim| dim != 1);
    axes.iter().filter(long).copied().collect()
}
