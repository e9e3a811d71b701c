//! From a graph to steps over buffers.
//!
//! Nodes are taken in order. What an operation can do on the way is done with it: an addition and
//! an activation behind a convolution are part of it, views cost nothing, and what is not read
//! again is overwritten in place.
//!
//! - Here: the walk over the nodes, and operations on one value.
//! - `layers`: what has weights, and pooling.
//! - `joints`: operations on several values.
//! - `values`: values and buffers.

mod joints;
mod layers;
mod values;

use std::collections::HashMap;

use finial_graph::{Graph, Node, Op, Order, Scaling, Shape, Weights};
use finial_kernels::{Activation, Element, Instructions, Kept, KernelError};

use super::memory::Buffer;
use super::step::{Function, Met, Step};
use super::view::{View, order};
use crate::EngineError;

/// A graph as steps.
#[derive(Debug)]
pub(super) struct Lowered<T: Element> {
    pub(super) steps: Vec<Step<T>>,
    /// Numbers of one image, by buffer.
    pub(super) lengths: Vec<usize>,
    pub(super) input: Input,
    pub(super) output: Buffer,
}

/// Where images enter, and what is done to their bytes on the way: `byte × factor + offset`, one of
/// each per channel.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) buffer: Buffer,
    pub(super) factors: Vec<f32>,
    pub(super) offsets: Vec<f32>,
}

/// A node's value.
#[derive(Clone, Debug)]
struct Value {
    buffer: Buffer,
    view: View,
}

/// Lowers a graph whose weights were checked. The output buffer holds the last node's numbers
/// row-major.
///
/// # Errors
/// A layer that its kernel refuses.
pub(super) fn lower<T: Element>(
    graph: &Graph,
    weights: &Weights,
    instructions: Instructions,
) -> Result<Lowered<T>, EngineError> {
    let mut lowering = Lowering::new(graph, weights, instructions)?;
    let input = lowering.enter()?;
    for at in 0..graph.nodes().len() {
        if lowering.values[at].is_none() {
            let value = lowering.node(at)?;
            lowering.values[at] = Some(value);
        }
    }
    let last = graph.nodes().len() - 1;
    let value = lowering.read(last)?;
    let rows = View::row_major(lowering.shapes[last].dims());
    let output = lowering.laid(&value, &rows, lowering.shapes[last].len(), |view| {
        view.clone()
    });
    Ok(Lowered {
        steps: lowering.steps,
        lengths: lowering.lengths,
        input,
        output,
    })
}

struct Lowering<'a, T: Element> {
    nodes: &'a [Node],
    shapes: Vec<Shape>,
    weights: &'a Weights,
    instructions: Instructions,
    /// The positions of each node's inputs.
    inputs: Vec<Vec<usize>>,
    /// The positions of the nodes that read each.
    readers: Vec<Vec<usize>>,
    /// How often each value will still be read.
    left: Vec<usize>,
    values: Vec<Option<Value>>,
    lengths: Vec<usize>,
    steps: Vec<Step<T>>,
}

impl<'a, T: Element> Lowering<'a, T> {
    fn new(
        graph: &'a Graph,
        weights: &'a Weights,
        instructions: Instructions,
    ) -> Result<Self, EngineError> {
        let nodes = graph.nodes();
        let names = nodes
            .iter()
            .enumerate()
            .map(|(at, node)| (node.name.as_str(), at));
        let positions: HashMap<&str, usize> = names.collect();
        let mut readers = vec![Vec::new(); nodes.len()];
        let mut inputs = Vec::with_capacity(nodes.len());
        let mut shapes = Vec::with_capacity(nodes.len());
        for (at, node) in nodes.iter().enumerate() {
            let found = node
                .inputs
                .iter()
                .filter_map(|name| positions.get(name.as_str()));
            let found: Vec<usize> = found.copied().collect();
            for &input in &found {
                readers[input].push(at);
            }
            inputs.push(found);
            shapes.push(graph.shape_of(&node.name)?);
        }
        let mut left: Vec<usize> = readers.iter().map(Vec::len).collect();
        // The caller reads the output.
        if let Some(last) = left.last_mut() {
            *last += 1;
        }
        Ok(Lowering {
            nodes,
            shapes,
            weights,
            instructions,
            inputs,
            readers,
            left,
            values: vec![None; nodes.len()],
            lengths: Vec::new(),
            steps: Vec::new(),
        })
    }

