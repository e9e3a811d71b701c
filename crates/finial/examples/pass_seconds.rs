//! What one pass over a folder of photographs takes, beside its two halves alone: finial's part of
//! the bench.
//!
//! ```text
//! pass_seconds BACKBONE WEIGHTS ENGINE PRECISION FOLDER
//! ```
//!
//! WEIGHTS is a file, or `-` for a backbone's own. Decoding alone reads and decodes every file;
//! computing alone runs the network over as many images that are decoded already; the pass does
//! both and keeps the features, in a store that is thrown away.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use finial::data::{ImageFit, decode, images_in, read_file};
use finial::engine::{Choice, device};
use finial::learn::extract::Extractor;
use finial::learn::{EngineOptions, Pretrained, head};
use finial::{BackboneOptions, FeatureStore, Pooling, Quiet};
use rayon::prelude::*;

/// Images that are decoded for computing alone.
const DECODED: usize = 64;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, engine, precision, folder] = arguments.as_slice() else {
        return Err("expected BACKBONE WEIGHTS ENGINE PRECISION FOLDER".into());
    };
    let weights = (weights != "-").then(|| PathBuf::from(weights));
    let options = BackboneOptions::from(backbone.as_str()).weights(weights);
    let backbone = Pretrained::open(&options, &Quiet)?;
    let graph = head::frozen(&backbone.graph, Pooling::Average)?;
    let choice = Choice {
        engine: engine.parse().map_err(|()| "no such engine")?,
        precision: precision.parse().map_err(|()| "no such precision")?,
    };
    let paths = images_in(Path::new(folder))?;

    let decoded = |paths: &[PathBuf]| -> Result<Vec<Vec<u8>>, String> {
        let paths = paths.par_iter();
        paths.map(|path| pixels(path, &backbone.fit)).collect()
    };
    let started = Instant::now();
    for paths in paths.chunks(DECODED) {
        decoded(paths)?;
    }
    let decoding = started.elapsed().as_secs_f64();

    let network = choice.prepare(&graph, &backbone.weights, device::DEFAULT)?;
    let images = decoded(paths.get(..DECODED).unwrap_or(&paths))?;
    let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
    network.run(&images)?;
    let started = Instant::now();
    for paths in paths.chunks(DECODED) {
        network.run(&images[..paths.len()])?;
    }
    let computing = started.elapsed().as_secs_f64();
    drop(network);

    let room = tempfile::tempdir()?;
    let store = FeatureStore::open(room.path(), u64::MAX)?;
    let options = EngineOptions {
        engine: Some(choice.engine),
        precision: Some(choice.precision),
    };
    let extractor = Extractor::new(
        &graph,
        &backbone.weights,
        backbone.fit,
        Some(&store),
        device::DEFAULT,
        options,
        &Quiet,
    )?;
    let started = Instant::now();
    extractor.run(&paths, false, &Quiet)?;
    let pass = started.elapsed().as_secs_f64();
    println!(
        "{}",
        serde_json::json!({ "decoding": decoding, "computing": computing, "pass": pass })
    );
    Ok(())
}

fn pixels(path: &Path, fit: &ImageFit) -> Result<Vec<u8>, String> {
    let bytes = read_file(path).map_err(|error| error.to_string())?;
    let pixels = decode(&bytes, fit).map_err(|error| error.to_string())?;
    Ok(pixels.rgb)
}
