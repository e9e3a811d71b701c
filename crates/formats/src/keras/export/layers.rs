//! Which layer of Keras each operation is.

use std::collections::HashMap;

use finial_graph::{Node, Op, Order, Padding};
use serde_json::{Value as Json, json};

use super::network::{Arguments, Input, Layer, Network, Numbers, Variable, channels};
use crate::FormatError;
use crate::keras::builder::Value;

const NUMPY: &str = "keras.src.ops.numpy";
const NN: &str = "keras.src.ops.nn";
const HARD_SIGMOID: f64 = 1.0 / 6.0;
/// The slope of Keras's leaky activation by name.
const NAMED_SLOPE: f64 = 0.2;

/// Adds every node of the graph.
pub(super) fn add_all<'a>(network: &mut Network<'a>) -> Result<(), FormatError> {
    let nodes = network.graph.nodes();
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate() {
        for input in &node.inputs {
            readers.entry(input).or_default().push(at);
        }
    }
    let mut done = vec![false; nodes.len()];
    for (at, node) in nodes.iter().enumerate() {
        if done.get(at).copied().unwrap_or_default() {
            continue;
        }
        // The only reader of a node, if that is part of the same layer.
        let next = |node: &Node| match readers.get(node.name.as_str()).map(Vec::as_slice) {
            Some(&[reader]) => nodes.get(reader).map(|reading| (reader, reading)),
            _ => None,
        };
        let mut group = vec![node];
        let mut last = node;
        while let Some((place, reader)) = next(last)
            && belongs(&group, reader)
        {
            group.push(reader);
            last = reader;
            if let Some(done) = done.get_mut(place) {
                *done = true;
            }
        }
        let value = add(network, &group)?;
        network.values.insert(last.name.as_str(), value);
    }
    Ok(())
}

/// Whether a node is part of the layer that these nodes begin.
fn belongs(group: &[&Node], reader: &Node) -> bool {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return false;
    };
    let part = |suffix: &str| reader.name.strip_suffix(suffix);
    let separable = ["/depthwise", ".depthwise"]
        .into_iter()
        .any(|suffix| first.name.strip_suffix(suffix) == Some(&reader.name));
    match (&last.op, &reader.op) {
        (
            Op::Conv2d {
                groups,
                bias: false,
                ..
            },
            Op::Conv2d {
                kernel: [1, 1],
                stride: [1, 1],
                groups: 1,
                padding: Padding::Same | Padding::NONE,
                ..
            },
        ) => separable && *groups > 1,
        (Op::Conv2d { .. } | Op::Dense { .. }, op) => {
            part("/activation") == Some(&last.name) && activation(op).is_some()
        }
        (Op::GlobalAveragePool | Op::GlobalMaxPool, Op::Reshape { .. }) => {
            part("/keepdims") == Some(&last.name)
        }
        _ => false,
    }
}

/// The name of an activation that Keras has without settings.
fn activation(op: &Op) -> Option<&'static str> {
    Some(match op {
        Op::Relu => "relu",
        Op::Relu6 => "relu6",
        Op::LeakyRelu { slope } if *slope == NAMED_SLOPE => "leaky_relu",
        Op::Elu { alpha } if *alpha == 1.0 => "elu",
        Op::Sigmoid => "sigmoid",
        Op::HardSigmoid { slope, offset } if (*slope, *offset) == (HARD_SIGMOID, 0.5) => {
            "hard_sigmoid"
        }
        Op::Silu => "silu",
        Op::HardSwish => "hard_silu",
        Op::Gelu { approximate: false } => "gelu",
        Op::Tanh => "tanh",
        Op::Softplus => "softplus",
        Op::Softmax => "softmax",
        _ => return None,
    })
}

