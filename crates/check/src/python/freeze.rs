//! What of a model is trained: `trainable` of Keras, `requires_grad` of PyTorch.

use ruff_text_size::TextRange;

use super::Interpreter;
use super::value::{Object, Value};
use crate::program::base::{Freezing, Trainable};

impl<'a> Interpreter<'a> {
    /// All or some layers of a model are trained from now on, or not.
    pub(crate) fn freeze(&mut self, id: usize, whole: bool, on: Option<bool>, at: TextRange) {
        let before = self.state.freezing(id).state;
        let state = match (on, whole, before) {
            (None, ..) => Trainable::Unknown,
            (Some(true), true, _) => Trainable::All,
            (Some(false), true, _) => Trainable::Nothing,
            (Some(true), false, Trainable::All) => Trainable::All,
            (Some(false), false, Trainable::Nothing) => Trainable::Nothing,
            (Some(_), false, Trainable::Unknown) => Trainable::Unknown,
            (Some(_), false, _) => Trainable::Part,
        };
        let freezing = Freezing {
            state,
            at: Some(at),
        };
        self.state.set_freezing(id, freezing);
        let mut inside = Vec::new();
        match self.state.object_mut(id) {
            Some(Object::Backbone(backbone)) => {
                backbone.head_frozen = state == Trainable::Nothing && backbone.replaced.is_some();
            }
            Some(Object::Sequential(model)) => {
                inside.extend(model.layers.iter().filter_map(|layer| match layer {
                    Value::Object(inner) => Some(*inner),
                    _ => None,
                }));
            }
            Some(Object::Functional {
                output: Value::Tensor(trail),
                ..
            }) => {
                let base = trail.start.base.as_ref();
                inside.extend(base.map(|call| call.base.number).filter(|base| *base != id));
            }
            Some(Object::Instance(instance)) => {
                let attributes = instance.attributes.iter();
                inside.extend(attributes.filter_map(|(_, value)| match value {
                    Value::Object(inner) => Some(*inner),
                    _ => None,
                }));
            }
            _ => {}
        }
        for inner in inside {
            let state = if whole { state } else { Trainable::Unknown };
            self.state
                .set_freezing(inner, Freezing { state, ..freezing });
        }
    }

    /// `trainable` or `requires_grad` of a model, of layers or of parameters.
    pub(super) fn set_trainable(&mut self, receiver: &Value<'a>, value: &Value<'a>, at: TextRange) {
        match receiver {
            Value::Object(id) => self.freeze(*id, true, value.truth(), at),
            Value::Parts { of, whole } => self.freeze(*of, *whole, value.truth(), at),
            _ => {}
        }
    }

    /// The model or parts that a method speaks of: `model`, `model.fc`, `model.layers[3]`.
    pub(super) fn parts_of(&self, receiver: &Value<'a>) -> Option<(usize, bool)> {
        match receiver {
            Value::Object(id) => Some((*id, true)),
            Value::Parts { of, whole } => Some((*of, *whole)),
            Value::Method(pair) => match &pair.0 {
                Value::Object(id) => Some((*id, false)),
                Value::Parts { of, .. } => Some((*of, false)),
                _ => None,
            },
            _ => None,
        }
    }
}
