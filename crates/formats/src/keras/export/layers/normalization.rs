//! Scales, offsets and norms.

use finial_graph::Op;
use serde_json::{Value as Json, json};

use super::{Laid, Site};
use crate::FormatError;
use crate::keras::export::network::Numbers;

pub(super) fn layer<'a>(site: &mut Site<'_, 'a>) -> Result<Laid<'a>, FormatError> {
    let axes = site.usual.clone();
    let c = site.channels();
    let layer = match &site.node.op {
        Op::Rescale { scale, offset } => {
            let settings = json!({ "scale": per_channel(scale), "offset": per_channel(offset) });
            site.layer("Rescaling", &axes)?.with(settings)
        }
        Op::Normalize => {
            let list = |parameter: &str| -> Result<Vec<f64>, FormatError> {
                let tensor = site.tensor(parameter)?;
                Ok(tensor.values().iter().map(|&n| f64::from(n)).collect())
            };
            let settings = json!({
                "axis": [-1],
                "invert": false,
                "mean": list("mean")?,
                "variance": list("variance")?,
            });
            site.layer("Normalization", &axes)?.with(settings)
        }
        Op::BatchNorm { epsilon, scale } => {
            let mut layer = site.layer("BatchNormalization", &axes)?;
            layer = layer.with(json!({
                "axis": -1,
                "momentum": 0.99,
                "epsilon": epsilon,
                "center": true,
                "scale": scale,
            }));
            let all = ["weight", "bias", "running_mean", "running_var"];
            for parameter in all.into_iter().skip(usize::from(!scale)) {
                layer.variable(vec![c], Numbers::Of(site.tensor(parameter)?));
            }
            layer
        }
        Op::LayerNorm { epsilon } => {
            let mut layer = site.layer("LayerNormalization", &axes)?;
            layer = layer.with(json!({ "axis": -1, "epsilon": epsilon }));
            for parameter in ["weight", "bias"] {
                layer.variable(vec![c], Numbers::Of(site.tensor(parameter)?));
            }
            layer
        }
        _ => {
            let mut layer = site.layer("LayerScale", &axes)?;
            layer.module = "keras.src.applications.convnext";
            layer = layer.with(json!({ "init_values": 1e-6, "projection_dim": c }));
            layer.variable(vec![c], Numbers::Of(site.tensor("gamma")?));
            layer
        }
    };
    Ok((layer, axes))
}

/// One number if all are the same.
fn per_channel(numbers: &[f32]) -> Json {
    match numbers {
        [first, rest @ ..] if rest.iter().all(|n| n == first) => json!(f64::from(*first)),
        all => json!(all.iter().map(|&n| f64::from(n)).collect::<Vec<_>>()),
    }
}
