//! Assignment: names, tuples, attributes, items.

use std::rc::Rc;

use ruff_python_ast::Expr;
use ruff_text_size::Ranged;

use super::Interpreter;
use super::value::{Object, Value};

impl<'a> Interpreter<'a> {
    /// Binds a name in the current scope, or in the module if it is declared global.
    pub(super) fn bind(&mut self, name: &'a str, value: Value<'a>) {
        let mut id = self.scope();
        if self
            .state
            .scope(id)
            .is_some_and(|scope| scope.globals.contains(&name))
        {
            id = 0;
        }
        if let Some(scope) = self.state.scope_mut(id) {
            scope.names.insert(name, value);
        }
    }

    pub(super) fn assign(&mut self, target: &'a Expr, value: Value<'a>) {
        match target {
            Expr::Name(name) => self.bind(name.id.as_str(), value),
            Expr::Tuple(tuple) => self.unpack(&tuple.elts, &value),
            Expr::List(list) => self.unpack(&list.elts, &value),
            Expr::Starred(starred) => self.assign(&starred.value, Value::Unknown),
            Expr::Attribute(attribute) => {
                let receiver = self.expression(&attribute.value);
                let name = attribute.attr.id.as_str();
                if matches!(name, "trainable" | "requires_grad") {
                    self.set_trainable(&receiver, &value, attribute.range());
                }
                self.set_attribute(&receiver, name, value);
            }
            Expr::Subscript(subscript) => {
                let receiver = self.expression(&subscript.value);
                let index = self.expression(&subscript.slice);
                match receiver {
                    Value::Object(id) => self.set_item(id, index, value),
                    // Some numbers of an array are others now.
                    Value::Array(_) | Value::Dataset(_) => {
                        if matches!(&*subscript.value, Expr::Name(_) | Expr::Attribute(_)) {
                            self.assign(&subscript.value, Value::Unknown);
                        }
                    }
                    Value::Method(pair) => self.replace_in_backbone(&pair.0, pair.1, &index, value),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn unpack(&mut self, targets: &'a [Expr], value: &Value<'a>) {
        let items = self.items(value);
        let plain = !targets
            .iter()
            .any(|target| matches!(target, Expr::Starred(_)));
        match items {
            Some(items) if plain && items.len() == targets.len() => {
                for (target, item) in targets.iter().zip(items) {
                    self.assign(target, item);
                }
            }
            _ => {
                let element = match value {
                    // `next(iter(loader))` and batches of a generator.
                    Value::Dataset(_) if targets.len() == 2 => self.element(value),
                    // `steps, (hidden, cell) = self.lstm(x)`
                    Value::Tensor(trail) if trail.steps => {
                        targets
                            .iter()
                            .for_each(|target| self.assign(target, value.clone()));
                        return;
                    }
                    _ => Value::Unknown,
                };
                match element {
                    Value::Tuple(items) if items.len() == targets.len() => {
                        for (target, item) in targets.iter().zip(items.iter()) {
                            self.assign(target, item.clone());
                        }
                    }
                    _ => targets
                        .iter()
                        .for_each(|target| self.assign(target, Value::Unknown)),
                }
            }
        }
    }

    fn set_attribute(&mut self, receiver: &Value<'a>, name: &'a str, value: Value<'a>) {
        let Value::Object(id) = receiver else {
            // `model.layers[-1].activation = …`: a layer of some model is another one now.
            if name == "activation" {
                self.state.forget_models();
            }
            // `model.classifier.fc = …`: a part of a published network.
            if let Value::Method(pair) = receiver {
                self.replace_in_backbone(&pair.0, pair.1, &Value::Unknown, Value::Unknown);
            }
            return;
        };
        match self.state.object_mut(*id) {
            Some(Object::Instance(instance)) => {
                match instance
                    .attributes
                    .iter_mut()
                    .find(|(known, _)| *known == name)
                {
                    Some(slot) => slot.1 = value,
                    None => instance.attributes.push((name, value)),
                }
            }
            Some(Object::Backbone(backbone)) => {
                if backbone.head.is_none_or(|(head, _)| head == name) {
                    backbone.replaced = Some(value);
                    backbone.head_frozen = false;
                } else if matches!(
                    name,
                    "fc" | "classifier" | "head" | "heads" | "last_linear" | "_fc"
                ) {
                    // Another name than its head has: whatever that does.
                    backbone.replaced = Some(Value::Unknown);
                }
            }
            _ => {}
        }
    }

    fn set_item(&mut self, id: usize, index: Value<'a>, value: Value<'a>) {
        let Some(object) = self.state.object_mut(id) else {
            return;
        };
        match object {
            Object::Dict(entries) => {
                if index == Value::Unknown {
                    *object = Object::Unknown;
                    return;
                }
                match entries.iter_mut().find(|(key, _)| *key == index) {
                    Some(entry) => entry.1 = value,
                    None => entries.push((index, value)),
                }
            }
            Object::List(items) => match index_in(items.len(), &index) {
                Some(position) => items[position] = value,
                None => *object = Object::Unknown,
            },
            Object::Sequential(model) => match index_in(model.layers.len(), &index) {
                Some(position) if !model.gap => model.layers[position] = value,
                _ => {
                    model.layers.clear();
                    model.gap = true;
                }
            },
            _ => {}
        }
    }

    /// `model.classifier[6] = nn.Linear(4096, 2)` on a published network.
    fn replace_in_backbone(
        &mut self,
        receiver: &Value<'a>,
        attribute: &str,
        index: &Value<'a>,
        value: Value<'a>,
    ) {
        let Value::Object(id) = receiver else { return };
        let Some(Object::Backbone(backbone)) = self.state.object_mut(*id) else {
            return;
        };
        let last = match (backbone.head, index) {
            (Some((head, last)), Value::Int(index)) if head == attribute => {
                *index == -1 || last == Some(*index)
            }
            _ => false,
        };
        backbone.head_frozen = false;
        if last {
            backbone.replaced = Some(value);
        } else if backbone.head.is_none_or(|(head, _)| head == attribute) {
            backbone.replaced = Some(Value::Unknown);
        }
    }
}

/// A Python index as a position.
pub(super) fn index_in(length: usize, index: &Value<'_>) -> Option<usize> {
    let Value::Int(index) = index else {
        return None;
    };
    let length = i64::try_from(length).ok()?;
    let position = if *index < 0 {
        index.checked_add(length)?
    } else {
        *index
    };
    (0..length)
        .contains(&position)
        .then(|| usize::try_from(position).ok())
        .flatten()
}

/// A tuple value.
pub(super) fn tuple<'a>(items: Vec<Value<'a>>) -> Value<'a> {
    Value::Tuple(Rc::from(items))
}
