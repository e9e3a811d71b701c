//! `finial inspect` and `finial explain` through the binary.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::fs;

use image::{Rgb, RgbImage};
use support::{BLUE, GREEN, RED, Scratch};

/// Three classes with a flipped label, a picture in two classes, an empty picture, a strip.
fn faulty() -> Scratch {
    let scratch = Scratch::new();
    let three = [("blue", BLUE), ("green", GREEN), ("red", RED)];
    scratch.class_folders("photos", &three, 16);
    scratch.picture("photos/red/flipped.png", GREEN, 13, 31);
    let one = image::open(scratch.path("photos/blue/3.png")).unwrap();
    let larger = one.resize(90, 90, image::imageops::FilterType::Triangle);
    larger.save(scratch.path("photos/green/twin.png")).unwrap();
    let blank = RgbImage::from_pixel(64, 64, Rgb([200; 3]));
    blank.save(scratch.path("photos/red/blank.png")).unwrap();
    let strip = one.resize_exact(300, 40, image::imageops::FilterType::Triangle);
    strip.save(scratch.path("photos/blue/strip.png")).unwrap();
    scratch
}

#[test]
fn injected_faults_are_found_and_twice_the_same() {
    let scratch = faulty();
    let inspect = [
        "inspect",
        "photos",
        "--format",
        "json",
        "--out",
        "page.html",
        "--predictions",
        "said.csv",
    ];
    let found = scratch.run_json(&inspect);
    let names = |list: &str| -> Vec<String> {
        let list = found[list].as_array().unwrap().iter();
        list.map(|one| one["image"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(
        names("labels").contains(&"red/flipped.png".to_owned()),
        "{found}"
    );
    let twins = found["twins"].as_array().unwrap();
    let is_pair = |twins: &&serde_json::Value| {
        let images = &twins["images"];
        images[0]["image"] == "blue/3.png" && images[1]["image"] == "green/twin.png"
    };
    let pair = twins.iter().find(is_pair);
    assert_eq!(pair.unwrap()["across_labels"], true);
    let odd = found["odd"].as_array().unwrap();
    let reason = |image: &str| {
        let of_image = odd.iter().filter(|one| one["image"] == image);
        of_image
            .map(|one| one["reason"].as_str().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(reason("red/blank.png"), ["blank"]);
    assert!(reason("blue/strip.png").contains(&"shape"), "{odd:?}");

    let page = fs::read_to_string(scratch.path("page.html")).unwrap();
    assert!(
        page.contains("red/<wbr/>flipped") || page.contains("flipped.png"),
        "no path"
    );
    assert!(page.contains("data:image/jpeg"));
    let said = fs::read_to_string(scratch.path("said.csv")).unwrap();
    assert_eq!(
        said.lines().next(),
        Some("image,split,label,blue,green,red")
    );
    assert_eq!(
        said.lines().count() as u64,
        found["images"].as_u64().unwrap() + 1
    );

    let again = scratch.run_json(&["inspect", "photos", "--format", "json", "--no-cache"]);
    assert_eq!(again, found);
    let told = scratch.run(&["inspect", "photos"]);
    assert!(
        told.stdout.contains("Labels that are probably wrong: "),
        "{told:?}"
    );
    assert!(
        told.stdout.contains("Images with nothing on them: 1"),
        "{told:?}"
    );
}

#[test]
fn a_number_far_from_what_is_seen_is_found() {
    let scratch = Scratch::new();
    let mut table = "file,radius\n".to_owned();
    for number in 0..60 {
        let radius = 4 + number % 20;
        scratch.picture(&format!("{number}.png"), RED, radius, number);
        let told = if number == 7 { 90 } else { radius };
        table.push_str(&format!("{number}.png,{told}\n"));
    }
    scratch.write("table.csv", &table);
    let found = scratch.run_json(&[
        "inspect",
        "table.csv",
        "--task",
        "regression",
        "--format",
        "json",
    ]);
    assert_eq!(found["labels"][0]["image"], "7.png", "{found}");
    assert_eq!(found["labels"][0]["about"], "radius");
}

#[test]
fn what_a_model_says_is_explained_on_pictures_that_are_not_overwritten() {
    let scratch = Scratch::new();
    scratch.class_folders("photos", &[("green", GREEN), ("red", RED)], 12);
    let ran = scratch.run(&["train", "photos", "--out", "model", "--epochs", "20"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let report = fs::read_to_string(scratch.path("model/report.html")).unwrap();
    assert!(report.starts_with("<!DOCTYPE html>"));

    scratch.picture("new.png", RED, 14, 99);
    let found = scratch.run_json(&[
        "explain", "model", "new.png", "--out", "maps", "--format", "json",
    ]);
    let maps = &found["explanations"][0]["maps"];
    assert_eq!(maps[0]["name"], found["explanations"][0]["class"]);
    assert_eq!(maps[0]["heat"].as_array().unwrap().len(), 7);
    let file = scratch.path(maps[0]["file"].as_str().unwrap());
    assert_eq!(image::open(&file).unwrap().width(), 224);

    let again = scratch.run(&["explain", "model", "new.png", "--out", "maps"]);
    assert_eq!(again.status, 2, "{again:?}");
    let both = [
        "explain", "model", "new.png", "--class", "green", "--class", "red",
    ];
    assert_eq!(scratch.run(&both).stdout.lines().count(), 3);
    let unknown = scratch.run(&[
        "explain", "model", "new.png", "--class", "rde", "--out", "x",
    ]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("red"), "{unknown:?}");
}