/// Adds the nodes that are one layer, and returns the value of the last.
fn add<'a>(network: &mut Network<'a>, group: &[&'a Node]) -> Result<Value, FormatError> {
    let Some((&node, rest)) = group.split_first() else {
        return Err(network.unsupported("", "no node", "nodes"));
    };
    match &node.op {
        Op::Input { .. } => {
            let shape = network.shape(&node.name);
            let axes = Network::usual(&shape);
            let batch =
                std::iter::once(Json::Null).chain(axes.iter().map(|&axis| json!(shape[axis])));
            let mut layer = Layer::new(&node.name, "InputLayer", Vec::new());
            layer.config.remove("trainable");
            let layer = layer.with(json!({ "batch_shape": batch.collect::<Vec<_>>() }));
            Ok(added(network, layer, axes))
        }
        Op::Conv2d { .. } => convolution(network, node, rest),
        Op::Permute { axes } => {
            // Nothing moves until something reads the value in its new order.
            let value = network.value(read(node, 0))?;
            let place = |axis: &usize| axes.iter().position(|known| known == axis);
            Ok(Value {
                axes: value.axes.iter().filter_map(place).collect(),
                node: value.node,
            })
        }
        Op::Add | Op::Multiply => joined(network, node),
        Op::Concat { axis } => {
            let axes = network.value(read(node, 0))?.axes;
            let mut inputs = Vec::new();
            for input in &node.inputs {
                inputs.push(network.hold(input, &axes, &node.name)?);
            }
            let at = axes
                .iter()
                .position(|known| known == axis)
                .unwrap_or_default()
                + 1;
            let at = if at == axes.len() {
                json!(-1)
            } else {
                json!(at)
            };
            let layer = Layer::new(&node.name, "Concatenate", inputs);
            let layer = layer.with(json!({ "axis": at })).called(Arguments::List);
            Ok(added(network, layer, axes))
        }
        Op::MatMul { transposed } => {
            let rank = network.shape(&node.name).len();
            let axes: Vec<usize> = (0..rank).collect();
            let mut second = axes.clone();
            if *transposed && rank >= 2 {
                second.swap(rank - 2, rank - 1);
            }
            let a = network.hold(read(node, 0), &axes, &node.name)?;
            let b = network.hold(read(node, 1), &second, &node.name)?;
            let layer = Layer::function(&node.name, (NUMPY, "Matmul"), vec![a, b]);
            Ok(added(network, layer, axes))
        }
        _ => single(network, node, rest),
    }
}

