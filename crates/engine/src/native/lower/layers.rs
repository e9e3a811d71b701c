//! Layers with weights, and pooling: what follows them and can be done on the way is part of them.

use finial_graph::{Op, Shape, reach};
use finial_kernels::{Convolution, ConvolutionShape, Dense, Element, Epilogue, Kept, Pooling};

use super::super::memory::Buffer;
use super::super::step::Step;
use super::{Lowering, Value, extents, refused};
use crate::EngineError;

impl<T: Element> Lowering<'_, T> {
    pub(super) fn convolution(&mut self, at: usize) -> Result<Value, EngineError> {
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

    pub(super) fn dense(&mut self, at: usize) -> Result<Value, EngineError> {
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

    pub(super) fn attention(&mut self, at: usize, heads: usize) -> Result<Value, EngineError> {
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
    pub(super) fn layer(
        &mut self,
        at: usize,
        shape: ConvolutionShape,
        prefix: &str,
        bias: bool,
    ) -> Result<Value, EngineError> {
        let input = self.stored(at, 0)?;
        self.layer_on(at, input, shape, prefix, bias)
    }

    pub(super) fn layer_on(
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

    pub(super) fn packed(
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

    pub(super) fn pool(&mut self, at: usize) -> Result<Value, EngineError> {
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
}
