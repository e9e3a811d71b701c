//! A Keras configuration as a program.

use std::collections::HashMap;

use finial_formats::keras::Configuration;
use serde_json::Value as Json;

use super::listing::{Line, Listing, Names, quoted};

/// Models within models that are followed.
const DEPTH: usize = 16;

/// The listing of a model; `repairable` if it can be written back.
pub(super) fn listing(configuration: Configuration, repairable: bool) -> Listing {
    let mut writer = Writer {
        listing: Listing::new(),
        names: Names::default(),
    };
    let model = writer.model(&configuration.model, "", 0);
    let compile = compile(configuration.compile());
    let line = Line {
        compile: true,
        ..Line::default()
    };
    writer
        .listing
        .push(&format!("{model}.compile({compile})"), line);
    writer.listing.configuration = repairable.then_some(configuration);
    writer.listing
}

struct Writer {
    listing: Listing,
    names: Names,
}

impl Writer {
    /// Writes a model down and gives its name in the listing.
    fn model(&mut self, model: &Json, pointer: &str, depth: usize) -> String {
        let config = model.get("config").unwrap_or(&Json::Null);
        let name = self.names.fresh(match depth {
            0 => "model",
            _ => text(config, "name").unwrap_or("model"),
        });
        // Keras 2.0 kept the layers of a sequential model as the configuration itself.
        let (layers, below) = match config {
            Json::Array(layers) => (Some(layers), "/config"),
            _ => (
                config.get("layers").and_then(Json::as_array),
                "/config/layers",
            ),
        };
        let layers = layers.map_or(&[][..], Vec::as_slice);
        let below = format!("{pointer}{below}");
        match text(model, "class_name") {
            _ if depth >= DEPTH => self.plain(&format!("{name} = custom.Model()")),
            Some("Sequential") => self.sequential(&name, layers, &below, depth),
            Some("Functional" | "Model") => self.functional(&name, config, layers, &below, depth),
            _ => self.plain(&format!("{name} = custom.Model()")),
        }
        name
    }

    fn plain(&mut self, text: &str) {
        self.listing.push(text, Line::default());
    }

    fn sequential(&mut self, name: &str, layers: &[Json], below: &str, depth: usize) {
        self.plain(&format!("{name} = Sequential()"));
        for (index, layer) in layers.iter().enumerate() {
            let pointer = format!("{below}/{index}");
            let written = self.layer(layer, &pointer, depth);
            self.listing
                .push(&format!("{name}.add({written})"), line(layer, &pointer));
        }
    }

    fn functional(
        &mut self,
        name: &str,
        config: &Json,
        layers: &[Json],
        below: &str,
        depth: usize,
    ) {
        // What each call of each layer gives, by the layer's name and the number of the call.
        let mut values: HashMap<(String, u64), String> = HashMap::new();
        for (index, layer) in layers.iter().enumerate() {
            let pointer = format!("{below}/{index}");
            let own = text(layer, "name")
                .or_else(|| text(layer.get("config").unwrap_or(&Json::Null), "name"))
                .unwrap_or_default();
            let calls = layer.get("inbound_nodes").and_then(Json::as_array);
            let calls = calls.map_or(&[][..], Vec::as_slice);
            let written = self.layer(layer, &pointer, depth);
            if calls.is_empty() {
                let value = self.names.fresh(own);
                self.listing
                    .push(&format!("{value} = {written}"), line(layer, &pointer));
                values.insert((own.to_owned(), 0), value);
            }
            for (number, call) in (0..).zip(calls) {
                let mut inputs = Vec::new();
                references(call, &mut inputs);
                let inputs: Vec<&str> = inputs
                    .iter()
                    .map(|input| values.get(input).map_or("custom.value", String::as_str))
                    .collect();
                let inputs = match &inputs[..] {
                    [one] => (*one).to_owned(),
                    several => format!("[{}]", several.join(", ")),
                };
                let value = self.names.fresh(own);
                self.listing.push(
                    &format!("{value} = {written}({inputs})"),
                    line(layer, &pointer),
                );
                values.insert((own.to_owned(), number), value);
            }
        }
        let side = |key: &str| {
            let mut found = Vec::new();
            references(config.get(key).unwrap_or(&Json::Null), &mut found);
            let names = found
                .iter()
                .map(|value| values.get(value).map_or("custom.value", String::as_str));
            names.collect::<Vec<_>>().join(", ")
        };
        self.plain(&format!(
            "{name} = Model([{}], [{}])",
            side("input_layers"),
            side("output_layers")
        ));
    }

