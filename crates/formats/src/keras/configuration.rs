//! What a file says of its model, without its numbers: for whoever looks at a model of which not
//! every layer is known here.

use std::fs::File as Disk;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use serde_json::Value as Json;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::file::CONFIG;
use crate::archive::Archive;
use crate::checkpoint::Format;
use crate::hdf5::File;
use crate::new_file::NewFile;
use crate::{FormatError, Source};

/// What a file says of its model.
#[derive(Clone, Debug, PartialEq)]
pub struct Configuration {
    /// `{"class_name": …, "config": …}` of the outermost model. In a `.keras` file what it was
    /// trained with is in here, under `compile_config`.
    pub model: Json,
    /// What an HDF5 file says of the training: `training_config`.
    pub training: Option<Json>,
}

impl Configuration {
    /// What the model was compiled with, wherever the file keeps it.
    pub fn compile(&self) -> Option<&Json> {
        let given = self.training.as_ref().or(self.model.get("compile_config"));
        given.filter(|given| given.is_object())
    }
}

/// Reads what a `.keras` file or an HDF5 file says of its model; `None` for an HDF5 file that
/// holds no model.
///
/// # Errors
/// The file cannot be read, or is damaged.
pub fn configuration(path: &Path) -> Result<Option<Configuration>, FormatError> {
    let source = Source::open(path).map_err(|error| FormatError::file(path, error))?;
    let format = Format::of(&source);
    match format.map_err(|error| FormatError::reading(path, "its first bytes", error))? {
        Format::Zip => {
            let record = Archive::open(&source, path)?.record(CONFIG)?;
            let bytes = record.source().and_then(|source| source.read());
            let part = format!("entry `{CONFIG}`");
            let bytes = bytes.map_err(|error| FormatError::reading(path, part.as_str(), error))?;
            Ok(Some(Configuration {
                model: parse(path, &part, &bytes)?,
                training: None,
            }))
        }
        Format::Hdf5 => {
            let root = File::read(source, path)?.root()?;
            let json = |name: &str| -> Result<Option<Json>, FormatError> {
                let value = root.attribute(name)?;
                let text = value.as_ref().and_then(|value| value.text());
                text.map(|text| parse(path, &format!("`{name}`"), text.as_bytes()))
                    .transpose()
            };
            let Some(model) = json("model_config")? else {
                return Ok(None);
            };
            Ok(Some(Configuration {
                model,
                training: json("training_config")?,
            }))
        }
        other => Err(FormatError::damaged(
            path,
            "its first bytes",
            "a `.keras` or an HDF5 file",
            other.to_string(),
        )),
    }
}

/// Writes a copy of a `.keras` file with another `config.json`; all other entries stay as they
/// are, byte for byte.
///
/// # Errors
/// The file cannot be read, or there is something at `to` already.
pub fn reconfigure(from: &Path, model: &Json, to: &Path) -> Result<(), FormatError> {
    let reading = |error: std::io::Error| FormatError::reading(from, "its entries", error);
    let file = Disk::open(from).map_err(|error| FormatError::file(from, error))?;
    let archive = ZipArchive::new(BufReader::new(file));
    let mut archive = archive.map_err(|error| reading(error.into()))?;
    let new = NewFile::begin(to)?;
    let mut copy = ZipWriter::new(BufWriter::new(new.file()));
    let entry = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .last_modified_time(DateTime::default());
    for index in 0..archive.len() {
        let known = archive.by_index_raw(index);
        let known = known.map_err(|error| reading(error.into()))?;
        let written = if known.name().is_ok_and(|name| name == CONFIG) {
            copy.start_file(CONFIG, entry)
                .map_err(std::io::Error::from)
                .and_then(|()| copy.write_all(model.to_string().as_bytes()))
        } else {
            copy.raw_copy_file(known).map_err(std::io::Error::from)
        };
        written.map_err(|error| FormatError::file(to, error))?;
    }
    let finished = copy.finish().map_err(std::io::Error::from);
    let finished = finished.and_then(|mut inner| inner.flush());
    finished.map_err(|error| FormatError::file(to, error))?;
    new.finish()
}

fn parse(path: &Path, part: &str, json: &[u8]) -> Result<Json, FormatError> {
    let parsed = serde_json::from_slice(json);
    parsed.map_err(|error| FormatError::damaged(path, part, "JSON", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAIN: &str = "tests/fixtures/keras/chain.keras";

    #[test]
    fn both_kinds_of_file_say_what_their_model_is() {
        for file in [CHAIN, "tests/fixtures/keras/nested_keras2.h5"] {
            let read = configuration(Path::new(file)).unwrap().unwrap();
            assert!(read.model["config"]["layers"].is_array(), "{file}");
        }
    }

    #[test]
    fn a_copy_differs_in_its_configuration_alone() {
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("copy.keras");
        let mut model = configuration(Path::new(CHAIN)).unwrap().unwrap().model;
        model["config"]["name"] = "another".into();
        reconfigure(Path::new(CHAIN), &model, &to).unwrap();
        let copy = crate::keras::import(&to).unwrap();
        let original = crate::keras::import(Path::new(CHAIN)).unwrap();
        assert_eq!(copy.weights, original.weights);
        assert_eq!(configuration(&to).unwrap().unwrap().model, model);
        // What is there stays.
        assert!(reconfigure(Path::new(CHAIN), &model, &to).is_err());
    }
}
