//! Bad input: a clear error that says where, exit status 2, and nothing left behind.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use support::{GREEN, RED, Scratch};

/// Trains on `data`; the run must fail with status 2, say each of `parts`, and leave no model.
fn refused(scratch: &Scratch, data: &str, more: &[&str], parts: &[&str]) {
    let before = scratch.names();
    let ran = scratch.run(&[&["train", data, "--out", "model"], more].concat());
    assert_eq!(ran.status, 2, "{ran:?}");
    assert_eq!(ran.stdout, "");
    assert!(ran.stderr.contains("help"), "no way out: {ran:?}");
    for part in parts {
        assert!(ran.stderr.contains(part), "expected `{part}` in {ran:?}");
    }
    assert_eq!(scratch.names(), before);
}

/// A table of `rows` with an image for each of `pictures`.
fn table(pictures: &[&str], rows: &str) -> Scratch {
    let scratch = Scratch::new();
    for (number, picture) in pictures.iter().enumerate() {
        scratch.picture(picture, RED, 10, number as u32);
    }
    scratch.write("photos.csv", rows);
    scratch
}

#[test]
fn data_that_is_not_there() {
    refused(&Scratch::new(), "nowhere", &[], &["nowhere"]);
}

#[test]
fn a_backbone_that_is_none_is_told_before_the_data_is_read() {
    let more = ["--backbone", "resnet-50"];
    refused(
        &Scratch::new(),
        "nowhere",
        &more,
        &["there is no backbone `resnet-50`", "resnet50"],
    );
}

#[test]
fn files_of_a_backbone_that_are_not_there_are_told_before_the_data_is_read() {
    let model = ["--backbone", "absent.keras"];
    refused(&Scratch::new(), "nowhere", &model, &["absent.keras"]);
    let weights = ["--backbone", "vgg16", "--weights", "absent.h5"];
    refused(&Scratch::new(), "nowhere", &weights, &["absent.h5"]);
}

#[test]
fn offline_weights_that_are_not_kept_are_asked_for_and_nothing_is_said_to_be_fetched() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("red", RED), ("green", GREEN)], 6);
    let arguments = ["train", "photos", "--out", "model", "--backbone", "vgg16"];
    let output = scratch
        .command(&arguments)
        .env("FINIAL_OFFLINE", "1")
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(
        said.contains("FINIAL_OFFLINE") && said.contains("--weights FILE"),
        "{said}"
    );
    assert!(!said.contains("fetching"), "{said}");
    assert!(!scratch.path("model").exists());
}

#[test]
fn an_empty_folder() {
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("photos")).unwrap();
    refused(&scratch, "photos", &[], &["photos"]);
}

#[test]
fn one_class_only() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("red", RED)], 4);
    refused(&scratch, "photos", &[], &["`red`"]);
}

#[test]
fn a_class_with_a_single_image() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("red", RED)], 10);
    scratch.picture("photos/green/only.png", GREEN, 10, 1);
    refused(&scratch, "photos", &[], &["`green`", "1"]);
}

#[test]
fn a_row_whose_image_is_missing() {
    let scratch = table(&["a.png"], "image,label\na.png,x\ngone.png,y\n");
    refused(&scratch, "photos.csv", &[], &["photos.csv:3", "gone.png"]);
}

#[test]
fn a_number_that_is_none() {
    let pictures = ["a.png", "b.png", "c.png", "d.png"];
    let rows = "image,price\na.png,1.5\nb.png,2.25\nc.png,cheap\nd.png,4.75\n";
    let scratch = table(&pictures, rows);
    refused(
        &scratch,
        "photos.csv",
        &["--task", "regression"],
        &["photos.csv:4", "`cheap`"],
    );
}

