//! What a run is, in words and digests: what the bits of its model depend on.

use std::path::{Path, PathBuf};

use finial_data::{Source, SplitPlan};
use finial_task::Targets;

use crate::checkpoint::Identity;
use crate::extract::Features;
use crate::prepare::{Prepared, TrainOptions};
use crate::{LearnError, engine, evaluate};

/// All that the bits of a model depend on, in words or digests.
pub(crate) fn identity(
    options: &TrainOptions,
    prepared: &Prepared,
) -> Result<Identity, LearnError> {
    let network = engine::fingerprint(&prepared.frozen, &prepared.backbone.weights)?;
    let table = split_table(&prepared.source, &prepared.features, &prepared.plan)?;
    let parts = [
        ("version of finial", env!("CARGO_PKG_VERSION").to_owned()),
        ("data", fingerprint(&prepared.features, &prepared.targets)),
        ("split", blake3::hash(&table).to_hex().to_string()),
        ("network", hex(&network)),
        ("engine", prepared.engine.identity.clone()),
        ("device", options.device.clone()),
        ("head", in_json(&options.head)?),
        ("training", in_json(&options.fit)?),
        ("loss", in_json(&options.loss)?),
        ("fine-tuning", in_json(&options.tune)?),
        ("augmentation", in_json(&options.augmentation)?),
        ("choice of head", options.choose_head.to_string()),
        ("range test", options.find_rate.to_string()),
        ("number of views", options.views.to_string()),
    ];
    let named = parts.into_iter();
    Ok(named
        .map(|(name, value)| (name.to_owned(), value))
        .collect())
}

fn in_json(value: &impl serde::Serialize) -> Result<String, LearnError> {
    let json = serde_json::to_string(value);
    json.map_err(|error| LearnError::file(Path::new("settings"))(error.into()))
}

/// A digest of every image's content and label, whatever their order and names.
pub(crate) fn fingerprint(features: &Features, targets: &Targets) -> String {
    let mut digests: Vec<[u8; 32]> = features
        .hashes
        .iter()
        .zip(targets.iter())
        .map(|(hash, row)| {
            let mut digest = blake3::Hasher::new();
            digest.update(hash.as_bytes());
            for value in row {
                digest.update(&value.to_le_bytes());
            }
            *digest.finalize().as_bytes()
        })
        .collect();
    digests.sort_unstable();
    let mut all = blake3::Hasher::new();
    for digest in &digests {
        all.update(digest);
    }
    hex(all.finalize().as_bytes())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A line per readable image: its path within the data, its content, its split.
pub(crate) fn split_table(
    source: &Source,
    features: &Features,
    plan: &SplitPlan,
) -> Result<Vec<u8>, LearnError> {
    let failed = |error: csv::Error| LearnError::File {
        path: PathBuf::from(evaluate::SPLIT_TABLE),
        error: error.into(),
    };
    let mut table = csv::Writer::from_writer(Vec::new());
    table
        .write_record(["image", "content", "split"])
        .map_err(failed)?;
    for ((&sample, hash), split) in features
        .kept
        .iter()
        .zip(&features.hashes)
        .zip(&plan.assignment)
    {
        let path = &source.samples[sample].path;
        let path = path.strip_prefix(&source.root).unwrap_or(path);
        let split = split.map_or("set aside".to_owned(), |split| split.to_string());
        table
            .write_record([path.to_string_lossy().as_ref(), &hash.to_string(), &split])
            .map_err(failed)?;
    }
    table.into_inner().map_err(|error| LearnError::File {
        path: PathBuf::from(evaluate::SPLIT_TABLE),
        error: error.into_error(),
    })
}
