//! Layers that let a value pass outside training, and the refusal of those that are not known.

use finial_graph::Op;

use super::super::builder::{Site, Value};
use crate::FormatError;

const ACCEPTED: &str = "the layers of Keras's image classifiers: convolutions, dense layers, \
                        normalisation, pooling, activations, merging, padding, cropping, \
                        reshaping, rescaling, dropout and augmentation";

pub(super) fn apply(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let op = match site.settings.class {
        "Dropout" if site.settings.get("noise_shape").is_none() => {
            let rate = site.settings.number("rate")?.unwrap_or(0.0);
            Op::Dropout { rate }
        }
        "Dropout"
        | "Identity"
        | "SpatialDropout1D"
        | "SpatialDropout2D"
        | "GaussianNoise"
        | "GaussianDropout"
        | "AlphaDropout"
        | "ActivityRegularization"
        | "StochasticDepth"
        | "FixedDropout"
        | "RandomFlip"
        | "RandomRotation"
        | "RandomZoom"
        | "RandomContrast"
        | "RandomBrightness"
        | "RandomTranslation"
        | "RandomShear"
        | "RandomHue"
        | "RandomSaturation"
        | "RandomSharpness"
        | "RandomGrayscale"
        | "RandomInvert"
        | "RandomPosterization"
        | "RandomColorJitter"
        | "RandomColorDegeneration"
        | "RandomGaussianBlur"
        | "RandomErasing"
        | "RandomElasticTransform"
        | "RandomPerspective"
        | "RandomHeight"
        | "RandomWidth"
        | "RandAugment"
        | "AugMix"
        | "CutMix"
        | "MixUp" => Op::Identity,
        "Resizing" | "RandomCrop" => return same_size(site, x),
        "Lambda" => {
            return site.unsupported(
                "code in the Python that saved it",
                "layers that Keras describes by their settings",
            );
        }
        "LSTM" | "GRU" | "SimpleRNN" | "RNN" | "Bidirectional" | "ConvLSTM2D"
        | "TimeDistributed" => {
            return site.unsupported("a layer of sequences", "the layers of image classifiers");
        }
        _ if site
            .settings
            .module
            .is_none_or(|module| module.starts_with("keras")) =>
        {
            return site.unsupported("a layer that finial has no operation for", ACCEPTED);
        }
        _ => return site.unsupported("a layer of the project's own", ACCEPTED),
    };
    site.push_each("", op, x)
}

/// A layer that makes an image the size that it already has.
fn same_size(site: &mut Site<'_, '_>, x: &Value) -> Result<Value, FormatError> {
    let wanted = [
        site.settings.count("height")?,
        site.settings.count("width")?,
    ];
    let last = super::super::settings::DataFormat::Last;
    let found = match (
        site.dims(x).as_slice(),
        site.settings.data_format()? == last,
    ) {
        (&[h, w, _], true) | (&[_, h, w], false) => [h, w],
        _ => return Err(site.settings.damaged("a map", "another value")),
    };
    if found != wanted {
        let found = format!("a resize from {found:?} to {wanted:?}");
        let accepted = "one to the size that the image has; finial resizes images itself, so that \
                        the input may have the wanted size";
        return site.unsupported(&found, accepted);
    }
    site.push_each("", Op::Identity, x)
}
