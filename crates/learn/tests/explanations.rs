//! Heat maps beside PyTorch's.
//!
//! `golden/make_explanations.py` made the reference. Maps agree to 1e-4 of their largest value.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::path::Path;

use finial_data::ImageFit;
use finial_graph::{Graph, Node, Tensor, Weights};
use finial_learn::head::CUT;
use finial_learn::model::Provenance;
use finial_learn::{Certainty, Explainer, Head, LearnError, Model};
use finial_task::{LabelSource, Task};
use image::RgbImage;
use serde_json::{Value, json};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/explanations.json")).unwrap()
}

fn values(tensor: &Value) -> Vec<f32> {
    serde_json::from_value(tensor["values"].clone()).unwrap()
}

fn shape(tensor: &Value) -> Vec<usize> {
    serde_json::from_value(tensor["shape"].clone()).unwrap()
}

/// The image as a file.
fn picture(golden: &Value, folder: &Path) -> std::path::PathBuf {
    let side = golden["image"]["side"].as_u64().unwrap() as u32;
    let rgb: Vec<u8> = serde_json::from_value(golden["image"]["rgb"].clone()).unwrap();
    let path = folder.join("image.png");
    RgbImage::from_raw(side, side, rgb)
        .unwrap()
        .save(&path)
        .unwrap();
    path
}

fn model(case: &Value, side: u32) -> Model {
    let nodes: Vec<Node> = serde_json::from_value(case["graph"].clone()).unwrap();
    let task: Task = serde_json::from_value(case["task"].clone()).unwrap();
    let (frozen, head) = Graph::try_from(nodes).unwrap().cut_at(CUT).unwrap();
    let mut weights = Weights::new();
    for (name, tensor) in case["weights"].as_object().unwrap() {
        let tensor = Tensor::new(name, shape(tensor), values(tensor)).unwrap();
        weights.insert(name.clone(), tensor);
    }
    let provenance: Provenance = serde_json::from_value(json!({
        "finial": "", "created": "", "data": "", "data_fingerprint": "", "split": "",
        "backbone": "golden", "backbone_source": "", "backbone_fingerprint": "",
        "head": finial_learn::HeadOptions::default(),
        "fit": finial_learn::fit::FitOptions::default(),
        "batch": 1, "best_epoch": 1, "device": "cpu",
    }))
    .unwrap();
    let certainty = Certainty::unknown(&task);
    let head = Head::checked(head, &task).unwrap();
    let fit = ImageFit::stretch(side, side);
    Model::new(
        frozen,
        head,
        weights,
        LabelSource::Folders,
        fit,
        certainty,
        provenance,
    )
    .unwrap()
}

#[test]
fn heat_maps_agree_with_pytorch() {
    let scratch = tempfile::tempdir().unwrap();
    let golden = golden();
    let path = picture(&golden, scratch.path());
    for case in golden["models"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let model = model(case, 12);
        let explainer = Explainer::new(&model, "cpu").unwrap();
        for (about, expected) in case["heat"].as_object().unwrap() {
            let found = explainer
                .explain(&path, std::slice::from_ref(about))
                .unwrap();
            let map = &found.maps[0];
            assert_eq!(
                [map.heat.height, map.heat.width].to_vec(),
                shape(expected),
                "{name}"
            );
            let expected = values(expected);
            let most = expected.iter().copied().fold(0.0, f32::max);
            assert!(
                (map.most - most).abs() <= 1e-4 * most,
                "{name}, {about}: {} {most}",
                map.most
            );
            for (found, expected) in map.heat.values.iter().zip(&expected) {
                let off = (found * map.most - expected).abs();
                assert!(
                    off <= 1e-4 * most.max(1e-3),
                    "{name}, {about}: off by {off} of {most}"
                );
            }
        }
    }
}

#[test]
fn what_the_model_answers_is_explained_and_a_name_that_it_does_not_know_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let golden = golden();
    let path = picture(&golden, scratch.path());
    for (case, maps) in golden["models"].as_array().unwrap().iter().zip([1, 1, 2]) {
        let model = model(case, 12);
        let explainer = Explainer::new(&model, "cpu").unwrap();
        assert_eq!(explainer.explain(&path, &[]).unwrap().maps.len(), maps);
        let unknown = explainer.explain(&path, &["nothing".to_owned()]);
        assert!(matches!(unknown, Err(LearnError::NoSuchName { .. })));
    }
}
