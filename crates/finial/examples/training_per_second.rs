//! How many images a second a step of fine-tuning takes forward and back, through every layer of a
//! network: finial's part of the bench.
//!
//! ```text
//! training_per_second BACKBONE WEIGHTS PRECISION PIXELS SECONDS
//! ```
//!
//! WEIGHTS is a file, or `-` for a backbone's own. PIXELS is a file of decoded images, 8-bit RGB
//! `[N, H, W, 3]`, which are run over and over for that many seconds at least.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use finial::engine::{Gradients, Mode, Network, Precision, Value, device};
use finial::learn::{Pretrained, head};
use finial::{BackboneOptions, Pooling, Quiet};

/// Images of a step.
const STEP: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [backbone, weights, precision, pixels, seconds] = arguments.as_slice() else {
        return Err("expected BACKBONE WEIGHTS PRECISION PIXELS SECONDS".into());
    };
    let weights = (weights != "-").then(|| PathBuf::from(weights));
    let options = BackboneOptions::from(backbone.as_str()).weights(weights);
    let backbone = Pretrained::open(&options, &Quiet)?;
    let graph = head::frozen(&backbone.graph, Pooling::Average)?;
    let device = device::named(device::DEFAULT)?;
    let precision: Precision = precision.parse().map_err(|()| "no such precision")?;
    let network = Network::new(&graph, &backbone.weights, &device)?;
    let mut network = network.trainable(precision);

    let pixels = std::fs::read(pixels)?;
    let images: Vec<&[u8]> = pixels.chunks_exact(graph.input_shape().len()).collect();
    let steps: Vec<Vec<f32>> = images.chunks(STEP).map(planes).collect();
    let seconds: f64 = seconds.parse()?;
    step(&mut network, &steps[0])?;
    let (started, mut passes) = (Instant::now(), 0);
    while passes < 2 || started.elapsed().as_secs_f64() < seconds {
        for images in &steps {
            step(&mut network, images)?;
        }
        passes += 1;
    }
    let rate = (passes * images.len()) as f64 / started.elapsed().as_secs_f64();
    println!("{}", serde_json::json!({ "images_per_second": rate }));
    Ok(())
}

/// Forward and back; the loss is the mean of the features' squares.
fn step(network: &mut Network, images: &[f32]) -> Result<(), Box<dyn Error>> {
    let batch = network.batch(images.to_vec())?;
    let Value::Vectors(features) = network.forward(batch, Mode::Inference)? else {
        return Err("expected a network that ends in a vector".into());
    };
    let loss = (features.clone() * features).mean();
    Gradients::of(network, &loss)?.norm()?;
    Ok(())
}

/// Channels first, as a network reads them.
fn planes(images: &[&[u8]]) -> Vec<f32> {
    let channels = images.iter().flat_map(|image| {
        (0..3).flat_map(|channel| image.iter().skip(channel).step_by(3).copied())
    });
    channels.map(f32::from).collect()
}
