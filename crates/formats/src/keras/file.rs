//! The file of a whole model: its configuration, and where the numbers of each layer lie in it.
//!
//! A `.keras` file is a zip archive of `config.json`, `metadata.json` and `model.weights.h5`,
//! where a layer's numbers lie under its class and its place among the layers of that class. An
//! HDF5 file has the configuration as an attribute, and numbers under the layer's name.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value as Json;

use super::builder::Generation;
use super::compile::Compile;
use super::config::Model;
use super::settings::Settings;
use crate::archive::Archive;
use crate::checkpoint::Format;
use crate::hdf5::{Dataset, File, Group};
use crate::{FormatError, Source};

/// The entry that holds the configuration.
pub(super) const CONFIG: &str = "config.json";
/// The entry that says which Keras wrote the file.
pub(super) const METADATA: &str = "metadata.json";
/// The entry that holds the numbers.
pub(super) const WEIGHTS: &str = "model.weights.h5";
/// The entry that Keras does not ask for.
pub(super) const NOTES: &str = "finial.json";

/// An open file.
pub(super) struct ModelFile {
    pub(super) config: Json,
    pub(super) generation: Generation,
    /// What it was trained with.
    training: Option<Json>,
    /// What finial wrote beside the model.
    pub(super) notes: Option<String>,
    root: Group,
    layout: Layout,
}

/// How the numbers of a layer are found.
enum Layout {
    /// By the places of models and layers in the configuration.
    ByClass(HashMap<Vec<usize>, String>),
    /// By name.
    ByName,
}

impl ModelFile {
    pub(super) fn read(source: Source, path: &Path) -> Result<Self, FormatError> {
        let format = Format::of(&source);
        match format.map_err(|error| FormatError::reading(path, "its first bytes", error))? {
            Format::Zip => Self::read_archive(&source, path),
            Format::Hdf5 => Self::read_hdf5(source, path),
            other => Err(FormatError::damaged(
                path,
                "its first bytes",
                "a `.keras` or an HDF5 file",
                other.to_string(),
            )),
        }
    }

    fn read_archive(source: &Source, path: &Path) -> Result<Self, FormatError> {
        let mut archive = Archive::open(source, path)?;
        let mut json = |entry: &str| -> Result<Json, FormatError> {
            let part = format!("entry `{entry}`");
            let bytes = archive
                .record(entry)?
                .source()
                .and_then(|source| source.read());
            let bytes = bytes.map_err(|error| FormatError::reading(path, part.as_str(), error))?;
            parse(path, &part, &bytes)
        };
        let config = json(CONFIG)?;
        let metadata = json(METADATA).unwrap_or(Json::Null);
        let version = metadata.get("keras_version").and_then(Json::as_str);
        let has_notes = archive.names().any(|name| name == NOTES);
        let notes = has_notes.then(|| archive.record(NOTES));
        let notes = notes
            .transpose()?
            .map(|record| record.source().and_then(|s| s.read()));
        let notes = notes.transpose();
        let notes = notes.map_err(|error| FormatError::reading(path, "its notes", error))?;
        let source = archive.record(WEIGHTS)?.source();
        let part = format!("entry `{WEIGHTS}`");
        let source = source.map_err(|error| FormatError::reading(path, part, error))?;
        let mut paths = HashMap::new();
        paths_by_class(&config, "", &mut Vec::new(), &mut paths);
        Ok(ModelFile {
            generation: generation(version, Generation::Third),
            training: config.get("compile_config").cloned(),
            notes: notes.and_then(|bytes| String::from_utf8(bytes).ok()),
            config,
            root: File::read(source, path)?.root()?,
            layout: Layout::ByClass(paths),
        })
    }

    fn read_hdf5(source: Source, path: &Path) -> Result<Self, FormatError> {
        let root = File::read(source, path)?.root()?;
        let text = |name: &str| -> Result<Option<String>, FormatError> {
            let value = root.attribute(name)?;
            Ok(value.and_then(|value| value.text().map(str::to_owned)))
        };
        let Some(config) = text("model_config")? else {
            return Err(FormatError::unsupported(
                path,
                "the file",
                "weights without a model",
                "files of whole models here",
                "save the model with `model.save`, or give the weights to the backbone that they \
                 are of",
            ));
        };
        let version = text("keras_version")?;
        let training = text("training_config")?;
        let training = training.map(|text| parse(path, "`training_config`", text.as_bytes()));
        let numbers = root.group("model_weights")?;
        Ok(ModelFile {
            config: parse(path, "`model_config`", config.as_bytes())?,
            generation: generation(version.as_deref(), Generation::Second),
            training: training.transpose()?,
            notes: None,
            root: numbers.unwrap_or(root),
            layout: Layout::ByName,
        })
    }

    /// What the model was trained with.
    pub(super) fn compile(&self) -> Option<Compile> {
        Compile::read(self.training.as_ref()?)
    }

    /// The numbers of the layer at the end of `trail`: the names of models and of the layer, and
    /// their places.
    pub(super) fn variables(
        &self,
        trail: &[(&str, usize)],
        settings: &Settings<'_>,
    ) -> Result<Vec<Dataset>, FormatError> {
        match &self.layout {
            Layout::ByClass(paths) => {
                let places: Vec<usize> = trail.iter().map(|(_, place)| *place).collect();
                let path = paths.get(&places).map_or("", String::as_str);
                by_class(&self.root, path, settings)
            }
            Layout::ByName => by_name(&self.root, trail, settings),
        }
    }
}

