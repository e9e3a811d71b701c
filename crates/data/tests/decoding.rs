//! What is read of image files, against what Pillow sees (`make_images.py`).

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use finial_data::{DecodeError, Filter, Fit, ImageFit, Pixels, decode, thumbnail};
use serde::Deserialize;

#[derive(Deserialize)]
struct Expected {
    decoded: BTreeMap<String, Picture>,
    resized: Vec<Resized>,
}

#[derive(Deserialize)]
struct Picture {
    width: u32,
    height: u32,
    rgb: String,
}

#[derive(Deserialize)]
struct Resized {
    file: String,
    method: Fit,
    filter: Filter,
    #[serde(flatten)]
    picture: Picture,
}

impl Picture {
    fn rgb(&self) -> Vec<u8> {
        let digits = self.rgb.as_bytes().chunks(2);
        let byte = |digits| u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap();
        digits.map(byte).collect()
    }
}

fn image(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/images")
        .join(name)
}

fn expected() -> Expected {
    serde_json::from_slice(&fs::read(image("expected.json")).unwrap()).unwrap()
}

/// Largest and mean difference of two images.
fn difference(found: &[u8], expected: &[u8]) -> (u8, f64) {
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    let differences: Vec<u8> = pairs.map(|(one, other)| one.abs_diff(*other)).collect();
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    (
        differences.iter().copied().max().unwrap_or(0),
        sum / differences.len() as f64,
    )
}

/// Lossless formats come out the same but for the rounding of alpha and of 16 bits. Lossy ones
/// differ in how decoders round and, where colour is stored coarser than light, in how they
/// interpolate it.
fn tolerance(name: &str) -> (u8, f64) {
    match name {
        "subsampled.jpg" | "lossy.webp" => (12, 1.5),
        "ycck.jpg" => (4, 1.0),
        name if name.ends_with(".jpg") => (3, 0.7),
        _ => (1, 0.5),
    }
}

#[test]
fn every_format_and_mode_is_seen_as_pillow_sees_it() {
    let expected = expected().decoded;
    assert!(expected.len() > 40);
    let mut wrong = Vec::new();
    for (name, picture) in &expected {
        let fit = ImageFit::stretch(picture.width, picture.height);
        match decode(&fs::read(image(name)).unwrap(), &fit) {
            Ok(pixels) => {
                let (most, mean) = difference(&pixels.rgb, &picture.rgb());
                let (most_allowed, mean_allowed) = tolerance(name);
                if most > most_allowed || mean > mean_allowed {
                    wrong.push(format!("{name}: off by up to {most}, {mean:.2} on average"));
                }
            }
            Err(error) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn images_are_resized_as_pillow_resizes_them() {
    let expected = expected().resized;
    assert!(!expected.is_empty());
    for Resized {
        file,
        method,
        filter,
        picture,
    } in expected
    {
        let fit = ImageFit {
            width: picture.width,
            height: picture.height,
            method,
            filter,
        };
        let pixels = decode(&fs::read(image(&file)).unwrap(), &fit).unwrap();
        let (most, _) = difference(&pixels.rgb, &picture.rgb());
        assert!(most <= 2, "{file} with {fit:?} is off by {most}");
    }
}

#[test]
fn the_format_is_told_by_the_content_and_not_by_the_name() {
    // `decode` gets no name; a PNG and a JPEG of one picture are nearly the same pixels.
    let fit = ImageFit::stretch(20, 12);
    let [png, jpeg] = ["rgb.png", "rgb.jpg"].map(|name| {
        let Pixels { rgb, .. } = decode(&fs::read(image(name)).unwrap(), &fit).unwrap();
        rgb
    });
    assert!(difference(&png, &jpeg).1 < 3.0);
}

#[test]
fn a_fit_survives_a_model_file() {
    let fit = ImageFit::stretch(224, 192);
    let json = serde_json::to_string(&fit).unwrap();
    assert_eq!(
        json,
        r#"{"width":224,"height":192,"method":"stretch","filter":"bilinear"}"#
    );
    assert_eq!(serde_json::from_str::<ImageFit>(&json).unwrap(), fit);
}

#[test]
fn a_size_of_nothing_is_refused() {
    let error = decode(b"", &ImageFit::stretch(0, 224)).unwrap_err();
    assert!(matches!(error, DecodeError::NoSize { width: 0, .. }));
}

#[test]
fn thumbnails_are_upright_jpegs_that_keep_their_shape() {
    let size = |name: &str, side| {
        let jpeg = thumbnail(&fs::read(image(name)).unwrap(), side).unwrap();
        let decoded = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg).unwrap();
        (decoded.width(), decoded.height())
    };
    assert_eq!(size("photo.jpg", 80), (80, 60));
    assert_eq!(size("photo.jpg", 1), (1, 1));
    assert_eq!(size("rgb.png", 80), (20, 12));
    assert_eq!(size("oriented_6.png", 10), (6, 10));
}
