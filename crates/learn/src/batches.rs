//! Decoded images through a network, several batches side by side.

use finial_data::Pixels;
use finial_engine::Network;
use rayon::prelude::*;

use crate::LearnError;

/// Images in the network at a time, over all cores: enough to keep them busy, few enough that the
/// widest layers' values stay within tens of megabytes.
pub(crate) const IN_FLIGHT: usize = 8;

/// What `network` gives for each image, in order, `[images, width]`.
///
/// Burn's engine for the processor computes most layers on one core, so batches run beside each
/// other; what an image gives at a frozen cut does not depend on the batch it is in.
///
/// # Errors
/// The device failed, or gave another number of rows.
pub(crate) fn run(network: &Network, images: &[&Pixels]) -> Result<Vec<f32>, LearnError> {
    let width = network.graph().output_shape().len();
    let batch = |batch: &[&Pixels]| {
        let numbers = batch.iter().flat_map(|pixels| pixels.planes()).collect();
        let outputs = network.run(numbers)?;
        match outputs.len() == batch.len() * width {
            true => Ok(outputs),
            false => Err(LearnError::ResultCount),
        }
    };
    let at_once = rayon::current_num_threads().clamp(1, IN_FLIGHT);
    let mut outputs = Vec::with_capacity(images.len() * width);
    for round in images.chunks(IN_FLIGHT) {
        let batches = round.par_chunks(IN_FLIGHT.div_ceil(at_once)).map(batch);
        for rows in batches.collect::<Result<Vec<_>, _>>()? {
            outputs.extend(rows);
        }
    }
    Ok(outputs)
}
