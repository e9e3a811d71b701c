//! What each class of layer is in a graph.
//!
//! One file for each kind of layer. A class that is not here is refused by name.

mod activation;
mod attention;
mod convolution;
mod merging;
mod normalization;
mod operation;
mod passing;
mod pooling;
mod reordering;

use super::builder::{Site, Value};
use super::config::Call;
use crate::FormatError;

/// A call of a layer as nodes of the graph; `inputs` are the values among its arguments.
pub(super) fn apply(
    site: &mut Site<'_, '_>,
    call: &Call<'_>,
    inputs: &[Value],
) -> Result<Value, FormatError> {
    let class = site.settings.class;
    if operation::is(site.settings) {
        return operation::apply(site, call, inputs);
    }
    if merging::is(class) {
        return merging::apply(site, call, inputs);
    }
    if class == "MultiHeadAttention" {
        return attention::apply(site, inputs);
    }
    let [x] = inputs else {
        let found = format!("{} values", inputs.len());
        return Err(site.settings.damaged("one value to read", &found));
    };
    match class {
        "Conv2D" | "Convolution2D" => convolution::full(site, x),
        "DepthwiseConv2D" => convolution::depthwise(site, x),
        "SeparableConv2D" | "SeparableConvolution2D" => convolution::separable(site, x),
        "Dense" => convolution::dense(site, x),
        "BatchNormalization" | "BatchNormalizationV1" | "SyncBatchNormalization" => {
            normalization::batch(site, x)
        }
        "LayerNormalization" => normalization::layer(site, x),
        "Normalization" => normalization::stored(site, x),
        "LayerScale" => normalization::layer_scale(site, x),
        "Rescaling" => normalization::rescaling(site, x),
        "MaxPooling2D" | "MaxPool2D" | "AveragePooling2D" | "AvgPool2D" => pooling::window(site, x),
        "GlobalAveragePooling2D"
        | "GlobalAvgPool2D"
        | "GlobalMaxPooling2D"
        | "GlobalMaxPool2D"
        | "GlobalAveragePooling1D"
        | "GlobalMaxPooling1D" => pooling::global(site, x),
        "ZeroPadding2D" => pooling::zero_padding(site, x),
        "ZeroPadding1D" => pooling::zero_token(site, x),
        "Cropping2D" | "CenterCrop" => pooling::cropping(site, x),
        "Flatten" => reordering::flatten(site, x),
        "Reshape" => reordering::reshape(site, x),
        "Permute" => reordering::permute(site, x),
        "Activation" | "ReLU" | "LeakyReLU" | "ELU" | "Softmax" | "PReLU" => {
            activation::layer(site, x)
        }
        _ => passing::apply(site, x),
    }
}
