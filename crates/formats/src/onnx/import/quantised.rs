//! Quantised values: pairs of QuantizeLinear and DequantizeLinear around operations on floats.

use finial_graph::Op;

use super::reader::Reader;
use super::view::{Steps, View};
use crate::FormatError;
use crate::onnx::proto::{NodeProto, data_type};

impl<'a> Reader<'a> {
    pub(super) fn quantize(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        self.float_only(node, &view, false)?;
        let steps = self.steps(node)?;
        let zero = node.input.get(2).map(String::as_str).unwrap_or_default();
        let kind = match (self.stored_type(zero), node.int("output_dtype")) {
            (Some(kind), _) => kind,
            (None, Some(kind)) if kind != 0 => kind as i32,
            _ => data_type::UINT8,
        };
        let (low, high) = match kind {
            data_type::UINT8 => (0.0, 255.0),
            data_type::INT8 => (-128.0, 127.0),
            data_type::UINT16 => (0.0, 65535.0),
            data_type::INT16 => (-32768.0, 32767.0),
            other => {
                let found = format!("one to ONNX data type {other}");
                return Err(self.refuse(node, found, "8 or 16 bits"));
            }
        };
        let op = Op::FakeQuantize {
            scale: steps.scale,
            zero_point: steps.zero_point,
            low,
            high,
        };
        let name = self.push(node.called(), op, &[&view.node])?;
        Ok(View {
            steps: Some(steps),
            ..view.on(name)
        })
    }

    pub(super) fn dequantize(&mut self, node: &NodeProto) -> Result<View, FormatError> {
        let view = self.view(node, 0)?;
        let steps = self.steps(node)?;
        match view.steps {
            Some(own) if own == steps => Ok(View {
                steps: None,
                ..view
            }),
            None if self.is_input(&view) => {
                // 8-bit pixels brought to their range.
                let (scale, zero) = (steps.scale as f32, steps.zero_point as f32);
                self.rescaled(node.called(), &view, scale, -zero * scale)
            }
            _ => Err(self.refuse(
                node,
                "one with other steps than the QuantizeLinear before it",
                "pairs of the same steps",
            )),
        }
    }

    fn is_input(&self, view: &View) -> bool {
        self.graph
            .nodes()
            .first()
            .is_some_and(|input| input.name == view.node)
    }

    /// The steps of a quantisation of all numbers alike.
    fn steps(&self, node: &NodeProto) -> Result<Steps, FormatError> {
        let scale = self.constant(node, 1)?.scalar();
        let zero_point = match self.optional(node, 2)? {
            Some(array) => array.scalar(),
            None => Some(0.0),
        };
        match scale.zip(zero_point) {
            Some((scale, zero_point)) => Ok(Steps { scale, zero_point }),
            None => Err(self.refuse(node, "one with steps per channel", "one scale for all")),
        }
    }
}
