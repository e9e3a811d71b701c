//! What has to be known of a file before its nodes are read: its opset, its input, its result,
//! and the nodes between them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use finial_graph::{Graph, Op, Shape};

use super::Options;
use super::view::View;
use crate::FormatError;
use crate::onnx::file::OnnxFile;
use crate::onnx::proto::{GraphProto, NodeProto, ValueInfoProto, data_type};

/// The opsets that finial knows.
const OPSETS: std::ops::RangeInclusive<i64> = 9..=22;
/// The version of ONNX's own operators.
pub(super) fn opset(file: &OnnxFile) -> Result<i64, FormatError> {
    let own = |domain: &str| matches!(domain, "" | "ai.onnx");
    let imports = &file.model.opset_import;
    let version = imports.iter().find(|i| own(i.domain()));
    let version = version.map_or(0, |i| i.version());
    if OPSETS.contains(&version) {
        return Ok(version);
    }
    Err(FormatError::unsupported(
        &file.path,
        "its opset",
        version.to_string(),
        "opsets 9 to 22",
        "export the model again with an opset of that range, or convert it with \
         onnx.version_converter",
    ))
}

/// The name of the value that the network gives: the file's output, or the logits if that is
/// their LogSoftmax, which is no operation of finial and orders classes as its logits do.
pub(super) fn target(
    file: &OnnxFile,
    proto: &GraphProto,
    nodes: &[NodeProto],
    options: &Options,
) -> Result<String, FormatError> {
    if let Some(wanted) = &options.until {
        let gives = |node: &&NodeProto| {
            node.name() == wanted || node.output.iter().any(|output| output == wanted)
        };
        let Some(node) = nodes.iter().find(gives) else {
            let named = nodes.iter().map(|node| node.name());
            let given = nodes.iter().flat_map(|node| &node.output);
            let known = named.chain(given.map(String::as_str));
            return Err(FormatError::no_layer(&file.path, wanted, known));
        };
        let output = node.output.iter().find(|output| *output == wanted);
        let output = output.or(node.output.first());
        return Ok(output.cloned().unwrap_or_default());
    }
    match proto.output.as_slice() {
        [output] => {
            let gives = |node: &&NodeProto| node.output.first().is_some_and(|o| o == output.name());
            let last = nodes.iter().find(gives);
            let last = last.filter(|node| node.op_type() == "LogSoftmax");
            let logits = last.and_then(|node| node.input.first().cloned());
            Ok(logits.unwrap_or_else(|| output.name().to_owned()))
        }
        [] => Err(FormatError::damaged(
            &file.path,
            "the graph",
            "an output",
            "none",
        )),
        outputs => {
            let names: Vec<&str> = outputs.iter().map(ValueInfoProto::name).collect();
            Err(FormatError::unsupported(
                &file.path,
                "the network",
                format!("one of several outputs: {}", names.join(", ")),
                "one output",
                "name the one that you want as the place to cut at",
            ))
        }
    }
}

