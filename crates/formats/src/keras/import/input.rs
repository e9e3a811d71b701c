//! What a model reads: the name, the shape and the axes of its only input.

use std::path::Path;

use finial_graph::{Graph, Shape};
use serde_json::Value as Json;

use crate::FormatError;
use crate::keras::config::{Layer, Model};
use crate::keras::settings::{DataFormat, whole};

/// The first data format that a layer names.
pub(super) fn data_format(config: &Json) -> DataFormat {
    fn first(json: &Json) -> Option<&str> {
        match json {
            Json::Object(map) => match map.get("data_format") {
                Some(Json::String(text)) => Some(text),
                _ => map.values().find_map(first),
            },
            Json::Array(list) => list.iter().find_map(first),
            _ => None,
        }
    }
    match first(config) {
        Some("channels_first") => DataFormat::First,
        _ => DataFormat::Last,
    }
}

/// The name and the shape of the only input.
pub(super) fn of<'a>(
    path: &'a Path,
    model: &Model<'a>,
    format: DataFormat,
    size: Option<[usize; 2]>,
) -> Result<(&'a str, Shape), FormatError> {
    let part = || format!("model `{}`", model.name);
    let entry = match &model.ends {
        Some(ends) => match ends.inputs.as_slice() {
            [only] => model
                .layers
                .iter()
                .find(|layer| layer.settings.name == only.layer),
            several => {
                let names: Vec<&str> = several.iter().map(|input| input.layer).collect();
                return Err(FormatError::unsupported(
                    path,
                    part(),
                    format!("a model of {} inputs: {}", several.len(), names.join(", ")),
                    "models of one input, an image",
                    "save the part of the model that reads the image",
                ));
            }
        },
        None => model.layers.first(),
    };
    let name = entry.filter(|layer| layer.settings.class == "InputLayer");
    let name = name.map_or(Graph::INPUT, |layer| layer.settings.name);
    let json = input_shape(path, model, entry)?;
    let Some(json) = json else {
        return Err(FormatError::unsupported(
            path,
            part(),
            "a model that was never built",
            "models whose input has a shape",
            "call the model once, or give its first layer an input shape, and save it again",
        ));
    };
    let damaged = || FormatError::damaged(path, part(), "an input shape", json.to_string());
    let Some([_, dims @ ..]) = json.as_array().map(Vec::as_slice) else {
        return Err(damaged());
    };
    let mut dims: Vec<Option<usize>> = dims.iter().map(whole).collect();
    let spatial = match (dims.as_mut_slice(), format) {
        ([h, w, _], DataFormat::Last) | ([_, h, w], DataFormat::First) => Some([h, w]),
        _ => None,
    };
    if let (Some(sides), Some(size)) = (spatial, size) {
        for (side, size) in sides.into_iter().zip(size) {
            if side.is_some_and(|side| side != size) {
                return Err(FormatError::unsupported(
                    path,
                    part(),
                    format!("a model for images of the input shape {json}"),
                    "that size",
                    "leave the size out",
                ));
            }
            *side = Some(size);
        }
    }
    let known: Option<Vec<usize>> = dims.iter().copied().collect();
    let Some(known) = known else {
        return Err(FormatError::unsupported(
            path,
            part(),
            format!("a model for images of any size, {json}"),
            "an image size",
            "say which height and width the images are to have",
        ));
    };
    let held = match (known.as_slice(), format) {
        (&[h, w, c], DataFormat::Last) => vec![c, h, w],
        (dims, _) => dims.to_vec(),
    };
    Ok((name, Shape::of(&held).ok_or_else(damaged)?))
}

/// The input shape that the first layer was given, that of the model inside it, or the one that
/// the model was built for.
fn input_shape<'a>(
    path: &'a Path,
    model: &Model<'a>,
    entry: Option<&Layer<'a>>,
) -> Result<Option<&'a Json>, FormatError> {
    let Some(entry) = entry else {
        return Ok(model.built_for);
    };
    let settings = &entry.settings;
    let given = settings
        .get("batch_shape")
        .or(settings.get("batch_input_shape"));
    if given.is_some() || !Model::is(settings.class) {
        return Ok(given.or(model.built_for).or(settings.built_for));
    }
    if model.built_for.is_some() {
        return Ok(model.built_for);
    }
    let inner = Model::of(path, settings)?;
    let first = match &inner.ends {
        Some(ends) => {
            let name = ends.inputs.first().map(|input| input.layer);
            inner
                .layers
                .iter()
                .find(|layer| Some(layer.settings.name) == name)
        }
        None => inner.layers.first(),
    };
    input_shape(path, &inner, first)
}
