//! What a node reads: values, settings, axes; and saying what is wrong with them.

use super::array::{self, Array};
use super::reader::{Reader, STOP_BEFORE, Value};
use super::view::View;
use crate::FormatError;
use crate::onnx::proto::NodeProto;

impl<'a> Reader<'a> {
    /// A value that a node reads; an error if the file gives none before it.
    pub(super) fn value(&self, node: &NodeProto, k: usize) -> Result<&Value<'a>, FormatError> {
        let name = node.input.get(k).map(String::as_str).unwrap_or_default();
        self.values.get(name).ok_or_else(|| {
            let part = format!("node `{}` ({})", node.called(), node.op_type());
            let expected = format!("input {k} to be given by a node before it");
            FormatError::damaged(&self.file.path, part, expected, format!("`{name}`"))
        })
    }

    /// Whether a node has such an input.
    pub(super) fn has(&self, node: &NodeProto, k: usize) -> bool {
        node.input.get(k).is_some_and(|name| !name.is_empty())
    }

    /// The numbers of an input, if they are known.
    pub(super) fn known(&self, node: &NodeProto, k: usize) -> Result<Option<Array>, FormatError> {
        match self.value(node, k)? {
            Value::Stored(tensor) => array::read(self.file, tensor).map(Some),
            Value::Known(array) => Ok(Some(Array::clone(array))),
            Value::View(_) => Ok(None),
        }
    }

    /// The numbers of an input that has to be known.
    pub(super) fn constant(&self, node: &NodeProto, k: usize) -> Result<Array, FormatError> {
        self.known(node, k)?.ok_or_else(|| {
            let found = format!("one whose input {k} depends on the image");
            self.refuse(node, found, "one that is stored in the file")
        })
    }

    /// The numbers of an input that may be left out.
    pub(super) fn optional(
        &self,
        node: &NodeProto,
        k: usize,
    ) -> Result<Option<Array>, FormatError> {
        match self.has(node, k) {
            true => self.constant(node, k).map(Some),
            false => Ok(None),
        }
    }

    /// A list of integers: an attribute in older opsets, an input in newer ones.
    pub(super) fn integers(
        &self,
        node: &NodeProto,
        name: &str,
        k: usize,
    ) -> Result<Option<Vec<i64>>, FormatError> {
        if let Some(values) = node.ints(name) {
            return Ok(Some(values.to_vec()));
        }
        let Some(array) = self.optional(node, k)? else {
            return Ok(None);
        };
        match array.as_ints() {
            Some(values) => Ok(Some(values.to_vec())),
            None => Err(self.refuse(
                node,
                format!("one with fractions as {name}"),
                "whole numbers",
            )),
        }
    }

    /// An input that depends on the image.
    pub(super) fn view(&self, node: &NodeProto, k: usize) -> Result<View, FormatError> {
        match self.value(node, k)? {
            Value::View(view) => Ok(view.clone()),
            _ => Err(self.refuse(
                node,
                format!("one whose input {k} does not depend on the image"),
                "one that is computed from the image",
            )),
        }
    }

    /// An input that depends on the image, in steps or not.
    pub(super) fn is_view(&self, node: &NodeProto, k: usize) -> bool {
        let name = node.input.get(k).map(String::as_str).unwrap_or_default();
        matches!(self.values.get(name), Some(Value::View(_)))
    }

    /// The shape of an input, whether its numbers are known or not.
    pub(super) fn dims(&self, node: &NodeProto, k: usize) -> Result<Vec<usize>, FormatError> {
        match self.value(node, k)? {
            Value::Stored(tensor) => array::dims_of(self.file, tensor),
            Value::Known(array) => Ok(array.dims.clone()),
            Value::View(view) => Ok(view.dims()),
        }
    }

    /// The kind of numbers of a constant, as the file has it.
    pub(super) fn stored_type(&self, name: &str) -> Option<i32> {
        match self.values.get(name) {
            Some(Value::Stored(tensor)) => Some(tensor.data_type()),
            _ => self.types.get(name).copied(),
        }
    }

    pub(super) fn note_type(&mut self, node: &'a NodeProto, data_type: i32) {
        if let Some(output) = node.output.first() {
            self.types.insert(output, data_type);
        }
    }

    /// An axis, counted from the end if it is negative.
    pub(super) fn axis(
        &self,
        node: &NodeProto,
        axis: i64,
        rank: usize,
    ) -> Result<usize, FormatError> {
        let from_start = if axis < 0 {
            axis.saturating_add(rank as i64)
        } else {
            axis
        };
        let found = usize::try_from(from_start).ok().filter(|&a| a < rank);
        found.ok_or_else(|| {
            let part = format!("node `{}` ({})", node.called(), node.op_type());
            let expected = format!("an axis of {rank}");
            FormatError::damaged(&self.file.path, part, expected, axis.to_string())
        })
    }

    /// Several axes.
    pub(super) fn axes(
        &self,
        node: &NodeProto,
        axes: &[i64],
        rank: usize,
    ) -> Result<Vec<usize>, FormatError> {
        axes.iter().map(|&a| self.axis(node, a, rank)).collect()
    }

    /// The only node that reads a value, if it is one and the value is not the result.
    pub(super) fn only_reader(&self, output: &str) -> Option<usize> {
        match self.readers.get(output)?.as_slice() {
            &[one] if one < self.nodes.len() => Some(one),
            _ => None,
        }
    }

    /// An error: a node that is not taken.
    pub(super) fn refuse(
        &self,
        node: &NodeProto,
        found: impl Into<String>,
        accepted: impl Into<String>,
    ) -> FormatError {
        let part = format!("node `{}` ({})", node.called(), node.op_type());
        FormatError::unsupported(&self.file.path, part, found, accepted, STOP_BEFORE)
    }

    /// Counts numbers that are made while reading.
    pub(super) fn spend(&self, node: &NodeProto, numbers: usize) -> Result<(), FormatError> {
        match self.numbers.get().checked_sub(numbers) {
            Some(left) => {
                self.numbers.set(left);
                Ok(())
            }
            None => Err(self.refuse(
                node,
                format!("one that makes {numbers} numbers of few"),
                "about as many numbers as the file has bytes",
            )),
        }
    }
}
