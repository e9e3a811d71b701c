//! Train, predict, evaluate: the four tasks through the binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use support::{BLUE, GREEN, RED, Scratch, read};

const THREE: [(&str, [u8; 3]); 3] = [("blue", BLUE), ("green", GREEN), ("red", RED)];

#[test]
fn class_folders_become_a_multi_class_model_that_predicts_and_evaluates() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &THREE, 14);
    let document = scratch.run_json(&["train", "photos", "--out", "model", "--format", "json"]);
    assert_eq!(document["task"], "multi-class");
    assert_eq!(document["units"], 3);
    assert_eq!(document["activation"], "softmax");
    assert_eq!(document["loss"], "categorical-cross-entropy");
    let accuracy = document["metrics"]["accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.8, "{document}");
    let guess = document["baseline"]["accuracy"].as_f64().unwrap();
    assert!((0.2..0.5).contains(&guess), "{document}");
    for file in [
        "model.json",
        "model.safetensors",
        "metrics.json",
        "report.html",
        "split.csv",
    ] {
        assert!(scratch.path("model").join(file).is_file(), "{file}");
    }

    // The images it learned from are left out, so the same data gives the test score again.
    let again = scratch.run_json(&["evaluate", "model", "photos", "--format", "json"]);
    assert_eq!(again["metrics"], document["metrics"]);
    assert_eq!(again["images"], document["images"]["test"]);

    // What cannot be read is named, and counted, at an evaluation as well.
    scratch.write("photos/red/broken.jpg", "no picture");
    let named = scratch.run(&["evaluate", "model", "photos", "--format", "json"]);
    assert!(named.stderr.contains("broken.jpg"), "{named:?}");
    let named: serde_json::Value = serde_json::from_str(&named.stdout).unwrap();
    assert_eq!(named["set_aside_count"], 1);
    std::fs::remove_file(scratch.path("photos/red/broken.jpg")).unwrap();

    scratch.picture("new.png", GREEN, 14, 99);
    let answer = scratch.run_json(&["predict", "model", "new.png", "--format", "json"]);
    assert_eq!(answer["predictions"][0]["class"], "green", "{answer}");

    let csv = scratch.run(&["predict", "model", "photos/red", "--format", "csv"]);
    assert_eq!(csv.status, 0);
    assert_eq!(
        csv.stdout.lines().next(),
        Some("image,class,blue,green,red")
    );
    assert_eq!(csv.stdout.lines().count(), 15);
}