    /// The input, with what alone reads it and only scales it.
    fn enter(&mut self) -> Result<Input, EngineError> {
        let shape = self.shapes[0];
        let channels = shape.channels();
        let mut factors = vec![1.0f64; channels];
        let mut offsets = vec![0.0f64; channels];
        let mut at = 0;
        while let [reader] = self.readers[at][..]
            && let Some(Scaling { factor, offset }) = self.scaling(reader)?
        {
            let own = factors.iter_mut().zip(&mut offsets);
            for ((own, shift), (factor, offset)) in own.zip(factor.iter().zip(&offset)) {
                *own *= factor;
                *shift = *shift * factor + offset;
            }
            self.left[at] -= 1;
            at = reader;
        }
        let value = self.fresh(shape);
        let buffer = value.buffer;
        // The nodes between have no value that anything reads.
        let mut passed = 0;
        while passed != at {
            self.values[passed] = Some(value.clone());
            passed = self.readers[passed][0];
        }
        self.values[at] = Some(value);
        Ok(Input {
            buffer,
            factors: single(&factors),
            offsets: single(&offsets),
        })
    }

    fn node(&mut self, at: usize) -> Result<Value, EngineError> {
        let shape = self.shapes[at];
        let node = &self.nodes[at];
        if let Some(activation) = activation(&node.op) {
            let value = self.take(at, 0)?;
            let channels = shape.channels();
            return Ok(self.affine(value, channels, None, None, activation));
        }
        if let Some(Scaling { factor, offset }) = self.scaling(at)? {
            let value = self.take(at, 0)?;
            let (activation, last) = self.absorb_activation(at);
            let has_offset = offset.iter().any(|&offset| offset != 0.0);
            let offset = has_offset.then(|| Met::Shared(single(&offset)));
            let factor = Some(Met::Shared(single(&factor)));
            let value = self.affine(value, shape.channels(), factor, offset, activation);
            return Ok(self.give(at, last, value));
        }
        match &node.op {
            Op::Conv2d { .. } => self.convolution(at),
            Op::Dense { .. } => self.dense(at),
            Op::Attention { heads } => self.attention(at, *heads),
            Op::Input { .. } | Op::Identity | Op::Dropout { .. } => self.input(at, 0),
            Op::ReverseChannels => {
                let value = self.take(at, 0)?;
                Ok(self.each(value, shape.channels(), Function::Reverse))
            }
            Op::PRelu => {
                let value = self.take(at, 0)?;
                let slopes = self.parameter(at, "weight")?.to_vec();
                Ok(self.each(value, shape.channels(), Function::PRelu(slopes)))
            }
            Op::FakeQuantize {
                scale,
                zero_point,
                low,
                high,
            } => {
                let value = self.take(at, 0)?;
                let [scale, zero_point, low, high] =
                    [*scale, *zero_point, *low, *high].map(|number| number as f32);
                let function = Function::FakeQuantize {
                    scale,
                    zero_point,
                    low,
                    high,
                };
                Ok(self.each(value, shape.channels(), function))
            }
            Op::LocalResponseNorm {
                size,
                alpha,
                beta,
                bias,
            } => {
                let value = self.take(at, 0)?;
                let [alpha, beta, bias] = [*alpha, *beta, *bias].map(|number| number as f32);
                let function = Function::LocalResponseNorm {
                    size: *size,
                    alpha,
                    beta,
                    bias,
                };
                Ok(self.each(value, shape.channels(), function))
            }
            Op::PositionEmbedding => {
                let value = self.take(at, 0)?;
                let numbers = self.parameter(at, "weight")?;
                let mut laid = vec![0.0; numbers.len()];
                let axes = order(shape);
                View::row_major(shape.dims())
                    .permuted(&axes)
                    .gather(numbers, &mut laid);
                let offset = Some(Met::Shared(laid));
                Ok(self.affine(value, shape.len(), None, offset, Activation::None))
            }
            Op::ClassToken => {
                let input = self.stored(at, 0)?;
                let token = self.parameter(at, "token")?;
                let numbers = token.iter().map(|&number| T::from_f32(number)).collect();
                Ok(self.append(shape, |output| Step::Prepend {
                    numbers,
                    input,
                    output,
                }))
            }
            Op::LayerNorm { epsilon } => {
                let input = self.stored(at, 0)?;
                let weight = self.parameter(at, "weight")?.to_vec();
                let bias = self.parameter(at, "bias")?.to_vec();
                let epsilon = *epsilon as f32;
                Ok(self.append(shape, |output| Step::LayerNorm {
                    weight,
                    bias,
                    epsilon,
                    input,
                    output,
                }))
            }
            Op::Softmax => {
                let value = self.input(at, 0)?;
                let view = View::row_major(shape.dims());
                let buffer = self.owned(&value, &view, shape.len(), View::clone);
                let row = shape.dims().last().copied().unwrap_or(1);
                self.steps.push(Step::Softmax { value: buffer, row });
                Ok(Value { buffer, view })
            }
            Op::Add | Op::Multiply => self.combine(at),
            Op::Concat { axis } => self.join(at, *axis),
            Op::MatMul { transposed } => self.matrices(at, *transposed),
            Op::MaxPool { .. } | Op::AveragePool { .. } => self.pool(at),
            Op::GlobalAveragePool | Op::GlobalMaxPool => {
                let input = self.stored(at, 0)?;
                let places = self.shape_of_input(at).len() / shape.len();
                let kept = match node.op {
                    Op::GlobalMaxPool => Kept::Largest,
                    _ => Kept::Mean,
                };
                Ok(self.append(shape, |output| Step::PoolAll {
                    kept,
                    extents: [places, shape.len()],
                    input,
                    output,
                }))
            }
            Op::ZeroPad {
                top,
                bottom,
                left,
                right,
            } => {
                let input = self.stored(at, 0)?;
                let padding = [*top, *bottom, *left, *right];
                let extents = extents(self.shape_of_input(at));
                Ok(self.append(shape, |output| Step::Pad {
                    extents,
                    padding,
                    input,
                    output,
                }))
            }
            Op::Flatten { order } => {
                let mut value = self.input(at, 0)?;
                let mut dims = self.shape_of_input(at).dims().to_vec();
                if *order == Order::ChannelsLast && dims.len() == 3 {
                    value.view = value.view.permuted(&[1, 2, 0]);
                    dims.rotate_left(1);
                }
                Ok(self.reshape(&value, &dims, shape))
            }
            Op::Reshape { .. } => {
                let value = self.input(at, 0)?;
                let dims = self.shape_of_input(at).dims().to_vec();
                Ok(self.reshape(&value, &dims, shape))
            }
            Op::Permute { axes } => {
                let value = self.input(at, 0)?;
                Ok(Value {
                    view: value.view.permuted(axes),
                    ..value
                })
            }
            Op::Slice { axis, start, end } => {
                let value = self.input(at, 0)?;
                Ok(Value {
                    view: value.view.sliced(*axis, *start, *end),
                    ..value
                })
            }
            // Scalings and activations were above.
            _ => Err(EngineError::WrongValue {
                node: node.name.clone(),
                expected: "an operation that this engine knows",
            }),
        }
    }

