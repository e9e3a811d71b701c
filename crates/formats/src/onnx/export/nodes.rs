//! Each operation in the operators of ONNX.

use finial_graph::{Node, Op, Order, Padding, Shape};

use super::plan::Planner;
use crate::onnx::proto::AttributeProto;

/// Writes the nodes that compute what a node of the graph does.
pub(super) fn write(plan: &mut Planner<'_>, node: &Node) {
    let inputs = plan.inputs(node);
    let x = inputs.first().cloned().unwrap_or_default();
    let shape = plan.input_shape(node, 0);
    let each = plan.per_channel(shape);
    let float = AttributeProto::of_float;
    match &node.op {
        Op::Input { .. } => {}
        Op::Identity => plan.result(node, "Identity", inputs, vec![]),
        Op::Rescale { scale, offset } => {
            let scale = plan.floats(node, "scale", each.clone(), scale.clone());
            let offset = plan.floats(node, "offset", each, offset.clone());
            let scaled = plan.step(node, "scaled", "Mul", vec![x, scale], vec![]);
            plan.result(node, "Add", vec![scaled, offset], vec![]);
        }
        Op::Normalize => {
            let mean = plan.parameter(node, "mean", each.clone());
            let variance = plan.parameter(node, "variance", each);
            let least = plan.scalar(1e-7);
            let root = plan.step(node, "root", "Sqrt", vec![variance], vec![]);
            let deviation = plan.step(node, "deviation", "Max", vec![root, least], vec![]);
            let centred = plan.step(node, "centred", "Sub", vec![x, mean], vec![]);
            plan.result(node, "Div", vec![centred, deviation], vec![]);
        }
        Op::ReverseChannels => {
            let places = (0..shape.channels() as i64).rev().collect();
            let places = plan.ints(node, "places", places);
            let axis = AttributeProto::of_int("axis", 1);
            plan.result(node, "Gather", vec![x, places], vec![axis]);
        }
        Op::Conv2d { .. } => convolution(plan, node, x, shape),
        Op::Dense { units } => match shape {
            Shape::Vector([channels]) => {
                let weight = plan.parameter(node, "weight", vec![*units, channels]);
                let bias = plan.parameter(node, "bias", vec![*units]);
                let turned = AttributeProto::of_int("transB", 1);
                plan.result(node, "Gemm", vec![x, weight, bias], vec![turned]);
            }
            other => {
                let product = linear(plan, node, x, "", [*units, other.channels()]);
                let bias = plan.parameter(node, "bias", vec![*units]);
                plan.result(node, "Add", vec![product, bias], vec![]);
            }
        },
        Op::Attention { heads } => attention(plan, node, x, shape, *heads),
        Op::ClassToken => class_token(plan, node, x, shape),
        Op::PositionEmbedding => {
            let weight = plan.parameter(node, "weight", shape.dims().to_vec());
            plan.result(node, "Add", vec![x, weight], vec![]);
        }
        Op::LayerScale => {
            let gamma = plan.parameter(node, "gamma", each);
            plan.result(node, "Mul", vec![x, gamma], vec![]);
        }
        Op::BatchNorm { epsilon, scale } => batch_norm(plan, node, x, shape, *epsilon, *scale),
        Op::LayerNorm { epsilon } => layer_norm(plan, node, x, shape, *epsilon),
        Op::LocalResponseNorm {
            size,
            alpha,
            beta,
            bias,
        } => {
            let settings = vec![
                float("alpha", *alpha),
                float("beta", *beta),
                float("bias", *bias),
                AttributeProto::of_int("size", *size as i64),
            ];
            plan.result(node, "LRN", inputs, settings);
        }
        Op::Relu => plan.result(node, "Relu", inputs, vec![]),
        Op::Relu6 => clip(plan, node, x, 0.0, 6.0),
        Op::Clamp { low, high } => clip(plan, node, x, *low, *high),
        Op::LeakyRelu { slope } => {
            plan.result(node, "LeakyRelu", inputs, vec![float("alpha", *slope)]);
        }
        Op::PRelu => {
            let slopes = plan.parameter(node, "weight", each);
            plan.result(node, "PRelu", vec![x, slopes], vec![]);
        }
        Op::Elu { alpha } => plan.result(node, "Elu", inputs, vec![float("alpha", *alpha)]),
        Op::Sigmoid => plan.result(node, "Sigmoid", inputs, vec![]),
        Op::HardSigmoid { slope, offset } => {
            let settings = vec![float("alpha", *slope), float("beta", *offset)];
            plan.result(node, "HardSigmoid", inputs, settings);
        }
        Op::Silu => {
            let gate = plan.step(node, "gate", "Sigmoid", vec![x.clone()], vec![]);
            plan.result(node, "Mul", vec![x, gate], vec![]);
        }
        Op::HardSwish => plan.result(node, "HardSwish", inputs, vec![]),
        Op::Gelu { approximate } => gelu(plan, node, x, *approximate),
        Op::Tanh => plan.result(node, "Tanh", inputs, vec![]),
        Op::Softplus => plan.result(node, "Softplus", inputs, vec![]),
        Op::FakeQuantize {
            scale,
            zero_point,
            low,
            high,
        } => quantise(plan, node, x, [*scale, *zero_point, *low, *high]),
        Op::Softmax => {
            let axis = AttributeProto::of_int("axis", -1);
            plan.result(node, "Softmax", inputs, vec![axis]);
        }
        Op::Add => pair(plan, node, "Add"),
        Op::Multiply => pair(plan, node, "Mul"),
        Op::Concat { axis } => {
            let axis = AttributeProto::of_int("axis", *axis as i64 + 1);
            plan.result(node, "Concat", inputs, vec![axis]);
        }
        Op::MatMul { transposed } => {
            let mut y = inputs.get(1).cloned().unwrap_or_default();
            if *transposed {
                let rank = shape.dims().len() + 1;
                let axes = (0..rank - 2).chain([rank - 1, rank - 2]);
                let perm = AttributeProto::of_ints("perm", axes);
                y = plan.step(node, "transposed", "Transpose", vec![y], vec![perm]);
            }
            plan.result(node, "MatMul", vec![x, y], vec![]);
        }
        Op::MaxPool {
            kernel,
            stride,
            padding,
        } => {
            let settings = window(*kernel, *stride, [1, 1], *padding, shape);
            plan.result(node, "MaxPool", inputs, settings);
        }
        Op::AveragePool {
            kernel,
            stride,
            padding,
            count_padding,
        } => {
            let mut settings = window(*kernel, *stride, [1, 1], *padding, shape);
            let counted = i64::from(*count_padding);
            settings.push(AttributeProto::of_int("count_include_pad", counted));
            plan.result(node, "AveragePool", inputs, settings);
        }
        Op::GlobalAveragePool => global(plan, node, x, shape, "GlobalAveragePool", "ReduceMean"),
        Op::GlobalMaxPool => global(plan, node, x, shape, "GlobalMaxPool", "ReduceMax"),
        Op::ZeroPad {
            top,
            bottom,
            left,
            right,
        } => {
            let sides = [0, 0, *top, *left, 0, 0, *bottom, *right];
            let pads = plan.ints(node, "pads", sides.map(|s| s as i64).to_vec());
            plan.result(node, "Pad", vec![x, pads], vec![]);
        }
        Op::Flatten { order } => {
            let mut x = x;
            if let (Order::ChannelsLast, Shape::Map(_)) = (order, shape) {
                let perm = AttributeProto::of_ints("perm", [0, 2, 3, 1]);
                x = plan.step(node, "channels_last", "Transpose", vec![x], vec![perm]);
            }
            let axis = AttributeProto::of_int("axis", 1);
            plan.result(node, "Flatten", vec![x], vec![axis]);
        }
        Op::Reshape { shape } => {
            let to = with_batch(shape.dims());
            let to = plan.ints(node, "shape", to);
            plan.result(node, "Reshape", vec![x, to], vec![]);
        }
        Op::Permute { axes } => {
            let axes = std::iter::once(0).chain(axes.iter().map(|a| a + 1));
            let perm = AttributeProto::of_ints("perm", axes);
            plan.result(node, "Transpose", inputs, vec![perm]);
        }
        Op::Slice { axis, start, end } => {
            let mut read = vec![x];
            for (what, value) in [("start", *start), ("end", *end), ("axis", *axis + 1)] {
                read.push(plan.ints(node, what, vec![value as i64]));
            }
            plan.result(node, "Slice", read, vec![]);
        }
        Op::Dropout { rate } => {
            let rate = plan.scalar(*rate);
            plan.result(node, "Dropout", vec![x, rate], vec![]);
        }
    }
}