/// An operation of one value.
fn single<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    rest: &[&'a Node],
) -> Result<Value, FormatError> {
    let name = node.name.as_str();
    let source = read(node, 0);
    let shape = network.shape(source);
    let usual = Network::usual(&shape);
    let c = channels(&shape);
    let plain: Vec<usize> = (0..shape.len()).collect();
    // The layer, and how the axes of what it reads and gives lie.
    let input = |network: &mut Network<'a>, axes: &[usize]| network.hold(source, axes, name);
    let per_channel = |numbers: &[f32]| match numbers {
        [first, rest @ ..] if rest.iter().all(|n| n == first) => json!(f64::from(*first)),
        all => json!(all.iter().map(|&n| f64::from(n)).collect::<Vec<_>>()),
    };
    let numbers = |network: &Network<'a>, parameter: &str| network.tensor(node, parameter);
    // What takes every number by itself leaves the axes as they are.
    let as_is = network.value(source)?.axes;

    let (layer, axes) = match &node.op {
        Op::Identity => (
            Layer::new(name, "Identity", vec![input(network, &as_is)?]),
            as_is,
        ),
        Op::Dropout { rate } => {
            let layer = Layer::new(name, "Dropout", vec![input(network, &as_is)?]);
            (layer.with(json!({ "rate": rate })), as_is)
        }
        Op::Rescale { scale, offset } => {
            let layer = Layer::new(name, "Rescaling", vec![input(network, &usual)?]);
            let settings = json!({ "scale": per_channel(scale), "offset": per_channel(offset) });
            (layer.with(settings), usual)
        }
        Op::Normalize => {
            let list = |parameter: &str| -> Result<Vec<f64>, FormatError> {
                let tensor = numbers(network, parameter)?;
                Ok(tensor.values().iter().map(|&n| f64::from(n)).collect())
            };
            let settings = json!({
                "axis": [-1],
                "invert": false,
                "mean": list("mean")?,
                "variance": list("variance")?,
            });
            let layer = Layer::new(name, "Normalization", vec![input(network, &usual)?]);
            (layer.with(settings), usual)
        }
        Op::ReverseChannels => {
            let inputs = vec![input(network, &usual)?];
            let layer = Layer::function(name, (NUMPY, "Flip"), inputs);
            (layer.with(json!({ "axis": -1 })), usual)
        }
        Op::Dense { units } => {
            let mut layer = Layer::new(name, "Dense", vec![input(network, &plain)?]);
            layer = layer.with(json!({
                "units": units,
                "activation": activation_of(rest),
                "use_bias": true,
            }));
            layer.variable(vec![c, *units], Numbers::Of(numbers(network, "weight")?));
            layer.variable(vec![*units], Numbers::Of(numbers(network, "bias")?));
            (layer, plain)
        }
        Op::Attention { heads } => (attention(network, node, *heads, c)?, plain),
        Op::LayerScale => {
            let mut layer = Layer::new(name, "LayerScale", vec![input(network, &usual)?]);
            layer.module = "keras.src.applications.convnext";
            layer = layer.with(json!({ "init_values": 1e-6, "projection_dim": c }));
            layer.variable(vec![c], Numbers::Of(numbers(network, "gamma")?));
            (layer, usual)
        }
        Op::BatchNorm { epsilon, scale } => {
            let mut layer = Layer::new(name, "BatchNormalization", vec![input(network, &usual)?]);
            layer = layer.with(json!({
                "axis": -1,
                "momentum": 0.99,
                "epsilon": epsilon,
                "center": true,
                "scale": scale,
            }));
            let all = ["weight", "bias", "running_mean", "running_var"];
            for parameter in all.into_iter().skip(usize::from(!scale)) {
                layer.variable(vec![c], Numbers::Of(numbers(network, parameter)?));
            }
            (layer, usual)
        }
        Op::LayerNorm { epsilon } => {
            let mut layer = Layer::new(name, "LayerNormalization", vec![input(network, &usual)?]);
            layer = layer.with(json!({ "axis": -1, "epsilon": epsilon }));
            for parameter in ["weight", "bias"] {
                layer.variable(vec![c], Numbers::Of(numbers(network, parameter)?));
            }
            (layer, usual)
        }
        Op::PRelu => {
            let mut layer = Layer::new(name, "PReLU", vec![input(network, &usual)?]);
            let shared: Vec<usize> = (1..shape.len()).collect();
            layer = layer.with(json!({ "shared_axes": shared }));
            let mut alpha = vec![1; shape.len().saturating_sub(1)];
            alpha.push(c);
            layer.variable(alpha, Numbers::Of(numbers(network, "weight")?));
            (layer, usual)
        }
        Op::PositionEmbedding => {
            // The only layer that adds stored numbers to each place: less a mean, over 1.
            let mut layer = Layer::new(name, "Normalization", vec![input(network, &plain)?]);
            let axes: Vec<usize> = (1..=shape.len()).collect();
            layer = layer.with(json!({
                "axis": axes,
                "invert": false,
                "mean": null,
                "variance": null,
            }));
            layer.variable(
                shape.clone(),
                Numbers::Negative(numbers(network, "weight")?),
            );
            layer.variable(shape.clone(), Numbers::All(1.0));
            layer.variable(Vec::new(), Numbers::All(0.0));
            (layer, plain)
        }
        Op::ClassToken => (class_token(network, node, &shape)?, plain),
        Op::Relu6 => {
            let layer = Layer::new(name, "ReLU", vec![input(network, &as_is)?]);
            (layer.with(json!({ "max_value": 6.0 })), as_is)
        }
        Op::Clamp { low, high } if *low == 0.0 => {
            let layer = Layer::new(name, "ReLU", vec![input(network, &as_is)?]);
            (layer.with(json!({ "max_value": high })), as_is)
        }
        Op::Clamp { low, high } => {
            let inputs = vec![input(network, &as_is)?];
            let layer = Layer::function(name, (NUMPY, "Clip"), inputs);
            (layer.with(json!({ "x_min": low, "x_max": high })), as_is)
        }
        Op::LeakyRelu { slope } => {
            let layer = Layer::new(name, "LeakyReLU", vec![input(network, &as_is)?]);
            (layer.with(json!({ "negative_slope": slope })), as_is)
        }
        Op::Elu { alpha } if *alpha != 1.0 => {
            let layer = Layer::new(name, "ELU", vec![input(network, &as_is)?]);
            (layer.with(json!({ "alpha": alpha })), as_is)
        }
        Op::HardSigmoid { slope, offset } if activation(&node.op).is_none() => {
            let scaled = Layer::new(
                &format!("{name}/linear"),
                "Rescaling",
                vec![input(network, &as_is)?],
            );
            // As a graph reads it again.
            let single = |number: f64| f64::from(number as f32);
            let scaled = scaled.with(json!({ "scale": single(*slope), "offset": single(*offset) }));
            let shape = placed(&shape, &as_is);
            let layer = network.add(scaled);
            let layer = Layer::new(name, "ReLU", vec![Input { layer, shape }]);
            (layer.with(json!({ "max_value": 1.0 })), as_is)
        }
        Op::Gelu { approximate: true } => {
            let inputs = vec![input(network, &as_is)?];
            let layer = Layer::function(name, (NN, "Gelu"), inputs);
            (layer.with(json!({ "approximate": true })), as_is)
        }
        Op::Softmax => {
            let layer = Layer::new(name, "Activation", vec![input(network, &plain)?]);
            (layer.with(json!({ "activation": "softmax" })), plain)
        }
        Op::MaxPool {
            kernel,
            stride,
            padding,
        }
        | Op::AveragePool {
            kernel,
            stride,
            padding,
            ..
        } => {
            let class = match &node.op {
                Op::MaxPool { .. } => "MaxPooling2D",
                _ => "AveragePooling2D",
            };
            let source = padded(network, node, &shape, (*kernel, *stride, *padding))?;
            let layer = Layer::new(name, class, vec![source.input]);
            let settings = json!({
                "pool_size": kernel,
                "padding": source.padding,
                "strides": stride,
                "data_format": "channels_last",
            });
            (layer.with(settings), usual)
        }
        Op::GlobalAveragePool | Op::GlobalMaxPool => {
            let class = match (&node.op, shape.len()) {
                (Op::GlobalAveragePool, 3) => "GlobalAveragePooling2D",
                (Op::GlobalAveragePool, _) => "GlobalAveragePooling1D",
                (_, 3) => "GlobalMaxPooling2D",
                _ => "GlobalMaxPooling1D",
            };
            let keepdims = !rest.is_empty();
            let layer = Layer::new(name, class, vec![input(network, &usual)?]);
            let settings = json!({ "data_format": "channels_last", "keepdims": keepdims });
            let axes = if keepdims { usual } else { vec![0] };
            (layer.with(settings), axes)
        }
        Op::ZeroPad {
            top,
            bottom,
            left,
            right,
        } => {
            let layer = Layer::new(name, "ZeroPadding2D", vec![input(network, &usual)?]);
            let settings = json!({
                "padding": [[top, bottom], [left, right]],
                "data_format": "channels_last",
            });
            (layer.with(settings), usual)
        }
        Op::Flatten { order } => {
            let one_place = shape.iter().skip(1).all(|&dim| dim == 1);
            let axes = match order {
                Order::ChannelsLast => &usual,
                Order::ChannelsFirst if one_place => &as_is,
                Order::ChannelsFirst => &plain,
            };
            let layer = Layer::new(name, "Flatten", vec![input(network, axes)?]);
            (
                layer.with(json!({ "data_format": "channels_last" })),
                vec![0],
            )
        }
        Op::Reshape { shape: to } => {
            let to = to.dims();
            // Channels of one place lie last as they lie first.
            let last = matches!(to, [_, 1, 1] | [1, _, _]) && to.len() == 3;
            let axes = if last {
                Network::usual(to)
            } else {
                (0..to.len()).collect()
            };
            let stays = long(&shape, &as_is) == long(&shape, &plain);
            let source = input(network, if stays { &as_is } else { &plain })?;
            let layer = Layer::new(name, "Reshape", vec![source]);
            (
                layer.with(json!({ "target_shape": placed(to, &axes) })),
                axes,
            )
        }
        Op::Slice { axis, start, end } => {
            let all = json!({
                "class_name": "__slice__",
                "config": { "start": null, "stop": null, "step": null },
            });
            let some = json!({
                "class_name": "__slice__",
                "config": { "start": start, "stop": end, "step": null },
            });
            let places = as_is
                .iter()
                .map(|known| if known == axis { &some } else { &all });
            let index: Vec<&Json> = std::iter::once(&all).chain(places).collect();
            let index = json!(index);
            let inputs = vec![input(network, &as_is)?];
            let layer = Layer::function(name, (NUMPY, "GetItem"), inputs);
            (layer.called(Arguments::With(index)), as_is)
        }
        op => match activation(op) {
            Some(activation) => {
                let layer = Layer::new(name, "Activation", vec![input(network, &as_is)?]);
                (layer.with(json!({ "activation": activation })), as_is)
            }
            None => {
                let found = format!("a {}", op.name());
                return Err(network.unsupported(
                    name,
                    &found,
                    "operations that are layers of Keras",
                ));
            }
        },
    };
    Ok(added(network, layer, axes))
}