#[test]
fn the_same_seed_gives_the_same_bits_and_another_seed_does_not() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 12);
    for (model, seed) in [("a", "3"), ("b", "3"), ("c", "4")] {
        let ran = scratch.run(&["train", "photos", "--out", model, "--seed", seed]);
        assert_eq!(ran.status, 0, "{ran:?}");
    }
    // Without the store: what is computed is what was stored.
    let ran = scratch.run(&["train", "photos", "--out", "d", "--seed", "3", "--no-cache"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let weights = |model: &str| read(&scratch.path(model).join("model.safetensors"));
    assert!(weights("a") == weights("b"));
    assert!(weights("a") == weights("d"));
    assert!(weights("a") != weights("c"));
}

#[test]
fn two_names_in_a_table_become_one_sigmoid_unit() {
    let scratch = Scratch::new();
    let mut table = "file,state\n".to_owned();
    for number in 0..14 {
        scratch.picture(&format!("cells/ok{number}.png"), GREEN, 12, number);
        scratch.picture(&format!("cells/bad{number}.png"), RED, 12, number);
        table.push_str(&format!("cells/ok{number}.png,functional\n"));
        table.push_str(&format!("cells/bad{number}.png,defective\n"));
    }
    scratch.write("cells.csv", &table);
    let document = scratch.run_json(&["train", "cells.csv", "--out", "model", "--format", "json"]);
    assert_eq!(document["task"], "binary");
    assert_eq!(document["units"], 1);
    assert_eq!(document["activation"], "sigmoid");
    // The name that means no is the negative, whatever the alphabet says.
    assert_eq!(document["names"][1], "defective");

    let asked = [
        "train",
        "cells.csv",
        "--out",
        "other",
        "--format",
        "json",
        "--positive",
    ];
    let other = scratch.run_json(&[&asked[..], &["functional"]].concat());
    assert_eq!(other["names"][1], "functional");
}

#[test]
fn names_in_one_cell_become_a_sigmoid_for_each_label() {
    let scratch = Scratch::new();
    let mut table = "image\tcolours\n".to_owned();
    for number in 0..10 {
        for (name, colour, labels) in [
            ("r", RED, "red|warm"),
            ("g", GREEN, "green"),
            ("b", BLUE, "blue"),
            ("n", [120, 120, 120], ""),
        ] {
            scratch.picture(&format!("{name}{number}.png"), colour, 14, number);
            table.push_str(&format!("{name}{number}.png\t{labels}\n"));
        }
    }
    scratch.write("table.tsv", &table);
    let document = scratch.run_json(&["train", "table.tsv", "--out", "model", "--format", "json"]);
    assert_eq!(document["task"], "multi-label");
    assert_eq!(document["units"], 4);
    assert_eq!(document["loss"], "binary-cross-entropy");
    assert!(document["metrics"]["accuracy"].is_null());
    assert!(
        document["metrics"]["mean_average_precision"]
            .as_f64()
            .unwrap()
            > 0.6
    );
}

#[test]
fn numbers_become_linear_units_that_answer_in_the_target_s_own_unit() {
    let scratch = Scratch::new();
    let mut table = String::new();
    for number in 0..40 {
        let radius = 6 + number % 20;
        scratch.picture(&format!("disc{number}.png"), RED, radius, number);
        // A unit far from 0 and 1: standardised targets would show.
        let area = 1000.5 + f64::from(radius * radius) * 3.1;
        table.push_str(&format!(
            "{{\"image\": \"disc{number}.png\", \"area\": {area}}}\n"
        ));
    }
    scratch.write("discs.jsonl", &table);
    let document =
        scratch.run_json(&["train", "discs.jsonl", "--out", "model", "--format", "json"]);
    assert_eq!(document["task"], "regression");
    assert_eq!(document["activation"], "linear");
    assert_eq!(document["loss"], "mean-squared-error");
    let answer = scratch.run_json(&["predict", "model", "disc3.png", "--format", "json"]);
    let value = answer["predictions"][0]["values"][0]["value"]
        .as_f64()
        .unwrap();
    assert!((500.0..4000.0).contains(&value), "{answer}");
}

#[test]
fn an_unreadable_image_is_set_aside_and_named_and_training_goes_on() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &THREE, 12);
    scratch.write("photos/red/broken.jpg", "this is no picture");
    let ran = scratch.run(&["train", "photos", "--out", "model", "--format", "json"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stderr.contains("broken.jpg"), "{ran:?}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["set_aside_count"], 1);
    let set_aside = document["set_aside"][0]["path"].as_str().unwrap();
    assert!(set_aside.ends_with("broken.jpg"), "{document}");
    let report = String::from_utf8(read(&scratch.path("model/report.html"))).unwrap();
    assert!(report.contains("broken.jpg"));
}

#[test]
fn quiet_prints_nothing_but_the_result() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 10);
    let ran = scratch.run(&[
        "train", "photos", "--out", "model", "--quiet", "--format", "json",
    ]);
    assert_eq!(ran.status, 0);
    assert_eq!(ran.stderr, "");
    serde_json::from_str::<serde_json::Value>(&ran.stdout).unwrap();
}

#[test]
fn features_are_written_as_safetensors_and_kept_for_the_next_run() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 10);
    let ran = scratch.run(&["features", "photos", "--out", "features.safetensors"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let bytes = read(&scratch.path("features.safetensors"));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("features").unwrap().shape(), [20, 1280]);
    assert_eq!(tensors.tensor("targets").unwrap().shape(), [20, 1]);
    assert_eq!(tensors.tensor("split").unwrap().shape(), [20]);

    // A path for each row, and the class that it lies in is its target.
    let images = tensors.tensor("images").unwrap().data().to_vec();
    let images = String::from_utf8(images).unwrap();
    let images: Vec<&str> = images.split('\0').collect();
    assert_eq!(images.len(), 20);
    let targets = tensors.tensor("targets").unwrap().data().to_vec();
    for (image, target) in images.iter().zip(targets.chunks_exact(4)) {
        assert!(scratch.path("photos").join(image).is_file(), "{image}");
        let red = f32::from_le_bytes(target.try_into().unwrap()) == 1.0;
        assert_eq!(image.starts_with("red"), red, "{image}");
    }
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let metadata = header.metadata().as_ref().unwrap();
    assert_eq!(metadata["split"], r#"["train","validation","test"]"#);
    assert_eq!(metadata["names"], r#"["green","red"]"#);

    let info = scratch.run(&["cache", "info"]);
    assert!(info.stdout.contains("images    20"), "{info:?}");
    let clear = scratch.run(&["cache", "clear"]);
    assert!(clear.stdout.contains("20 images"), "{clear:?}");
}
