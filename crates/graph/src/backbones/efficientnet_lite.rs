//! EfficientNet-Lite: EfficientNet without squeeze-and-excitation and with ReLU6, so that it
//! runs well on small processors.
//!
//! Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
//! 2019, arXiv 1905.11946; the Lite variants were published by their authors with TensorFlow.
//! Layers carry the names of the PyTorch checkpoint.

use super::Backbone;
use crate::{Graph, GraphError, Op, Padding, Shape};

/// EfficientNet-Lite0: 224 × 224, 4.7 million parameters.
pub(super) const LITE0: Backbone = Backbone {
    name: "efficientnet-lite0",
    paper: "arXiv 1905.11946",
    input: [224, 224],
    features: "_swish",
    build: lite0,
};

const CLASSES: usize = 1000;
const EPSILON: f64 = 1e-3;

/// A row of the paper's table: `repeats` inverted bottlenecks, the first with `stride`.
struct Stage {
    repeats: usize,
    kernel: usize,
    stride: usize,
    expansion: usize,
    filters: usize,
}

#[rustfmt::skip]
const STAGES: [Stage; 7] = [
    Stage { repeats: 1, kernel: 3, stride: 1, expansion: 1, filters: 16 },
    Stage { repeats: 2, kernel: 3, stride: 2, expansion: 6, filters: 24 },
    Stage { repeats: 2, kernel: 5, stride: 2, expansion: 6, filters: 40 },
    Stage { repeats: 3, kernel: 3, stride: 2, expansion: 6, filters: 80 },
    Stage { repeats: 3, kernel: 5, stride: 1, expansion: 6, filters: 112 },
    Stage { repeats: 4, kernel: 5, stride: 2, expansion: 6, filters: 192 },
    Stage { repeats: 1, kernel: 3, stride: 1, expansion: 6, filters: 320 },
];

fn lite0() -> Result<Graph, GraphError> {
    const STEM: usize = 32;
    const HEAD: usize = 1280;
    let mut graph = Graph::new(Shape::Map([3, 224, 224]));
    // (x − 127) / 128
    graph.push(
        "preprocessing",
        Op::Rescale {
            scale: vec![1.0 / 128.0; 3],
            offset: vec![-127.0 / 128.0; 3],
        },
    )?;
    graph.push("_conv_stem", convolution(STEM, 3, 2, 1))?;
    normalise(&mut graph, "_bn0")?;
    graph.push("_swish_stem", Op::Relu6)?;

    let mut number = 0;
    let mut channels = STEM;
    for stage in &STAGES {
        for repeat in 0..stage.repeats {
            let stride = if repeat == 0 { stage.stride } else { 1 };
            block(&mut graph, number, channels, stride, stage)?;
            channels = stage.filters;
            number += 1;
        }
    }

    graph.push("_conv_head", convolution(HEAD, 1, 1, 1))?;
    normalise(&mut graph, "_bn1")?;
    graph.push("_swish", Op::Relu6)?;
    graph.push("_avg_pooling", Op::GlobalAveragePool)?;
    graph.push("_dropout", Op::Dropout { rate: 0.2 })?;
    graph.push("_fc", Op::Dense { units: CLASSES })?;
    graph.push("_softmax", Op::Softmax)?;
    Ok(graph)
}

/// Expand by 1×1, convolve each channel by itself, project by 1×1; add the input where shapes
/// allow. The first stage does not expand.
fn block(
    graph: &mut Graph,
    number: usize,
    channels: usize,
    stride: usize,
    stage: &Stage,
) -> Result<(), GraphError> {
    let name = |layer: &str| format!("_blocks.{number}.{layer}");
    let input = graph.output().to_owned();
    let wide = channels * stage.expansion;
    if stage.expansion != 1 {
        graph.push(name("_expand_conv"), convolution(wide, 1, 1, 1))?;
        normalise(graph, &name("_bn0"))?;
        graph.push(name("_swish0"), Op::Relu6)?;
    }
    let depthwise = convolution(wide, stage.kernel, stride, wide);
    graph.push(name("_depthwise_conv"), depthwise)?;
    normalise(graph, &name("_bn1"))?;
    graph.push(name("_swish1"), Op::Relu6)?;
    graph.push(name("_project_conv"), convolution(stage.filters, 1, 1, 1))?;
    normalise(graph, &name("_bn2"))?;
    if stride == 1 && channels == stage.filters {
        let projected = graph.output().to_owned();
        graph.push_after(name("_add"), Op::Add, &[&projected, &input])?;
    }
    Ok(())
}

fn normalise(graph: &mut Graph, name: &str) -> Result<(), GraphError> {
    graph.push(name, Op::BatchNorm { epsilon: EPSILON })
}

fn convolution(filters: usize, kernel: usize, stride: usize, groups: usize) -> Op {
    Op::Conv2d {
        filters,
        kernel: [kernel; 2],
        stride: [stride; 2],
        padding: Padding::Same,
        groups,
        bias: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Weights;

    #[test]
    fn the_published_weights_fit_without_a_remainder() {
        let mut weights = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS).unwrap();
        lite0().unwrap().take_weights(&mut weights).unwrap();
        assert_eq!(weights.count(), 0);
    }

    #[test]
    fn the_last_map_is_7_by_7_by_1280() {
        let graph = LITE0.without_top().unwrap();
        assert_eq!(graph.output_shape(), Shape::Map([1280, 7, 7]));
    }
}
