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
fn a_size_that_no_network_wants_is_refused_before_the_image_is_looked_at() {
    let sides = [0, 1, 224, 4096, 4097, u32::MAX];
    let is_wanted = |side: u32| (1..=4096).contains(&side);
    for (width, height) in sides
        .into_iter()
        .flat_map(|width| sides.map(|side| (width, side)))
    {
        for method in ["stretch", "center-crop"] {
            let json = format!(
                r#"{{"width":{width},"height":{height},"method":"{method}","filter":"bicubic"}}"#
            );
            let stored = serde_json::from_str::<ImageFit>(&json);
            let fit = ImageFit::stretch(width, height);
            let decoded = decode(b"", &fit).unwrap_err();
            if is_wanted(width) && is_wanted(height) {
                assert_eq!(fit.check(), Ok(()));
                assert_eq!(decoded, DecodeError::Empty);
                assert_eq!(stored.unwrap().width, width);
            } else {
                assert_eq!(decoded, DecodeError::FitSize { width, height });
                let error = stored.unwrap_err().to_string();
                assert!(error.contains("1 to 4096 pixels a side"), "{error}");
            }
        }
    }
}

#[test]
fn every_shape_is_brought_to_every_shape() {
    let line = |width: u32, height: u32| {
        let mut png = std::io::Cursor::new(Vec::new());
        let image = image::RgbImage::from_pixel(width, height, image::Rgb([9, 8, 7]));
        image.write_to(&mut png, image::ImageFormat::Png).unwrap();
        png.into_inner()
    };
    for bytes in [line(1, 1), line(20_000, 1), line(1, 20_000)] {
        for (width, height) in [(1, 1), (4096, 1), (1, 4096), (224, 224)] {
            for method in [Fit::Stretch, Fit::CenterCrop] {
                let filter = Filter::Bicubic;
                let fit = ImageFit {
                    width,
                    height,
                    method,
                    filter,
                };
                let pixels = decode(&bytes, &fit).unwrap();
                assert_eq!(pixels.rgb.len(), (width * height * 3) as usize);
                assert_eq!(pixels.rgb[..3], [9, 8, 7], "{fit:?}");
            }
        }
    }
}

#[test]
fn planes_are_channels_first() {
    let pixels = Pixels {
        width: 2,
        height: 2,
        rgb: (0..12).collect(),
        ..Pixels::default()
    };
    let planes: Vec<f32> = pixels.planes().collect();
    assert_eq!(planes, [0., 3., 6., 9., 1., 4., 7., 10., 2., 5., 8., 11.]);
}

#[test]
fn frames_that_are_left_out_are_told() {
    let fit = ImageFit::stretch(20, 12);
    for name in expected().decoded.keys() {
        let pixels = decode(&fs::read(image(name)).unwrap(), &fit).unwrap();
        assert_eq!(
            pixels.pages_left_out,
            name.starts_with("animated"),
            "{name}"
        );
    }
}

/// A TIFF whose pages are a grey pixel each, of the given kinds (NewSubfileType).
fn pages(kinds: &[u32]) -> Vec<u8> {
    use tiff::{
        encoder::{TiffEncoder, colortype},
        tags::Tag,
    };
    let mut output = std::io::Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut output).unwrap();
    for kind in kinds {
        let mut page = encoder.new_image::<colortype::Gray8>(1, 1).unwrap();
        page.encoder()
            .write_tag(Tag::NewSubfileType, *kind)
            .unwrap();
        page.write_data(&[7]).unwrap();
    }
    output.into_inner()
}

#[test]
fn pages_that_are_left_out_are_told_and_previews_are_not_pages() {
    const PAGE: u32 = 2;
    const PREVIEW: u32 = 1;
    let left_out = |kinds: &[u32]| {
        let pixels = decode(&pages(kinds), &ImageFit::stretch(1, 1)).unwrap();
        pixels.pages_left_out
    };
    assert!(!left_out(&[0]));
    assert!(!left_out(&[0, PREVIEW, PREVIEW]));
    assert!(left_out(&[PAGE, PAGE]));
    assert!(left_out(&[0, PREVIEW, 0]));
}

#[test]
fn a_raw_file_is_not_taken_for_its_preview() {
    let error = decode(&pages(&[1, 0]), &ImageFit::stretch(1, 1)).unwrap_err();
    assert!(
        error.to_string().starts_with("a camera's raw file"),
        "{error}"
    );
}

#[test]
fn formats_that_are_not_read_are_called_by_their_name() {
    for (bytes, name) in [
        (&b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"[..], "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "AVIF"),
        (
            b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom",
            "a camera's raw file (CR3)",
        ),
        (b"II*\0\x10\0\0\0CR\x02\0", "a camera's raw file (CR2)"),
        (b"\0\0\0\x0CjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xFF\x0A\0\0", "JPEG XL"),
        (b"8BPS\0\x01", "Photoshop's PSD"),
        (b"\0\0\x01\0\x01\0", "ICO"),
        (b"P6 1 1 255 abc", "PNM (PBM, PGM, PPM)"),
        (b"<?xml version=\"1.0\"?>\n<!-- x -->\n<svg/>", "SVG"),
        (b"\xEF\xBB\xBF<SVG>", "SVG"),
    ] {
        let error = decode(bytes, &ImageFit::stretch(1, 1)).unwrap_err();
        let message = format!("{name} is not read; convert to JPEG or PNG");
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_rare_kind_of_a_format_is_told_in_plain_words() {
    // The photometric interpretation, tag 262 of type 3, becomes CIE L*a*b*.
    let mut bytes = fs::read(image("rgb.tif")).unwrap();
    let tag = bytes
        .windows(4)
        .position(|tag| tag == [6, 1, 3, 0])
        .unwrap();
    bytes[tag + 8] = 8;
    let error = decode(&bytes, &ImageFit::stretch(1, 1)).unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("this kind of TIFF ("), "{message}");
    assert!(
        message.ends_with(") is not read; convert to JPEG or PNG"),
        "{message}"
    );
    assert!(!message.contains("decoder"), "{message}");
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
