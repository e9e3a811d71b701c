//! A safetensors file is read or refused, and holds no more than its length allows.

#![no_main]

use std::path::Path;

use finial_formats::{Checkpoint, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let source = Source::from(bytes.to_vec());
    let Ok(file) = Checkpoint::from_source(&source, Path::new("fuzzed")) else {
        return;
    };
    let mut numbers = 0;
    for tensor in file.tensors() {
        if let Ok(tensor) = tensor.read() {
            numbers += tensor.values().len();
        }
    }
    assert!(numbers * 4 <= bytes.len() * 64 + (1 << 20));
});
