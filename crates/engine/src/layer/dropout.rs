//! Dropout.

use burn::tensor::{Tensor, TensorData};
use rand::Rng;

use crate::Value;

/// How many values a draw has: two random bytes decide over a number, since drawing is most of
/// what dropout costs.
const DRAWS: f64 = 65_536.0;

/// Zeroes a share of the numbers and scales the others so that the mean stays.
///
/// The mask is drawn on the host, so the same seed drops the same numbers on every device.
pub(super) fn drop_out(x: Value, rate: f64, rng: &mut dyn Rng) -> Value {
    // The share that draws can give, next to the one that is wanted.
    let dropped = (rate * DRAWS).round().clamp(0.0, DRAWS - 1.0);
    let keep = (DRAWS / (DRAWS - dropped)) as f32;
    let dropped = dropped as u16;
    x.each(|x| {
        let dims = x.dims();
        let mut draws = vec![0; 2 * dims.iter().product::<usize>()];
        rng.fill_bytes(&mut draws);
        let mask = draws.as_chunks().0.iter().map(|&draw| {
            let kept = u16::from_le_bytes(draw) >= dropped;
            f32::from(u8::from(kept)) * keep
        });
        let data = TensorData::new(mask.collect::<Vec<f32>>(), dims);
        let mask = Tensor::from_data(data, &x.device());
        x * mask
    })
}