/// A shape for a Reshape: 0 keeps the batch.
fn with_batch(dims: &[usize]) -> Vec<i64> {
    std::iter::once(0)
        .chain(dims.iter().map(|&d| d as i64))
        .collect()
}

/// How a window slides over a map; padding as numbers, since the size of the map is known.
fn window(
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: Padding,
    shape: Shape,
) -> Vec<AttributeProto> {
    let size = match shape {
        Shape::Map([_, h, w]) => [h, w],
        _ => [1, 1],
    };
    let reach = [0, 1].map(|i| (kernel[i] - 1) * dilation[i] + 1);
    let [(top, bottom), (left, right)] = padding.resolve(size, reach, stride);
    vec![
        AttributeProto::of_ints("kernel_shape", kernel),
        AttributeProto::of_ints("strides", stride),
        AttributeProto::of_ints("pads", [top, left, bottom, right]),
    ]
}

fn convolution(plan: &mut Planner<'_>, node: &Node, x: String, shape: Shape) {
    let Op::Conv2d {
        filters,
        kernel,
        stride,
        padding,
        dilation,
        groups,
        bias,
    } = node.op
    else {
        return;
    };
    let depth = shape.channels() / groups;
    let weight = plan.parameter(node, "weight", vec![filters, depth, kernel[0], kernel[1]]);
    let mut inputs = vec![x, weight];
    if bias {
        inputs.push(plan.parameter(node, "bias", vec![filters]));
    }
    let mut settings = window(kernel, stride, dilation, padding, shape);
    settings.push(AttributeProto::of_ints("dilations", dilation));
    settings.push(AttributeProto::of_int("group", groups as i64));
    plan.result(node, "Conv", inputs, settings);
}

