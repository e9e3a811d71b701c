//! What the originals computed, as the scripts in `parity/` wrote it, and how far finial is from it.
//!
//! The comparisons are in `tests/`. They need the references: `make parity` computes and runs them.

mod reference;

use finial_engine::{Network, device};
use finial_graph::{Graph, Node, Weights};

pub use reference::{Reference, folder};

/// Numbers differ by at most so much, as a share of the largest.
pub const TOLERANCE: f32 = 1e-4;

/// Why a comparison could not be made, or what it showed.
pub type Failure = Box<dyn std::error::Error>;

/// The largest difference over the largest magnitude expected.
///
/// # Errors
/// They are not as many.
pub fn deviation(found: &[f32], expected: &[f32]) -> Result<f32, Failure> {
    if found.len() != expected.len() {
        return Err(format!("{} numbers, expected {}", found.len(), expected.len()).into());
    }
    let largest = expected
        .iter()
        .fold(f32::MIN_POSITIVE, |most, v| most.max(v.abs()));
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
    // `max` would pass over a NaN.
    let most = apart.fold(
        0.0f32,
        |most, d| {
            if most.is_nan() || d <= most { most } else { d }
        },
    );
    Ok(most / largest)
}

/// Runs a network on the processor.
///
/// # Errors
/// The weights or the images do not fit it.
pub fn run(graph: &Graph, weights: &Weights, images: Vec<f32>) -> Result<Vec<f32>, Failure> {
    Ok(Network::new(graph, weights, &device::named("cpu")?)?.run(images)?)
}

/// The first layer whose value is not the reference's, in words.
///
/// # Errors
/// The network cannot be run.
pub fn first_difference(
    graph: &Graph,
    weights: &Weights,
    reference: &Reference,
) -> Result<String, Failure> {
    let known: Vec<&Node> = graph
        .nodes()
        .iter()
        .filter(|node| reference.layer(&node.name).is_some())
        .collect();
    let mut last_equal = "none";
    for node in &known {
        let apart = deviation_at(graph, weights, reference, &node.name)?;
        if apart > TOLERANCE {
            return Ok(format!(
                "`{}` ({}) is the first layer that differs, by {apart:.1e}; the last equal one is {last_equal}",
                node.name,
                node.op.name()
            ));
        }
        last_equal = &node.name;
    }
    Ok(format!("all {} layers before it agree", known.len()))
}

fn deviation_at(
    graph: &Graph,
    weights: &Weights,
    reference: &Reference,
    node: &str,
) -> Result<f32, Failure> {
    let place = graph
        .nodes()
        .iter()
        .position(|n| n.name == node)
        .unwrap_or(0);
    let until = Graph::try_from(graph.nodes()[..=place].to_vec())?;
    let (until, _) = until.cut_at(node)?;
    let found = run(&until, weights, reference.first_image())?;
    let (places, expected) = reference.layer(node).unwrap_or_default();
    let sampled: Option<Vec<f32>> = places.iter().map(|&at| found.get(at).copied()).collect();
    match sampled {
        Some(sampled) => deviation(&sampled, &expected),
        // It is smaller than the original's.
        None => Ok(f32::INFINITY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deviation_is_relative_to_the_largest_and_sees_nan() {
        assert_eq!(deviation(&[1.0, -9.0], &[1.0, -10.0]).unwrap(), 0.1);
        assert!(deviation(&[f32::NAN, 1.0], &[1.0, 1.0]).unwrap().is_nan());
        assert!(deviation(&[1.0], &[1.0, 1.0]).is_err());
    }
}
