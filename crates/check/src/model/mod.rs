//! Model files, as the programs that would build them.
//!
//! A model is written down as a listing: a line of Keras a layer, then `compile` with what the file
//! says of the training. The listing is interpreted like any program, so that every rule holds for
//! models too, and an excerpt shows the layer that is meant. Weights are not read.
//!
//! - [`keras`]: `.keras` and `.h5`. [`repair`]: the way back from a repaired listing.
//! - [`tail`]: ONNX and finial's own folders, by their last operations.

mod keras;
mod listing;
mod repair;
mod tail;

use std::path::Path;

use finial_formats::FormatError;
use finial_formats::keras::Configuration;

pub(crate) use listing::Listing;

/// The files of a model folder.
const RECORD: &str = "model.json";
const WEIGHTS: &str = "model.safetensors";
/// A configuration is some hundred kilobytes.
const LARGEST: u64 = 64 << 20;

/// Whether it is a model, by its name; a folder by what lies in it.
pub(crate) fn is_model(path: &Path) -> bool {
    matches!(
        ending(path).as_str(),
        "keras" | "h5" | "hdf5" | "onnx" | "json"
    ) || is_folder(path)
}

/// Whether it is a model folder.
pub(crate) fn is_folder(path: &Path) -> bool {
    path.join(RECORD).is_file() && path.join(WEIGHTS).is_file()
}

/// Whether models of its kind are looked for in folders. HDF5 files mostly hold something else.
pub(crate) fn is_sought(path: &Path) -> bool {
    matches!(ending(path).as_str(), "keras" | "onnx")
}

/// Reads a model. The error is in words.
pub(crate) fn read(path: &Path) -> Result<Listing, String> {
    if path.is_dir() {
        return tail::folder(&bytes(&path.join(RECORD))?);
    }
    match ending(path).as_str() {
        "json" => from_json(&bytes(path)?),
        "onnx" => {
            let ends = finial_formats::onnx::ends(path).map_err(|error| words(&error, path))?;
            Ok(tail::onnx(&ends))
        }
        ending => match finial_formats::keras::configuration(path) {
            Ok(Some(configuration)) => Ok(keras::listing(configuration, ending == "keras")),
            Ok(None) => Err("expected a model, found weights alone".to_owned()),
            Err(error) => Err(words(&error, path)),
        },
    }
}

/// The listing of a Keras configuration, as `model.to_json()` and `config.json` hold it.
pub(crate) fn from_json(json: &[u8]) -> Result<Listing, String> {
    let model: serde_json::Value = serde_json::from_slice(json)
        .map_err(|error| format!("expected a Keras model in JSON: {error}"))?;
    if model.get("class_name").is_none() {
        return Err("expected a Keras model in JSON, found no `class_name`".to_owned());
    }
    let configuration = Configuration {
        model,
        training: None,
    };
    Ok(keras::listing(configuration, false))
}

/// Writes a repaired listing as a copy of the model at `from`. The error is in words.
pub(crate) fn write(
    listing: &Listing,
    repaired: &str,
    from: &Path,
    to: &Path,
) -> Result<(), String> {
    let model = listing
        .rewritten(repaired)
        .ok_or("expected repairs that are settings of the model, found others")?;
    finial_formats::keras::reconfigure(from, &model, to).map_err(|error| words(&error, to))
}

fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let size = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if size.len() > LARGEST {
        return Err(format!(
            "expected a description of at most {} MiB, found {} bytes",
            LARGEST >> 20,
            size.len()
        ));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

fn ending(path: &Path) -> String {
    let ending = path.extension().and_then(|ending| ending.to_str());
    ending.unwrap_or_default().to_ascii_lowercase()
}

/// The fault without the path, which the report names itself.
fn words(error: &FormatError, path: &Path) -> String {
    let text = error.to_string();
    match text.strip_prefix(&format!("{}: ", path.display())) {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
