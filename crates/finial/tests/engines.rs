//! Engines as a user meets them: chosen, forced, absent, and listed by `finial doctor`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use support::{GREEN, RED, Scratch};

/// Runs with OpenVINO switched off, so that every machine has the same.
fn without_openvino(scratch: &Scratch, arguments: &[&str]) -> (i32, String, String) {
    let mut command = scratch.command(arguments);
    let output = command.env("FINIAL_OPENVINO", "off").output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn an_engine_that_is_not_there_is_refused_with_the_reason_and_nothing_is_written() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 12);
    let train = ["train", "photos", "--out", "model", "--engine", "openvino"];
    let (status, stdout, stderr) = without_openvino(&scratch, &train);
    assert_eq!((status, stdout.as_str()), (2, ""), "{stderr}");
    assert!(
        stderr.contains("no engine for --engine openvino: openvino: FINIAL_OPENVINO is off"),
        "{stderr}"
    );
    assert!(stderr.contains("finial doctor"), "{stderr}");
    assert!(!scratch.path("model").exists());
    let precise = [&train[..4], &["--engine", "burn", "--precision", "bf16"]].concat();
    let (status, _, stderr) = without_openvino(&scratch, &precise);
    assert_eq!(status, 2);
    assert!(stderr.contains("f32 only"), "{stderr}");
}

#[test]
fn a_library_that_is_none_is_named_and_the_next_engine_runs() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 12);
    scratch.write("libopenvino_c.so", "not a library");
    let arguments = ["train", "photos", "--out", "model", "--epochs", "1"];
    let mut command = scratch.command(&arguments);
    let output = command.env("FINIAL_OPENVINO", "libopenvino_c.so").output();
    let output = output.unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{stderr}");
    assert!(stderr.contains("note: openvino is not used"), "{stderr}");
    assert!(stderr.contains("engine: "), "{stderr}");
    // What ran is in the model.
    let record = std::fs::read_to_string(scratch.path("model/model.json")).unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    let engine = record["provenance"]["engine"]["engine"].as_str().unwrap();
    assert_ne!(engine, "openvino");
}

#[test]
fn doctor_lists_engines_speeds_and_why_one_is_not_used() {
    let scratch = Scratch::new();
    let (status, text, stderr) = without_openvino(&scratch, &["doctor"]);
    assert_eq!(status, 0, "{stderr}");
    for part in [
        "processor",
        "not used: openvino: FINIAL_OPENVINO is off",
        "--engine auto takes",
        "FINIAL_CACHE=",
    ] {
        assert!(text.contains(part), "no `{part}` in {text}");
    }
    let (_, json, _) = without_openvino(&scratch, &["doctor", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&json).unwrap();
    let engines = found["engines"].as_array().unwrap();
    let burn = engines.iter().find(|e| e["engine"] == "burn").unwrap();
    assert_eq!(burn["agrees"], true);
    assert!(
        burn["outcome"]["ran"]["images_per_second"]
            .as_f64()
            .unwrap()
            > 0.0
    );
    assert_eq!(found["openvino"]["absent"], "FINIAL_OPENVINO is off");
    // It looks, and leaves nothing behind.
    assert!(!scratch.path("cache").exists());
}
