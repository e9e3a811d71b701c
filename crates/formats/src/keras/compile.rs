//! What a model is trained with, as Keras calls it.

use serde_json::{Value as Json, json};

/// Loss, metrics and optimizer by their names in Keras.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Compile {
    /// As `categorical_crossentropy`.
    pub loss: Option<String>,
    /// As `accuracy`.
    pub metrics: Vec<String>,
    /// As `adam`.
    pub optimizer: Option<String>,
    /// The step of the optimizer, if it is known.
    pub learning_rate: Option<f64>,
}

impl Compile {
    /// Reads `compile_config` of Keras 3 or `training_config` of an HDF5 file. What is not a
    /// plain name, as a loss of the project's own, is left out.
    pub(super) fn read(json: &Json) -> Option<Self> {
        json.as_object()?;
        let optimizer = json.get("optimizer").or(json.get("optimizer_config"));
        let rate = optimizer.and_then(|o| o.pointer("/config/learning_rate"));
        let mut metrics = Vec::new();
        if let Some(json) = json.get("metrics") {
            gather(json, &mut metrics);
        }
        let compile = Compile {
            loss: json.get("loss").and_then(name),
            metrics,
            optimizer: optimizer
                .and_then(name)
                .map(|name| name.to_ascii_lowercase()),
            learning_rate: rate.and_then(Json::as_f64),
        };
        (compile.loss.is_some() || compile.optimizer.is_some()).then_some(compile)
    }

    /// As Keras 3 keeps it in a `.keras` file; nothing without a loss, which Keras cannot do
    /// without.
    pub(super) fn write(&self) -> Json {
        if self.loss.is_none() {
            return Json::Null;
        }
        let optimizer = match (self.optimizer.as_deref(), self.learning_rate) {
            (Some(name), Some(rate)) => {
                let mut letters = name.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                let class: String = first.into_iter().chain(letters).collect();
                json!({
                    "module": "keras.optimizers",
                    "class_name": class,
                    "config": { "name": name, "learning_rate": rate },
                    "registered_name": null,
                })
            }
            (Some(name), None) => json!(name),
            // What Keras takes itself.
            (None, _) => json!("rmsprop"),
        };
        json!({
            "optimizer": optimizer,
            "loss": self.loss,
            "loss_weights": null,
            "metrics": self.metrics,
            "weighted_metrics": null,
            "run_eagerly": false,
            "steps_per_execution": 1,
            "jit_compile": false,
        })
    }
}

/// The name of a loss, a metric or an optimizer: by itself, or in its configuration.
fn name(json: &Json) -> Option<String> {
    let text = match json {
        Json::String(text) => Some(text.as_str()),
        Json::Object(map) => match map.get("config") {
            Some(Json::String(text)) => Some(text.as_str()),
            Some(config) => config.get("name").and_then(Json::as_str),
            None => None,
        },
        _ => None,
    };
    text.map(str::to_owned)
}

fn gather(json: &Json, into: &mut Vec<String>) {
    match (name(json), json) {
        (Some(name), _) => into.push(name),
        (None, Json::Array(list)) => list.iter().for_each(|inner| gather(inner, into)),
        (None, Json::Object(map)) => map.values().for_each(|inner| gather(inner, into)),
        _ => {}
    }
}
