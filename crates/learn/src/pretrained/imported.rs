//! A whole model from a file, cut before its old head.

use std::ffi::OsStr;
use std::path::Path;

use finial_formats::{ImportOptions, Imported, import};
use finial_graph::brings_preprocessing;

use super::{BackboneOptions, Preprocessing, Pretrained};
use crate::{LearnError, Progress};

/// Whether the name is a file's, not a backbone's.
pub fn is_model_file(name: &Path) -> bool {
    let endings = [
        "keras",
        "h5",
        "hdf5",
        "onnx",
        "pth",
        "pt",
        "bin",
        "safetensors",
    ];
    let ending = name.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| endings.contains(&ending.to_ascii_lowercase().as_str()))
}

/// The model up to the cut.
pub(super) fn open(
    path: &Path,
    options: &BackboneOptions,
    progress: &dyn Progress,
) -> Result<Pretrained, LearnError> {
    if options.weights.is_some() {
        return Err(LearnError::WeightsTwice(path.to_owned()));
    }
    let asked = ImportOptions {
        size: options.image_size,
        cut: options.cut.clone(),
    };
    let Imported { graph, weights } = import(path, &asked)?;
    let cut = match options.cut {
        Some(_) => graph.output(),
        None => graph.default_cut(),
    };
    let mut frozen = graph.cut_at(cut)?.0;
    let given = options.preprocessing;
    match (brings_preprocessing(&frozen), given) {
        (true, None | Some(Preprocessing::None)) => {}
        (true, Some(_)) => {
            return Err(LearnError::PreprocessingTwice {
                name: path.display().to_string(),
            });
        }
        (false, None) => return Err(LearnError::Preprocessing(path.to_owned())),
        (false, Some(preprocessing)) => frozen = preprocessing.before(frozen)?,
    }
    progress.say(&format!(
        "backbone: {} up to its layer {cut}, which gives {}",
        path.display(),
        frozen.output_shape()
    ));
    if options.cut.is_none() {
        progress.say("  the last layer before its old head; --cut LAYER takes another");
    }
    let source = format!("{}, given", path.display());
    let name = path.file_name().unwrap_or(path.as_os_str());
    Pretrained::new(name.to_string_lossy().into_owned(), frozen, weights, source)
}