/// The nodes that lead to a value: in the file's order, but each behind those that it reads,
/// since some tools append nodes at the end. Nodes that read each other in a circle are left out.
pub(super) fn live(nodes: &[NodeProto], target: &str) -> Vec<usize> {
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (i, node) in nodes.iter().enumerate() {
        for output in node.output.iter().filter(|output| !output.is_empty()) {
            producers.entry(output).or_insert(i);
        }
    }
    let read_by = |i: usize| {
        let inputs: HashSet<&str> = nodes[i].input.iter().map(String::as_str).collect();
        let inputs = inputs
            .into_iter()
            .filter_map(|input| producers.get(input).copied());
        inputs.collect::<HashSet<usize>>()
    };
    let mut waits_for: HashMap<usize, usize> = HashMap::new();
    let mut readers: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut open: Vec<usize> = producers.get(target).copied().into_iter().collect();
    while let Some(i) = open.pop() {
        if waits_for.contains_key(&i) {
            continue;
        }
        let inputs = read_by(i);
        waits_for.insert(i, inputs.len());
        for &input in &inputs {
            readers.entry(input).or_default().push(i);
        }
        open.extend(inputs);
    }
    let ready = waits_for.iter().filter(|(_, waits)| **waits == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(|(&i, _)| Reverse(i)).collect();
    let mut live = Vec::new();
    while let Some(Reverse(i)) = ready.pop() {
        live.push(i);
        for &reader in readers.get(&i).into_iter().flatten() {
            if let Some(waits) = waits_for.get_mut(&reader) {
                *waits -= 1;
                if *waits == 0 {
                    ready.push(Reverse(reader));
                }
            }
        }
    }
    live
}

/// The input: its name, how it lies in its node, and the graph that begins with it.
pub(super) fn input(
    file: &OnnxFile,
    proto: &GraphProto,
    options: &Options,
) -> Result<(String, View, Graph), FormatError> {
    let stored: HashSet<&str> = proto.initializer.iter().map(|t| t.name()).collect();
    let inputs = proto.input.iter().filter(|i| !stored.contains(i.name()));
    let inputs: Vec<&ValueInfoProto> = inputs.collect();
    let refuse = |part: String, found: String, accepted: &str, way_out: &str| {
        Err(FormatError::unsupported(
            &file.path, part, found, accepted, way_out,
        ))
    };
    let &[input] = inputs.as_slice() else {
        let names: Vec<&str> = inputs.iter().map(|i| i.name()).collect();
        let found = format!("one of {} inputs ({})", names.len(), names.join(", "));
        return refuse(
            "the network".into(),
            found,
            "one input, the image",
            "export it so",
        );
    };
    let part = format!("the input `{}`", input.name());
    let Some((kind, dims)) = input.tensor() else {
        let accepted = "an image [N, C, H, W] or [N, H, W, C]";
        return refuse(
            part,
            "no tensor of a known rank".into(),
            accepted,
            "export it so",
        );
    };
    let numbers = [
        data_type::FLOAT,
        data_type::FLOAT16,
        data_type::BFLOAT16,
        data_type::DOUBLE,
        data_type::UINT8,
    ];
    if !numbers.contains(&kind) {
        let found = format!("of ONNX data type {kind}");
        return refuse(
            part,
            found,
            "floating-point numbers or uint8",
            "export it so",
        );
    }
    let mut sizes: Vec<Option<usize>> = dims
        .iter()
        .map(|d| {
            d.dim_value
                .and_then(|v| usize::try_from(v).ok())
                .filter(|&v| v > 0)
        })
        .collect();
    let shown = || {
        let dims: Vec<String> = dims
            .iter()
            .map(|d| match (d.dim_value, d.dim_param()) {
                (Some(value), _) => value.to_string(),
                (None, "") => "?".to_owned(),
                (None, name) => name.to_owned(),
            })
            .collect();
        format!("[{}]", dims.join(", "))
    };
    match sizes.first().copied() {
        Some(None | Some(1)) => {}
        Some(Some(batch)) => {
            let found = format!("for a batch of {batch}");
            let way_out = "export the model with a variable batch, or with a batch of 1";
            return refuse(part, found, "one image at a time", way_out);
        }
        None => return refuse(part, shown(), "a batch of images", "export it so"),
    }
    // Channels come last where their place has the size of an image's channels, and the other
    // place has not.
    let is_image = |axis: usize| matches!(sizes.get(axis), Some(Some(1 | 3)));
    let places: &[Option<usize>] = match sizes.len() {
        2 => &[None, Some(0)],
        3 => &[None, Some(0), Some(1)],
        4 if is_image(3) && !is_image(1) => &[None, Some(1), Some(2), Some(0)],
        4 => &[None, Some(0), Some(1), Some(2)],
        _ => {
            let accepted = "an image [N, C, H, W] or [N, H, W, C], or a vector [N, F]";
            return refuse(part, shown(), accepted, "export it so");
        }
    };
    if let (4, Some(size)) = (sizes.len(), options.size) {
        for (axis, place) in places.iter().enumerate() {
            let given = match place {
                Some(1) => size[0],
                Some(2) => size[1],
                _ => continue,
            };
            match sizes[axis] {
                Some(own) if own != given => {
                    let found = format!("for images of {}", shown());
                    let accepted = format!("that size, not {} × {}", size[0], size[1]);
                    return refuse(part, found, &accepted, "leave the size out");
                }
                _ => sizes[axis] = Some(given),
            }
        }
    }
    let rank = places.iter().flatten().count();
    let mut own = vec![0; rank];
    for (size, place) in sizes.iter().zip(places) {
        match (size, place) {
            (_, None) => {}
            (Some(size), Some(place)) => own[*place] = *size,
            (None, Some(_)) => {
                return refuse(
                    part,
                    format!("{}, which leaves the size open", shown()),
                    "images of one size",
                    "say the size of the images, or export the model with it",
                );
            }
        }
    }
    let Some(shape) = Shape::of(&own) else {
        return refuse(
            part,
            shown(),
            "one to three axes of an image",
            "export it so",
        );
    };
    let view = View::of(input.name(), &own, places);
    let graph = Graph::with_input(input.name(), shape);
    // The shape is checked with the first node.
    let mut probe = graph.clone();
    probe
        .push(format!("{} ", input.name()), Op::Identity)
        .map_err(|error| FormatError::Graph {
            path: file.path.clone(),
            error: Box::new(error),
        })?;
    Ok((input.name().to_owned(), view, graph))
}
