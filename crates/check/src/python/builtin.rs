//! Built-in functions, texts, lists and dictionaries.

use std::rc::Rc;

use super::Interpreter;
use super::assign::{index_in, tuple};
use super::value::{Arguments, Object, Value};

/// Built-in functions that programs about networks use.
pub(super) const NAMES: &[&str] = &[
    "dict",
    "enumerate",
    "float",
    "int",
    "iter",
    "len",
    "list",
    "max",
    "min",
    "next",
    "print",
    "range",
    "reversed",
    "round",
    "set",
    "sorted",
    "str",
    "super",
    "sum",
    "tuple",
    "zip",
    "isinstance",
    "type",
    "hasattr",
    "getattr",
    "setattr",
    "open",
    "abs",
    "map",
    "filter",
    "bool",
    "input",
    "id",
    "repr",
];

/// The longest list that is counted up.
const LONGEST: usize = 256;

impl<'a> Interpreter<'a> {
    pub(super) fn call_builtin(&mut self, name: &str, arguments: &Arguments<'a>) -> Value<'a> {
        let first = arguments
            .all
            .first()
            .map_or(Value::Unknown, |argument| argument.value.clone());
        match name {
            "len" => match self.items(&first) {
                Some(items) => i64::try_from(items.len()).map_or(Value::Unknown, Value::Int),
                None => Value::Unknown,
            },
            "range" => self.range(arguments),
            "int" => match first.number() {
                Some(number) if number.abs() < 1e15 => Value::Int(number as i64),
                _ => match first.text().and_then(|text| text.trim().parse().ok()) {
                    Some(number) => Value::Int(number),
                    None => Value::Unknown,
                },
            },
            "float" => first.number().map_or(Value::Unknown, Value::Float),
            "bool" => first.truth().map_or(Value::Unknown, Value::Bool),
            "str" => match first {
                Value::Str(_) => first,
                _ => Value::Unknown,
            },
            "list" | "tuple" | "sorted" => match self.items(&first) {
                Some(items) if name == "tuple" => tuple(items),
                Some(items) if name == "list" => self.state.allocate(Object::List(items)),
                _ => Value::Unknown,
            },
            "enumerate" => match self.items(&first) {
                Some(items) => {
                    let pairs = (0..)
                        .zip(items)
                        .map(|(i, item)| tuple(vec![Value::Int(i), item]));
                    tuple(pairs.collect())
                }
                None => Value::Method(Rc::new((first, "enumerate"))),
            },
            "zip" => {
                let lists: Option<Vec<_>> = arguments
                    .all
                    .iter()
                    .map(|argument| self.items(&argument.value))
                    .collect();
                match lists {
                    Some(lists) if !lists.is_empty() && !arguments.open => {
                        let shortest = lists.iter().map(Vec::len).min().unwrap_or(0);
                        let rows = (0..shortest)
                            .map(|i| tuple(lists.iter().map(|list| list[i].clone()).collect()));
                        tuple(rows.collect())
                    }
                    _ => Value::Unknown,
                }
            }
            "iter" | "next" => match first {
                Value::Dataset(_) => first,
                _ => Value::Unknown,
            },
            "dict" if arguments.all.is_empty() && !arguments.open => {
                self.state.allocate(Object::Dict(Vec::new()))
            }
            "setattr" => {
                self.escape(arguments);
                Value::None
            }
            _ => Value::Unknown,
        }
    }

    fn range(&mut self, arguments: &Arguments<'a>) -> Value<'a> {
        let numbers: Option<Vec<i64>> = arguments
            .all
            .iter()
            .map(|argument| match argument.value {
                Value::Int(number) => Some(number),
                _ => None,
            })
            .collect();
        let (start, stop, step) = match numbers.as_deref() {
            Some([stop]) => (0, *stop, 1),
            Some([start, stop]) => (*start, *stop, 1),
            Some([start, stop, step]) if *step > 0 => (*start, *stop, *step),
            _ => return Value::Unknown,
        };
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let numbers: Vec<_> = (start..stop)
            .step_by(step)
            .take(LONGEST + 1)
            .map(Value::Int)
            .collect();
        if numbers.len() > LONGEST {
            Value::Unknown
        } else {
            tuple(numbers)
        }
    }

    pub(super) fn container_method(
        &mut self,
        id: usize,
        name: &str,
        arguments: &Arguments<'a>,
    ) -> Value<'a> {
        let first = arguments.all.first().map(|argument| argument.value.clone());
        let more = match &first {
            Some(value) if name == "extend" => self.items(value),
            _ => None,
        };
        let Some(object) = self.state.object_mut(id) else {
            return Value::Unknown;
        };
        match (object, name) {
            (Object::List(items), "append") if items.len() < LONGEST => {
                items.push(first.unwrap_or(Value::Unknown));
                Value::None
            }
            (Object::List(items), "extend") if items.len() < LONGEST && more.is_some() => {
                items.extend(more.unwrap_or_default());
                Value::None
            }
            (Object::List(items), "pop") => {
                let index = first.unwrap_or(Value::Int(-1));
                match index_in(items.len(), &index) {
                    Some(position) => items.remove(position),
                    None => Value::Unknown,
                }
            }
            (Object::List(_), "index" | "count" | "copy") => Value::Unknown,
            (Object::Dict(entries), "get") => {
                let key = first.unwrap_or(Value::Unknown);
                match entries.iter().find(|(known, _)| *known == key) {
                    Some((_, value)) => value.clone(),
                    None => Value::Unknown,
                }
            }
            (Object::Dict(entries), "keys") => {
                tuple(entries.iter().map(|(key, _)| key.clone()).collect())
            }
            (Object::Dict(entries), "values") => {
                tuple(entries.iter().map(|(_, value)| value.clone()).collect())
            }
            (Object::Dict(entries), "items") => tuple(
                entries
                    .iter()
                    .map(|(key, value)| tuple(vec![key.clone(), value.clone()]))
                    .collect(),
            ),
            (object, _) => {
                *object = Object::Unknown;
                Value::Unknown
            }
        }
    }
}

pub(super) fn text_method<'a>(text: &str, name: &str) -> Value<'a> {
    match name {
        "lower" => Value::str(&text.to_lowercase()),
        "upper" => Value::str(&text.to_uppercase()),
        "strip" => Value::str(text.trim()),
        _ => Value::Unknown,
    }
}