    /// A layer as a call of its class; a model as its name, after it was written down.
    fn layer(&mut self, layer: &Json, pointer: &str, depth: usize) -> String {
        let class = text(layer, "class_name").unwrap_or_default();
        let config = layer.get("config").unwrap_or(&Json::Null);
        let module = text(layer, "module").unwrap_or("keras");
        let own = module.starts_with("keras") || module.contains(".keras");
        if matches!(class, "Sequential" | "Functional" | "Model") {
            return self.model(layer, pointer, depth + 1);
        }
        if class == "InputLayer" {
            return "Input()".to_owned();
        }
        let is_word = class.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let room = if own && is_word && !class.is_empty() {
            "layers"
        } else {
            "custom"
        };
        let class = if is_word { class } else { "Layer" };
        let mut arguments = Vec::new();
        for key in ["units", "filters"] {
            if let Some(count) = config.get(key).and_then(Json::as_u64) {
                arguments.push(count.to_string());
            }
        }
        if let Some(inner) = config.get("layer").filter(|_| depth < DEPTH) {
            let inner = self.layer(inner, &format!("{pointer}/config/layer"), depth + 1);
            arguments.push(inner);
        }
        for key in ["axis", "scale", "offset", "rate"] {
            if let Some(number) = config.get(key).filter(|value| value.is_number()) {
                arguments.push(format!("{key}={number}"));
            }
        }
        if let Some(activation) = config.get("activation").and_then(function)
            && activation != "linear"
        {
            arguments.push(format!("activation={}", quoted(activation)));
        }
        if let Some(name) = text(config, "name") {
            arguments.push(format!("name={}", quoted(name)));
        }
        format!("{room}.{class}({})", arguments.join(", "))
    }
}

fn line(layer: &Json, pointer: &str) -> Line {
    let config = layer.get("config").unwrap_or(&Json::Null);
    Line {
        layer: text(config, "name").map(str::to_owned),
        settings: Some(format!("{pointer}/config")),
        compile: false,
    }
}

/// What a call reads, or a model takes and gives: `["name", 0, 0]` in any nesting.
fn references(json: &Json, found: &mut Vec<(String, u64)>) {
    match json {
        Json::Array(items) => match &items[..] {
            [Json::String(name), Json::Number(call), Json::Number(_), ..] => {
                found.push((name.clone(), call.as_u64().unwrap_or(0)));
            }
            _ => items.iter().for_each(|item| references(item, found)),
        },
        Json::Object(map) => map.values().for_each(|value| references(value, found)),
        _ => {}
    }
}

/// The arguments of `compile`.
fn compile(given: Option<&Json>) -> String {
    let Some(given) = given else {
        return String::new();
    };
    let mut arguments = Vec::new();
    if let Some(loss) = given.get("loss").filter(|loss| !loss.is_null()) {
        arguments.push(format!("loss={}", loss_of(only(loss))));
    }
    let mut metrics = Vec::new();
    metrics_of(given.get("metrics").unwrap_or(&Json::Null), &mut metrics);
    if !metrics.is_empty() {
        arguments.push(format!("metrics=[{}]", metrics.join(", ")));
    }
    arguments.join(", ")
}

/// The one loss of a list or of a map by output.
fn only(json: &Json) -> &Json {
    match json {
        Json::Array(items) if items.len() == 1 => items.first().unwrap_or(json),
        Json::Object(map) if map.len() == 1 => map.values().next().unwrap_or(json),
        _ => json,
    }
}

fn loss_of(loss: &Json) -> String {
    if let Some(name) = loss.as_str().or_else(|| registered_function(loss)) {
        return quoted(name);
    }
    match text(loss, "class_name") {
        Some(class) if class.chars().all(|c| c.is_ascii_alphanumeric()) => {
            match loss.pointer("/config/from_logits").and_then(Json::as_bool) {
                Some(true) => format!("losses.{class}(from_logits=True)"),
                Some(false) => format!("losses.{class}(from_logits=False)"),
                None => format!("losses.{class}()"),
            }
        }
        _ => "custom.loss".to_owned(),
    }
}

fn metrics_of(json: &Json, found: &mut Vec<String>) {
    match json {
        Json::String(name) => found.push(quoted(name)),
        Json::Array(items) => items.iter().for_each(|item| metrics_of(item, found)),
        Json::Object(map) => match map.get("class_name").and_then(Json::as_str) {
            Some("MeanMetricWrapper") => {
                let name = json.pointer("/config/name").and_then(Json::as_str);
                found.push(name.map_or("custom.metric".to_owned(), quoted));
            }
            Some("function") => {
                let name = registered_function(json);
                found.push(name.map_or("custom.metric".to_owned(), quoted));
            }
            Some(class) if class.chars().all(|c| c.is_ascii_alphanumeric()) => {
                found.push(format!("metrics.{class}()"));
            }
            Some(_) => found.push("custom.metric".to_owned()),
            None => map.values().for_each(|value| metrics_of(value, found)),
        },
        _ => {}
    }
}

pub(super) fn text<'a>(json: &'a Json, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Json::as_str)
}

/// The name of an activation: by itself, or in its configuration.
fn function(json: &Json) -> Option<&str> {
    json.as_str()
        .or_else(|| registered_function(json))
        .or_else(|| text(json, "class_name"))
}

/// `{"class_name": "function", "config": "mse"}`
pub(super) fn registered_function(json: &Json) -> Option<&str> {
    let named = text(json, "class_name") == Some("function");
    text(json, "config").filter(|_| named)
}