    fn parameter(&self, at: usize, suffix: &str) -> Result<&'a [f32], EngineError> {
        let name = format!("{}.{suffix}", self.nodes[at].name);
        match self.weights.get(&name) {
            Some(tensor) => Ok(tensor.values()),
            None => Err(self.wrong(at)),
        }
    }

    fn scaling(&self, at: usize) -> Result<Option<Scaling>, EngineError> {
        Ok(Scaling::of(&self.nodes[at], self.weights)?)
    }

    /// The shape of a node's first input.
    fn shape_of_input(&self, at: usize) -> Shape {
        self.inputs[at]
            .first()
            .map_or(self.shapes[at], |&input| self.shapes[input])
    }

    fn wrong(&self, at: usize) -> EngineError {
        EngineError::WrongValue {
            node: self.nodes[at].name.clone(),
            expected: "what its operation takes",
        }
    }
}

fn single(of: &[f64]) -> Vec<f32> {
    of.iter().map(|&number| number as f32).collect()
}

/// The axes of a view in the order in which values of that shape are stored.
fn stored_order(shape: Shape) -> impl Fn(&View) -> View {
    move |view| view.permuted(&order(shape))
}

/// Height, width and channels of a map.
fn extents(shape: Shape) -> [usize; 3] {
    match shape {
        Shape::Map([channels, height, width]) => [height, width, channels],
        other => [other.len() / other.channels().max(1), 1, other.channels()],
    }
}

fn refused(node: &Node) -> impl Fn(KernelError) -> EngineError {
    move |source| EngineError::Kernel {
        node: node.name.clone(),
        source,
    }
}

fn activation(op: &Op) -> Option<Activation> {
    Some(match op {
        Op::Relu => Activation::Relu,
        Op::Relu6 => Activation::RELU6,
        Op::Clamp { low, high } => Activation::Clamp {
            low: *low as f32,
            high: *high as f32,
        },
        Op::LeakyRelu { slope } => Activation::LeakyRelu {
            slope: *slope as f32,
        },
        Op::Elu { alpha } => Activation::Elu {
            alpha: *alpha as f32,
        },
        Op::Sigmoid => Activation::Sigmoid,
        Op::HardSigmoid { slope, offset } => Activation::HardSigmoid {
            slope: *slope as f32,
            offset: *offset as f32,
        },
        Op::Silu => Activation::Silu,
        Op::HardSwish => Activation::HardSwish,
        Op::Gelu { approximate: false } => Activation::Gelu,
        Op::Gelu { approximate: true } => Activation::GeluTanh,
        Op::Tanh => Activation::Tanh,
        Op::Softplus => Activation::Softplus,
        _ => return None,
    })
}
