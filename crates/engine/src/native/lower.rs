//! From a graph to steps over buffers.
//!
//! Nodes are taken in order. What an operation can do on the way is done with it: an addition and
//! an activation behind a convolution are part of it, views cost nothing, and what is not read
//! again is overwritten in place.

use std::collections::HashMap;

use finial_graph::{Graph, Node, Op, Order, Scaling, Shape, Weights, reach};
use finial_kernels::{
    Activation, Convolution, ConvolutionShape, Dense, Element, Epilogue, Instructions, Kept,
    KernelError, Pooling,
};

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

    // Layers.

    fn convolution(&mut self, at: usize) -> Result<Value, EngineError> {
        let Op::Conv2d {
            filters,
            kernel,
            stride,
            padding,
            dilation,
            groups,
            bias,
        } = &self.nodes[at].op
        else {
            return Err(self.wrong(at));
        };
        let input = extents(self.shape_of_input(at));
        let size = [input[0], input[1]];
        let [rows, columns] = padding.resolve(size, reach(*kernel, *dilation), *stride);
        let shape = ConvolutionShape {
            input,
            filters: *filters,
            kernel: *kernel,
            stride: *stride,
            padding: [rows.0, rows.1, columns.0, columns.1],
            dilation: *dilation,
            groups: *groups,
        };
        self.layer(at, shape, "", *bias)
    }

    fn dense(&mut self, at: usize) -> Result<Value, EngineError> {
        let given = self.shape_of_input(at);
        let output = self.shapes[at];
        if let Shape::Tokens([tokens, width]) = given {
            let shape = ConvolutionShape::pointwise([tokens, 1, width], output.channels());
            return self.layer(at, shape, "", true);
        }
        let input = self.stored(at, 0)?;
        let (activation, last) = self.absorb_activation(at);
        let layer = Dense::new(
            [given.channels(), output.channels()],
            self.parameter(at, "weight")?,
            Some(self.parameter(at, "bias")?),
            activation,
            self.instructions,
        );
        let layer = Box::new(layer.map_err(refused(&self.nodes[at]))?);
        let value = self.append(output, |output| Step::Dense {
            layer,
            input,
            output,
        });
        Ok(self.give(at, last, value))
    }

    fn attention(&mut self, at: usize, heads: usize) -> Result<Value, EngineError> {
        let shape @ Shape::Tokens([tokens, width]) = self.shapes[at] else {
            return Err(self.wrong(at));
        };
        let input = self.stored(at, 0)?;
        let queries = ConvolutionShape::pointwise([tokens, 1, width], 3 * width);
        let layer = self.packed(at, queries, "qkv.", true, Epilogue::default())?;
        let all = Shape::Tokens([tokens, 3 * width]);
        let all = self.append(all, |output| Step::Convolve {
            layer,
            input,
            residual: None,
            output,
        });
        let mixed = self.append(shape, |output| Step::Attend {
            extents: [tokens, width, heads],
            input: all.buffer,
            output,
        });
        let projection = ConvolutionShape::pointwise([tokens, 1, width], width);
        self.layer_on(at, mixed.buffer, projection, "proj.", true)
    }

    /// A convolution with an addition and an activation behind it, if it can have them.
    fn layer(
        &mut self,
        at: usize,
        shape: ConvolutionShape,
        prefix: &str,
        bias: bool,
    ) -> Result<Value, EngineError> {
        let input = self.stored(at, 0)?;
        self.layer_on(at, input, shape, prefix, bias)
    }

    fn layer_on(
        &mut self,
        at: usize,
        input: Buffer,
        shape: ConvolutionShape,
        prefix: &str,
        bias: bool,
    ) -> Result<Value, EngineError> {
        let mut last = at;
        let mut residual = None;
        if let [sum] = self.readers[at][..]
            && matches!(self.nodes[sum].op, Op::Add)
            && let [first, second] = self.inputs[sum][..]
            && first != second
            && self.shapes[first] == self.shapes[second]
        {
            let other = if first == at { second } else { first };
            if self.values[other].is_some() {
                let value = self.read(other)?;
                residual = Some(self.in_place(&value, self.shapes[other]));
                self.left[at] -= 1;
                last = sum;
            }
        }
        let (activation, last) = self.absorb_activation(last);
        let epilogue = Epilogue {
            activation,
            residual: residual.is_some(),
        };
        let layer = self.packed(at, shape, prefix, bias, epilogue)?;
        let value = self.append(self.shapes[last], |output| Step::Convolve {
            layer,
            input,
            residual,
            output,
        });
        Ok(self.give(at, last, value))
    }

    fn packed(
        &self,
        at: usize,
        shape: ConvolutionShape,
        prefix: &str,
        bias: bool,
        epilogue: Epilogue,
    ) -> Result<Box<Convolution<T>>, EngineError> {
        let weights = self.parameter(at, &format!("{prefix}weight"))?;
        let bias = bias.then(|| self.parameter(at, &format!("{prefix}bias")));
        let bias = bias.transpose()?;
        let layer = Convolution::new(shape, weights, bias, epilogue, self.instructions);
        Ok(Box::new(layer.map_err(refused(&self.nodes[at]))?))
    }

    fn pool(&mut self, at: usize) -> Result<Value, EngineError> {
        let (kernel, stride, padding, kept) = match &self.nodes[at].op {
            Op::MaxPool {
                kernel,
                stride,
                padding,
            } => (*kernel, *stride, padding, Kept::Largest),
            Op::AveragePool {
                kernel,
                stride,
                padding,
                count_padding,
            } => {
                let kept = match count_padding {
                    true => Kept::MeanWithPadding,
                    false => Kept::Mean,
                };
                (*kernel, *stride, padding, kept)
            }
            _ => return Err(self.wrong(at)),
        };
        let size = extents(self.shape_of_input(at));
        let [rows, columns] = padding.resolve([size[0], size[1]], kernel, stride);
        let padding = [rows.0, rows.1, columns.0, columns.1];
        let layer = Pooling::new(size, kernel, stride, padding, kept, self.instructions);
        let layer = layer.map_err(refused(&self.nodes[at]))?;
        let input = self.stored(at, 0)?;
        Ok(self.append(self.shapes[at], |output| Step::Pool {
            layer,
            input,
            output,
        }))
    }

    // Several values.

    fn combine(&mut self, at: usize) -> Result<Value, EngineError> {
        let [first, second] = self.inputs[at][..] else {
            return Err(self.wrong(at));
        };
        let shape = self.shapes[first];
        let is_whole = self.shapes[second] == shape;
        let row = shape.channels();
        // What meets the first: as many numbers, or one per channel.
        let met = self.read(second)?;
        let met = self.in_place(&met, self.shapes[second]);
        let value = self.read(first)?;
        let view = View::stored(shape);
        let buffer = match value.buffer == met {
            true => self.gathered(&value, shape.len(), stored_order(shape)),
            false => self.owned(&value, &view, shape.len(), stored_order(shape)),
        };
        let every = if is_whole { 1 } else { shape.len() / row };
        let (activation, last) = self.absorb_activation(at);
        let met = Some(Met::Each(met, every));
        let (factor, offset) = match self.nodes[at].op {
            Op::Multiply => (met, None),
            _ => (None, met),
        };
        let value = self.affine(Value { buffer, view }, row, factor, offset, activation);
        Ok(self.give(at, last, value))
    }

    fn join(&mut self, at: usize, axis: usize) -> Result<Value, EngineError> {
        let shape = self.shapes[at];
        let order = order(shape);
        // What lies behind the axis in memory goes along with each of its places.
        let behind = order.iter().skip_while(|&&other| other != axis).skip(1);
        let behind: usize = behind.map(|&other| shape.dims()[other]).product();
        let mut inputs = Vec::new();
        for which in 0..self.inputs[at].len() {
            let buffer = self.stored(at, which)?;
            let size = self.shapes[self.inputs[at][which]].dims()[axis];
            inputs.push((buffer, size * behind));
        }
        Ok(self.append(shape, |output| Step::Join { inputs, output }))
    }

    fn matrices(&mut self, at: usize, transposed: bool) -> Result<Value, EngineError> {
        let shape = self.shapes[at];
        let mut inputs = [Buffer(0); 2];
        for (which, buffer) in inputs.iter_mut().enumerate() {
            let value = self.input(at, which)?;
            let given = self.shapes[self.inputs[at][which]];
            let rows = View::row_major(given.dims());
            *buffer = self.laid(&value, &rows, given.len(), View::clone);
        }
        let view = View::row_major(shape.dims());
        let given = self.shape_of_input(at);
        let (Some(&depth), &[.., rows, columns]) = (given.dims().last(), shape.dims()) else {
            return Err(self.wrong(at));
        };
        let made = self.append(shape, |output| Step::Multiply {
            extents: [rows, depth, columns],
            transposed,
            inputs,
            output,
        });
        Ok(Value { view, ..made })
    }

    // Values and buffers.

    /// A new buffer for a value of that shape.
    fn fresh(&mut self, shape: Shape) -> Value {
        self.lengths.push(shape.len());
        Value {
            buffer: Buffer(self.lengths.len() - 1),
            view: View::stored(shape),
        }
    }

    /// A step that writes a value of that shape.
    fn append(&mut self, shape: Shape, step: impl FnOnce(Buffer) -> Step<T>) -> Value {
        let value = self.fresh(shape);
        self.steps.push(step(value.buffer));
        value
    }

    fn affine(
        &mut self,
        value: Value,
        row: usize,
        factor: Option<Met>,
        offset: Option<Met>,
        activation: Activation,
    ) -> Value {
        self.steps.push(Step::Affine {
            value: value.buffer,
            row,
            factor,
            offset,
            activation,
        });
        value
    }

    fn each(&mut self, value: Value, row: usize, function: Function) -> Value {
        self.steps.push(Step::Each {
            value: value.buffer,
            row,
            function,
        });
        value
    }

    /// One of the reads of a node's value.
    fn read(&mut self, node: usize) -> Result<Value, EngineError> {
        self.left[node] = self.left[node].saturating_sub(1);
        let value = self.values[node].clone();
        value.ok_or_else(|| self.wrong(node))
    }

    /// The value that a node reads.
    fn input(&mut self, at: usize, which: usize) -> Result<Value, EngineError> {
        match self.inputs[at].get(which) {
            Some(&input) => self.read(input),
            None => Err(self.wrong(at)),
        }
    }

    /// What a node reads, as it is stored.
    fn stored(&mut self, at: usize, which: usize) -> Result<Buffer, EngineError> {
        let value = self.input(at, which)?;
        Ok(self.in_place(&value, self.shapes[self.inputs[at][which]]))
    }

    /// What a node reads, as it is stored, to be overwritten.
    fn take(&mut self, at: usize, which: usize) -> Result<Value, EngineError> {
        let value = self.input(at, which)?;
        let shape = self.shapes[self.inputs[at][which]];
        let view = View::stored(shape);
        let buffer = self.owned(&value, &view, shape.len(), stored_order(shape));
        Ok(Value { buffer, view })
    }

    /// A value's buffer if it lies as it is stored, else one in which it does.
    fn in_place(&mut self, value: &Value, shape: Shape) -> Buffer {
        self.laid(
            value,
            &View::stored(shape),
            shape.len(),
            stored_order(shape),
        )
    }

    /// A buffer in which a value lies as `view` says, which holds `length` numbers; `moved` makes
    /// of the value's own view the one whose numbers in row-major order are those.
    fn laid(
        &mut self,
        value: &Value,
        view: &View,
        length: usize,
        moved: impl Fn(&View) -> View,
    ) -> Buffer {
        match value.view.is(view) && self.lengths[value.buffer.0] == length {
            true => value.buffer,
            false => self.gathered(value, length, moved),
        }
    }

    /// As [`laid`](Self::laid), in a buffer that nothing else will read.
    fn owned(
        &mut self,
        value: &Value,
        view: &View,
        length: usize,
        moved: impl Fn(&View) -> View,
    ) -> Buffer {
        let values = self.values.iter().zip(&self.left);
        let is_read = values.filter(|(_, left)| **left > 0).any(|(other, _)| {
            other
                .as_ref()
                .is_some_and(|other| other.buffer == value.buffer)
        });
        match is_read {
            true => self.gathered(value, length, moved),
            false => self.laid(value, view, length, moved),
        }
    }

    fn gathered(&mut self, value: &Value, length: usize, moved: impl Fn(&View) -> View) -> Buffer {
        self.lengths.push(length);
        let output = Buffer(self.lengths.len() - 1);
        self.steps.push(Step::Gather {
            view: moved(&value.view),
            input: value.buffer,
            output,
        });
        output
    }

    /// A value of axes `dims`, row-major, under another shape.
    fn reshape(&mut self, value: &Value, dims: &[usize], shape: Shape) -> Value {
        if let Some(view) = value.view.reshaped(shape.dims()) {
            return Value {
                view,
                buffer: value.buffer,
            };
        }
        let buffer = self.laid(value, &View::row_major(dims), shape.len(), View::clone);
        Value {
            buffer,
            view: View::row_major(shape.dims()),
        }
    }

    /// The activation that alone reads node `last`, and the node behind which that leaves off.
    fn absorb_activation(&mut self, last: usize) -> (Activation, usize) {
        if let [reader] = self.readers[last][..]
            && let Some(activation) = activation(&self.nodes[reader].op)
        {
            self.left[last] = self.left[last].saturating_sub(1);
            return (activation, reader);
        }
        (Activation::None, last)
    }

    /// Gives a value to the last node that was computed with node `at`. Those between have the
    /// same one, which nothing reads.
    fn give(&mut self, at: usize, last: usize, value: Value) -> Value {
        let mut passed = at;
        while passed != last {
            self.values[passed] = Some(value.clone());
            passed = self.readers[passed][0];
        }
        self.values[last] = Some(value.clone());
        value
    }

    // Parameters.

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
