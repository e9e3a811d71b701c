//! The configuration of a Keras model: any JSON is read or refused, in bounded memory and time.
#![no_main]

use std::path::Path;

use finial_formats::Source;
use finial_formats::keras::{ImportOptions, import_from};
use libfuzzer_sys::fuzz_target;

/// Numbers for the layers of the seeds.
const WEIGHTS: &[u8] = include_bytes!("../../crates/formats/tests/fixtures/hdf5/small.weights.h5");

fuzz_target!(|config: &[u8]| {
    let options = ImportOptions {
        size: Some([8, 8]),
        output: None,
    };
    let source = Source::from(archive(config));
    let _ = import_from(source, Path::new("fuzz.keras"), &options);
});

/// A zip archive of the two entries, stored.
fn archive(config: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    let entries = [("config.json", config), ("model.weights.h5", WEIGHTS)];
    for (name, content) in entries {
        let at = bytes.len() as u32;
        let size = (content.len() as u32).to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0];
        common.extend(size);
        common.extend(size);
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (at, size) = (bytes.len() as u32, directory.len() as u32);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0\x02\0\x02\0");
    bytes.extend(size.to_le_bytes());
    bytes.extend(at.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}