/// The product with a matrix of the node.
fn linear(plan: &mut Planner<'_>, node: &Node, x: String, part: &str, dims: [usize; 2]) -> String {
    let weight = plan.turned(node, &format!("{part}weight"), dims);
    plan.step(
        node,
        &format!("{part}product"),
        "MatMul",
        vec![x, weight],
        vec![],
    )
}

fn attention(plan: &mut Planner<'_>, node: &Node, x: String, shape: Shape, heads: usize) {
    let Shape::Tokens([t, d]) = shape else {
        return;
    };
    let product = linear(plan, node, x, "qkv.", [3 * d, d]);
    let bias = plan.parameter(node, "qkv.bias", vec![3 * d]);
    let all = plan.step(node, "qkv", "Add", vec![product, bias], vec![]);
    let to = plan.ints(node, "heads_shape", with_batch(&[t, 3, heads, d / heads]));
    let split = plan.step(node, "heads", "Reshape", vec![all, to], vec![]);
    // Queries, keys and values; batch; heads; tokens; features.
    let perm = AttributeProto::of_ints("perm", [2, 0, 3, 1, 4]);
    let turned = plan.step(node, "heads_first", "Transpose", vec![split], vec![perm]);
    let mut parts = Vec::new();
    for (i, part) in ["queries", "keys", "values"].into_iter().enumerate() {
        let place = plan.ints(node, &format!("{part}_place"), vec![i as i64]);
        let axis = || AttributeProto::of_int("axis", 0);
        let taken = vec![turned.clone(), place];
        let gathered = plan.step(node, &format!("{part}_of"), "Gather", taken, vec![axis()]);
        let first = plan.ints(node, &format!("{part}_axis"), vec![0]);
        parts.push(plan.step(node, part, "Squeeze", vec![gathered, first], vec![]));
    }
    let [queries, keys, values] = [0, 1, 2].map(|i| parts[i].clone());
    let perm = AttributeProto::of_ints("perm", [0, 1, 3, 2]);
    let keys = plan.step(node, "keys_turned", "Transpose", vec![keys], vec![perm]);
    let scores = plan.step(node, "scores", "MatMul", vec![queries, keys], vec![]);
    let scale = plan.scalar((d as f64 / heads as f64).sqrt().recip());
    let scaled = plan.step(node, "scaled", "Mul", vec![scores, scale], vec![]);
    let axis = AttributeProto::of_int("axis", -1);
    let shares = plan.step(node, "shares", "Softmax", vec![scaled], vec![axis]);
    let mixed = plan.step(node, "mixed", "MatMul", vec![shares, values], vec![]);
    let perm = AttributeProto::of_ints("perm", [0, 2, 1, 3]);
    let mixed = plan.step(node, "tokens_first", "Transpose", vec![mixed], vec![perm]);
    let to = plan.ints(node, "tokens_shape", with_batch(&[t, d]));
    let joined = plan.step(node, "joined", "Reshape", vec![mixed, to], vec![]);
    let product = linear(plan, node, joined, "proj.", [d, d]);
    let bias = plan.parameter(node, "proj.bias", vec![d]);
    plan.result(node, "Add", vec![product, bias], vec![]);
}

