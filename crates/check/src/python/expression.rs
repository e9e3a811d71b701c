//! Expressions.

use std::rc::Rc;

use ruff_python_ast::{BoolOp, Comprehension, Expr, ExprAttribute, ExprSubscript, Number, UnaryOp};
use ruff_text_size::Ranged;

use super::Interpreter;
use super::assign::{index_in, tuple};
use super::imports::canonical;
use super::statement::Flow;
use super::value::{Body, Object, Value};

/// Turns of a comprehension that are followed one by one.
const TURNS: usize = 64;

impl<'a> Interpreter<'a> {
    /// What is known of an expression.
    pub(crate) fn expression(&mut self, expression: &'a Expr) -> Value<'a> {
        if !self.descend() {
            return Value::Unknown;
        }
        let value = self.expression_inside(expression);
        self.ascend();
        value
    }

    fn expression_inside(&mut self, expression: &'a Expr) -> Value<'a> {
        match expression {
            Expr::NumberLiteral(number) => match &number.value {
                Number::Int(value) => value.as_i64().map_or(Value::Unknown, Value::Int),
                Number::Float(value) => Value::Float(*value),
                Number::Complex { .. } => Value::Unknown,
            },
            Expr::StringLiteral(text) => Value::str(text.value.to_str()),
            Expr::BooleanLiteral(literal) => Value::Bool(literal.value),
            Expr::NoneLiteral(_) => Value::None,
            Expr::Name(name) => self.lookup(name.id.as_str()),
            Expr::Tuple(tuple) => self
                .sequence(&tuple.elts)
                .map_or(Value::Unknown, self::tuple),
            Expr::List(list) => match self.sequence(&list.elts) {
                Some(items) => self.state.allocate(Object::List(items)),
                None => Value::Unknown,
            },
            Expr::Set(set) => {
                self.sequence(&set.elts);
                Value::Unknown
            }
            Expr::Dict(dict) => {
                let mut entries = Vec::new();
                let mut known = true;
                for item in &dict.items {
                    let value = self.expression(&item.value);
                    match &item.key {
                        Some(key) => entries.push((self.expression(key), value)),
                        None => known = false,
                    }
                }
                if known {
                    self.state.allocate(Object::Dict(entries))
                } else {
                    Value::Unknown
                }
            }
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Subscript(subscript) => self.subscript(subscript),
            Expr::Call(call) => self.call(call),
            Expr::BinOp(operation) => {
                let left = self.expression(&operation.left);
                let right = self.expression(&operation.right);
                self.binary(operation.op, left, right, expression)
            }
            Expr::UnaryOp(operation) => {
                let value = self.expression(&operation.operand);
                match (operation.op, value) {
                    (UnaryOp::USub, Value::Int(value)) => {
                        value.checked_neg().map_or(Value::Unknown, Value::Int)
                    }
                    (UnaryOp::USub, Value::Float(value)) => Value::Float(-value),
                    (UnaryOp::UAdd, value @ (Value::Int(_) | Value::Float(_))) => value,
                    (UnaryOp::Not, value) => value
                        .truth()
                        .map_or(Value::Unknown, |truth| Value::Bool(!truth)),
                    _ => Value::Unknown,
                }
            }
            Expr::Compare(comparison) => {
                let mut left = self.expression(&comparison.left);
                let mut result = Some(true);
                let single = comparison.ops.len() == 1;
                for (op, right) in comparison.ops.iter().zip(&comparison.comparators) {
                    let right = self.expression(right);
                    if single && let Value::Array(array) = &left {
                        return super::operator::compared(array, *op, &right, expression.range());
                    }
                    let one = self.compare(*op, &left, &right);
                    result = match (result, one) {
                        (Some(false), _) | (_, Some(false)) => Some(false),
                        (Some(true), Some(true)) => Some(true),
                        _ => None,
                    };
                    left = right;
                }
                result.map_or(Value::Unknown, Value::Bool)
            }
            Expr::BoolOp(operation) => {
                let mut last = Value::Unknown;
                for value in &operation.values {
                    last = self.expression(value);
                    match (last.truth(), operation.op) {
                        (None, _) => {
                            // Whatever follows may be looked at or not.
                            return Value::Unknown;
                        }
                        (Some(true), BoolOp::Or) | (Some(false), BoolOp::And) => return last,
                        _ => {}
                    }
                }
                last
            }
            Expr::If(choice) => match self.expression(&choice.test).truth() {
                Some(true) => self.expression(&choice.body),
                Some(false) => self.expression(&choice.orelse),
                None => {
                    let (mut one, mut other) = (Value::Unknown, Value::Unknown);
                    self.either(
                        |this| {
                            one = this.expression(&choice.body);
                            Flow::Next
                        },
                        |this| {
                            other = this.expression(&choice.orelse);
                            Flow::Next
                        },
                    );
                    self.state.join_values(&one, &other)
                }
            },
            Expr::Lambda(lambda) => Value::Function(self.function(Body::Lambda(lambda))),
            Expr::ListComp(comprehension) => {
                self.comprehension(&comprehension.generators, &comprehension.elt)
            }
            Expr::Generator(generator) => self.comprehension(&generator.generators, &generator.elt),
            Expr::SetComp(comprehension) => {
                self.comprehension(&comprehension.generators, &comprehension.elt);
                Value::Unknown
            }
            Expr::DictComp(_) => Value::Unknown,
            Expr::Named(named) => {
                let value = self.expression(&named.value);
                self.assign(&named.target, value.clone());
                value
            }
            Expr::Starred(starred) => {
                self.expression(&starred.value);
                Value::Unknown
            }
            Expr::Await(_) => Value::Unknown,
            Expr::Yield(statement) => {
                if let Some(value) = &statement.value {
                    self.expression(value);
                }
                self.mark_generator();
                Value::Unknown
            }
            Expr::YieldFrom(_) => {
                self.mark_generator();
                Value::Unknown
            }
            Expr::FString(_)
            | Expr::TString(_)
            | Expr::BytesLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::Slice(_)
            | Expr::IpyEscapeCommand(_) => Value::Unknown,
        }
    }

    fn mark_generator(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.generator = true;
        }
    }

    /// All items; `None` if a starred one hides how many there are.
    fn sequence(&mut self, items: &'a [Expr]) -> Option<Vec<Value<'a>>> {
        let mut values = Vec::new();
        let mut known = true;
        for item in items {
            if let Expr::Starred(starred) = item {
                let inner = self.expression(&starred.value);
                match self.items(&inner) {
                    Some(inner) => values.extend(inner),
                    None => known = false,
                }
            } else {
                values.push(self.expression(item));
            }
        }
        known.then_some(values)
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], element: &'a Expr) -> Value<'a> {
        let [generator] = generators else {
            return Value::Unknown;
        };
        let items = self.expression(&generator.iter);
        let items = match self.items(&items) {
            Some(items) if items.len() <= TURNS && generator.ifs.is_empty() => items,
            _ => return Value::Unknown,
        };
        let mut values = Vec::new();
        for item in items {
            self.assign(&generator.target, item);
            values.push(self.expression(element));
        }
        self.state.allocate(Object::List(values))
    }

    fn attribute(&mut self, attribute: &'a ExprAttribute) -> Value<'a> {
        let receiver = self.expression(&attribute.value);
        let name = attribute.attr.id.as_str();
        self.attribute_of(receiver, name)
    }

    pub(super) fn attribute_of(&mut self, receiver: Value<'a>, name: &'a str) -> Value<'a> {
        match &receiver {
            Value::Path(path) => Value::Path(canonical(&format!("{path}.{name}")).into()),
            Value::Object(id) => match self.state.object(*id) {
                Some(Object::Instance(instance)) => {
                    if let Some((_, value)) =
                        instance.attributes.iter().find(|(known, _)| *known == name)
                    {
                        return value.clone();
                    }
                    Value::Method(Rc::new((receiver, name)))
                }
                Some(Object::Functional { output, .. }) if name == "output" => output.clone(),
                Some(Object::Functional { .. }) if name == "layers" => Value::Parts {
                    of: *id,
                    whole: true,
                },
                Some(Object::Sequential(model)) if name == "layers" && model.keras => {
                    Value::Parts {
                        of: *id,
                        whole: true,
                    }
                }
                Some(Object::Sequential(model)) if name == "output" && model.keras => {
                    self.output_of(&receiver)
                }
                Some(Object::Unknown) | None => Value::Unknown,
                Some(_) => Value::Method(Rc::new((receiver, name))),
            },
            Value::Array(array) => crate::data::array_attribute(array, name)
                .unwrap_or_else(|| Value::Method(Rc::new((receiver, name)))),
            Value::Dataset(data) => crate::data::dataset_attribute(data, name)
                .unwrap_or_else(|| Value::Method(Rc::new((receiver, name)))),
            Value::Method(_)
                if matches!(name, "parameters" | "named_parameters" | "requires_grad_") =>
            {
                Value::Method(Rc::new((receiver, name)))
            }
            // A part of a part of a published network.
            Value::Method(pair) if self.is_backbone(&pair.0) => receiver,
            Value::Unknown | Value::None | Value::Method(_) => Value::Unknown,
            // `model.layers[3].output`
            Value::Parts { .. } if name != "parameters" && name != "named_parameters" => {
                Value::Unknown
            }
            _ => Value::Method(Rc::new((receiver, name))),
        }
    }

    fn is_backbone(&self, value: &Value<'a>) -> bool {
        matches!(value, Value::Object(id) if matches!(self.state.object(*id), Some(Object::Backbone(_))))
    }

    fn subscript(&mut self, subscript: &'a ExprSubscript) -> Value<'a> {
        let receiver = self.expression(&subscript.value);
        let index = match &*subscript.slice {
            Expr::Slice(slice) => {
                for bound in [&slice.lower, &slice.upper, &slice.step]
                    .into_iter()
                    .flatten()
                {
                    self.expression(bound);
                }
                None
            }
            index => Some(self.expression(index)),
        };
        match (&receiver, index) {
            (Value::Tuple(items), Some(index)) => index_in(items.len(), &index)
                .and_then(|position| items.get(position).cloned())
                .unwrap_or(Value::Unknown),
            (Value::Object(id), Some(index)) => match self.state.object(*id) {
                Some(Object::List(items)) => index_in(items.len(), &index)
                    .and_then(|position| items.get(position).cloned())
                    .unwrap_or(Value::Unknown),
                Some(Object::Dict(entries)) => entries
                    .iter()
                    .find(|(key, _)| *key == index)
                    .map_or(Value::Unknown, |(_, value)| value.clone()),
                _ => Value::Unknown,
            },
            (Value::Array(array), index) => {
                crate::data::array_item(array, index.as_ref(), &subscript.slice, subscript.range())
            }
            (Value::Dataset(data), Some(index)) => match &index {
                Value::Str(text) => crate::data::dataset_key(data, text),
                Value::Int(_) if data.elements => self.element(&receiver),
                _ => Value::Unknown,
            },
            // `boxes[:, 0]` of a network's output: a part of it.
            (Value::Tensor(trail), _) => Value::Tensor(Rc::new(
                trail.then(&crate::program::layer::Layer::Steps(false)),
            )),
            (Value::Parts { of, .. }, Some(Value::Int(index))) => match self.state.object(*of) {
                // `model.layers[0]` may be a network of its own.
                Some(Object::Sequential(model)) if !model.gap => {
                    match index_in(model.layers.len(), &Value::Int(index)) {
                        Some(position) if matches!(model.layers[position], Value::Object(_)) => {
                            model.layers[position].clone()
                        }
                        _ => Value::Parts {
                            of: *of,
                            whole: false,
                        },
                    }
                }
                _ => Value::Parts {
                    of: *of,
                    whole: false,
                },
            },
            (Value::Parts { of, .. }, _) => Value::Parts {
                of: *of,
                whole: false,
            },
            // `model.classifier[6]` of a published network is of no use but to be replaced.
            (Value::Method(pair), _) if self.is_backbone(&pair.0) => receiver,
            (Value::Method(_), _) => Value::Unknown,
            _ => Value::Unknown,
        }
    }
}
