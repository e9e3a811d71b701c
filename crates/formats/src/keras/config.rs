//! A model's configuration as Keras writes it in JSON: which layers there are, and who reads whom.
//!
//! Both generations are read here and look the same behind it. What a layer computes is in
//! `layers`; the numbers are in `weights`.

use std::path::Path;

use serde_json::{Map, Value as Json};

use super::settings::Settings;
use crate::FormatError;

/// A model: the whole one, or one that stands as a layer in another.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) name: &'a str,
    pub(super) layers: Vec<Layer<'a>>,
    /// A chain, or a graph with these ends.
    pub(super) ends: Option<Ends<'a>>,
    /// The shape that a chain without an input layer was built for.
    pub(super) built_for: Option<&'a Json>,
}

/// Where values enter a model and where they leave it.
#[derive(Debug)]
pub(super) struct Ends<'a> {
    pub(super) inputs: Vec<Reference<'a>>,
    pub(super) outputs: Vec<Reference<'a>>,
}

/// A layer and its calls.
#[derive(Debug)]
pub(super) struct Layer<'a> {
    pub(super) settings: Settings<'a>,
    /// One for each time that the layer is applied; none in a chain.
    pub(super) calls: Vec<Call<'a>>,
}

/// What a layer is applied to.
#[derive(Clone, Debug, Default)]
pub(super) struct Call<'a> {
    /// By position.
    pub(super) arguments: Vec<Argument<'a>>,
    /// By name.
    pub(super) named: Vec<(&'a str, Argument<'a>)>,
}

/// An argument.
#[derive(Clone, Debug)]
pub(super) enum Argument<'a> {
    /// The value of another layer.
    Tensor(Reference<'a>),
    /// Several arguments, at least one of them a value.
    List(Vec<Argument<'a>>),
    /// A constant.
    Constant(&'a Json),
}

/// A value: what a call of a layer gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    pub(super) layer: &'a str,
    pub(super) call: usize,
    pub(super) tensor: usize,
}

impl<'a> Model<'a> {
    /// Reads `{"class_name": …, "config": …}`.
    pub(super) fn read(path: &'a Path, json: &'a Json) -> Result<Self, FormatError> {
        let outer = Settings::of_layer(path, json)?;
        Self::of(path, &outer)
    }

    /// Reads the model that a layer is.
    pub(super) fn of(path: &'a Path, outer: &Settings<'a>) -> Result<Self, FormatError> {
        let chain = match outer.class {
            "Sequential" => true,
            "Functional" | "Model" => false,
            _ => {
                return Err(outer.unsupported(
                    "a model written as a class",
                    "Sequential and Functional models",
                ));
            }
        };
        let list = outer.list("layers")?;
        let layers = list.iter().map(|json| {
            let settings = Settings::of_layer(path, json)?;
            let calls = calls(&settings, json)?;
            Ok(Layer { settings, calls })
        });
        let layers = layers.collect::<Result<Vec<_>, FormatError>>()?;
        let ends = |key: &str| -> Result<Vec<Reference<'a>>, FormatError> {
            let mut found = Vec::new();
            if let Some(json) = outer.get(key) {
                references(json, &mut found);
            }
            match found.is_empty() {
                true => Err(outer.damaged(&format!("`{key}`, the names of layers"), "none")),
                false => Ok(found),
            }
        };
        let ends = match chain {
            true => None,
            false => Some(Ends {
                inputs: ends("input_layers")?,
                outputs: ends("output_layers")?,
            }),
        };
        Ok(Model {
            name: outer.name,
            layers,
            ends,
            built_for: outer.get("build_input_shape").or(outer.built_for),
        })
    }

    /// Whether a layer of that class is a model.
    pub(super) fn is(class: &str) -> bool {
        matches!(class, "Sequential" | "Functional" | "Model")
    }
}

impl<'a> Call<'a> {
    /// The values among the arguments, in order.
    pub(super) fn tensors(&self) -> Vec<Reference<'a>> {
        fn gather<'a>(argument: &Argument<'a>, into: &mut Vec<Reference<'a>>) {
            match argument {
                Argument::Tensor(reference) => into.push(*reference),
                Argument::List(list) => list.iter().for_each(|inner| gather(inner, into)),
                Argument::Constant(_) => {}
            }
        }
        let mut found = Vec::new();
        let named = self.named.iter().map(|(_, argument)| argument);
        for argument in self.arguments.iter().chain(named) {
            gather(argument, &mut found);
        }
        found
    }

    /// The argument of that name, or at that position.
    pub(super) fn argument(&self, position: usize, name: &str) -> Option<&Argument<'a>> {
        let named = self.named.iter().find(|(known, _)| *known == name);
        let named = named.map(|(_, argument)| argument);
        named.or_else(|| self.arguments.get(position))
    }

    /// The constant of that name, or at that position.
    pub(super) fn constant(&self, position: usize, name: &str) -> Option<&'a Json> {
        match self.argument(position, name)? {
            Argument::Constant(json) if !json.is_null() => Some(json),
            _ => None,
        }
    }
}

