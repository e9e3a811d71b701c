//! Files that are no images, or only half of one, are refused; none makes the program panic.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use finial_data::{DecodeError, ImageFit, decode, thumbnail};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const FIT: ImageFit = ImageFit {
    width: 16,
    height: 16,
    method: finial_data::Fit::Stretch,
    filter: finial_data::Filter::Bilinear,
};

fn images() -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut images: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|end| end != "json"))
        .collect();
    images.sort();
    let read = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    images.into_iter().map(read).collect()
}

fn read(name: &str) -> Vec<u8> {
    fs::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/images")
            .join(name),
    )
    .unwrap()
}

#[test]
fn an_empty_file_is_refused() {
    assert_eq!(decode(b"", &FIT), Err(DecodeError::Empty));
    assert_eq!(thumbnail(b"", 100), Err(DecodeError::Empty));
}

#[test]
fn text_under_an_image_name_is_called_text() {
    let found = |bytes: &[u8]| match decode(bytes, &FIT) {
        Err(DecodeError::NotAnImage { found }) => found,
        other => panic!("{other:?}"),
    };
    assert_eq!(found(b"404: not found"), "text");
    assert_eq!(found("\u{e4}".repeat(600).as_bytes()), "text");
    assert_eq!(found(b"\n<!DOCTYPE html><html>"), "a web page");
    assert_eq!(found(b"<?xml version='1.0'?><note/>"), "XML");
    assert_eq!(found(&[0x93, 0, 1, 2]), "other data");
}

#[test]
fn a_jpeg_is_refused_wherever_it_is_cut() {
    for name in [
        "photo.jpg",
        "photo_progressive.jpg",
        "restart.jpg",
        "grey.jpg",
        "cmyk.jpg",
    ] {
        let whole = read(name);
        assert!(decode(&whole, &FIT).is_ok());
        for end in (3..whole.len())
            .step_by(7)
            .chain([whole.len() - 2, whole.len() - 1])
        {
            let error = decode(&whole[..end], &FIT).unwrap_err();
            assert!(
                matches!(
                    error,
                    DecodeError::Truncated { .. } | DecodeError::Damaged { .. }
                ),
                "{name} cut at {end}: {error}"
            );
        }
    }
}

#[test]
fn stray_bytes_between_the_headers_of_a_jpeg_do_no_harm() {
    let mut bytes = read("photo.jpg");
    let whole = decode(&bytes, &FIT).unwrap();
    let table = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xDB])
        .unwrap();
    bytes.splice(table..table, [0; 9]);
    assert_eq!(decode(&bytes, &FIT).unwrap(), whole);
}

#[test]
fn bytes_after_the_end_of_a_jpeg_do_no_harm() {
    let mut bytes = read("photo.jpg");
    let whole = decode(&bytes, &FIT).unwrap();
    bytes.extend(b"trailer");
    assert_eq!(decode(&bytes, &FIT).unwrap(), whole);
}

#[test]
fn any_image_cut_in_half_is_refused() {
    for (path, bytes) in images() {
        // Of an animation the first frame is taken, and half a file may hold all of it.
        if path.file_stem().is_some_and(|name| name == "animated") {
            continue;
        }
        for percent in [20, 50, 66, 80] {
            let end = bytes.len() * percent / 100;
            let found = decode(&bytes[..end], &FIT);
            assert!(found.is_err(), "{} cut at {end} was read", path.display());
        }
    }
}

#[test]
fn a_size_beyond_reason_is_refused_before_memory_is_taken() {
    // The PNG header claims 100,000 columns, or 39,000 each way; there is a checksum after it.
    for (width, height) in [(100_000_u32, 1_u32), (1, 40_001), (39_000, 39_000)] {
        let mut bytes = read("rgb.png");
        bytes[16..20].copy_from_slice(&width.to_be_bytes());
        bytes[20..24].copy_from_slice(&height.to_be_bytes());
        let checksum = crc32(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
        let error = decode(&bytes, &FIT).unwrap_err();
        assert_eq!(error, DecodeError::TooLarge { width, height });
    }
    let mut bytes = read("rgb.jpg");
    let frame = bytes
        .windows(2)
        .position(|pair| pair == [0xFF, 0xC0])
        .unwrap();
    bytes[frame + 5..frame + 9].copy_from_slice(&[0xFF, 0xFF, 0xFF, 0xFF]);
    let error = decode(&bytes, &FIT).unwrap_err();
    assert!(
        matches!(error, DecodeError::TooLarge { width: 65535, .. }),
        "{error}"
    );
}

#[test]
fn an_image_without_pixels_is_refused() {
    let mut bytes = read("rgb.bmp");
    bytes[18..22].copy_from_slice(&0_u32.to_le_bytes());
    assert!(decode(&bytes, &FIT).is_err());
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn mutated_files_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        thread_local!(static IMAGES: Vec<(PathBuf, Vec<u8>)> = images());
        let mut bytes = IMAGES.with(|images| which.get(images).1.clone());
        for (place, value) in changes {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(pixels) = decode(&bytes, &FIT) {
            prop_assert_eq!(pixels.rgb.len(), 16 * 16 * 3);
        }
    }
}
