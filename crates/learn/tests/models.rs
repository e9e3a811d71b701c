//! A saved model: it comes back as it was, and one that was tampered with is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::fs;
use std::path::Path;

use finial_learn::{Certainty, LearnError, Model, Predictor, Quiet, Reserved, train};
use finial_task::Prediction;

/// Trains a small binary model into `folder/model`.
fn trained(folder: &Path) -> Model {
    let photos = folder.join("photos");
    support::class_folders(&photos, &["cat", "dog"], 10);
    let mut trained = train(&support::options(&photos), None, &Quiet).unwrap();
    let reserved = Reserved::new(&folder.join("model")).unwrap();
    trained.save(reserved).unwrap();
    trained.model
}

/// Loads the model after `change` to its `model.json`.
fn tampered(folder: &Path, change: impl Fn(&mut serde_json::Value)) -> Result<Model, LearnError> {
    let path = folder.join("model/model.json");
    let original = fs::read(&path).unwrap();
    let mut record = serde_json::from_slice(&original).unwrap();
    change(&mut record);
    fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    let loaded = Model::load(&folder.join("model"));
    fs::write(&path, original).unwrap();
    loaded
}

/// The node of that name in a `model.json`.
fn node<'a>(record: &'a mut serde_json::Value, name: &str) -> &'a mut serde_json::Value {
    let nodes = record["graph"].as_array_mut().unwrap();
    nodes.iter_mut().find(|node| node["name"] == name).unwrap()
}

#[test]
fn a_saved_model_comes_back_as_it_was_and_a_changed_one_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    let model = trained(folder);
    assert_eq!(Model::load(&folder.join("model")).unwrap(), model);

    let refused = |what: &str, change: &dyn Fn(&mut serde_json::Value)| {
        let loaded = tampered(folder, change);
        assert!(loaded.is_err(), "{what}");
        loaded.unwrap_err().to_string()
    };
    let said = refused("softmax over one unit", &|record| {
        node(record, "output")["op"] = "softmax".into();
    });
    assert!(said.contains("sigmoid"), "{said}");
    refused("another task", &|record| {
        record["task"] = serde_json::json!({ "kind": "regression", "names": ["a"] });
    });
    refused("three classes for one unit", &|record| {
        record["task"] = serde_json::json!({ "kind": "multi-class", "names": ["a", "b", "c"] });
    });
    refused("another image size", &|record| {
        record["image"]["width"] = 448.into()
    });
    refused("an absurd image size", &|record| {
        record["image"]["width"] = 4_000_000_000u32.into();
        record["image"]["height"] = 4_000_000_000u32.into();
    });
    refused("a cut that is no node", &|record| {
        record["cut"] = "nowhere".into()
    });
    refused("an input without pixels", &|record| {
        node(record, "input")["shape"] = serde_json::json!([3, 0, 0]);
    });
    refused("a stride of 0", &|record| {
        node(record, "_conv_stem")["stride"] = serde_json::json!([0, 0]);
    });
    refused("a negative epsilon", &|record| {
        node(record, "_bn0")["epsilon"] = (-1e300).into();
    });
    refused("thresholds of another task", &|record| {
        record["certainty"]["thresholds"] = serde_json::json!([0.5, 0.5]);
    });
    let older = tampered(folder, |record| {
        record["format"] = 1.into();
        record.as_object_mut().unwrap().remove("certainty");
        let provenance = record["provenance"].as_object_mut().unwrap();
        provenance.remove("loss");
    })
    .unwrap();
    assert_eq!(older.weights(), model.weights());
    assert_eq!(older.certainty(), &Certainty::unknown(model.task()));
    let said = refused("a later format", &|record| {
        record["format"] = 3.into();
        node(record, "output")["op"] = "something-new".into();
    });
    assert!(said.contains("format 3"), "{said}");
}

#[test]
fn damaged_weights_are_refused() {
    let scratch = tempfile::tempdir().unwrap();
    trained(scratch.path());
    let path = scratch.path().join("model/model.safetensors");
    let weights = fs::read(&path).unwrap();
    fs::write(&path, &weights[..weights.len() / 2]).unwrap();
    assert!(Model::load(&scratch.path().join("model")).is_err());
    fs::remove_file(&path).unwrap();
    let said = Model::load(&scratch.path().join("model"))
        .unwrap_err()
        .to_string();
    assert!(said.contains("model.safetensors"), "{said}");
}

#[test]
fn a_reserved_folder_leaves_nothing_behind_and_overwrites_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let wanted = scratch.path().join("deep/model");
    drop(Reserved::new(&wanted).unwrap());
    assert_eq!(
        fs::read_dir(scratch.path().join("deep")).unwrap().count(),
        0
    );

    // Two runs for one name: the second to finish must not touch the first one's model.
    let photos = scratch.path().join("photos");
    support::class_folders(&photos, &["cat", "dog"], 8);
    let mut trained = train(&support::options(&photos), None, &Quiet).unwrap();
    let (first, second) = (
        Reserved::new(&wanted).unwrap(),
        Reserved::new(&wanted).unwrap(),
    );
    trained.save(first).unwrap();
    let before = fs::read(wanted.join("model.json")).unwrap();
    assert!(matches!(
        trained.save(second),
        Err(LearnError::OutputExists(_))
    ));
    assert_eq!(fs::read(wanted.join("model.json")).unwrap(), before);
    assert_eq!(
        fs::read_dir(scratch.path().join("deep")).unwrap().count(),
        1
    );

    // Below a file nothing can be written: known before any work.
    let below = photos.join("cat/0.png/model");
    assert!(Reserved::new(&below).is_err());
}

#[test]
fn one_image_gets_the_same_answer_alone_and_among_others() {
    let scratch = tempfile::tempdir().unwrap();
    let model = trained(scratch.path());
    let predictor = Predictor::new(model, "cpu").unwrap();
    let broken = scratch.path().join("broken.png");
    fs::write(&broken, b"no picture").unwrap();
    let mut paths: Vec<_> = (0..9)
        .map(|i| scratch.path().join(format!("photos/cat/{i}.png")))
        .collect();
    // An image without an answer must not shift those of its neighbours.
    paths.insert(3, broken);
    let mut answers = Vec::new();
    predictor
        .predict_each(&paths, |batch| {
            answers.extend(batch);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(answers.len(), 10);
    for (i, answer) in answers.iter().enumerate() {
        match &answer.prediction {
            Ok(together) => {
                let alone = predictor.predict(&answer.path).unwrap();
                let apart = (of_dog(together) - of_dog(&alone)).abs();
                // A dense layer sums one row in another order than eight: the last bit may differ.
                assert!(apart < 1e-6, "{together:?} {alone:?}");
            }
            Err(_) => assert_eq!(i, 3),
        }
    }
}

fn of_dog(prediction: &Prediction) -> f32 {
    match prediction {
        Prediction::Class { probabilities, .. } => {
            let dog = probabilities.iter().find(|p| p.name == "dog");
            dog.unwrap().probability
        }
        other => panic!("a class was expected, not {other:?}"),
    }
}