fn class_token(plan: &mut Planner<'_>, node: &Node, x: String, shape: Shape) {
    let d = shape.channels();
    let token = plan.parameter(node, "token", vec![1, 1, d]);
    let bounds = vec![
        AttributeProto::of_int("start", 0),
        AttributeProto::of_int("end", 1),
    ];
    let batch = plan.step(node, "batch", "Shape", vec![x.clone()], bounds);
    let rest = plan.ints(node, "rest", vec![1, d as i64]);
    let axis = || AttributeProto::of_int("axis", 0);
    let to = plan.step(node, "to", "Concat", vec![batch, rest], vec![axis()]);
    let tokens = plan.step(node, "tokens", "Expand", vec![token, to], vec![]);
    let axis = AttributeProto::of_int("axis", 1);
    plan.result(node, "Concat", vec![tokens, x], vec![axis]);
}

/// The axes by which channels, the last, come right behind the batch, and the way back.
fn channels_second(rank: usize) -> [Vec<usize>; 2] {
    let there = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    let back = std::iter::once(0).chain(2..rank).chain([1]).collect();
    [there, back]
}

fn batch_norm(
    plan: &mut Planner<'_>,
    node: &Node,
    x: String,
    shape: Shape,
    epsilon: f64,
    scale: bool,
) {
    let c = shape.channels();
    let weight = match scale {
        true => plan.parameter(node, "weight", vec![c]),
        false => plan.floats(node, "ones", vec![c], vec![1.0; c]),
    };
    let rest = ["bias", "running_mean", "running_var"];
    let rest = rest.map(|suffix| plan.parameter(node, suffix, vec![c]));
    let inputs = |x: String| [vec![x, weight.clone()], rest.to_vec()].concat();
    let settings = vec![AttributeProto::of_float("epsilon", epsilon)];
    let rank = shape.dims().len() + 1;
    if matches!(shape, Shape::Map(_) | Shape::Vector(_)) {
        return plan.result(node, "BatchNormalization", inputs(x), settings);
    }
    let [there, back] = channels_second(rank);
    let perm = AttributeProto::of_ints("perm", there);
    let turned = plan.step(node, "channels_first", "Transpose", vec![x], vec![perm]);
    let normed = inputs(turned);
    let normed = plan.step(node, "normed", "BatchNormalization", normed, settings);
    let perm = AttributeProto::of_ints("perm", back);
    plan.result(node, "Transpose", vec![normed], vec![perm]);
}

fn layer_norm(plan: &mut Planner<'_>, node: &Node, x: String, shape: Shape, epsilon: f64) {
    let c = shape.channels();
    let weight = plan.parameter(node, "weight", vec![c]);
    let bias = plan.parameter(node, "bias", vec![c]);
    let settings = vec![
        AttributeProto::of_int("axis", -1),
        AttributeProto::of_float("epsilon", epsilon),
    ];
    if !matches!(shape, Shape::Map(_)) {
        let inputs = vec![x, weight, bias];
        return plan.result(node, "LayerNormalization", inputs, settings);
    }
    let perm = AttributeProto::of_ints("perm", [0, 2, 3, 1]);
    let turned = plan.step(node, "channels_last", "Transpose", vec![x], vec![perm]);
    let inputs = vec![turned, weight, bias];
    let normed = plan.step(node, "normed", "LayerNormalization", inputs, settings);
    let perm = AttributeProto::of_ints("perm", [0, 3, 1, 2]);
    plan.result(node, "Transpose", vec![normed], vec![perm]);
}

fn clip(plan: &mut Planner<'_>, node: &Node, x: String, low: f64, high: f64) {
    let bounds = [low, high].map(|bound| plan.scalar(bound));
    plan.result(node, "Clip", [vec![x], bounds.to_vec()].concat(), vec![]);
}

