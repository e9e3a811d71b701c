//! Burn behind [`Frozen`].

use burn::tensor::Device;
use finial_graph::{Graph, Weights};
use rayon::prelude::*;

use super::{Engine, Frozen, Precision, expect_images};
use crate::{EngineError, Network};

/// Images in the network at a time, over all cores: enough to keep them busy, few enough that the
/// widest layers' values stay within tens of megabytes.
const IN_FLIGHT: usize = 8;

/// A folded [`Network`], run in several batches side by side.
///
/// Burn's engine for the processor computes most layers on one core, so that batches beside each
/// other are what uses the others.
pub struct Burn {
    network: Network,
}

impl Burn {
    /// The graph with its weights, batch norms folded, on a device.
    ///
    /// # Errors
    /// The weights do not fit the graph.
    pub fn new(graph: &Graph, weights: &Weights, device: &Device) -> Result<Self, EngineError> {
        let network = Network::folded(graph, weights, device)?;
        Ok(Burn { network })
    }
}

impl Frozen for Burn {
    fn engine(&self) -> Engine {
        Engine::Burn
    }

    fn precision(&self) -> Precision {
        Precision::F32
    }

    fn images_at_once(&self) -> usize {
        IN_FLIGHT
    }

    fn run(&self, images: &[&[u8]]) -> Result<Vec<f32>, EngineError> {
        let graph = self.network.graph();
        expect_images(graph.input_shape(), images)?;
        let batch = |batch: &[&[u8]]| {
            let numbers = batch.iter().flat_map(|image| planes(image)).collect();
            self.network.run(numbers)
        };
        let threads = rayon::current_num_threads().clamp(1, IN_FLIGHT);
        let mut outputs = Vec::with_capacity(images.len() * graph.output_shape().len());
        for round in images.chunks(IN_FLIGHT) {
            let batches = round.par_chunks(IN_FLIGHT.div_ceil(threads)).map(batch);
            for rows in batches.collect::<Result<Vec<_>, _>>()? {
                outputs.extend(rows);
            }
        }
        Ok(outputs)
    }
}

/// An image `[H, W, 3]` as a network reads it: 0 to 255, `[3, H, W]`.
fn planes(image: &[u8]) -> impl Iterator<Item = f32> + '_ {
    let plane = |channel| image.iter().skip(channel).step_by(3);
    (0..3).flat_map(move |channel| plane(channel).map(|&value| f32::from(value)))
}

#[cfg(test)]
mod tests {
    use finial_graph::{Op, Shape, Tensor};

    use super::*;
    use crate::device;

    /// The mean of each channel over an image of 1 × 2.
    fn mean() -> Burn {
        let mut graph = Graph::new(Shape::Map([3, 1, 2]));
        graph.push("mean", Op::GlobalAveragePool).unwrap();
        graph.push("logits", Op::Dense { units: 3 }).unwrap();
        let mut weights = Weights::new();
        let one = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
        let weight = Tensor::new("logits.weight", vec![3, 3], one.to_vec()).unwrap();
        weights.insert("logits.weight", weight);
        let bias = Tensor::new("logits.bias", vec![3], vec![0.0; 3]).unwrap();
        weights.insert("logits.bias", bias);
        let device = device::named(device::DEFAULT).unwrap();
        Burn::new(&graph, &weights, &device).unwrap()
    }

    #[test]
    fn a_row_of_each_image_comes_back_in_order_however_many_there_are() {
        let images: Vec<[u8; 6]> = (0..21).map(|n| [n, 1, 2, n, 3, 255]).collect();
        let slices: Vec<&[u8]> = images.iter().map(<[u8; 6]>::as_slice).collect();
        let rows = mean().run(&slices).unwrap();
        let expected = (0..21u8).flat_map(|n| [f32::from(n), 2.0, 128.5]);
        assert_eq!(rows, expected.collect::<Vec<f32>>());
        assert!(mean().run(&[]).unwrap().is_empty());
    }

    #[test]
    fn an_image_of_another_size_is_refused() {
        let error = mean().run(&[&[0; 6], &[0; 5]]).unwrap_err();
        assert!(matches!(error, EngineError::WrongInput { found, .. } if found.contains("5")));
    }
}
