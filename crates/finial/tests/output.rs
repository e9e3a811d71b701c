//! What scripts and terminals get: streams that close, names that are odd, files that are new.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::process::{Command, Stdio};

use support::{GREEN, RED, Scratch, read};

/// A scratch folder with a small model that tells green from red.
fn trained() -> Scratch {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 10);
    let ran = scratch.run(&["train", "photos", "--out", "model", "--epochs", "2", "-q"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    scratch
}

#[test]
fn a_training_says_its_scores_beside_those_of_a_guess_and_what_to_mind() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 10);
    let ran = scratch.run(&["train", "photos", "--out", "model", "--epochs", "1"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(ran.stdout.starts_with("binary model in model\n"), "{ran:?}");
    for part in [
        "(guessing: 0.500)",
        "images it never saw",
        "to test on is few",
        "still improving at the last epoch: try --epochs 3",
    ] {
        assert!(ran.stdout.contains(part), "expected `{part}` in {ran:?}");
    }
    let ran = scratch.run(&["evaluate", "model", "photos", "--include-seen"]);
    assert!(ran.stdout.starts_with("binary model in model\n"), "{ran:?}");
    assert!(ran.stdout.contains("(guessing: 0.500)"), "{ran:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_does_not_stop_the_work() {
    let scratch = trained();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let status = scratch
        .command(&["predict", "model", "photos/red/1.png", "photos/gone.png"])
        .stderr(full.unwrap())
        .stdout(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(2));
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
    let status = scratch
        .command(&["train", "photos", "--out", "other", "--epochs", "1"])
        .stderr(full.unwrap())
        .stdout(Stdio::null())
        .status();
    assert_eq!(status.unwrap().code(), Some(0));
    assert!(scratch.path("other/model.json").is_file());
}

#[test]
fn a_reader_that_goes_away_ends_the_work_without_a_fault() {
    let scratch = trained();
    // So many answers that whoever goes on after the first will meet the file that is not there.
    let mut asked = vec!["predict", "model", "--quiet"];
    asked.extend(["photos/red/1.png"; 64]);
    asked.push("photos/gone.png");
    let mut running = scratch
        .command(&asked)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(running.stdout.take());
    let ended = running.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

#[test]
fn a_name_with_a_line_break_is_one_line_of_text_and_unchanged_in_csv() {
    let scratch = trained();
    let name = "new/odd\nname\u{1b}[31m,.png";
    scratch.picture(name, RED, 12, 50);
    let text = scratch.run(&["predict", "model", "new"]);
    assert_eq!(text.status, 0, "{text:?}");
    assert_eq!(text.stdout.lines().count(), 1, "{text:?}");
    assert!(text.stdout.contains("odd\\nname\\u{1b}[31m,.png\tred"));

    let csv = scratch.run(&["predict", "model", "new", "--format", "csv"]);
    let mut table = csv::Reader::from_reader(csv.stdout.as_bytes());
    let row = table.records().next().unwrap().unwrap();
    assert_eq!(&row[0], name);
    let json = scratch.run_json(&["predict", "model", "new", "--format", "json"]);
    assert_eq!(json["predictions"][0]["image"], name);

    // Not UTF-8: the same bytes again.
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::ffi::OsStrExt;
        let odd = std::ffi::OsStr::from_bytes(b"caf\xe9.png");
        std::fs::rename(scratch.path(name), scratch.path("new").join(odd)).unwrap();
        let run = scratch.command(&["predict", "model", "new", "--format", "csv"]);
        let printed = { run }.output().unwrap().stdout;
        let found = printed.windows(8).any(|part| part == b"caf\xe9.png");
        assert!(found, "{printed:?}");
    }
}

#[test]
fn a_file_that_is_not_there_is_an_error_however_quiet() {
    let scratch = trained();
    let ran = scratch.run(&["predict", "model", "gone.png", "photos/red/1.png", "-q"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    let expected = "error: gone.png: there is no such file\n";
    assert!(ran.stderr.starts_with(expected), "{ran:?}");
    assert!(ran.stdout.starts_with("photos/red/1.png\t"), "{ran:?}");

    for command in ["predict", "evaluate"] {
        let ran = scratch.run(&[command, "no-model", "photos"]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains("no-model: there is no such file"));
    }
}

#[test]
fn an_output_that_cannot_be_written_is_found_before_the_work() {
    let scratch = trained();
    scratch.write("taken.html", "mine");
    let before = scratch.names();
    for (asked, part) in [
        (["features", "photos", "--out", "none/f"], "no such folder"),
        (["features", "photos", "--out", "taken.html"], "exists"),
    ] {
        let ran = scratch.run(&asked);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "work began: {ran:?}");
        assert!(ran.stderr.contains(part), "{ran:?}");
        assert!(!ran.stderr.contains("model"), "{ran:?}");
    }
    for name in ["none/r.html", "taken.html"] {
        let ran = scratch.run(&["evaluate", "model", "photos", "--report", name]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.starts_with("error: "), "work began: {ran:?}");
    }
    assert_eq!(scratch.names(), before);
    assert_eq!(read(&scratch.path("taken.html")), b"mine");
}

#[test]
fn a_second_demo_names_the_reports_of_the_first() {
    let scratch = Scratch::new();
    scratch.write("finial-demo/models/fish/report.html", "a report");
    let ran = scratch.run(&["demo"]);
    assert_eq!(ran.status, 2, "{ran:?}");
    let report = ["finial-demo", "models", "fish", "report.html"];
    let report: std::path::PathBuf = report.iter().collect();
    assert!(ran.stderr.contains(report.to_str().unwrap()), "{ran:?}");
    assert!(!scratch.path("finial-demo/data").exists());
}

#[test]
fn the_caches_are_told_with_the_weights_in_them() {
    let scratch = Scratch::new();
    let told = |scratch: &Scratch| scratch.run(&["cache", "info"]).stdout;
    let features = scratch.path("cache").join("features");
    assert!(told(&scratch).starts_with(features.to_str().unwrap()));
    assert!(!told(&scratch).contains("weights"));
    scratch.write(
        "cache/weights/example.org/0123456789abcdef/vgg16.h5",
        "five!",
    );
    let weights = scratch.path("cache").join("weights");
    let told = told(&scratch);
    assert!(told.contains(weights.to_str().unwrap()), "{told}");
    assert!(told.contains("vgg16.h5  5 B"), "{told}");
}

#[test]
fn a_model_in_a_file_is_shown_layer_by_layer() {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../formats/tests/fixtures");
    let file = format!("{fixtures}/hdf5/small.keras");
    let shown = Scratch::new().run(&["backbones", &file]);
    assert_eq!(shown.status, 0, "{shown:?}");
    for part in [
        "Conv2d",
        "Softmax",
        "behind layer_norm, before its old head",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown:?}");
    }
}

#[test]
fn room_is_told_in_units_that_fit() {
    let info = Scratch::new().run(&["cache", "info"]);
    assert!(info.stdout.contains(" GB\n"), "{info:?}");
}

#[cfg(unix)]
#[test]
fn the_usage_names_the_program_whatever_it_was_started_as() {
    use std::os::unix::process::CommandExt;
    let mut command = Command::new(env!("CARGO_BIN_EXE_finial"));
    let help = command.arg0("/tmp/x").args(["train", "--help"]).output();
    let help = String::from_utf8(help.unwrap().stdout).unwrap();
    assert!(help.contains("Usage: finial train"), "{help}");
}