/// The layer as a value.
fn added<'a>(network: &mut Network<'a>, layer: Layer<'a>, axes: Vec<usize>) -> Value {
    Value {
        node: network.add(layer).to_string(),
        axes,
    }
}

fn read(node: &Node, at: usize) -> &str {
    node.inputs.get(at).map_or("", String::as_str)
}

fn placed(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    axes.iter()
        .filter_map(|&axis| shape.get(axis).copied())
        .collect()
}

/// The axes of more than one place, in that order.
fn long(shape: &[usize], axes: &[usize]) -> Vec<usize> {
    let long = |axis: &&usize| shape.get(**axis).is_some_and(|&dim| dim != 1);
    axes.iter().filter(long).copied().collect()
}

fn activation_of(rest: &[&Node]) -> &'static str {
    let last = rest.iter().rev().find_map(|node| activation(&node.op));
    last.unwrap_or("linear")
}

/// A convolution: of all channels, of each by itself, or one after the other.
fn convolution<'a>(
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
    let source = padded_for(
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
        "activation": activation_of(rest),
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

/// What a window slides over, and how Keras pads it.
struct Padded {
    input: Input,
    padding: &'static str,
}

type Window = ([usize; 2], [usize; 2], Padding);

fn padded(
    network: &mut Network<'_>,
    node: &Node,
    shape: &[usize],
    window: Window,
) -> Result<Padded, FormatError> {
    padded_for(network, node, &node.name, shape, window)
}

/// Padding that Keras has no word for becomes a layer before, if zeros are what it means.
fn padded_for(
    network: &mut Network<'_>,
    node: &Node,
    name: &str,
    shape: &[usize],
    (kernel, stride, padding): Window,
) -> Result<Padded, FormatError> {
    let usual = Network::usual(shape);
    let &[_, h, w] = shape else {
        return Err(network.unsupported(name, "over no map", "windows over maps"));
    };
    let counts = matches!(
        &node.op,
        Op::AveragePool {
            count_padding: true,
            ..
        }
    );
    let none = [(0, 0), (0, 0)];
    let sides = padding.resolve([h, w], kernel, stride);
    let same = Padding::Same.resolve([h, w], kernel, stride);
    if sides == none && padding != Padding::Same {
        return Ok(Padded {
            input: network.hold(read(node, 0), &usual, name)?,
            padding: "valid",
        });
    }
    let convolves = matches!(node.op, Op::Conv2d { .. });
    if padding == Padding::Same && (convolves || !counts || same == none)
        || !convolves && !counts && sides == same
    {
        return Ok(Padded {
            input: network.hold(read(node, 0), &usual, name)?,
            padding: "same",
        });
    }
    let zeros = match &node.op {
        Op::Conv2d { .. } => true,
        Op::AveragePool { count_padding, .. } => *count_padding,
        // Zeros never win over what is not below zero.
        _ => is_positive(network, read(node, 0)),
    };
    if !zeros {
        let found = format!("padded by {sides:?}");
        let accepted = "pooling without padding, or padded as TensorFlow does";
        return Err(network.unsupported(name, &found, accepted));
    }
    let [(top, bottom), (left, right)] = sides;
    let name = format!("{name}_pad");
    let input = network.hold(read(node, 0), &usual, &name)?;
    let layer = Layer::new(&name, "ZeroPadding2D", vec![input]).with(json!({
        "padding": [[top, bottom], [left, right]],
        "data_format": "channels_last",
    }));
    let shape = vec![
        h.saturating_add(top).saturating_add(bottom),
        w.saturating_add(left).saturating_add(right),
        channels(shape),
    ];
    let layer = network.add(layer);
    Ok(Padded {
        input: Input { layer, shape },
        padding: "valid",
    })
}

/// Whether no number of a node's value can be below zero.
fn is_positive(network: &Network<'_>, name: &str) -> bool {
    let nodes = network.graph.nodes();
    let mut name = name.to_owned();
    while let Some(node) = nodes.iter().find(|node| node.name == name) {
        match &node.op {
            Op::Relu | Op::Relu6 | Op::Sigmoid | Op::HardSigmoid { .. } | Op::Softmax => {
                return true;
            }
            Op::Softplus => return true,
            Op::Clamp { low, .. } => return *low >= 0.0,
            Op::Identity | Op::Dropout { .. } | Op::ZeroPad { .. } | Op::MaxPool { .. } => {
                name = read(node, 0).to_owned();
            }
            _ => return false,
        }
    }
    false
}

/// A sum or product of two values, of which the second may hold one number per channel.
fn joined<'a>(network: &mut Network<'a>, node: &'a Node) -> Result<Value, FormatError> {
    let (a, b) = (read(node, 0), read(node, 1));
    let (shape, second) = (network.shape(a), network.shape(b));
    let axes = match shape == second {
        true => network.value(a)?.axes,
        false => Network::usual(&shape),
    };
    let first = network.hold(a, &axes, &node.name)?;
    let second = match second.as_slice() {
        _ if shape == second => network.hold(b, &axes, &node.name)?,
        [_, _, _] => network.hold(b, &Network::usual(&second), &node.name)?,
        dims => {
            let name = format!("{}/channels", node.name);
            let source = network.hold(b, &(0..dims.len()).collect::<Vec<_>>(), &name)?;
            let mut target = vec![1; shape.len().saturating_sub(1)];
            target.push(channels(&shape));
            let layer = Layer::new(&name, "Reshape", vec![source]);
            let layer = network.add(layer.with(json!({ "target_shape": target })));
            Input {
                layer,
                shape: target,
            }
        }
    };
    let class = if node.op == Op::Add {
        "Add"
    } else {
        "Multiply"
    };
    let layer = Layer::new(&node.name, class, vec![first, second]).called(Arguments::List);
    Ok(added(network, layer, axes))
}