fn parse(path: &Path, part: &str, json: &[u8]) -> Result<Json, FormatError> {
    let parsed = serde_json::from_slice(json);
    parsed.map_err(|error| FormatError::damaged(path, part, "JSON", error.to_string()))
}

fn generation(version: Option<&str>, otherwise: Generation) -> Generation {
    match version.map(|version| version.starts_with('3')) {
        Some(true) => Generation::Third,
        Some(false) => Generation::Second,
        None => otherwise,
    }
}

/// The group of each layer, by the places of models and layers that lead to it.
fn paths_by_class(
    model: &Json,
    above: &str,
    places: &mut Vec<usize>,
    paths: &mut HashMap<Vec<usize>, String>,
) {
    let layers = model.pointer("/config/layers").and_then(Json::as_array);
    let mut counts = HashMap::new();
    for (place, layer) in layers.into_iter().flatten().enumerate() {
        let text = |key: &str| layer.get(key).and_then(Json::as_str).unwrap_or_default();
        // Functions that were applied are no layers to Keras.
        if text("module").contains(".ops") {
            continue;
        }
        let class = text("class_name");
        let class = snake_case(class.rsplit('>').next().unwrap_or(class));
        let path = format!("{above}layers/{}", numbered(&mut counts, class));
        places.push(place);
        if Model::is(text("class_name")) {
            paths_by_class(layer, &format!("{path}/"), places, paths);
        }
        paths.insert(places.clone(), path);
        places.pop();
    }
}

/// `conv2d`, `conv2d_1`, `conv2d_2`, ….
pub(super) fn numbered(counts: &mut HashMap<String, usize>, class: String) -> String {
    let count = counts.entry(class.clone()).or_default();
    *count += 1;
    match *count {
        1 => class,
        n => format!("{class}_{}", n - 1),
    }
}

/// `DepthwiseConv2D` becomes `depthwise_conv2d`, as Keras names the groups of layers: an
/// underscore before a capital that a small letter follows, and between a small letter or a
/// digit and a capital; but none behind the last digit of `2D`.
pub(super) fn snake_case(class: &str) -> String {
    let letters: Vec<char> = class
        .chars()
        .filter(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let mut name = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let after = letters.get(i + 1);
        let starts = letter.is_ascii_uppercase()
            && after.is_some_and(char::is_ascii_lowercase)
            && before.is_some();
        let follows = letter.is_ascii_uppercase() && before.is_some_and(char::is_ascii_lowercase);
        if starts || follows {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

fn by_class(
    root: &Group,
    path: &str,
    settings: &Settings<'_>,
) -> Result<Vec<Dataset>, FormatError> {
    // Releases before 2.13 named the list of layers otherwise.
    let older = path.replace("layers/", "_layer_checkpoint_dependencies/");
    let mut group = root.group(path)?;
    if group.is_none() {
        group = root.group(&older)?;
    }
    let Some(group) = group else {
        return Ok(Vec::new());
    };
    let parts: &[&str] = match settings.class {
        "MultiHeadAttention" => &["query_dense", "key_dense", "value_dense", "output_dense"],
        _ => &[""],
    };
    let mut found = Vec::new();
    for part in parts {
        let part = match *part {
            "" => "vars".to_owned(),
            part => format!("{part}/vars"),
        };
        let Some(variables) = group.group(&part)? else {
            continue;
        };
        for number in 0.. {
            match variables.dataset(&format!("{number}"))? {
                Some(dataset) => found.push(dataset),
                None => break,
            }
        }
    }
    Ok(found)
}

/// The variables of the outermost model or layer that are of the innermost one.
fn by_name(
    root: &Group,
    trail: &[(&str, usize)],
    settings: &Settings<'_>,
) -> Result<Vec<Dataset>, FormatError> {
    let Some((first, _)) = trail.first() else {
        return Ok(Vec::new());
    };
    let Some(group) = root.group(first)? else {
        return Ok(Vec::new());
    };
    let names = group.texts("weight_names")?.unwrap_or_default();
    // Names of layers may have slashes in Keras 2, so that one can be the end of another.
    let inner = settings.name;
    let owner = |name: &str| {
        name.rsplit_once('/')
            .map_or("", |(owner, _)| owner)
            .to_owned()
    };
    let exact = names.iter().any(|name| owner(name) == inner);
    let is_of_layer = |name: &&String| match (trail.len(), exact) {
        (1, _) => true,
        (_, true) => owner(name) == inner,
        (_, false) => owner(name)
            .strip_suffix(inner)
            .is_some_and(|above| above.ends_with('/')),
    };
    let mut found = Vec::new();
    for name in names.iter().filter(is_of_layer) {
        let dataset = group.dataset(name)?;
        found.push(dataset.ok_or_else(|| {
            settings.damaged(&format!("the variable `{name}`"), "no such variable")
        })?);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_named_as_keras_names_their_groups() {
        let names = [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("PReLU", "p_re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("ELU", "elu"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("MultiHeadAttention", "multi_head_attention"),
            ("InputLayer", "input_layer"),
            ("LayerScale", "layer_scale"),
        ];
        for (class, name) in names {
            assert_eq!(snake_case(class), name);
        }
    }
}
