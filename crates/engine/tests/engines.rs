//! Every engine of this machine beside the reference, on EfficientNet-Lite0 with its weights.
//!
//! OpenVINO is tried where it is installed; a machine without it has less to try.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use finial_engine::frozen::trial::{Deviation, Ground, Outcome, first_to_agree};
use finial_engine::{Choice, EngineError, Precision};
use finial_graph::backbones::Backbone;
use finial_graph::{Graph, Op, Weights};

fn network() -> (Graph, Weights) {
    let mut graph = Backbone::named("efficientnet-lite0")
        .unwrap()
        .without_top()
        .unwrap();
    graph.push("pooled", Op::GlobalAveragePool).unwrap();
    let mut all = Weights::from_safetensors(finial_efficientnet_lite0::WEIGHTS).unwrap();
    let weights = graph.take_weights(&mut all).unwrap();
    (graph, weights)
}

#[test]
fn every_engine_that_is_there_agrees_with_the_reference() {
    let (graph, weights) = network();
    let ground = Ground::new(&graph, &weights, "cpu").unwrap();
    let trials: Vec<_> = Choice::all("cpu")
        .into_iter()
        .map(|c| ground.trial(c).0)
        .collect();
    for trial in &trials {
        println!("{}: {:?}", trial.choice, trial.outcome);
        let Outcome::Ran { deviation, .. } = trial.outcome else {
            continue;
        };
        // Whether bf16 is close enough for this network is what the trial is to say.
        let near = trial.agrees() || deviation.cosine > 0.99;
        assert!(near, "{}: {deviation:?}", trial.choice);
        if trial.choice.precision == Precision::F32 {
            assert!(trial.agrees(), "{}: {deviation:?}", trial.choice);
            assert!(deviation.largest < 1e-4, "{}: {deviation:?}", trial.choice);
        }
    }
    assert!(first_to_agree(&trials).is_some());
}

#[test]
fn an_image_gives_the_same_alone_and_among_others_in_every_engine() {
    let (graph, weights) = network();
    let width = graph.output_shape().len();
    let images: Vec<Vec<u8>> = (0..11u32)
        .map(|n| {
            (0..224 * 224 * 3)
                .map(|i: u32| (i.wrapping_mul(n * 7 + 3) >> 6) as u8)
                .collect()
        })
        .collect();
    let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
    for choice in Choice::all("cpu") {
        let frozen = match choice.prepare(&graph, &weights, "cpu") {
            Ok(frozen) => frozen,
            Err(EngineError::Unavailable { .. }) => continue,
            Err(error) => panic!("{choice}: {error}"),
        };
        assert_eq!(
            (frozen.engine(), frozen.precision()),
            (choice.engine, choice.precision)
        );
        let rows = frozen.run(&images).unwrap();
        assert_eq!(rows.len(), images.len() * width);
        for (at, image) in images.iter().enumerate().step_by(5) {
            let row = &rows[at * width..][..width];
            let alone = frozen.run(&[image]).unwrap();
            let deviation = Deviation::between(&alone, row, width);
            assert!(
                deviation.largest < 1e-6,
                "{choice}, image {at}: {deviation:?}"
            );
        }
        assert!(frozen.run(&[]).unwrap().is_empty());
        let error = frozen.run(&[images[0], &[0; 5]]).unwrap_err();
        assert!(matches!(error, EngineError::WrongInput { .. }), "{error}");
        // What went wrong before does not stay.
        assert_eq!(frozen.run(&images[..1]).unwrap(), rows[..width]);
    }
}