/// Self-attention: the value is both what asks and what is asked.
fn attention<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    heads: usize,
    width: usize,
) -> Result<Layer<'a>, FormatError> {
    let source = network.hold(read(node, 0), &[0, 1], &node.name)?;
    let depth = width / heads.max(1);
    let mut layer = Layer::new(
        &node.name,
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
    let (weight, bias) = (
        network.tensor(node, "qkv.weight")?,
        network.tensor(node, "qkv.bias")?,
    );
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
            of: network.tensor(node, "proj.weight")?,
            first: 0,
            rows: width,
        },
    });
    layer.variables.push(Variable {
        part: "output_dense",
        shape: vec![width],
        numbers: Numbers::Of(network.tensor(node, "proj.bias")?),
    });
    Ok(layer)
}

/// A token of zeros before the others, to which the learned one is added.
fn class_token<'a>(
    network: &mut Network<'a>,
    node: &'a Node,
    shape: &[usize],
) -> Result<Layer<'a>, FormatError> {
    let token = network.tensor(node, "token")?;
    let settings = json!({ "padding": [1, 0], "data_format": "channels_last" });
    if token.values().iter().all(|&n| n == 0.0) {
        let source = network.hold(read(node, 0), &[0, 1], &node.name)?;
        return Ok(Layer::new(&node.name, "ZeroPadding1D", vec![source]).with(settings));
    }
    let name = format!("{}_pad", node.name);
    let source = network.hold(read(node, 0), &[0, 1], &name)?;
    let padded = Layer::new(&name, "ZeroPadding1D", vec![source]);
    let layer = network.add(padded.with(settings));
    let shape: Vec<usize> = match *shape {
        [tokens, width] => vec![tokens + 1, width],
        _ => shape.to_vec(),
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
    Ok(layer)
}