fn gelu(plan: &mut Planner<'_>, node: &Node, x: String, approximate: bool) {
    let (one, half) = (plan.scalar(1.0), plan.scalar(0.5));
    let bent = if approximate {
        let square = plan.step(node, "square", "Mul", vec![x.clone(), x.clone()], vec![]);
        let cube = plan.step(node, "cube", "Mul", vec![square, x.clone()], vec![]);
        let share = plan.scalar(0.044_715);
        let cubic = plan.step(node, "cubic", "Mul", vec![cube, share], vec![]);
        let sum = plan.step(node, "sum", "Add", vec![x.clone(), cubic], vec![]);
        let root = plan.scalar(std::f64::consts::FRAC_2_PI.sqrt());
        let scaled = plan.step(node, "scaled", "Mul", vec![sum, root], vec![]);
        plan.step(node, "bent", "Tanh", vec![scaled], vec![])
    } else {
        let root = plan.scalar(std::f64::consts::SQRT_2);
        let scaled = plan.step(node, "scaled", "Div", vec![x.clone(), root], vec![]);
        plan.step(node, "bent", "Erf", vec![scaled], vec![])
    };
    let gate = plan.step(node, "gate", "Add", vec![bent, one], vec![]);
    let gated = plan.step(node, "gated", "Mul", vec![x, gate], vec![]);
    plan.result(node, "Mul", vec![gated, half], vec![]);
}

/// As a pair of operators where the steps are those of a byte, else by arithmetic.
fn quantise(plan: &mut Planner<'_>, node: &Node, x: String, steps: [f64; 4]) {
    let [scale, zero_point, low, high] = steps;
    let size = plan.scalar(scale);
    let whole = zero_point.fract() == 0.0 && (low..=high).contains(&zero_point);
    let byte = match (low, high, whole) {
        (0.0, 255.0, true) => Some((zero_point as u8, false)),
        (-128.0, 127.0, true) => Some((zero_point as i8 as u8, true)),
        _ => None,
    };
    if let Some((byte, signed)) = byte {
        let zero = plan.byte(node, "zero_point", byte, signed);
        let read = vec![x, size.clone(), zero.clone()];
        let steps = plan.step(node, "steps", "QuantizeLinear", read, vec![]);
        return plan.result(node, "DequantizeLinear", vec![steps, size, zero], vec![]);
    }
    let zero = plan.scalar(zero_point);
    let bounds = [low, high].map(|bound| plan.scalar(bound));
    let divided = plan.step(node, "divided", "Div", vec![x, size.clone()], vec![]);
    let rounded = plan.step(node, "rounded", "Round", vec![divided], vec![]);
    let moved = plan.step(node, "moved", "Add", vec![rounded, zero.clone()], vec![]);
    let kept = [vec![moved], bounds.to_vec()].concat();
    let kept = plan.step(node, "kept", "Clip", kept, vec![]);
    let back = plan.step(node, "back", "Sub", vec![kept, zero], vec![]);
    plan.result(node, "Mul", vec![back, size], vec![]);
}

/// A sum or a product, the second with one number per channel or not.
fn pair(plan: &mut Planner<'_>, node: &Node, op: &str) {
    let mut inputs = plan.inputs(node);
    let (first, second) = (plan.input_shape(node, 0), plan.input_shape(node, 1));
    if let (Shape::Vector(_), Some(y)) = (second, inputs.get(1).cloned())
        && second != first
    {
        // Between the batch and the channels, or behind them in a map.
        let axes = match first {
            Shape::Map(_) => vec![2, 3],
            other => (1..other.dims().len() as i64).collect(),
        };
        let axes = plan.ints(node, "axes", axes);
        let spread = plan.step(node, "spread", "Unsqueeze", vec![y, axes], vec![]);
        if let Some(place) = inputs.get_mut(1) {
            *place = spread;
        }
    }
    plan.result(node, op, inputs, vec![]);
}

fn global(
    plan: &mut Planner<'_>,
    node: &Node,
    x: String,
    shape: Shape,
    of_map: &str,
    of_tokens: &str,
) {
    if matches!(shape, Shape::Map(_)) {
        let pooled = plan.step(node, "pooled", of_map, vec![x], vec![]);
        let axis = AttributeProto::of_int("axis", 1);
        return plan.result(node, "Flatten", vec![pooled], vec![axis]);
    }
    let settings = vec![
        AttributeProto::of_ints("axes", [1]),
        AttributeProto::of_int("keepdims", 0),
    ];
    plan.result(node, of_tokens, vec![x], settings);
}
