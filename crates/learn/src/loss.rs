//! The losses, from logits, in the form that stays finite.

use burn::tensor::{Int, Tensor, TensorData, activation};
use finial_task::{Loss, Targets};

/// The mean loss of a batch.
///
/// For logits `x` and target `y`:
/// - categorical cross-entropy: `log Σ e^x − x_y`, mean over images;
/// - binary cross-entropy: `max(x, 0) − x·y + log(1 + e^−|x|)`, mean over images and labels;
/// - mean squared error: `(x − y)²`, mean over images and targets.
///
/// # Shapes
/// `logits [N, units]`, `targets [N, target columns]` (a class index for categorical
/// cross-entropy), result `[1]`.
///
/// # Stability
/// Finite, with gradients that are right, for logits of ±10⁴ and at 0: the largest logit is
/// subtracted before the exponential, and no probability is ever formed.
///
/// ```
/// use finial_engine::{Tensor, device};
/// use finial_learn::loss::mean_loss;
/// use finial_task::{Loss, Targets};
///
/// let logits = Tensor::<2>::from_floats([[1e4, 0.0, -1e4]], &device::named("cpu")?);
/// let sure = mean_loss(Loss::CategoricalCrossEntropy, logits, &Targets::new(1, vec![0.0]));
/// assert_eq!(sure.into_scalar::<f32>(), 0.0);
/// # Ok::<(), finial_engine::device::DeviceError>(())
/// ```
///
/// References: Goodfellow, Bengio and Courville, "Deep Learning", 2016, 6.2.2.
pub fn mean_loss(loss: Loss, logits: Tensor<2>, targets: &Targets) -> Tensor<1> {
    let device = logits.device().without_autodiff();
    let rows = targets.rows();
    match loss {
        Loss::CategoricalCrossEntropy => {
            let classes: Vec<i64> = targets.values().iter().map(|&v| v as i64).collect();
            let classes = TensorData::new(classes, [rows, 1]);
            let classes = Tensor::<2, Int>::from_data(classes, &device);
            activation::log_softmax(logits, 1)
                .gather(1, classes)
                .mean()
                .neg()
        }
        Loss::BinaryCrossEntropy => {
            let data = TensorData::new(targets.values().to_vec(), [rows, targets.columns()]);
            let y = Tensor::<2>::from_data(data, &device);
            // softplus(x) − x·y, with log σ(−x) = −softplus(x) from Burn's stable form.
            let softplus = activation::log_sigmoid(logits.clone().neg()).neg();
            (softplus - logits * y).mean()
        }
        Loss::MeanSquaredError => {
            let data = TensorData::new(targets.values().to_vec(), [rows, targets.columns()]);
            let y = Tensor::<2>::from_data(data, &device);
            let apart = logits - y;
            (apart.clone() * apart).mean()
        }
    }
}
