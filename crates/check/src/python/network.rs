//! Layers and models at work: what a value is as a layer, what a model gives.

use std::rc::Rc;

use super::Interpreter;
use super::function::method_of;
use super::value::{Arguments, Object, Value};
use crate::program::Sited;
use crate::program::base::BaseCall;
use crate::program::layer::Layer;
use crate::program::trail::Trail;

impl<'a> Interpreter<'a> {
    /// `model(x)`.
    pub(super) fn apply_object(&mut self, id: usize, arguments: &Arguments<'a>) -> Value<'a> {
        crate::torch::note_inference(self, id, arguments);
        let Some(object) = self.state.object(id) else {
            return Value::Unknown;
        };
        if let Object::Instance(instance) = object {
            let class = instance.class.clone();
            let method = ["forward", "call", "__call__"]
                .iter()
                .find_map(|name| method_of(&class, name));
            return match method {
                Some(function) => self.call_function(function, Some(Value::Object(id)), arguments),
                None => Value::Unknown,
            };
        }
        let input = arguments.all.first().map(|argument| argument.value.clone());
        let trail = self.trail(&input.unwrap_or(Value::Unknown));
        let layer = self.layer_of(&Value::Object(id));
        let mut trail = trail.then(&layer);
        if let Some(call) = trail
            .start
            .base
            .as_mut()
            .filter(|call| call.base.number == id)
            && let Some(training) = arguments.named(&["training"])
        {
            let value = training.value.truth();
            call.training = value.map(|value| Sited::new(value, training.at));
        }
        Value::Tensor(Rc::new(trail))
    }

    /// What a value does as a layer.
    pub(crate) fn layer_of(&mut self, value: &Value<'a>) -> Layer {
        match value {
            Value::Layer(layer) => (**layer).clone(),
            Value::Tensor(trail) => Layer::Network(trail.clone()),
            // A model may hold itself.
            Value::Object(id) if self.descend() => {
                let layer = self.layer_of_object(*id);
                self.ascend();
                layer
            }
            _ => Layer::Opaque,
        }
    }

    fn layer_of_object(&mut self, id: usize) -> Layer {
        match self.state.object(id).cloned() {
            Some(Object::Sequential(model)) => {
                let layers: Vec<_> = model
                    .layers
                    .iter()
                    .map(|layer| self.layer_of(layer))
                    .collect();
                Layer::Chain {
                    layers: layers.into(),
                    gap: model.gap,
                }
            }
            Some(Object::Functional {
                output: Value::Tensor(trail),
                ..
            }) => Layer::Network(trail),
            Some(Object::Backbone(backbone)) => {
                let call = Layer::Base(Rc::new(BaseCall {
                    base: backbone.base.clone(),
                    training: None,
                    headed: false,
                }));
                let layers = match &backbone.replaced {
                    Some(layer) => vec![call, self.layer_of(layer)],
                    None => match backbone.published {
                        Some(published) => vec![Layer::Network(published)],
                        None => vec![Layer::Opaque, call],
                    },
                };
                Layer::Chain {
                    layers: layers.into(),
                    gap: true,
                }
            }
            Some(Object::Instance(_)) => match self.output_of(&Value::Object(id)) {
                Value::Tensor(trail) => Layer::Network(trail),
                _ => Layer::Opaque,
            },
            _ => Layer::Opaque,
        }
    }

    /// What a model gives for an input.
    pub(crate) fn output_of(&mut self, model: &Value<'a>) -> Value<'a> {
        let Value::Object(id) = model else {
            return Value::Unknown;
        };
        match self.state.object(*id) {
            Some(Object::Functional { output, .. }) => output.clone(),
            Some(Object::Instance(instance)) => {
                let class = instance.class.clone();
                if let Some(function) = method_of(&class, "call") {
                    return self.call_with_input(function, model.clone());
                }
                match method_of(&class, "forward") {
                    Some(function) => self.call_with_unknown(function, Some(model.clone())),
                    None => Value::Unknown,
                }
            }
            Some(_) => {
                let layer = self.layer_of(model);
                Value::Tensor(Rc::new(Trail::input().then(&layer)))
            }
            None => Value::Unknown,
        }
    }

    /// What is known of a tensor; several that go into one layer become one.
    pub(crate) fn trail(&mut self, value: &Value<'a>) -> Trail {
        match value {
            Value::Tensor(trail) => (**trail).clone(),
            Value::Tuple(_) | Value::Object(_) => {
                let mut merged: Option<Trail> = None;
                for item in self.items(value).unwrap_or_default() {
                    let Value::Tensor(trail) = item else {
                        return Trail::unknown();
                    };
                    merged = Some(match merged {
                        None => trail.then(&Layer::Plain),
                        Some(known) => known.merged(&trail),
                    });
                }
                merged.unwrap_or_else(Trail::unknown)
            }
            _ => Trail::unknown(),
        }
    }
}
