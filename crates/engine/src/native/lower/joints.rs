//! Operations on several values.

use finial_graph::Op;
use finial_kernels::Element;

use super::super::memory::Buffer;
use super::super::step::{Met, Step};
use super::super::view::{View, order};
use super::{Lowering, Value, stored_order};
use crate::EngineError;

impl<T: Element> Lowering<'_, T> {
    pub(super) fn combine(&mut self, at: usize) -> Result<Value, EngineError> {
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

    pub(super) fn join(&mut self, at: usize, axis: usize) -> Result<Value, EngineError> {
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

    pub(super) fn matrices(&mut self, at: usize, transposed: bool) -> Result<Value, EngineError> {
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
}
