//! Dropout.

use burn::tensor::{Tensor, TensorData};
use rand::{Rng, RngExt};

use crate::Value;

/// Zeroes a share of the numbers and scales the others so that the mean stays.
///
/// The mask is drawn on the host, so the same seed drops the same numbers on every device.
pub(super) fn drop_out(x: Value, rate: f64, rng: &mut dyn Rng) -> Value {
    let keep = (1.0 / (1.0 - rate)) as f32;
    x.each(|x| {
        let dims = x.dims();
        let mask: Vec<f32> = (0..dims.iter().product())
            .map(|_| if rng.random_bool(rate) { 0.0 } else { keep })
            .collect();
        let mask = Tensor::from_data(TensorData::new(mask, dims), &x.device());
        x * mask
    })
}
