//! What the families share: short forms of operations, the preprocessing, and Keras's order.

use std::collections::HashMap;

pub(super) use crate::preprocessing::{IMAGENET, Statistics, UNIT};
use crate::{Graph, GraphError, Node, Op, Padding, Preprocessing, Shape};

/// Classes of ImageNet.
pub(super) const CLASSES: usize = 1000;

/// The name of the node that brings an image to the range its weights were trained on.
pub(super) const PREPROCESSING: &str = "preprocessing";

/// Blue, green and red, less the means of ImageNet's pixels: Caffe's preprocessing.
pub(super) fn preprocess_as_caffe(graph: &mut Graph) -> Result<(), GraphError> {
    let operations = Preprocessing::Caffe.operations();
    let mut named = ["bgr", PREPROCESSING].into_iter().zip(operations);
    named.try_for_each(|(name, op)| graph.push(name, op))
}

/// A convolution without a bias.
pub(super) fn conv(filters: usize, kernel: [usize; 2], stride: usize, padding: Padding) -> Op {
    Op::Conv2d {
        filters,
        kernel,
        stride: [stride; 2],
        padding,
        dilation: [1, 1],
        groups: 1,
        bias: false,
    }
}

/// A convolution of each channel by itself, without a bias.
pub(super) fn depthwise(channels: usize, kernel: usize, stride: usize, padding: Padding) -> Op {
    let mut op = conv(channels, [kernel; 2], stride, padding);
    if let Op::Conv2d { groups, .. } = &mut op {
        *groups = channels;
    }
    op
}

/// The same convolution with a bias.
pub(super) fn biased(mut op: Op) -> Op {
    if let Op::Conv2d { bias, .. } = &mut op {
        *bias = true;
    }
    op
}

/// Batch normalisation with a learned factor.
pub(super) fn batch_norm(epsilon: f64) -> Op {
    Op::BatchNorm {
        epsilon,
        scale: true,
    }
}

/// The largest number under a square window.
pub(super) fn max_pool(kernel: usize, stride: usize, padding: Padding) -> Op {
    Op::MaxPool {
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding,
    }
}

/// Zeros around a map: so many above and left, so many below and right.
pub(super) fn zero_pad(before: usize, after: usize) -> Op {
    Op::ZeroPad {
        top: before,
        bottom: after,
        left: before,
        right: after,
    }
}

/// The channels of a vector as a map of one place.
pub(super) fn one_place(channels: usize) -> Op {
    Op::Reshape {
        shape: Shape::Map([channels, 1, 1]),
    }
}

/// The same graph with its nodes in the order of Keras's `model.layers`, in which its files hold
/// weights: by the longest way to the output, then by the first visit from there.
pub(super) fn in_keras_order(graph: Graph) -> Result<Graph, GraphError> {
    let output = graph.output().to_owned();
    let nodes: Vec<Node> = graph.into();
    let index: HashMap<&str, usize> = nodes.iter().map(|n| n.name.as_str()).zip(0..).collect();
    let inputs_of = |i: usize| {
        let names = nodes.get(i).map(|node| node.inputs.as_slice());
        let known = names.unwrap_or_default().iter();
        known.filter_map(|name| index.get(name.as_str()).copied())
    };

    let mut steps_left = vec![0_usize; nodes.len()];
    for i in (0..nodes.len()).rev() {
        for input in inputs_of(i) {
            steps_left[input] = steps_left[input].max(steps_left[i] + 1);
        }
    }
    let mut visit = vec![usize::MAX; nodes.len()];
    let mut visits = 0;
    let mut to_visit: Vec<usize> = index.get(output.as_str()).copied().into_iter().collect();
    while let Some(i) = to_visit.pop() {
        if visit[i] == usize::MAX {
            visit[i] = visits;
            visits += 1;
            let inputs: Vec<usize> = inputs_of(i).collect();
            to_visit.extend(inputs.into_iter().rev());
        }
    }

    let mut keyed: Vec<_> = steps_left.into_iter().zip(visit).zip(nodes).collect();
    keyed.sort_by_key(|((steps, visit), _)| (std::cmp::Reverse(*steps), *visit));
    let sorted: Vec<Node> = keyed.into_iter().map(|(_, node)| node).collect();
    Graph::try_from(sorted)
}

/// Layers without a name of their own, as Keras numbers them: `conv2d`, `conv2d_1`, ….
#[derive(Default)]
pub(super) struct KerasNames {
    next: HashMap<&'static str, usize>,
}

impl KerasNames {
    /// The next name of this kind.
    pub(super) fn next(&mut self, kind: &'static str) -> String {
        let number = self.next.entry(kind).or_insert(0);
        *number += 1;
        match *number {
            1 => kind.to_owned(),
            n => format!("{kind}_{}", n - 1),
        }
    }
}
