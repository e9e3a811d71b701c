//! The frozen part runs once per image, and what is kept is what was computed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::path::PathBuf;

use finial_engine::Engine;
use finial_graph::Graph;
use finial_learn::extract::Extractor;
use finial_learn::head::{self, Pooling};
use finial_learn::{EngineOptions, LearnError, Pretrained, Quiet};
use finial_store::FeatureStore;

/// EfficientNet-Lite0, for the extractors of a test.
struct Frozen(Graph, Pretrained);

impl Frozen {
    fn new() -> Self {
        let backbone = Pretrained::open(&"efficientnet-lite0".into(), &Quiet).unwrap();
        let graph = head::frozen(&backbone.graph, Pooling::Average).unwrap();
        Frozen(graph, backbone)
    }

    fn extractor<'a>(&'a self, store: Option<&'a FeatureStore>) -> Extractor<'a> {
        let Frozen(graph, backbone) = self;
        // The one that is there on every machine.
        let options = EngineOptions {
            engine: Some(Engine::Burn),
            ..EngineOptions::default()
        };
        let (weights, fit) = (&backbone.weights, backbone.fit);
        Extractor::new(graph, weights, fit, store, "cpu", options, &Quiet).unwrap()
    }
}

/// `count` pictures in a folder.
fn pictures(folder: &std::path::Path, count: u32) -> Vec<PathBuf> {
    let path = |number| folder.join(format!("{number}.png"));
    (0..count).for_each(|number| support::picture(&path(number), number as usize, number));
    (0..count).map(path).collect()
}

fn rows(features: &finial_learn::extract::Features) -> Vec<f32> {
    let all: Vec<usize> = (0..features.matrix.rows()).collect();
    let mut numbers = Vec::new();
    features.matrix.gather(&all, &mut numbers).unwrap();
    numbers
}

#[test]
fn a_second_run_computes_only_what_is_new_and_gives_the_same_bits() {
    let scratch = tempfile::tempdir().unwrap();
    let paths = pictures(scratch.path(), 12);
    let without = Frozen::new()
        .extractor(None)
        .run(&paths, false, &Quiet)
        .unwrap();
    let store = FeatureStore::open(&scratch.path().join("store"), 64 << 20).unwrap();
    let first = Frozen::new()
        .extractor(Some(&store))
        .run(&paths[..9], false, &Quiet)
        .unwrap();
    assert_eq!(first.reused, 0);
    let second = Frozen::new()
        .extractor(Some(&store))
        .run(&paths, false, &Quiet)
        .unwrap();
    assert_eq!(second.reused, 9);
    assert_eq!(rows(&second), rows(&without));
    // A renamed file is the same image.
    let renamed = scratch.path().join("other name.png");
    std::fs::rename(&paths[0], &renamed).unwrap();
    let third = Frozen::new()
        .extractor(Some(&store))
        .run(&[renamed], false, &Quiet)
        .unwrap();
    assert_eq!(third.reused, 1);
}

#[test]
fn unreadable_images_leave_the_others_in_their_rows() {
    let scratch = tempfile::tempdir().unwrap();
    let mut paths = pictures(scratch.path(), 10);
    let all = rows(
        &Frozen::new()
            .extractor(None)
            .run(&paths, false, &Quiet)
            .unwrap(),
    );
    std::fs::write(&paths[4], b"no picture").unwrap();
    let features = Frozen::new()
        .extractor(None)
        .run(&paths, false, &Quiet)
        .unwrap();
    assert_eq!(features.kept, [0, 1, 2, 3, 5, 6, 7, 8, 9]);
    assert_eq!(features.unreadable[0].index, 4);
    let expected = [&all[..4 * 1280], &all[5 * 1280..]].concat();
    assert_eq!(rows(&features), expected);

    // Two of ten are too many, unless they are allowed; a missing file counts as well.
    paths[7] = scratch.path().join("gone.png");
    let error = Frozen::new().extractor(None).run(&paths, false, &Quiet);
    assert!(matches!(
        error,
        Err(LearnError::Unreadable { failed: 2, .. })
    ));
    assert_eq!(
        Frozen::new()
            .extractor(None)
            .run(&paths, true, &Quiet)
            .unwrap()
            .kept
            .len(),
        8
    );
}

#[test]
fn too_many_unreadable_images_end_the_run_without_reading_the_rest() {
    let scratch = tempfile::tempdir().unwrap();
    let broken = scratch.path().join("broken.png");
    std::fs::write(&broken, b"no picture").unwrap();
    // Many chunks would still be waiting: the decoders must notice that nobody listens.
    let paths = vec![broken; 2000];
    let error = Frozen::new().extractor(None).run(&paths, false, &Quiet);
    assert!(matches!(error, Err(LearnError::Unreadable { failed, .. }) if failed < 400));
}