/// The names of layers in `[name, call, tensor]`, a list or a map of such.
fn references<'a>(json: &'a Json, into: &mut Vec<Reference<'a>>) {
    if let Some(reference) = reference(json) {
        into.push(reference);
        return;
    }
    // The depth is bounded, since the JSON was read with a bounded depth.
    match json {
        Json::Array(list) => list.iter().for_each(|inner| references(inner, into)),
        Json::Object(map) => map.values().for_each(|inner| references(inner, into)),
        _ => {}
    }
}

fn reference(json: &Json) -> Option<Reference<'_>> {
    let [layer, call, tensor] = json.as_array()?.get(..3)? else {
        return None;
    };
    Some(Reference {
        layer: layer.as_str()?,
        call: usize::try_from(call.as_u64()?).ok()?,
        tensor: usize::try_from(tensor.as_u64()?).ok()?,
    })
}

fn calls<'a>(settings: &Settings<'a>, json: &'a Json) -> Result<Vec<Call<'a>>, FormatError> {
    let nodes = match json.get("inbound_nodes") {
        None | Some(Json::Null) => return Ok(Vec::new()),
        Some(Json::Array(nodes)) => nodes,
        Some(other) => return Err(settings.damaged("a list of calls", &kind(other))),
    };
    let call = |node: &'a Json| match node {
        Json::Object(map) => Ok(Some(third_generation(map))),
        Json::Array(list) if list.is_empty() => Ok(None),
        Json::Array(list) => second_generation(list).map(Some).ok_or_else(|| {
            settings.damaged("a call `[layer, call, tensor, …]`", &node.to_string())
        }),
        other => Err(settings.damaged("a call", &kind(other))),
    };
    let calls = nodes.iter().filter_map(|node| call(node).transpose());
    calls.collect()
}

/// `{"args": […], "kwargs": {…}}` with values as `{"class_name": "__keras_tensor__", …}`.
fn third_generation(map: &Map<String, Json>) -> Call<'_> {
    fn argument(json: &Json) -> Argument<'_> {
        if json.get("class_name").and_then(Json::as_str) == Some("__keras_tensor__") {
            let history = json.pointer("/config/keras_history").and_then(reference);
            return history.map_or(Argument::Constant(json), Argument::Tensor);
        }
        list(json, argument)
    }
    let arguments = map.get("args").and_then(Json::as_array);
    let named = map.get("kwargs").and_then(Json::as_object);
    Call {
        arguments: arguments.into_iter().flatten().map(argument).collect(),
        named: named
            .into_iter()
            .flatten()
            .map(|(name, json)| (name.as_str(), argument(json)))
            .collect(),
    }
}

/// A list of `[layer, call, tensor, {named arguments}]`, or one of them by itself. A constant is
/// `["_CONSTANT_VALUE", -1, value, …]`.
fn second_generation(list: &[Json]) -> Option<Call<'_>> {
    fn named(json: &Json) -> Argument<'_> {
        match reference(json) {
            Some(reference) => Argument::Tensor(reference),
            None => self::list(json, named),
        }
    }
    let inputs: Vec<&[Json]> = match list.first()? {
        Json::String(_) => vec![list],
        _ => list
            .iter()
            .map(|input| input.as_array().map(Vec::as_slice))
            .collect::<Option<_>>()?,
    };
    let mut call = Call::default();
    for input in inputs {
        let first = match input {
            [Json::String(name), _, value, ..] if name == "_CONSTANT_VALUE" => {
                Argument::Constant(value)
            }
            [name, index, tensor, ..] => Argument::Tensor(Reference {
                layer: name.as_str()?,
                call: usize::try_from(index.as_u64()?).ok()?,
                tensor: usize::try_from(tensor.as_u64()?).ok()?,
            }),
            _ => return None,
        };
        call.arguments.push(first);
        let keywords = input.get(3).and_then(Json::as_object);
        for (name, json) in keywords.into_iter().flatten() {
            call.named.push((name.as_str(), named(json)));
        }
    }
    Some(call)
}

/// A list that holds a value is a list of arguments; any other is a constant.
fn list<'a>(json: &'a Json, inner: fn(&'a Json) -> Argument<'a>) -> Argument<'a> {
    let Json::Array(items) = json else {
        return Argument::Constant(json);
    };
    let items: Vec<Argument<'_>> = items.iter().map(inner).collect();
    let constant = |item: &Argument<'_>| matches!(item, Argument::Constant(_));
    match items.iter().all(constant) {
        true => Argument::Constant(json),
        false => Argument::List(items),
    }
}

/// What a piece of JSON is, in words.
pub(super) fn kind(json: &Json) -> String {
    match json {
        Json::Null => "nothing".to_owned(),
        Json::Bool(flag) => format!("`{flag}`"),
        Json::Number(number) => format!("{number}"),
        Json::String(text) => format!("`{}`", super::settings::shortened(text)),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}
