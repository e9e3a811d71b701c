//! Backbones by name and from files, and the way back out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::Path;

use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Op, Padding, Shape, Tensor, Weights};
use finial_learn::pretrained::{BackboneOptions, Preprocessing, Pretrained};
use finial_learn::{LearnError, Quiet};

/// Small numbers that differ from place to place, variances above zero.
fn filled(graph: &Graph) -> Weights {
    let mut weights = Weights::new();
    for parameter in graph.parameters() {
        let count: usize = parameter.shape.iter().product();
        let positive = parameter.name.ends_with("running_var");
        let value = |i: usize| match positive {
            true => 1.0,
            false => ((i * 37 + parameter.name.len()) % 17) as f32 / 170.0 - 0.05,
        };
        let values = (0..count).map(value).collect();
        let tensor = Tensor::new(&parameter.name, parameter.shape, values).unwrap();
        weights.insert(parameter.name, tensor);
    }
    weights
}

fn open(options: &BackboneOptions) -> Result<Pretrained, LearnError> {
    Pretrained::open(options, &Quiet)
}

fn message(error: LearnError) -> String {
    let help = miette::Diagnostic::help(&error).map(|help| help.to_string());
    format!("{error}\n{}", help.unwrap_or_default())
}

/// A convolution, a pooling, and two classes; with a name that the head has too.
fn model(scaled: bool) -> Graph {
    let mut graph = Graph::new(Shape::Map([3, 16, 16]));
    if scaled {
        let scale = Op::Rescale {
            scale: vec![1.0 / 255.0; 3],
            offset: vec![0.0; 3],
        };
        graph.push("rescaling", scale).unwrap();
    }
    let convolution = Op::Conv2d {
        filters: 4,
        kernel: [3, 3],
        stride: [2, 2],
        padding: Padding::Same,
        dilation: [1, 1],
        groups: 1,
        bias: true,
    };
    graph.push("conv", convolution).unwrap();
    graph.push("conv/activation", Op::Relu).unwrap();
    graph.push("dropout", Op::Dropout { rate: 0.1 }).unwrap();
    graph.push("pooling", Op::GlobalAveragePool).unwrap();
    graph.push("classes", Op::Dense { units: 2 }).unwrap();
    graph.push("classes/activation", Op::Softmax).unwrap();
    graph
}

fn keras_file(folder: &Path, graph: &Graph) -> String {
    let path = folder.join("model.keras");
    let options = finial_formats::keras::ExportOptions::default();
    finial_formats::keras::export(graph, &filled(graph), &options, &path).unwrap();
    path.display().to_string()
}

#[test]
fn weights_of_a_named_backbone_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("squeezenet.safetensors");
    let backbone = Backbone::named("squeezenet1.1").unwrap();
    let all = filled(&backbone.classifier().unwrap());
    fs::write(&file, all.to_safetensors().unwrap()).unwrap();

    let options = BackboneOptions::from("squeezenet1.1").weights(Some(&file));
    let found = open(&options).unwrap();
    assert_eq!(found.graph, backbone.without_top().unwrap());
    assert_eq!(found.graph.output(), backbone.features);
    for parameter in found.graph.parameters() {
        let expected = all.get(&parameter.name).unwrap();
        assert_eq!(found.weights.get(&parameter.name), Some(expected));
    }
    assert!(found.source.contains("squeezenet.safetensors"));

    let smaller = BackboneOptions {
        image_size: Some([96, 128]),
        cut: Some("features.2".into()),
        ..options
    };
    let found = open(&smaller).unwrap();
    assert_eq!(found.graph.output(), "features.2");
    assert_eq!((found.fit.height, found.fit.width), (96, 128));
}

#[test]
fn a_file_of_other_weights_is_refused_with_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.safetensors");
    fs::write(&file, filled(&model(true)).to_safetensors().unwrap()).unwrap();
    let options = BackboneOptions::from("squeezenet1.1").weights(Some(&file));
    let text = message(open(&options).unwrap_err());
    assert!(text.contains("features.0.weight"), "{text}");
    assert!(text.contains("conv.weight"), "{text}");
}

#[test]
fn a_cut_behind_no_layer_is_answered_with_near_ones() {
    let mut options = BackboneOptions::from("resnet50");
    options.cut = Some("conv5_blok3_out".to_owned());
    let message = message(open(&options).unwrap_err());
    assert!(message.contains("conv5_block3_out"), "{message}");
    assert!(message.contains("finial backbones resnet50"), "{message}");
}

#[test]
fn a_name_that_is_none_is_answered_with_near_ones() {
    let text = message(open(&BackboneOptions::from("resnet5")).unwrap_err());
    assert!(text.contains("resnet50"), "{text}");
}

#[test]
fn weights_that_no_publisher_gives_as_a_file_are_asked_for() {
    let text = message(open(&BackboneOptions::from("efficientnet-lite1")).unwrap_err());
    assert!(text.contains("--weights FILE"), "{text}");
}

#[test]
fn a_model_from_a_file_is_cut_before_its_head() {
    let folder = tempfile::tempdir().unwrap();
    let graph = model(true);
    let file = keras_file(folder.path(), &graph);
    let found = open(&BackboneOptions::from(file.as_str())).unwrap();
    assert_eq!(found.name, "model.keras");
    assert_eq!(found.graph.output_shape(), Shape::Map([4, 8, 8]));
    assert!(
        found
            .graph
            .nodes()
            .iter()
            .all(|node| node.name != "dropout")
    );

    let named = BackboneOptions {
        cut: Some("conv".into()),
        ..BackboneOptions::from(file.as_str())
    };
    assert_eq!(open(&named).unwrap().graph.output(), "conv/activation");
    let unknown = BackboneOptions {
        cut: Some("cnv".into()),
        ..BackboneOptions::from(file.as_str())
    };
    let text = message(open(&unknown).unwrap_err());
    assert!(text.contains("cnv") && text.contains("conv"), "{text}");
}

#[test]
fn a_model_that_does_not_scale_its_images_needs_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let file = keras_file(folder.path(), &model(false));
    let text = message(open(&BackboneOptions::from(file.as_str())).unwrap_err());
    assert!(text.contains("--preprocessing"), "{text}");

    let given = BackboneOptions {
        preprocessing: Some(Preprocessing::MinusOneToOne),
        ..BackboneOptions::from(file.as_str())
    };
    let found = open(&given).unwrap();
    assert_eq!(found.graph.nodes()[1].name, "preprocessing");

    let other = tempfile::tempdir().unwrap();
    let scaled = keras_file(other.path(), &model(true));
    let twice = BackboneOptions {
        name: scaled,
        ..given
    };
    let refused = open(&twice).unwrap_err();
    assert!(matches!(refused, LearnError::PreprocessingTwice { .. }));
}

#[test]
fn what_belongs_elsewhere_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = keras_file(folder.path(), &model(true));
    let both = BackboneOptions::from(file.as_str()).weights(Some("more.h5"));
    assert!(matches!(open(&both), Err(LearnError::WeightsTwice(_))));

    let weights = folder.path().join("weights.safetensors");
    fs::write(&weights, filled(&model(true)).to_safetensors().unwrap()).unwrap();
    let name = weights.display().to_string();
    let text = message(open(&BackboneOptions::from(name.as_str())).unwrap_err());
    assert!(text.contains("--backbone NAME --weights FILE"), "{text}");

    let missing = open(&BackboneOptions::from("no-such-file.onnx")).unwrap_err();
    assert!(message(missing).contains("no-such-file.onnx"));
}