#[test]
fn a_target_that_is_nan() {
    let mut rows = "image,price\n".to_owned();
    let names: Vec<String> = (0..12).map(|i| format!("{i}.png")).collect();
    for (i, name) in names.iter().enumerate() {
        let price = if i == 7 {
            "NaN".to_owned()
        } else {
            format!("{}.5", i)
        };
        rows.push_str(&format!("{name},{price}\n"));
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    refused(
        &table(&names, &rows),
        "photos.csv",
        &[],
        &["photos.csv:9", "`NaN`"],
    );
}

#[test]
fn two_images_of_one_name() {
    let scratch = table(
        &["a.png", "b.png"],
        "image,label\na.png,x\nb.png,y\na.png,y\n",
    );
    refused(&scratch, "photos.csv", &[], &["photos.csv:4", "a.png", "2"]);
}

#[test]
fn an_output_that_exists() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 3);
    scratch.write("model/mine.txt", "precious");
    refused(&scratch, "photos", &[], &["model", "exists"]);
    let kept = std::fs::read_to_string(scratch.path("model/mine.txt")).unwrap();
    assert_eq!(kept, "precious");
}

#[test]
fn more_than_one_unreadable_image_in_ten() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 8);
    for i in 0..3 {
        scratch.write(&format!("photos/red/broken{i}.jpg"), "no picture");
    }
    refused(&scratch, "photos", &[], &["3 of 19", "broken0.jpg"]);
    let all_the_same = ["train", "photos", "--out", "model", "--allow-unreadable"];
    assert_eq!(scratch.run(&all_the_same).status, 0);
}

#[test]
fn a_column_that_is_misspelt() {
    let scratch = table(&["a.png", "b.png"], "image,label\na.png,x\nb.png,y\n");
    refused(
        &scratch,
        "photos.csv",
        &["--label-column", "lable"],
        &["lable", "label"],
    );
}

#[test]
fn a_task_that_the_labels_do_not_fit() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 3);
    refused(
        &scratch,
        "photos",
        &["--task", "multi-class"],
        &["three or more", "binary"],
    );
    refused(
        &scratch,
        "photos",
        &["--task", "sorting"],
        &["sorting", "multi-class"],
    );
}

#[test]
fn a_setting_out_of_range() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 3);
    for (flag, value, expected) in [
        ("--hidden", "-3", "0 to 65536"),
        ("--hidden", "100000", "0 to 65536"),
        ("--seed", "-1", "≥ 0"),
        ("--dropout", "1.5", "< 1"),
        ("--dropout", "-0.1", "≥ 0"),
        ("--epochs", "0", "≥ 1"),
        ("--patience", "0", "≥ 1"),
        ("--batch", "-8", "≥ 1"),
        ("--learning-rate", "-1e-3", "> 0"),
        ("--learning-rate", "NaN", "> 0"),
        ("--backbone", "resnet51", "resnet50"),
        ("--device", "abacus", "cpu"),
    ] {
        let name = flag.trim_start_matches('-');
        refused(&scratch, "photos", &[flag, value], &[name, value, expected]);
    }
}

#[test]
fn a_head_that_is_given_and_to_be_chosen() {
    for given in [["--hidden", "64"], ["--weight-decay", "0.1"]] {
        let more = ["--head", "auto", given[0], given[1]];
        let parts = ["--head auto", &given.join(" ")];
        refused(&Scratch::new(), "photos", &more, &parts);
    }
}

#[test]
fn a_folder_that_is_no_model() {
    let scratch = Scratch::new();
    scratch.picture("a.png", RED, 10, 0);
    scratch.write("model/model.json", "{}");
    let ran = scratch.run(&["predict", "model", "a.png"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    assert!(ran.stderr.contains("model.json"), "{ran:?}");
}

#[test]
fn an_image_without_an_answer_is_named_and_the_others_are_answered() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 10);
    assert_eq!(
        scratch.run(&["train", "photos", "--out", "model"]).status,
        0
    );
    scratch.write("mixed/a.jpg", "no picture");
    scratch.picture("mixed/b.png", RED, 10, 50);
    let ran = scratch.run(&["predict", "model", "mixed"]);
    assert_eq!(ran.status, 2);
    assert!(ran.stderr.contains("a.jpg"), "{ran:?}");
    assert!(ran.stdout.contains("b.png\tred"), "{ran:?}");
    let empty = scratch.path("empty");
    std::fs::create_dir(empty).unwrap();
    assert_eq!(scratch.run(&["predict", "model", "empty"]).status, 2);
}

#[test]
fn a_demo_that_could_not_start_does_not_stand_in_the_way_of_the_next() {
    let scratch = Scratch::new();
    for _ in 0..2 {
        let ran = scratch.run(&["demo", "--device", "abacus"]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("abacus"), "{ran:?}");
    }
}
