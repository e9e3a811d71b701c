//! Values and the buffers that they lie in.

use finial_graph::Shape;
use finial_kernels::{Activation, Element};

use super::super::memory::Buffer;
use super::super::step::{Function, Met, Step};
use super::super::view::View;
use super::{Lowering, Value, activation, stored_order};
use crate::EngineError;

impl<T: Element> Lowering<'_, T> {
    /// A new buffer for a value of that shape.
    pub(super) fn fresh(&mut self, shape: Shape) -> Value {
        self.lengths.push(shape.len());
        Value {
            buffer: Buffer(self.lengths.len() - 1),
            view: View::stored(shape),
        }
    }

    /// A step that writes a value of that shape.
    pub(super) fn append(&mut self, shape: Shape, step: impl FnOnce(Buffer) -> Step<T>) -> Value {
        let value = self.fresh(shape);
        self.steps.push(step(value.buffer));
        value
    }

    pub(super) fn affine(
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

    pub(super) fn each(&mut self, value: Value, row: usize, function: Function) -> Value {
        self.steps.push(Step::Each {
            value: value.buffer,
            row,
            function,
        });
        value
    }

    /// One of the reads of a node's value.
    pub(super) fn read(&mut self, node: usize) -> Result<Value, EngineError> {
        self.left[node] = self.left[node].saturating_sub(1);
        let value = self.values[node].clone();
        value.ok_or_else(|| self.wrong(node))
    }

    /// The value that a node reads.
    pub(super) fn input(&mut self, at: usize, which: usize) -> Result<Value, EngineError> {
        match self.inputs[at].get(which) {
            Some(&input) => self.read(input),
            None => Err(self.wrong(at)),
        }
    }

    /// What a node reads, as it is stored.
    pub(super) fn stored(&mut self, at: usize, which: usize) -> Result<Buffer, EngineError> {
        let value = self.input(at, which)?;
        Ok(self.in_place(&value, self.shapes[self.inputs[at][which]]))
    }

    /// What a node reads, as it is stored, to be overwritten.
    pub(super) fn take(&mut self, at: usize, which: usize) -> Result<Value, EngineError> {
        let value = self.input(at, which)?;
        let shape = self.shapes[self.inputs[at][which]];
        let view = View::stored(shape);
        let buffer = self.owned(&value, &view, shape.len(), stored_order(shape));
        Ok(Value { buffer, view })
    }

    /// A value's buffer if it lies as it is stored, else one in which it does.
    pub(super) fn in_place(&mut self, value: &Value, shape: Shape) -> Buffer {
        self.laid(
            value,
            &View::stored(shape),
            shape.len(),
            stored_order(shape),
        )
    }

    /// A buffer in which a value lies as `view` says, which holds `length` numbers; `moved` makes
    /// of the value's own view the one whose numbers in row-major order are those.
    pub(super) fn laid(
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
    pub(super) fn owned(
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

    pub(super) fn gathered(
        &mut self,
        value: &Value,
        length: usize,
        moved: impl Fn(&View) -> View,
    ) -> Buffer {
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
    pub(super) fn reshape(&mut self, value: &Value, dims: &[usize], shape: Shape) -> Value {
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
    pub(super) fn absorb_activation(&mut self, last: usize) -> (Activation, usize) {
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
    pub(super) fn give(&mut self, at: usize, last: usize, value: Value) -> Value {
        let mut passed = at;
        while passed != last {
            self.values[passed] = Some(value.clone());
            passed = self.readers[passed][0];
        }
        self.values[last] = Some(value.clone());
        value
    }
}
