//! How many images a second an engine takes through a frozen network: finial's part of the bench.
//!
//! ```text
//! features_per_second BACKBONE WEIGHTS ENGINE PRECISION PIXELS SECONDS
//! ```
//!
//! WEIGHTS is a file, or `-` for a backbone's own. PIXELS is a file of decoded images, 8-bit RGB
//! `[N, H, W, 3]`, which are run over and over for that many seconds at least.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use finial::engine::{Choice, device};
use finial::learn::{Pretrained, head};
use finial::{BackboneOptions, Pooling, Quiet};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, engine, precision, pixels, seconds] = arguments.as_slice() else {
        return Err("expected BACKBONE WEIGHTS ENGINE PRECISION PIXELS SECONDS".into());
    };
    let weights = (weights != "-").then(|| PathBuf::from(weights));
    let options = BackboneOptions::from(backbone.as_str()).weights(weights);
    let backbone = Pretrained::open(&options, &Quiet)?;
    let graph = head::frozen(&backbone.graph, Pooling::Average)?;
    let choice = Choice {
        engine: engine.parse().map_err(|()| "no such engine")?,
        precision: precision.parse().map_err(|()| "no such precision")?,
    };
    let network = choice.prepare(&graph, &backbone.weights, device::DEFAULT)?;

    let pixels = std::fs::read(pixels)?;
    let images: Vec<&[u8]> = pixels.chunks_exact(graph.input_shape().len()).collect();
    let seconds: f64 = seconds.parse()?;
    network.run(&images)?;
    let (started, mut passes) = (Instant::now(), 0);
    while passes < 2 || started.elapsed().as_secs_f64() < seconds {
        network.run(&images)?;
        passes += 1;
    }
    let rate = (passes * images.len()) as f64 / started.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "images_per_second": rate }));
    Ok(())
}
