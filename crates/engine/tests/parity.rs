//! The embedded EfficientNet-Lite0 against its PyTorch original.
//!
//! The reference numbers come from `golden/make_golden.py`: the published package in full
//! precision. The embedded weights are half precision, hence the tolerance of 1e-2 of the
//! largest feature; computing itself agrees far closer.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use finial_engine::{Network, device};
use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Weights};
use safetensors::SafeTensors;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

struct Reference {
    bytes: Vec<u8>,
    images: Vec<Vec<f32>>,
    top5: Vec<Vec<usize>>,
}

impl Reference {
    fn read() -> Self {
        let index = std::fs::read_to_string(golden().join("efficientnet_lite0.json")).unwrap();
        let index: serde_json::Value = serde_json::from_str(&index).unwrap();
        let entries = index["images"].as_array().unwrap();
        let image = |entry: &serde_json::Value| {
            let file = golden().join(entry["file"].as_str().unwrap());
            let rgb = image::open(file).unwrap().to_rgb8();
            assert_eq!(rgb.dimensions(), (224, 224));
            let plane = |c: usize| rgb.pixels().map(move |pixel| f32::from(pixel.0[c]));
            (0..3).flat_map(plane).collect()
        };
        let top5 = |entry: &serde_json::Value| {
            let classes = entry["top5"].as_array().unwrap();
            classes
                .iter()
                .map(|c| c.as_u64().unwrap() as usize)
                .collect()
        };
        Reference {
            bytes: std::fs::read(golden().join("efficientnet_lite0.safetensors")).unwrap(),
            images: entries.iter().map(image).collect(),
            top5: entries.iter().map(top5).collect(),
        }
    }

    /// A tensor of the reference, row `image` of it.
    fn row(&self, name: &str, image: usize) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let tensor = file.tensor(name).unwrap();
        let row: usize = tensor.shape()[1..].iter().product();
        let bytes = &tensor.data()[image * row * 4..(image + 1) * row * 4];
        let number = |b: &[u8]| f32::from_le_bytes(b.try_into().unwrap());
        bytes.chunks_exact(4).map(number).collect()
    }

    /// Where the samples of an intermediate value were taken: channel, row, column.
    fn places(&self, name: &str) -> Vec<[usize; 3]> {
        let file = SafeTensors::deserialize(&self.bytes).unwrap();
        let bytes = file.tensor(name).unwrap().data().to_vec();
        let number = |b: &[u8]| i64::from_le_bytes(b.try_into().unwrap()) as usize;
        let numbers: Vec<usize> = bytes.chunks_exact(8).map(number).collect();
        numbers
            .chunks_exact(3)
            .map(|p| [p[0], p[1], p[2]])
            .collect()
    }
}

fn network(graph: &Graph) -> Network {
    let weights = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS).unwrap();
    Network::new(graph, &weights, &device::named("cpu").unwrap()).unwrap()
}

fn classifier() -> Graph {
    let backbone = Backbone::named("efficientnet-lite0").unwrap();
    backbone.classifier().unwrap()
}

#[test]
fn features_agree_with_pytorch_and_the_top_class_is_the_same() {
    let reference = Reference::read();
    let pooled = network(&classifier().cut_at("_avg_pooling").unwrap().0);
    let logits = network(&classifier().cut_at("_fc").unwrap().0);
    for (i, image) in reference.images.iter().enumerate() {
        let ours = pooled.run(image.clone()).unwrap();
        let theirs = reference.row("features", i);
        let largest = theirs.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        let apart = ours
            .iter()
            .zip(&theirs)
            .fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
        assert!(apart / largest < 1e-2, "image {i}: {}", apart / largest);

        let ours = logits.run(image.clone()).unwrap();
        let top = (0..ours.len())
            .max_by(|&a, &b| ours[a].total_cmp(&ours[b]))
            .unwrap();
        assert_eq!(top, reference.top5[i][0], "image {i}");
    }
}

#[test]
fn every_block_agrees_with_pytorch() {
    let reference = Reference::read();
    let block = |i: usize| {
        let add = format!("_blocks.{i}._add");
        match classifier().shape_of(&add) {
            Ok(_) => add,
            Err(_) => format!("_blocks.{i}._bn2"),
        }
    };
    let mut stops = vec![
        ("input".to_owned(), "preprocessing".to_owned()),
        ("stem".to_owned(), "_swish_stem".to_owned()),
        ("head".to_owned(), "_swish".to_owned()),
    ];
    stops.extend((0..16).map(|i| (format!("block{i}"), block(i))));
    for (name, node) in stops {
        let graph = classifier().cut_at(&node).unwrap().0;
        let network = network(&graph);
        let finial_graph::Shape::Map([_, h, w]) = graph.output_shape() else {
            panic!("{node} is a map");
        };
        let ours = network.run(reference.images[0].clone()).unwrap();
        let theirs = reference.row(&format!("{name}.samples"), 0);
        let places = reference.places(&format!("{name}.places"));
        let largest = ours.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        for ([c, y, x], theirs) in places.into_iter().zip(theirs) {
            let ours = ours[(c * h + y) * w + x];
            let apart = (ours - theirs).abs() / largest;
            assert!(apart < 1e-2, "{name} at {c},{y},{x}: {ours} {theirs}");
        }
    }
}

#[test]
fn a_batch_gives_what_each_image_gives_alone() {
    let reference = Reference::read();
    let network = network(&classifier().cut_at("_avg_pooling").unwrap().0);
    let batch: Vec<f32> = reference.images[..3].concat();
    let together = network.run(batch).unwrap();
    for (i, image) in reference.images[..3].iter().enumerate() {
        let alone = network.run(image.clone()).unwrap();
        assert_eq!(alone, together[i * 1280..(i + 1) * 1280], "image {i}");
    }
}

#[test]
fn folding_batch_norms_changes_nothing_that_matters() {
    let reference = Reference::read();
    let graph = classifier().cut_at("_avg_pooling").unwrap().0;
    let weights = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS).unwrap();
    let device = device::named("cpu").unwrap();
    let folded = Network::folded(&graph, &weights, &device).unwrap();
    let plain = network(&graph);
    for image in &reference.images {
        let (a, b) = (
            plain.run(image.clone()).unwrap(),
            folded.run(image.clone()).unwrap(),
        );
        let largest = a.iter().fold(0.0f32, |m, v| m.max(v.abs()));
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() / largest < 1e-5, "{a} {b}");
        }
    }
}
