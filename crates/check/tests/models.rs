//! Models of Keras, ONNX and finial: what is found in them, and their repaired copies.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::{Path, PathBuf};

use finial_check::{Options, Report, check};
use finial_task::{RawLabels, Request, infer};

fn look(file: &str) -> Report {
    check(&[Path::new("tests/models").join(file)], &Options::default())
}

fn codes(report: &Report) -> Vec<&'static str> {
    assert!(report.skipped().is_empty(), "{:?}", report.skipped());
    report.findings().iter().map(|f| f.code()).collect()
}

#[test]
fn each_kind_of_file_is_read() {
    let expected: &[(&str, &[&str])] = &[
        ("one_unit.keras", &["FIN001"]),
        ("one_unit.h5", &["FIN001"]),
        ("one_unit.onnx", &["FIN001"]),
        ("right.keras", &[]),
        ("right.onnx", &[]),
        ("logits.keras", &[]),
        ("logits_twice.keras", &["FIN005"]),
        ("no_activation.keras", &["FIN004"]),
        ("old.h5", &["FIN103"]),
        ("other_classes.onnx", &["FIN401"]),
    ];
    for (file, codes_expected) in expected {
        assert_eq!(codes(&look(file)), *codes_expected, "{file}");
    }
}

#[test]
fn a_finding_names_the_layer() {
    for file in ["one_unit.keras", "no_activation.keras", "one_unit.onnx"] {
        insta::assert_snapshot!(file, look(file).text(false));
    }
    let json = look("one_unit.keras").json();
    assert_eq!(json[0]["layer"], "answer");
    let github = look("one_unit.keras").github();
    assert!(github.contains("layer `answer`"), "{github}");
}

#[test]
fn a_repaired_copy_is_written_beside_the_model() {
    let folder = tempfile::tempdir().unwrap();
    for (name, repair) in [
        ("one_unit", "\"sigmoid\""),
        ("logits_twice", "from_logits\": false"),
        ("no_activation", "\"softmax\""),
    ] {
        let model = folder.path().join(format!("{name}.keras"));
        fs::copy(format!("tests/models/{name}.keras"), &model).unwrap();
        let before = fs::read(&model).unwrap();
        let report = check(std::slice::from_ref(&model), &Options::default());
        let repaired = report.repaired();
        assert_eq!(repaired.len(), 1, "{name}");
        repaired[0].write().unwrap();
        assert_eq!(fs::read(&model).unwrap(), before);
        let copy = folder.path().join(format!("{name}.repaired.keras"));
        assert_eq!(repaired[0].target(), copy);
        let left = check(std::slice::from_ref(&copy), &Options::default());
        assert_eq!(codes(&left), Vec::<&str>::new(), "{name}");
        let read = finial_formats::keras::configuration(&copy)
            .unwrap()
            .unwrap();
        let json = serde_json::to_string_pretty(&read.model).unwrap();
        assert!(json.contains(repair), "{name}: {json}");
        // What is there stays.
        assert!(repaired[0].write().is_err());
    }
}

#[test]
fn no_repair_is_offered_where_no_copy_can_be_written() {
    for file in ["one_unit.h5", "one_unit.onnx", "old.h5"] {
        let report = look(file);
        assert!(report.findings().iter().all(|f| f.fix().is_none()));
        assert!(report.repaired().is_empty());
    }
}

#[test]
fn labels_beside_a_model_are_compared_with_its_head() {
    let beside = |names: &[&str], file: &str| {
        let folders = names.repeat(4).into_iter().map(String::from);
        let labels = RawLabels::Folders(folders.collect());
        let labels = infer(&labels, &Request::default(), &|at| at.to_string()).unwrap();
        let options = Options::default().beside(&labels, "photos/");
        codes(&check(
            &[PathBuf::from("tests/models").join(file)],
            &options,
        ))
    };
    let three = ["cat", "dog", "fox"];
    assert!(beside(&three, "right.keras").is_empty());
    assert!(beside(&three, "logits.keras").is_empty());
    assert_eq!(beside(&["a", "b", "c", "d"], "right.keras"), ["FIN401"]);
    assert_eq!(beside(&["a", "b"], "right.keras"), ["FIN401", "FIN402"]);
    assert_eq!(
        beside(&three, "one_unit.keras"),
        ["FIN401", "FIN001", "FIN403"]
    );
}

#[test]
fn models_are_found_in_folders() {
    let folder = tempfile::tempdir().unwrap();
    for file in ["one_unit.keras", "one_unit.h5", "one_unit.onnx"] {
        fs::copy(format!("tests/models/{file}"), folder.path().join(file)).unwrap();
    }
    let report = check(&[folder.path().to_owned()], &Options::default());
    assert_eq!(report.files(), 2);
    assert_eq!(codes(&report), ["FIN001", "FIN001"]);
}

/// A folder that `finial train` wrote, of its last nodes and without weights, with something in its
/// `model.json` replaced.
fn folder_with(from: &str, to: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let record = fs::read_to_string("tests/models/trained/model.json").unwrap();
    assert!(record.contains(from), "{from}");
    let record = record.replace(from, to);
    fs::write(folder.path().join("model.json"), record).unwrap();
    let weights = "model.safetensors";
    let kept = Path::new("tests/models/trained").join(weights);
    fs::copy(kept, folder.path().join(weights)).unwrap();
    folder
}

#[test]
fn a_model_folder_of_finial_is_compared_with_its_own_task() {
    assert!(codes(&look("trained")).is_empty());
    let changed: &[(&str, &str, &[&str])] = &[
        ("\"op\": \"softmax\"", "\"op\": \"sigmoid\"", &["FIN402"]),
        ("\"units\": 7", "\"units\": 6", &["FIN401"]),
        ("\"op\": \"softmax\"", "\"op\": \"relu\"", &["FIN402"]),
    ];
    for (from, to, expected) in changed {
        let folder = folder_with(from, to);
        let report = check(&[folder.path().to_owned()], &Options::default());
        assert_eq!(codes(&report), *expected, "{from} as {to}");
        assert!(report.findings()[0].layer().is_some());
    }
}

#[test]
fn a_model_folder_in_a_folder_is_one_file() {
    let model = folder_with("\"units\": 7", "\"units\": 6");
    let above = tempfile::tempdir().unwrap();
    fs::rename(model.path(), above.path().join("flowers")).unwrap();
    let report = check(&[above.path().to_owned()], &Options::default());
    assert_eq!((report.files(), codes(&report)), (1, vec!["FIN401"]));
}

#[test]
fn a_folder_whose_record_is_broken_is_said_to_be_so() {
    let folder = folder_with("\"graph\"", "\"nodes\"");
    let report = check(&[folder.path().to_owned()], &Options::default());
    assert_eq!(report.exit_code(), 2);
    assert!(report.skipped()[0].reason.contains("graph"));
}

#[test]
fn a_file_that_is_no_model_is_said_to_be_none() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.keras", "a.h5", "a.onnx", "a.json"] {
        let path = folder.path().join(name);
        fs::write(&path, b"\x00\x01 nothing").unwrap();
        let report = check(&[path], &Options::default());
        assert_eq!(report.exit_code(), 2, "{name}");
        let told = report.skipped()[0].to_string();
        assert_eq!(told.matches(name).count(), 1, "{told}");
    }
}
